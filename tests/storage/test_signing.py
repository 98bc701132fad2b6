"""A home never signs two blocks for one height, whatever happens to its database."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import LastSignedDamaged, LastSignedMissing, SigningRefused, StoreFault
from storage.signing import LastSigned, Signed

A, B = b"a" * 32, b"b" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "last-signed"


def test_a_new_record_allows_the_first_height(path: Path) -> None:
    record = LastSigned.create(path)
    assert record.last.height == 0
    record.advance(1, 0, A)
    assert record.last == Signed(1, 0, A)


def test_what_was_signed_is_known_after_a_restart(path: Path) -> None:
    record = LastSigned.create(path)
    for height in range(1, 6):
        record.advance(height, 2, A)
    assert LastSigned.open(path).last == Signed(5, 2, A)


def test_the_record_is_on_disk_before_advance_returns(path: Path) -> None:
    LastSigned.create(path).advance(3, 0, A)
    with pytest.raises(SigningRefused):
        LastSigned.open(path).advance(3, 0, B)


@pytest.mark.parametrize("height", [1, 4, 5])
def test_another_block_at_or_below_is_refused(path: Path, height: int) -> None:
    record = LastSigned.create(path)
    record.advance(5, 1, A)
    with pytest.raises(SigningRefused, match="signed 5/1 already"):
        record.advance(height, 9, B)
    assert LastSigned.open(path).last == Signed(5, 1, A)


def test_an_old_block_is_refused_even_if_it_was_signed_once(path: Path) -> None:
    record = LastSigned.create(path)
    record.advance(4, 0, A)
    record.advance(5, 0, B)
    with pytest.raises(SigningRefused):
        record.advance(4, 0, A)


def test_the_same_block_may_be_signed_again(path: Path) -> None:
    record = LastSigned.create(path)
    record.advance(5, 0, A)
    record.advance(5, 0, A)
    record.advance(6, 0, B)


def test_a_record_is_not_begun_twice(path: Path) -> None:
    LastSigned.create(path)
    with pytest.raises(FileExistsError):
        LastSigned.create(path)


def test_a_missing_record_is_not_begun_by_opening_or_signing(path: Path) -> None:
    with pytest.raises(LastSignedMissing):
        LastSigned.open(path)
    record = LastSigned.create(path)
    path.unlink()
    with pytest.raises(LastSignedMissing):
        record.advance(1, 0, A)
    assert not path.exists()


@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, 4096 + 511), content=st.binary(min_size=1, max_size=600), cut=st.booleans())
def test_no_damage_lowers_the_record(
    tmp_path_factory: pytest.TempPathFactory, at: int, content: bytes, cut: bool
) -> None:
    path = tmp_path_factory.mktemp("signed") / "last-signed"
    record = LastSigned.create(path)
    for height in (1, 2, 3):
        record.advance(height, 0, A)
    if cut:
        os.truncate(path, at)
    else:
        with path.open("r+b") as file:
            file.seek(at)
            file.write(content)
    try:
        assert LastSigned.open(path).last == Signed(3, 0, A)
    except StoreFault as fault:
        assert isinstance(fault, LastSignedDamaged)
