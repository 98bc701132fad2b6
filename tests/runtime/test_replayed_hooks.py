"""Hooks in a replay: each recorded one has a second receipt, beside its first or behind them all."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from runtime.receipts import FAILED_BEFORE, INVARIANT_BROKEN, OK, Receipt
from runtime.rollback import hooks_again
from tests.runtime.story_bundles import HEALTH, PRE_UPGRADE, first, second
from tests.runtime.story_chain import Story

REFUSING = "raise Refused('no')"


def test_a_hook_that_failed_under_the_new_runtime_has_what_became_of_it_under_the_old_beside_it(story: Story) -> None:
    story.upgrade(second(end_hook=REFUSING))
    assert story.codes(story.ann.call("coins.send", to=story.ben.address, coins=1)) == [OK, "no"]
    height = story.height
    story.roll_back()
    hook = story.second_receipts(height)[1]
    assert (hook.item, hook.code, hook.steps > 0) == (story.first_receipts(height)[1].item, OK, True)
    assert len(story.second_receipts(height)) == 2


def test_a_hook_that_fails_in_the_replay_only_is_recorded_behind_the_places_of_the_first(
    make_story: Callable[..., Story],
) -> None:
    story = make_story(first(end_hook=REFUSING))
    story.upgrade(second())
    assert story.codes(story.ann.call("coins.send", to=story.ben.address, coins=1)) == [OK]
    height = story.height
    story.roll_back()
    assert [(one.code, one.file) for one in story.second_receipts(height)] == [(OK, ""), ("no", "coins.py")]
    assert story.history(1).replayed == 1, "hooks are not counted among the transactions"


def test_a_hook_that_breaks_a_rule_in_the_replay_is_undone_alone_and_recorded(
    make_story: Callable[..., Story],
) -> None:
    story = make_story(first(end_hook="ctx.put(purses, b'x' * 20, Purse(coins=ctx.height))"))
    story.upgrade(second())
    story.block(story.ann.call("coins.send", to=story.ben.address, coins=1))
    height = story.height
    story.roll_back()
    assert story.second_codes(height) == [OK, INVARIANT_BROKEN]
    assert story.coins(b"x" * 20) == 0


def test_hooks_that_the_replay_has_no_place_for_failed_before(make_story: Callable[..., Story]) -> None:
    """What the old runtime said on leaving, and health as only the new one has it."""
    story = make_story(first(rest=PRE_UPGRADE.format(body=REFUSING)))
    ailing = HEALTH.format(body="return not ctx.has(marks, 'armed')")
    story.upgrade(second(rest=ailing))
    left = story.height
    assert [receipt.code for receipt in story.first_receipts(left)] == ["no"]
    assert story.codes(story.ann.call("coins.arm")) == [OK, "unhealthy"]
    ill = story.height
    story.block()
    assert story.second_codes(left) == [FAILED_BEFORE]
    assert story.second_codes(ill) == [OK, FAILED_BEFORE]
    assert story.second_receipts(ill)[1].item == story.first_receipts(ill)[1].item


ITEMS = st.lists(st.integers(0, 9), unique=True)


@given(first_items=ITEMS, ran=st.dictionaries(st.integers(0, 9), st.sampled_from([OK, "no"])))
def test_every_first_receipt_of_a_hook_has_its_second_at_its_place(first_items: list[int], ran: dict[int, str]) -> None:
    before = tuple(Receipt(item=bytes([item]) * 32, code="no") for item in first_items)
    again = hooks_again(before, [Receipt(item=bytes([item]) * 32, code=code) for item, code in ran.items()])
    beside, behind = again[: len(before)], again[len(before) :]
    assert [one.item for one in beside] == [one.item for one in before]
    assert [one.code for one in beside] == [ran.get(item, FAILED_BEFORE) for item in first_items]
    failed = [item for item, code in ran.items() if code != OK and item not in first_items]
    assert [one.item[0] for one in behind] == failed and all(one.code == "no" for one in behind)
