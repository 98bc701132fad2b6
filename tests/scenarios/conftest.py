"""Worlds for scenarios: a small chain whose periods are short, so that a whole upgrade takes a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from node.genesis.document import Genesis
from node.genesis.generated import generated_genesis
from node.rehearsal.world import World

SHORT: dict[str, int] = {
    "voting_delay": 1,
    "voting_period": 20,
    "timelock_delay": 10,
    "emergency_delay": 1,
    "emergency_period": 5,
    "emergency_timelock": 1,
    "probation": 20,
    "rollback_window": 400,
}


def short_genesis(accounts: int = 40, seed: str = "scenario") -> Genesis:
    """A generated genesis under short periods."""
    return generated_genesis(accounts, 4, seed).model_copy(update={"parameters": dict(SHORT)})


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds in folders of their own and closes them at the end."""
    made: list[World] = []

    def make(genesis: Genesis | None = None) -> World:
        world = World.create(tmp_path / f"chain-{len(made)}", genesis or short_genesis())
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """One world."""
    return make_world()
