"""One generation of one table on this node: its place on disk and its Merkle tree.

Reading goes through the rows that wait for a sync; writing is the commit's alone (``storage/state.py``).
"""

from __future__ import annotations

from collections.abc import Iterator

from storage.merkle import Tree
from storage.pending import PendingRows
from storage.planting import tree_of
from storage.rows import after_prefix, table_prefix


class TableStore:
    """Rows and tree under one local number."""

    __slots__ = ("_rows", "number", "row_prefix", "tree")

    def __init__(self, rows: PendingRows, number: int, tree: Tree) -> None:
        self._rows = rows
        self.number = number
        self.tree = tree
        self.row_prefix = table_prefix(number)

    @classmethod
    def load(cls, rows: PendingRows, number: int) -> TableStore:
        """The store of the rows that lie under a number, its tree made of them."""
        prefix = table_prefix(number)
        skip = len(prefix)
        stored = rows.iterate(prefix, after_prefix(prefix))
        return cls(rows, number, tree_of((key[skip:], value) for key, value in stored))

    def read(self, key: bytes) -> bytes | None:
        """The bytes of a row, or None."""
        return self._rows.row(self.row_prefix + key)

    def scan(self, start: bytes, stop: bytes | None, reverse: bool) -> Iterator[tuple[bytes, bytes]]:
        """Rows with ``start <= key < stop`` in key order, or backwards; no bound above when ``stop`` is None."""
        if not self.tree.count:
            return iter(())
        prefix = self.row_prefix
        end = after_prefix(prefix) if stop is None else prefix + stop
        skip = len(prefix)
        return ((key[skip:], value) for key, value in self._rows.iterate(prefix + start, end, reverse))
