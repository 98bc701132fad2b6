"""Worlds for scenarios: a small chain whose periods are short, so that a whole upgrade takes a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from node.genesis.document import Genesis
from node.rehearsal.world import World
from tests.short_periods import short_genesis


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
