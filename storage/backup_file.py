"""A backup of a module: the rows of its tables at one height as one file, for the day they are wanted again.

What a backup holds is said by its *content*: the module, and of each table name, schema, root and number of rows. The
root stands for every row, so the digest of the content names the data, every node computes it alike, and nobody needs
to read a row for that. A file is as good as any other node's: its rows must give those roots.

    8 bytes that say what it is; then frames: the content, and the rows of each table

A frame is a length, the place of its table, the SHA-256 of what follows, and that: the canonical record of the content,
or a chunk as in snapshots (``storage/snapshot.py``). So content alone decides every byte.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec

from storage.bulkload import tree_of
from storage.codec import codec_of
from storage.errors import BackupDamaged, NotCanonical
from storage.faults import fault_of
from storage.growing import SLICE_ROWS
from storage.hashing import TAG_BACKUP, tagged
from storage.record import Amount, Hash, Record, Text, field
from storage.scan import Row
from storage.snapshot import CHUNK_LIMIT, chunked, entries_of

_WORD = re.compile(r"[a-z][a-z0-9_.]*")
"""What names of modules and tables are made of. They are shown, so a stranger's file must bring no others."""
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
    """Digest of the schema that its rows follow."""
    root: Hash = field(3)
    """Root of the tree over its rows."""
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
    """A file that says it is a backup; its rows are what `verify_backup` says they are."""

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


def read_backup(path: Path) -> ModuleBackup:
    """A backup by its file, of which no row is looked at. Raises BackupDamaged and faults of the disk."""
    for place, payload in _frames(path):
        if place != _CONTENT:
            break
        try:
            content = CONTENTS.decode_canonical(payload())
        except NotCanonical as error:
            raise BackupDamaged(path, str(error)) from error
        if not all(_WORD.fullmatch(name) for name in (content.module, *(table.name for table in content.tables))):
            raise BackupDamaged(path, "it names what no module or table can be called")
        return ModuleBackup(path, content)
    raise BackupDamaged(path, "it does not begin with what it holds")


def verify_backup(path: Path, progress: Callable[[int], None] = lambda _: None) -> ModuleBackup:
    """Read every row and compute the root of each table, then hold the file against what these rows make; ``progress``
    hears how many were read. Raises BackupDamaged and faults of the disk."""
    backup = read_backup(path)
    seen = 0
    for table in backup.content.tables:
        tree = tree_of(_ascending(backup, table, seen, progress))
        seen += tree.count
        if (tree.count, tree.root) != (table.rows, table.root):
            raise BackupDamaged(path, f"the rows of {table.name} do not give its root")
    _require_nothing_else(backup)
    return backup


def _require_nothing_else(backup: ModuleBackup) -> None:
    """Its rows decide every byte: a file may be as long as they make it and no longer."""
    try:
        with backup.path.open("rb") as file:
            for piece in written(backup.content, backup.rows):
                if file.read(len(piece)) != piece:
                    raise BackupDamaged(backup.path, "its rows are not written as they must be")
            if file.read(1):
                raise BackupDamaged(backup.path, "it holds more than its rows")
    except OSError as error:
        raise fault_of(backup.path, error) from error


def _ascending(backup: ModuleBackup, table: BackedTable, seen: int, progress: Callable[[int], None]) -> Iterator[Row]:
    """The rows of a table, each above the one before."""
    before: bytes | None = None
    for number, row in enumerate(backup.rows(table.name), seen + 1):
        if before is not None and row[0] <= before:
            raise BackupDamaged(backup.path, f"the rows of {table.name} are out of order")
        before = row[0]
        if number % SLICE_ROWS == 0:
            progress(number)
        yield row


def written(content: BackupContent, rows: Callable[[str], Iterator[Row]]) -> Iterator[bytes]:
    """The bytes of a backup's file, a frame at a time."""
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
                yield place, partial(_payload, path, file, length, digest)
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
