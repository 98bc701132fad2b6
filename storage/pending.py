"""Rows as the executor thread sees them: those waiting for a sync first, then LevelDB.

Blocks committed without a sync leave their rows here. A row that waits hides the one on disk, for single reads and
for scans, until one synced batch writes all of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from storage.engine import Engine

LogRows = Sequence[tuple[bytes, bytes | None]]
"""Rows outside the trees, written with a block; None deletes."""


class PendingRows:
    """An engine with unsynced rows over it."""

    __slots__ = ("_order", "_waiting", "cached", "engine")

    def __init__(self, engine: Engine, cached_rows: int) -> None:
        self.engine = engine
        self.cached = cached_rows
        """How many rows each table may keep in a cache."""
        self._waiting: dict[bytes, bytes | None] = {}
        self._order: list[bytes] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def peek(self, key: bytes) -> bytes | None:
        """The value of a row, or None."""
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

    def hold(self, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Keep a block's rows until the next write."""
        self._waiting.update(rows)
        self._order = None

    def write(self, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Write what waits and these rows in one synced batch; if it fails, nothing here has changed."""
        if self._waiting:
            self.engine.write({**self._waiting, **dict(rows)}.items(), sync=True)
            self._waiting = {}
            self._order = None
        else:
            self.engine.write(rows, sync=True)

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
