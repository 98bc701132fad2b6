"""Files of module backups: what they hold is what was put in, whoever wrote it and however often that was cut short."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.bulkload import tree_of
from storage.errors import BackupDamaged, BackupMissing
from storage.home import Home
from storage.module_backup import (
    BackedTable,
    BackupContent,
    BackupWriter,
    adopt,
    found,
    held,
    is_held,
    path_of,
    read,
    share,
    verify,
)
from storage.snapshot import CHUNK_BYTES

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
        backup = verify(path)
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
        assert not held(home)
    assert steps > 700 * 4000 // CHUNK_BYTES
    assert held(home) == (writer.target,)


def test_what_a_crash_left_is_written_anew(home: Home) -> None:
    cut = BackupWriter(home, content_of(LARGE), lambda name: iter(sorted(LARGE[name].items())))
    cut.step()
    cut.step()
    cut.close()
    assert not is_held(home, content_of(LARGE).digest)
    assert verify(written(home, LARGE)).content == content_of(LARGE)
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
    assert found(other, content_of(LARGE).digest).content == content_of(LARGE)
    share(other, home)
    assert is_held(home, content_of(LARGE).digest)


@pytest.mark.parametrize("length", [0, 4, 8, 30, 200, 100_000])
def test_a_file_that_ends_early_is_not_whole(home: Home, length: int) -> None:
    path = written(home, LARGE)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BackupDamaged):
        verify(path)


def test_rows_that_do_not_give_the_root_or_are_out_of_order_are_found(home: Home) -> None:
    content = content_of({"shelf.pots": {b"a": b"1", b"b": b"2"}})

    def rows(*given: tuple[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
        return iter(given)

    for wrong in (((b"a", b"1"),), ((b"b", b"2"), (b"a", b"1")), ((b"a", b"1"), (b"b", b"3"))):
        writer = BackupWriter(home, content, lambda _, given=wrong: rows(*given))  # type: ignore[misc]
        while writer.step():
            continue
        with pytest.raises(BackupDamaged):
            verify(writer.target)


def test_a_file_under_another_name_and_one_that_is_not_there_are_told(home: Home) -> None:
    path, digest = written(home, LARGE), bytes(32)
    with pytest.raises(BackupMissing, match="synod backup import"):
        found(home, digest)
    path.rename(path_of(home, digest))
    with pytest.raises(BackupDamaged, match="another one"):
        found(home, digest)
    assert read(path_of(home, digest)).content == content_of(LARGE)
