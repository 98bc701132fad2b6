"""What a small chain is deciding, in the layout of SDK 0.47 and later: read, refused where it is wrong, and begun.

Operator one is bonded with 2,999,997 units for 3,000,000 shares: bob holds a unit less than 1,600,000 of them, carol
400,000, alice a trace that is worth nothing.  # R1.6 R2.11
"""

import copy
import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from governance.calls import AddDeposit, CastVote
from governance.progress import proposal_at
from governance.proposals import Standing
from governance.reading import outlook
from governance.tables import HISTORY, LEDGER, VOTES
from node.beginning import imported
from node.genesis.document import Genesis, Vote
from node.genesis.errors import GenesisInconsistent, GenesisMalformed, GenesisRefused
from node.genesis.reading import read_genesis
from node.rehearsal.world import World
from node.settings import parse_settings
from runtime import bech32

DRAFT, UPGRADE, EXPEDITED = 2, 3, 4
BOB, CAROL, OPERATOR = 1_599_998, 399_999, 2_999_997
"""Power: of the first two as delegators, of the third with all that is staked with it."""


def person(name: str) -> bytes:
    return sha256(name.encode()).digest()[:20]


def read(document: dict[str, Any]) -> Genesis:
    return read_genesis(json.dumps(document).encode(), "7")


@pytest.fixture
def world(theta: dict[str, Any], tmp_path: Path) -> Iterator[World]:
    genesis = imported(parse_settings("", {}), json.dumps(theta).encode(), "7", "cosmos")
    begun = World.create(tmp_path / "home", genesis)
    yield begun
    begun.close()


def standing_of(world: World, number: int) -> Standing:
    return proposal_at(world.overlay(), number)[1]


def test_open_proposals_are_read_with_their_votes_and_finished_ones_stay_behind(theta: dict[str, Any]) -> None:
    genesis = read(theta)
    draft, upgrade, expedited = genesis.proposals
    assert [(one.number, one.status, one.ends, one.rules) for one in genesis.proposals] == [
        (DRAFT, "deposit", 20, "regular"),
        (UPGRADE, "voting", 10, "regular"),
        (EXPEDITED, "voting", 8, "expedited"),
    ]
    assert genesis.next_proposal == 6
    assert set(upgrade.votes) == {
        Vote(voter=person("operator-one"), ballot="yes"),
        Vote(voter=person("bob"), ballot="yes=0.7,no=0.3"),
        Vote(voter=person("alice"), ballot="veto"),
        Vote(voter=person("dave"), ballot="abstain"),
    }
    assert (draft.title, draft.description, draft.proposer) == ("Meet", "On Friday.", person("alice"))
    assert expedited.votes == ()


def test_one_that_would_act_comes_as_words_that_say_so_and_nobody_withdraws_one_of_nobody(
    theta: dict[str, Any],
) -> None:
    upgrade = read(theta).proposals[1]
    assert upgrade.title == "Proposal 3"
    assert upgrade.description.startswith("(/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade: brought over as words alone")
    assert upgrade.description.endswith("\n\nTo v2.")
    assert upgrade.proposer == person("gov")


def test_the_rules_are_those_that_the_export_states(theta: dict[str, Any]) -> None:
    rules = read(theta).rules
    shared = {"quorum": ">= 167/500", "veto": "> 167/500", "initial_share": "1/4", "cancel_burn": "1/2"}
    shared |= {"burns": "vetoed no_quorum too_few_voters", "deposit_period": "28800"}
    assert (shared | {"deposit": "1000", "period": "28800", "threshold": "> 1/2"}).items() <= rules["regular"].items()
    hurried = {"deposit": "5000", "period": "14400", "threshold": "> 667/1000", "turns_into": "regular"}
    assert (shared | hurried).items() <= rules["expedited"].items()


def test_what_burns_nothing_says_so_instead_of_taking_the_usual_rule(theta: dict[str, Any]) -> None:
    theta["app_state"]["gov"]["params"] |= {"burn_vote_quorum": False, "burn_vote_veto": False}
    assert read(theta).rules["regular"]["burns"].split() == []


def test_words_too_long_for_this_chain_are_cut_and_noted(theta: dict[str, Any]) -> None:
    theta["app_state"]["gov"]["proposals"][1] |= {"title": "t" * 200, "summary": "s" * 10_200}
    genesis = read(theta)
    assert (len(genesis.proposals[0].title), len(genesis.proposals[0].description)) == (140, 10_000)
    assert "open proposals with more words than fit, cut: 1" in genesis.source.notes


def test_a_weighted_vote_counts_by_its_weights_and_one_without_power_not_at_all(world: World) -> None:
    standing = standing_of(world, UPGRADE)
    votes = {key[1]: vote for key, vote in world.overlay().scan(VOTES, (UPGRADE,))}
    assert set(votes) == {person("bob"), person("operator-one")}
    assert votes[person("bob")].parts == (BOB * 7 // 10, BOB - BOB * 7 // 10, 0, 0)
    assert votes[person("operator-one")].parts == (OPERATOR - BOB, 0, 0, 0)
    assert (standing.tally.counted, standing.tally.voters) == (OPERATOR, 2)


def test_a_delegator_who_votes_later_takes_his_part_out_of_his_validator_s_vote(world: World) -> None:
    what, before = proposal_at(world.overlay(), UPGRADE)
    world.host(person("carol"), "governance.vote", CastVote(proposal=UPGRADE, option="no", effect=what.effect))
    world.must()
    tally = standing_of(world, UPGRADE).tally
    assert (tally.yes, tally.no) == (before.tally.yes - CAROL, before.tally.no + CAROL)


def test_a_draft_gathers_the_rest_of_its_deposit_and_is_voted_on_for_a_whole_period(world: World) -> None:
    assert (standing_of(world, DRAFT).gathered, standing_of(world, DRAFT).due) == (600, 20)
    world.host(person("bob"), "governance.deposit", AddDeposit(proposal=DRAFT, amount=10_000))
    world.must()
    world.block()
    standing = standing_of(world, DRAFT)
    assert (standing.status, standing.gathered, standing.depositors) == ("voting", 1_000, 2)
    assert standing.closes - standing.opened + 1 == 28_800


def test_a_draft_that_nobody_completes_lapses_by_the_export_s_rule(world: World) -> None:
    world.forward(20)
    standing = standing_of(world, DRAFT)
    assert (standing.status, standing.refunded, standing.burned) == ("expired", 600, 0)


def test_an_expedited_vote_that_fails_goes_on_by_the_regular_rules(world: World) -> None:
    what, _ = proposal_at(world.overlay(), EXPEDITED)
    world.host(person("bob"), "governance.vote", CastVote(proposal=EXPEDITED, option="yes", effect=what.effect))
    no = CastVote(proposal=EXPEDITED, option="no", effect=what.effect)
    world.host(person("operator-one"), "governance.vote", no)
    world.must()
    world.forward(8)
    what, standing = proposal_at(world.overlay(), EXPEDITED)
    assert (standing.status, standing.turned, standing.closes) == ("voting", True, 28_800)
    assert outlook(what, standing).reason == "passed", "53 % are enough for a regular one"


@pytest.mark.parametrize(("burns", "burned"), [(True, 5_000), (False, 0)])
def test_a_missed_quorum_burns_where_the_export_says_so(
    theta: dict[str, Any], tmp_path: Path, burns: bool, burned: int
) -> None:
    gov = theta["app_state"]["gov"]
    gov["params"]["burn_vote_quorum"] = burns
    gov["proposals"][3]["expedited"] = False
    world = World.create(tmp_path / "home", read(theta))
    world.forward(20)
    assert standing_of(world, UPGRADE).status == "executed"
    missed = standing_of(world, EXPEDITED)
    assert (missed.status, missed.burned, missed.refunded) == ("rejected", burned, 5_000 - burned)
    ledger = world.overlay().get(LEDGER, ())
    assert ledger is not None
    assert (ledger.taken, ledger.held, ledger.burned) == (6_600, 0, burned)
    world.close()


def test_the_next_proposal_takes_the_number_that_it_would_have_taken_there(world: World) -> None:
    assert world.last_proposal() == 5
    steps = [step.reason for _, step in world.overlay().scan(HISTORY, (UPGRADE,))]
    assert steps == ["submitted", "funded", "voting_opened"]


def test_our_own_document_brings_them_to_another_home_with_the_same_root(
    theta: dict[str, Any], world: World, tmp_path: Path
) -> None:
    written = read_genesis(world.genesis.canonical(), "not used")
    assert written == world.genesis
    again = World.create(tmp_path / "again", written)
    assert again.application.info().app_root == world.application.info().app_root
    again.close()


def test_a_count_that_passes_already_is_looked_at_in_the_first_block_where_its_rules_end_votes_early(
    theta: dict[str, Any], tmp_path: Path
) -> None:
    own = json.loads(read(theta).canonical())
    own["rules"]["regular"].update(early="yes", confirm="2")
    world = World.create(tmp_path / "home", read(own))
    statuses = []
    for height in (1, 2, 3):
        world.forward(height)
        statuses.append(standing_of(world, UPGRADE).status)
    assert statuses == ["confirm", "confirm", "timelock"]
    world.close()


def test_a_draft_whose_rules_leave_the_deposit_to_this_chain_s_parameter_is_begun(
    theta: dict[str, Any], tmp_path: Path
) -> None:
    own = json.loads(read(theta).canonical())
    del own["rules"]["regular"]["deposit"]
    own["parameters"]["min_deposit"] = "700"
    world = World.create(tmp_path / "home", read(own))
    what, standing = proposal_at(world.overlay(), DRAFT)
    assert (what.track.deposit, standing.gathered, standing.status) == (700, 600, "deposit")
    world.close()


Gov = dict[str, Any]


def nobody(prefix: str = "cosmos") -> str:
    return bech32.encode(prefix, person("nobody"))


DAMAGES: dict[str, tuple[Callable[[Gov], object], type[GenesisRefused], str]] = {
    "an unknown voter": (
        lambda gov: gov["votes"][0].update(voter=nobody()), GenesisInconsistent, "gov.votes[0]: no account"),
    "a vote on a draft": (
        lambda gov: gov["votes"][1].update(proposal_id="2"), GenesisInconsistent, "gov.votes[1]: a vote on proposal 2"),
    "a vote on a finished one": (
        lambda gov: gov["votes"][1].update(proposal_id="1"), GenesisInconsistent, "gov.votes[1]: a vote on proposal 1"),
    "a voter twice": (
        lambda gov: gov["votes"].append(gov["votes"][0]), GenesisInconsistent, "gov.votes[4]: this voter has voted"),
    "an unknown option": (
        lambda gov: gov["votes"][0]["options"][0].update(option="VOTE_OPTION_MAYBE"),
        GenesisMalformed, "gov.votes[0].options[0].option"),
    "an option twice": (
        lambda gov: gov["votes"][0].update(options=[{"option": "VOTE_OPTION_YES", "weight": "0.5"}] * 2),
        GenesisMalformed, "gov.votes[0].options[1].option"),
    "weights below one": (
        lambda gov: gov["votes"][0]["options"][0].update(weight="0.9"), GenesisMalformed, "gov.votes[0].options"),
    "no option": (lambda gov: gov["votes"][0].update(options=[]), GenesisMalformed, "gov.votes[0].options"),
    "an unknown depositor": (
        lambda gov: gov["deposits"][0].update(depositor=nobody()), GenesisInconsistent, "gov.deposits[0]: no account"),
    "a depositor twice": (
        lambda gov: gov["deposits"].append(gov["deposits"][0]), GenesisInconsistent, "gov.deposits[4]: this depositor"),
    "a deposit for a finished one": (
        lambda gov: gov["deposits"][0].update(proposal_id="1"), GenesisInconsistent, "gov.deposits[0]: a deposit for"),
    "deposits of another sum": (
        lambda gov: gov["proposals"][2]["total_deposit"][0].update(amount="999"),
        GenesisInconsistent, "gov.proposals[2].total_deposit: the file states 999"),
    "a draft with all its deposit": (
        lambda gov: gov["params"]["min_deposit"][0].update(amount="600"), GenesisInconsistent, "proposals[0].status"),
    "more deposits than are held": (
        lambda gov: (gov["deposits"][2]["amount"][0].update(amount="1001"),
                     gov["proposals"][2]["total_deposit"][0].update(amount="1001")),
        GenesisInconsistent, "deposits: 6601 coins"),
    "a proposal twice": (
        lambda gov: gov["proposals"].append(gov["proposals"][2]), GenesisMalformed, "gov.proposals[4]: proposal 3"),
    "a vote over before genesis": (
        lambda gov: gov["proposals"][2].update(voting_end_time="2024-01-01T00:00:00Z"),
        GenesisInconsistent, "gov.proposals[2].voting_end_time"),
    "a vote without an end": (
        lambda gov: gov["proposals"][2].update(voting_end_time=None),
        GenesisMalformed, "gov.proposals[2].voting_end_time"),
    "an unknown status": (
        lambda gov: gov["proposals"][2].update(status="PROPOSAL_STATUS_ODD"),
        GenesisMalformed, "gov.proposals[2].status"),
    "an unknown proposer": (
        lambda gov: gov["proposals"][3].update(proposer=nobody()), GenesisInconsistent, "gov.proposals[3]: no account"),
    "a number that is to come": (
        lambda gov: gov.update(starting_proposal_id="4"), GenesisInconsistent, "proposals[2].number"),
    "a quorum of all": (
        lambda gov: gov["params"].update(quorum="1.000000000000000000"), GenesisMalformed, "gov.params.quorum"),
    "a period of no duration": (
        lambda gov: gov["params"].update(voting_period="2 days"), GenesisMalformed, "gov.params.voting_period"),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_to_what_is_decided_is_refused_with_its_place(theta: dict[str, Any], what: str) -> None:
    damage, error, place = DAMAGES[what]
    damage(theta["app_state"]["gov"])
    with pytest.raises(error) as raised:
        read(theta)
    assert place in str(raised.value)
    assert "\n" not in str(raised.value)


OURS: dict[str, tuple[Callable[[dict[str, Any]], object], type[GenesisRefused], str]] = {
    "votes out of order": (
        lambda own: own["proposals"][1]["votes"].reverse(), GenesisInconsistent, "proposals[1].votes[1]"),
    "proposals out of order": (lambda own: own["proposals"].reverse(), GenesisInconsistent, "proposals[1]"),
    "a stranger's vote": (
        lambda own: own["proposals"][1].update(votes=[{"voter": nobody("syn"), "ballot": "yes"}]),
        GenesisInconsistent, "proposals[1].votes[0].voter"),
    "a ballot that is none": (
        lambda own: own["proposals"][1]["votes"][0].update(ballot="yes=0.6,no=0.6"),
        GenesisMalformed, "proposals[1].votes[0].ballot"),
    "an end at genesis": (lambda own: own["proposals"][1].update(ends="0"), GenesisInconsistent, "proposals[1].ends"),
    "a draft with votes": (
        lambda own: own["proposals"][1].update(status="deposit"), GenesisInconsistent, "proposals[1].votes"),
    "rules that are not there": (
        lambda own: own["proposals"][1].update(rules="odd"), GenesisInconsistent, "proposals[1].rules"),
    "rules unknown": (lambda own: own["rules"]["regular"].update(odd="1"), GenesisInconsistent, "rules.regular.odd"),
    "a rule by a parameter": (
        lambda own: own["rules"]["regular"].update(quorum=">= quorum_threshold"),
        GenesisInconsistent, "rules.regular.quorum"),
    "an emergency": (
        lambda own: own["rules"]["regular"].update(urgent="yes"), GenesisInconsistent, "rules.regular.urgent"),
    "a turn to nowhere": (
        lambda own: own["rules"]["regular"].update(turns_into="odd"), GenesisInconsistent, "rules.regular.turns_into"),
    "a turn that counts otherwise": (
        lambda own: own["rules"].update(
            odd={**own["rules"]["regular"], "turns_into": "regular", "validator_delegations": "left"}),
        GenesisInconsistent, "rules.odd.turns_into"),
    "a deposit of nothing": (
        lambda own: own["deposits"][0].update(coins="0"), GenesisInconsistent, "deposits[0].coins"),
    "a deposit for nothing": (
        lambda own: own["deposits"][0].update(proposal="1"), GenesisInconsistent, "deposits[0].proposal"),
    "a proposer nobody knows": (
        lambda own: own["proposals"][0].update(proposer=nobody("syn")), GenesisInconsistent, "proposals[0].proposer"),
}  # fmt: skip


@pytest.mark.parametrize("what", OURS)
def test_damage_to_our_own_document_is_refused_with_its_place(theta: dict[str, Any], what: str) -> None:
    damage, error, place = OURS[what]
    own = json.loads(read(copy.deepcopy(theta)).canonical())
    damage(own)
    with pytest.raises(error) as raised:
        read(own)
    assert f"at {place}:" in str(raised.value)
