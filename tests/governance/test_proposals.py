"""Proposals from submission to their end, kind by kind.  # R1.6 R2.2 R2.3 R2.4"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from governance.acts import TREASURY
from governance.bars import Bar
from governance.calls import Propose
from governance.lifecycle import Move, Status
from governance.proposals import (
    Content,
    FeatureSwitch,
    MaintenanceWindow,
    NewValue,
    ParameterChange,
    Statement,
    TreasurySpend,
    content_digest,
    kind_of,
)
from governance.reading import outlook
from governance.tables import DEPOSITS, DUE, HISTORY, STANDINGS
from runtime.parameters import Parameters
from runtime.registry import REGISTRY
from storage.codec import codec_of
from tests.governance.world import A_STATEMENT, NO_WINDOW, World, flagged_bundle, person

Make = Callable[..., World]
FIRST, SECOND, THIRD, FOURTH = (person(number) for number in range(1, 5))
SPEND = TreasurySpend(recipient=person(20), amount=300)


def change(name: str, value: int | Fraction) -> ParameterChange:
    share = value if isinstance(value, Fraction) else None
    new = (
        NewValue(name=name, number=share.numerator, per=share.denominator)
        if share
        else NewValue(name=name, number=value)
    )
    return ParameterChange(values=(new,))


def fill_treasury(world: World, amount: int) -> None:
    bank = world.runtime.tables["bank.accounts"]
    world.overlay.put(bank, (TREASURY,), bank.record(balance=amount))


def story(world: World, proposal: int) -> list[tuple[str, str]]:
    return [(row.status, row.reason) for _, row in world.overlay.scan(HISTORY, (proposal,))]


def test_heights_of_a_proposal_follow_its_track(world: World) -> None:
    proposal = world.proposed(FIRST, SPEND)
    submitted, track = world.height, world.what(proposal).track
    world.open(proposal)
    standing = world.standing(proposal)
    assert standing.opened == submitted + track.delay + 1
    assert standing.closes == submitted + track.delay + track.period
    assert standing.snapshot == submitted + track.delay
    for voter in world.voters:
        world.vote(voter, proposal, "yes")
    world.close(proposal)
    assert world.standing(proposal).effective == standing.closes + track.timelock


def test_votes_count_in_the_first_and_the_last_block_of_the_period(world: World) -> None:
    proposal = world.proposed(FIRST, A_STATEMENT)
    world.run_to(world.standing(proposal).due)
    assert world.vote(FIRST, proposal, "yes") == "voting_not_open"
    world.end_block()
    assert world.vote(FIRST, proposal, "yes") == "ok"
    world.run_to(world.standing(proposal).closes)
    assert world.vote(SECOND, proposal, "yes") == "ok"
    world.end_block()
    assert world.vote(THIRD, proposal, "yes") == "voting_closed"


def test_a_voter_may_change_until_the_close_and_counts_once(world: World) -> None:
    proposal = world.proposed(FIRST, A_STATEMENT)
    world.open(proposal)
    for option in ("veto", "no", "abstain", "yes"):
        assert world.vote(SECOND, proposal, option) == "ok"
    tally = world.standing(proposal).tally
    assert (tally.yes, tally.counted, tally.voters) == (100, 100, 1)


def test_a_draft_gathers_its_deposit_and_every_depositor_gets_his_part_back(world: World) -> None:
    proposal = world.proposed(FIRST, SPEND, deposit=250)
    assert world.status(proposal) is Status.DEPOSIT
    assert world.deposit(SECOND, proposal, 300) == "ok"
    assert world.deposit(THIRD, proposal, 5_000) == "ok"
    assert world.balance(THIRD) == 10_000 - 450, "what is too much stays in the purse"
    assert world.status(proposal) is Status.DELAY
    world.open(proposal)
    world.close(proposal)
    assert world.status(proposal) is Status.REJECTED
    assert [world.balance(owner) for owner in (FIRST, SECOND, THIRD)] == [10_000] * 3
    assert not list(world.overlay.scan(DEPOSITS))


def test_a_draft_without_its_deposit_lapses_and_burns_what_came_with_it(world: World) -> None:  # A5
    proposal = world.proposed(FIRST, SPEND, deposit=250)
    assert world.deposit(FIRST, proposal, 100) == world.deposit(SECOND, proposal, 300) == "ok"
    world.run_to(world.standing(proposal).due + 1)
    assert world.status(proposal) is Status.EXPIRED
    assert (world.balance(FIRST), world.balance(SECOND)) == (9_750, 10_000)
    assert (world.standing(proposal).burned, world.standing(proposal).refunded) == (250, 400)
    assert story(world, proposal) == [("deposit", "submitted"), ("expired", "deposit_not_gathered")]


def test_a_veto_burns_the_deposit(world: World) -> None:
    proposal = world.proposed(FIRST, SPEND)
    world.open(proposal)
    for voter, option in ((FIRST, "yes"), (SECOND, "yes"), (THIRD, "veto"), (FOURTH, "veto")):
        world.vote(voter, proposal, option)
    supply = world.context_for(b"").purse.supply().total
    world.close(proposal)
    assert world.status(proposal) is Status.VETOED
    assert world.balance(FIRST) == 9_000
    assert world.context_for(b"").purse.supply().total == supply - 1_000
    assert world.ledger().burned == 1_000


def test_withdrawing_a_vetoed_proposal_before_the_close_burns_all_the_same(world: World) -> None:
    proposal = world.proposed(FIRST, SPEND)
    world.open(proposal)
    world.vote(SECOND, proposal, "veto")
    assert world.cancel(FIRST, proposal) == "ok"
    assert world.status(proposal) is Status.CANCELLED
    assert world.balance(FIRST) == 9_000


def test_a_proposer_may_withdraw_until_the_close_and_gets_his_deposit_back(world: World) -> None:
    proposal = world.proposed(FIRST, SPEND)
    world.open(proposal)
    world.vote(SECOND, proposal, "yes")
    assert world.cancel(FIRST, proposal) == "ok"
    assert world.balance(FIRST) == 10_000
    assert world.vote(THIRD, proposal, "yes") == "voting_closed"
    assert not list(world.overlay.scan(DUE))


def test_a_treasury_spend_pays_its_recipient(world: World) -> None:
    fill_treasury(world, 1_000)
    proposal = world.proposed(FIRST, SPEND)
    world.executed(proposal)
    assert world.status(proposal) is Status.EXECUTED
    assert (world.balance(TREASURY), world.balance(person(20))) == (700, 10_300)


def test_a_spend_that_the_treasury_cannot_pay_is_tried_again_within_the_grace(world: World) -> None:
    proposal = world.proposed(FIRST, SPEND)
    world.executed(proposal)
    assert world.status(proposal) is Status.TIMELOCK
    assert world.standing(proposal).reason == "insufficient_funds"
    fill_treasury(world, 300)
    world.run_to(world.height + 3)
    assert world.status(proposal) is Status.EXECUTED


def test_an_act_that_never_becomes_possible_expires_with_its_reason(world: World) -> None:
    proposal = world.proposed(FIRST, SPEND)
    world.executed(proposal)
    world.run_to(world.standing(proposal).expires + 1)
    assert world.status(proposal) is Status.EXPIRED
    assert world.standing(proposal).reason == "insufficient_funds"
    assert world.balance(FIRST) == 10_000


def test_a_parameter_changes_from_the_block_after_its_execution(world: World) -> None:
    proposal = world.proposed(FIRST, change("approval_threshold", Fraction(3, 5)))
    world.passed(proposal)
    world.run_to(world.standing(proposal).effective)
    assert world.context_for(b"").parameters.ratio("approval_threshold") == Fraction(667, 1000)
    world.end_block()
    assert world.context_for(b"").parameters.ratio("approval_threshold") == Fraction(3, 5)
    block = Parameters(world.overlay, world.standing(proposal).ended)
    assert block.ratio("approval_threshold") == Fraction(667, 1000), "the block that changed it ran by the old value"


def test_a_proposal_keeps_the_rules_it_began_under(world: World) -> None:  # A7
    lowering = world.proposed(FIRST, change("approval_threshold", Fraction(501, 1000)))
    other = world.proposed(SECOND, SPEND)
    world.executed(lowering)
    assert world.what(other).track.threshold == Bar.constant(667, 1000)
    later = world.proposed(SECOND, A_STATEMENT)
    assert world.what(later).track.threshold == Bar.constant(501, 1000)


def test_two_changes_that_fit_alone_but_not_together_do_not_both_execute(world: World) -> None:
    cut = world.proposed(FIRST, change("max_individual_power_percent", 55))
    quorum = world.proposed(SECOND, change("emergency_quorum", Fraction(6, 10)))
    world.open(cut)
    for voter in world.voters:
        world.vote(voter, cut, "yes")
        world.vote(voter, quorum, "yes")
    world.run_to(world.standing(cut).closes + 12)
    assert world.status(cut) is Status.EXECUTED
    assert world.status(quorum) is Status.FAILED
    assert world.standing(quorum).reason == "rules_conflict"
    assert world.context_for(b"").parameters.ratio("emergency_quorum") == Fraction(1, 2)


def test_a_feature_turns_only_by_a_vote_and_only_if_a_module_has_it(make_world: Make) -> None:
    world = make_world(bundle=flagged_bundle())
    assert world.overlay.get(REGISTRY, ("faucet",)).features == ("lottery",)
    assert world.propose(FIRST, FeatureSwitch(name="lottery")) == "nothing_changes"
    proposal = world.proposed(FIRST, FeatureSwitch(name="lottery", on=True))
    world.executed(proposal)
    assert world.context_for(b"").parameters.flag("lottery")
    assert not Parameters(world.overlay, world.standing(proposal).ended).flag("lottery")


def test_the_registry_lists_every_module_and_every_parameter(world: World) -> None:
    entries = {key[0]: row for key, row in world.overlay.scan(REGISTRY)}
    assert set(entries) == {"governance", "host", "bank", "staking", "treasury", "faucet"}
    named = {name for row in entries.values() for name in row.parameters}
    assert named == {rule.name for rule in world.rules}
    assert entries["bank"].version == "1.0.0" and entries["bank"].proposal == 0


def test_a_text_takes_effect_as_soon_as_it_is_approved(world: World) -> None:
    proposal = world.proposed(FIRST, A_STATEMENT)
    world.passed(proposal)
    world.end_block()
    assert world.status(proposal) is Status.EXECUTED


def test_the_cut_bounds_what_one_voter_counts_for(make_world: Make) -> None:
    world = make_world(powers=(700, 100, 100, 100), parameters={"max_individual_power_percent": 50})
    proposal = world.proposed(FIRST, A_STATEMENT)
    world.open(proposal)
    world.vote(FIRST, proposal, "yes")
    assert world.standing(proposal).tally.yes == 500


def test_a_chain_of_one_validator_can_decide(make_world: Make) -> None:
    world = make_world(powers=(100,), parameters={"max_individual_power_percent": 50})
    proposal = world.proposed(FIRST, A_STATEMENT)
    world.passed(proposal)
    assert world.standing(proposal).tally.yes == 50


def test_more_closings_than_a_block_takes_follow_in_order(make_world: Make) -> None:
    world = make_world(parameters={"closings_per_block": 4})
    proposals = [world.proposed(person(1 + number), A_STATEMENT) for number in range(10)]
    world.run_to(world.standing(1).due + 1)
    assert [world.status(p) is Status.VOTING for p in proposals] == [True] * 4 + [False] * 6
    world.end_block()
    assert [world.status(p) is Status.VOTING for p in proposals] == [True] * 8 + [False] * 2
    world.end_block()
    assert all(world.status(p) is Status.VOTING for p in proposals)
    late = world.standing(proposals[-1])
    assert late.closes - late.opened == world.standing(1).closes - world.standing(1).opened


@pytest.mark.parametrize(("status", "deposit"), [("deposit", 250), ("voting", 1_000), ("timelock", 1_000)])
def test_a_block_ends_a_bounded_part_of_what_is_due_and_the_next_ones_the_rest_in_order(
    world: World, status: str, deposit: int
) -> None:
    """Drafts lapse, votes are judged, acts happen."""
    fill_treasury(world, 10)
    proposals = [world.proposed(person(1 + number), SPEND.but(amount=1), deposit=deposit) for number in range(10)]
    if status != "deposit":
        world.open(proposals[0])
    if status == "timelock":
        for proposal in proposals:
            for voter in world.voters:
                assert world.vote(voter, proposal, "yes") == "ok"
        world.close(proposals[0])
    assert {world.status(proposal) for proposal in proposals} == {status}
    world.run_to(world.standing(proposals[0]).due)
    world.context.parameters.set("closings_per_block", 4, world.height)
    for ended in (4, 8, 10):
        world.end_block()
        assert [world.status(proposal).is_final for proposal in proposals] == [True] * ended + [False] * (10 - ended)


def test_votes_after_the_close_are_refused_even_if_the_close_waits_its_turn(make_world: Make) -> None:
    world = make_world(parameters={"closings_per_block": 4})
    proposals = [world.proposed(person(1 + number), A_STATEMENT) for number in range(5)]
    world.run_to(world.standing(1).due + 2)
    closes = world.standing(1).closes
    last = proposals[-1]
    world.overlay.put(STANDINGS, (last,), world.standing(last).but(closes=closes))
    world.run_to(closes + 1)
    assert world.status(last) is Status.VOTING
    assert world.vote(FIRST, last, "yes") == "voting_closed"


def test_limits_on_open_proposals_free_up_when_one_ends(make_world: Make) -> None:
    world = make_world(parameters={"max_open_per_proposer": 1})
    proposal = world.proposed(FIRST, A_STATEMENT)
    assert world.propose(FIRST, A_STATEMENT) == "too_many_open"
    assert world.cancel(FIRST, proposal) == "ok"
    assert world.propose(FIRST, A_STATEMENT) == "ok"


def test_words_are_kept_as_given(world: World) -> None:
    details = {
        "description": "Why.",
        "risk_areas": ("bank",),
        "links": ("https://example.org/1",),
        "window": MaintenanceWindow(opens=50, closes=60),
    }
    proposal = world.proposed(FIRST, Statement(), **details)
    words = world.what(proposal).words
    assert (words.description, words.risk_areas, words.links) == ("Why.", ("bank",), ("https://example.org/1",))
    assert (words.window.opens, words.window.closes) == (50, 60)


def test_a_vote_names_the_content_of_every_kind(world: World) -> None:  # N6
    proposal = world.proposed(FIRST, SPEND)
    assert world.what(proposal).effect == content_digest(SPEND)
    assert content_digest(SPEND) != content_digest(SPEND.but(amount=301))
    assert world.what(proposal).bundle == b""


def test_a_vote_on_words_names_the_words(world: World) -> None:
    """So a vote signed for one text is none for another of the same number."""
    proposal = world.proposed(FIRST, Statement(), description="Build it.")
    other = world.proposed(FIRST, Statement(), description="Leave it.")
    world.open(proposal)
    assert world.vote(FIRST, proposal, "yes", effect=world.what(other).effect) == "other_effect"
    assert world.vote(FIRST, proposal, "yes") == "ok"


def test_the_outlook_tells_shares_against_thresholds(world: World) -> None:
    proposal = world.proposed(FIRST, A_STATEMENT)
    world.open(proposal)
    before = outlook(world.what(proposal), world.standing(proposal))
    assert (before.turnout, before.yes, before.verdict) == (0, 0, Move.REJECTED)
    for voter, option in ((FIRST, "yes"), (SECOND, "yes"), (THIRD, "no"), (FOURTH, "abstain")):
        world.vote(voter, proposal, option)
    now = outlook(world.what(proposal), world.standing(proposal))
    assert (now.turnout, now.yes, now.veto) == (1, Fraction(2, 3), 0)
    assert (now.threshold, now.reason) == (Fraction(667, 1000), "below_threshold")


@pytest.mark.parametrize("content", [A_STATEMENT, SPEND, change("min_deposit", 5)])
def test_a_proposal_travels_as_canonical_bytes(content: object) -> None:
    args = Propose(title="t", content=Content.of(content), deposit=1, window=NO_WINDOW)
    codec = codec_of(Propose)
    assert codec.decode_canonical(codec.encode(args)) == args
    assert kind_of(args.content.value) == args.content.case
