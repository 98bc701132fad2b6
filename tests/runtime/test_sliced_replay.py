"""A replay that takes several blocks: what waits, what does not, and that it ends as one of a single block would."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime.plans import POSTPONED, ROLLED_BACK
from runtime.purse import Supply
from runtime.receipts import OK, QUEUED_FOR_REPLAY
from tests.runtime.story_bundles import second
from tests.runtime.story_chain import RICH, Story

Make = Callable[..., Story]


@pytest.fixture
def sliced(make_story: Make) -> Story:
    """A chain that replays one transaction a block."""
    return make_story(replay_items=1)


def returned(story: Story, heights: int = 3) -> int:
    """Upgrade, live through some heights with a transfer each, and go back; the height R, whose replay goes on."""
    story.upgrade(second())
    for _ in range(heights):
        story.block(story.ann.call("coins.send", to=story.ben.address, coins=10))
    story.block(act=lambda context: context.coordinator.roll_back(0, "a test"))
    story.block()
    assert story.chain.loaded.version.major == 1, "the old runtime runs from R on"
    assert story.coordinator().replaying() is not None
    return story.height


def until_the_end(story: Story) -> int:
    """Empty blocks until the replay has ended; the height of the block in which it did."""
    while story.coordinator().replaying() is not None:
        story.block()
    return story.height


def test_the_return_is_at_once_and_the_replay_follows_in_slices(sliced: Story) -> None:
    first = returned(sliced)
    assert sliced.ben.coins < RICH + 30
    last = until_the_end(sliced)
    assert last > first
    assert sliced.ben.coins == RICH + 30
    window_plan = next(row for _, row in sliced.coordinator().history() if row.kind == ROLLED_BACK)
    assert (window_plan.replayed, window_plan.not_replayed) == (3, 0)


def test_calls_meanwhile_wait_their_turn_and_are_answered_twice(sliced: Story) -> None:
    returned(sliced)
    codes = sliced.codes(sliced.ben.call("coins.send", to=sliced.cai.address, coins=RICH + 5))
    at = sliced.height
    assert codes == [QUEUED_FOR_REPLAY]
    assert sliced.cai.coins == RICH, "a call that would need coins still to come has to wait for them"
    until_the_end(sliced)
    assert sliced.cai.coins == 2 * RICH + 5
    assert [receipt.code for receipt in sliced.second_receipts(at)] == [OK]


def test_a_call_that_the_old_runtime_lacks_is_refused_at_once(sliced: Story) -> None:
    sliced.upgrade(second())
    for _ in range(3):
        sliced.block(sliced.ann.call("coins.send", to=sliced.ben.address, coins=1))
    only_new = sliced.cai.call("coins.tell", worth=1)
    sliced.block(act=lambda context: context.coordinator.roll_back(0, "a test"))
    assert sliced.codes(only_new) == ["unknown_call"]
    assert sliced.coordinator().replaying() is not None


def test_host_calls_act_at_once_and_their_coins_follow(sliced: Story) -> None:
    returned(sliced)
    assert sliced.codes(sliced.cai.deposit(100)) == [OK]
    assert sliced.supply() == Supply(total=3 * RICH, held=100, uncollected=100)
    assert sliced.cai.coins == RICH
    until_the_end(sliced)
    assert sliced.cai.coins == RICH - 100
    assert sliced.supply() == Supply(total=3 * RICH, held=100)


def test_coins_that_are_gone_when_their_turn_comes_stay_as_a_debt(sliced: Story) -> None:
    returned(sliced)
    codes = sliced.codes(sliced.cai.call("coins.send", to=sliced.ann.address, coins=RICH - 1), sliced.cai.deposit(100))
    assert codes == [QUEUED_FOR_REPLAY, OK]
    until_the_end(sliced)
    assert sliced.debt(sliced.cai) == 100
    assert sliced.supply().uncollected == 100
    assert sliced.supply().held == 100


def test_more_than_a_purse_shows_is_refused_meanwhile(sliced: Story) -> None:
    returned(sliced)
    assert sliced.codes(sliced.cai.deposit(RICH + 1)) == ["insufficient_funds"]


def test_a_restart_in_the_middle_goes_on_where_it_was(sliced: Story) -> None:
    returned(sliced)
    sliced.reopen()
    sliced.block()
    sliced.reopen()
    until_the_end(sliced)
    assert sliced.ben.coins == RICH + 30


def test_slices_end_in_the_state_of_a_single_block(make_story: Make) -> None:
    roots = []
    for items in (1, 2, 2_000):
        story = make_story(replay_items=items)
        story.upgrade(second())
        for number in range(6):
            story.block(
                story.ann.call("coins.send", to=story.ben.address, coins=number),
                story.ben.call("coins.note", size=number),
                story.cai.deposit(number + 1),
            )
        story.block(act=lambda context: context.coordinator.roll_back(0, "a test"))
        story.block(story.cai.call("coins.send", to=story.ann.address, coins=7))
        story.block(story.ben.deposit(50), story.ben.call("coins.scribble", size=3))
        end = 40
        assert story.height < end
        story.blocks_to(end)
        assert story.coordinator().replaying() is None
        roots.append(story.root)
    assert len(set(roots)) == 1


def test_an_upgrade_after_a_sliced_replay_works(sliced: Story) -> None:
    returned(sliced)
    until_the_end(sliced)
    sliced.upgrade(second())
    assert sliced.chain.loaded.version.major == 2
    sliced.roll_back()
    assert sliced.ben.coins == RICH + 30


def test_an_upgrade_whose_height_comes_meanwhile_waits_for_the_end(sliced: Story) -> None:
    returned(sliced, heights=20)
    plan = sliced.schedule(second(), sliced.height + 3)
    end = until_the_end(sliced)
    moved = sliced.coordinator().plan(plan)
    assert moved.activation > end, "its height came during the replay and was moved"
    reasons = {row.reason for _, row in sliced.coordinator().history() if row.kind == POSTPONED}
    assert reasons == {"replay_under_way"}
    sliced.blocks_to(moved.activation)
    assert sliced.chain.loaded.version.major == 2
    assert sliced.ben.coins == RICH + 200
