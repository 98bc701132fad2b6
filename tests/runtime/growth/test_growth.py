"""Growth in single steps: what a story of the market once got wrong, each by its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.growth.market import Market


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
