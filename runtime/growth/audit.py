"""Which groups break a rule of the next runtime, kept up to date, so that activation looks at those alone."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Protocol

from runtime.bundle.loader import LoadedRuntime
from runtime.growth.sums import SumsGrowth
from runtime.growth.tally import Slot
from runtime.invariants.counters import AGGREGATES, Counters, Rule
from runtime.migration import old_name
from storage.blockview import Change
from storage.state import State


class Remade(Protocol):
    """A table whose rows do not stand under their keys of before."""

    def has(self, key: bytes) -> bool:
        """Whether a row stands, as far as it is made."""

    def moved(self) -> list[bytes]:
        """Keys whose row came or went since this was asked last."""


class Audit:
    """Looks at every group once, then at those that move."""

    def __init__(
        self,
        state: State,
        counters: Counters,
        sums: SumsGrowth,
        old: LoadedRuntime,
        new: LoadedRuntime,
        remade: Mapping[str, Remade],
    ) -> None:
        self._state = state
        self._counters = counters
        self._sums = sums
        self._sources = {
            name: source
            for name in counters.by_target
            if name not in remade and (source := old_name(new, name)) in old.tables
        }
        """Where the rows of a target stand now, by its name in the next runtime, when every record keeps its key."""
        self._remade = {name: remade[name] for name in counters.by_target if name in remade}
        self._cursor: bytes | None = None
        self._complete = False
        self._broken: dict[tuple[str, bytes], Rule] = {}

    @property
    def broken(self) -> tuple[tuple[Rule, bytes], ...]:
        """Rules and the groups in which they do not hold, in order."""
        return tuple((self._broken[name, group], group) for name, group in sorted(self._broken))

    def step(self, limit: int) -> bool:
        """Look at up to ``limit`` groups; returns whether there were any to look at."""
        worked = False
        if self._cursor is None and not self._complete:
            self._sums.moved.clear()  # the first look sees all of them
        worked = self._follow_remade() or worked
        if not self._complete:
            keys = [key for key, _ in islice(self._sums.rows(self._cursor), limit)]
            for key in keys:
                aggregate, group = AGGREGATES.unpack(key)
                self._look_at((aggregate, group))
            self._complete = len(keys) < limit
            self._cursor = keys[-1] if keys else self._cursor
            worked = True
        for slot in list(islice(self._sums.moved, limit)):
            del self._sums.moved[slot]
            self._look_at(slot)
            worked = True
        return worked

    def follow(self, changes: Mapping[str, Mapping[bytes, Change]]) -> None:
        """Note targets of references that a committed block has added or taken away."""
        for target, source in self._sources.items():
            for key, change in changes.get(source, {}).items():
                if change.old is None or change.new is None:
                    for rule in self._counters.by_target[target]:
                        self._sums.moved[rule.left, key] = None

    def _look_at(self, slot: Slot) -> None:
        aggregate, group = slot
        for rule in self._counters.by_aggregate.get(aggregate, ()):
            if self._holds(rule, group):
                self._broken.pop((rule.name, group), None)
            else:
                self._broken[rule.name, group] = rule

    def _holds(self, rule: Rule, group: bytes) -> bool:
        left = self._sums.value((rule.left, group))
        if rule.kind == "refers":
            return left == 0 or self._exists(rule.right, group)
        right = self._sums.value((rule.right, group))
        return left == right if rule.kind == "equal" else left <= right

    def _follow_remade(self) -> bool:
        worked = False
        for target, growth in self._remade.items():
            for key in growth.moved():
                worked = True
                for rule in self._counters.by_target[target]:
                    self._sums.moved[rule.left, key] = None
        return worked

    def _exists(self, target: str, key: bytes) -> bool:
        if target in self._remade:
            return self._remade[target].has(key)
        source = self._sources.get(target)
        return source is not None and self._state.row(source, key) is not None
