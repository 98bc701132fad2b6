"""A migration that rekeys: collisions come and go with later writes, and what stands follows from the rows alone.

Notes of size 2 or 3 move up by one slot, those of size 5 all go to slot 0. `Market.grow` holds what fails against the
reference once nothing is left to do, and the activation block everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.plans import EXECUTED, FAILED, HISTORY
from tests.runtime.growth.market import Market


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Market]:
    """Notes of the sizes 1, 2, 3, 1, 2, 3 in the slots 0 to 5, and pledges on slots 0 and 1."""
    made = Market(tmp_path, 6)
    yield made
    made.require_nothing_left()
    made.close()


def write(market: Market, slot: int, size: int) -> None:
    """A block in which one note is written."""
    market.block(market.story.ann.call("coins.write", 0, slot=slot, size=size))


def grown(market: Market, records: int = 1000) -> int:
    """Grow to the end; how many records fail."""
    while market.grow(records):
        continue
    progress = market.story.chain.growth_progress()
    assert progress is not None
    return progress.failing


WRITES = (
    ((3, 3), 0),  # slot 3 goes up, and slot 4 has gone up too
    ((4, 1), 2),  # stays where slot 3 came to
    ((3, 5), 2),  # to slot 0, which is taken
    ((1, 5), 3),  # a third one there
    ((2, 5), 4),
    ((0, 2), 3),  # leaves it, and three remain
    ((1, 1), 4),  # meets the one that left
    ((3, 1), 2),  # one is left on slot 0
    ((2, 7), 3),  # fails for another reason
    ((2, 5), 2),
    ((0, 1), 2),  # back on slot 0, where slot 2 is
    ((2, 1), 0),
)
"""(slot, size), and how many records fail from then on."""


@pytest.mark.parametrize(("records", "reopened"), [(2, True), (1000, False)])
def test_each_record_of_a_collision_fails_until_one_is_left(market: Market, records: int, reopened: bool) -> None:
    market.schedule("moved", len(WRITES) + 2, 0)
    assert grown(market, records) == 2, "slot 2 comes to slot 3, which stays"
    for (slot, size), failing in WRITES:
        write(market, slot, size)
        if reopened:
            market.grow(1)
            market.open_anew()
        assert grown(market, records) == failing, (slot, size)
    write(market, 5, 1)
    market.block()
    assert market.kind == "moved"


def test_a_collision_that_is_left_ends_the_plan_with_the_line_of_the_migration(market: Market) -> None:
    market.schedule("moved", 2, 0)
    plan, _ = market.pending()
    market.block()
    market.block()
    entry = market.story.overlay().get(HISTORY, (market.story.height, plan))
    assert entry is not None
    assert (entry.kind, entry.reason, entry.file) == (FAILED, "key_collision", "coins.py")


def test_a_reference_to_a_row_that_moves_away_is_found_though_everything_was_grown(market: Market) -> None:
    market.schedule("moved", 5, 0)
    plan, _ = market.pending()
    write(market, 1, 1)
    write(market, 3, 3)
    assert grown(market) == 0
    write(market, 1, 2)  # to slot 2, which is free, and a pledge still names slot 1
    assert grown(market) == 0
    market.block()
    prepared = market.block()
    entry = market.story.overlay().get(HISTORY, (market.story.height, plan))
    assert entry is not None and (entry.kind, entry.reason) == (FAILED, "invariant_broken")
    assert prepared.opening.failure == "coins.pledged_notes_exist"


def test_a_reference_is_mended_by_a_row_that_comes(market: Market) -> None:
    market.schedule("moved", 4, 0)
    plan, _ = market.pending()
    write(market, 3, 3)
    assert grown(market) == 0
    write(market, 1, 1)
    grown(market)
    market.block()
    market.block()
    entry = market.story.overlay().get(HISTORY, (market.story.height, plan))
    assert entry is not None and entry.kind == EXECUTED
