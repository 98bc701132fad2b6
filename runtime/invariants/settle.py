"""Move the counters by what changed, then check every group that moved.

A rule can only have been broken by a group whose counter moved, or by a target that was deleted; so looking at those
is looking at all. A rule that a sealed block let stand stops nobody who does not move it. The supply is checked
whenever anything it counts moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runtime.invariants.counters import AGGREGATES, SUPPLY_ID, AggregateValue, Counters, Rule
from runtime.purse import SUPPLY, Supply
from storage.blockview import Change
from storage.overlay import Overlay
from storage.tables import Table

SUPPLY_RULE = "host.supply"
"""Name under which a broken supply is reported."""


def settle(
    overlay: Overlay,
    counters: Counters,
    tables: Mapping[str, Table[Any]],
    changes: Mapping[str, Mapping[bytes, Change]],
    fees_in_flight: int = 0,
) -> tuple[str, ...]:
    """Update the aggregates for ``changes`` (net, since the last settling) and return the names of broken rules.

    ``fees_in_flight`` are coins already debited in this block and not yet credited to the collector.
    """
    moved = _deltas(counters, changes)
    broken = [*_apply(overlay, moved)]
    broken += _broken_groups(overlay, counters, tables, moved)
    broken += _orphaned(overlay, counters, changes)
    if (moved.get((SUPPLY_ID, b"")) or SUPPLY.name in changes or fees_in_flight) and not supply_holds(
        overlay, fees_in_flight
    ):
        broken.append(SUPPLY_RULE)
    return tuple(sorted(set(broken)))


def supply_holds(overlay: Overlay, fees_in_flight: int = 0) -> bool:
    """The equation of the supply, see `runtime.purse`."""
    return supply_missing(overlay, fees_in_flight) == 0


def supply_missing(overlay: Overlay, fees_in_flight: int = 0) -> int:
    """Coins that should be there and are not; below zero, those that should not be and are."""
    supply = overlay.get(SUPPLY, ()) or Supply()
    counted = value_of(overlay, SUPPLY_ID, b"")
    there = counted + supply.held + supply.unpaid + fees_in_flight - supply.uncollected
    return supply.total - supply.overburned - there


def value_of(overlay: Overlay, aggregate: str, group: bytes) -> int:
    """The present value of one group."""
    row = overlay.get(AGGREGATES, (aggregate, group))
    return 0 if row is None else row.value


def _deltas(counters: Counters, changes: Mapping[str, Mapping[bytes, Change]]) -> dict[tuple[str, bytes], int]:
    moved: dict[tuple[str, bytes], int] = {}
    for name, rows in changes.items():
        watching = counters.by_table.get(name)
        if watching is None:
            continue
        for raw, change in rows.items():
            old, new = change.old_record, change.new_record
            for counter in watching:
                if old is not None and (amount := counter.amount(old)):
                    slot = (counter.id, counter.group(raw, old))
                    moved[slot] = moved.get(slot, 0) - amount
                if new is not None and (amount := counter.amount(new)):
                    slot = (counter.id, counter.group(raw, new))
                    moved[slot] = moved.get(slot, 0) + amount
    return {slot: delta for slot, delta in moved.items() if delta}


def _apply(overlay: Overlay, moved: Mapping[tuple[str, bytes], int]) -> list[str]:
    below_zero = []
    for (aggregate, group), delta in sorted(moved.items()):
        value = value_of(overlay, aggregate, group) + delta
        if value < 0 or value >= 2**256:
            below_zero.append(aggregate)
        elif value:
            overlay.put(AGGREGATES, (aggregate, group), AggregateValue(value=value))
        else:
            overlay.delete(AGGREGATES, (aggregate, group))
    return below_zero


def _broken_groups(
    overlay: Overlay,
    counters: Counters,
    tables: Mapping[str, Table[Any]],
    moved: Mapping[tuple[str, bytes], int],
) -> list[str]:
    return [
        rule.name
        for (aggregate, group) in sorted(moved)
        for rule in counters.by_aggregate.get(aggregate, ())
        if not holds(overlay, tables, rule, group)
    ]


def holds(overlay: Overlay, tables: Mapping[str, Table[Any]], rule: Rule, group: bytes) -> bool:
    """Whether ``rule`` is true for one group, by the counters as they stand."""
    left = value_of(overlay, rule.left, group)
    if rule.kind == "refers":
        return left == 0 or overlay.get_raw(tables[rule.right], group) is not None
    right = value_of(overlay, rule.right, group)
    return left == right if rule.kind == "equal" else left <= right


def _orphaned(overlay: Overlay, counters: Counters, changes: Mapping[str, Mapping[bytes, Change]]) -> list[str]:
    return [
        rule.name
        for name, rules in counters.by_target.items()
        for raw, change in changes.get(name, {}).items()
        if change.new_record is None
        for rule in rules
        if value_of(overlay, rule.left, raw)
    ]
