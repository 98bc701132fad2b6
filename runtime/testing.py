"""For the tests of upgrade authors: one migration, run as the chain runs it, on records that a test writes down.

    from runtime.testing import check_migration

    def test_everybody_keeps_their_coins() -> None:
        made = check_migration(
            "my-runtime",
            "bank.accounts",
            {b"a" * 20: {"balance": 7}, b"b" * 20: {"balance": 9}},
            changes=("migrated",),
            unchanged=("balance",),
        )
        assert made[b"a" * 20].migrated == 2

Every field of the new record stands in one of the two lists. One of `changes` that no record changes fails the test,
and so does one of `unchanged` that any record changes, whatever the sums say. The bundle is checked and compared with
the runtime it replaces, the migration is compiled, metered and held to its `sets`, and `validate` and `reverse` run
with it, all as in the chain; so what passes here fails there only for records that the test does not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.bundle.archive import MANIFEST, Bundle, pack, unpack
from runtime.bundle.checker import check_upgrade
from runtime.bundle.loader import LoadedRuntime
from runtime.bundle.manifest import parse_manifest
from runtime.bundle.template import CORE
from runtime.errors import ActivationFailed
from runtime.library import runtime_of
from runtime.migration import RecordMigrator, field_names, migrator_for
from runtime.parameters import RUNTIME_PARAMETERS
from runtime.reverse import reverser_of
from storage.errors import InvalidKey, InvalidRecord
from storage.record import define_record, define_variant
from storage.schema import ZEROS, Schema, TypeSpec
from storage.tables import Table

Key = int | bytes | str | tuple[int | bytes | str, ...]
"""A row's key; one of a single part may stand without its tuple."""
Rows = Mapping[Any, Mapping[str, Any]]
"""Rows of a table of the running runtime by their `Key`: the fields of each record by name, where those at their
default may be missing. A record inside is a mapping too, a variant a mapping of its case's record's name to that."""

_STEPS = next(int(rule.default) for rule in RUNTIME_PARAMETERS if rule.name == "record_steps")


class MigrationWrong(AssertionError):
    """A migration does not do what its test says; the message names row, field and values."""


def check_migration(
    bundle: Path | str,
    table: str,
    rows: Rows,
    *,
    changes: Iterable[str],
    unchanged: Iterable[str],
    frozen: Mapping[str, int] | None = None,
    inputs: Mapping[str, Rows] | None = None,
    running: Path | str | None = None,
) -> dict[Key, Any]:
    """Migrate these rows of a table; the new records by their keys, the new ones where the migration rekeys, for what
    else the test wants to know.

    `bundle` is a folder or a packed archive, `table` the full name that its table has there, `rows` what it held
    before. `frozen` has the parameters that the migration names, and `inputs` rows of the tables that it reads.
    `running` is the runtime it replaces, by default the genesis runtime of this release.

    Raises MigrationWrong with what differs from the two lists, or with where the migration failed; BundleRefused,
    BundleMalformed for a bundle that the chain would refuse.
    """
    migrator = _migrator(bundle, running, table, dict(frozen or {}))
    reads = _Given.of(migrator.old, inputs or {})
    wanted = _Lists.of(migrator, tuple(changes), tuple(unchanged))
    back = reverser_of(migrator.new, table, _STEPS)
    made: dict[Key, Any] = {}
    places: set[bytes] = set()
    for key, fields in rows.items():
        packed, old = _row(migrator.source, key, fields)
        raw = migrator.source.codec.encode(old)
        try:
            place, _, new = migrator.migrate(packed, raw, reads)
            if place in places:
                raise migrator.collision(packed, place)
            if back is not None:
                back.require(packed, new, raw)
        except ActivationFailed as failed:
            raise MigrationWrong(f"{failed.file}:{failed.line}: {failed.reason} ({failed.detail})") from None
        places.add(place)
        made[_key_of(migrator.target, place) if migrator.declaration.rekeys else key] = new
        wanted.compare(key, old, new)
    wanted.require_changes()
    return made


def _migrator(bundle: Path | str, running: Path | str | None, table: str, frozen: dict[str, int]) -> RecordMigrator:
    packed = _read(Path(bundle), None)
    chain = parse_manifest(packed.file(MANIFEST) or b"").chain or None
    old, new = runtime_of(_read(Path(running or CORE), chain)), runtime_of(packed)
    check_upgrade(old.declaration, new.declaration)
    found = next((one for one in new.declaration.migrations() if one.table_id == table), None)
    if found is None:
        names = ", ".join(one.table_id for one in new.declaration.migrations()) or "none"
        raise MigrationWrong(f"no migration makes the records of {table}; those made are of {names}")
    if set(found.frozen) != set(frozen):
        raise MigrationWrong(f"{found.id} names frozen=({', '.join(found.frozen)}); give it just these")
    return migrator_for(old, new, found, frozen, _STEPS)


def _read(path: Path, chain: str | None) -> Bundle:
    return pack(path, chain) if path.is_dir() else unpack(path.read_bytes())


def _row(table: Table[Any], key: Key, fields: Mapping[str, Any]) -> tuple[bytes, Any]:
    """A row's key bytes and record; raises MigrationWrong when the running runtime can have no such row."""
    try:
        record = _record(table.schema, fields)
        table.codec.check(record)
        return table.pack(key if isinstance(key, tuple) else (key,)), record
    except (InvalidRecord, InvalidKey, TypeError) as wrong:
        raise MigrationWrong(f"{table.name} can have no row {key!r}: {wrong}") from None


def _key_of(table: Table[Any], packed: bytes) -> Key:
    parts = table.unpack(packed)
    return parts if len(parts) > 1 else parts[0]


def _record(schema: Schema, fields: Mapping[str, Any]) -> Any:
    values = {name: _value(spec.type, fields[name]) for name in fields if (spec := schema.field(name)) is not None}
    if unknown := [name for name in fields if name not in values]:
        raise InvalidRecord(schema.name, unknown[0], "there is no such field")
    return define_record(schema)(**values)


def _value(spec: TypeSpec, given: Any) -> Any:
    if spec.item is not None:
        item = spec.item
        return tuple(_value(item, one) for one in given)
    if spec.schema is not None:
        return _record(spec.schema, given)
    if spec.cases:
        name, fields = next(iter(given.items()))
        case = next((schema for _, schema in spec.cases if schema.name == name), None)
        if case is None:
            raise InvalidRecord("", "", f"no case holds a {name}")
        return define_variant(spec).of(_record(case, fields))
    return given


@dataclass(frozen=True, slots=True)
class _Given:
    """The rows of other tables that a test gives the migration to read."""

    old: LoadedRuntime
    rows: Mapping[tuple[str, bytes], Any]

    @classmethod
    def of(cls, old: LoadedRuntime, inputs: Mapping[str, Rows]) -> _Given:
        found = {}
        for name, rows in inputs.items():
            if name not in old.tables:
                raise MigrationWrong(f"inputs names {name}, which the running runtime does not have")
            for key, fields in rows.items():
                packed, record = _row(old.tables[name], key, fields)
                found[name, packed] = record
        return cls(old, found)

    def get(self, table: str, key: tuple[Any, ...]) -> Any:
        """The old record under a key, or None."""
        return self.rows.get((table, self.old.tables[table].pack(key)))


@dataclass(slots=True)
class _Lists:
    """What a test says of each field, and what was seen of it."""

    was: Mapping[str, str]
    """What each field was called before; those that are new are missing."""
    defaults: Mapping[str, object]
    """Of the new fields that have one."""
    changes: tuple[str, ...]
    unchanged: tuple[str, ...]
    seen: set[str]
    """Of `changes`, those that some record changes."""

    @classmethod
    def of(cls, migrator: RecordMigrator, changes: tuple[str, ...], unchanged: tuple[str, ...]) -> _Lists:
        """Raises MigrationWrong unless each field stands in just one of the lists."""
        fields = migrator.target.schema.fields
        names = [spec.name for spec in fields]
        for name in names:
            if (name in changes) == (name in unchanged):
                raise MigrationWrong(f"{name} of {migrator.target.name} stands in one of changes and unchanged")
        if unknown := [name for name in (*changes, *unchanged) if name not in names]:
            raise MigrationWrong(f"{migrator.target.name} has no field {', '.join(unknown)}")
        was = field_names(migrator.source.schema, migrator.target.schema)
        defaults = {spec.name: ZEROS[spec.type.kind] for spec in fields if spec.has_default}
        return cls(was, defaults, changes, unchanged, set())

    def compare(self, key: Key, old: Any, new: Any) -> None:
        """Hold one record to the lists."""
        for name in (*self.changes, *self.unchanged):
            before = getattr(old, self.was[name]) if name in self.was else self.defaults.get(name)
            after = getattr(new, name)
            if before == after:
                continue
            if name in self.unchanged:
                raise MigrationWrong(f"row {key!r}: {name} must not change, and {before!r} became {after!r}")
            self.seen.add(name)

    def require_changes(self) -> None:
        """Hold the records together to what they must change."""
        if missing := [name for name in self.changes if name not in self.seen]:
            raise MigrationWrong(f"{', '.join(missing)} must change, and no record of the test changes it")
