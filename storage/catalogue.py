"""The catalogue: which tables exist, in which schema, and which generation of each is in force.

It is a host table with one row a half, so a flip of the whole runtime is one row. A *generation* is one filling of
a table; its number is given by the catalogue when the generation comes into force and is never given again within
its half. Where a generation lies on a node's disk is local (``storage/rows.py``), so nodes agree on this row
whatever they built, dropped or built again.

A generation that was replaced inside the rollback window stands under ``kept`` with its root: every node holds its
rows and its tree until it is released, and ``host_root`` covers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storage.errors import TableExists, TableUnknown
from storage.record import Amount, Hash, Record, Text, field
from storage.tables import Half, Table, host_table

GenerationKey = tuple[Half, int]
"""The identity of a generation on every node: its half, and the number that half's catalogue row gave it."""


class TableEntry(Record):
    """One table in force."""

    name: Text = field(1)
    generation: Amount = field(2)
    schema: Hash = field(3)


class KeptGeneration(Record):
    """One generation out of force that can come back: its content is exactly what ``root`` says."""

    name: Text = field(1)
    generation: Amount = field(2)
    schema: Hash = field(3)
    root: Hash = field(4)


class CatalogueRow(Record):
    """One half of the catalogue. ``entries`` stand in the order of their names, ``kept`` in that of generations."""

    next_generation: Amount = field(1)
    entries: tuple[TableEntry, ...] = field(2, default=())
    kept: tuple[KeptGeneration, ...] = field(3, default=())


CATALOGUE: Table[CatalogueRow] = host_table("host.catalogue", CatalogueRow, key=("text",), names=("half",))


def catalogue_key(half: Half) -> tuple[str]:
    """The key of a half's row in the catalogue table."""
    return (half.value,)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Both rows as one value. Every change makes a new one; none touches a disk."""

    host: CatalogueRow
    runtime: CatalogueRow

    @classmethod
    def empty(cls) -> Catalogue:
        """The catalogue of a new chain: nothing but itself."""
        bare = cls(CatalogueRow(next_generation=1), CatalogueRow(next_generation=1))
        return bare.with_table(CATALOGUE)

    def row(self, half: Half) -> CatalogueRow:
        """One half as it is stored."""
        return self.host if half is Half.HOST else self.runtime

    def find(self, name: str) -> TableEntry | None:
        """The entry of a table in force, or None."""
        for entry in self.host.entries + self.runtime.entries:
            if entry.name == name:
                return entry
        return None

    def entry(self, name: str) -> TableEntry:
        """The entry of a table in force; raises TableUnknown."""
        found = self.find(name)
        if found is None:
            raise TableUnknown(name)
        return found

    def names(self, half: Half) -> tuple[str, ...]:
        """The names of a half's tables in order."""
        return tuple(entry.name for entry in self.row(half).entries)

    def half_of(self, name: str) -> Half:
        """The half a table in force belongs to; raises TableUnknown."""
        entry = self.entry(name)
        return Half.HOST if entry in self.host.entries else Half.RUNTIME

    def with_table(self, table: Table[Any]) -> Catalogue:
        """Add a table, empty or to be filled by a built generation; raises TableExists."""
        if self.find(table.name) is not None:
            raise TableExists(table.name)
        row = self.row(table.half)
        entry = TableEntry(name=table.name, generation=row.next_generation, schema=table.schema_digest)
        return self._with_row(
            table.half,
            row.but(next_generation=row.next_generation + 1, entries=_in_order((*row.entries, entry))),
        )

    def without(self, name: str, *, keep_root: bytes | None = None) -> Catalogue:
        """Drop a table; with its root, keep what it held for a rollback."""
        entry, half = self.entry(name), self.half_of(name)
        row = self.row(half)
        others = tuple(other for other in row.entries if other != entry)
        kept = row.kept if keep_root is None else _by_generation((*row.kept, _kept(entry, keep_root)))
        return self._with_row(half, row.but(entries=others, kept=kept))

    def replaced(self, table: Table[Any], *, keep_root: bytes | None = None) -> Catalogue:
        """Put a new generation, in the table's schema, in the place of the present one."""
        return self.without(table.name, keep_root=keep_root).with_table(table)

    def reschemed(self, table: Table[Any]) -> Catalogue:
        """The same rows under a compatible schema: no stored byte and no root changes."""
        entry, row = self.entry(table.name), self.row(table.half)
        changed = entry.but(schema=table.schema_digest)
        return self._with_row(table.half, row.but(entries=tuple(changed if e == entry else e for e in row.entries)))

    def renamed(self, old: str, table: Table[Any]) -> Catalogue:
        """The same rows under another name."""
        if self.find(table.name) is not None:
            raise TableExists(table.name)
        entry, row = self.entry(old), self.row(table.half)
        changed = entry.but(name=table.name, schema=table.schema_digest)
        others = tuple(e for e in row.entries if e != entry)
        return self._with_row(table.half, row.but(entries=_in_order((*others, changed))))

    def with_runtime_tables(self, entries: tuple[TableEntry, ...]) -> Catalogue:
        """Put earlier entries of the runtime half in force again, as a rollback does; what came after them goes.
        Raises TableUnknown when an entry's generation is neither in force nor kept."""
        row = self.runtime
        held = {entry.generation for entry in row.entries} | {kept.generation for kept in row.kept}
        for entry in entries:
            if entry.generation not in held:
                raise TableUnknown(entry.name)
        return Catalogue(self.host, row.but(entries=_in_order(entries), kept=()))

    def released(self, half: Half = Half.RUNTIME) -> Catalogue:
        """Let go of every kept generation: nodes collect the rows in slices afterwards."""
        return self._with_row(half, self.row(half).but(kept=()))

    def references(self) -> tuple[GenerationKey, ...]:
        """Every generation that a node must hold, in force or kept."""
        found: list[GenerationKey] = []
        for half in Half:
            row = self.row(half)
            found += [(half, entry.generation) for entry in row.entries]
            found += [(half, kept.generation) for kept in row.kept]
        return tuple(found)

    def _with_row(self, half: Half, row: CatalogueRow) -> Catalogue:
        return Catalogue(row, self.runtime) if half is Half.HOST else Catalogue(self.host, row)


def _kept(entry: TableEntry, root: bytes) -> KeptGeneration:
    return KeptGeneration(name=entry.name, generation=entry.generation, schema=entry.schema, root=root)


def _in_order(entries: tuple[TableEntry, ...]) -> tuple[TableEntry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.name))


def _by_generation(kept: tuple[KeptGeneration, ...]) -> tuple[KeptGeneration, ...]:
    return tuple(sorted(kept, key=lambda item: item.generation))
