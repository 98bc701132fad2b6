"""One generation of one table on this node: its place on disk, its Merkle tree, and a cache of its rows.

Reading goes through the rows that wait for a sync; writing is the commit's alone (``storage/state.py``). The cache is
bounded by a count and holds nothing that LevelDB or the waiting rows do not: its size changes speed and never a value.
It begins when the store is first read: a build (``storage/growing.py``) writes its rows past it, and only before that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from storage.bulkload import tree_of
from storage.merkle import Tree, TreePatch
from storage.pending import PendingRows
from storage.readprogress import ReadProgress
from storage.rows import after_prefix, table_prefix

_UNREAD: Any = object()
"""What the cache says of a key that it does not hold; None says that there is no row."""


class TableStore:
    """Rows and tree under one local number."""

    __slots__ = ("_cached", "_rows", "number", "row_prefix", "tree")

    def __init__(self, rows: PendingRows, number: int, tree: Tree) -> None:
        self._rows = rows
        self._cached: dict[bytes, bytes | None] = {}
        self.number = number
        self.tree = tree
        self.row_prefix = table_prefix(number)

    @classmethod
    def load(cls, rows: PendingRows, number: int, progress: ReadProgress) -> TableStore:
        """The store of the rows that lie under a number, its tree made of them; ``progress`` is of its range too."""
        prefix = table_prefix(number)
        skip = len(prefix)
        stored = progress.through(prefix, rows.iterate(prefix, after_prefix(prefix)))
        return cls(rows, number, tree_of((key[skip:], value) for key, value in stored))

    def read(self, key: bytes) -> bytes | None:
        """The bytes of a row, or None."""
        value: bytes | None = self._cached.get(key, _UNREAD)
        if value is _UNREAD:
            value = self._cached[key] = self._rows.peek(self.row_prefix + key)
            self._trim()
        return value

    def apply(self, rows: Mapping[bytes, bytes | None], patch: TreePatch) -> None:
        """Take in a block that is written; its rows are likely to be read by the next ones."""
        self.tree.apply(patch)
        self._cached.update(rows)
        self._trim()

    def _trim(self) -> None:
        """Drop what was cached first when it is too much, a quarter more than needed so that this stays rare."""
        if len(self._cached) > self._rows.cached:
            for key in list(islice(self._cached, len(self._cached) - self._rows.cached * 3 // 4)):
                del self._cached[key]

    def scan(self, start: bytes, stop: bytes | None, reverse: bool) -> Iterator[tuple[bytes, bytes]]:
        """Rows with ``start <= key < stop`` in key order, or backwards, as they are at this call and past the cache; no
        bound above when ``stop`` is None."""
        if not self.tree.count:
            return iter(())
        prefix = self.row_prefix
        end = after_prefix(prefix) if stop is None else prefix + stop
        skip = len(prefix)
        return ((key[skip:], value) for key, value in self._rows.iterate(prefix + start, end, reverse))
