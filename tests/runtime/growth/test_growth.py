"""Growth in single steps: what a story of the market once got wrong, each by its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.growth.market import OWNERS, Market, cancel


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Market]:
    made = Market(tmp_path, 17)
    yield made
    made.require_nothing_left()
    made.close()


def activate(market: Market, kind: str) -> None:
    """Schedule an upgrade and go through its height."""
    market.schedule(kind, 2, 0)
    market.block()
    market.block()
    assert market.kind == kind


def test_a_rollback_ends_the_growth_of_what_was_to_follow(market: Market) -> None:
    activate(market, "full")
    market.schedule("back", 5, 0)
    market.grow(3)
    market.block(act=lambda context: context.coordinator.roll_back(0, "a test"))
    market.block()
    assert market.kind == "first"
    assert not market.grow(1000)
    market.open_anew()
    assert market.story.chain.growth_progress() is None


def test_marks_of_blocks_that_wait_for_a_sync_do_not_outlive_the_growth_they_were_for(market: Market) -> None:
    market.schedule("full", 9, 0)
    while market.grow(1000):
        continue
    story = market.story
    market.block(story.ann.call("coins.feel", 0, owner=OWNERS[0], mood=3), durable=False)
    market.block(act=cancel, durable=False)
    while story.state.collect(1000):
        continue
    market.block()  # now the marks are on disk, and what is left the fixture looks at


def test_an_activation_that_was_prepared_and_dropped_before_a_restart_leaves_the_nodes_alike(market: Market) -> None:
    market.schedule("full", 2, 0)
    market.block(durable=False)
    market.drop()  # growing to the end has made the block before durable
    market.open_anew()
    market.block()
    assert market.kind == "full"
