"""What we read in LevelDB's files is what LevelDB means, and no bytes make the reading go astray."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.engine import Engine
from storage.errors import DiskError, StoreDamaged
from storage.home import Home
from storage.levelfiles import check_files, log_paths, read_files, read_manifest, table_path, unchanged
from storage.logrecords import BLOCK, Unreadable, read_records
from storage.manifest import Version, add_up
from tests.storage.small_home import commit_up_to, content_at, head_of, new_home, open_whole


def read_version(raw: bytes) -> Version:
    return add_up(read_records(raw))


def numbers(database: Path) -> set[int]:
    return {int(table.stem) for table in database.glob("*.ldb")}


def filled(root: Path, value_size: int, count: int = 300) -> Engine:
    engine = Engine.create(root / "database", buffer_bytes=64 << 10)
    for number in range(count):
        engine.write([(b"k%05d" % (number * 7919 % 1000), bytes([number % 251]) * value_size)], sync=False)
    return engine


def test_the_listed_sorted_files_are_those_that_exist_with_their_sizes(tmp_path: Path) -> None:
    engine = filled(tmp_path, 2000)
    engine.barrier()
    engine.compact_range()
    engine.close()
    Engine.open(engine.path).close()
    version = check_files(engine.path).version
    assert {number for number, _ in version.tables} == numbers(engine.path)
    assert version.tables
    for number, size in version.tables:
        assert (engine.path / f"{number:06}.ldb").stat().st_size == size
    assert version.next_file > max(numbers(engine.path))


@pytest.mark.parametrize("call", ["scandir", "stat"])
def test_a_disk_that_refuses_at_a_start_is_a_typed_error(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = filled(tmp_path, 2000)
    engine.barrier()
    engine.close()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(DiskError):
        Engine.open(engine.path)


def test_files_of_a_running_database_can_be_read(tmp_path: Path) -> None:
    engine = filled(tmp_path, 2000)
    for _ in range(20):
        engine.write([(b"more", b"x" * 30_000)], sync=False)
        files = read_files(engine.path)
        assert {number for number, _ in files.version.tables} <= numbers(engine.path) | set(
            range(files.version.next_file)
        )
        assert files.logs
    engine.close()


@pytest.mark.parametrize("value_size", [0, 1, BLOCK - 60, BLOCK - 33, BLOCK - 32, BLOCK - 31, BLOCK, 3 * BLOCK + 5])
def test_batches_of_every_size_are_read_from_a_log(tmp_path: Path, value_size: int) -> None:
    engine = Engine.create(tmp_path / "database", buffer_bytes=64 << 20)
    values = [bytes([number]) * (value_size + number) for number in range(40)]
    for value in values:
        engine.write([(b"k", value)], sync=False)
    files = check_files(engine.path)
    records = list(read_records(files.logs[-1].read_bytes()))
    engine.close()
    assert len(records) == len(values)
    for number, (record, value) in enumerate(zip(records, values, strict=True)):
        assert int.from_bytes(record[:8], "little") == number + 1
        assert int.from_bytes(record[8:12], "little") == 1
        assert record.endswith(value)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A MANIFEST and a log."""
    engine = filled(tmp_path_factory.mktemp("originals"), 700)
    files = read_files(engine.path)
    log = files.logs[-1].read_bytes()
    engine.close()
    return files.manifest_bytes, log


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, 5000), content=st.binary(max_size=30), cut=st.integers(0, 5000) | st.none())
def test_damaged_bytes_are_read_or_refused_but_never_astray(
    originals: tuple[bytes, bytes], at: int, content: bytes, cut: int | None
) -> None:
    for raw in originals:
        spoiled = raw[:at] + content + raw[at + len(content) :]
        for read in (read_version, lambda bytes_: list(read_records(bytes_))):
            try:
                read(spoiled[:cut])
            except Unreadable as error:
                assert str(error)


@given(raw=st.binary(max_size=300))
def test_random_bytes_are_refused_as_a_manifest(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        read_version(raw)


def test_a_log_of_zeros_is_empty_and_zeros_before_records_are_refused(originals: tuple[bytes, bytes]) -> None:
    _, log = originals
    assert list(read_records(bytes(10_000))) == []
    assert list(read_records(log + bytes(5000))) == list(read_records(log))
    with pytest.raises(Unreadable, match="where records follow"):
        list(read_records(bytes(BLOCK) + log))


def behind_its_manifest(tmp_path: Path) -> Path:
    """A database as a power loss leaves it whose last edit is in the MANIFEST and the edit's sorted file is not there:
    file systems may write a file's end before another one's name."""
    home, engine = new_home(tmp_path / "node", buffer_bytes=4 << 20)
    commit_up_to(home, engine, 1, 20)
    kept = tmp_path / "kept"
    kept.mkdir()
    for log in read_files(home.database).logs:
        shutil.copy(log, kept)
    before = {number for number, _ in read_files(home.database).version.tables}
    engine.barrier()
    engine.close()
    for number, _ in read_files(home.database).version.tables:
        if number not in before:
            table_path(home.database, number).unlink()
    for log in kept.iterdir():
        shutil.copy(log, home.database)
    return home.root


def test_an_edit_ahead_of_its_files_is_taken_back(tmp_path: Path) -> None:
    home = Home(behind_its_manifest(tmp_path))
    with pytest.raises(StoreDamaged, match="is missing"):
        check_files(home.database)
    assert open_whole(home) == (head_of(20), content_at(20))
    check_files(home.database)


def test_an_edit_ahead_of_its_log_is_taken_back(tmp_path: Path) -> None:
    """A barrier with nothing to write adds an edit that tells of a log alone."""
    home, engine = new_home(tmp_path / "node", buffer_bytes=4 << 20)
    commit_up_to(home, engine, 1, 20)
    engine.close()
    engine = Engine.open(home.database)
    (before,) = (log.name for log in read_files(home.database).logs)
    engine.compact_range(b"\xff" * 64, b"\xff" * 65)
    engine.close()
    (after,) = read_files(home.database).logs
    assert after.name != before
    after.rename(home.database / before)
    with pytest.raises(StoreDamaged, match="log is missing"):
        check_files(home.database)
    assert open_whole(home) == (head_of(20), content_at(20))


def test_an_edit_is_not_taken_back_to_what_is_not_whole_either(tmp_path: Path) -> None:
    home = Home(behind_its_manifest(tmp_path))
    manifest = home.database / read_files(home.database).manifest
    before = manifest.read_bytes()
    min(log_paths(home.database)).unlink()
    with pytest.raises(StoreDamaged, match="missing"):
        open_whole(home)
    assert manifest.read_bytes() == before


def test_a_manifest_that_grew_is_read_on_to_what_reading_it_whole_gives(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "node")
    still = tmp_path / "still"  # LevelDB compacts as it likes: what is read twice stands by itself
    still.mkdir()

    def look() -> None:
        name, raw = read_manifest(home.database)
        (still / name).write_bytes(raw)
        (still / "CURRENT").write_text(f"{name}\n")

    look()
    before = read_files(still)
    for last in (30, 60, 61, 120):
        commit_up_to(home, engine, 1, last, 200)
        if last == 60:
            engine.compact_range()
        look()
        whole = read_files(still)
        assert len(whole.manifest_bytes) > len(before.manifest_bytes)
        assert read_files(still, before) == whole
        assert read_files(still, whole) == whole
        before = whole
    engine.close()
    Engine.open(home.database).close()  # another MANIFEST begins
    look()
    assert read_files(still, before) == read_files(still) != before


def test_a_second_look_notices_every_sorted_file_that_came_or_went(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "node")
    commit_up_to(home, engine, 1, 30, 200)
    engine.compact_range()  # afterwards nothing is left to compact until something is written
    files = read_files(home.database)
    assert unchanged(home.database, files)
    engine.barrier()
    assert not unchanged(home.database, files)
    files = read_files(home.database)
    engine.compact_range()
    assert not unchanged(home.database, files)
    engine.close()
    files = read_files(home.database)
    Engine.open(home.database).close()  # another MANIFEST begins
    assert not unchanged(home.database, files)
