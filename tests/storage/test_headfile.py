"""The head file tells committed blocks that LevelDB lost from blocks that never were."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import HeadDamaged, HeadMismatch, HeadMissing, StoreFault
from storage.headfile import Head, create_head, read_head, settle_head, write_head
from storage.slots import SECTOR, SPACING


def head(commit: int, fork: int = 0) -> Head:
    return Head(commit, commit + 10, bytes([fork]) * 32, bytes([1]) * 32, bytes([2]) * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "head"
    create_head(made, head(0))
    return made


def advance(path: Path, last: int) -> None:
    for commit in range(read_head(path).commit + 1, last + 1):
        write_head(path, head(commit))


def overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def test_the_last_head_written_is_read(path: Path) -> None:
    for last in (0, 1, 2, 7):
        advance(path, last)
        assert read_head(path) == head(last)


def test_a_head_made_anew_replaces_all_before(path: Path) -> None:
    advance(path, 5)
    create_head(path, head(2))
    assert read_head(path) == head(2)
    advance(path, 3)
    assert read_head(path) == head(3)


def test_a_head_survives_its_own_bytes() -> None:
    assert Head.from_bytes(head(9).to_bytes()) == head(9)
    with pytest.raises(ValueError, match="112 bytes"):
        Head.from_bytes(b"short")


def test_a_database_at_the_head_is_accepted(path: Path) -> None:
    advance(path, 4)
    assert settle_head(path, head(4)) == head(4)


def test_a_database_one_commit_above_moves_the_head(path: Path) -> None:
    advance(path, 4)
    assert settle_head(path, head(5)) == head(5)
    assert read_head(path) == head(5)


@pytest.mark.parametrize("recorded", [head(3), head(6), head(0), head(4, fork=9)])
def test_any_other_database_is_refused(path: Path, recorded: Head) -> None:
    advance(path, 4)
    with pytest.raises(HeadMismatch):
        settle_head(path, recorded)
    assert read_head(path) == head(4)


def test_a_head_write_cut_short_is_finished_from_the_database(path: Path) -> None:
    advance(path, 5)
    overwrite(path, 5 % 2 * SPACING + 30, b"torn")
    assert settle_head(path, head(5)) == head(5)
    assert settle_head(path, head(5)) == head(5)


def test_a_torn_slot_whose_block_the_database_lacks_is_damage(path: Path) -> None:
    advance(path, 5)
    overwrite(path, 5 % 2 * SPACING + 30, b"torn")
    with pytest.raises(HeadDamaged):
        settle_head(path, head(4))


def test_a_slot_that_missed_a_write_is_damage(path: Path) -> None:
    advance(path, 4)
    old = path.read_bytes()
    advance(path, 7)
    overwrite(path, 0, old[:SECTOR])
    with pytest.raises(HeadDamaged, match="missed a write"):
        read_head(path)


@pytest.mark.parametrize("content", [b"", b"\0" * 8192, b"x" * 8192, b"\0" * 100])
def test_a_file_without_a_readable_slot_is_damage(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(HeadDamaged):
        read_head(path)


def test_a_missing_head_file_is_never_made_by_a_write(path: Path) -> None:
    path.unlink()
    for attempt in (lambda: read_head(path), lambda: write_head(path, head(1)), lambda: settle_head(path, head(0))):
        with pytest.raises(HeadMissing):
            attempt()
    assert not path.exists()


@settings(max_examples=150, deadline=None)
@given(
    at=st.integers(0, SPACING + SECTOR - 1),
    content=st.binary(min_size=1, max_size=600),
    last=st.integers(0, 3),
    cut=st.booleans(),
)
def test_no_damage_gives_a_wrong_head(
    tmp_path_factory: pytest.TempPathFactory, at: int, content: bytes, last: int, cut: bool
) -> None:
    path = tmp_path_factory.mktemp("damage") / "head"
    create_head(path, head(0))
    advance(path, last)
    if cut:
        os.truncate(path, at)
    else:
        overwrite(path, at, content)
    try:
        assert settle_head(path, head(last)) == head(last)
    except StoreFault:
        return
    assert read_head(path) == head(last)
