"""Counting a table that does not migrate but feeds an aggregate which the next runtime counts anew."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from runtime.growth.tally import Tally
from storage.blockview import Change
from storage.state import State
from storage.tables import Table


class Census:
    """Counts rows up to a cursor in slices, and follows what changes below it. Begun anew after a restart."""

    def __init__(self, state: State, source: str, table: Table[Any], tally: Tally) -> None:
        self._state = state
        self._source = source
        """The table's name in the running runtime."""
        self._table = table
        """As the next runtime declares it."""
        self._tally = tally
        self._cursor: bytes | None = None
        self.complete = False

    def step(self, limit: int) -> bool:
        """Count up to ``limit`` rows; returns whether there were any to look at."""
        if self.complete:
            return False
        rows = list(islice(self._state.rows(self._source, self._cursor), limit))
        for key, raw in rows:
            self._tally.add(self._table.name, key, self._table.codec.decode(raw))
        self.complete = len(rows) < limit
        if rows:
            self._cursor = rows[-1][0]
        return True

    def follow(self, changes: Mapping[str, Mapping[bytes, Change]]) -> None:
        """Count what a committed block has changed."""
        decode, name = self._table.codec.decode, self._table.name
        for key, change in changes.get(self._source, {}).items():
            if not self.complete and (self._cursor is None or key > self._cursor):
                continue
            if change.old is not None:
                self._tally.remove(name, key, decode(change.old))
            if change.new is not None:
                self._tally.add(name, key, decode(change.new))
