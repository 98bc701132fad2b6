"""How long something still takes: estimated while it goes on, and told while a person may wait.  # I9"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from governance.lifecycle import Status
from governance.proposals import Rollback
from node.attester import PROGRESS_SECONDS
from node.core import GrowthLog
from node.pace import SPAN, Pace
from node.rehearsal.world import World
from node.solo import GROWTH_RECORDS
from runtime.plans import REPLAYING
from scripts.status import of_node
from tests.node.served import Node, serving
from tests.scenarios.upgrades import activated, approved, carry, example, propose, vote
from tests.short_periods import SHORT, short_genesis

ACCOUNTS = 4 * GROWTH_RECORDS
TOTAL = ACCOUNTS + 1
"""Records to migrate: every account, and the collector of fees."""


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[World]:
    """A chain on which an upgrade waits for its height, with nothing grown of its state."""
    world = World.create(tmp_path / "chain", short_genesis(accounts=ACCOUNTS))
    upgrade_waits(world)
    yield world
    world.close()


def upgrade_waits(world: World) -> None:
    """Vote an upgrade through and begin its growth anew, of which a part was done beside the last blocks."""
    approved(world, example(world))
    chain = world.application.chain
    assert chain.growth is not None
    chain.growth.discard()
    chain._growth = chain._begin_growth()


def test_the_rest_is_estimated_by_how_fast_it_went() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert pace.seconds_left(0, 100) is None
    clock.now += 10
    assert pace.seconds_left(20, 100) == 40
    clock.now += 10
    assert pace.seconds_left(40, 120) == 40, "the total may grow with the chain"
    assert pace.seconds_left(120, 120) == 0


def test_only_what_was_lately_counts() -> None:
    clock = Clock()
    pace = Pace(clock)
    for done in range(10):  # slow at first: one in ten seconds
        pace.seconds_left(done, 1_000)
        clock.now += SPAN / 3
    for done in range(10, 510, 50):
        left = pace.seconds_left(done, 1_000)
        clock.now += SPAN / 3
    assert left == (1_000 - 460) / 50 * SPAN / 3


def test_a_count_that_falls_is_another() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.seconds_left(0, 100)
    clock.now += 10
    assert pace.seconds_left(90, 100) == 1
    assert pace.seconds_left(0, 50) is None
    clock.now += 10
    assert pace.seconds_left(10, 50) == 40


def test_one_that_stands_still_has_no_estimate() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.seconds_left(5, 100)
    clock.now += 10
    assert pace.seconds_left(5, 100) is None


def test_the_log_tells_how_far_the_next_state_is_and_how_long_it_takes(growing: World) -> None:
    clock, told = Clock(), list[dict[str, Any]]()
    log = GrowthLog(growing.application, lambda event, **fields: told.append({"event": event, **fields}), clock)
    growing.application._pace = Pace(clock)
    for _ in range(3):
        assert growing.application.grow(GROWTH_RECORDS)
        log.tell()
        clock.now += PROGRESS_SECONDS
        log.tell()
        log.tell()
    done = [one["done"] for one in told]
    assert [(one["event"], one["total"], one["failing"]) for one in told] == [("growth", TOTAL, 0)] * 3
    assert [after - before for before, after in pairwise(done)] == [GROWTH_RECORDS] * 2
    assert told[-1]["seconds_left"] == round((TOTAL - done[-1]) * PROGRESS_SECONDS / GROWTH_RECORDS)
    while growing.application.grow(GROWTH_RECORDS):
        continue
    clock.now += PROGRESS_SECONDS
    log.tell()
    assert len(told) == 3, "once it is ready nobody waits for it"


def test_a_block_that_waits_for_the_next_state_tells_how_far_it_is(growing: World) -> None:
    heard: list[tuple[str, int, int]] = []
    growing.told.progress = lambda *where: heard.append(where)
    growing.solo.finish_growth()
    assert heard[0] == ("the next state, migrating", GROWTH_RECORDS, TOTAL)
    assert {done for _, done, _ in heard} >= {2 * GROWTH_RECORDS, TOTAL}


def test_whoever_asks_for_the_plan_is_told_how_long_the_next_state_takes(node: Node) -> None:
    clock = Clock()
    node.world.application._pace = Pace(clock)
    node.executor.submit(upgrade_waits, node.world).result(60)
    for done in (8, 16):
        node.executor.submit(node.world.application.grow, 8).result(60)
        clock.now += 4
        growth = node.get("/upgrade/plan")["pending"]["growth"]
        assert growth["done"] == done
    assert growth["seconds_left"] == round((growth["total"] - 16) * 4 / 8)
    said = of_node(str(node.client.base_url))
    assert f"migrating, 16 of {growth['total']} records, about {growth['seconds_left']} s left" in said.text


def test_whoever_waits_behind_a_replay_is_told_how_far_it_is(tmp_path: Path) -> None:
    with serving(tmp_path / "chain", short_genesis(parameters={**SHORT, "replay_items": 1})) as node:
        node.executor.submit(_returned, node.world).result(120)
        row = node.world.overlay().get(REPLAYING, ())
        assert row is not None
        replay = node.get("/upgrade/plan")["replay"]
        assert replay == {
            "plan": 1, "returned": row.window.rollback_at, "next": row.next, "replayed": row.replayed,
            "not_replayed": 0, "heights_left": node.world.height + 1 - row.next,
        }  # fmt: skip
        left = f"{replay['heights_left']} heights left from {row.next} on, calls wait behind them"
        assert f"since {replay['returned']}: {row.replayed} run again, 0 not; {left}" in of_node(
            str(node.client.base_url)
        ).text
        while node.world.coordinator().replaying() is not None:
            node.block()
        assert node.get("/upgrade/plan")["replay"] is None


def _returned(world: World) -> None:
    """A chain in the first of many blocks of a replay."""
    assert activated(world, example(world)).record.outcome == "executed"
    sender, other = world.accounts()[:2]
    for _ in range(8):
        world.call(sender, "bank.send", to=other, coins=1)
        world.must()
    window = world.coordinator().window()
    assert window is not None
    proposal = propose(world, Rollback(upgrade=window.proposal), 0)
    vote(world, proposal, "yes")
    carry(world, proposal, Status.EXECUTED)
    world.block()
