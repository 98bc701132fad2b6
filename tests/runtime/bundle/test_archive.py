"""The archive is a pure function of the files, and every archive has exactly one form."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.bundle.archive import MAX_ARCHIVE, Bundle, chunks, from_chunks, of_files, pack, unpack, with_chain
from runtime.bundle.problems import BundleMalformed
from runtime.bundle.template import CORE, core_files

MANIFEST = b'[bundle]\nname = "x"\nversion = "1.0.0"\n\n[[module]]\nname = "a"\n'
SMALL = of_files({"bundle.toml": MANIFEST, "a.py": b'"""A."""\n', "b.py": b"x" * 1024})


def written(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_the_same_files_give_the_same_bytes_wherever_they_lie(tmp_path: Path) -> None:
    files = core_files()
    here = written(tmp_path / "one", files)
    there = written(tmp_path / "two" / "deeper", dict(reversed(files.items())))
    (there / "README.md").write_text("not packed")
    (there / "tests").mkdir()
    (there / "tests" / "test_it.py").write_text("not packed")
    assert pack(here, "c") == pack(there, "c") == pack(CORE, "c")


def test_the_code_hash_is_the_hash_of_the_archive() -> None:
    assert hashlib.sha256(SMALL.archive).digest() == SMALL.code_hash


def test_line_ends_of_another_system_change_nothing(tmp_path: Path) -> None:
    unix = written(tmp_path / "unix", dict(SMALL.files))
    windows = written(tmp_path / "win", {name: content.replace(b"\n", b"\r\n") for name, content in SMALL.files})
    assert pack(unix).archive == pack(windows).archive


def test_anybody_can_list_an_archive_with_tar() -> None:
    with tarfile.open(fileobj=io.BytesIO(SMALL.archive)) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    assert members == dict(SMALL.files)


def test_an_archive_comes_back_whole_and_in_chunks() -> None:
    assert unpack(SMALL.archive) == SMALL
    pieces = chunks(SMALL, size=700)
    assert all(len(piece) <= 700 for piece in pieces)
    assert from_chunks(pieces) == SMALL


def test_the_chain_is_filled_in_only_where_it_is_open() -> None:
    filled = with_chain(MANIFEST, "mine")
    assert b'[bundle]\nchain = "mine"\n' in filled
    assert with_chain(filled, "other") == filled
    own = MANIFEST.replace(b'name = "a"\n', b'name = "a"\nchain = "in another table"\n')
    assert b'[bundle]\nchain = "mine"\n' in with_chain(own, "mine")


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "no bundle.toml"),
        ({"a.py": b""}, "no bundle.toml"),
        ({"bundle.toml": b"", "../a.py": b""}, "is not allowed"),
        ({"bundle.toml": b"", "A.py": b""}, "is not allowed"),
        ({"bundle.toml": b"", "a.txt": b""}, "is not allowed"),
        ({"bundle.toml": b"", "a.py": b"x" * (64 * 1024 + 1)}, "at most 65536"),
        ({"bundle.toml": b""} | {f"a{number}.py": b"x" * 64 * 1024 for number in range(9)}, "at most 524288"),
        ({"bundle.toml": b""} | {f"a{number}.py": b"" for number in range(64)}, "at most 64"),
    ],
)
def test_files_out_of_bounds_are_refused(files: dict[str, bytes], reason: str) -> None:
    with pytest.raises(BundleMalformed, match=reason):
        of_files(files)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleMalformed, match=r"no bundle\.toml"):
        pack(tmp_path)


def other_forms(bundle: Bundle) -> list[bytes]:
    """Bytes that tar programs would read as the same files."""
    swapped = bundle.archive[1024:2048] + bundle.archive[:1024] + bundle.archive[2048:]
    dated = bytearray(bundle.archive)
    dated[136:147] = b"00000000001"
    padded = bundle.archive[:1023] + b"x" + bundle.archive[1024:]
    return [bundle.archive + bytes(512), bundle.archive[:-512], swapped, bytes(dated), padded, b"", bytes(1024)]


def test_another_form_of_the_same_content_is_refused() -> None:
    for archive in other_forms(SMALL):
        with pytest.raises(BundleMalformed):
            unpack(archive)


def test_an_archive_beyond_the_bound_is_refused_before_it_is_read() -> None:
    with pytest.raises(BundleMalformed, match=str(MAX_ARCHIVE)):
        unpack(bytes(MAX_ARCHIVE + 1))


@settings(max_examples=300)
@given(st.integers(0, len(SMALL.archive) - 1), st.binary(min_size=1, max_size=4))
def test_changed_bytes_are_refused_or_are_another_bundle(place: int, change: bytes) -> None:
    archive = SMALL.archive[:place] + change + SMALL.archive[place + len(change) :]
    try:
        assert unpack(archive).archive == archive
    except BundleMalformed:
        assert archive != SMALL.archive


@settings(max_examples=100)
@given(st.binary(max_size=3000))
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(BundleMalformed):
        unpack(garbage)
