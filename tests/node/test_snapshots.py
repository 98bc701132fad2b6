"""A node joins by snapshot, also inside a rollback window, and goes on with the same roots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.errors import NotFound
from node.rehearsal.world import World
from node.snapshots import Joining
from storage.errors import SnapshotDamaged, SnapshotMismatch, StorageError
from storage.home import Home
from tests.faults.chain_story import minting_bundle, next_block, story_genesis


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World.create(tmp_path / "first", story_genesis())
    bundle = minting_bundle(made.genesis.chain_name)
    while made.coordinator().window() is None:
        next_block(made, bundle)
    for _ in range(3):
        next_block(made, bundle)
    yield made
    made.close()


def joined(world: World, root: Path) -> World:
    """A second chain filled from the first one's snapshot."""
    application = world.application
    manifest = application.take_snapshot()
    assert manifest in application.list_snapshots()
    home = Home.create(root)
    home.genesis_file.write_bytes(world.genesis.canonical())
    joining = Joining(home)
    assert joining.offer_snapshot(manifest, application.state.head.app_root)
    ends = [
        joining.apply_snapshot_chunk(place, application.load_snapshot_chunk(manifest.name, place))
        for place in range(len(manifest.chunks))
    ]
    assert ends == [False] * (len(ends) - 1) + [True]
    return World.open(root, world.genesis)


def test_a_node_that_joins_inside_the_window_rolls_back_like_the_others(world: World, tmp_path: Path) -> None:
    second = joined(world, tmp_path / "second")
    bundle = minting_bundle(world.genesis.chain_name)
    for _ in range(8):
        next_block(world, bundle)
        next_block(second, bundle)
        assert second.application.state.head.app_root == world.application.state.head.app_root
    assert second.coordinator().window() is None, "the story's rollback has happened"
    second.close()


def test_a_snapshot_of_another_root_is_not_taken(world: World, tmp_path: Path) -> None:
    manifest = world.application.take_snapshot()
    assert not Joining(Home.create(tmp_path / "second")).offer_snapshot(manifest, bytes(32))


def test_a_spoiled_chunk_leaves_no_database(world: World, tmp_path: Path) -> None:
    application = world.application
    manifest = application.take_snapshot()
    home = Home.create(tmp_path / "second")
    joining = Joining(home)
    joining.offer_snapshot(manifest, application.state.head.app_root)
    raw = application.load_snapshot_chunk(manifest.name, 0)
    with pytest.raises((SnapshotDamaged, SnapshotMismatch)):
        joining.apply_snapshot_chunk(0, raw[:-1] + bytes([raw[-1] ^ 1]))
    assert not home.database.exists()


def test_chunks_out_of_turn_and_unknown_ones_are_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        world.application.load_snapshot_chunk("no-such", 0)
    with pytest.raises(StorageError):
        Joining(Home.create(tmp_path / "second")).apply_snapshot_chunk(0, b"")
