"""An expedited vote that turns counts by the regular track's rules from then on, the cut of one voter's power too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.lifecycle import Status
from governance.proposals import TreasurySpend
from governance.reading import outlook
from governance.shares import shares
from governance.tables import PARTICIPATION, VOTES, Participation
from governance.tally import Tally
from governance.whatif import SupposedVote, suppose
from tests.governance.clerk import OPTIONS, Books, Vote, plain
from tests.governance.world import World, person

Make = Callable[..., World]
SPEND = TreasurySpend(recipient=person(30), amount=7)
FIRST, SECOND, THIRD, FOURTH = (person(number) for number in range(1, 5))
ANNA, BEN = person(20), person(21)
HELD = ((20, 1, 30), (20, 2, 5), (21, 1, 20))


def turning(world: World, before: int, after: int, **rules: str) -> int:
    """A proposal in voting that cannot pass in time, under one cut of a voter's power now and another later."""
    world.track("slow", period="20", threshold=">= 1/2", max_individual_power_percent=str(after), **rules)
    world.track(
        "ordinary", period="10", threshold=">= 9/10", turns_into="slow", max_individual_power_percent=str(before)
    )
    proposal = world.proposed(FIRST, SPEND)
    world.open(proposal)
    return proposal


def counted(world: World, proposal: int) -> tuple[int, int]:
    tally = world.standing(proposal).tally
    return tally.yes, tally.no


@pytest.mark.parametrize(("before", "after", "at_first", "later"), [(50, 70, 50, 60), (50, 40, 50, 40)])
def test_votes_count_by_the_cut_of_the_track_that_the_proposal_is_on(
    make_world: Make, before: int, after: int, at_first: int, later: int
) -> None:
    world = make_world(powers=(60, 20, 20))
    proposal = turning(world, before, after)
    assert world.vote(FIRST, proposal, "yes") == "ok"
    assert world.vote(SECOND, proposal, "no") == "ok"
    assert counted(world, proposal) == (at_first, 20)
    world.close(proposal)
    assert world.standing(proposal).turned
    assert counted(world, proposal) == (later, 20)
    row = world.overlay.get(VOTES, (proposal, FIRST))
    assert row is not None and (row.weight, row.uncounted, row.power) == (later, 60 - later, 60)
    assert world.vote(FIRST, proposal, "veto") == "ok"
    assert (counted(world, proposal), world.standing(proposal).tally.veto) == ((0, 20), later)


def test_what_a_later_vote_takes_out_of_a_cut_one_is_taken_under_the_new_cut(make_world: Make) -> None:
    world = make_world(powers=(100, 50, 50), delegations=HELD)
    proposal = turning(world, 25, 45)
    assert world.vote(FIRST, proposal, "yes") == "ok"
    assert counted(world, proposal) == (50, 0)
    world.close(proposal)
    assert counted(world, proposal) == (90, 0)
    assert world.vote(ANNA, proposal, "no") == "ok"
    assert counted(world, proposal) == (70, 35)


def test_what_is_supposed_follows_the_track_that_it_is_on(make_world: Make) -> None:
    world = make_world(powers=(60, 20, 20))
    proposal = turning(world, 50, 70, quorum=">= 1/2")
    world.close(proposal)

    def supposed(votes: tuple[SupposedVote, ...] = (), **rules: str) -> Tally:
        one = suppose(world.overlay, proposal, world.what(proposal), world.standing(proposal), votes, rules)
        return one.standing.tally

    assert supposed((SupposedVote(FIRST, "yes"),)).yes == 60
    assert world.vote(FIRST, proposal, "yes") == "ok"
    assert world.vote(SECOND, proposal, "no") == "ok"
    cut = supposed(max_individual_power_percent="55")
    assert (cut.yes, cut.no) == (55, 20)


def test_a_cut_that_lets_a_count_pass_is_looked_at_at_once_where_the_regular_track_ends_votes_early(
    make_world: Make,
) -> None:
    world = make_world(powers=(60, 25, 15))
    proposal = turning(world, 20, 60, early="yes", confirm="3", min_voters="1")
    assert world.vote(FIRST, proposal, "yes") == "ok"
    assert world.vote(SECOND, proposal, "no") == "ok"
    assert counted(world, proposal) == (20, 20)
    world.close(proposal)
    assert (world.standing(proposal).turned, counted(world, proposal)) == (True, (60, 25))
    world.end_block()
    assert world.status(proposal) is Status.CONFIRM


def test_a_regular_track_s_moving_quorum_stands_where_it_stood_when_the_vote_opened(make_world: Make) -> None:
    world = make_world(powers=(60, 20, 20))
    world.overlay.put(PARTICIPATION, (), Participation(average=5_000))
    proposal = turning(world, 100, 100, quorum=">= moving 2000 7000")
    world.close(proposal)
    assert world.standing(proposal).turned
    assert outlook(world.what(proposal), world.standing(proposal)).quorum * 100 == 45, "20 + half of 50 percent"


people = st.sampled_from((FIRST, SECOND, THIRD, FOURTH, ANNA, BEN))
words = st.sampled_from(OPTIONS)
ballots = st.lists(st.tuples(people, words), max_size=8)
cuts = st.sampled_from((10, 25, 40, 60, 100))


@given(st.sampled_from(((80, 30, 20, 20), (50, 50, 50, 50), (90, 9, 8, 7))), cuts, cuts, ballots, ballots)
@settings(max_examples=60, deadline=None)
def test_the_count_is_what_a_clerk_makes_of_it_before_and_after_the_turn(
    powers: tuple[int, ...],
    before: int,
    after: int,
    early: list[tuple[bytes, str]],
    late: list[tuple[bytes, str]],
) -> None:
    world = World(powers=powers, delegations=HELD)
    proposal = turning(world, before, after)
    books = Books(
        {person(number): power for number, power in enumerate(powers, 1)},
        {person(number): power for number, power in enumerate(powers, 1)},
        {(person(owner), person(to)): part for owner, to, part in HELD},
    )
    clerk = Vote(books, before)
    cast(world, proposal, clerk, early)
    as_the_clerk_counts(world, proposal, clerk)
    world.close(proposal)
    if world.status(proposal) is not Status.VOTING:
        return
    clerk.most_percent = after
    as_the_clerk_counts(world, proposal, clerk)
    cast(world, proposal, clerk, late)
    as_the_clerk_counts(world, proposal, clerk)


def cast(world: World, proposal: int, clerk: Vote, said: list[tuple[bytes, str]]) -> None:
    for voter, option in said:
        if world.vote(voter, proposal, option) == "ok":
            clerk.cast[voter] = plain(option)


def as_the_clerk_counts(world: World, proposal: int, clerk: Vote) -> None:
    standing = world.standing(proposal)
    tally = {option: getattr(standing.tally, option) for option in OPTIONS}
    assert tally == clerk.tally()
    assert {key[1]: row.weight for key, row in world.overlay.scan(VOTES, (proposal,))} == clerk.weights()
    traced = list(shares(world.overlay, proposal, standing.snapshot))
    assert [sum(share.parts[place] for share in traced) for place in range(4)] == list(tally.values())
