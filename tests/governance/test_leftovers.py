"""What only an open vote needs goes in later blocks, a bounded number of rows in each; what proves a vote stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from governance import leftovers
from governance.agenda import pulse_of
from governance.lifecycle import Status
from governance.tables import DUE, LARGE_VOTES, OVERRIDES, VOTES
from tests.governance.test_turning import turning
from tests.governance.world import A_STATEMENT, World, person

Make = Callable[..., World]
VOTERS = 6
FIRST = person(1)
HELD = tuple((owner, to, 5) for owner in (20, 21) for to in range(1, VOTERS + 1))
ANNA, BEN = person(20), person(21)


@pytest.fixture
def world(make_world: Make) -> World:
    """Six validators of 100 units each; Anna and Ben have five with each of them."""
    return make_world(powers=(100,) * VOTERS, delegations=HELD)


def overrides(world: World, proposal: int) -> int:
    return sum(1 for _ in world.overlay.scan(OVERRIDES, (proposal,)))


def voted(world: World, **rules: str) -> int:
    """An opinion in voting, on which both delegators have voted themselves."""
    world.track("opinion", **rules)
    proposal = world.proposed(FIRST, A_STATEMENT)
    world.open(proposal)
    assert world.vote(ANNA, proposal, "no") == "ok"
    assert world.vote(BEN, proposal, "yes") == "ok"
    assert overrides(world, proposal) == VOTERS
    return proposal


def test_what_delegators_took_is_forgotten_after_the_close_and_votes_are_kept(world: World) -> None:
    proposal = voted(world)
    votes, tally = dict(world.overlay.scan(VOTES, (proposal,))), world.standing(proposal).tally
    world.close(proposal)
    assert world.status(proposal) is Status.REJECTED
    assert overrides(world, proposal) == VOTERS, "the block that closes a vote has enough to do"
    world.end_block()
    assert overrides(world, proposal) == 0
    assert dict(world.overlay.scan(VOTES, (proposal,))) == votes
    assert world.standing(proposal).tally == tally
    assert not list(world.overlay.scan(DUE))
    assert pulse_of(world.overlay).next_due == 0


def test_a_block_forgets_a_bounded_number_of_rows_and_those_of_the_vote_that_ended_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "FORGOTTEN_PER_BLOCK", 4)
    first, second = voted(world), voted(world)
    for proposal in (second, first):
        assert world.cancel(FIRST, proposal) == "ok"
    left = []
    while any(world.overlay.scan(OVERRIDES)):
        world.end_block()
        left.append((overrides(world, first), overrides(world, second)))
    assert left == [(6, 6), (2, 6), (0, 4), (0, 0)]
    world.end_block()
    assert not list(world.overlay.scan(DUE))


def test_what_a_turn_counts_anew_is_forgotten_too(make_world: Make) -> None:
    world = make_world(powers=(60, 20, 20))
    proposal = turning(world, 50, 70)
    assert world.vote(FIRST, proposal, "yes") == "ok"
    assert [key for key, _ in world.overlay.scan(LARGE_VOTES)] == [(proposal, FIRST)]
    for _ in range(2):
        world.close(proposal)
    assert Status(world.standing(proposal).status).is_final
    world.end_block()
    assert not list(world.overlay.scan(LARGE_VOTES))


def test_a_vote_without_leftovers_leaves_nothing_to_do(make_world: Make) -> None:
    world = make_world()
    proposal = world.proposed(FIRST, A_STATEMENT)
    world.open(proposal)
    assert world.vote(FIRST, proposal, "yes") == "ok"
    world.close(proposal)
    assert not list(world.overlay.scan(DUE))
