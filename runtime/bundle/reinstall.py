"""Whether a bundle may reinstall a module: let its tables begin empty, where a migration would take their rows along.

A module is reinstalled when its manifest entry says `reinstall_from`, the running schema number that it leaves behind.
As after a migration its own number must be higher, so that the next bundle cannot reset it again by leaving the key
where it stands. Nothing of its rows goes on: no migration and no rename may name its tables, and what the host reads
(the tables of ports) cannot be reset, for without purses and electorate nobody could govern what comes after.

Coins. Fields declared `value` in tables that are reset count until A - 1 and no longer behind it. They are burnt, and
like all burning that is declared: `supply_change` says how many, to the unit, less what a `post_upgrade` hook puts
back. If it does not, the supply does not add up at A and the plan fails (`coins_not_kept`), in its rehearsals first.
How many there are no declaration tells, so submission cannot ask it.
"""

from __future__ import annotations

from collections.abc import Iterator

from runtime.bundle.declarations import RuntimeDeclaration
from runtime.bundle.manifest import PORTS
from runtime.bundle.problems import Problem


def reinstall_problems(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Problem]:
    """Every reason why a module may not be reinstalled."""
    manifest = proposed.manifest
    for entry in manifest.modules:
        if not entry.reinstall_from:
            continue
        near, old = f'"{entry.name}"', running.manifest.module(entry.name)
        if old is None:
            yield manifest.problem("unknown_module", near, f"{entry.name} does not run: there is nothing to reinstall")
        elif entry.reinstall_from != old.schema:
            message = f"{entry.name} runs schema {old.schema}, not {entry.reinstall_from}; delete what was done already"
            yield manifest.problem("wrong_from_schema", near, message)
        if entry.schema <= entry.reinstall_from:
            message = f"{entry.name} is reinstalled: raise its schema above {entry.reinstall_from}"
            yield manifest.problem("schema_number", near, message)
    yield from _rows_that_go_on(proposed)
    yield from _ports(running, proposed)


def _rows_that_go_on(proposed: RuntimeDeclaration) -> Iterator[Problem]:
    reinstalled = proposed.manifest.reinstalled
    for migration in proposed.migrations():
        if migration.module in reinstalled:
            message = f"{migration.module} is reinstalled: {migration.table_id} has no rows to migrate"
            yield Problem("reinstalled_module", migration.file, migration.line, message)
    for before, after in proposed.manifest.renames:
        for module in sorted({before.partition(".")[0], after.partition(".")[0]} & set(reinstalled)):
            message = f"{module} is reinstalled: no row of {before} goes on, so there is nothing to rename"
            yield proposed.manifest.problem("reinstalled_module", f'"{before}"', message)


def _ports(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> Iterator[Problem]:
    told = set()
    for manifest in (running.manifest, proposed.manifest):
        for name in PORTS:
            port = getattr(manifest.ports, name)
            module = "" if port is None else port.table.partition(".")[0]
            if module in proposed.manifest.reinstalled and (name, module) not in told:
                told.add((name, module))
                message = f"the host reads [ports.{name}] from {module}, so it cannot begin empty: migrate it"
                yield proposed.manifest.problem("port_reset", f'"{module}"', message)
