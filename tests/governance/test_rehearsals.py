"""Attested rehearsals: heights fixed for a plan, words of validators, and the gate that judges them.  # N1"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.agenda import rehearsals_due
from governance.attestations import Attest, Readiness, RehearsalResult, TableRoot, heights_of
from governance.lifecycle import Status
from governance.proposals import CancelUpgrade
from governance.rehearsals import LEAST_SPAN
from governance.tables import ATTESTATIONS, PINS, READINESS, Pins
from governance.verdict import Judgment, Said, Verdict, judge
from runtime.plans import (
    ANOTHER_RUNS,
    CANCELLED,
    EXPIRED,
    FAILED,
    HISTORY,
    POSTPONED,
    RUNNING,
    SCHEDULED,
    SUPERSEDED,
    Plan,
)
from tests.governance.world import World, minor_bundle, person

Make = Callable[..., World]
FIRST, SECOND, THIRD, FOURTH = VALIDATORS = tuple(person(number) for number in range(1, 5))
GATED = {"rehearsal_gate": 1, "timelock_delay": 40, "postponement": 30, "max_postponements": 2}
PLAN = 1


def scheduled(make_world: Make, **parameters: int) -> World:
    """A world whose first plan is pending and gated."""
    world = make_world(parameters={**GATED, **parameters})
    world.publish(FIRST, minor_bundle())
    world.passed(world.proposed(FIRST, world.upgrade(minor_bundle())))
    return world


def plan(world: World) -> Plan:
    return world.context_for(b"").coordinator.plan(PLAN)


def readiness(world: World) -> Readiness:
    row = world.overlay.get(READINESS, (PLAN,))
    assert row is not None
    return row


def result(height: int, root: int = 1, code: str = "") -> RehearsalResult:
    tables = () if code else (TableRoot(name="bank.accounts", root=bytes([root]) * 32),)
    return RehearsalResult(
        plan=PLAN,
        code_hash=minor_bundle().code_hash,
        height=height,
        runtime_root=bytes(32),
        tables=tables,
        within_limits=not code,
        code=code,
    )


def attest(world: World, validator: bytes, said: RehearsalResult) -> str:
    return world.call(validator, "attest", Attest(result=said, milliseconds=1_000))


def attested(world: World, *words: RehearsalResult | None) -> None:
    """Go past the first height and let validators say these in order; None says nothing. Then past the gate."""
    row = readiness(world)
    world.run_to(row.first + 1)
    for validator, said in zip(VALIDATORS, words, strict=False):
        if said is not None:
            assert attest(world, validator, said.but(height=row.first)) == "ok"
    world.run_to(row.gate + 1)


def history(world: World, height: int) -> str:
    entry = world.overlay.get(HISTORY, (height, PLAN))
    return "" if entry is None else f"{entry.kind} {entry.reason}"


def test_a_pending_plan_has_its_heights_between_now_and_the_activation(make_world: Make) -> None:
    world = scheduled(make_world)
    row = readiness(world)
    scheduled_at = world.height - 1
    assert (plan(world).gated, plan(world).cleared) == (True, b"")
    assert scheduled_at < row.first < row.second < row.gate < plan(world).activation
    assert row == Readiness(
        proposal=1,
        first=plan(world).activation - 20,
        second=plan(world).activation - 10,
        gate=plan(world).activation - 5,
        electors=row.electors,
    )


@given(st.integers(LEAST_SPAN, 200_000), st.integers(4, 10**6), st.integers(2, 10**6), st.integers(1, 10**6))
def test_the_three_heights_keep_their_order_whatever_is_asked(span: int, lead: int, again: int, gate: int) -> None:
    first, second, last = heights_of(1_000, 1_000 + span, max(lead, again, gate), max(again, gate), gate)
    assert 1_000 < first <= second <= last < 1_000 + span


def test_more_than_two_thirds_of_all_power_on_one_result_clear_the_plan(make_world: Make) -> None:
    world = scheduled(make_world)
    said = result(0)
    attested(world, said, said, said, result(0, root=2))
    assert plan(world).cleared == said.but(height=readiness(world).first).digest
    assert (plan(world).state, readiness(world).verdict) == (SCHEDULED, Verdict.CLEARED)


def test_a_later_word_takes_the_place_of_the_earlier_one(make_world: Make) -> None:
    world = scheduled(make_world)
    row = readiness(world)
    world.run_to(row.first + 1)
    for validator in VALIDATORS:
        assert attest(world, validator, result(row.first, code="out_of_steps")) == "ok"
    world.run_to(row.second + 1)
    for validator in VALIDATORS[:3]:
        assert attest(world, validator, result(row.second)) == "ok"
        assert attest(world, validator, result(row.first)) == "already_attested"
    world.run_to(row.gate + 1)
    assert plan(world).cleared == result(row.second).digest


def test_more_than_two_thirds_on_failure_end_the_plan_before_its_height(make_world: Make) -> None:
    world = scheduled(make_world)
    attested(world, result(0, code="division_by_zero"), result(0, code="division_by_zero"), result(0, code="other"))
    assert (plan(world).state, world.height) == (FAILED, readiness(world).gate + 1)
    assert history(world, readiness(world).gate) == f"{FAILED} division_by_zero"
    world.run_to(plan(world).activation + 1)
    assert world.status(1) is Status.FAILED


@pytest.mark.parametrize("code", ["superseded", None])
def test_a_plan_whose_gate_comes_under_another_runtime_is_superseded_whatever_is_attested(
    make_world: Make, code: str | None
) -> None:
    world = make_world(parameters=GATED)
    before = world.balance(FIRST)
    world.publish(FIRST, minor_bundle())
    world.passed(world.proposed(FIRST, world.upgrade(minor_bundle())))
    running = world.overlay.get(RUNNING, ())
    assert running is not None
    world.overlay.put(RUNNING, (), running.but(code_hash=bytes(32)))
    attested(world, *[None if code is None else result(0, code=code)] * 4)
    assert (plan(world).state, readiness(world).verdict) == (SUPERSEDED, Verdict.SUPERSEDED)
    assert history(world, readiness(world).gate) == f"{SUPERSEDED} {ANOTHER_RUNS}"
    world.run_to(plan(world).activation + 1)
    assert (world.status(1), world.balance(FIRST)) == (Status.SUPERSEDED, before)


def test_silence_is_no_veto_it_postpones_and_at_last_the_half_that_spoke_decides(make_world: Make) -> None:
    world = scheduled(make_world)
    activation = plan(world).activation
    for postponed in (1, 2):
        attested(world, result(0), result(0))
        assert (plan(world).state, plan(world).activation) == (SCHEDULED, activation + 30 * postponed)
        assert (world.standing(1).effective, world.standing(1).due) == (plan(world).activation,) * 2
        assert readiness(world).postponed == postponed
        assert readiness(world).verdict == Verdict.TOO_FEW
    attested(world, result(0), result(0))
    assert plan(world).cleared == result(readiness(world).first).digest


def test_divergence_postpones_with_the_evidence_on_chain(make_world: Make) -> None:  # I10
    world = scheduled(make_world)
    gate = readiness(world).gate
    attested(world, result(0), result(0), result(0, root=2), result(0, root=2))
    assert history(world, gate) == f"{POSTPONED} rehearsals_diverged"
    words = [row.result for _, row in world.overlay.scan(ATTESTATIONS, (PLAN, 0))]
    assert len(words) == 4
    assert len(set(words)) == 2
    assert world.status(1) is Status.TIMELOCK


def test_a_plan_on_which_nobody_agrees_expires_and_its_deposit_returns(make_world: Make) -> None:
    world = scheduled(make_world, max_postponements=0)
    attested(world, result(0), result(0, root=2), result(0, root=3))
    assert plan(world).state == EXPIRED
    world.run_to(plan(world).activation + 1)
    assert world.status(1) is Status.EXPIRED
    assert world.balance(FIRST) == 10_000


def test_less_than_half_of_all_power_never_clears_alone(make_world: Make) -> None:
    world = scheduled(make_world, max_postponements=0)
    attested(world, result(0))
    assert plan(world).state == EXPIRED


def test_power_is_that_of_the_first_height_whatever_moves_later(make_world: Make) -> None:
    world = scheduled(make_world)
    row = readiness(world)
    world.run_to(row.first + 1)
    world.bond(person(9), 10_000)
    world.end_block()
    assert attest(world, person(9), result(row.first)) == "no_power"
    world.bond(FIRST, 0)
    world.end_block()
    for validator in VALIDATORS[:3]:
        assert attest(world, validator, result(row.first)) == "ok"
    world.run_to(row.gate + 1)
    assert plan(world).cleared == result(row.first).digest


def test_a_cancelled_plan_leaves_nothing_due_and_no_electorate_pinned(make_world: Make) -> None:
    world = scheduled(make_world)
    world.run_to(readiness(world).first + 2)
    world.passed(world.emergency(FIRST, CancelUpgrade(upgrade=1)))
    world.run_to(world.height + 3)
    assert plan(world).state == CANCELLED
    assert world.overlay.get(PINS, ()) in (None, Pins())
    attempt = attest(world, FIRST, result(readiness(world).first))
    assert attempt == "no_rehearsal_open"
    world.run_to(readiness(world).gate + 3)
    assert readiness(world).verdict == ""


def test_a_plan_that_ends_in_the_block_of_its_gate_is_not_judged(make_world: Make) -> None:
    world = scheduled(make_world)
    row = readiness(world)
    world.run_to(row.first + 1)
    for validator in VALIDATORS:
        assert attest(world, validator, result(row.first)) == "ok"
    world.run_to(row.gate)
    context = world.context_for(b"")
    context.coordinator.cancel(PLAN, "a test")
    world.governance.end_block(context, {})
    assert (plan(world).state, plan(world).cleared) == (CANCELLED, b"")
    assert readiness(world).verdict == ""
    assert world.overlay.get(PINS, ()) in (None, Pins())
    assert list(rehearsals_due(world.overlay, 10**6)) == []


def test_a_plan_whose_turn_comes_too_late_to_rehearse_is_given_the_time(make_world: Make) -> None:
    world = scheduled(make_world)
    second = world.proposed(SECOND, world.upgrade(minor_bundle()))
    world.passed(second)
    waiting = world.context_for(b"").coordinator.plan(2)
    world.run_to(waiting.activation - 2)
    world.context_for(b"").coordinator.cancel(PLAN, "a test")
    context = world.context_for(b"")
    context.coordinator.queue_changed = True
    world.governance.end_block(context, {})
    row = world.overlay.get(READINESS, (2,))
    assert row is not None
    assert world.height < row.first < row.gate < world.context_for(b"").coordinator.plan(2).activation


powers = st.lists(
    st.tuples(st.integers(1, 100), st.sampled_from("ABC"), st.sampled_from(("", "", "x", "y"))), max_size=8
)


@given(powers, st.integers(0, 300), st.booleans())
def test_the_verdict_is_never_bought_with_less_than_it_takes(
    words: list[tuple[int, str, str]], silent: int, last: bool
) -> None:
    said = [Said(power, name.encode(), code) for power, name, code in words]
    everyone = sum(one.power for one in said) + silent
    judgment = judge(said, everyone, last)
    agreeing = sum(one.power for one in said if not one.code and one.result == judgment.result)
    failing = sum(one.power for one in said if one.code)
    if judgment.verdict is Verdict.CLEARED:
        assert agreeing * 3 > 2 * everyone or (last and 2 * agreeing >= everyone)
    if judgment.verdict is Verdict.FAILED:
        assert failing * 3 > 2 * everyone
        assert judgment.code in {one.code for one in said}
    assert (judgment.verdict is Verdict.EXPIRED) <= last
    assert judge(list(reversed(said)), everyone, last) == judgment, "the order of the words decides nothing"


def test_nobody_at_all_postpones_and_then_expires() -> None:
    assert judge([], 100, last=False) == Judgment(Verdict.TOO_FEW)
    assert judge([], 100, last=True) == Judgment(Verdict.EXPIRED)
