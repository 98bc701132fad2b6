"""Upgrades and emergencies: what governance hands to the coordinator, and how it follows it.  # R1.5 R1.6 R1.10 N5"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from governance.bars import Bar
from governance.calls import PublishChunk
from governance.lifecycle import Status
from governance.proposals import CancelUpgrade, Isolate, Pause, Resume, Rollback, Statement, UpgradePlan
from governance.tables import HISTORY, PROPOSALS
from runtime.bundle.archive import Bundle
from runtime.bundles import BUNDLES
from runtime.coordinator import Coordinator
from runtime.plans import FAILED, SUPERSEDED, Replaying
from runtime.registry import REGISTRY
from tests.governance.world import (
    World,
    breaking_bundle,
    changed_bundle,
    loaded,
    minor_bundle,
    one_way_bundle,
    person,
    without_faucet,
)

Make = Callable[..., World]
FIRST, SECOND, THIRD, FOURTH = (person(number) for number in range(1, 5))


def coordinator(world: World) -> Coordinator:
    return world.context_for(b"").coordinator


def proposed_upgrade(world: World, **changes: object) -> int:
    world.publish(FIRST, minor_bundle())
    return world.proposed(FIRST, world.upgrade(minor_bundle(), **changes))


def in_force(world: World, window: int = 100) -> int:
    """An upgrade that was approved and runs since the block before the present one."""
    proposal = proposed_upgrade(world)
    world.passed(proposal)
    world.run_to(world.standing(proposal).effective)
    world.flip(world.standing(proposal).plan, loaded(minor_bundle()), window)
    world.end_block()
    return proposal


def test_an_approved_upgrade_is_scheduled_at_the_close_for_after_its_timelock(world: World) -> None:
    proposal = proposed_upgrade(world)
    assert world.what(proposal).bundle == minor_bundle().code_hash
    world.passed(proposal)
    standing = world.standing(proposal)
    plan = coordinator(world).plan(standing.plan)
    assert plan.proposal == proposal
    assert plan.activation == standing.effective == standing.closes + 10
    assert plan.effect == world.what(proposal).effect


def test_a_longer_activation_delay_is_kept(world: World) -> None:
    proposal = proposed_upgrade(world, activation_delay=25)
    world.passed(proposal)
    assert world.standing(proposal).effective == world.standing(proposal).closes + 25


def test_nothing_activates_before_a_vote_approves_it(world: World) -> None:
    proposal = proposed_upgrade(world)
    world.open(proposal)
    world.vote(FIRST, proposal, "yes")
    world.close(proposal)
    assert world.status(proposal) is Status.REJECTED
    assert coordinator(world).pending() is None


def test_an_upgrade_ends_executed_when_its_plan_did_and_the_registry_names_it(world: World) -> None:
    proposal = in_force(world)
    assert world.status(proposal) is Status.EXECUTED
    entry = world.overlay.get(REGISTRY, ("bank",))
    assert (entry.version, entry.proposal) == ("1.1.0", proposal)
    assert world.balance(FIRST) == 10_000


@pytest.mark.parametrize(("end", "status"), [(FAILED, Status.FAILED), (SUPERSEDED, Status.SUPERSEDED)])
def test_an_upgrade_ends_as_its_plan_ends_and_the_deposit_returns(world: World, end: str, status: Status) -> None:
    proposal = proposed_upgrade(world)
    world.passed(proposal)
    world.run_to(world.standing(proposal).effective)
    coordinator(world).end(world.standing(proposal).plan, end, reason="because")
    world.end_block()
    assert world.status(proposal) is status
    assert world.balance(FIRST) == 10_000


def test_a_plan_that_moves_is_followed_to_its_new_height(world: World) -> None:
    proposal = proposed_upgrade(world)
    world.passed(proposal)
    first = world.standing(proposal).effective
    world.run_to(first + 3)
    assert world.status(proposal) is Status.TIMELOCK
    assert world.standing(proposal).effective > first


def test_an_upgrade_compared_with_a_runtime_that_is_gone_is_superseded_at_the_close(world: World) -> None:
    world.publish(FIRST, minor_bundle())
    other = changed_bundle({"bank.py": (("Refuses none, and more", "Refuses none and more"),)}, "1.0.1")
    world.publish(SECOND, other)
    first = world.proposed(FIRST, world.upgrade(minor_bundle()))
    world.run_to(11)
    second = world.proposed(SECOND, world.upgrade(other))
    world.passed(first)
    world.flip(world.standing(first).plan, loaded(minor_bundle()))
    for voter in world.voters:
        world.vote(voter, second, "yes")
    world.close(second)
    assert world.status(second) is Status.SUPERSEDED
    assert world.standing(second).reason == "another_runtime_runs"


def test_the_breaking_track_asks_for_its_own_initial_deposit(world: World) -> None:
    world.track("breaking", deposit="9000")
    world.publish(FIRST, breaking_bundle())
    assert world.propose(FIRST, world.upgrade(breaking_bundle()), deposit=1_000) == "deposit_too_small"
    assert world.propose(FIRST, world.upgrade(breaking_bundle()), deposit=2_250) == "ok"


@pytest.mark.parametrize("made", [breaking_bundle, one_way_bundle])
def test_an_upgrade_that_breaks_or_has_no_way_back_goes_to_the_breaking_track_by_itself_and_needs_more(  # N7
    world: World, made: Callable[[], Bundle]
) -> None:
    world.publish(FIRST, made())
    proposal = world.proposed(FIRST, world.upgrade(made()))
    assert world.what(proposal).track.name == "breaking"
    world.open(proposal)
    for voter, option in ((FIRST, "yes"), (SECOND, "yes"), (THIRD, "yes"), (FOURTH, "no")):
        world.vote(voter, proposal, option)
    world.close(proposal)
    assert world.status(proposal) is Status.TIMELOCK, "three quarters is enough, less is not"
    assert world.what(proposal).track.threshold == Bar.constant(3, 4)


@pytest.mark.parametrize(
    ("bundle", "code"),
    [
        (lambda: changed_bundle({}, "0.9.0"), "not_newer"),
        (lambda: changed_bundle({}, "3.0.0"), "skipped_major"),
        (
            lambda: changed_bundle({"bundle.toml": (('chain = "synod-test"', 'chain = "kusama"'),)}, "1.1.0"),
            "wrong_chain",
        ),
        (lambda: changed_bundle({"bundle.toml": (('name = "faucet"', 'name = "host"'),)}, "1.1.0"), "reserved_name"),
        (lambda: changed_bundle({"bank.py": (("coins == 0", "coins.__class__ == 0"),)}, "1.1.0"), None),
    ],
)
def test_a_bundle_that_cannot_work_is_refused_at_submission(
    world: World, bundle: Callable, code: str | None
) -> None:  # I1
    made = bundle()
    world.publish(FIRST, made)
    before = world.rows()
    content = world.upgrade(minor_bundle(), code_hash=made.code_hash)
    refused = world.propose(FIRST, content)
    assert refused != "ok" and refused in (code or refused,)
    assert world.rows() == before
    assert world.overlay.get(BUNDLES, (made.code_hash,)) is None


def test_a_bundle_whose_bytes_are_missing_or_other_is_refused(world: World) -> None:  # I12
    content = world.upgrade(minor_bundle())
    assert world.propose(FIRST, content) == "bundle_missing"
    chunk = PublishChunk(code_hash=minor_bundle().code_hash, index=0, total=1, data=b"other bytes")
    assert world.call(FIRST, "publish_chunk", chunk) == "ok"
    assert world.propose(FIRST, content) in ("bundle_malformed", "wrong_hash")


def test_an_effect_other_than_the_one_voted_on_is_not_scheduled(world: World) -> None:  # A2 N6
    proposal = proposed_upgrade(world)
    world.open(proposal)
    for voter in world.voters:
        world.vote(voter, proposal, "yes")
    world.overlay.put(PROPOSALS, (proposal,), world.what(proposal).but(effect=bytes(32)))
    world.close(proposal)
    assert (world.status(proposal), world.standing(proposal).reason) == (Status.FAILED, "wrong_effect")
    assert coordinator(world).pending() is None


def test_the_registry_forgets_a_module_that_an_upgrade_took_away(world: World) -> None:
    proposal = proposed_upgrade(world)
    world.passed(proposal)
    world.run_to(world.standing(proposal).effective)
    world.flip(world.standing(proposal).plan, loaded(without_faucet()))
    world.end_block()
    assert world.overlay.get(REGISTRY, ("faucet",)) is None
    assert world.overlay.get(REGISTRY, ("bank",)).version == "2.0.0"


def test_a_plan_that_tells_the_truth_is_kept(world: World) -> None:
    plan = UpgradePlan(from_version="1.0.0", to_version="1.1.0", estimated_duration=20, requires_pause=True)
    proposal = proposed_upgrade(world, plan=(plan,), modules=("bank",))
    assert world.what(proposal).content.value.plan == (plan,)


def test_a_module_that_neither_runs_nor_comes_is_no_target(world: World) -> None:
    world.publish(FIRST, minor_bundle())
    assert world.propose(FIRST, world.upgrade(minor_bundle(), modules=("exchange",))) == "unknown_target"


def test_an_emergency_cancels_a_plan_and_both_deposits_are_settled(world: World) -> None:
    proposal = proposed_upgrade(world, activation_delay=60)
    world.passed(proposal)
    stopping = world.emergency(SECOND, CancelUpgrade(upgrade=proposal))
    world.executed(stopping)
    assert world.status(stopping) is Status.EXECUTED
    assert world.status(proposal) is Status.CANCELLED
    assert world.standing(proposal).reason == f"cancelled_by_{stopping}"
    assert coordinator(world).pending() is None
    assert world.ledger().held == 0


def test_a_rollback_is_decided_within_the_window_and_told_in_the_upgrade_s_history(world: World) -> None:  # R2.12
    upgrade = in_force(world)
    proposal = world.emergency(SECOND, Rollback(upgrade=upgrade))
    world.executed(proposal)
    assert coordinator(world).window().rollback_at == world.height
    assert coordinator(world).window().rollback_proposal == proposal
    reasons = [row.reason for _, row in world.overlay.scan(HISTORY, (upgrade,))]
    assert reasons[-1] == f"rollback_by_{proposal}"
    assert world.status(upgrade) is Status.EXECUTED


def test_a_rollback_that_nobody_voted_for_stands_in_the_upgrade_s_history_too(world: World) -> None:
    upgrade = in_force(world)
    window = coordinator(world).window()
    assert window is not None
    replayed = Replaying(window=window, next=world.height, root_before=bytes(32), root_after=bytes(32))
    coordinator(world).end_replay(replayed)
    world.reconcile = True
    world.end_block()
    assert [row.reason for _, row in world.overlay.scan(HISTORY, (upgrade,))][-1] == "rolled_back"
    assert world.status(upgrade) is Status.EXECUTED


def test_a_rollback_that_was_decided_meanwhile_fails_with_its_reason(world: World) -> None:
    upgrade = in_force(world)
    proposal = world.emergency(SECOND, Rollback(upgrade=upgrade))
    world.passed(proposal)
    coordinator(world).roll_back(0, "probation")
    world.run_to(world.standing(proposal).effective + 1)
    assert world.status(proposal) is Status.FAILED
    assert world.standing(proposal).reason == "already_decided"


def test_votes_to_roll_back_count_by_the_power_before_the_upgrade(world: World) -> None:  # N5
    upgrade = in_force(world)
    since = coordinator(world).window().activation
    for voter in world.voters:
        world.bond(voter, 0)
    world.bond(person(20), 10**9)
    world.run_to(world.height + 3)
    assert world.propose(person(20), Rollback(upgrade=upgrade), deposit=0) == "below_power_floor"
    proposal = world.emergency(FIRST, Rollback(upgrade=upgrade))
    world.open(proposal)
    assert world.standing(proposal).snapshot == since - 1
    assert world.vote(person(20), proposal, "no") == "no_power"
    for voter in world.voters:
        assert world.vote(voter, proposal, "yes") == "ok"
    world.close(proposal)
    assert world.status(proposal) is Status.TIMELOCK


def test_in_the_window_a_stop_is_decided_and_ended_by_the_power_of_before(world: World) -> None:
    in_force(world)
    since = coordinator(world).running().since
    coordinator(world).pause("a test")
    world.bond(person(20), 10**9)
    world.end_block()
    for proposer, content in ((FIRST, Isolate(module="faucet")), (SECOND, Resume())):
        proposal = world.emergency(proposer, content)
        world.open(proposal)
        assert world.standing(proposal).snapshot == since - 1
        assert world.propose(person(20), content, deposit=0) == "below_power_floor"


def test_after_the_window_power_is_of_today_again(world: World) -> None:
    in_force(world)
    coordinator(world).close_window()
    world.bond(person(20), 10**9)
    world.end_block()
    proposal = world.emergency(person(20), Pause())
    world.open(proposal)
    assert world.standing(proposal).snapshot == world.height - 1


def test_the_chain_pauses_and_resumes_by_vote_and_governance_acts_meanwhile(world: World) -> None:
    world.executed(world.emergency(FIRST, Pause()))
    assert coordinator(world).safe_mode().on
    world.executed(world.emergency(FIRST, Resume()))
    assert not coordinator(world).safe_mode().on


def test_an_emergency_needs_more_than_an_ordinary_vote(world: World) -> None:
    proposal = world.emergency(FIRST, Pause())
    world.open(proposal)
    for voter, option in ((FIRST, "yes"), (SECOND, "yes"), (THIRD, "no")):
        world.vote(voter, proposal, option)
    world.close(proposal)
    assert (world.status(proposal), world.standing(proposal).reason) == (Status.REJECTED, "below_threshold")


def test_a_crowd_of_ordinary_proposals_does_not_hold_an_emergency_up(make_world: Make) -> None:
    world = make_world(parameters={"closings_per_block": 4, "max_open_per_proposer": 40, "calls_per_block": 64})
    for number in range(30):
        world.proposed(person(1 + number % 9), Statement())
    proposal = world.emergency(FIRST, Pause())
    expected = world.height + 2 + 6 + 2
    world.executed(proposal)
    assert world.height == expected + 1
    assert world.status(proposal) is Status.EXECUTED


def test_one_emergency_each_frees_up_when_it_ends(world: World) -> None:
    proposal = world.emergency(FIRST, Pause())
    assert world.cancel(FIRST, proposal) == "ok"
    assert world.propose(FIRST, Pause(), deposit=0) == "ok"
