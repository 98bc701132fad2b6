"""A restore happens completely or not at all, and never makes a home forget what it signed."""

import shutil
from pathlib import Path

import pytest

from storage.checkpoint import Checkpoint, create, list_checkpoints
from storage.engine import Engine
from storage.errors import (
    CheckpointDamaged,
    CheckpointForeign,
    HeadMismatch,
    SigningRefused,
    StoreLocked,
    StoreMissing,
)
from storage.home import Home
from storage.restore import open_copy_of_running, restore, verify
from storage.rows import META_KEY
from storage.signing import LastSigned
from tests.storage.small_home import commit_up_to, content_at, head_of, new_home, open_whole, rows_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """At commit 90, with a checkpoint at 50."""
    home, engine = new_home(tmp_path / "node")
    commit_up_to(home, engine, 1, 50)
    create(home, "test")
    commit_up_to(home, engine, 51, 90)
    engine.close()
    return home


@pytest.fixture
def checkpoint(home: Home) -> Checkpoint:
    return list_checkpoints(home)[0]


def test_a_restored_home_stands_at_the_checkpoint_and_goes_on(home: Home, checkpoint: Checkpoint) -> None:
    assert restore(checkpoint, home) == head_of(50)
    assert open_whole(home) == (head_of(50), content_at(50))
    engine = Engine.open(home.database)
    commit_up_to(home, engine, 51, 70)
    engine.close()
    assert open_whole(home) == (head_of(70), content_at(70))
    assert verify(checkpoint, home.root / "scratch") == head_of(50)


def test_a_home_is_copied_while_another_has_it_open(home: Home, tmp_path: Path) -> None:
    engine = Engine.open(home.database)
    commit_up_to(home, engine, 91, 95)
    copy, head = open_copy_of_running(home, tmp_path / "copy")
    assert head == head_of(95)
    assert open_whole(copy) == (head_of(95), content_at(95))
    commit_up_to(home, engine, 96, 100)
    engine.close()
    assert open_whole(home) == (head_of(100), content_at(100))
    assert not copy.genesis_file.exists() and not copy.last_signed_file.exists()


def test_a_copy_goes_by_its_database_where_the_head_file_tells_of_another_commit(home: Home, tmp_path: Path) -> None:
    engine = Engine.open(home.database)
    rows = [*rows_of(91).items(), (META_KEY, head_of(91).to_bytes())]
    engine.write(rows, sync=True)  # and the head file is not written yet
    copy, head = open_copy_of_running(home, tmp_path / "copy")
    engine.close()
    assert head == head_of(91)
    assert open_whole(copy) == (head_of(91), content_at(91))


def test_a_home_without_a_database_cannot_be_copied(home: Home, tmp_path: Path) -> None:
    shutil.rmtree(home.database)
    with pytest.raises(StoreMissing):
        open_copy_of_running(home, tmp_path / "copy")


def test_what_was_replaced_is_kept_once(home: Home, checkpoint: Checkpoint) -> None:
    restore(checkpoint, home)
    old = Home(home.replaced)
    assert open_whole(old) == (head_of(90), content_at(90))
    restore(checkpoint, home)
    assert open_whole(old) == (head_of(50), content_at(50))


@pytest.mark.parametrize("damage", ["database", "head", "both", "CURRENT"])
def test_a_damaged_home_is_restored_all_the_same(home: Home, checkpoint: Checkpoint, damage: str) -> None:
    if damage in ("database", "both"):
        shutil.rmtree(home.database)
    if damage in ("head", "both"):
        home.head_file.unlink()
    if damage == "CURRENT":
        (home.database / "CURRENT").unlink()
    restore(checkpoint, home)
    assert open_whole(home) == (head_of(50), content_at(50))


def test_the_last_signed_record_stays(home: Home, checkpoint: Checkpoint) -> None:
    LastSigned.create(home.last_signed_file).advance(90, 0, b"x" * 32)
    restore(checkpoint, home)
    with pytest.raises(SigningRefused):
        LastSigned.open(home.last_signed_file).advance(51, 0, b"y" * 32)


def test_a_home_in_use_is_not_restored(home: Home, checkpoint: Checkpoint) -> None:
    with home.lock(), pytest.raises(StoreLocked):
        restore(checkpoint, home)
    assert open_whole(home) == (head_of(90), content_at(90))


def test_a_checkpoint_of_another_chain_is_refused_unless_asked_for(home: Home, checkpoint: Checkpoint) -> None:
    home.genesis_file.write_text("another chain")
    with pytest.raises(CheckpointForeign):
        restore(checkpoint, home)
    assert open_whole(home) == (head_of(90), content_at(90))
    restore(checkpoint, home, same_chain=False)
    assert open_whole(home) == (head_of(50), content_at(50))


def test_a_damaged_checkpoint_changes_nothing(home: Home, checkpoint: Checkpoint) -> None:
    table = next(iter(sorted(checkpoint.database.glob("*.ldb"))))
    raw = bytearray(table.read_bytes())
    raw[100] ^= 1
    table.unlink()
    table.write_bytes(raw)
    with pytest.raises(CheckpointDamaged):
        verify(checkpoint, home.root / "scratch")
    with pytest.raises(CheckpointDamaged):
        restore(checkpoint, home)
    assert open_whole(home) == (head_of(90), content_at(90))
    assert not home.restored.exists()


@pytest.mark.parametrize("moved", range(5))
def test_a_restore_cut_short_is_finished_when_the_home_is_locked(
    home: Home, checkpoint: Checkpoint, tmp_path: Path, moved: int
) -> None:
    """Each step of the move is taken by hand up to `moved`, then the home is locked as after a crash."""
    donor, engine = new_home(tmp_path / "donor")
    commit_up_to(donor, engine, 1, 50)
    engine.close()
    home.restored.mkdir()
    donor.database.rename(home.restored / "database")
    donor.head_file.rename(home.restored / "head")
    home.replaced.mkdir()
    steps = [
        (home.database, home.replaced / "database"),
        (home.restored / "database", home.database),
        (home.head_file, home.replaced / "head"),
        (home.restored / "head", home.head_file),
    ]
    for source, target in steps[:moved]:
        source.rename(target)
    home.lock().close()
    assert open_whole(home) == (head_of(50), content_at(50))
    assert open_whole(Home(home.replaced)) == (head_of(90), content_at(90))
    assert not home.restored.exists()


def test_a_half_made_copy_of_an_earlier_attempt_does_not_matter(home: Home, checkpoint: Checkpoint) -> None:
    (home.root / "restoring" / "database").mkdir(parents=True)
    home.lock().close()
    assert open_whole(home) == (head_of(90), content_at(90))
    restore(checkpoint, home)
    assert open_whole(home) == (head_of(50), content_at(50))


def test_rows_and_head_of_different_checkpoints_are_refused(home: Home, checkpoint: Checkpoint) -> None:
    shutil.rmtree(home.database)
    shutil.copytree(checkpoint.database, home.database)
    with pytest.raises(HeadMismatch, match="head file says commit 90"):
        open_whole(home)


def test_a_checkpoint_without_a_head_inside_is_damaged(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "bare")
    engine.write([(b"m", None)], sync=True)
    bare = create(home, "test")
    engine.close()
    with pytest.raises(CheckpointDamaged, match="holds no head"):
        verify(bare, tmp_path / "scratch")
