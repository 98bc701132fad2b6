"""Places in voting: who has one and who waits; and those that a change of rules brings or takes, block by block."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from governance.lifecycle import Status
from governance.proposals import NewValue, ParameterChange
from governance.tables import PULSE, TRACKS, WAITING, Pulse, TrackState
from governance.tracks import ChangeTracks, RouteChange, TrackChange
from governance.tracktable import state_of
from storage.record import Record
from tests.governance.spending import FIRST, SECOND, SPEND, THIRD
from tests.governance.world import A_STATEMENT, World, person

Make = Callable[..., World]
LONG = 500


@pytest.fixture
def world(make_world: Make) -> World:
    """A chain whose opinions are asked one at a time, for long."""
    world = make_world(parameters={"closings_per_block": 4, "min_voters": 1, "timelock_delay": 10})
    world.track("opinion", limit="1", period=str(LONG))
    return world


def crowd(world: World, size: int) -> list[int]:
    """One opinion in voting, and the others in its queue."""
    numbers = [world.proposed(person(1 + number % 20), A_STATEMENT, title=f"{number}") for number in range(size)]
    while sum(1 for _ in world.overlay.scan(WAITING)) < size - 1:
        world.end_block()
    return numbers


def limited(world: World, limit: str) -> ChangeTracks:
    row = world.overlay.get(TRACKS, ("opinion",))
    assert row is not None
    return ChangeTracks(tracks=(TrackChange(name="opinion", row=row.but(limit=limit)),))


def changed(world: World, content: Record) -> None:
    """Pass a change of rules and go to the block after it took effect, where it is in force."""
    proposal = world.proposed(person(39), content)
    world.executed(proposal)
    assert world.status(proposal) is Status.EXECUTED


def blocks(world: World, number: int) -> None:
    for _ in range(number):
        world.end_block()


def voting(world: World, numbers: list[int]) -> list[int]:
    return [one for one in numbers if world.status(one) is Status.VOTING]


def test_a_higher_limit_opens_the_next_in_the_queue_in_the_block_after_the_change(world: World) -> None:
    numbers = crowd(world, 5)
    changed(world, limited(world, "3"))
    assert voting(world, numbers) == numbers[:1], "the change took effect in the block before"
    world.end_block()
    assert voting(world, numbers) == numbers[:3]
    assert state_of(world.overlay, "opinion") == TrackState(open=5, voting=3)
    assert [key[2] for key, _ in world.overlay.scan(WAITING)] == numbers[3:]
    assert (world.overlay.get(PULSE, ()) or Pulse()).places_from == 0
    blocks(world, 3)
    assert voting(world, numbers) == numbers[:3]


@pytest.mark.parametrize("limit", ["0", "100"])
def test_a_block_opens_a_bounded_number_in_their_order(world: World, limit: str) -> None:
    numbers = crowd(world, 11)
    changed(world, limited(world, limit))
    seen = []
    for _ in range(4):
        world.end_block()
        seen.append(len(voting(world, numbers)))
        assert voting(world, numbers) == numbers[: seen[-1]]
    assert seen == [5, 9, 11, 11]
    assert state_of(world.overlay, "opinion") == TrackState(open=11, voting=11)


def test_nobody_steps_in_before_those_who_still_wait(world: World) -> None:
    numbers = crowd(world, 20)
    changed(world, limited(world, "100"))
    newcomer = world.proposed(person(30), A_STATEMENT, title="new")
    seen = []
    for _ in range(5):
        world.end_block()
        seen.append(len(voting(world, numbers)))
        assert world.status(newcomer) is Status.DELAY
    assert seen == [5, 9, 13, 16, 20], "of one block's four moves one puts the newcomer into the queue"
    world.end_block()
    assert world.status(newcomer) is Status.VOTING
    assert state_of(world.overlay, "opinion") == TrackState(open=21, voting=21)


def test_a_limit_that_a_parameter_holds_is_raised_with_it(make_world: Make) -> None:
    world = make_world(parameters={"guardian_cancels": 1, "min_voters": 1})
    world.track("opinion", limit="guardian_cancels", period=str(LONG))
    numbers = crowd(world, 3)
    changed(world, ParameterChange(values=(NewValue(name="guardian_cancels", number=2),)))
    world.end_block()
    assert voting(world, numbers) == numbers[:2]


def test_a_lower_limit_ends_no_vote_and_hands_on_no_place_until_enough_are_over(world: World) -> None:
    world.track("opinion", limit="3")
    numbers = [world.proposed(person(1 + number), A_STATEMENT, title=f"{number}") for number in range(5)]
    blocks(world, 3)
    assert voting(world, numbers) == numbers[:3]
    changed(world, limited(world, "1"))
    world.end_block()
    assert voting(world, numbers) == numbers[:3]
    for ended, left in ((0, numbers[1:3]), (1, numbers[2:3]), (2, numbers[3:4]), (3, numbers[4:5])):
        assert world.cancel(person(1 + ended), numbers[ended]) == "ok"
        world.end_block()
        world.end_block()
        assert voting(world, numbers) == left


def test_a_limit_that_a_track_gets_later_holds_for_later_proposals(world: World) -> None:
    world.track("opinion", limit="0")
    earlier = [world.proposed(person(1 + number), A_STATEMENT, title=f"{number}") for number in range(3)]
    world.track("opinion", limit="1")
    later = world.proposed(person(4), A_STATEMENT)
    blocks(world, 3)
    assert voting(world, [*earlier, later]) == earlier
    for number in range(3):
        assert world.cancel(person(1 + number), earlier[number]) == "ok"
        blocks(world, 2)
        assert (world.status(later) is Status.VOTING) == (number == 2)


def test_a_track_that_is_gone_hands_its_places_on_as_before(world: World) -> None:
    numbers = crowd(world, 3)
    gone = TrackChange(name="opinion", row=world.overlay.get(TRACKS, ("opinion",)), remove=True)
    changed(world, ChangeTracks(tracks=(gone,), routes=(RouteChange(kind="text", tracks=("ordinary",)),)))
    world.end_block()
    assert voting(world, numbers) == numbers[:1]
    assert world.cancel(person(1), numbers[0]) == "ok"
    world.end_block()
    world.end_block()
    assert voting(world, numbers) == numbers[1:2]


def test_a_track_opens_no_more_votes_than_it_has_places_for_and_the_others_follow_in_order(make_world: Make) -> None:
    world = make_world()
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
    assert state_of(world.overlay, "ordinary") == TrackState()
    assert not list(world.overlay.scan(WAITING))


def test_a_place_is_kept_for_who_waits_longest_although_another_delay_ends_meanwhile(make_world: Make) -> None:
    world = make_world()
    world.track("ordinary", limit="1")
    first, second = world.proposed(FIRST, SPEND), world.proposed(SECOND, SPEND)
    world.open(first)
    world.run_to(world.standing(first).closes - 1)
    late = world.proposed(THIRD, SPEND)
    for _ in range(5):
        world.end_block()
    assert world.status(second) is Status.VOTING
    assert world.status(late) is Status.DELAY
    assert state_of(world.overlay, "ordinary") == TrackState(open=2, voting=1)


def test_a_kept_place_goes_on_to_the_next_where_its_holder_withdraws(make_world: Make) -> None:
    world = make_world()
    world.track("ordinary", limit="1")
    first, second, third = (world.proposed(who, SPEND) for who in (FIRST, SECOND, THIRD))
    world.open(first)
    assert world.cancel(FIRST, first) == "ok"
    assert world.standing(second).placed
    assert world.cancel(SECOND, second) == "ok"
    world.end_block()
    world.end_block()
    assert world.status(third) is Status.VOTING
    assert state_of(world.overlay, "ordinary") == TrackState(open=1, voting=1)
