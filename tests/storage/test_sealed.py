"""A sealed folder is there whole or not at all, and says when it is not what was sealed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from storage.errors import DiskError, SealBroken, SealMissing
from storage.sealed import SEAL, open_sealed, seal_folder

FILES = {"one.json": b"{}\n", "two.txt": b""}


def test_what_was_sealed_is_read_again_under_the_mark_that_was_given(tmp_path: Path) -> None:
    mark = seal_folder(tmp_path / "place" / "it", FILES)
    sealed = open_sealed(tmp_path / "place" / "it")
    assert (dict(sealed.files), sealed.mark) == (FILES, mark)
    assert mark == hashlib.sha256((sealed.path / SEAL).read_bytes()).hexdigest()
    assert [one.name for one in sealed.path.parent.iterdir()] == ["it"]


def test_what_a_crash_left_is_removed_and_the_next_is_whole(tmp_path: Path) -> None:
    (tmp_path / ".making-it").mkdir()
    (tmp_path / ".making-it" / "one.json").write_bytes(b"half")
    seal_folder(tmp_path / "it", FILES)
    assert dict(open_sealed(tmp_path / "it").files) == FILES
    assert [one.name for one in tmp_path.iterdir()] == ["it"]


def test_one_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DiskError):
        seal_folder(tmp_path / "it", {**FILES, "x" * 300: b""})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seal", [b"", b"[]", b'{"files": 1}', b'{"format": 1}'])
def test_a_seal_that_is_none_is_told_of(tmp_path: Path, seal: bytes) -> None:
    seal_folder(tmp_path / "it", FILES)
    (tmp_path / "it" / SEAL).write_bytes(seal)
    with pytest.raises(SealBroken, match="is no seal"):
        open_sealed(tmp_path / "it")


def test_a_file_that_became_a_folder_and_a_folder_that_is_none_are_told_of(tmp_path: Path) -> None:
    seal_folder(tmp_path / "it", FILES)
    (tmp_path / "it" / "two.txt").unlink()
    (tmp_path / "it" / "two.txt").mkdir()
    with pytest.raises(SealBroken, match=r"two\.txt cannot be read"):
        open_sealed(tmp_path / "it")
    with pytest.raises(SealMissing):
        open_sealed(tmp_path / "other")
    assert json.loads((tmp_path / "it" / SEAL).read_bytes())["format"] == 1
