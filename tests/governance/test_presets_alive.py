"""Each preset on a chain, with its periods made short and all else as it is: what passes takes effect, what does not
ends, and deposits go where the preset says."""

from __future__ import annotations

import pytest

from governance.lifecycle import Status
from governance.presets import PRESETS
from governance.proposals import Isolate, Statement, TreasurySpend
from governance.tables import COUNTERS
from governance.tracks import TrackRow
from governance.tracktable import put_tracks
from runtime.address import module_address
from tests.governance.world import World, person

FIRST = person(1)
PAID = person(30)
SPEND = TreasurySpend(recipient=PAID, amount=7)
PERIODS = ("delay", "period", "confirm", "timelock", "deposit_period")
LEAST = {"delay": 1, "period": 5, "deposit_period": 5}
A_DAY_IS = 14_400 // 4


def short(row: TrackRow) -> TrackRow:
    """A row with a day of four blocks, and a deposit that the people of a test have."""
    texts = {name: getattr(row, name) for name in (*PERIODS, "deposit")}
    blocks = {
        name: str(max(LEAST.get(name, 0), -(-int(text) // A_DAY_IS)))
        for name, text in texts.items()
        if text.isdigit() and name != "deposit"
    }
    deposit = {"deposit": str(min(int(texts["deposit"]), 1_000))} if texts["deposit"].isdigit() else {}
    return row.but(**blocks, **deposit)


@pytest.fixture
def chain(make_world, request: pytest.FixtureRequest) -> World:
    preset = PRESETS[request.param]
    world = make_world(parameters=dict(preset.parameters))
    put_tracks(world.overlay, {name: short(row) for name, row in preset.tracks.items()}, preset.routes)
    bank = world.runtime.tables["bank.accounts"]
    world.overlay.put(bank, (module_address("treasury"),), bank.record(balance=100))
    return world



def proposed(world: World, content: object = SPEND) -> int:
    """Propose with the deposit of the track, whatever that is."""
    for deposit in (1_000, 0):
        if world.propose(FIRST, content, deposit=deposit) == "ok":
            counters = world.overlay.get(COUNTERS, ())
            assert counters is not None
            return counters.last
    raise AssertionError(world.propose(FIRST, content, deposit=1_000))


def decided(world: World, proposal: int, *options: str) -> Status:
    """Let people vote once it is open, and go on until nothing is to come, or a second vote has begun."""
    voted = False
    for _ in range(400):
        standing = world.standing(proposal)
        if Status(standing.status).is_final:
            return Status(standing.status)
        if standing.is_open(world.height) and not voted:
            voted = True
            for voter, option in zip(world.voters, options, strict=False):
                assert world.vote(voter, proposal, option) == "ok"
        world.end_block()
    raise AssertionError(f"it is in {standing.status} for ever")


every_preset = pytest.mark.parametrize("chain", sorted(PRESETS), indirect=True)


@every_preset
def test_a_spend_that_everybody_wants_is_paid_and_its_deposit_given_back(chain: World) -> None:
    proposal = proposed(chain)
    assert decided(chain, proposal, "yes", "yes", "yes", "yes") is Status.EXECUTED
    if chain.what(proposal).track.then:
        assert decided(chain, proposal + 1, "yes", "yes", "yes", "yes") is Status.EXECUTED
    assert chain.balance(PAID) == 10_007
    assert chain.balance(FIRST) == 10_000


@every_preset
def test_a_spend_that_nobody_votes_on_is_not_paid(chain: World) -> None:
    proposal = proposed(chain)
    lost = chain.standing(proposal).initial if "rejected" in chain.what(proposal).track.burns_initial else 0
    assert decided(chain, proposal) is Status.REJECTED
    assert (chain.balance(PAID), chain.balance(FIRST)) == (10_000, 10_000 - lost)


@every_preset
def test_a_vetoed_spend_burns_its_deposit_where_there_is_a_veto(chain: World, request: pytest.FixtureRequest) -> None:
    proposal = proposed(chain)
    track = chain.what(proposal).track
    status = decided(chain, proposal, "yes", "veto", "veto", "veto")
    has_veto = request.node.callspec.params["chain"] in ("default", "cosmos")
    assert status is (Status.VETOED if has_veto else Status.REJECTED)
    burned = track.deposit if status is Status.VETOED else chain.standing(proposal).burned
    assert chain.balance(FIRST) == 10_000 - burned


@every_preset
def test_an_emergency_takes_effect_in_time_whatever_the_preset(chain: World) -> None:
    proposal = chain.emergency(FIRST, Isolate(module="faucet"))
    assert decided(chain, proposal, "yes", "yes", "yes", "yes") is Status.EXECUTED
    assert chain.standing(proposal).ended < 100


@every_preset
def test_an_opinion_is_asked_for(chain: World) -> None:
    assert decided(chain, proposed(chain, Statement()), "no", "no", "no", "no") is Status.REJECTED
