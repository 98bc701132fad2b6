"""How far the reading of a whole database has come, for people who wait: at a start, a check, a restore.

How many rows there are is known only once they are read. But LevelDB tells about how many bytes of its sorted files lie
between two keys, so that is what is counted. Of a small database, all of it in logs, there is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from storage.engine import Engine
from storage.scan import Row

EVERY_ROWS = 1 << 14
"""Rows between two words: some fifty milliseconds."""

Told = Callable[[int, int], None]
"""Is told how much is done, and of how much; here in bytes, about."""


def untold(done: int, whole: int) -> None:
    """Tell nobody."""


class ReadProgress:
    """The reading of some ranges of a database, one after the other."""

    def __init__(self, engine: Engine, ranges: Iterable[tuple[bytes, bytes]], told: Told) -> None:
        self._engine = engine
        self._sizes = {start: engine.bytes_between(start, stop) for start, stop in ranges}
        self._whole = sum(self._sizes.values())
        self._done = 0
        self._told = told

    def through(self, start: bytes, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows of the range that begins there, as they come."""
        for count, row in enumerate(rows, 1):
            if not count % EVERY_ROWS and self._whole:
                here = min(self._engine.bytes_between(start, row[0]), self._sizes[start])
                self._told(self._done + here, self._whole)
            yield row
        self._done += self._sizes[start]
