"""LevelDB, made to stop rather than to guess.

- Opening never creates: a home whose database vanished must say so, not begin an empty one. What LevelDB would pass
  over in silence is checked first (`levelfiles.find_whole`).
- Every read verifies checksums, and every step of a scan is checked for errors.
- After the first failed write or damaged read the engine stops: every later call raises EngineStopped until the
  database is opened anew. A handle that met a full disk acknowledges synced writes and loses them.
- LevelDB's own repair is never run: it drops what it cannot read.
- A synced write has its log's name on disk too, and the end of the log before. LevelDB begins a new log whenever its
  buffer is full, and leaves to chance the folder and what was written to the old log unsynced; a power loss could then
  take the log with everything that was acknowledged in it, or leave a gap before it.

One thread owns an engine. Snapshots may be read from other threads, also while the engine is being closed.
"""

import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, Self

import plyvel

from storage.durable import sync_directory, sync_file
from storage.errors import EngineStopped, StoreDamaged, StoreExists, StoreFault, StoreLocked
from storage.faults import fault_of, text_of
from storage.levelfiles import find_whole, log_paths, newest_log, size_of
from storage.scan import Row, scan

PAST_THE_END = b"\xff" * 64
"""Above every key in use: an empty range begins here."""

SCAN_CHUNK = 64
"""Rows that a snapshot's scan reads each time it holds the snapshot's lock."""

LEVELDB_FAILURES = (plyvel.Error, OSError, RuntimeError)
"""What plyvel raises: its own errors, and RuntimeError for use after closing."""


class Engine:
    """One open database. `path` is its folder."""

    def __init__(self, path: Path, database: Any) -> None:
        self.path = path
        self._database = database
        self._stopped: str | None = None
        self._snapshots: weakref.WeakSet[EngineSnapshot] = weakref.WeakSet()
        self._writing = threading.Lock()
        self._settled = False
        """Nothing was written since the last barrier."""
        self._log = path / "no log yet"
        """The log whose name is known to be on disk."""

    @classmethod
    def create(cls, path: Path, *, cache_bytes: int = 8 << 20, buffer_bytes: int = 4 << 20) -> Self:
        """Make an empty database in a folder that is missing or empty. Raises StoreExists, DiskFull, DiskError."""
        try:
            if path.exists() and any(path.iterdir()):
                raise StoreExists(path)
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise fault_of(path, error) from error
        return cls(path, _open(path, True, cache_bytes, buffer_bytes))

    @classmethod
    def open(cls, path: Path, *, cache_bytes: int = 8 << 20, buffer_bytes: int = 4 << 20) -> Self:
        """Open an existing database; `cache_bytes` for blocks, `buffer_bytes` before a sorted file is written.

        Raises StoreMissing, StoreDamaged, StoreLocked, DiskFull, DiskError.
        """
        find_whole(path)
        return cls(path, _open(path, False, cache_bytes, buffer_bytes))

    def get(self, key: bytes) -> bytes | None:
        """The value of a row, or None. Raises StoreDamaged, DiskError, EngineStopped."""
        if self._stopped is not None:
            raise EngineStopped(self.path, self._stopped)
        try:
            value: bytes | None = self._database.get(key, verify_checksums=True)
        except LEVELDB_FAILURES as error:
            self.fail(error)
        return value

    def iterate(self, start: bytes | None, stop: bytes | None, reverse: bool = False) -> Iterator[Row]:
        """Rows with start <= key < stop in key order, or backwards, as they are at this call; None is open-ended."""
        if self._stopped is not None:
            raise EngineStopped(self.path, self._stopped)
        try:
            rows = scan(self._database, start, stop, reverse)
            first = next(rows, None)
        except LEVELDB_FAILURES as error:
            self.fail(error)
        return self._guarded(first, rows)

    def _guarded(self, first: Row | None, rows: Iterator[Row]) -> Iterator[Row]:
        while first is not None:
            yield first
            if self._stopped is not None:
                raise EngineStopped(self.path, self._stopped)
            try:
                first = next(rows, None)
            except LEVELDB_FAILURES as error:
                self.fail(error)

    def write(self, rows: Iterable[tuple[bytes, bytes | None]], sync: bool) -> None:
        """Write all rows or none; None deletes. With `sync` they are on disk on return.

        Raises DiskFull, DiskError, StoreDamaged, EngineStopped; after any of these the engine is stopped.
        """
        if self._stopped is not None:
            raise EngineStopped(self.path, self._stopped)
        try:
            batch = self._database.write_batch(sync=sync)
            put, delete = batch.put, batch.delete
            for key, value in rows:
                if value is None:
                    delete(key)
                else:
                    put(key, value)
            with self._writing:
                self._settled = False
                before = size_of(self._log)
                batch.write()
                if sync and size_of(self._log) <= before:
                    self._name_log()
        except LEVELDB_FAILURES as error:
            self.fail(error)

    def _name_log(self) -> None:
        """A synced write went to another log than the one known: bring its name, and the log before, to disk too."""
        *left, self._log = log_paths(self.path)
        for log in left:
            with suppress(FileNotFoundError):  # its rows are in a synced sorted file meanwhile
                sync_file(log)
        sync_directory(self.path)

    def delete_range(self, start: bytes, stop: bytes, limit: int) -> list[bytes]:
        """Delete at most `limit` rows of a range, unsynced; returns their keys, fewer than `limit` when it is empty.

        Whoever goes on begins above the last one: LevelDB passes over what was deleted row by row."""
        keys = [key for key, _ in islice(self.iterate(start, stop), limit)]
        self.write([(key, None) for key in keys], sync=False)
        return keys

    def barrier(self) -> None:
        """Bring all that was written before into a synced sorted file, so that no log has to be replayed for it.

        The log that the next batch goes to has its name on disk as well.

        Compacting an empty range does that. LevelDB hides whether it worked: a new log tells that the buffer was
        handed over, and a synced write after it fails if writing the sorted file did. Right after another barrier there
        is nothing to do.
        """
        if self._settled and self._stopped is None:
            return
        before = self._newest_log()
        self.compact_range(PAST_THE_END, PAST_THE_END + b"\xff")
        if self._newest_log() <= before:
            self.fail(OSError("no new log was begun at a barrier"))
        self.write((), sync=True)
        self._settled = True

    def _newest_log(self) -> int:
        try:
            return newest_log(self.path)
        except OSError as error:
            self.fail(error)

    def compact_range(self, start: bytes | None = None, stop: bytes | None = None) -> None:
        """Rewrite a range without its deleted rows; for maintenance, as it may take long."""
        if self._stopped is not None:
            raise EngineStopped(self.path, self._stopped)
        try:
            self._database.compact_range(start=start, stop=stop)
        except LEVELDB_FAILURES as error:
            self.fail(error)

    def size(self) -> int:
        """Bytes on disk, all files together."""
        total = 0
        for entry in self.path.iterdir():
            try:
                total += entry.stat().st_size
            except FileNotFoundError:  # removed by a compaction meanwhile
                continue
        return total

    def bytes_between(self, start: bytes, stop: bytes) -> int:
        """About how many bytes the rows with start <= key < stop take in sorted files; what only logs hold is not
        counted. Raises EngineStopped."""
        if self._stopped is not None:
            raise EngineStopped(self.path, self._stopped)
        size: int = self._database.approximate_size(start, stop)
        return size

    def snapshot(self) -> "EngineSnapshot":
        """The rows as they are now, for readers on any thread, until closed."""
        if self._stopped is not None:
            raise EngineStopped(self.path, self._stopped)
        try:
            snapshot = EngineSnapshot(self, self._database.snapshot())
        except LEVELDB_FAILURES as error:
            self.fail(error)
        self._snapshots.add(snapshot)
        return snapshot

    def paused_writes(self) -> AbstractContextManager[bool]:
        """Holds back writes of other threads while a checkpoint copies the log."""
        return self._writing

    def fail(self, error: BaseException) -> NoReturn:
        """Stop because of this failure, and raise it as a typed error."""
        if self._stopped is not None:
            raise EngineStopped(self.path, self._stopped) from error
        fault = error if isinstance(error, StoreFault) else fault_of(self.path, error)
        self._stopped = str(fault)
        raise fault from error

    def stop(self, reason: str) -> None:
        """Refuse every later call: for a failure met beside LevelDB, such as in the head file."""
        if self._stopped is None:
            self._stopped = reason

    @property
    def stopped(self) -> str | None:
        """Why the engine stopped, or None while it works."""
        return self._stopped

    def close(self) -> None:
        """Close the database and its snapshots; again is harmless."""
        self.stop("it was closed")
        for snapshot in list(self._snapshots):
            snapshot.close()
        self._database.close()


class EngineSnapshot:
    """The rows of one moment. Safe on any thread; keeps LevelDB from dropping old rows until closed."""

    def __init__(self, engine: Engine, snapshot: Any) -> None:
        self._engine = engine
        self._snapshot = snapshot
        self._lock = threading.Lock()

    def get(self, key: bytes) -> bytes | None:
        """As `Engine.get`. Raises EngineStopped too once this snapshot is closed."""
        with self._lock:
            try:
                value: bytes | None = self._opened().get(key, verify_checksums=True)
            except LEVELDB_FAILURES as error:
                self._engine.fail(error)
            return value

    def iterate(self, start: bytes | None, stop: bytes | None, reverse: bool = False) -> Iterator[Row]:
        """As `Engine.iterate`, read in small chunks so that a slow reader holds nobody up."""
        low, high = start, stop
        while True:
            with self._lock:
                try:
                    with closing(scan(self._opened(), low, high, reverse)) as rows:
                        chunk = list(islice(rows, SCAN_CHUNK))
                except LEVELDB_FAILURES as error:
                    self._engine.fail(error)
            yield from chunk
            if len(chunk) < SCAN_CHUNK:
                return
            low, high = (low, chunk[-1][0]) if reverse else (chunk[-1][0] + b"\0", high)

    def close(self) -> None:
        """Let go of the rows; again is harmless."""
        with self._lock:
            if self._snapshot is not None:
                self._snapshot.close()
                self._snapshot = None

    def _opened(self) -> Any:
        if self._snapshot is None or self._engine.stopped is not None:
            raise EngineStopped(self._engine.path, self._engine.stopped or "this snapshot was closed")
        return self._snapshot


def _open(path: Path, create: bool, cache_bytes: int, buffer_bytes: int) -> Any:
    try:
        return plyvel.DB(
            str(path),
            create_if_missing=create,
            error_if_exists=create,
            paranoid_checks=True,
            lru_cache_size=cache_bytes,
            write_buffer_size=buffer_bytes,
            bloom_filter_bits=10,
            compression=None,  # most bytes are hashes: trying costs compaction a third of its time and saves a tenth
        )
    except LEVELDB_FAILURES as error:
        fault = fault_of(path, error)
        if isinstance(fault, StoreLocked):
            raise fault from error
        raise (fault if create or not _unreadable(error) else StoreDamaged(path, text_of(error))) from error


def _unreadable(error: BaseException) -> bool:
    """Errors at opening that are LevelDB's view of what lies on disk, not of the disk itself."""
    return isinstance(error, plyvel.Error) and not isinstance(error, OSError)
