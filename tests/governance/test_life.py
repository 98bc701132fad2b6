"""What a track's rules make of a vote: confirming, extension, turning regular; then deposits and cooldowns."""

from __future__ import annotations

import pytest

from governance.bars import BILLION
from governance.lifecycle import Status
from governance.proposals import TreasurySpend
from tests.governance.spending import FIRST, FOURTH, SECOND, SPEND, STRANGER, THIRD, spend_on, story, votes
from tests.governance.world import A_STATEMENT, World

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
