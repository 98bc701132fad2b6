"""From declarations to counters: which sums each table feeds, and which rules look at them.

Every aggregate is a set of rows (aggregate id, group) -> value that the host alone writes. They belong to the runtime
half, so that a rollback rewinds them with the tables they count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from runtime.bundle.declarations import Aggregate, AtMost, Equal, Invariant, Refers, RuntimeDeclaration
from storage.keys import KeyKind, pack_key, unpack_key
from storage.record import Amount, Record, field
from storage.tables import Half, Table


class AggregateValue(Record):
    """The value of one group of one aggregate; a group at zero has no row."""

    value: Amount = field(1, default=0)


AGGREGATES: Table[AggregateValue] = Table(
    name="invariants.aggregates",
    half=Half.RUNTIME,
    key=("text", "data"),
    key_names=("aggregate", "group"),
    record=AggregateValue,
)

SUPPLY_ID = "supply"
"""The host's own aggregate: the sum of every field declared `value`."""


@dataclass(frozen=True, slots=True)
class Counter:
    """What one row of a table adds to one group of one aggregate."""

    id: str
    group: Callable[[bytes, Any], bytes]
    """(key bytes, record) -> group."""
    amount: Callable[[Any], int]


@dataclass(frozen=True, slots=True)
class Rule:
    """An invariant over two aggregates of the same grouping; ``reference`` rules use ``left`` and a target table."""

    name: str
    kind: str
    """equal | at_most | refers"""
    left: str
    right: str
    """Aggregate id, or for refers the target table's full name."""


@dataclass(frozen=True, slots=True)
class Counters:
    """All counters and rules of one runtime."""

    by_table: Mapping[str, tuple[Counter, ...]]
    by_aggregate: Mapping[str, tuple[Rule, ...]]
    by_target: Mapping[str, tuple[Rule, ...]]
    rules: tuple[Rule, ...]
    tables_of: Mapping[str, tuple[str, ...]]
    """Aggregate id -> the tables that feed it."""


def aggregate_id(aggregate: Aggregate) -> str:
    """A stable name: equal declarations share one set of rows, across bundles too."""
    where = "" if aggregate.where is None else f"|{aggregate.where[0]}={aggregate.where[1]!r}"
    return f"{aggregate.kind}:{aggregate.table}.{aggregate.field}|{','.join(map(str, aggregate.by))}{where}"


def reference_id(rule: Refers) -> str:
    """The reference counts of one `refers` declaration, grouped by target key."""
    return f"refers:{rule.source}.{rule.part}->{rule.target}"


def _grouping(key: tuple[KeyKind, ...], by: tuple[int, ...]) -> Callable[[bytes, Any], bytes]:
    if not by:
        return lambda raw, record: b""
    if by == tuple(range(len(key))):
        return lambda raw, record: raw
    kinds = tuple(key[position] for position in by)

    def group(raw: bytes, record: Any) -> bytes:
        values = unpack_key(key, raw)
        return pack_key(kinds, tuple(values[position] for position in by))

    return group


def _amount(aggregate: Aggregate) -> Callable[[Any], int]:
    name, where = aggregate.field, aggregate.where
    plain: Callable[[Any], int] = (
        (lambda record: 1) if aggregate.kind == "count" else (lambda record: int(getattr(record, name)))
    )
    if where is None:
        return plain
    field_name, constant = where
    return lambda record: plain(record) if getattr(record, field_name) == constant else 0


def _supply_counter(fields: tuple[str, ...]) -> Counter:
    if len(fields) == 1:
        only = fields[0]
        return Counter(SUPPLY_ID, lambda raw, record: b"", lambda record: int(getattr(record, only)))
    return Counter(SUPPLY_ID, lambda raw, record: b"", lambda record: sum(getattr(record, name) for name in fields))


def _reference_counter(rule: Refers, source_key: tuple[KeyKind, ...], target_key: tuple[KeyKind, ...]) -> Counter:
    if rule.position is None:
        part = rule.part

        def group(raw: bytes, record: Any) -> bytes:
            return pack_key(target_key, (getattr(record, part),))

    else:
        position = rule.position

        def group(raw: bytes, record: Any) -> bytes:
            return pack_key(target_key, (unpack_key(source_key, raw)[position],))

    return Counter(reference_id(rule), group, lambda record: 1)


class _Builder:
    """Collects counters once each, however many rules share an aggregate."""

    def __init__(self, declaration: RuntimeDeclaration) -> None:
        self.keys = {table.id: table.key for table in declaration.tables()}
        self.by_table: dict[str, list[Counter]] = {}
        self.tables_of: dict[str, list[str]] = {}
        self.rules: list[Rule] = []

    def count(self, table: str, counter: Counter) -> None:
        feeding = self.tables_of.setdefault(counter.id, [])
        if table not in feeding:
            feeding.append(table)
            self.by_table.setdefault(table, []).append(counter)

    def aggregate(self, aggregate: Aggregate) -> str:
        name = aggregate_id(aggregate)
        self.count(
            aggregate.table, Counter(name, _grouping(self.keys[aggregate.table], aggregate.by), _amount(aggregate))
        )
        return name

    def rule(self, invariant: Invariant) -> None:
        rule = invariant.rule
        if isinstance(rule, Refers):
            self.count(rule.source, _reference_counter(rule, self.keys[rule.source], self.keys[rule.target]))
            self.rules.append(Rule(invariant.id, "refers", reference_id(rule), rule.target))
            return
        kind = {Equal: "equal", AtMost: "at_most"}[type(rule)]
        self.rules.append(Rule(invariant.id, kind, self.aggregate(rule.left), self.aggregate(rule.right)))


def counters_of(declaration: RuntimeDeclaration) -> Counters:
    """The counters and rules of a runtime, the supply among them."""
    builder = _Builder(declaration)
    for table in declaration.tables():
        coins = tuple(spec.name for spec in table.record.fields if spec.value)
        if coins:
            builder.count(table.id, _supply_counter(coins))
    for invariant in declaration.invariants():
        builder.rule(invariant)
    by_aggregate: dict[str, list[Rule]] = {}
    by_target: dict[str, list[Rule]] = {}
    for rule in builder.rules:
        by_aggregate.setdefault(rule.left, []).append(rule)
        if rule.kind == "refers":
            by_target.setdefault(rule.right, []).append(rule)
        elif rule.right != rule.left:
            by_aggregate.setdefault(rule.right, []).append(rule)
    return Counters(
        by_table={name: tuple(counters) for name, counters in builder.by_table.items()},
        by_aggregate={name: tuple(rules) for name, rules in by_aggregate.items()},
        by_target={name: tuple(rules) for name, rules in by_target.items()},
        rules=tuple(builder.rules),
        tables_of={name: tuple(tables) for name, tables in builder.tables_of.items()},
    )
