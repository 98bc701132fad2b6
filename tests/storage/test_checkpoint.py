"""A checkpoint is exactly the database of one commit, whatever the running database does meanwhile."""

import threading
from pathlib import Path

import pytest

from storage.checkpoint import create, damaged_checkpoints, list_checkpoints, read_checkpoint
from storage.errors import CheckpointDamaged, CheckpointExists, CheckpointMissing, HomeFormatTooNew
from storage.levelfiles import read_files, table_path
from storage.restore import open_copy, verify
from tests.storage.small_home import commit_up_to, content_at, head_of, new_home, open_whole


def test_a_checkpoint_holds_the_rows_of_its_commit(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "node")
    commit_up_to(home, engine, 1, 60)
    made = create(home, "before upgrade 7")
    commit_up_to(home, engine, 61, 120)
    assert (made.height, made.reason, made.genesis) == (60, "before upgrade 7", "")
    copy = open_copy(made, tmp_path / "copy")
    assert open_whole(copy) == (head_of(60), content_at(60))
    engine.close()
    assert open_whole(home) == (head_of(120), content_at(120))


def test_a_checkpoint_outlives_compaction_and_the_end_of_its_database(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "node")
    commit_up_to(home, engine, 1, 60)
    made = create(home, "test")
    commit_up_to(home, engine, 61, 90)
    engine.compact_range()
    engine.close()
    for file in home.database.iterdir():
        file.unlink()
    assert open_whole(open_copy(made, tmp_path / "copy")) == (head_of(60), content_at(60))


def test_only_listed_sorted_files_are_shared(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "node")
    commit_up_to(home, engine, 1, 150)
    (home.database / "999999.ldb").write_bytes(b"half written")
    made = create(home, "test")
    listed = {table_path(home.database, number).name for number, _ in read_files(made.database).version.tables}
    assert {file.name for file in made.database.glob("*.ldb")} == listed
    assert listed
    for file in made.database.iterdir():
        assert (file.stat().st_nlink > 1) == (file.name in listed), file.name
    engine.close()


def test_opening_a_copy_changes_no_byte_of_the_checkpoint(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "node")
    commit_up_to(home, engine, 1, 80)
    made = create(home, "test")
    engine.close()
    before = {file: file.read_bytes() for file in made.path.rglob("*") if file.is_file()}
    copy = open_copy(made, tmp_path / "copy")
    open_whole(copy)
    assert verify(made, tmp_path / "scratch") == head_of(80)
    assert not (tmp_path / "scratch").exists()
    assert {file: file.read_bytes() for file in made.path.rglob("*") if file.is_file()} == before


def test_checkpoints_under_write_load_all_open_and_are_equal_to_their_commit(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "node", buffer_bytes=64 << 10)
    commit_up_to(home, engine, 1, 20, size=200)
    enough, failures = threading.Event(), list[BaseException]()
    reached = [20]

    def write() -> None:
        try:
            while not enough.is_set():
                commit_up_to(home, engine, reached[0] + 1, reached[0] + 1, size=200)
                reached[0] += 1
        except BaseException as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    made = []
    while len(made) < 12 and writer.is_alive():
        here = reached[0]
        made.append(create(home, "under load", engine))
        while reached[0] <= here + 3 and writer.is_alive():
            pass
    enough.set()
    writer.join()
    assert not failures
    engine.close()
    assert open_whole(home) == (head_of(reached[0]), content_at(reached[0], 200))
    for checkpoint in made:
        head, rows = open_whole(open_copy(checkpoint, tmp_path / checkpoint.name))
        assert head.commit in (checkpoint.head.commit, checkpoint.head.commit + 1)
        assert rows == content_at(head.commit, 200)


def test_checkpoints_between_commits_have_exactly_that_head(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "node", buffer_bytes=64 << 10)
    for commit in range(1, 61):
        commit_up_to(home, engine, commit, commit, size=300)
        if commit % 6 == 0:
            create(home, "test")
    engine.close()
    for checkpoint in list_checkpoints(home):
        found = open_whole(open_copy(checkpoint, tmp_path / checkpoint.name))
        assert found == (checkpoint.head, content_at(checkpoint.height, 300))


def test_checkpoints_are_listed_by_height(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "node")
    assert list_checkpoints(home) == ()
    for commit in (1, 2, 3):
        commit_up_to(home, engine, commit, commit)
        create(home, f"number {commit}")
    engine.close()
    assert [(each.height, each.reason) for each in list_checkpoints(home)] == [
        (1, "number 1"),
        (2, "number 2"),
        (3, "number 3"),
    ]
    assert all(each.size > 0 and each.made_at > 0 for each in list_checkpoints(home))


def test_one_head_has_one_checkpoint(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "node")
    create(home, "first")
    with pytest.raises(CheckpointExists):
        create(home, "second")
    engine.close()
    assert [each.reason for each in list_checkpoints(home)] == ["first"]


def test_what_a_crash_left_is_neither_listed_nor_kept(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "node")
    left = home.checkpoints / ".making-000000000009-aaaaaaaa"
    (left / "database").mkdir(parents=True)
    assert list_checkpoints(home) == ()
    create(home, "test")
    engine.close()
    assert not left.exists()


def test_a_folder_that_is_no_checkpoint_is_told_apart(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "node")
    made = create(home, "test")
    engine.close()
    info = made.path / "checkpoint.json"
    whole = info.read_text()
    with pytest.raises(CheckpointMissing):
        read_checkpoint(home.checkpoints / "nowhere")
    for content in (
        "",
        "{}",
        whole.replace('"format": 1', '"format": "x"'),
        whole.replace('"height": 0', '"height": null'),
    ):
        info.write_text(content)
        with pytest.raises(CheckpointDamaged):
            read_checkpoint(made.path)
        assert list_checkpoints(home) == ()
        assert [type(fault) for fault in damaged_checkpoints(home)] == [CheckpointDamaged]
    info.write_text(whole.replace('"format": 1', '"format": 99'))
    with pytest.raises(HomeFormatTooNew):
        read_checkpoint(made.path)
    info.unlink()
    with pytest.raises(CheckpointDamaged):
        read_checkpoint(made.path)


def test_a_genesis_file_goes_along(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "node")
    home.genesis_file.write_text('{"chain": "a"}')
    made = create(home, "test")
    engine.close()
    assert len(made.genesis) == 64
    assert open_copy(made, tmp_path / "copy").genesis_file.read_text() == '{"chain": "a"}'
