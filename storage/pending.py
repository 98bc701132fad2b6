"""Rows as the executor thread sees them: those waiting for a sync first, then caches, then LevelDB.

Blocks committed without a sync leave their rows here. A row that waits hides the one on disk, for single reads and
for scans, until one synced batch writes all of them. The cache of table rows is bounded by a count and holds nothing
that LevelDB or the waiting rows do not: its size changes speed and never a value.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from storage.engine import Engine

Rows = Mapping[bytes, bytes | None]
"""Table rows by key; None deletes."""

LogRows = Iterable[tuple[bytes, bytes | None]]
"""Rows beside the tables', which no cache keeps."""

_UNREAD: Any = object()
"""What a cache says of a key that it does not hold; None says that there is no row."""


class PendingRows:
    """An engine with unsynced rows over it."""

    __slots__ = ("_limit", "_order", "_rows", "_waiting", "engine")

    def __init__(self, engine: Engine, cached_rows: int) -> None:
        self.engine = engine
        self._limit = cached_rows
        self._waiting: dict[bytes, bytes | None] = {}
        self._order: list[bytes] | None = None
        self._rows: dict[bytes, bytes | None] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def row(self, key: bytes) -> bytes | None:
        """The value of a table row, or None where there is none."""
        value: bytes | None = self._rows.get(key, _UNREAD)
        if value is _UNREAD:
            value = self._rows[key] = self.peek(key)
            if len(self._rows) > self._limit:
                _trim(self._rows, self._limit)
        return value

    def peek(self, key: bytes) -> bytes | None:
        """The value of any row, past the caches."""
        return self._waiting[key] if key in self._waiting else self.engine.get(key)

    def iterate(self, start: bytes, stop: bytes, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Rows of a range in key order, or backwards; commits made meanwhile are not seen."""
        below = self.engine.iterate(start, stop, reverse=reverse)
        waiting = self._waiting_between(start, stop)
        if not waiting:
            return iter(below)
        return merge(below, waiting[::-1] if reverse else waiting, reverse)

    def log_source(self) -> LogSource:
        """These rows for the block log."""
        return LogSource(self)

    def hold(self, rows: Rows, log_rows: LogRows) -> None:
        """Keep a block's rows until the next write."""
        self._waiting.update(rows)
        self._waiting.update(log_rows)
        self._order = None
        self._remember(rows)

    def write(self, rows: Rows, log_rows: LogRows) -> None:
        """Write what waits and these rows in one synced batch; if it fails, nothing here has changed."""
        fresh = chain(rows.items(), log_rows)
        if self._waiting:
            self.engine.write({**self._waiting, **dict(fresh)}.items(), sync=True)
            self._waiting = {}
            self._order = None
        else:
            self.engine.write(fresh, sync=True)
        self._remember(rows)

    def _remember(self, rows: Rows) -> None:
        """A block's rows are likely to be read by the next ones."""
        self._rows.update(rows)
        if len(self._rows) > self._limit:
            _trim(self._rows, self._limit)

    def _waiting_between(self, start: bytes, stop: bytes) -> list[tuple[bytes, bytes | None]]:
        if not self._waiting:
            return []
        if self._order is None:
            self._order = sorted(self._waiting)
        keys = self._order[bisect_left(self._order, start) : bisect_left(self._order, stop)]
        return [(key, self._waiting[key]) for key in keys]


@dataclass(frozen=True, slots=True)
class LogSource:
    """Log rows, those that wait included."""

    rows: PendingRows

    def get(self, key: bytes) -> bytes | None:
        """The value of a row, or None."""
        return self.rows.peek(key)

    def iterate(self, start: bytes, stop: bytes, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Rows of a range in key order, or backwards."""
        return self.rows.iterate(start, stop, reverse)


def _trim(cache: dict[bytes, bytes | None], limit: int) -> None:
    """Drop what was cached first, a quarter more than needed so that trimming stays rare."""
    for key in list(islice(cache, len(cache) - limit * 3 // 4)):
        del cache[key]


def merge(
    below: Iterator[tuple[bytes, bytes]], above: list[tuple[bytes, bytes | None]], reverse: bool
) -> Iterator[tuple[bytes, bytes]]:
    """Two ordered runs of rows as one; where both have a key the upper wins, and its None hides the lower row."""
    item = next(below, None)
    for key, value in above:
        while item is not None and (item[0] > key if reverse else item[0] < key):
            yield item
            item = next(below, None)
        if item is not None and item[0] == key:
            item = next(below, None)
        if value is not None:
            yield key, value
    while item is not None:
        yield item
        item = next(below, None)
