"""Stops by vote, and the guardian: what it may do at once, for how long, and that it may do no more.  # A3 R1.10"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.calls import Cancel, GuardianIsolate, GuardianPause
from governance.electorate import standing_of
from governance.guardian import GUARDIAN_CANCELS, in_term
from governance.lifecycle import Status
from governance.proposals import (
    AppointGuardian,
    CancelUpgrade,
    Isolate,
    NewValue,
    ParameterChange,
    Pause,
    Resume,
    Statement,
    TreasurySpend,
)
from governance.tables import GUARDIAN, HISTORY, Guardian
from governance.tracktable import track_name
from runtime.plans import CANCELLED
from runtime.safe_mode import SafeMode, Stop
from storage.record import Record
from tests.governance.world import World, minor_bundle, person

FIRST, SECOND, WARDEN, STRANGER = person(1), person(2), person(30), person(31)
SPAN = 20
SPEND = TreasurySpend(recipient=STRANGER, amount=1)
Make = Callable[..., World]


@pytest.fixture
def guarded(make_world: Make) -> World:
    """A chain with a guardian who has no power."""
    world = make_world(parameters={"guardian_span": SPAN, "guardian_cancels": 3})
    world.overlay.put(GUARDIAN, (), Guardian(address=WARDEN))
    return world


def stopped(world: World) -> SafeMode:
    return world.context.coordinator.safe_mode()


def pause(world: World, until: int = 0, sender: bytes = WARDEN) -> str:
    return world.call(sender, "guardian_pause", GuardianPause(until=until))


def isolate(world: World, module: str, until: int = 0) -> str:
    return world.call(WARDEN, "guardian_isolate", GuardianIsolate(module=module, until=until))


def cancel(world: World, proposal: int) -> str:
    return world.call(WARDEN, "guardian_cancel", Cancel(proposal=proposal))


def guardian(world: World) -> Guardian:
    row = world.overlay.get(GUARDIAN, ())
    assert row is not None
    return row


def approved_upgrade(world: World) -> int:
    world.publish(FIRST, minor_bundle())
    proposal = world.proposed(FIRST, world.upgrade(minor_bundle()))
    world.passed(proposal)
    return proposal


def test_a_vote_isolates_one_module_and_a_vote_lifts_it(world: World) -> None:
    world.executed(world.emergency(FIRST, Isolate(module="faucet")))
    assert stopped(world).isolated == {"faucet"}
    assert world.propose(FIRST, Isolate(module="faucet"), deposit=0) == "stopped_already"
    assert world.propose(FIRST, Resume(), deposit=0) == "not_stopped"
    world.executed(world.emergency(FIRST, Resume(module="faucet")))
    assert not stopped(world).stops


def test_what_a_vote_stops_until_a_height_runs_again_by_itself(world: World) -> None:
    until = world.height + 15
    proposal = world.emergency(FIRST, Pause(until=until))
    world.executed(proposal)
    assert stopped(world).stops == (Stop(since=world.height - 1, until=until, reason=f"proposal {proposal}"),)
    world.run_to(until)
    assert stopped(world).on
    world.end_block()
    assert not stopped(world).stops
    assert world.events[-1].kind == "ChainResumed"


@pytest.mark.parametrize("module", ["governance", "host", "nothing"])
def test_only_modules_of_the_running_runtime_can_be_isolated(guarded: World, module: str) -> None:
    assert guarded.propose(FIRST, Isolate(module=module), deposit=0) == "unknown_target"
    assert isolate(guarded, module) == "unknown_target"
    assert guardian(guarded) == Guardian(address=WARDEN), "a refused call begins no term"


def test_a_stop_whose_end_passes_before_the_vote_takes_effect_fails(make_world: Make) -> None:
    world = make_world(parameters={"deposit_period": 40})
    content = Isolate(module="faucet", until=world.height + 30)
    proposal = world.proposed(FIRST, content, track="ordinary", deposit=250)
    world.run_to(world.height + 25)
    assert world.deposit(FIRST, proposal, 750) == "ok"
    world.executed(proposal)
    assert (world.status(proposal), world.standing(proposal).reason) == (Status.FAILED, "ends_too_soon")
    assert not stopped(world).stops


def test_the_guardian_stops_at_once_and_its_stops_end_with_its_term(guarded: World) -> None:
    begun = guarded.height
    assert isolate(guarded, "faucet", begun + 5) == "ok"
    assert [one.kind for one in guarded.events] == ["ModuleIsolated"]
    guarded.run_to(begun + 3)
    assert pause(guarded) == "ok"
    assert stopped(guarded).stops == (
        Stop(since=begun + 3, until=begun + SPAN, reason="guardian"),
        Stop(module="faucet", since=begun, until=begun + 5, reason="guardian"),
    )
    guarded.run_to(begun + 6)
    assert not stopped(guarded).isolated
    assert isolate(guarded, "faucet", begun + SPAN + 1) == "beyond_the_term"
    assert isolate(guarded, "faucet") == "ok", "within its term, once more"
    guarded.run_to(begun + SPAN + 1)
    assert not stopped(guarded).stops
    assert pause(guarded) == isolate(guarded, "faucet") == "guardian_rests"
    guarded.run_to(begun + 2 * SPAN)
    assert pause(guarded) == "ok"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 60), max_size=40))
def test_whatever_the_guardian_tries_it_stops_things_at_most_half_of_the_time(waits: list[int]) -> None:
    row, height, held = Guardian(address=WARDEN), 0, set()
    for wait in waits:
        height += wait
        serving = in_term(row, height, SPAN)
        if serving is not None:
            row = serving
            assert height <= row.term_ends <= height + SPAN
            held.update(range(height + 1, row.term_ends + 1))
    for began in sorted(held):
        assert len(held & set(range(began, began + 2 * SPAN))) <= SPAN


def test_a_vote_that_resumes_ends_the_term_and_to_appoint_the_guardian_again_gives_it_back(guarded: World) -> None:
    begun = guarded.height
    assert pause(guarded) == "ok"
    guarded.executed(guarded.emergency(FIRST, Resume()))
    assert guarded.height < begun + SPAN
    assert not stopped(guarded).stops
    assert pause(guarded) == "guardian_rests", "voters have decided"
    guarded.executed(guarded.proposed(FIRST, AppointGuardian(guardian=(WARDEN,))))
    assert guarded.height < begun + 2 * SPAN
    assert guardian(guarded) == Guardian(address=WARDEN)
    assert pause(guarded) == "ok"


def test_voters_make_the_guardian_s_stop_theirs_and_it_cannot_shorten_one_of_theirs(guarded: World) -> None:
    assert isolate(guarded, "faucet") == "ok"
    guarded.executed(guarded.emergency(FIRST, Isolate(module="faucet")))
    (stop,) = stopped(guarded).stops
    assert (stop.until, stop.reason[:8]) == (0, "proposal")
    assert isolate(guarded, "faucet") == "stopped_already"
    guarded.run_to(guarded.height + SPAN)
    assert stopped(guarded).isolated == {"faucet"}


def test_the_guardian_cancels_in_every_state_before_the_effect_and_the_deposit_goes_back(guarded: World) -> None:
    begun, balance = guarded.height, guarded.balance(FIRST)
    draft = guarded.proposed(FIRST, SPEND, deposit=250)
    delayed = guarded.proposed(FIRST, ParameterChange(values=(NewValue(name="fee_floor", number=2),)))
    assert cancel(guarded, draft) == cancel(guarded, delayed) == "ok"
    upgrade = approved_upgrade(guarded)
    plan = guarded.standing(upgrade).plan
    assert cancel(guarded, upgrade) == "ok"
    assert guarded.context.coordinator.plan(plan).state == CANCELLED
    for proposal in (draft, delayed, upgrade):
        standing = guarded.standing(proposal)
        assert (standing.status, standing.reason) == (Status.CANCELLED, "cancelled_by_guardian")
        assert "cancelled_by_guardian" in [row.reason for _, row in guarded.overlay.scan(HISTORY, (proposal,))]
    assert guarded.balance(FIRST) == balance
    another = guarded.proposed(SECOND, SPEND)
    assert cancel(guarded, another) == "guardian_cancelled_enough"
    guarded.run_to(begun + SPAN)
    assert cancel(guarded, another) == "ok"


def test_a_voted_through_spend_is_cancelled_in_its_timelock(guarded: World) -> None:
    proposal = guarded.proposed(FIRST, SPEND)
    guarded.passed(proposal)
    assert cancel(guarded, proposal) == "ok"
    guarded.run_to(guarded.height + 60)
    assert guarded.status(proposal) is Status.CANCELLED


def test_the_guardian_cannot_touch_what_stops_undoes_or_replaces(guarded: World) -> None:
    upgrade = approved_upgrade(guarded)
    stopping = [Pause(), Isolate(module="faucet"), CancelUpgrade(upgrade=upgrade), AppointGuardian(), Statement()]
    for number, content in enumerate(stopping, 1):
        urgent = track_name(guarded.overlay, "", content) == "emergency"
        proposal = guarded.proposed(person(number), content, deposit=0 if urgent else 1_000)
        assert cancel(guarded, proposal) == "not_the_guardians"
    assert GUARDIAN_CANCELS & {type(content) for content in stopping} == set()


def test_nobody_else_is_the_guardian_and_the_guardian_has_no_other_power(guarded: World) -> None:
    spend = guarded.proposed(FIRST, SPEND)
    assert pause(guarded, sender=FIRST) == "not_the_guardian"
    guarded.open(spend)
    assert guarded.vote(WARDEN, spend, "no") == "no_power"
    assert guarded.propose(WARDEN, Resume(), deposit=0) == "below_power_floor"
    assert guarded.cancel(WARDEN, spend) == "not_the_proposer"


def test_only_the_ordinary_track_appoints_and_the_one_before_is_out_at_once(guarded: World) -> None:
    appointed: Record = AppointGuardian(guardian=(STRANGER,))
    assert guarded.propose(FIRST, appointed, track="emergency", deposit=0) == "wrong_track"
    guarded.executed(guarded.proposed(FIRST, appointed))
    assert (pause(guarded), pause(guarded, sender=STRANGER)) == ("not_the_guardian", "ok")
    assert guarded.propose(FIRST, AppointGuardian(guardian=(WARDEN,))) == "ok"
    guarded.executed(guarded.proposed(FIRST, AppointGuardian()))
    assert guarded.overlay.get(GUARDIAN, ()) is None
    assert pause(guarded, sender=STRANGER) == "not_the_guardian"
    assert guarded.propose(FIRST, AppointGuardian()) == "nothing_changes"


def test_what_the_guardian_sends_waits_behind_nobody(guarded: World) -> None:
    guarded.end_block()
    ranks = [standing_of(guarded.overlay, voter, guarded.height) for voter in (*guarded.voters, WARDEN)]
    assert ranks[-1] == max(ranks) > max(ranks[:-1])
