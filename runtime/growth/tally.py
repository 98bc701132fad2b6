"""Aggregates of the next runtime, counted while its tables grow: every one that cannot be taken over as it stands."""

from __future__ import annotations

from typing import Any

from runtime.invariants.counters import Counter, Counters

Slot = tuple[str, bytes]
"""An aggregate's id, and a group of it."""


class Tally:
    """Sums by slot. A slot that moved since it was last taken is in ``moved``."""

    def __init__(self, counters: Counters, wanted: frozenset[str]) -> None:
        self._by_table: dict[str, tuple[Counter, ...]] = {
            name: tuple(counter for counter in watching if counter.id in wanted)
            for name, watching in counters.by_table.items()
        }
        self._values: dict[Slot, int] = {}
        self.moved: dict[Slot, None] = {}

    def watches(self, table: str) -> bool:
        """Whether any wanted aggregate counts a table of the next runtime."""
        return bool(self._by_table.get(table))

    def value(self, slot: Slot) -> int:
        """The sum of a slot."""
        return self._values.get(slot, 0)

    def add(self, table: str, key: bytes, record: Any) -> None:
        """Count a row of the next runtime in."""
        self._move(table, key, record, 1)

    def remove(self, table: str, key: bytes, record: Any) -> None:
        """Count a row out that was counted in."""
        self._move(table, key, record, -1)

    def _move(self, table: str, key: bytes, record: Any, sign: int) -> None:
        for counter in self._by_table.get(table, ()):
            if amount := counter.amount(record):
                slot = (counter.id, counter.group(key, record))
                self._values[slot] = self._values.get(slot, 0) + sign * amount
                self.moved[slot] = None
