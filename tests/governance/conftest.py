"""Worlds for tests: each is closed when its test ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.governance.world import World


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds with the powers and parameters a test asks for."""
    made: list[World] = []

    def make(*arguments: object, **options: object) -> World:
        made.append(World(tmp_path / f"home{len(made)}", *arguments, **options))
        return made[-1]

    yield make
    for world in made:
        world.close_home()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Four voters of 100 units each; see SMALL for its short periods."""
    return make_world()
