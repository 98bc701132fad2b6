"""What LevelDB's files say, read by ourselves: to link exactly the right files, and to notice what LevelDB passes over.

Formats: records as in `logrecords`. Those of the MANIFEST are version edits; those of other logs are batches that begin
with `sequence(8) count(4)`.

LevelDB itself finds sorted files missing, checksums wrong and fragments torn. It says nothing when zeros stand where
a record began, when the log it still needs is gone, when a log that others follow lost its end, or when a sorted
file's unread part is cut off; each of these drops rows from the middle of history, where comparing the head cannot
see it. So before a database is opened the files named by its MANIFEST are checked for these. A log that ends early
or in zeros is what a crash leaves: it is accepted here, and the head file tells whether anything committed was lost.
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from storage.errors import StoreDamaged, StoreMissing
from storage.faults import fault_of
from storage.logrecords import Unreadable, located, read_records

_BATCH = struct.Struct("<QI")

_COMPARATOR, _LOG_NUMBER, _NEXT_FILE, _LAST_SEQUENCE, _COMPACT_POINTER = 1, 2, 3, 4, 5
_DELETED_FILE, _NEW_FILE, _PREVIOUS_LOG = 6, 7, 9


@dataclass(frozen=True, slots=True)
class Version:
    """What a MANIFEST adds up to: sorted files by number with their sizes, and where the logs begin."""

    tables: tuple[tuple[int, int], ...]
    log_number: int
    next_file: int
    last_sequence: int


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a database at one moment: its MANIFEST as read, and the logs that still count, oldest first."""

    manifest: str
    manifest_bytes: bytes
    version: Version
    logs: tuple[Path, ...]


def table_path(path: Path, number: int) -> Path:
    """The sorted file of a number; older LevelDB named them .sst."""
    current, old = path / f"{number:06}.ldb", path / f"{number:06}.sst"
    return old if not current.exists() and old.exists() else current


def log_paths(path: Path) -> list[Path]:
    """All logs in a database's folder, oldest first."""
    return sorted((file for file in path.glob("*.log") if file.stem.isdigit()), key=lambda file: int(file.stem))


def newest_log(path: Path) -> int:
    """Number of the log being written; 0 if there is none."""
    logs = log_paths(path)
    return int(logs[-1].stem) if logs else 0


def size_of(path: Path) -> int:
    """Bytes in a file, -1 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def read_files(path: Path) -> Files:
    """What CURRENT, MANIFEST and the folder say. Raises StoreMissing, StoreDamaged, DiskError."""
    return files_of(path, *read_manifest(path))


def read_manifest(path: Path) -> tuple[str, bytes]:
    """The MANIFEST that CURRENT names. Raises StoreMissing, StoreDamaged, DiskError."""
    try:
        current = (path / "CURRENT").read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreMissing(path, "no file CURRENT") from error
    except OSError as error:
        raise fault_of(path, error) from error
    name = current[:-1].decode("ascii", "replace")
    if not current.endswith(b"\n") or not name.startswith("MANIFEST-") or not name[9:].isdigit():
        raise StoreDamaged(path, "CURRENT names no MANIFEST")
    try:
        return name, (path / name).read_bytes()
    except FileNotFoundError as error:
        raise StoreMissing(path, f"no file {name}") from error
    except OSError as error:
        raise fault_of(path, error) from error


def files_of(path: Path, name: str, raw: bytes) -> Files:
    """What a MANIFEST of these bytes, and the folder, say. Raises StoreDamaged."""
    try:
        version = read_version(raw)
    except Unreadable as error:
        raise StoreDamaged(path, f"{name}: {error}") from error
    return Files(name, raw, version, tuple(log for log in log_paths(path) if int(log.stem) >= version.log_number))


def find_whole(path: Path) -> None:
    """As `check_files`, for a database about to be opened: if its MANIFEST is ahead of its files, that is put right.

    LevelDB adds an edit to its MANIFEST first, then syncs the names of the files that the edit tells of, then the edit;
    only then does it remove what the edit made useless. A power loss between these can leave the last edit without its
    files. What stood before the edit is still whole then, and the edit is taken back. If that is not whole either,
    files were lost in another way, and nothing is touched.
    """
    files = read_files(path)
    try:
        _check(path, files)
    except StoreDamaged:
        before = _before_last_edit(path, files)
        if before is None:
            raise
        _check(path, before)
        cut_file(path / files.manifest, len(before.manifest_bytes))


def _before_last_edit(path: Path, files: Files) -> Files | None:
    """The database as its MANIFEST has it without the last edit; None unless a file that came with it is missing."""
    last = max(record.begin for record in located(files.manifest_bytes))
    try:
        before = files_of(path, files.manifest, files.manifest_bytes[:last])
    except StoreDamaged:
        return None
    now, then = files.version, before.version
    added = {number for number, _ in now.tables} - {number for number, _ in then.tables}
    ahead = any(not table_path(path, number).exists() for number in added)
    if now.log_number != then.log_number:
        ahead = ahead or not (path / f"{now.log_number:06}.log").exists()
    return before if ahead and then.log_number else None


def cut_file(file: Path, length: int) -> None:
    """Shorten a file, durably; a crash leaves it as it was or cut. Raises DiskFull, DiskError."""
    try:
        with file.open("r+b") as handle:
            handle.truncate(length)
            os.fsync(handle.fileno())
    except OSError as error:
        raise fault_of(file.parent, error) from error


def check_files(path: Path) -> Files:
    """Find what LevelDB would pass over. Raises StoreMissing, StoreDamaged, DiskError."""
    files = read_files(path)
    _check(path, files)
    return files


def _check(path: Path, files: Files) -> None:
    for number, size in files.version.tables:
        table = table_path(path, number)
        if not table.exists():
            raise StoreDamaged(path, f"{table.name} is missing")
        if table.stat().st_size != size:
            raise StoreDamaged(path, f"{table.name} has {table.stat().st_size} bytes instead of {size}")
    if files.version.log_number and not any(int(log.stem) == files.version.log_number for log in files.logs):
        raise StoreDamaged(path, f"{files.version.log_number:06}.log is missing")
    _check_sequences(path, files)


def _check_sequences(path: Path, files: Files) -> None:
    """Batches count up without a gap, from one log to the next."""
    due = files.version.last_sequence + 1
    for log in files.logs:
        try:
            for record in read_records(log.read_bytes()):
                due = after_batch(record, due)
        except Unreadable as error:
            raise StoreDamaged(path, f"{log.name}: {error}") from error
        except OSError as error:
            raise fault_of(path, error) from error


def after_batch(batch: bytes, due: int) -> int:
    """The sequence that is due after a batch, where `due` was before. Raises Unreadable."""
    if len(batch) < _BATCH.size:
        raise Unreadable("a batch is too short")
    sequence, count = _BATCH.unpack_from(batch)
    if sequence > due:
        raise Unreadable(f"rows before sequence {sequence} are missing")
    return int(sequence + count)


def read_version(raw: bytes) -> Version:
    """Add up the edits of a MANIFEST. Raises Unreadable."""
    tables: dict[int, int] = {}
    log_number = next_file = last_sequence = 0
    edits = 0
    for record in read_records(raw):
        edits += 1
        reader = _Reader(record)
        while reader.more():
            tag = reader.varint()
            if tag == _LOG_NUMBER:
                log_number = reader.varint()
            elif tag == _NEXT_FILE:
                next_file = reader.varint()
            elif tag == _LAST_SEQUENCE:
                last_sequence = reader.varint()
            elif tag == _DELETED_FILE:
                reader.varint()
                tables.pop(reader.varint(), None)
            elif tag == _NEW_FILE:
                reader.varint()
                number = reader.varint()
                tables[number] = reader.varint()
                reader.skip_text()
                reader.skip_text()
            else:
                _skip(reader, tag)
    if not edits or not next_file:
        raise Unreadable("it holds no complete version")
    return Version(tuple(sorted(tables.items())), log_number, next_file, last_sequence)


def _skip(reader: "_Reader", tag: int) -> None:
    if tag == _COMPARATOR:
        reader.skip_text()
    elif tag == _COMPACT_POINTER:
        reader.varint()
        reader.skip_text()
    elif tag == _PREVIOUS_LOG:
        reader.varint()
    else:
        raise Unreadable(f"unknown tag {tag}")


class _Reader:
    """Walks the varints and texts of one version edit."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def more(self) -> bool:
        return self._at < len(self._raw)

    def varint(self) -> int:
        value = shift = 0
        while shift <= 63:
            if self._at >= len(self._raw):
                break
            byte = self._raw[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise Unreadable("a number is cut short")

    def skip_text(self) -> None:
        length = self.varint()  # first: it moves the place that it is added to
        self._at += length
        if self._at > len(self._raw):
            raise Unreadable("a text is cut short")
