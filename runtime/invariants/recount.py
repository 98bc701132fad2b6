"""Count everything again from the rows: the second opinion on the incremental counters, and the start of new ones.

A flip recounts the aggregates that a migration touched or that the new runtime declares for the first time; a test,
or an operator, may recount all and compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from runtime.invariants.counters import AGGREGATES, AggregateValue, Counters
from runtime.invariants.settle import SUPPLY_RULE, holds, supply_holds
from storage.overlay import Overlay
from storage.tables import Table

Rows = Iterable[tuple[bytes, Any]]
"""(key bytes, record) of one table."""


def count_rows(
    counters: Counters, rows_of: Callable[[str], Rows], only: frozenset[str] | None = None
) -> dict[tuple[str, bytes], int]:
    """Every aggregate (or those in ``only``) counted from the rows; groups at zero are left out."""
    counted: dict[tuple[str, bytes], int] = {}
    for name, watching in sorted(counters.by_table.items()):
        wanted = [counter for counter in watching if only is None or counter.id in only]
        if not wanted:
            continue
        for raw, record in rows_of(name):
            for counter in wanted:
                if amount := counter.amount(record):
                    slot = (counter.id, counter.group(raw, record))
                    counted[slot] = counted.get(slot, 0) + amount
    return counted


def stored(overlay: Overlay) -> dict[tuple[str, bytes], int]:
    """The incremental counters as they stand."""
    return {(key[0], key[1]): row.value for key, row in overlay.scan(AGGREGATES)}


def replace(overlay: Overlay, counted: Mapping[tuple[str, bytes], int], keep: frozenset[str]) -> None:
    """Make the stored aggregates those counted; aggregates in ``keep`` stay as they are, all others go.

    Raises InvalidRecord when a sum is more than an amount can hold.
    """
    for aggregate, group in sorted(stored(overlay)):
        if aggregate not in keep and (aggregate, group) not in counted:
            overlay.delete(AGGREGATES, (aggregate, group))
    for (aggregate, group), value in sorted(counted.items()):
        overlay.put(AGGREGATES, (aggregate, group), AggregateValue(value=value))


def broken_rules(overlay: Overlay, counters: Counters, tables: Mapping[str, Table[Any]]) -> tuple[str, ...]:
    """Every rule checked in every group, the supply too; the names of those that do not hold."""
    groups: dict[str, set[bytes]] = {}
    for aggregate, group in stored(overlay):
        groups.setdefault(aggregate, set()).add(group)
    broken = []
    for rule in counters.rules:
        touched = groups.get(rule.left, set()) | (groups.get(rule.right, set()) if rule.kind != "refers" else set())
        if not all(holds(overlay, tables, rule, group) for group in sorted(touched)):
            broken.append(rule.name)
    if not supply_holds(overlay):
        broken.append(SUPPLY_RULE)
    return tuple(broken)
