"""The writes of one block over the committed state: read-your-writes, savepoints, net changes. Touches no disk.

Rules:

- ``put`` encodes at once; record and bytes are both kept, so neither is made twice.
- Savepoints are places in one log of replaced cells: rolling back costs what was written since, releasing nothing.
- A scan shows each row as it is when the scan arrives there: a row put or deleted ahead of it counts, behind it
  does not. So code may write while it scans, and every node sees the same.
- ``changes`` are net: a row that has its old bytes again is not a change. Tables by name, rows by key.
- ``flip`` puts other generations in force. It belongs to the beginning of a block: a table it replaces must have no
  write yet, and no savepoint undoes it; dropping the overlay does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeVar

import msgspec

from storage.blockview import ABSENT, BlockView, Cell
from storage.catalogue import CATALOGUE, Catalogue, TableEntry, catalogue_key
from storage.errors import GenerationInvalid, SavepointUnknown, TableMismatch
from storage.record import Record
from storage.rows import after_prefix
from storage.tables import Half, Table
from storage.tablestore import TableStore

R = TypeVar("R", bound=Record)

StoreKey = tuple[Half, int]
"""The identity of a generation: its half and its number in that half's catalogue row."""


class Change(msgspec.Struct, frozen=True, gc=False):
    """One row that differs from the committed one; None stands for an absent row."""

    old: bytes | None
    new: bytes | None
    cells: tuple[Any, Any]
    table: Table[Any]

    @property
    def old_record(self) -> Any:
        """The record before the block."""
        return self.cells[0] if self.cells[0] is not None or self.old is None else self.table.codec.decode(self.old)

    @property
    def new_record(self) -> Any:
        """The record after the block."""
        return self.cells[1] if self.cells[1] is not None or self.new is None else self.table.codec.decode(self.new)


Changes = dict[str, dict[bytes, Change]]
"""Net changes by table name and key bytes, both in order."""


class Stores(Protocol):
    """Where an overlay finds the generations it reads."""

    def store(self, half: Half, generation: int) -> TableStore:
        """The committed store of a generation."""

    def empty_store(self) -> TableStore:
        """A store of no rows under a number of its own, for a table that begins empty."""


class Built(Protocol):
    """A generation built beside the chain, ready to come into force."""

    @property
    def store(self) -> TableStore:
        """Its rows and tree."""


class Overlay:
    """One block's writes. Belongs to the executor thread; it is stale once its state has committed."""

    def __init__(self, stores: Stores, catalogue: Catalogue, sequence: int) -> None:
        self.sequence = sequence
        """The commit this overlay stands on, counted by its state."""
        self.bound: dict[StoreKey, TableStore] = {}
        """Generations that come into force with this block."""
        self._stores = stores
        self._catalogue = catalogue
        self._views: dict[str, BlockView] = {}
        self._log: list[tuple[BlockView, bytes, Cell | None]] = []

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue as of this block."""
        return self._catalogue

    def get(self, table: Table[R], key: tuple[Any, ...]) -> R | None:
        """The row under a key, or None."""
        view = self._views.get(table.name)
        if view is None or view.table is not table:
            view = self._view(table)
        record: R | None = view.record(view.pack(key))
        return record

    def put(self, table: Table[R], key: tuple[Any, ...], record: R) -> int:
        """Write a row; returns the length of its bytes."""
        view = self._views.get(table.name)
        if view is None or view.table is not table:
            view = self._view(table)
        if type(record) is not table.record:
            raise TableMismatch(table.name, f"asked to hold a {type(record).__name__}")
        packed, raw = view.pack(key), view.encode(record)
        self._write(view, packed, (raw, record))
        return len(raw)

    def delete(self, table: Table[Any], key: tuple[Any, ...]) -> None:
        """Take a row away; an absent one stays absent."""
        view = self._view(table)
        self._write(view, view.pack(key), ABSENT)

    def scan(
        self, table: Table[R], prefix: tuple[Any, ...] = (), start: tuple[Any, ...] | None = None, reverse: bool = False
    ) -> Iterator[tuple[tuple[Any, ...], R]]:
        """Rows whose key begins with ``prefix``, from ``start`` on (inclusive, itself a key or the beginning of one),
        in key order or backwards."""
        low, high = key_range(table, prefix, start, reverse)
        unpack = table.unpack
        for key, record in self._view(table).walk(low, high, reverse):
            yield unpack(key), record

    def get_raw(self, table: Table[Any], key: bytes) -> bytes | None:
        """The bytes of a row by the bytes of its key."""
        return self._view(table).raw(key)

    def put_raw(self, table: Table[Any], key: bytes, raw: bytes | None) -> None:
        """Write trusted bytes, as undo rows hold them; None deletes."""
        self._write(self._view(table), key, ABSENT if raw is None else (raw, None))

    def savepoint(self) -> int:
        """A mark to come back to. Marks nest; rolling back to one closes those made after it."""
        return len(self._log)

    def rollback_to(self, savepoint: int) -> None:
        """Undo every write made since a savepoint, which stays open."""
        self._require_savepoint(savepoint)
        for view, key, before in reversed(self._log[savepoint:]):
            if before is None:
                view.unwrite(key)
            else:
                view.write(key, before)
        del self._log[savepoint:]

    def release(self, savepoint: int) -> None:
        """Keep the writes made since a savepoint; an outer savepoint can still undo them."""
        self._require_savepoint(savepoint)

    def changes(self) -> Changes:
        """Net changes of the block so far."""
        found: Changes = {}
        for name in sorted(self._views):
            view = self._views[name]
            rows = view.writes and _net(view, view.writes, view.committed)
            if rows:
                found[name] = rows
        return found

    def changes_since(self, savepoint: int) -> Changes:
        """Net changes since a savepoint."""
        self._require_savepoint(savepoint)
        before: dict[str, dict[bytes, Cell | None]] = {}
        for view, key, cell in self._log[savepoint:]:
            before.setdefault(view.table.name, {}).setdefault(key, cell)
        found: Changes = {}
        for name in sorted(before):
            view, cells = self._views[name], before[name]
            rows = _net(view, cells, lambda key, view=view, cells=cells: cells[key] or view.committed(key))  # type: ignore[misc]
            if rows:
                found[name] = rows
        return found

    def flip(self, catalogue: Catalogue, generations: Mapping[str, Built] | None = None) -> None:
        """Put a catalogue in force, with built generations by table name; an added table without one begins empty.
        Raises GenerationInvalid when a table whose entry changes was already written in this block."""
        built = generations or {}
        bound = dict(self.bound)
        for half in Half:
            before, after = _entries(self._catalogue, half), _entries(catalogue, half)
            for name in sorted(before.keys() | after.keys()):
                if before.get(name) != after.get(name):
                    self._require_unwritten(name)
            known = {generation for kind, generation in self._catalogue.references() if kind is half}
            for name, entry in after.items():
                if entry.generation not in known:
                    made = built.get(name)
                    bound[half, entry.generation] = self._stores.empty_store() if made is None else made.store
        self._adopt(catalogue, bound)

    def store(self, name: str) -> TableStore:
        """The generation of a table that this block reads; raises TableUnknown."""
        half, entry = self._catalogue.half_of(name), self._catalogue.entry(name)
        bound = self.bound.get((half, entry.generation))
        return self._stores.store(half, entry.generation) if bound is None else bound

    def _adopt(self, catalogue: Catalogue, bound: dict[StoreKey, TableStore]) -> None:
        changed = [half for half in Half if catalogue.row(half) != self._catalogue.row(half)]
        self._catalogue, self.bound = catalogue, bound
        for name, view in list(self._views.items()):
            entry = catalogue.find(name)
            if entry is None or entry.schema != view.table.schema_digest or self.store(name) is not view.store:
                del self._views[name]
        rows = self._view(CATALOGUE)
        for half in changed:
            row = catalogue.row(half)
            rows.write(rows.pack(catalogue_key(half)), (rows.encode(row), row))

    def _write(self, view: BlockView, key: bytes, cell: Cell) -> None:
        self._log.append((view, key, view.writes.get(key)))
        if view.order is None:
            view.writes[key] = cell
        else:
            view.write(key, cell)

    def _view(self, table: Table[Any]) -> BlockView:
        """The view of a table, made or bound to this very declaration after checking its schema."""
        view = self._views.get(table.name)
        if view is not None and view.table is table:
            return view
        entry = self._catalogue.entry(table.name)
        if entry.schema != table.schema_digest:
            raise TableMismatch(table.name, f"{entry.schema.hex()[:16]}, asked {table.schema_digest.hex()[:16]}")
        if view is None:
            view = self._views[table.name] = BlockView(table, self.store(table.name))
        else:
            view.bind(table)
        return view

    def _require_savepoint(self, savepoint: int) -> None:
        if not 0 <= savepoint <= len(self._log):
            raise SavepointUnknown(savepoint)

    def _require_unwritten(self, name: str) -> None:
        view = self._views.get(name)
        if view is not None and view.writes:
            raise GenerationInvalid(name, 0, "written in this block already; flip at its beginning")


def key_range(
    table: Table[Any], prefix: tuple[Any, ...], start: tuple[Any, ...] | None, reverse: bool
) -> tuple[bytes, bytes | None]:
    """The bounds of a scan in key bytes: from, and up to but without; None means no bound above."""
    packed = table.pack(prefix) if prefix else b""
    low, high = packed, _successor(packed)
    if start is not None:
        at = table.pack(start)
        if reverse:
            after = _successor(at)
            high = after if high is None else high if after is None else min(high, after)
        else:
            low = max(low, at)
    return low, high


def _successor(packed: bytes) -> bytes | None:
    """The least key above all that begin with these bytes; keys are self-delimiting, so none of another value does."""
    return after_prefix(packed) if packed.strip(b"\xff") else None


def _entries(catalogue: Catalogue, half: Half) -> dict[str, TableEntry]:
    return {entry.name: entry for entry in catalogue.row(half).entries}


def _net(view: BlockView, keys: Any, before: Any) -> dict[bytes, Change]:
    """The rows among ``keys`` whose present bytes differ from those before."""
    writes, table = view.writes, view.table
    found = {}
    for key in sorted(keys):
        old, old_record = before(key)
        new, new_record = writes.get(key) or view.committed(key)
        if old != new:
            found[key] = Change(old, new, (old_record, new_record), table)
    return found
