"""Activation at height A: put what was grown in force, and check everything before believing it.

Order: `pre_upgrade` of the old modules, the last first (a failure there is recorded and stops nothing: old code is
never required to succeed), the flip of catalogue and running row, what `pre_upgrade` wrote, then module by module in
dependency order `post_upgrade` and health, each before the next; health of all, and the rules: of groups that this
height moved, and of those that the growth found broken. Any failure raises ActivationFailed; the caller drops the
overlay, and with it what earlier modules did, and runs A again under the old runtime. What `pre_upgrade` wrote is
carried over: rows of shared tables as they are, rows of migrated tables through their migration, to their new key where
that rekeys, rows of tables that are emptied not at all. Nothing here costs more the more rows the state has.

What a reinstalled module leaves behind is noted by its digest (`runtime.module_backups`). A plan that brings a backup
back (`runtime.restoring`) takes the same way, with the running runtime as its own successor and without its hooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runtime.bundle.loader import LoadedRuntime
from runtime.errors import ActivationFailed
from runtime.growth.growth import Grown, Growth
from runtime.invariants.counters import AGGREGATES
from runtime.invariants.settle import SUPPLY_RULE, holds, supply_holds, supply_missing
from runtime.migration import NotedReads, RecordMigrator, old_name, renames
from runtime.plans import RUNNING, WINDOW, Plan, Running, Window
from runtime.purse import MOST_COINS, SUPPLY, Supply
from storage.catalogue import Catalogue
from storage.overlay import Overlay
from storage.state import State
from storage.tables import Half, Table


def flip(state: State, overlay: Overlay, growth: Growth, grown: Grown, new: LoadedRuntime) -> None:
    """Put the next runtime's tables in force in this overlay, whose catalogue may have let go of generations of an
    earlier window."""
    catalogue = _next_catalogue(state, overlay.catalogue, new, growth.replaced.union(growth.migrators))
    if AGGREGATES.name in grown.generations:
        catalogue = catalogue.replaced(AGGREGATES, keep_root=state.table_root(AGGREGATES.name))
    overlay.flip(catalogue, grown.generations)


def _next_catalogue(
    state: State, catalogue: Catalogue, new: LoadedRuntime, remade: frozenset[str]
) -> Catalogue:
    """The catalogue after the flip: renamed, remade, added and removed tables; what goes is kept for a rollback."""
    for before, after in renames(new):
        catalogue = catalogue.renamed(before, new.tables[after])
    for name in sorted(new.tables):
        table = new.tables[name]
        if name in remade:
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


def carry_over(
    state: State, overlay: Overlay, growth: Growth, new: LoadedRuntime, written: Mapping[str, Mapping[bytes, Any]]
) -> None:
    """Write what the old modules' `pre_upgrade` hooks wrote; raises ActivationFailed when a record cannot migrate."""
    moved = dict(renames(new))
    for name, rows in written.items():
        target = new.tables.get(moved.get(name, name))
        if target is None or target.name in growth.replaced:
            continue
        migrator = growth.migrators.get(target.name)
        if migrator is not None and migrator.declaration.rekeys:
            _carry_rekeyed(overlay, migrator, rows, NotedReads(state.overlay(), migrator.old))
            continue
        for key, change in rows.items():
            made = change.new
            if migrator is not None and made is not None:
                _, made, _ = migrator.migrate(key, made, NotedReads(state.overlay(), migrator.old))
            overlay.put_raw(target, key, made)


def _carry_rekeyed(
    overlay: Overlay, migrator: RecordMigrator, rows: Mapping[bytes, Any], reads: NotedReads
) -> None:
    """Take away what the rows of before came to, then bring those of now where they come to, if that is free."""
    target = migrator.target
    for key, change in rows.items():
        if change.old is not None:
            place, _, _ = migrator.migrate(key, change.old, reads)
            overlay.put_raw(target, place, None)
    for key, change in rows.items():
        if change.new is not None:
            place, made, _ = migrator.migrate(key, change.new, reads)
            if overlay.get_raw(target, place) is not None:
                raise migrator.collision(key, place)
            overlay.put_raw(target, place, made)


def record_window(
    overlay: Overlay, state: State, plan_id: int, plan: Plan, height: int, probation: int, window: int
) -> None:
    """Write the running row, the declared supply change and where a rollback would go back to.

    Probation ends while the window is still open, so that what it decides can happen. Raises ActivationFailed for a
    supply change that no supply can take.
    """
    previous = overlay.get(RUNNING, ())
    assert previous is not None, "every chain has a running runtime from genesis on"
    if not plan.backup:
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


def require_sound(
    overlay: Overlay, growth: Growth, grown: Grown, tables: Mapping[str, Table[Any]], settled: tuple[str, ...]
) -> None:
    """The rules that were found broken in settling this height, those that the growth found broken, and the supply must
    hold by now; raises ActivationFailed naming those that do not. A supply that does not add up because of coins in
    tables whose rows went has a code of its own."""
    broken = {rule.name for rule, group in grown.broken if not holds(overlay, tables, rule, group)}
    broken.update(settled)
    if not supply_holds(overlay):
        broken.add(SUPPLY_RULE)
        if growth.coins:
            missing = supply_missing(overlay)
            what = f"{missing} units too few" if missing > 0 else f"{-missing} units too many"
            raise ActivationFailed("coins_not_kept", detail=f"{what}, with the rows of {', '.join(growth.coins)} gone")
    if broken:
        raise ActivationFailed("invariant_broken", detail=", ".join(sorted(broken)))
