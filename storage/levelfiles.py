"""What LevelDB's files say, read by ourselves: to link exactly the right files, and to notice what LevelDB passes over.

Formats: records as in `logrecords`. Those of the MANIFEST are version edits; those of other logs are batches that begin
with `sequence(8) count(4)`.

LevelDB itself finds sorted files missing, checksums wrong and fragments torn. It says nothing when zeros stand where
a record began, when the log it still needs is gone, when a log that others follow lost its end, or when a sorted
file's unread part is cut off; each of these drops rows from the middle of history, where comparing the head cannot
see it. So before a database is opened the files named by its MANIFEST are checked for these. A log that ends early
or in zeros is what a crash leaves: it is accepted here, and the head file tells whether anything committed was lost.
One thing is put right here: a MANIFEST whose last edit reached the disk before the files it tells of (`find_whole`).
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.durable import cut_file
from storage.errors import StoreDamaged, StoreMissing
from storage.faults import fault_of
from storage.logrecords import Unreadable, located, read_records
from storage.manifest import Version, add_up

_BATCH = struct.Struct("<QI")


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a database at one moment: its MANIFEST as read, and the logs that still count, oldest first."""

    manifest: str
    manifest_bytes: bytes
    version: Version
    logs: tuple[Path, ...]
    last_edit: int
    """Where the MANIFEST's last edit begins."""


def table_path(path: Path, number: int) -> Path:
    """The sorted file of a number; older LevelDB named them .sst."""
    current, old = path / f"{number:06}.ldb", path / f"{number:06}.sst"
    return old if not current.exists() and old.exists() else current


def log_paths(path: Path) -> list[Path]:
    """All logs in a database's folder, oldest first."""
    with os.scandir(path) as entries:  # faster than globbing, where sorted files are many
        names = [entry.name for entry in entries if entry.name.endswith(".log") and entry.name[:-4].isdigit()]
    return [path / name for name in sorted(names, key=lambda name: int(name[:-4]))]


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


def read_files(path: Path, before: Files | None = None) -> Files:
    """What CURRENT, MANIFEST and the folder say. A MANIFEST that only grew since ``before`` is read on from there, so
    that a long one costs little. Raises StoreMissing, StoreDamaged, DiskError."""
    return files_of(path, *read_manifest(path, before), before)


def unchanged(path: Path, files: Files) -> bool:
    """Whether these are still a database's sorted files, and the logs that follow them; later logs may have been begun.
    Raises StoreMissing, StoreDamaged, DiskError."""
    return manifest_name(path) == files.manifest and size_of(path / files.manifest) == len(files.manifest_bytes)


def read_manifest(path: Path, before: Files | None = None) -> tuple[str, bytes]:
    """The MANIFEST that CURRENT names, read on where that of ``before`` ends if it is the same. Raises StoreMissing,
    StoreDamaged, DiskError."""
    name = manifest_name(path)
    try:
        return name, _read_on(path / name, before.manifest_bytes if before and before.manifest == name else b"")
    except FileNotFoundError as error:
        raise StoreMissing(path, f"no file {name}") from error
    except OSError as error:
        raise fault_of(path, error) from error


def manifest_name(path: Path) -> str:
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
    return name


def _read_on(file: Path, known: bytes) -> bytes:
    """All of a file of which this beginning is known, unless it is shorter by now."""
    with file.open("rb") as reader:
        if os.fstat(reader.fileno()).st_size < len(known):
            return reader.read()
        reader.seek(len(known))
        return known + reader.read()


def files_of(path: Path, name: str, raw: bytes, before: Files | None = None) -> Files:
    """What a MANIFEST of these bytes, and the folder, say, as `read_files`. Raises StoreDamaged."""
    if before is None or not raw.startswith(before.manifest_bytes):
        version, last_edit = _added_up(path / name, raw, 0, None)
    elif len(raw) == len(before.manifest_bytes):
        version, last_edit = before.version, before.last_edit
    else:
        version, last_edit = _added_up(path / name, raw, before.last_edit, before.version)
    logs = tuple(log for log in log_paths(path) if int(log.stem) >= version.log_number)
    return Files(name, raw, version, logs, last_edit)


def _added_up(manifest: Path, raw: bytes, start: int, before: Version | None) -> tuple[Version, int]:
    """The version that the edits from ``start`` on make of one, and where the last of them begins."""
    try:
        edits = list(located(raw, start))
        return add_up((edit.content for edit in edits), before), edits[-1].begin
    except Unreadable as error:
        raise StoreDamaged(manifest.parent, f"{manifest.name}: {error}") from error


def find_whole(path: Path) -> None:
    """As `check_files`, for a database about to be opened: if its MANIFEST is ahead of its files, that is put right.

    LevelDB adds an edit to its MANIFEST first, then syncs the names of the files that the edit tells of, then the edit;
    only then does it remove what the edit made useless. A power loss between these can leave the last edit without its
    files. What stood before the edit is still whole then, and the edit is taken back. If that is not whole either,
    files were lost in another way, and nothing is touched.
    """
    with _disk_faults(path):
        files = read_files(path)
        try:
            _check(path, files)
        except StoreDamaged:
            before = before_last_edit(path, files)
            if before is None:
                raise
            _check(path, before)
            cut_file(path / files.manifest, len(before.manifest_bytes))


def before_last_edit(path: Path, files: Files) -> Files | None:
    """The database as its MANIFEST has it without the last edit; None unless a file that came with it is missing."""
    try:
        before = files_of(path, files.manifest, files.manifest_bytes[: files.last_edit])
    except StoreDamaged:
        return None
    now, then = files.version, before.version
    added = {number for number, _ in now.tables} - {number for number, _ in then.tables}
    ahead = any(not table_path(path, number).exists() for number in added)
    if now.log_number != then.log_number:
        ahead = ahead or not (path / f"{now.log_number:06}.log").exists()
    return before if ahead and then.log_number else None


def check_files(path: Path) -> Files:
    """Find what LevelDB would pass over. Raises StoreMissing, StoreDamaged, DiskError."""
    with _disk_faults(path):
        files = read_files(path)
        _check(path, files)
        return files


@contextmanager
def _disk_faults(path: Path) -> Iterator[None]:
    """What the disk refuses meanwhile, as typed errors."""
    try:
        yield
    except OSError as error:
        raise fault_of(path, error) from error


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


def after_batch(batch: bytes, due: int) -> int:
    """The sequence that is due after a batch, where `due` was before. Raises Unreadable."""
    if len(batch) < _BATCH.size:
        raise Unreadable("a batch is too short")
    sequence, count = _BATCH.unpack_from(batch)
    if sequence > due:
        raise Unreadable(f"rows before sequence {sequence} are missing")
    return int(sequence + count)
