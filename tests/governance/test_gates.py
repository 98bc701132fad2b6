"""What lies between a vote and its effect: gates, a second vote, a predecessor that has not taken effect."""

from __future__ import annotations

from governance.calls import Cancel
from governance.gates import Approve
from governance.lifecycle import Status
from governance.proposals import AppointReviewers, TreasurySpend
from governance.tables import GUARDIAN, PARTICIPATION, REVIEWERS, Guardian, Mark
from tests.governance.spending import FIRST, SECOND, SPEND, STRANGER, THIRD, fund_treasury, spend_on, votes
from tests.governance.world import World, minor_bundle, person

# gates


def approve(world: World, sender: bytes, name: str, proposal: int, **changes: object) -> str:
    what = world.what(proposal)
    args = Approve(proposal=proposal, bundle=what.bundle, effect=what.effect)
    return world.call(sender, name, args.but(**changes))


def reviewed(world: World, **rules: str) -> int:
    for number in (20, 21, 22):
        world.overlay.put(REVIEWERS, (person(number),), Mark())
    gates = {"reviews": "2", "review_period": "6", "implementation": ">= 1/2", "implementation_period": "5"}
    proposal = spend_on(world, **{**gates, **rules})
    votes(world, proposal, "yes", "yes", "yes", "no")
    world.close(proposal)
    return proposal


def test_reviewers_and_then_the_yes_voters_approve_before_the_timelock(world: World) -> None:
    proposal = reviewed(world)
    assert world.status(proposal) is Status.REVIEW
    assert approve(world, person(20), "review", proposal) == "ok"
    world.end_block()
    assert world.status(proposal) is Status.REVIEW
    assert approve(world, person(21), "review", proposal) == "ok"
    world.end_block()
    assert world.status(proposal) is Status.IMPLEMENTATION
    assert approve(world, FIRST, "approve_implementation", proposal) == "ok"
    world.end_block()
    assert world.status(proposal) is Status.IMPLEMENTATION, "a third of the yes power is not half"
    assert approve(world, SECOND, "approve_implementation", proposal) == "ok"
    approved = world.height
    world.end_block()
    assert world.status(proposal) is Status.TIMELOCK
    assert world.standing(proposal).effective == approved + 10
    world.run_to(approved + 11)
    assert world.status(proposal) is Status.EXECUTED


def test_a_review_that_does_not_come_in_time_expires_the_proposal(world: World) -> None:
    proposal = reviewed(world)
    assert approve(world, person(20), "review", proposal) == "ok"
    world.run_to(world.standing(proposal).due + 1)
    assert (world.status(proposal), world.standing(proposal).reason) == (Status.EXPIRED, "not_reviewed")


def test_an_implementation_that_its_voters_do_not_approve_expires(world: World) -> None:
    proposal = reviewed(world, reviews="0")
    assert world.status(proposal) is Status.IMPLEMENTATION
    assert approve(world, FIRST, "approve_implementation", proposal) == "ok"
    world.run_to(world.standing(proposal).due + 1)
    assert (world.status(proposal), world.standing(proposal).reason) == (Status.EXPIRED, "not_implemented")


def test_a_gate_names_what_was_voted_for(world: World) -> None:
    proposal = reviewed(world)
    assert approve(world, person(20), "review", proposal, bundle=bytes(32)) == "other_bundle"
    assert approve(world, person(20), "review", proposal, effect=bytes(32)) == "other_effect"


def test_an_upgrade_is_planned_only_behind_its_gates(world: World) -> None:
    world.track("upgrade", reviews="1", review_period="20")
    world.overlay.put(REVIEWERS, (STRANGER,), Mark())
    world.publish(FIRST, minor_bundle())
    proposal = world.proposed(FIRST, world.upgrade(minor_bundle()))
    world.open(proposal)
    votes(world, proposal, "yes", "yes", "yes", "yes")
    world.close(proposal)
    assert (world.status(proposal), world.standing(proposal).plan) == (Status.REVIEW, 0)
    assert approve(world, STRANGER, "review", proposal) == "ok"
    world.end_block()
    assert (world.status(proposal), world.standing(proposal).plan) == (Status.TIMELOCK, 1)


def test_a_vote_names_the_reviewers_anew(world: World) -> None:
    world.overlay.put(REVIEWERS, (FIRST,), Mark())
    world.executed(world.proposed(FIRST, AppointReviewers(reviewers=(SECOND, THIRD))))
    assert {key[0] for key, _ in world.overlay.scan(REVIEWERS)} == {SECOND, THIRD}
    assert world.propose(FIRST, AppointReviewers(reviewers=(THIRD, SECOND))) == "nothing_changes"


# stages


def test_an_approved_exploration_goes_on_to_a_promotion_with_an_electorate_of_its_own(world: World) -> None:
    world.track("promotion", delay="1", deposit="0")
    proposal = spend_on(world, then="promotion", timelock="10")
    votes(world, proposal, "yes", "yes", "yes", "yes")
    world.close(proposal)
    world.run_to(world.standing(proposal).effective + 1)
    assert (world.status(proposal), world.standing(proposal).reason) == (Status.EXECUTED, "goes_on_in_promotion")
    following = proposal + 1
    assert world.what(following).follows == proposal
    assert world.what(following).content == world.what(proposal).content
    assert world.votes(following) == {}
    world.bond(FIRST, 700)
    world.executed(following)
    assert world.standing(following).electors.power == 1_000
    assert world.balance(STRANGER) == 10_007


def test_a_promotion_that_fails_does_nothing(world: World) -> None:
    world.track("promotion", delay="1", deposit="0")
    proposal = spend_on(world, then="promotion")
    votes(world, proposal, "yes", "yes", "yes", "yes")
    world.close(proposal)
    world.run_to(world.standing(proposal).effective + 1)
    world.open(proposal + 1)
    world.close(proposal + 1)
    assert world.status(proposal + 1) is Status.REJECTED
    assert world.balance(STRANGER) == 10_000


def test_a_moving_quorum_follows_the_turnout_of_votes_before(world: World) -> None:
    """Tezos: 20 % + 70 % of 50 % at first; a full turnout moves participation to (8 x 70 % + 2 x 100 %) / 10."""
    proposal = spend_on(world, quorum=">= moving 2000 7000", min_voters="1")
    assert world.standing(proposal).participation == 7_000
    votes(world, proposal, "yes", "yes")
    world.close(proposal)
    assert world.standing(proposal).reason == "no_quorum", "50 % of 55 %"
    row = world.overlay.get(PARTICIPATION, ())
    assert row is not None and row.average == (8 * 7_000 + 2 * 5_000) // 10
    other = world.proposed(SECOND, SPEND)
    world.open(other)
    assert world.standing(other).participation == 6_600
    votes(world, other, "yes", "yes", "yes")
    world.close(other)
    assert world.status(other) is Status.TIMELOCK


# predecessors


def test_what_is_to_follow_another_waits_until_that_has_taken_effect(world: World) -> None:
    world.track("ordinary", timelock="0")
    fund_treasury(world)
    first = world.proposed(FIRST, SPEND, track="ordinary")
    second = world.proposed(SECOND, TreasurySpend(recipient=STRANGER, amount=1), after=first)
    world.open(second)
    votes(world, second, "yes", "yes", "yes")
    world.run_to(world.standing(second).closes)
    votes(world, first, "yes", "yes", "yes")
    world.end_block()
    world.end_block()
    assert world.standing(first).status == Status.EXECUTED
    assert world.standing(second).status == Status.EXECUTED, "in the same block, after it"


def test_it_waits_through_its_grace_for_a_slower_one_and_fails_with_a_failed_one(world: World) -> None:
    fund_treasury(world)
    first = world.proposed(FIRST, SPEND)
    world.track("ordinary", timelock="0")
    second = world.proposed(SECOND, TreasurySpend(recipient=STRANGER, amount=1), after=first)
    world.open(first)
    for proposal in (first, second):
        votes(world, proposal, "yes", "yes", "yes")
    world.close(first)
    world.end_block()
    assert (world.status(second), world.standing(second).reason) == (Status.TIMELOCK, "predecessor_waits")
    world.overlay.put(GUARDIAN, (), Guardian(address=STRANGER))
    assert world.call(STRANGER, "guardian_cancel", Cancel(proposal=first)) == "ok"
    world.run_to(world.standing(second).expires + 1)
    assert (world.status(second), world.standing(second).reason) == (Status.FAILED, "predecessor_over")
    assert world.balance(STRANGER) == 10_000


def explored(world: World) -> tuple[int, int]:
    """A spend that has gone on to its promotion, and one that is to follow it, whose own timelock is over."""
    fund_treasury(world)
    world.track("promotion", delay="1", deposit="0")
    world.track("ordinary", then="promotion", timelock="0")
    first = world.proposed(FIRST, SPEND)
    world.track("ordinary", then="", timelock="1")
    second = world.proposed(SECOND, TreasurySpend(recipient=STRANGER, amount=1), after=first)
    world.open(first)
    for proposal in (first, second):
        votes(world, proposal, "yes", "yes", "yes")
    world.close(first)
    world.end_block()
    assert (world.status(first), world.standing(first).goes_on) == (Status.EXECUTED, second + 1)
    return first, second


def test_what_is_to_follow_an_exploration_waits_for_its_promotion(world: World) -> None:
    """Only the promotion does what was explored: found by the lives' machine."""
    first, second = explored(world)
    world.end_block()
    assert (world.status(second), world.standing(second).reason) == (Status.TIMELOCK, "predecessor_waits")
    assert world.balance(STRANGER) == 10_000
    world.executed(world.standing(first).goes_on)
    world.run_to(world.standing(second).due + 1)
    assert world.status(second) is Status.EXECUTED
    assert world.balance(STRANGER) == 10_008


def test_what_is_to_follow_an_exploration_fails_with_its_promotion(world: World) -> None:
    first, second = explored(world)
    promotion = world.standing(first).goes_on
    world.open(promotion)
    world.close(promotion)
    assert world.status(promotion) is Status.REJECTED
    world.run_to(world.standing(second).due + 1)
    assert (world.status(second), world.standing(second).reason) == (Status.FAILED, "predecessor_over")
    assert world.propose(THIRD, TreasurySpend(recipient=STRANGER, amount=2), after=first) == "predecessor_over"
