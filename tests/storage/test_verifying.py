"""A checkpoint is whole when its rows give its roots, not only when LevelDB can read them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from storage.checkpoint import Checkpoint, list_checkpoints
from storage.engine import Engine
from storage.errors import CheckpointDamaged
from storage.home import Home
from storage.restore import open_copy, verify
from storage.verifying import verify_roots
from tests.storage.small_state import PURSES, commit, new_state, put_coins


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    """Of a state with some hundred rows."""
    state = new_state(tmp_path / "home")
    commit(state, put_coins({owner: owner * 3 for owner in range(1, 200)}))
    state.checkpoint("test")
    state.close()
    return list_checkpoints(Home(tmp_path / "home"))[0]


def test_a_whole_one_is_verified_and_its_copy_is_gone(checkpoint: Checkpoint, tmp_path: Path) -> None:
    assert verify_roots(checkpoint, tmp_path / "scratch") == checkpoint.head
    assert not (tmp_path / "scratch").exists()


def test_a_readable_row_that_was_never_committed_is_found(checkpoint: Checkpoint, tmp_path: Path) -> None:
    copy = open_copy(checkpoint, tmp_path / "copy")
    engine = Engine.open(copy.database)
    wanted = PURSES.pack((7,))
    (place,) = (key for key, _ in engine.iterate(None, None) if key.endswith(wanted) and key[:1] == b"t")
    engine.write([(place, PURSES.codec.encode(PURSES.record(coins=10**6)))], sync=True)
    engine.close()
    shutil.rmtree(checkpoint.database)
    copy.database.rename(checkpoint.database)
    assert verify(checkpoint, tmp_path / "scratch") == checkpoint.head
    with pytest.raises(CheckpointDamaged, match="its rows do not give the roots of height 1"):
        verify_roots(checkpoint, tmp_path / "scratch")
    assert not (tmp_path / "scratch").exists()
