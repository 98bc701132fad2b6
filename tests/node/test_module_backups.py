"""The node's own files of what modules left behind: written beside blocks, whole before the window closes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.module_backups import known_backups
from node.rehearsal.world import World
from node.upkeep import Upkeep
from storage import snapshot
from storage.backup_file import verify_backup
from storage.module_backup import is_held, path_of
from tests.node.test_snapshots import joined
from tests.scenarios.reinstalls import BOOKS, beyond_window, reinstalled, shelved
from tests.short_periods import short_genesis


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose shelf was reinstalled just now, with chunks of a row each."""
    monkeypatch.setattr(snapshot, "CHUNK_BYTES", 1)
    made = World.create(tmp_path / "home", short_genesis())
    shelved(made)
    yield made
    made.close()


def test_it_is_written_a_chunk_after_each_block(world: World) -> None:
    upkeep = Upkeep(world.home, world.application, world.solo)
    upkeep.begin()
    digest = reinstalled(world)
    blocks = 0
    while not is_held(world.home, digest):
        upkeep.after(world.block())
        blocks += 1
    assert BOOKS < blocks < BOOKS + 5
    assert verify_backup(path_of(world.home, digest)).content.rows == BOOKS
    assert known_backups(world.home)[digest.hex()]["rows"] == BOOKS


def test_one_that_a_restart_cut_short_is_whole_before_the_window_closes(world: World) -> None:
    digest = reinstalled(world)
    for _ in range(3):
        world.block()
        world.application.backups.step()
    world.close()
    world = World.open(world.home.root, world.genesis)
    assert not is_held(world.home, digest)
    beyond_window(world)
    assert verify_backup(path_of(world.home, digest)).content.rows == BOOKS
    world.close()


def test_a_node_that_joined_inside_the_window_writes_the_same_file(world: World, tmp_path: Path) -> None:
    digest = reinstalled(world)
    world.block()
    second = joined(world, tmp_path / "second")
    second.application.backups.finish()
    world.application.backups.finish()
    assert path_of(second.home, digest).read_bytes() == path_of(world.home, digest).read_bytes()
    second.close()


def test_nothing_is_written_for_an_upgrade_that_reinstalls_nothing(world: World) -> None:
    world.block()
    assert not world.application.backups.step()
    assert not world.home.backups.exists()
