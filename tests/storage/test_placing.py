"""A checkpoint begun ahead is the one that would have been taken at once, and no more than a shortcut."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.checkpoint import Making, create, damaged_checkpoints, list_checkpoints, read_checkpoint
from storage.engine import Engine
from storage.errors import CheckpointExists, DiskError, StoreDamaged
from storage.home import Home
from storage.levelfiles import read_files, table_path
from storage.placing import Placing
from storage.restore import open_copy
from storage.retention import prune
from tests.storage.small_home import commit_up_to, content_at, head_of, new_home, open_whole
from tests.storage.small_state import commit, new_state, put_coins, reopened

ROWS = 300
"""Of a commit: the smallest buffer is full after two or three."""


def tables(database: Path) -> set[str]:
    return {file.name for file in database.glob("*.ldb")}


def listed(database: Path) -> set[str]:
    return {table_path(database, number).name for number, _ in read_files(database).version.tables}


def begun(home: Home) -> Path:
    return home.checkpoints / ".making" / "database"


def all_of(making: Making, files: int) -> int:
    slices = 1
    while making.advance(files):
        slices += 1
    return slices


def filled(root: Path, commits: int = 40) -> tuple[Home, Engine]:
    home, engine = new_home(root)
    commit_up_to(home, engine, 1, commits, ROWS)
    return home, engine


STEPS = st.lists(
    st.sampled_from(["commit", "commits", "barrier", "compact", "slice", "slices", "drop", "open anew"]), max_size=14
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_whatever_happens_on_the_way_it_is_the_database_of_its_commit(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        home, engine = new_home(Path(scratch) / "node")
        making, reached = Making(home), 0
        for step in steps:
            if step in ("commit", "commits"):
                first, reached = reached + 1, reached + (1 if step == "commit" else 7)
                commit_up_to(home, engine, first, reached, ROWS)
            elif step == "barrier":
                engine.barrier()
            elif step == "compact":
                engine.compact_range()
            elif step == "slice":
                making.advance(2)
            elif step == "slices":
                all_of(making, 3)
            elif step == "drop":
                making.drop()
            else:
                engine.close()
                engine = Engine.open(home.database, buffer_bytes=64 << 10)
        made = making.take("test", engine)
        engine.close()
        assert read_checkpoint(made.path) == made
        assert tables(made.database) == listed(made.database)
        assert open_whole(open_copy(made, Path(scratch) / "copy")) == (head_of(reached), content_at(reached, ROWS))


def test_what_is_in_place_is_not_done_again(tmp_path: Path) -> None:
    home, engine = filled(tmp_path / "node")
    engine.barrier()
    making = Making(home)
    assert all_of(making, 1) >= len(listed(home.database)) > 1
    before = {file.name: file.stat().st_ctime_ns for file in begun(home).glob("*.ldb")}
    made = making.take("test", engine)
    engine.close()
    assert {file.name: file.stat().st_ctime_ns for file in made.database.glob("*.ldb")} == before
    assert all(file.stat().st_nlink > 1 for file in made.database.glob("*.ldb"))


def test_what_is_written_at_the_moment_itself_is_in_files_that_are_there_ahead(tmp_path: Path) -> None:
    home, engine = filled(tmp_path / "node")
    making = Making(home)
    all_of(making, 64)
    ahead = {file.name: file.stat().st_ino for file in begun(home).parent.rglob("*") if file.is_file()}
    commit_up_to(home, engine, 41, 41, 20)
    all_of(making, 64)
    commit_up_to(home, engine, 42, 42, 20)
    made = making.take("test", engine)
    engine.close()
    assert {file.name: file.stat().st_ino for file in made.path.rglob("*") if file.is_file()} == ahead
    assert read_checkpoint(made.path).head == head_of(42)


def test_links_that_no_longer_count_are_taken_away_ahead(tmp_path: Path) -> None:
    home, engine = filled(tmp_path / "node")
    making = Making(home)
    all_of(making, 2)
    first = tables(begun(home))
    commit_up_to(home, engine, 41, 60, ROWS)
    engine.compact_range()
    all_of(making, 2)
    assert tables(begun(home)) == listed(home.database)
    assert tables(begun(home)) != first
    engine.close()


def test_what_is_begun_is_no_checkpoint_and_outlives_the_pruning_of_others(tmp_path: Path) -> None:
    home, engine = filled(tmp_path / "node")
    create(home, "earlier")
    making = Making(home)
    all_of(making, 64)
    commit_up_to(home, engine, 41, 42, ROWS)
    assert [one.height for one in list_checkpoints(home)] == [40]
    prune(home, 0, {})
    assert (list_checkpoints(home), damaged_checkpoints(home)) == ((), ())
    assert tables(begun(home))
    made = making.take("test", engine)
    engine.close()
    assert open_whole(open_copy(made, tmp_path / "copy")) == (head_of(42), content_at(42, ROWS))


def test_one_that_is_there_already_is_not_taken_again_and_nothing_is_left(tmp_path: Path) -> None:
    home, engine = filled(tmp_path / "node")
    create(home, "earlier")
    making = Making(home)
    all_of(making, 64)
    with pytest.raises(CheckpointExists):
        making.take("again", engine)
    assert not begun(home).exists()
    engine.close()


def test_what_a_crash_left_begun_goes_at_the_next_start(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    commit(state, put_coins({1: 5}))
    home = Home.open(tmp_path / "node")
    while state.making.advance(1):
        continue
    assert begun(home).is_dir()
    state = reopened(state, tmp_path / "node")
    assert list(home.checkpoints.iterdir()) == []
    state.close()


def test_a_disk_that_fails_ahead_leaves_nothing_and_the_checkpoint_is_taken_all_the_same(tmp_path: Path) -> None:
    home, engine = filled(tmp_path / "node")
    making = Making(home)
    making.advance(1)
    (tmp_path / "elsewhere").mkdir()
    home.checkpoints.rename(tmp_path / "elsewhere" / "checkpoints")
    home.checkpoints.write_bytes(b"no folder")
    with pytest.raises((DiskError, StoreDamaged)):
        all_of(making, 1)
    with pytest.raises(DiskError):
        making.advance(1)
    home.checkpoints.unlink()
    (tmp_path / "elsewhere" / "checkpoints").rename(home.checkpoints)
    made = making.take("test", engine)
    engine.close()
    assert [entry.name for entry in home.checkpoints.iterdir()] == [made.name]
    assert open_whole(open_copy(made, tmp_path / "copy")) == (head_of(40), content_at(40, ROWS))


def test_a_sorted_file_that_was_lost_is_told_ahead_too(tmp_path: Path) -> None:
    home, engine = filled(tmp_path / "node")
    engine.barrier()
    lost = table_path(home.database, read_files(home.database).version.tables[0][0])
    lost.unlink()
    (tmp_path / "copy").mkdir()
    placing = Placing(home.database, tmp_path / "copy")
    with pytest.raises(StoreDamaged, match=f"{lost.name} is missing"):
        placing.advance(1_000)
    with pytest.raises(StoreDamaged, match=f"{lost.name} is missing"):
        placing.complete()
    engine.close()
