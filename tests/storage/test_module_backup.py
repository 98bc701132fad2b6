"""Files of module backups: what they hold is what was put in, whoever wrote it and however often that was cut short."""

from __future__ import annotations

import hashlib
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.backup_file import CONTENTS, BackedTable, BackupContent, read_backup, verify_backup
from storage.bulkload import tree_of
from storage.errors import BackupDamaged, BackupMissing
from storage.home import Home
from storage.module_backup import BackupWriter, adopt, find_backup, is_held, list_backups, path_of, share
from storage.snapshot import CHUNK_BYTES, chunked

Tables = dict[str, dict[bytes, bytes]]
tables = st.dictionaries(
    st.sampled_from(["shelf.books", "shelf.marks", "shelf.pots"]),
    st.dictionaries(st.binary(min_size=1, max_size=8), st.binary(max_size=20), max_size=20),
)


def content_of(rows: Tables) -> BackupContent:
    return BackupContent(
        module="shelf",
        tables=tuple(
            BackedTable(name=name, schema=bytes(32), root=tree_of(held_rows.items()).root, rows=len(held_rows))
            for name, held_rows in sorted(rows.items())
        ),
    )


def written(home: Home, rows: Tables) -> Path:
    writer = BackupWriter(home, content_of(rows), lambda name: iter(sorted(rows[name].items())))
    while writer.step():
        continue
    return writer.target


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "home")


@given(tables)
@settings(max_examples=60, deadline=None)
def test_a_backup_gives_back_every_row_it_was_made_of(rows: Tables) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Home.create(Path(folder) / "home"), rows)
        backup = verify_backup(path)
        assert {one.name: dict(backup.rows(one.name)) for one in backup.content.tables} == rows
        for name, held_rows in rows.items():
            for after in held_rows:
                assert list(backup.rows(name, after)) == sorted((k, v) for k, v in held_rows.items() if k > after)


LARGE: Tables = {
    "shelf.books": {number.to_bytes(4, "big"): bytes([number % 251]) * 4000 for number in range(700)},
    "shelf.pots": {b"a": b"1"},
}


def test_one_that_takes_several_chunks_is_written_a_chunk_a_step_and_only_whole_stands_under_its_name(
    home: Home,
) -> None:
    writer = BackupWriter(home, content_of(LARGE), lambda name: iter(sorted(LARGE[name].items())))
    steps = 0
    while writer.step():
        steps += 1
        assert not list_backups(home)
    assert steps > 700 * 4000 // CHUNK_BYTES
    assert list_backups(home) == (writer.target,)


def test_what_a_crash_left_is_written_anew(home: Home) -> None:
    cut = BackupWriter(home, content_of(LARGE), lambda name: iter(sorted(LARGE[name].items())))
    cut.step()
    cut.step()
    cut.close()
    assert not is_held(home, content_of(LARGE).digest)
    assert verify_backup(written(home, LARGE)).content == content_of(LARGE)
    assert [path.name for path in home.backups.iterdir()] == [path_of(home, content_of(LARGE).digest).name]


def test_equal_data_gives_equal_bytes_and_other_data_another_name(home: Home, tmp_path: Path) -> None:
    other = Home.create(tmp_path / "other")
    assert written(home, LARGE).read_bytes() == written(other, LARGE).read_bytes()
    changed = {**LARGE, "shelf.pots": {b"a": b"2"}}
    assert content_of(changed).digest != content_of(LARGE).digest


def test_it_is_adopted_by_another_home_under_its_name(home: Home, tmp_path: Path) -> None:
    other = Home.create(tmp_path / "other")
    file = written(home, LARGE).rename(tmp_path / "carried")
    backup = adopt(other, file)
    assert backup.path == path_of(other, content_of(LARGE).digest)
    assert find_backup(other, content_of(LARGE).digest).content == content_of(LARGE)
    share(other, home)
    assert is_held(home, content_of(LARGE).digest)


@pytest.mark.parametrize("length", [0, 4, 8, 30, 200, 100_000])
def test_a_file_that_ends_early_is_not_whole(home: Home, length: int) -> None:
    path = written(home, LARGE)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BackupDamaged):
        verify_backup(path)


def test_rows_that_do_not_give_the_root_or_are_out_of_order_are_found(home: Home) -> None:
    content = content_of({"shelf.pots": {b"a": b"1", b"b": b"2"}})

    def rows(*given: tuple[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
        return iter(given)

    for wrong in (((b"a", b"1"),), ((b"b", b"2"), (b"a", b"1")), ((b"a", b"1"), (b"b", b"3"))):
        writer = BackupWriter(home, content, lambda _, given=wrong: rows(*given))  # type: ignore[misc]
        while writer.step():
            continue
        with pytest.raises(BackupDamaged):
            verify_backup(writer.target)


def test_a_file_under_another_name_and_one_that_is_not_there_are_told(home: Home) -> None:
    path, digest = written(home, LARGE), bytes(32)
    with pytest.raises(BackupMissing, match="synod backup import"):
        find_backup(home, digest)
    path.rename(path_of(home, digest))
    with pytest.raises(BackupDamaged, match="another one"):
        find_backup(home, digest)
    assert read_backup(path_of(home, digest)).content == content_of(LARGE)


def crafted(path: Path, content: BackupContent, *frames: tuple[int, bytes]) -> Path:
    """A file of any frames behind a content, each with its right digest."""
    made = b"SYNODMB1"
    for place, payload in ((0xFFFF, CONTENTS.encode(content)), *frames):
        made += struct.pack(">IH32s", len(payload), place, hashlib.sha256(payload).digest()) + payload
    path.write_bytes(made)
    return path


POTS: Tables = {"shelf.pots": {b"a": b"1", b"b": b"2"}}
A, B = ((1, 0, key, value) for key, value in POTS["shelf.pots"].items())


@pytest.mark.parametrize(
    "frames",
    [
        [(0, [A, B]), (77, [A])],
        [(0, [A, B]), (0xFFFF, [])],
        [(0, [A]), (0, [B])],
        [(0, [(0, 9, *A[2:]), (2, 3, *B[2:])])],
    ],
    ids=["a frame of no table", "a second content", "chunks that end early", "rows of another half"],
)
def test_the_right_rows_in_other_bytes_are_not_whole(
    tmp_path: Path, frames: list[tuple[int, list[tuple[int, int, bytes, bytes]]]]
) -> None:
    chunks = [(place, chunk) for place, entries in frames for chunk in list(chunked(entries)) or [b""]]
    file = crafted(tmp_path / "file", content_of(POTS), *chunks)
    assert dict(read_backup(file).rows("shelf.pots")) == POTS["shelf.pots"]
    with pytest.raises(BackupDamaged):
        verify_backup(file)


def test_a_frame_that_ends_beyond_the_file_is_no_part_of_a_whole_one(home: Home) -> None:
    path = written(home, POTS)
    path.write_bytes(path.read_bytes() + struct.pack(">IH32s", 1 << 26, 77, bytes(32)))
    with pytest.raises(BackupDamaged, match="more than its rows"):
        verify_backup(path)


@pytest.mark.parametrize("name", ["\x1b[2Jshelf", "shelf\n", "", "Shelf", "s\u0455elf"])
def test_a_name_that_no_module_or_table_can_have_is_refused_before_it_is_shown(tmp_path: Path, name: str) -> None:
    whole = content_of(POTS)
    table = msgspec.structs.replace(whole.tables[0], name=name)
    for content in (msgspec.structs.replace(whole, module=name), msgspec.structs.replace(whole, tables=(table,))):
        with pytest.raises(BackupDamaged, match="be called"):
            read_backup(crafted(tmp_path / "file", content))


def test_what_else_lies_in_the_folder_is_no_backup(home: Home) -> None:
    path = written(home, POTS)
    (home.backups / "my-shelf.backup").write_bytes(path.read_bytes())
    (home.backups / f"{'0' * 64}.backup").mkdir()
    assert list_backups(home) == (path,)
