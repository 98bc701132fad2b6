"""A checkpoint is whole when its rows give its roots, not only when LevelDB can read them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.checkpoint import Checkpoint, list_checkpoints
from storage.engine import Engine
from storage.errors import CheckpointDamaged
from storage.home import Home
from storage.restore import open_copy, verify
from storage.state import State
from storage.verifying import root_of, verify_roots
from tests.storage.small_state import ALL_TABLES, PURSES, commit, new_state, put_coins


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    """Of a state with some hundred rows."""
    state = new_state(tmp_path / "home")
    commit(state, put_coins({owner: owner * 3 for owner in range(1, 200)}))
    state.checkpoint("test")
    state.close()
    return list_checkpoints(Home(tmp_path / "home"))[0]


def test_a_whole_one_is_verified_table_by_table_and_its_copy_is_gone(checkpoint: Checkpoint, tmp_path: Path) -> None:
    heard: list[str] = []
    assert verify_roots(checkpoint, tmp_path / "scratch", heard.append) == checkpoint.head
    assert {table.name for table in ALL_TABLES} <= set(heard)
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
    with pytest.raises(CheckpointDamaged, match=r"the rows of bank\.purses do not give its root"):
        verify_roots(checkpoint, tmp_path / "scratch")
    assert not (tmp_path / "scratch").exists()


@settings(max_examples=20, deadline=None)
@given(coins=st.dictionaries(st.integers(0, 2**40), st.integers(1, 9), max_size=60))
def test_counting_again_gives_the_root_that_commits_gave(
    coins: dict[int, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    state: State = new_state(tmp_path_factory.mktemp("counted") / "home")
    commit(state, put_coins(coins))
    assert root_of(state.rows(PURSES.name)) == state.table_root(PURSES.name)
    state.close()
