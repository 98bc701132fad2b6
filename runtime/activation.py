"""Activation at height A: build the new generation of what migrates, flip, and check everything before believing it.

Order: `pre_upgrade` of the old modules (a failure there is recorded and stops nothing: old code is never required to
succeed), the flip of catalogue and running row, `post_upgrade` in dependency order, health, a recount of what moved,
all invariants in full, the supply. Any failure raises ActivationFailed; the caller drops the overlay and runs A again
under the old runtime. What `pre_upgrade` wrote is carried over: rows of shared tables as they are, rows of migrated
tables through their migration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runtime.bundle.loader import LoadedRuntime
from runtime.errors import ActivationFailed
from runtime.invariants.counters import AGGREGATES, Counters, counters_of
from runtime.invariants.recount import broken_rules, count_rows, replace
from runtime.migration import RecordMigrator, migrator_for, old_name, renames
from runtime.plans import RUNNING, WINDOW, Plan, Running, Window
from runtime.purse import MOST_COINS, SUPPLY, Supply
from storage.catalogue import Catalogue
from storage.errors import InvalidRecord
from storage.generations import Generation
from storage.overlay import Overlay
from storage.state import State
from storage.tables import Half, Table


@dataclass(frozen=True, slots=True)
class Flip:
    """A runtime ready to come into force: built beside the chain, dropped without trace if it does not."""

    catalogue: Catalogue
    generations: Mapping[str, Generation]
    migrators: Mapping[str, RecordMigrator]
    counters: Counters
    counted: Mapping[tuple[str, bytes], int]
    """Aggregates over migrated tables, counted while building."""
    renumbered: frozenset[str]
    """Tables in which a field's name now means another number, so that sums by name must be counted anew."""
    migrated: int
    """Records written."""


def build_flip(
    state: State, catalogue: Catalogue, old: LoadedRuntime, new: LoadedRuntime, plan: Plan, record_steps: int
) -> Flip:
    """Build every migrated table from the committed state of A-1; raises ActivationFailed and leaves nothing built.

    ``catalogue`` is the one of this block, which may have let go of generations of an earlier window.
    """
    frozen = {item.name: item.value for item in plan.frozen}
    counters = counters_of(new.declaration)
    migrators = {
        declaration.table_id: migrator_for(state, old, new, declaration, frozen, record_steps)
        for declaration in new.declaration.migrations()
    }
    generations: dict[str, Generation] = {}
    counted: dict[tuple[str, bytes], int] = {}
    migrated = 0
    try:
        for name in sorted(migrators):
            generation, sums = _build_table(state, migrators[name], counters, plan.code_hash + name.encode())
            generations[name] = generation
            for slot, value in sums.items():
                counted[slot] = counted.get(slot, 0) + value
            migrated += generation.count
    except ActivationFailed:
        discard(state, generations)
        raise
    after = _next_catalogue(state, catalogue, new, migrators)
    return Flip(after, generations, migrators, counters, counted, _renumbered(old, new), migrated)


def discard(state: State, generations: Mapping[str, Generation]) -> None:
    """Give up generations that will not come into force; the state collects their rows."""
    for generation in generations.values():
        state.discard_generation(generation.number)


def _renumbered(old: LoadedRuntime, new: LoadedRuntime) -> frozenset[str]:
    """Tables of the new runtime whose field names do not mean the numbers that they meant before."""
    found = set()
    for name, table in new.tables.items():
        before = old.tables.get(old_name(new, name))
        numbers = {} if before is None else {spec.name: spec.number for spec in before.schema.fields}
        if any(numbers.get(spec.name, spec.number) != spec.number for spec in table.schema.fields):
            found.add(name)
    return frozenset(found)


def _build_table(
    state: State, migrator: RecordMigrator, counters: Counters, label: bytes
) -> tuple[Generation, dict[tuple[str, bytes], int]]:
    """One new generation, its aggregates summed along; a migration that changes no row at all is a failure."""
    watching = counters.by_table.get(migrator.target.name, ())
    sums: dict[tuple[str, bytes], int] = {}
    changed = [0, 0]

    def rows() -> Iterator[tuple[bytes, bytes]]:
        for key, raw in state.rows(migrator.source.name):
            made, record = migrator.migrate(key, raw)
            changed[0] += 1
            changed[1] += made != raw
            for counter in watching:
                if amount := counter.amount(record):
                    slot = (counter.id, counter.group(key, record))
                    sums[slot] = sums.get(slot, 0) + amount
            yield key, made

    builder = state.build_generation(migrator.target, label)
    cursor = builder.cursor
    try:
        builder.put_many(row for row in rows() if cursor is None or row[0] > cursor)
        if changed[0] and not changed[1]:
            where = (migrator.declaration.file, migrator.declaration.line)
            raise ActivationFailed("migration_changed_nothing", *where, migrator.target.name)
    except ActivationFailed:
        state.discard_generation(builder.number)
        raise
    return builder.finish(), sums


def _next_catalogue(
    state: State, catalogue: Catalogue, new: LoadedRuntime, migrators: Mapping[str, RecordMigrator]
) -> Catalogue:
    """The catalogue after the flip: renamed, migrated, added and removed tables; what goes is kept for a rollback."""
    for before, after in renames(new):
        catalogue = catalogue.renamed(before, new.tables[after])
    for name in sorted(new.tables):
        table = new.tables[name]
        if name in migrators:
            source = old_name(new, name)
            catalogue = catalogue.replaced(table, keep_root=state.table_root(source))
        elif catalogue.find(name) is None:
            catalogue = catalogue.with_table(table)
        else:
            catalogue = catalogue.reschemed(table)
    for name in catalogue.names(Half.RUNTIME):
        if name not in new.tables and name != AGGREGATES.name:
            catalogue = catalogue.without(name, keep_root=state.table_root(name))
    return catalogue


def enter(overlay: Overlay, flip: Flip, new: LoadedRuntime, pre_upgrade: Mapping[str, Mapping[bytes, Any]]) -> None:
    """Flip the overlay, carry over what `pre_upgrade` wrote, and start the new runtime's aggregates."""
    overlay.flip(flip.catalogue, flip.generations)
    moved = dict(renames(new))
    for name, rows in pre_upgrade.items():
        target = new.tables.get(moved.get(name, name))
        if target is None:
            continue
        migrator = flip.migrators.get(target.name)
        for key, change in rows.items():
            made = change.new if migrator is None or change.new is None else migrator.migrate(key, change.new)[0]
            overlay.put_raw(target, key, made)


def start_aggregates(
    overlay: Overlay, flip: Flip, old: Counters, tables: Mapping[str, Table[Any]], carried: bool
) -> None:
    """Recount what the flip touched or declares anew; leave the other aggregates as they stand.

    ``carried`` says that `pre_upgrade` wrote rows, so that the sums made while building are no longer the whole.
    Raises ActivationFailed for a sum that fits no amount.
    """
    fresh = set(flip.migrators)
    moved = fresh | flip.renumbered
    kept = frozenset(
        name
        for name, feeding in flip.counters.tables_of.items()
        if feeding == old.tables_of.get(name) and not moved & set(feeding) and not carried
    )
    wanted = frozenset(flip.counters.tables_of) - kept

    def rows_of(name: str) -> Iterator[tuple[bytes, Any]]:
        table = tables[name]
        if name in fresh and not carried:
            return iter(())
        return ((table.pack(key), record) for key, record in overlay.scan(table))

    counted = count_rows(flip.counters, rows_of, wanted)
    if not carried:
        for slot, value in flip.counted.items():
            counted[slot] = counted.get(slot, 0) + value
    try:
        replace(overlay, counted, kept)
    except InvalidRecord as too_large:
        raise ActivationFailed("invariant_broken", detail="an aggregate is more than an amount can hold") from too_large


def record_window(
    overlay: Overlay, state: State, plan_id: int, plan: Plan, height: int, probation: int, window: int
) -> None:
    """Write the running row, the declared supply change and where a rollback would go back to.

    Probation ends while the window is still open, so that what it decides can happen. Raises ActivationFailed for a
    supply change that no supply can take.
    """
    previous = overlay.get(RUNNING, ())
    assert previous is not None, "every chain has a running runtime from genesis on"
    overlay.put(RUNNING, (), Running(code_hash=plan.code_hash, version=plan.version, since=height, plan=plan_id))
    supply = overlay.get(SUPPLY, ()) or Supply()
    changed = supply.plus(signed_change(plan))
    if changed.total > MOST_COINS or changed.overburned > supply.overburned:
        raise ActivationFailed("supply_change_impossible", detail=f"{signed_change(plan):+d} on {supply.total} units")
    overlay.put(SUPPLY, (), changed)
    overlay.put(
        WINDOW,
        (),
        Window(
            plan=plan_id,
            proposal=plan.proposal,
            activation=height,
            probation_until=height + min(probation, window - 1),
            closes=height + window,
            previous=previous,
            runtime_root=state.head.runtime_root,
            app_root=state.head.app_root,
            tables=state.catalogue.runtime.entries,
            supply_change=plan.supply_change,
            supply_shrinks=plan.supply_shrinks,
        ),
    )


def signed_change(plan: Plan | Window) -> int:
    """The declared supply change in units, negative when coins are burned."""
    return -plan.supply_change if plan.supply_shrinks else plan.supply_change


def require_sound(overlay: Overlay, flip: Flip, tables: Mapping[str, Table[Any]]) -> None:
    """All rules in full, the supply among them; raises ActivationFailed naming those that do not hold."""
    broken = broken_rules(overlay, flip.counters, tables)
    if broken:
        raise ActivationFailed("invariant_broken", detail=", ".join(broken))
