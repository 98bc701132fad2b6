"""The Hub's two open proposals: its votes, counted on a chain that begins with its export.  # R1.6 R2.11

The count is held against x/gov's way to count, written apart: each validator's tokens are shared out by shares, a
delegator's own vote comes out of its validator, and only then is anything rounded.
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from governance.agenda import pulse_of
from governance.calls import CastVote
from governance.electorate import electors_at
from governance.progress import proposal_at
from governance.reading import outlook
from governance.shares import inherited, inheriting, shares
from governance.tables import DEPOSITS, LEDGER, PINS, TRACK_STATES, VOTES, Deposit, Ledger, Pins, TrackState
from node.beginning import imported
from node.genesis.document import Genesis
from node.genesis.reading import read_genesis
from node.rehearsal.world import World
from node.settings import parse_settings
from runtime import bech32
from runtime.errors import HostRefused
from runtime.purse import SUPPLY

OPTIONS = {"Yes": "yes", "No": "no", "Abstain": "abstain", "NoWithVeto": "veto"}
BONDED = 121_093_128_551_286
UNITS = {
    4: (29_083_733_525_751, 8_550_813_456_747, 0, 5_891_077_424_181),
    5: (92_304_644_273_391, 3_332_530_513_668, 302_549_210_682, 3_909_244_891_739),
}
"""Of all bonded: yes, no, abstain, veto."""
VOTES_CAST = {4: 38, 5: 82}
ENDS = {4: (37, 99_858, "no_quorum"), 5: (80, 149_881, "passed")}
"""Voters who have any power, the last height at which votes count, and what the close says of these votes."""
DEPOSITED = {4: 512_000_001, 5: 513_000_000}
SOON = {4: ("2019-04-22T17:01:00Z", 10), 5: ("2019-04-22T17:01:07Z", 12)}
"""Nearer ends, a minute and 67 seconds after the genesis time, and the heights that they come to."""


@pytest.fixture(scope="module")
def export(hub_file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(hub_file.read_bytes())
    return document


@pytest.fixture(scope="module")
def begun(hub_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The chain as it begins, with the rules of its own export."""
    genesis = imported(parse_settings("", {}), hub_file.read_bytes(), "1", "cosmos")
    world = World.create(tmp_path_factory.mktemp("hub") / "home", genesis)
    yield world
    world.close()


@pytest.fixture(scope="module")
def soon(export: dict[str, Any]) -> Genesis:
    """The same chain, had its votes a minute left."""
    gov = export["app_state"]["gov"]
    proposals = [
        {**one, "voting_end_time": SOON.get(int(one["proposal_id"]), (one["voting_end_time"],))[0]}
        for one in gov["proposals"]
    ]
    state = {**export["app_state"], "gov": {**gov, "proposals": proposals}}
    return read_genesis(json.dumps({**export, "app_state": state}).encode(), "1")


def said_in(export: dict[str, Any], number: int) -> dict[bytes, str]:
    """The export's votes on a proposal."""
    votes = [one["vote"] for one in export["app_state"]["gov"]["votes"] if one["proposal_id"] == str(number)]
    return {bech32.decode(vote["voter"])[1]: OPTIONS[vote["option"]] for vote in votes}


def exact_count(hub: Genesis, said: dict[bytes, str], operators: bool = False) -> dict[str, Fraction]:
    """What x/gov counts, unrounded; since 2019 ``operators`` take along what they delegate to other validators."""
    left = {one.operator: Fraction(one.tokens) for one in hub.validators if one.bonded}
    rate = {one.operator: Fraction(one.tokens, one.shares) for one in hub.validators if one.bonded}
    counts = dict.fromkeys(OPTIONS.values(), Fraction(0))
    for part in hub.delegations:
        if part.owner in said and part.validator in left and (operators or part.owner not in left):
            coins = part.shares * rate[part.validator]
            left[part.validator] -= coins
            counts[said[part.owner]] += coins
    for operator, coins in left.items():
        if operator in said:
            counts[said[operator]] += coins
    return counts


@pytest.mark.parametrize("number", [4, 5])
def test_the_hub_s_open_proposals_are_counted_as_x_gov_counts(
    begun: World, hub: Genesis, export: dict[str, Any], number: int
) -> None:
    view, cast = begun.overlay(), said_in(export, number)
    what, standing = proposal_at(view, number)
    document = next(one for one in begun.genesis.proposals if one.number == number)
    assert {vote.voter: vote.ballot for vote in document.votes} == cast
    assert len(cast) == VOTES_CAST[number]
    tally, exact = standing.tally, exact_count(hub, cast)
    rounded = sum(part.owner in cast for part in hub.delegations)
    traced = list(shares(view, number, standing.snapshot))
    assert sum(share.power for share in traced) == standing.electors.power == BONDED
    for place, option in enumerate(OPTIONS.values()):
        units = getattr(tally, option)
        assert units == sum(share.parts[place] for share in traced)
        assert abs(units - exact[option]) <= rounded, "less than a unit for each delegation that is voted"
    assert (tally.yes, tally.no, tally.abstain, tally.veto) == UNITS[number]
    assert (tally.voters, standing.closes, outlook(what, standing).reason) == ENDS[number]


@pytest.mark.parametrize("number", [4, 5])
def test_every_unit_of_the_hub_s_power_is_traced_to_whose_it_is(begun: World, number: int) -> None:
    view = begun.overlay()
    _, standing = proposal_at(view, number)
    counted = list(shares(view, number, standing.snapshot))
    silent = inheriting(view, number, standing.snapshot, b"", 10**6)
    assert silent.last is None and len(silent.shares) > 100
    validators = {share.address: share for share in counted if share.staked}
    of_all = inherited(view, standing.snapshot, set(validators), 10**6)
    assert of_all is not None
    parts = dict.fromkeys(validators, 0)
    assert not any(one.delegated for one in validators.values()), "what validators delegate stays with the others"
    for share in (*silent.shares, *validators.values()):
        for part in (*share.delegated, *share.left):
            if part.power:  # none with a validator that is not bonded
                parts[part.validator] += part.power
    assert parts == {address: of_all[address] - one.taken for address, one in validators.items()}
    by_validators = sum(
        one.staked - of_all[address] + parts[address] for address, one in validators.items() if one.vote is not None
    )
    themselves = sum(part.power for one in counted if one.vote is not None for part in one.delegated)
    assert by_validators + themselves == standing.tally.counted


@pytest.mark.parametrize(("number", "turnout", "passes"), [(4, "38.05", False), (5, "82.59", True)])
def test_x_gov_of_today_would_come_to_the_same_verdicts(
    hub: Genesis, export: dict[str, Any], number: int, turnout: str, passes: bool
) -> None:
    counts = exact_count(hub, said_in(export, number), operators=True)
    counted = sum(counts.values())
    assert f"{float(100 * counted / BONDED):.2f}" == turnout
    decided = counted - counts["abstain"]
    vetoed, approved = counts["veto"] > counted * Fraction(334, 1000), counts["yes"] > decided / 2
    assert (counted >= BONDED * Fraction(2, 5) and not vetoed and approved) == passes
    assert (ENDS[number][2] == "passed") == passes


def test_they_stand_as_if_they_had_been_proposed_at_genesis(begun: World, export: dict[str, Any]) -> None:
    view = begun.overlay()
    for number, row in zip((4, 5), export["app_state"]["gov"]["proposals"][3:], strict=True):
        what, standing = proposal_at(view, number)
        assert (what.words.title, what.words.description) == tuple(
            row["proposal_content"]["value"][key] for key in ("title", "description")
        )
        assert (standing.status, standing.opened, standing.snapshot, standing.due) == (
            "voting", 1, 0, ENDS[number][1],
        )  # fmt: skip
        assert standing.electors == electors_at(view, 0)
        votes = [vote for _, vote in view.scan(VOTES, (number,))]
        assert (len(votes), {(vote.height, vote.own) for vote in votes}) == (ENDS[number][0], {(0, 1)})
    assert view.get(PINS, ()) == Pins(heights=(0, 0))
    assert pulse_of(view).next_due == ENDS[4][1]
    assert view.get(TRACK_STATES, ("regular",)) == TrackState(open=2, voting=2)
    assert begun.last_proposal() == 5


def test_their_deposits_are_held_by_the_host_and_no_coin_is_made_or_lost(begun: World, hub: Genesis) -> None:
    view = begun.overlay()
    held = sum(DEPOSITED.values())
    assert view.get(LEDGER, ()) == Ledger(taken=held, held=held)
    rows = dict(view.scan(DEPOSITS))
    assert rows == {(one.proposal, one.depositor): Deposit(amount=one.coins) for one in hub.deposits}
    for number, coins in DEPOSITED.items():
        standing = proposal_at(view, number)[1]
        mine = [row.amount for key, row in rows.items() if key[0] == number]
        assert (standing.gathered, standing.depositors, sum(mine)) == (coins, len(mine), coins)
    supply = view.get(SUPPLY, ())
    assert supply is not None
    assert (supply.total, supply.held) == (hub.supply, held)


def test_proposals_made_there_take_the_export_s_rules_with_the_cosmos_preset(begun: World) -> None:
    rules = begun.genesis.rules["regular"]
    stated = {"quorum": ">= 2/5", "threshold": "> 1/2", "veto": "> 167/500", "deposit": "512000000"}
    stated |= {"period": "201600", "deposit_period": "201600", "burns": "vetoed rejected unfunded"}
    assert stated.items() <= rules.items()
    assert begun.genesis.tracks["regular"] == rules
    assert begun.genesis.routes["text"] == ("regular",), "the Hub of 2019 had no expedited proposals"


def test_beside_another_preset_they_keep_the_rules_they_began_under(
    hub_file: Path, begun: World, tmp_path: Path
) -> None:
    genesis = imported(parse_settings("", {}), hub_file.read_bytes(), "1", "opengov")
    world = World.create(tmp_path / "home", genesis)
    for number in (4, 5):
        (what, standing), (kept, other) = (proposal_at(one.overlay(), number) for one in (begun, world))
        assert kept.track == what.track.but(name=genesis.routes["text"][0])
        assert (other.tally, other.due) == (standing.tally, standing.due)
    world.close()


def test_they_close_at_their_heights_and_their_deposits_go_where_x_gov_sends_them(
    soon: Genesis, tmp_path: Path
) -> None:
    world = World.create(tmp_path / "home", soon)
    for number, (_, ends) in SOON.items():
        world.forward(ends - 1)
        assert proposal_at(world.overlay(), number)[1].status == "voting"
        world.close()
        world = World.open(tmp_path / "home", soon)
        world.block()
        standing = proposal_at(world.overlay(), number)[1]
        assert (standing.reason, standing.tally.voters) == (ENDS[number][2], ENDS[number][0])
    world.block()
    rejected, passed = (proposal_at(world.overlay(), number)[1] for number in (4, 5))
    assert (rejected.status, rejected.burned, rejected.refunded) == ("rejected", DEPOSITED[4], 0)
    assert (passed.status, passed.burned, passed.refunded) == ("executed", 0, DEPOSITED[5])
    view, owners = world.overlay(), [one.depositor for one in soon.deposits if one.proposal == 5]
    assert view.get(LEDGER, ()) == Ledger(taken=sum(DEPOSITED.values()), refunded=DEPOSITED[5], burned=DEPOSITED[4])
    before = {account.address: account.balance for account in soon.accounts}
    table, field = view_of_purse(world)
    refunds = [getattr(view.get(table, (owner,)), field) - before[owner] for owner in owners]
    assert sorted(refunds) == sorted(one.coins for one in soon.deposits if one.proposal == 5)
    supply = view.get(SUPPLY, ())
    assert supply is not None
    assert (supply.total, supply.held) == (soon.supply - DEPOSITED[4], 0)
    assert list(view.scan(DEPOSITS)) == []
    world.close()


def view_of_purse(world: World) -> tuple[Any, str]:
    loaded = world.application.chain.loaded
    port = loaded.declaration.manifest.ports.purse
    assert port is not None
    return loaded.tables[port.table], port.field


def test_voters_change_their_votes_to_the_last_block_and_two_homes_agree(soon: Genesis, tmp_path: Path) -> None:
    roots = []
    for folder in ("one", "other"):
        world = World.create(tmp_path / folder, soon)
        what, before = proposal_at(world.overlay(), 4)
        voters = sorted(
            (key[1] for key, vote in world.overlay().scan(VOTES, (4,)) if vote.option == "yes" and vote.weight > 10**12)
        )
        world.forward(SOON[4][1] - 1)
        for voter in voters:
            world.host(voter, "governance.vote", CastVote(proposal=4, option="veto", effect=what.effect))
        world.must()
        after = proposal_at(world.overlay(), 4)[1]
        assert (after.tally.voters, after.tally.counted) == (before.tally.voters, before.tally.counted)
        assert after.tally.veto > before.tally.veto
        late = CastVote(proposal=4, option="no", effect=what.effect)
        world.host(voters[0], "governance.vote", late)
        with pytest.raises(HostRefused, match="voting_closed"):
            world.must()
        roots.append(world.application.info().app_root)
        world.close()
    assert roots[0] == roots[1]
