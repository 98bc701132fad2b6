"""All that one plan's activation needs, grown in slices: migrated tables, aggregates, and what breaks a rule.

`grow` does a slice and tells whether there is more; `finish` does all that is left, at A. Between them `marks` go into
each block's batch and `follow` hears of the block once it is committed. The order of the work is tables, trees, sums,
audit; a change sends a record back to the first and the rest follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from runtime.bundle.loader import LoadedRuntime
from runtime.errors import ActivationFailed
from runtime.growth.audit import Audit, Remade
from runtime.growth.census import Census
from runtime.growth.emptied import coins_left, emptied_tables
from runtime.growth.records import SideRow, TableGrowth
from runtime.growth.restored import RestoredTable
from runtime.growth.sums import SumsGrowth
from runtime.growth.tally import Tally
from runtime.invariants.counters import Counters, Rule, counters_of
from runtime.migration import migrator_for, old_name
from runtime.plans import Plan
from storage.backup_file import BackupContent
from storage.blockview import Change
from storage.growing import Generation
from storage.home import RELEASE
from storage.state import State
from storage.tables import Table

FINISH_ROWS = 4096
"""Records of a slice when nobody waits for the chain."""

WAITING_FOR_DATA = "waiting for data"
"""The phase of a growth whose source this node does not hold."""

Changes = Mapping[str, Mapping[bytes, Change]]


class Follower(Protocol):
    """A part that hears of committed blocks."""

    def follow(self, changes: Changes) -> None: ...


class Counting(Protocol):
    """A part that reads a table of the running runtime in slices."""

    def step(self, limit: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a plan's growth is, for people."""

    phase: str
    """migrating | counting | ready, or waiting for data that this node does not hold"""
    done: int
    """Records looked at."""
    total: int
    failing: int
    """Records whose migration fails as things stand; any left at the activation height ends the plan."""


@dataclass(frozen=True, slots=True)
class Grown:
    """What a finished growth hands to the activation."""

    generations: Mapping[str, Generation]
    """By table, the aggregates among them where they are made anew."""
    broken: tuple[tuple[Rule, bytes], ...]
    """Rules that do not hold, each with a group."""
    records: int
    """Records migrated."""


class Growth:
    """One pending plan's growth. Belongs to the executor thread."""

    def __init__(
        self,
        state: State,
        plan_id: int,
        plan: Plan,
        old: LoadedRuntime,
        new: LoadedRuntime,
        restored: BackupContent | None = None,
    ) -> None:
        self._state = state
        self.plan_id = plan_id
        self.new = new
        """The next runtime; the running one as its own successor where a backup is brought back."""
        emptied = emptied_tables(old.declaration, new.declaration)
        backed = () if restored is None else restored.tables
        self.replaced = frozenset(emptied) | {table.name for table in backed}
        """Tables whose rows go, without a migration, for those of a backup or for none."""
        self.coins = (
            *coins_left(old.declaration, new.declaration),
            *(table.name for table in backed if any(spec.value for spec in new.tables[table.name].schema.fields)),
        )
        """Those of them, and of tables that go with a reinstalled module, in which coins stand or may come to."""
        label = f"{RELEASE} {plan_id} {plan.code_hash.hex()} ".encode()
        frozen = {item.name: item.value for item in plan.frozen}
        self.migrators = {
            declaration.table_id: migrator_for(old, new, declaration, frozen, plan.record_steps)
            for declaration in new.declaration.migrations()
        }
        self.counters = counters_of(new.declaration)
        before = counters_of(old.declaration)
        kept = _kept(self.counters, before, self.replaced.union(self.migrators) | _renamed_within(old, new))
        wanted, known = frozenset(self.counters.tables_of), frozenset(before.tables_of)
        tally = Tally(self.counters, wanted - kept)
        migrated = {
            name: TableGrowth(state, self.migrators[name], tally, label + name.encode())
            for name in sorted(self.migrators)
        }
        self._migrated = tuple(migrated.items())
        self._restored = {
            one.name: RestoredTable(state, new.tables[one.name], one, plan.backup, tally, label + one.name.encode())
            for one in backed
        }
        self._tables: dict[str, TableGrowth | RestoredTable] = {**migrated, **self._restored}
        counted = {name: old_name(new, name) for name in sorted(new.tables) if tally.watches(name)}
        self._censuses = [
            Census(state, source, new.tables[name], tally)
            for name, source in counted.items()
            if source in old.tables and name not in self._tables and name not in self.replaced
        ]
        self._sums = SumsGrowth(state, tally, kept, not kept == wanted == known)
        remade: dict[str, Remade] = {
            **{name: table for name, table in migrated.items() if self.migrators[name].declaration.rekeys},
            **self._restored,
        }
        self._audit = Audit(state, self.counters, self._sums, old, new, remade)
        self.ready = False
        """Whether the last slice found nothing left to do."""

    def progress(self) -> Progress:
        """How far it is."""
        tables = self._tables.values()
        made = all(table.made for table in tables)
        phase = "ready" if self.ready and made else "migrating" if not made else "counting"
        if any(table.waits for table in self._restored.values()):
            phase = WAITING_FOR_DATA
        done, total = sum(table.done for table in tables), sum(table.total for table in tables)
        return Progress(phase, min(done, total), total, sum(table.failing for table in tables))

    def grow(self, limit: int) -> bool:
        """Do a slice of about ``limit`` records; returns whether there is more to do."""
        self._state.flush()
        self.ready = not self._step(limit)
        return not self.ready

    def marks(self, changes: Changes) -> list[SideRow]:
        """Rows that belong into the batch of a block with these changes, so that no crash forgets them."""
        return [mark for table in self._tables.values() for mark in table.marks(changes)]

    def follow(self, changes: Changes) -> None:
        """Note what a block has changed, once it is committed with its marks."""
        followers: tuple[Follower, ...] = (*self._tables.values(), *self._censuses, self._sums, self._audit)
        for follower in followers:
            follower.follow(changes)
        self.ready = False

    def finish(self) -> Grown:
        """Do all that is left; raises ActivationFailed when a record, or a whole migration, fails, and BackupMissing or
        BackupDamaged where this node lacks the data that comes back."""
        while self.grow(FINISH_ROWS):
            continue
        generations = {name: table.finish() for name, table in self._tables.items()}
        records = sum(generation.count for generation in generations.values())
        if self._sums.overflown:
            raise ActivationFailed("invariant_broken", detail="an aggregate is more than an amount can hold")
        sums = self._sums.finish()
        if sums is not None:
            generations[sums.name] = sums
        return Grown(generations, self._audit.broken, records)

    def fanouts(self) -> dict[str, int]:
        """By migrated table, how many of its records read one input row at most: what a write to it makes anew."""
        return {name: table.most_readers() for name, table in self._migrated}

    def discard(self) -> None:
        """Give everything up; the state collects the rows."""
        for table in self._tables.values():
            table.discard()
        self._sums.discard()

    def _step(self, limit: int) -> bool:
        if any(table.waits for table in self._restored.values()):
            return False
        # Each in every slice: writes that go on in one table must not hold the others up.
        counting: tuple[Counting, ...] = (*self._tables.values(), *self._censuses)
        worked = [part.step(limit) for part in counting]
        if any(worked):
            return True
        if any(table.build_tree() for table in self._tables.values()):
            return True
        return self._sums.step(limit) or self._audit.step(limit)


def _kept(new: Counters, old: Counters, moved: frozenset[str]) -> frozenset[str]:
    """Aggregates that stand as they are: fed by the same tables, none of which is made anew or reads otherwise."""
    return frozenset(
        name
        for name, feeding in new.tables_of.items()
        if feeding == old.tables_of.get(name) and not moved & set(feeding)
    )


def _renamed_within(old: LoadedRuntime, new: LoadedRuntime) -> frozenset[str]:
    """Tables of the new runtime in which a name means another field or part of the key than it did, so that what is
    counted by name must be counted anew."""
    found = set()
    for name, table in new.tables.items():
        before = old.tables.get(old_name(new, name))
        meant = {} if before is None else _meanings(before)
        if any(meant.get(part, meaning) != meaning for part, meaning in _meanings(table).items()):
            found.add(name)
    return frozenset(found)


def _meanings(table: Table[Any]) -> dict[str, tuple[str, int]]:
    """What the names in a table mean: fields by number, parts of the key by position."""
    fields = {spec.name: ("field", spec.number) for spec in table.schema.fields}
    return fields | {name: ("key", position) for position, name in enumerate(table.key_names)}
