"""What differs between two runtimes, and whether it breaks those who use the present one.

    safe      a new module, table, call, query or invariant; a new optional field; a new variant case;
              the same interface with a new body; anything about internal calls, which no transaction names
    breaking  a removed module, table, call or query; a reinstalled module, and each table that begins empty with it; a
              changed signature or meaning; a new required field; a removed or changed field; a changed variant; a
              dropped invariant; another port; coins made or burnt

Tables are compared under their new names where the bundle declares a rename.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from runtime.bundle.declarations import (
    Aggregate,
    AtMost,
    CallDeclaration,
    Equal,
    Invariant,
    QueryDeclaration,
    Refers,
    RuntimeDeclaration,
    TableDeclaration,
)
from runtime.bundle.manifest import PORTS
from storage.record import FieldSpec, Schema, TypeSpec

BREAKING: dict[str, bool] = {
    "call_added": False,
    "call_changed": True,
    "call_closed": True,
    "call_extended": False,
    "call_flag_changed": False,
    "call_opened": True,
    "call_removed": True,
    "case_added": False,
    "coins_rewritten": True,
    "field_added": False,
    "field_changed": True,
    "field_removed": True,
    "field_renamed": True,
    "field_required": True,
    "internal_call_changed": False,
    "invariant_added": False,
    "invariant_dropped": True,
    "migration_one_way": False,
    "module_added": False,
    "module_reinstalled": True,
    "module_removed": True,
    "pause_required": False,
    "port_added": False,
    "port_changed": True,
    "query_added": False,
    "query_changed": True,
    "query_removed": True,
    "supply_changed": True,
    "table_added": False,
    "table_migrated": False,
    "table_rekeyed": True,
    "table_removed": True,
    "table_renamed": True,
    "table_reset": True,
    "variant_changed": True,
}
"""Every kind of change, and whether it is breaking."""

REWRITES = frozenset({"field_changed", "field_removed", "field_required", "variant_changed"})
"""Changes of a record after which stored rows are no rows of the new schema: a migration must make them anew."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: its kind, what it is about (`bank.accounts.balance`), and a word on it."""

    kind: str
    subject: str
    detail: str = ""

    @property
    def breaking(self) -> bool:
        return BREAKING[self.kind]


def compare(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> tuple[Change, ...]:
    """Every change from the running runtime to the proposed one, by subject."""
    changes = [
        *_modules(running, proposed),
        *_tables(running, proposed),
        *_calls(running, proposed),
        *_queries(running, proposed),
        *_invariants(running, proposed),
        *_ports(running, proposed),
        *_migrations(running, proposed),
    ]
    if proposed.manifest.requires_pause:
        changes.append(Change("pause_required", "activation"))
    if (coins := proposed.manifest.supply_change) != 0:
        changes.append(Change("supply_changed", "supply", f"{coins:+d} units"))
    return tuple(sorted(changes, key=lambda change: (change.subject, change.kind, change.detail)))


def compare_schemas(old: Schema, new: Schema, subject: str) -> Iterator[Change]:
    """Changes of a record, field by number; records and variants inside it too."""
    before = {spec.number: spec for spec in old.fields}
    after = {spec.number: spec for spec in new.fields}
    for number in sorted(before.keys() | after.keys()):
        if number not in after:
            yield Change("field_removed", f"{subject}.{before[number].name}", f"number {number}")
        elif number not in before:
            kind = "field_added" if after[number].has_default else "field_required"
            yield Change(kind, f"{subject}.{after[number].name}", f"number {number}")
        else:
            yield from _compare_fields(before[number], after[number], subject)


def _compare_fields(old: FieldSpec, new: FieldSpec, subject: str) -> Iterator[Change]:
    place = f"{subject}.{new.name}"
    if old.name != new.name:
        yield Change("field_renamed", place, f"was {old.name}")
    if old.has_default != new.has_default:
        yield Change("field_changed", place, "its default")
    if old.value != new.value:
        yield Change("field_changed", place, f"its mark, {old.value or 'none'} to {new.value or 'none'}")
    yield from _compare_types(old.type, new.type, place)


def _compare_types(old: TypeSpec, new: TypeSpec, place: str) -> Iterator[Change]:
    if old.kind != new.kind:
        yield Change("field_changed", place, f"{old.kind} to {new.kind}")
    elif old.item is not None and new.item is not None:
        yield from _compare_types(old.item, new.item, place)
    elif old.schema is not None and new.schema is not None:
        yield from compare_schemas(old.schema, new.schema, place)
    elif old.kind == "variant":
        before, after = dict(old.cases), dict(new.cases)
        for number in sorted(before.keys() | after.keys()):
            if number not in before:
                yield Change("case_added", place, f"number {number}")
            elif number not in after:
                yield Change("variant_changed", place, f"case {number} removed")
            else:
                yield from compare_schemas(before[number], after[number], f"{place}.{number}")


def table_pairs(
    running: RuntimeDeclaration, proposed: RuntimeDeclaration
) -> Iterator[tuple[TableDeclaration, TableDeclaration]]:
    """(old, new) of every table that goes on, under its new name where it is renamed."""
    renamed = dict(proposed.manifest.renames)
    for old in running.tables():
        new = proposed.table(renamed.get(old.id, old.id))
        if new is not None:
            yield old, new


def _modules(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Change]:
    before = {module.name for module in running.modules}
    after = {module.name for module in proposed.modules}
    yield from (Change("module_removed", name) for name in sorted(before - after))
    yield from (Change("module_added", name) for name in sorted(after - before))
    for name in proposed.manifest.reinstalled:
        yield Change("module_reinstalled", name, "its data is kept as a backup")


def _tables(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Change]:
    pairs = list(table_pairs(running, proposed))
    rekeyed = {migration.table_id for migration in proposed.migrations() if migration.rekeys}
    going_on, present = {old.id for old, _ in pairs}, {new.id for _, new in pairs}
    yield from (Change("table_removed", old.id) for old in running.tables() if old.id not in going_on)
    yield from (Change("table_added", new.id) for new in proposed.tables() if new.id not in present)
    for old, new in pairs:
        if old.id != new.id:
            yield Change("table_renamed", new.id, f"was {old.id}")
        if old.key != new.key or new.id in rekeyed:
            yield Change("table_rekeyed", new.id, f"({', '.join(old.key)}) to ({', '.join(new.key)})")
        if new.module in proposed.manifest.reinstalled:
            coins = [spec.name for spec in old.record.fields if spec.value]
            yield Change("table_reset", new.id, f"coins in {', '.join(coins)} are burnt" if coins else "")
        yield from compare_schemas(old.record, new.record, new.id)


def _calls(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Change]:
    before = {call.id: call for call in running.calls()}
    after = {call.id: call for call in proposed.calls()}
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None:
            yield Change("internal_call_changed" if after[name].internal else "call_added", name)
        elif new is None:
            yield Change("internal_call_changed" if old.internal else "call_removed", name)
        else:
            yield from _compare_calls(old, new)


def _compare_calls(old: CallDeclaration, new: CallDeclaration) -> Iterator[Change]:
    if old.internal != new.internal:
        yield Change("call_closed" if new.internal else "call_opened", new.id)
    elif old.interface != new.interface:
        if new.internal:
            yield Change("internal_call_changed", new.id)
            return
        inside = list(compare_schemas(old.args, new.args, new.id))
        safe = old.meaning == new.meaning and not any(change.breaking for change in inside)
        detail = "its meaning" if old.meaning != new.meaning else "its arguments"
        yield Change("call_extended" if safe else "call_changed", new.id, detail)
    if old.flag != new.flag:
        yield Change("call_flag_changed", new.id, f"{old.flag or 'no flag'} to {new.flag or 'no flag'}")


def _queries(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Change]:
    before = {query.id: query for query in running.queries()}
    after = {query.id: query for query in proposed.queries()}
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield Change("query_added", name)
        elif name not in after:
            yield Change("query_removed", name)
        elif not _same_query(before[name], after[name]):
            yield Change("query_changed", name)


def _same_query(old: QueryDeclaration, new: QueryDeclaration) -> bool:
    """Whether who asks the old question gets an answer of the old form, perhaps with new optional fields."""
    inside = [
        *compare_schemas(old.args, new.args, new.id),
        *_compare_types(old.returns, new.returns, new.id),
    ]
    return old.may_be_none == new.may_be_none and not any(change.breaking for change in inside)


def _invariants(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Change]:
    kept = set(kept_invariants(running, proposed))
    yield from (
        Change("invariant_dropped", invariant.id) for invariant in running.invariants() if invariant.id not in kept
    )
    before = [mapped_rule(invariant, proposed) for invariant in running.invariants()]
    yield from (
        Change("invariant_added", invariant.id) for invariant in proposed.invariants() if invariant.rule not in before
    )


def kept_invariants(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> tuple[str, ...]:
    """Invariants of the running runtime whose rule, tables renamed as declared, the proposed one has too."""
    rules = [invariant.rule for invariant in proposed.invariants()]
    return tuple(
        invariant.id for invariant in running.invariants() if mapped_rule(invariant, proposed) in rules
    )


def mapped_rule(invariant: Invariant, proposed: RuntimeDeclaration) -> Equal | AtMost | Refers:
    """The rule of a running invariant, its tables under the names that the proposed runtime gives them."""
    renamed = dict(proposed.manifest.renames)

    def mapped(aggregate: Aggregate) -> Aggregate:
        return replace(aggregate, table=renamed.get(aggregate.table, aggregate.table))

    rule = invariant.rule
    if isinstance(rule, Refers):
        return replace(
            rule, source=renamed.get(rule.source, rule.source), target=renamed.get(rule.target, rule.target)
        )
    return replace(rule, left=mapped(rule.left), right=mapped(rule.right))


def _ports(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Change]:
    for name in PORTS:
        old, new = getattr(running.manifest.ports, name), getattr(proposed.manifest.ports, name)
        if old is None and new is not None:
            yield Change("port_added", f"port {name}")
        elif old != new:
            yield Change("port_changed", f"port {name}")


def _migrations(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Change]:
    back = {reverse.table_id for reverse in proposed.reverses()}
    for migration in proposed.migrations():
        table = proposed.table(migration.table_id)
        if migration.table_id not in back:
            yield Change("migration_one_way", migration.table_id)
        yield Change("table_migrated", migration.table_id, f"sets {', '.join(migration.sets) or 'nothing'}")
        fields = table.record.fields if table else ()
        coins = [spec.name for spec in fields if spec.value and spec.name in migration.sets]
        if coins:
            yield Change("coins_rewritten", migration.table_id, f"sets {', '.join(coins)}")
