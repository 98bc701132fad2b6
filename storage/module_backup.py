"""Backups of a module: the rows of its tables at one height as one file, for the day they are wanted again.

What a backup holds is said by its *content*: the module, and of each table name, schema, root and number of rows. The
root stands for every row, so the digest of the content names the data, every node computes it alike, and nobody needs
to read a row for that. A file by that name is as good as any other node's: its rows must give those roots.

    backups/9f86d081....backup    8 bytes that say what it is; then frames: the content, and the rows of each table

A frame is a length, the place of its table, the SHA-256 of what follows, and that: the canonical record of the content,
or a chunk as in snapshots (``storage/snapshot.py``). So content alone decides every byte. A file is written aside and
renamed when it is whole and on disk; what a crash leaves begins with a dot and is written anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from storage.bulkload import tree_of
from storage.codec import codec_of
from storage.errors import BackupDamaged, BackupMissing, NotCanonical
from storage.faults import fault_of
from storage.growing import SLICE_ROWS
from storage.hashing import TAG_BACKUP, tagged
from storage.home import Home
from storage.record import Amount, Hash, Record, Text, field
from storage.scan import Row
from storage.slots import sync_directory
from storage.snapshot import CHUNK_LIMIT, chunked, entries_of

SUFFIX = ".backup"
_MAGIC = b"SYNODMB1"
_FRAME = struct.Struct(">IH32s")
_CONTENT = 0xFFFF
"""Stands in the place of the table before the content."""
_RUNTIME = 1
"""The half of every row, as snapshots number it."""


class BackedTable(Record):
    """One table of a backup."""

    name: Text = field(1)
    schema: Hash = field(2)
    root: Hash = field(3)
    rows: Amount = field(4, default=0)


class BackupContent(Record):
    """What a backup holds; its tables stand in the order of their names."""

    module: Text = field(1)
    tables: tuple[BackedTable, ...] = field(2, default=())

    @property
    def digest(self) -> bytes:
        """The name of the data."""
        return tagged(TAG_BACKUP, CONTENTS.encode(self))

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)

    def table(self, name: str) -> BackedTable | None:
        """A table by its name."""
        return next((table for table in self.tables if table.name == name), None)


CONTENTS = codec_of(BackupContent)


@dataclass(frozen=True, slots=True)
class ModuleBackup:
    """A file that says it is a backup; its rows are what `verify` says they are."""

    path: Path
    content: BackupContent

    def rows(self, name: str, after: bytes | None = None) -> Iterator[Row]:
        """Key and record bytes of a table, those above ``after``. Raises BackupDamaged on the way, and faults of the
        disk."""
        names = [table.name for table in self.content.tables]
        for place, payload in _frames(self.path):
            if place >= len(names) or names[place] != name:
                continue
            for _, _, key, value in _entries(self.path, payload()):
                if after is None or key > after:
                    yield key, value


def path_of(home: Home, digest: bytes) -> Path:
    """Where a backup of this name is kept, if it is."""
    return home.backups / f"{digest.hex()}{SUFFIX}"


def is_held(home: Home, digest: bytes) -> bool:
    """Whether a home has a file of this name."""
    return path_of(home, digest).is_file()


def held(home: Home) -> tuple[Path, ...]:
    """The backups of a home, by name."""
    if not home.backups.is_dir():
        return ()
    return tuple(sorted(path for path in home.backups.glob(f"*{SUFFIX}") if not path.name.startswith(".")))


def found(home: Home, digest: bytes) -> ModuleBackup:
    """The backup of this name; raises BackupMissing, or BackupDamaged for a file that says something else."""
    path = path_of(home, digest)
    if not path.is_file():
        raise BackupMissing(digest.hex())
    backup = read(path)
    if backup.content.digest != digest:
        raise BackupDamaged(path, "it is another one than its name says")
    return backup


def read(path: Path) -> ModuleBackup:
    """A backup by its file, of which no row is looked at. Raises BackupDamaged and faults of the disk."""
    for place, payload in _frames(path):
        if place != _CONTENT:
            break
        try:
            return ModuleBackup(path, CONTENTS.decode_canonical(payload()))
        except NotCanonical as error:
            raise BackupDamaged(path, str(error)) from error
    raise BackupDamaged(path, "it does not begin with what it holds")


def verify(path: Path, progress: Callable[[int], None] = lambda _: None) -> ModuleBackup:
    """Read every row and compute the root of each table; ``progress`` hears rows. Raises BackupDamaged."""
    backup = read(path)
    seen = 0
    for table in backup.content.tables:
        tree = tree_of(_ascending(backup, table, seen, progress))
        seen += tree.count
        if (tree.count, tree.root) != (table.rows, table.root):
            raise BackupDamaged(path, f"the rows of {table.name} do not give its root")
    return backup


def _ascending(
    backup: ModuleBackup, table: BackedTable, seen: int, progress: Callable[[int], None]
) -> Iterator[Row]:
    """The rows of a table, each above the one before."""
    before: bytes | None = None
    for number, row in enumerate(backup.rows(table.name), seen + 1):
        if before is not None and row[0] <= before:
            raise BackupDamaged(backup.path, f"the rows of {table.name} are out of order")
        before = row[0]
        if number % SLICE_ROWS == 0:
            progress(number)
        yield row


def adopt(home: Home, path: Path, progress: Callable[[int], None] = lambda _: None) -> ModuleBackup:
    """Verify a file and bring it into a home, under the name of its data. Raises what `verify` does."""
    backup = verify(path, progress)
    target = path_of(home, backup.content.digest)
    aside = target.with_name(f".importing-{target.name}")  # a node may be writing the same
    try:
        home.backups.mkdir(exist_ok=True)
        with path.open("rb") as source, aside.open("wb") as file:
            while piece := source.read(1 << 20):
                file.write(piece)
            _settle(file)
        verify(aside)  # what was read is what is kept
        _put_in_place(aside, target)
    except OSError as error:
        raise fault_of(home.backups, error) from error
    return ModuleBackup(target, backup.content)


def share(home: Home, other: Home) -> None:
    """Let another home on the same disk have every backup of this one; a file of that name stays as it is."""
    try:
        for path in held(home):
            other.backups.mkdir(exist_ok=True)
            if not (other.backups / path.name).exists():
                _link(path, other.backups / path.name)
        if other.backups.is_dir():
            sync_directory(other.backups)
    except OSError as error:
        raise fault_of(other.backups, error) from error


class BackupWriter:
    """Writes a backup into a home, a chunk at a time. ``rows`` gives those of a table in key order, which do not change
    while it writes."""

    def __init__(self, home: Home, content: BackupContent, rows: Callable[[str], Iterator[Row]]) -> None:
        self.target = path_of(home, content.digest)
        self._folder = home.backups
        self._aside = self.target.with_name(f".{self.target.name}")
        self._file: BinaryIO | None = None
        self._pieces = _written(content, rows)

    def step(self) -> bool:
        """Write the next chunk; returns whether there is more to do. Raises DiskFull, DiskError."""
        try:
            if self._file is None:
                self._folder.mkdir(exist_ok=True)
                self._file = self._aside.open("wb")
            piece = next(self._pieces, None)
            if piece is not None:
                self._file.write(piece)
                return True
            _settle(self._file)
            self._file.close()
            _put_in_place(self._aside, self.target)
            self._file = None
        except OSError as error:
            raise fault_of(self._folder, error) from error
        return False

    def close(self) -> None:
        """Stop, and take away what is not whole; another writes it anew."""
        if self._file is not None:
            self._file.close()
            self._aside.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


def _settle(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _put_in_place(aside: Path, target: Path) -> None:
    aside.replace(target)
    sync_directory(target.parent)
    sync_directory(target.parent.parent)


def _written(content: BackupContent, rows: Callable[[str], Iterator[Row]]) -> Iterator[bytes]:
    """The file in pieces."""
    yield _MAGIC + _frame(_CONTENT, CONTENTS.encode(content))
    for place, table in enumerate(content.tables):
        for chunk in chunked((_RUNTIME, place, key, value) for key, value in rows(table.name)):
            yield _frame(place, chunk)


def _frame(place: int, payload: bytes) -> bytes:
    return _FRAME.pack(len(payload), place, hashlib.sha256(payload).digest()) + payload


def _frames(path: Path) -> Iterator[tuple[int, Callable[[], bytes]]]:
    """The place of each frame, and a function that reads it; one that is not asked for is passed over."""
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise BackupDamaged(path, "it does not begin as one")
            while head := file.read(_FRAME.size):
                if len(head) < _FRAME.size:
                    raise BackupDamaged(path, "it ends within a frame")
                length, place, digest = _FRAME.unpack(head)
                if length > CHUNK_LIMIT:
                    raise BackupDamaged(path, "a frame is longer than any can be")
                begins = file.tell()
                yield place, lambda at=length, told=digest: _payload(path, file, at, told)  # type: ignore[misc]
                file.seek(begins + length)
    except OSError as error:
        raise fault_of(path, error) from error


def _payload(path: Path, file: BinaryIO, length: int, digest: bytes) -> bytes:
    payload = file.read(length)
    if hashlib.sha256(payload).digest() != digest:
        raise BackupDamaged(path, "a frame is not what its digest says")
    return payload


def _entries(path: Path, chunk: bytes) -> list[tuple[int, int, bytes, bytes]]:
    try:
        return entries_of(chunk)
    except msgspec.MsgspecError as error:
        raise BackupDamaged(path, str(error)) from error
