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
from typing import Any, NamedTuple, Protocol, TypeVar

from storage.blockview import ABSENT, BlockView, Cell, Change
from storage.catalogue import CATALOGUE, Catalogue, GenerationKey, TableEntry, catalogue_key
from storage.errors import GenerationInvalid, SavepointUnknown, TableMismatch, TableUnknown
from storage.record import Record
from storage.rows import after_prefix
from storage.tables import Half, Table
from storage.tablestore import TableStore

R = TypeVar("R", bound=Record)

Changes = dict[str, dict[bytes, Change]]
"""Net changes by table name and key bytes, both in order."""


class Place(NamedTuple):
    """What a table's name means at a catalogue."""

    half: Half
    schema: bytes
    store: TableStore


Places = dict[str, Place]
"""Every table in force by its name."""


class Stores(Protocol):
    """Where an overlay finds generations when it flips."""

    def store(self, half: Half, generation: int) -> TableStore:
        """The committed store of a generation, in force or kept."""

    def empty_store(self) -> TableStore:
        """A store of no rows under a number of its own, for a table that begins empty."""


class Built(Protocol):
    """A generation built beside the chain, ready to come into force."""

    @property
    def store(self) -> TableStore:
        """Its rows and tree."""


class Overlay:
    """One block's writes. Belongs to the executor thread; it is stale once its state has committed."""

    def __init__(self, stores: Stores, catalogue: Catalogue, places: Places, sequence: int) -> None:
        self.sequence = sequence
        """The commit this overlay stands on, counted by its state."""
        self.places = places
        """Where each table's rows are; a flip puts another mapping here."""
        self.bound: dict[GenerationKey, TableStore] = {}
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
        record: R | None = view.record(table.pack(key))
        return record

    def put(self, table: Table[R], key: tuple[Any, ...], record: R) -> int:
        """Write a row; returns the length of its bytes."""
        view = self._views.get(table.name)
        if view is None or view.table is not table:
            view = self._view(table)
        if type(record) is not table.record:
            raise TableMismatch(table.name, f"asked to hold a {type(record).__name__}")
        packed, raw = table.pack(key), table.codec.encode(record)
        self._log.append((view, packed, view.write(packed, (raw, record))))
        return len(raw)

    def delete(self, table: Table[Any], key: tuple[Any, ...]) -> None:
        """Take a row away; an absent one stays absent."""
        view = self._view(table)
        self._write(view, table.pack(key), ABSENT)

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
        self.put_all_raw(table, {key: raw})

    def put_all_raw(self, table: Table[Any], rows: Mapping[bytes, bytes | None]) -> None:
        """As ``put_raw``, many rows by their keys' bytes."""
        view = self._view(table)
        write = view.write
        self._log += [
            (view, key, write(key, ABSENT if raw is None else (raw, None))) for key, raw in rows.items()
        ]

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
            if view.writes and (rows := view.net()):
                found[name] = rows
        return found

    def changes_since(self, savepoint: int) -> Changes:
        """Net changes since a savepoint."""
        self._require_savepoint(savepoint)
        if not savepoint and self._log and CATALOGUE.name not in self._views:  # no write but those of the log
            return self.changes()
        before: dict[str, dict[bytes, Cell | None]] = {}
        for view, key, cell in self._log[savepoint:]:
            before.setdefault(view.table.name, {}).setdefault(key, cell)
        found: Changes = {}
        for name in sorted(before):
            view, cells = self._views[name], before[name]
            rows = view.differences(cells, cells)
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
                    self._require_unwritten(name, (before.get(name) or after[name]).generation)
            known = {generation for kind, generation in self._catalogue.references() if kind is half}
            for name, entry in after.items():
                if entry.generation not in known:
                    made = built.get(name)
                    bound[half, entry.generation] = self._stores.empty_store() if made is None else made.store
        self._adopt(catalogue, bound)

    def _adopt(self, catalogue: Catalogue, bound: dict[GenerationKey, TableStore]) -> None:
        changed = [half for half in Half if catalogue.row(half) != self._catalogue.row(half)]
        self._catalogue, self.bound = catalogue, bound
        self.places = places_of(catalogue, self._stores, bound)
        for name, view in list(self._views.items()):
            place = self.places.get(name)
            if place is None or place.schema != view.table.schema_digest or place.store is not view.store:
                del self._views[name]
        rows = self._view(CATALOGUE)
        for half in changed:
            row = catalogue.row(half)
            rows.write(CATALOGUE.pack(catalogue_key(half)), (CATALOGUE.codec.encode(row), row))

    def _write(self, view: BlockView, key: bytes, cell: Cell) -> None:
        self._log.append((view, key, view.write(key, cell)))

    def _view(self, table: Table[Any]) -> BlockView:
        """The view of a table, made or bound to this very declaration after checking its half and schema."""
        view = self._views.get(table.name)
        if view is not None and view.table is table:
            return view
        place = self.places.get(table.name)
        if place is None:
            raise TableUnknown(table.name)
        table.require_stored_as(place.half, place.schema)
        if view is None:
            view = self._views[table.name] = BlockView(table, place.store)
        else:
            view.bind(table)
        return view

    def _require_savepoint(self, savepoint: int) -> None:
        if not 0 <= savepoint <= len(self._log):
            raise SavepointUnknown(savepoint)

    def _require_unwritten(self, name: str, generation: int) -> None:
        view = self._views.get(name)
        if view is not None and view.writes:
            raise GenerationInvalid(name, generation, "written in this block already; flip at its beginning")


def places_of(catalogue: Catalogue, stores: Stores, bound: Mapping[GenerationKey, TableStore]) -> Places:
    """The places of a catalogue's tables, those of newly bound generations among them."""
    places: Places = {}
    for half in Half:
        for entry in catalogue.row(half).entries:
            key = (half, entry.generation)
            store = bound[key] if key in bound else stores.store(*key)
            places[entry.name] = Place(half, entry.schema, store)
    return places


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
