"""A layer over any view of the state that takes rows and is thrown away: what a change would lead to, changing nothing.

Reads see what was written, so the code that counts on the chain counts here as well. Nothing is deleted, and nothing
written here is ever read backwards: that is all that counting needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from typing import Any, TypeVar, cast

from governance.reading import Reader
from storage.record import Record
from storage.tables import Table

R = TypeVar("R", bound=Record)


class Sketch:
    """Rows of its own over a reader's."""

    def __init__(self, under: Reader) -> None:
        self._under = under
        self._rows: dict[str, dict[tuple[Any, ...], Record]] = {}

    def get(self, table: Table[R], key: tuple[Any, ...]) -> R | None:
        """The row as it was written here, else as it is."""
        mine = self._rows.get(table.name, {}).get(key)
        return self._under.get(table, key) if mine is None else cast(R, mine)

    def put(self, table: Table[R], key: tuple[Any, ...], record: R) -> None:
        """Write a row, here only."""
        self._rows.setdefault(table.name, {})[key] = record

    def scan(
        self, table: Table[R], prefix: tuple[Any, ...] = (), start: tuple[Any, ...] | None = None, reverse: bool = False
    ) -> Iterator[tuple[tuple[Any, ...], R]]:
        """Rows in key order, those written before the scan began included."""
        below = self._under.scan(table, prefix, start=start, reverse=reverse)
        written = self._rows.get(table.name)
        if written is None:
            yield from below
            return
        assert not reverse, "tables that are written here are read forwards"
        first = table.pack(prefix if start is None else start)
        mine = sorted(
            ((key, cast(R, row)) for key, row in written.items() if key[: len(prefix)] == prefix),
            key=lambda one: table.pack(one[0]),
        )
        later = [one for one in mine if table.pack(one[0]) >= first]
        both = merge(later, below, key=lambda one: table.pack(one[0]))
        for _, same in groupby(both, key=lambda one: one[0]):
            yield next(same)
