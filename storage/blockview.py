"""One table as one block sees it: the committed rows it has read, and its own writes over them.

A *cell* is a row's canonical bytes with its record, either of which stands for the other, so that nothing is
encoded or decoded twice in a block. ``(None, None)`` is an absent row; a record of None beside bytes means not
decoded yet.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from storage.tables import Table
from storage.tablestore import TableStore

Cell = tuple[bytes | None, Any]
"""The bytes of a row and its record."""

ABSENT: Cell = (None, None)


class Change(msgspec.Struct, frozen=True, gc=False):
    """One row that differs from the committed one; None stands for an absent row."""

    old: bytes | None
    new: bytes | None
    known_old: Any
    """The old record, None when it is absent or not decoded yet."""
    known_new: Any
    table: Table[Any]

    @property
    def old_record(self) -> Any:
        """The record before the block."""
        return self.table.codec.decode(self.old) if self.known_old is None and self.old is not None else self.known_old

    @property
    def new_record(self) -> Any:
        """The record after the block."""
        return self.table.codec.decode(self.new) if self.known_new is None and self.new is not None else self.known_new


class BlockView:
    """What an overlay knows of one table."""

    __slots__ = ("_net", "_order", "base", "store", "table", "writes")

    def __init__(self, table: Table[Any], store: TableStore) -> None:
        self.table = table
        self.store = store
        self.base: dict[bytes, Cell] = {}
        self.writes: dict[bytes, Cell] = {}
        self._order: list[bytes] | None = None
        self._net: dict[bytes, Change] | None = None

    def bind(self, table: Table[Any]) -> None:
        """Read and write as this table says from now on. With another record, cells are decoded anew."""
        known, self.table = self.table.record, table
        self._net = None
        if known is not table.record:
            self.base = {key: (cell[0], None) for key, cell in self.base.items()}
            self.writes = {key: (cell[0], None) for key, cell in self.writes.items()}

    def committed(self, key: bytes) -> Cell:
        """The row beneath this block's writes."""
        cell = self.base.get(key)
        if cell is None:
            raw = self.store.read(key)
            cell = self.base[key] = ABSENT if raw is None else (raw, None)
        return cell

    def record(self, key: bytes) -> Any:
        """The present record, decoded once, or None."""
        cells = self.writes
        cell = cells.get(key)
        if cell is None:
            cells = self.base
            cell = cells.get(key) or self.committed(key)
        raw, record = cell
        if record is None and raw is not None:
            record = self.table.codec.decode(raw)
            cells[key] = (raw, record)
        return record

    def raw(self, key: bytes) -> bytes | None:
        """The present bytes, or None."""
        cell = self.writes.get(key)
        return (self.committed(key) if cell is None else cell)[0]

    def write(self, key: bytes, cell: Cell) -> Cell | None:
        """Set a cell and return the written one that it replaces. The order of written keys is kept once a scan has
        asked for it."""
        before = self.writes.get(key)
        if before is None and self._order is not None:
            insort(self._order, key)
        self.writes[key] = cell
        self._net = None
        return before

    def unwrite(self, key: bytes) -> None:
        """Take a written cell away, so that the committed row shows again."""
        del self.writes[key]
        self._order = self._net = None

    def net(self) -> dict[bytes, Change]:
        """The rows that differ from the committed ones, by key in order; kept until the next write. What `differences`
        says, written out: each row of each block passes here, and committed rows need not be remembered any more."""
        if self._net is None:
            writes, known, read, table = self.writes, self.base.get, self.store.read, self.table
            self._net = found = {}
            for key in sorted(writes):
                new, new_record = writes[key]
                old, old_record = known(key) or (read(key), None)
                if old != new:
                    found[key] = Change(old, new, old_record, new_record, table)
        return self._net

    def differences(self, keys: Iterable[bytes], before: Mapping[bytes, Cell | None]) -> dict[bytes, Change]:
        """The rows among ``keys`` whose present bytes differ from those in ``before``, or else from the committed
        ones; by key in order."""
        writes, base, committed, table = self.writes, self.base, self.committed, self.table
        found = {}
        for key in sorted(keys):
            old, old_record = before.get(key) or base.get(key) or committed(key)
            new, new_record = writes.get(key) or committed(key)
            if old != new:
                found[key] = Change(old, new, old_record, new_record, table)
        return found

    def walk(self, start: bytes, stop: bytes | None, reverse: bool) -> Iterator[tuple[bytes, Any]]:
        """Rows in key order, or backwards, each as it is when the walk arrives at it."""
        below = self.store.scan(start, stop, reverse)
        item = next(below, None)
        here: bytes | None = None
        decode = self.table.codec.decode
        while True:
            written = self._next_written(here, start, stop, reverse)
            if written is None and item is None:
                return
            if item is None or (written is not None and (written >= item[0] if reverse else written <= item[0])):
                here = written
                if item is not None and item[0] == here:
                    item = next(below, None)
                record = self.record(here) if here is not None and here in self.writes else None
            else:
                here = item[0]
                record = decode(item[1])
                item = next(below, None)
            if record is not None and here is not None:
                yield here, record

    def _next_written(self, here: bytes | None, start: bytes, stop: bytes | None, reverse: bool) -> bytes | None:
        """The written key that follows in the walk, or None past its end."""
        if not self.writes:
            return None
        if self._order is None:
            self._order = sorted(self.writes)
        order = self._order
        if reverse:
            bound = stop if here is None else here
            at = (len(order) if bound is None else bisect_left(order, bound)) - 1
            return order[at] if at >= 0 and order[at] >= start else None
        at = bisect_left(order, start) if here is None else bisect_right(order, here)
        return order[at] if at < len(order) and (stop is None or order[at] < stop) else None
