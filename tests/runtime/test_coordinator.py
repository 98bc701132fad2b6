"""The queue of plans: one at a time, moved beyond the window, cancelled, superseded; every ending is told."""

from __future__ import annotations

import pytest

from runtime.bundle.archive import Bundle, of_files
from runtime.errors import UpgradeRefused
from runtime.plans import (
    CANCELLED,
    CLOSED,
    EXECUTED,
    FAILED,
    HISTORY,
    ROLLED_BACK,
    SCHEDULED,
    SUPERSEDED,
    VERIFIED,
    WAITING,
    states_needed,
)
from tests.runtime.story_bundles import REWRITTEN, first, second
from tests.runtime.story_chain import Act, Story

NEXT_FIRST = "1.1.0"


def states(story: Story, *plans: int) -> list[str]:
    return [story.coordinator().plan(plan).state for plan in plans]


def refused(story: Story, act: Act) -> str:
    with pytest.raises(UpgradeRefused) as caught:
        story.block(act=act)
    story.till.acts.clear()
    return caught.value.code


def test_a_second_plan_waits_and_moves_beyond_the_window_of_the_first(story: Story) -> None:
    one = story.schedule(first(version=NEXT_FIRST), story.height + 4)
    two = story.schedule(second(), story.height + 4)
    assert states(story, one, two) == [SCHEDULED, WAITING]
    story.blocks_to(story.coordinator().plan(one).activation)
    window = story.coordinator().window()
    assert window is not None
    assert states(story, one, two) == [EXECUTED, SCHEDULED]
    assert story.coordinator().plan(two).activation == window.closes + 1


def test_a_plan_for_another_runtime_than_runs_ends_superseded(story: Story) -> None:
    story.schedule(first(version=NEXT_FIRST), story.height + 3)
    two = story.schedule(second(), story.height + 4)
    story.blocks_to(story.height + 2)
    story.blocks_to(story.coordinator().plan(two).activation)
    assert story.history(two).kind == SUPERSEDED
    assert str(story.chain.loaded.version) == NEXT_FIRST


def test_a_plan_scheduled_within_a_window_activates_right_after_it(story: Story) -> None:
    story.upgrade(first(version=NEXT_FIRST))
    window = story.coordinator().window()
    assert window is not None
    plan = story.schedule(second(), story.height + 2)
    story.blocks_to(window.closes)
    assert str(story.chain.loaded.version) == NEXT_FIRST
    story.block()
    assert story.history(plan).kind == EXECUTED
    generations = {kept.name for kept in story.state.catalogue.runtime.kept}
    assert generations == {"coins.purses", "coins.relics", "invariants.aggregates"}


def test_kept_generations_of_a_window_do_not_outlive_it_when_an_upgrade_follows_at_once(story: Story) -> None:
    story.upgrade(second())
    window = story.coordinator().window()
    assert window is not None
    before = {kept.generation for kept in story.state.catalogue.runtime.kept}
    assert before
    again = third(second())
    plan = story.schedule(again, window.closes + 1)
    story.blocks_to(window.closes + 1)
    assert story.history(plan).kind == EXECUTED
    assert not before & {kept.generation for kept in story.state.catalogue.runtime.kept}
    root = story.history(plan).root_before
    assert story.roll_back().root_after == root


def third(bundle: Bundle) -> Bundle:
    """The second runtime again as 2.1.0, rewriting every purse once more."""
    files = dict(bundle.files)
    manifest = files["bundle.toml"].replace(b'"2.0.0"', b'"2.1.0"').replace(b"schema = 2", b"schema = 3")
    files["bundle.toml"] = manifest.split(b"\n[renames]")[0] + b"\n\n[ports" + manifest.split(b"[ports", 1)[1]
    files["coins.py"] = files["coins.py"].replace(b"from_schema=1", b"from_schema=2").replace(b"seen=1", b"seen=3")
    return of_files(files)


def test_a_cancelled_plan_lets_the_next_take_its_turn(story: Story) -> None:
    one = story.schedule(first(version=NEXT_FIRST), story.height + 5)
    two = story.schedule(second(), story.height + 5)
    story.block(act=lambda context: context.coordinator.cancel(one, "changed our minds"))
    assert story.history(one).kind == CANCELLED
    assert states(story, one, two) == [CANCELLED, SCHEDULED]
    story.blocks_to(story.coordinator().plan(two).activation)
    assert story.history(two).kind == EXECUTED


def test_a_failed_plan_lets_the_next_take_its_turn_at_a_later_height(story: Story) -> None:
    one = story.schedule(second(body="return Purse(coins=old.coins)"), story.height + 4)
    two = story.schedule(second(), story.height + 3)
    story.blocks_to(story.coordinator().plan(one).activation)
    assert story.history(one).kind == FAILED
    assert story.coordinator().plan(two).activation == story.height + 1
    story.block()
    assert story.history(two).kind == EXECUTED


def test_a_plan_cancelled_in_the_block_before_its_height_never_runs(story: Story) -> None:
    plan = story.schedule(second(), story.height + 3)
    story.block(act=lambda context: context.coordinator.cancel(plan, "in time"))
    story.block()
    assert str(story.chain.loaded.version) == "1.0.0"


def test_what_has_ended_cannot_be_cancelled(story: Story) -> None:
    story.upgrade(second())
    assert refused(story, lambda context: context.coordinator.cancel(1, "too late")) == "not_pending"
    assert refused(story, lambda context: context.coordinator.cancel(9, "who")) == "unknown_plan"


def test_an_upgrade_is_rolled_back_at_most_once(story: Story) -> None:
    story.upgrade(second())
    story.roll_back()
    assert refused(story, lambda context: context.coordinator.roll_back(0, "again")) == "window_closed"
    assert states(story, 1) == [ROLLED_BACK]


def test_history_tells_every_ending_in_order(story: Story) -> None:
    failing = story.schedule(second(body="return Purse(coins=old.coins)"), story.height + 2)
    story.block()
    cancelled = story.schedule(second(), story.height + 5)
    story.block(act=lambda context: context.coordinator.cancel(cancelled, "a test"))
    story.upgrade(second(body=REWRITTEN))
    story.roll_back()
    told = [(key[1], row.kind) for key, row in story.overlay().scan(HISTORY)]
    assert told == [(failing, FAILED), (cancelled, CANCELLED), (3, EXECUTED), (3, ROLLED_BACK)]


def test_an_upgrade_that_stays_is_verified_then_closed_each_in_a_line_of_its_own(story: Story) -> None:  # R2.11
    executed = story.upgrade(second(body=REWRITTEN))
    window = story.coordinator().window()
    assert window is not None
    story.blocks_to(window.probation_until)
    assert states(story, window.plan) == [EXECUTED]
    told = [event.kind for event in story.block().events]
    assert (told, states(story, window.plan)) == (["UpgradeVerified"], [VERIFIED])
    verified = story.history(window.plan)
    assert verified == executed.but(kind=VERIFIED, activation=window.activation)
    story.blocks_to(window.closes)
    assert story.coordinator().window() is not None
    assert [event.kind for event in story.block().events] == ["UpgradeClosed"]
    assert states(story, window.plan) == [CLOSED]
    assert story.history(window.plan) == verified.but(kind=CLOSED, verified=window.probation_until + 1)
    assert not story.state.catalogue.runtime.kept
    lines = [(key[0], row.kind) for key, row in story.overlay().scan(HISTORY)]
    assert lines == [
        (window.activation, EXECUTED), (window.probation_until + 1, VERIFIED), (window.closes + 1, CLOSED)
    ]  # fmt: skip


def test_a_verified_upgrade_may_still_go_back_and_is_never_closed(story: Story) -> None:
    story.upgrade(second(body=REWRITTEN))
    window = story.coordinator().window()
    assert window is not None
    assert list(states_needed(story.overlay())) == [window.activation - 1]
    story.blocks_to(window.probation_until + 1)
    back = story.roll_back()
    assert (back.kind, back.activation, back.returned) == (ROLLED_BACK, window.activation, story.height)
    story.blocks_to(window.closes + 1)
    kinds = [row.kind for _, row in story.overlay().scan(HISTORY)]
    assert kinds == [EXECUTED, VERIFIED, ROLLED_BACK]
    assert states_needed(story.overlay()) == {}


def test_a_rollback_decided_with_the_last_block_of_probation_leaves_nothing_verified(story: Story) -> None:
    story.upgrade(second(body=REWRITTEN))
    window = story.coordinator().window()
    assert window is not None
    story.blocks_to(window.probation_until - 1)
    story.roll_back()
    assert [row.kind for _, row in story.overlay().scan(HISTORY)] == [EXECUTED, ROLLED_BACK]


def test_a_passed_height_cannot_be_scheduled(story: Story) -> None:
    with pytest.raises(UpgradeRefused) as caught:
        story.schedule(second(), story.height + 1)
    assert caught.value.code == "activation_passed"
    story.till.acts.clear()
