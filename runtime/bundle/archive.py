"""The archive of a bundle: the same files give the same bytes on every machine, so its hash names the code.

It is a plain tar file (ustar, no compression) with every header field fixed: owner, time and mode say nothing about
the machine that packed it, files stand in order of their names, lines end in a newline only. Anybody can list it with
`tar`; here it is read by rebuilding each header and comparing, so one content has exactly one archive.

A bundle is flat: `bundle.toml` and Python sources beside it, `tests.py` and `tests_*.py` among them (see
runtime.bundle.owntests). Folders, notes and typed stubs next to them are not packed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime.bundle.problems import BundleMalformed

MANIFEST = "bundle.toml"
MAX_FILE = 64 * 1024
MAX_BUNDLE = 512 * 1024
MAX_FILES = 64
CHUNK = 32 * 1024

_BLOCK = 512
_TRAILER = bytes(2 * _BLOCK)
MAX_ARCHIVE = MAX_BUNDLE + MAX_FILES * 2 * _BLOCK + len(_TRAILER)
_SOURCE = re.compile(r"[a-z][a-z0-9_]{0,58}\.py")
_BUNDLE_TABLE = re.compile(rb"^\[bundle\][ \t]*(#.*)?$", re.MULTILINE)
_CHAIN_KEY = re.compile(rb"^chain[ \t]*=", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A runtime version as files; `code_hash` is what proposals and votes name."""

    files: tuple[tuple[str, bytes], ...]
    archive: bytes
    code_hash: bytes

    def file(self, path: str) -> bytes | None:
        return next((content for name, content in self.files if name == path), None)


def pack(directory: Path, chain: str | None = None) -> Bundle:
    """Pack the bundle in a directory; `chain` fills in the chain's name where the manifest leaves it open.

    Raises BundleMalformed when the manifest is missing, a name is not allowed, or a bound is passed.
    """
    if not (directory / MANIFEST).is_file():
        raise BundleMalformed(f"{directory} holds no {MANIFEST}")
    files = {MANIFEST: _unix_lines((directory / MANIFEST).read_bytes())}
    for path in sorted(directory.glob("*.py")):
        files[path.name] = _unix_lines(path.read_bytes())
    if chain is not None:
        files[MANIFEST] = with_chain(files[MANIFEST], chain)
    return of_files(files)


def of_files(files: Mapping[str, bytes]) -> Bundle:
    """The bundle of these files, by name. Raises BundleMalformed on a name or size out of bounds."""
    ordered = tuple(sorted(files.items()))
    if len(ordered) > MAX_FILES:
        raise BundleMalformed(f"{len(ordered)} files, at most {MAX_FILES} are allowed")
    if MANIFEST not in files:
        raise BundleMalformed(f"no {MANIFEST}")
    for name, content in ordered:
        _check_member(name, len(content))
    if (total := sum(len(content) for _, content in ordered)) > MAX_BUNDLE:
        raise BundleMalformed(f"{total} bytes of files, at most {MAX_BUNDLE} are allowed")
    archive = b"".join(_header(name, len(content)) + content + _padding(len(content)) for name, content in ordered)
    archive += _TRAILER
    return Bundle(ordered, archive, hashlib.sha256(archive).digest())


def unpack(archive: bytes) -> Bundle:
    """Read an archive from anywhere; raises BundleMalformed unless `of_files` would give exactly these bytes."""
    if len(archive) > MAX_ARCHIVE:
        raise BundleMalformed(f"{len(archive)} bytes, at most {MAX_ARCHIVE} are allowed")
    files: dict[str, bytes] = {}
    position = 0
    while archive[position : position + 1] not in (b"", b"\0"):
        header = archive[position : position + _BLOCK]
        name, size = _read_header(header, position)
        start = position + _BLOCK
        files[name] = archive[start : start + size]
        position = start + size + len(_padding(size))
    bundle = of_files(files)
    if bundle.archive != archive:
        raise BundleMalformed("the bytes are not the canonical archive of its files")
    return bundle


def is_tests(file: str) -> bool:
    """Whether a source that the manifest names no module for holds the bundle's own tests."""
    return file == "tests.py" or file.startswith("tests_")


def chunks(bundle: Bundle, size: int = CHUNK) -> tuple[bytes, ...]:
    """The archive in pieces that fit into transactions."""
    return tuple(bundle.archive[start : start + size] for start in range(0, len(bundle.archive), size))


def from_chunks(pieces: Iterable[bytes]) -> Bundle:
    """Put the pieces together again, in order. Raises BundleMalformed."""
    return unpack(b"".join(pieces))


def with_chain(manifest: bytes, chain: str) -> bytes:
    """The manifest with `chain` as its first key, unless it names a chain already."""
    table = _BUNDLE_TABLE.search(manifest)
    if table is None:
        raise BundleMalformed(f"{MANIFEST} has no [bundle] table")
    rest = manifest[table.end() :]
    own_keys = rest.split(b"\n[", 1)[0]
    if _CHAIN_KEY.search(own_keys):
        return manifest
    return manifest[: table.end()] + b'\nchain = "' + chain.encode() + b'"' + rest


def _unix_lines(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def _check_member(name: str, size: int) -> None:
    if name != MANIFEST and not _SOURCE.fullmatch(name):
        raise BundleMalformed(f"the file name {name!r} is not allowed: use lower-case letters, digits, _ and .py")
    if size > MAX_FILE:
        raise BundleMalformed(f"{name} has {size} bytes, at most {MAX_FILE} are allowed")


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


def _header(name: str, size: int) -> bytes:
    """A ustar header: mode 0644, owner 0, time 0, regular file."""
    fields = name.encode().ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + b"%011o\0" % size + b"0" * 11 + b"\0"
    rest = b"0" + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2
    checksum = sum(fields) + sum(rest) + 8 * ord(" ")
    return (fields + b"%06o\0 " % checksum + rest).ljust(_BLOCK, b"\0")


def _read_header(header: bytes, position: int) -> tuple[str, int]:
    """Name and size out of a header that is, byte for byte, the one this file would write."""
    try:
        name = header[:100].rstrip(b"\0").decode("ascii")
        size = int(header[124:135].decode("ascii"), 8)
    except ValueError:
        raise BundleMalformed(f"the header at byte {position} is not readable") from None
    if not 0 <= size <= MAX_FILE or header != _header(name, size):
        raise BundleMalformed(f"the header at byte {position} is not canonical")
    return name, size
