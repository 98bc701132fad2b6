"""What a track's rules make of a proposal's life: places, confirming, extension, turning regular, gates, stages."""

from __future__ import annotations

import pytest

from governance.bars import BILLION
from governance.calls import Cancel
from governance.gates import Approve
from governance.lifecycle import Status
from governance.proposals import (
    AppointGuardian,
    AppointReviewers,
    Batch,
    FeatureSwitch,
    Message,
    NewValue,
    ParameterChange,
    TreasurySpend,
)
from governance.tables import (
    GUARDIAN,
    HISTORY,
    PARTICIPATION,
    REVIEWERS,
    TRACK_STATES,
    WAITING,
    Guardian,
    Mark,
    TrackState,
)
from runtime.address import module_address
from storage.record import Record
from tests.governance.world import A_STATEMENT, World, minor_bundle, person

FIRST, SECOND, THIRD, FOURTH = (person(number) for number in range(1, 5))
STRANGER = person(30)
SPEND = TreasurySpend(recipient=STRANGER, amount=7)
NOBODY_MORE = TrackState()


def fund_treasury(world: World, coins: int = 1_000) -> None:
    bank = world.runtime.tables["bank.accounts"]
    world.overlay.put(bank, (module_address("treasury"),), bank.record(balance=coins))


def story(world: World, proposal: int) -> list[tuple[str, str]]:
    return [(row.status, row.reason) for _, row in world.overlay.scan(HISTORY, (proposal,))]


def votes(world: World, proposal: int, *options: str) -> None:
    for voter, option in zip(world.voters, options, strict=False):
        if option:
            assert world.vote(voter, proposal, option) == "ok"


def spend_on(world: World, **rules: str) -> int:
    """A spend in voting, on the ordinary track under these rules."""
    world.track("ordinary", **rules)
    fund_treasury(world)
    proposal = world.proposed(FIRST, SPEND)
    world.open(proposal)
    return proposal


def state(world: World) -> TrackState:
    return world.overlay.get(TRACK_STATES, ("ordinary",)) or TrackState()


# places


def test_a_track_opens_no_more_votes_than_it_has_places_for_and_the_others_follow_in_order(world: World) -> None:
    world.track("ordinary", limit="1")
    first, second, third = (world.proposed(who, SPEND) for who in (FIRST, SECOND, THIRD))
    world.open(first)
    assert [world.status(one) for one in (first, second, third)] == [Status.VOTING, Status.DELAY, Status.DELAY]
    assert [key[2] for key, _ in world.overlay.scan(WAITING, ("ordinary",))] == [second, third]
    assert world.cancel(SECOND, second) == "ok"
    assert [key[2] for key, _ in world.overlay.scan(WAITING, ("ordinary",))] == [third]
    closes = world.standing(first).closes
    world.run_to(closes + 2)
    assert world.status(first) is Status.REJECTED
    assert world.status(third) is Status.VOTING
    assert world.standing(third).opened == closes + 2
    world.close(third)
    assert state(world) == NOBODY_MORE
    assert not list(world.overlay.scan(WAITING))


def test_a_place_is_kept_for_who_waits_longest_although_another_delay_ends_meanwhile(world: World) -> None:
    world.track("ordinary", limit="1")
    first, second = world.proposed(FIRST, SPEND), world.proposed(SECOND, SPEND)
    world.open(first)
    world.run_to(world.standing(first).closes - 1)
    late = world.proposed(THIRD, SPEND)
    for _ in range(5):
        world.end_block()
    assert world.status(second) is Status.VOTING
    assert world.status(late) is Status.DELAY
    assert state(world) == TrackState(open=2, voting=1)


def test_a_kept_place_goes_on_to_the_next_where_its_holder_withdraws(world: World) -> None:
    world.track("ordinary", limit="1")
    first, second, third = (world.proposed(who, SPEND) for who in (FIRST, SECOND, THIRD))
    world.open(first)
    assert world.cancel(FIRST, first) == "ok"
    assert world.standing(second).placed
    assert world.cancel(SECOND, second) == "ok"
    world.end_block()
    world.end_block()
    assert world.status(third) is Status.VOTING
    assert state(world) == TrackState(open=1, voting=1)


# confirming


def test_what_passes_must_go_on_passing_through_its_confirm_period(world: World) -> None:
    proposal = spend_on(world, confirm="4")
    votes(world, proposal, "yes", "yes", "yes", "yes")
    world.close(proposal)
    assert world.status(proposal) is Status.CONFIRM
    confirms = world.standing(proposal).confirms
    assert confirms == world.standing(proposal).closes + 4
    world.run_to(confirms)
    assert world.status(proposal) is Status.CONFIRM
    world.end_block()
    assert world.status(proposal) is Status.TIMELOCK
    assert world.standing(proposal).effective == confirms + 10


def test_a_vote_changed_in_the_confirm_period_ends_what_no_longer_passes(world: World) -> None:
    proposal = spend_on(world, confirm="4")
    votes(world, proposal, "yes", "yes", "yes")
    world.close(proposal)
    assert world.vote(THIRD, proposal, "no") == "ok"
    assert world.vote(FOURTH, proposal, "no") == "ok"
    world.end_block()
    assert world.status(proposal) is Status.REJECTED
    assert world.vote(FOURTH, proposal, "yes") == "voting_closed"


def test_votes_end_with_the_confirm_period(world: World) -> None:
    proposal = spend_on(world, confirm="2")
    votes(world, proposal, "yes", "yes", "yes")
    world.run_to(world.standing(proposal).closes + 3)
    assert world.vote(FOURTH, proposal, "no") == "voting_closed"


def test_an_early_track_confirms_as_soon_as_it_passes_and_ends_before_its_period(world: World) -> None:
    proposal = spend_on(world, confirm="3", early="yes")
    opened = world.standing(proposal).opened
    votes(world, proposal, "yes", "yes", "yes")
    world.end_block()
    assert world.status(proposal) is Status.CONFIRM
    world.run_to(opened + 4)
    assert world.status(proposal) is Status.TIMELOCK
    assert world.standing(proposal).closes == opened - 1 + 10, "a deadline never shrinks"


def test_an_early_vote_that_falls_goes_on_and_may_confirm_again(world: World) -> None:
    proposal = spend_on(world, confirm="3", early="yes")
    votes(world, proposal, "yes", "yes", "yes")
    world.end_block()
    assert world.vote(THIRD, proposal, "no") == "ok"
    world.end_block()
    assert (world.status(proposal), world.standing(proposal).confirms) == (Status.VOTING, 0)
    assert world.vote(THIRD, proposal, "yes") == "ok"
    world.end_block()
    assert world.status(proposal) is Status.CONFIRM
    assert [status for status, _ in story(world, proposal)][2:] == ["voting", "confirm", "voting", "confirm"]


def test_an_early_vote_passes_by_the_fall_of_its_bars_at_the_very_block(world: World) -> None:
    falling = f">= linear {BILLION} {BILLION // 2} {BILLION}"  # by 5 % a block, from 100 % to 50 %
    proposal = spend_on(world, confirm="2", early="yes", threshold=falling)
    votes(world, proposal, "yes", "yes", "yes", "no")
    world.end_block()
    opened = world.standing(proposal).opened
    assert world.standing(proposal).due == opened - 1 + 5, "75 % is asked for after 5 of 10 blocks"
    world.run_to(opened + 4)
    assert world.status(proposal) is Status.VOTING
    world.end_block()
    assert world.status(proposal) is Status.CONFIRM


def test_an_early_confirm_period_goes_on_beyond_the_end_of_the_voting_period(world: World) -> None:
    proposal = spend_on(world, confirm="5", early="yes")
    world.run_to(world.standing(proposal).closes)
    votes(world, proposal, "yes", "yes", "yes")
    world.end_block()
    assert world.status(proposal) is Status.CONFIRM
    world.end_block()
    assert world.vote(THIRD, proposal, "no") == world.vote(FOURTH, proposal, "no") == "ok"
    world.end_block()
    assert world.status(proposal) is Status.REJECTED, "its voting period is over"


# extension


def test_a_swing_in_the_last_part_extends_the_vote_once(world: World) -> None:
    proposal = spend_on(world, late="3/10")
    closes = world.standing(proposal).closes
    votes(world, proposal, "yes", "no", "no")
    world.run_to(closes)
    assert world.vote(SECOND, proposal, "yes") == world.vote(THIRD, proposal, "yes") == "ok"
    assert (world.standing(proposal).closes, world.standing(proposal).extended) == (closes + 3, True)
    assert story(world, proposal)[-1] == ("voting", "extended")
    assert "VoteExtended" in [event.kind for event in world.events]
    world.run_to(closes + 3)
    assert world.vote(THIRD, proposal, "no") == world.vote(FOURTH, proposal, "no") == "ok"
    assert world.standing(proposal).closes == closes + 3, "once"
    world.end_block()
    assert world.status(proposal) is Status.REJECTED


@pytest.mark.parametrize("before", [1, 4])
def test_no_vote_extends_that_changes_no_outcome_or_comes_in_time(world: World, before: int) -> None:
    proposal = spend_on(world, late="3/10")
    closes = world.standing(proposal).closes
    votes(world, proposal, "yes", "yes", "yes")
    world.run_to(closes + 1 - before)
    assert world.vote(FOURTH, proposal, "yes" if before == 1 else "no") == "ok"
    assert world.standing(proposal).closes == closes


def test_where_the_quorum_extends_its_first_reaching_leaves_a_part_of_the_period(world: World) -> None:
    """GovernorPreventLateQuorum.sol, _tallyUpdated."""
    proposal = spend_on(world, late="3/10", late_on="quorum", quorum=">= 1/2")
    closes = world.standing(proposal).closes
    world.run_to(closes)
    votes(world, proposal, "no", "no")
    assert world.standing(proposal).closes == closes + 3


def test_a_quorum_reached_early_uses_the_extension_up(world: World) -> None:
    proposal = spend_on(world, late="3/10", late_on="quorum", quorum=">= 1/2")
    closes = world.standing(proposal).closes
    votes(world, proposal, "no", "no")
    assert (world.standing(proposal).closes, world.standing(proposal).extended) == (closes, True)


# expedited


def test_an_expedited_vote_that_fails_goes_on_under_the_regular_rules(world: World) -> None:
    """x/gov/abci.go: converted, its voting period counted from the start of voting."""
    world.track("slow", period="20", threshold="> 1/2")
    proposal = spend_on(world, turns_into="slow", threshold=">= 9/10")
    opened = world.standing(proposal).opened
    votes(world, proposal, "yes", "yes", "yes", "no")
    world.close(proposal)
    assert (world.status(proposal), world.standing(proposal).turned) == (Status.VOTING, True)
    assert world.standing(proposal).closes == opened - 1 + 20
    world.close(proposal)
    assert world.status(proposal) is Status.TIMELOCK


def test_an_expedited_vote_that_falls_in_its_confirm_period_goes_on_under_the_regular_rules(world: World) -> None:
    world.track("slow", period="30", threshold="> 1/2")
    proposal = spend_on(world, confirm="5", turns_into="slow")
    votes(world, proposal, "yes", "yes", "yes")
    world.close(proposal)
    assert world.status(proposal) is Status.CONFIRM
    votes(world, proposal, "", "no", "no")
    world.end_block()
    standing = world.standing(proposal)
    assert (standing.status, standing.turned, standing.confirms) == (Status.VOTING, True, 0)
    assert standing.closes == standing.opened - 1 + 30
    votes(world, proposal, "", "yes", "yes")
    world.close(proposal)
    assert world.status(proposal) is Status.TIMELOCK


def test_an_expedited_vote_that_turns_early_confirms_at_once_where_it_passes_by_the_regular_rules(world: World) -> None:
    """No vote more is needed to begin: found by the lives' machine."""
    world.track("slow", period="20", threshold="> 1/2", confirm="3", early="yes")
    proposal = spend_on(world, turns_into="slow", threshold=">= 9/10")
    votes(world, proposal, "yes", "yes", "yes", "no")
    world.close(proposal)
    turned = world.height
    assert (world.status(proposal), world.standing(proposal).turned) == (Status.VOTING, True)
    world.end_block()
    assert (world.status(proposal), world.standing(proposal).confirms) == (Status.CONFIRM, turned + 3)


def test_an_expedited_vote_that_passes_never_turns(world: World) -> None:
    world.track("slow", period="20")
    proposal = spend_on(world, turns_into="slow", threshold=">= 9/10")
    votes(world, proposal, "yes", "yes", "yes", "yes")
    world.close(proposal)
    assert (world.status(proposal), world.standing(proposal).turned) == (Status.TIMELOCK, False)


# deposits


def test_the_deposit_grows_with_what_is_open_on_the_track(world: World) -> None:
    world.track("ordinary", deposit_growth_percent="50", initial_share="1/10")
    wanted = [world.what(world.proposed(who, SPEND)).track.deposit for who in (FIRST, SECOND, THIRD)]
    assert wanted == [1_000, 1_500, 2_000]


def test_a_withdrawal_burns_its_share_of_every_depositors_units(world: World) -> None:
    """x/gov/keeper/deposit.go, ChargeDeposit: each deposit times the ratio, cut to whole units."""
    world.track("ordinary", cancel_burn="1/2")
    proposal = world.proposed(FIRST, SPEND, deposit=251)
    assert world.deposit(SECOND, proposal, 101) == "ok"
    assert world.cancel(FIRST, proposal) == "ok"
    assert (world.balance(FIRST), world.balance(SECOND)) == (10_000 - 125, 10_000 - 50)
    assert (world.standing(proposal).burned, world.standing(proposal).refunded) == (175, 177)


def test_a_failed_content_may_be_proposed_again_only_after_its_cooldown(world: World) -> None:  # A4
    proposal = spend_on(world, cooldown="20")
    world.close(proposal)
    ended = world.standing(proposal).ended
    assert world.propose(SECOND, SPEND) == "failed_lately"
    assert world.propose(SECOND, TreasurySpend(recipient=STRANGER, amount=8)) == "ok", "another content may"
    world.run_to(ended + 19)
    assert world.propose(SECOND, SPEND) == "failed_lately"
    world.end_block()
    assert world.propose(SECOND, SPEND) == "ok"


def test_a_draft_that_lapses_or_is_withdrawn_keeps_nobody_from_proposing_the_same(world: World) -> None:
    world.track("ordinary", cooldown="50")
    lapsed, withdrawn = world.proposed(FIRST, SPEND, deposit=250), world.proposed(SECOND, SPEND)
    assert world.cancel(SECOND, withdrawn) == "ok"
    world.run_to(world.standing(lapsed).due + 1)
    assert (world.status(lapsed), world.status(withdrawn)) == (Status.EXPIRED, Status.CANCELLED)
    assert world.propose(THIRD, SPEND) == "ok"


def test_opinions_are_told_apart_by_their_words(world: World) -> None:
    world.track("opinion", cooldown="50")
    proposal = world.proposed(FIRST, A_STATEMENT, title="One")
    world.open(proposal)
    world.close(proposal)
    assert world.propose(SECOND, A_STATEMENT, title="One") == "failed_lately"
    assert world.propose(SECOND, A_STATEMENT, title="Two") == "ok"


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


# batches


def batch(*contents: Record) -> Batch:
    return Batch(messages=tuple(Message.of(content) for content in contents))


RAISE = ParameterChange(values=(NewValue(name="min_deposit", number=900),))


def test_the_messages_of_a_batch_take_effect_together(world: World) -> None:
    fund_treasury(world)
    world.executed(world.proposed(FIRST, batch(RAISE, SPEND)))
    assert world.balance(STRANGER) == 10_007
    assert world.context_for(b"").parameters.integer("min_deposit") == 900


def test_a_batch_of_which_one_message_cannot_happen_changes_nothing_and_keeps_the_reason(world: World) -> None:
    gone = AppointGuardian(guardian=(FIRST,))
    fund_treasury(world, 10)
    proposal = world.proposed(FIRST, batch(gone, SPEND, SPEND))
    world.passed(proposal)
    events = len(world.events)
    world.run_to(world.standing(proposal).effective + 1)
    assert world.standing(proposal).reason == "insufficient_funds"
    assert world.overlay.get(GUARDIAN, ()) is None
    assert [event.kind for event in world.events[events:]] == []
    world.run_to(world.standing(proposal).expires + 1)
    assert world.status(proposal) is Status.EXPIRED
    assert world.overlay.get(GUARDIAN, ()) is None
    assert world.balance(STRANGER) == 10_000


def test_a_batch_is_refused_for_any_of_its_messages(world: World) -> None:
    assert world.propose(FIRST, batch(RAISE, FeatureSwitch(name="lottery", on=True))) == "unknown_target"
    assert world.propose(FIRST, Batch(messages=(Message.of(RAISE),) * 17)) == "too_many_items"
