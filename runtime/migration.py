"""Migrating records: one at a time, metered, and held to what the migration declared.

The new generation of a table is a pure function of its source at A-1. A migration gets the old record and the
parameters frozen at scheduling; it returns the new record under the same key. What it does not name in `sets` is left
as it is, and that is compared in every record: a field that was there, by its number and whatever it is called now,
keeps its value, and a new one is at its default. So two swapped balances are caught although their sum is right.
`validate` runs with `migrate`.

A record keeps its key. A migration that `rekeys` gets the key too and answers the new one beside the record; records
that come to the same key collide, and fail all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from runtime.bundle.declarations import MigrationDeclaration
from runtime.bundle.loader import LoadedRuntime
from runtime.context import failed_check, invoke_migration
from runtime.errors import ActivationFailed
from runtime.metering.faults import HostFault, fault_of
from runtime.metering.meter import Meter
from runtime.scope import Reads
from storage.errors import InvalidKey, InvalidRecord
from storage.overlay import Overlay
from storage.schema import ZEROS, Schema
from storage.tables import Table


@dataclass(slots=True)
class NotedReads:
    """The old runtime's committed rows, for migrations that declare inputs; every key that is read is noted."""

    overlay: Overlay
    old: LoadedRuntime
    noted: dict[tuple[str, bytes], None] = field(default_factory=dict)
    """Table and key bytes of each row asked for, absent ones too."""

    def get(self, table: str, key: tuple[Any, ...]) -> Any:
        """The old record under a key, or None."""
        source = self.old.tables[table]
        self.noted[table, source.pack(key)] = None
        return self.overlay.get(source, key)


@dataclass(frozen=True, slots=True)
class RecordMigrator:
    """Migrates the records of one table."""

    old: LoadedRuntime
    new: LoadedRuntime
    declaration: MigrationDeclaration
    source: Table[Any]
    target: Table[Any]
    unchanged: tuple[tuple[str, str], ...]
    """Fields that must keep their value: what they were called, and what they are."""
    unset: tuple[tuple[str, Any], ...]
    """New fields that must stay at their default, and that."""
    frozen: SimpleNamespace
    """Parameters as of the scheduling, by name."""
    steps: int
    """Step limit of one record."""

    def migrate(self, key: bytes, raw: bytes, reads: Reads) -> tuple[bytes, bytes, Any]:
        """Key, bytes and record that come of one old row; raises ActivationFailed with code, file and line."""
        meter = Meter(self.steps, 2 * 64 * 1024)
        rekeys = self.declaration.rekeys
        try:
            old = self.source.codec.decode(raw)
            parts = self.source.unpack(key) if rekeys else ()
            record = invoke_migration(self.new, self.declaration, parts, old, self.frozen, meter, reads)
            place, record = self._parted(key, record) if rekeys else (key, record)
            made = self._sound(key, old, record)
            failed = failed_check(self.new, self.target.name, old, record, meter)
        except (Exception, HostFault) as failure:
            if isinstance(failure, ActivationFailed):
                raise
            fault = fault_of(failure, meter)
            raise ActivationFailed(fault.code, fault.file, fault.line, self._row(key)) from failure
        if failed is not None:
            raise ActivationFailed("record_not_valid", failed.file, failed.line, f"{failed.function}: {self._row(key)}")
        return place, made, record

    def collision(self, key: bytes, place: bytes) -> ActivationFailed:
        """Why a record has no successor when another comes to the same key."""
        where = (self.declaration.file, self.declaration.line)
        return ActivationFailed("key_collision", *where, f"{self._row(key)} and another come to {place.hex()}")

    def _parted(self, key: bytes, answer: Any) -> tuple[bytes, Any]:
        """The new key's bytes and the record, out of what a migration that rekeys answers."""
        where = (self.declaration.file, self.declaration.line)
        try:
            parts, record = answer
            if type(parts) is tuple and len(parts) == len(self.target.key):
                return self.target.pack(parts), record
        except (InvalidKey, TypeError, ValueError):
            pass
        raise ActivationFailed("wrong_key", *where, self._row(key))

    def _sound(self, key: bytes, old: Any, record: Any) -> bytes:
        """The bytes of a new record that is one of the table's and changes only what was declared."""
        where = (self.declaration.file, self.declaration.line)
        if type(record) is not self.target.record:
            raise ActivationFailed("not_the_tables_record", *where, self._row(key))
        try:
            made = self.target.codec.encode(record)
        except InvalidRecord as invalid:
            raise ActivationFailed("invalid_record", *where, self._row(key)) from invalid
        for was, name in self.unchanged:
            if getattr(old, was) != getattr(record, name):
                raise ActivationFailed("undeclared_change", *where, f"field {name} of {self._row(key)}")
        for name, default in self.unset:
            if getattr(record, name) != default:
                raise ActivationFailed("undeclared_change", *where, f"field {name} of {self._row(key)}")
        return made

    def _row(self, key: bytes) -> str:
        return f"{self.target.name} row {key.hex()}"


def migrator_for(
    old: LoadedRuntime,
    new: LoadedRuntime,
    declaration: MigrationDeclaration,
    frozen: dict[str, int],
    steps: int,
) -> RecordMigrator:
    """The migrator of one declaration; its source is the old runtime's table of the same, or the renamed, name."""
    target = new.tables[declaration.table_id]
    source = old.tables[old_name(new, declaration.table_id)]
    left = [spec for spec in target.schema.fields if spec.name not in declaration.sets]
    had = field_names(source.schema, target.schema)
    unchanged = tuple((had[spec.name], spec.name) for spec in left if spec.name in had)
    unset = tuple((spec.name, ZEROS[spec.type.kind]) for spec in left if spec.name not in had and spec.has_default)
    return RecordMigrator(old, new, declaration, source, target, unchanged, unset, SimpleNamespace(**frozen), steps)


def field_names(before: Schema, after: Schema) -> dict[str, str]:
    """What the fields of a record were called, by what they are called; those that are new are missing."""
    names = {spec.number: spec.name for spec in before.fields}
    return {spec.name: names[spec.number] for spec in after.fields if spec.number in names}


def old_name(new: LoadedRuntime, table: str) -> str:
    """What a table of the new runtime was called in the old one."""
    for before, after in renames(new):
        if after == table:
            return before
    return table


def renames(new: LoadedRuntime) -> Iterator[tuple[str, str]]:
    """(old name, new name) of every renamed table."""
    return iter(new.declaration.manifest.renames)
