"""Bringing a reinstalled module's data back: which backups fit, and the running runtime as its own successor.

A restore is a plan like an upgrade's: it waits its turn, its tables grow beside the chain, it flips at its height
behind a checkpoint, can be rolled back inside a window, and stands in the same history. It changes no code. Each table
of the backup takes the place of the module's table of that name, whole: what the table held until then goes. Tables
that the backup does not have stay as they are. Rules are checked as for an upgrade, and coins are neither made nor
lost: those of the backup must be as many as those they replace, or the plan fails (`coins_not_kept`).

The backup's rows must mean the same under the running runtime: equal schemas, or a difference after which an upgrade
would need no migration. A node that lacks the data stops before the height, with a fault of its own (`backup_missing`);
the chain goes on elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from runtime.bundle.compare import REWRITES, compare_schemas
from runtime.bundle.declarations import RuntimeDeclaration
from runtime.bundle.loader import LoadedRuntime
from runtime.bundle.upgrade import reused_numbers
from runtime.errors import HostRefused
from runtime.library import Library
from runtime.module_backups import BACKUPS, KeptBackup
from storage.overlay import Overlay


class RestoreRefused(HostRefused):
    """A backup cannot be brought back: `unknown_backup`, `other_module`, `backup_does_not_fit`."""


def require_restorable(
    overlay: Overlay,
    running: LoadedRuntime,
    module: str,
    digest: bytes,
    declared: Callable[[bytes], RuntimeDeclaration],
) -> KeptBackup:
    """The backup of that digest; raises RestoreRefused when it cannot take the place of what the module holds now.
    ``declared`` gives the declaration of a runtime of before, and is asked only where a schema is another one."""
    kept = overlay.get(BACKUPS, (digest,))
    if kept is None:
        told = "GET /upgrade/history and `synod backup list` show what modules have left behind"
        raise RestoreRefused("unknown_backup", f"no reinstall left the backup {digest.hex()} behind: {told}")
    if kept.content.module != module:
        raise RestoreRefused("other_module", f"the backup is of {kept.content.module}, not of {module or 'no module'}")
    for why in _misfits(kept, running, declared):
        raise RestoreRefused("backup_does_not_fit", why)
    return kept


def require_backup(overlay: Overlay, library: Library, running: LoadedRuntime, digest: bytes) -> KeptBackup:
    """As `require_restorable`, for a backup that was approved with its module."""
    kept = overlay.get(BACKUPS, (digest,))
    module = "" if kept is None else kept.content.module
    return require_restorable(
        overlay, running, module, digest, lambda code_hash: library.get(overlay, code_hash).declaration
    )


def itself_next(running: LoadedRuntime) -> LoadedRuntime:
    """The running runtime as what comes next: nothing is renamed, migrated or reinstalled on the way."""
    declaration = running.declaration
    modules = tuple(replace(entry, reinstall_from=0) for entry in declaration.manifest.modules)
    return replace(
        running,
        declaration=replace(
            declaration,
            manifest=replace(declaration.manifest, renames=(), modules=modules),
            modules=tuple(replace(one, migrations=(), validators=(), reverses=()) for one in declaration.modules),
        ),
    )


def _misfits(
    kept: KeptBackup, running: LoadedRuntime, declared: Callable[[bytes], RuntimeDeclaration]
) -> Iterator[str]:
    for backed in kept.content.tables:
        table = running.tables.get(backed.name)
        if table is None:
            yield f"the running runtime has no table {backed.name}"
        elif table.schema_digest != backed.schema:
            before = declared(kept.code_hash).table(backed.name)
            assert before is not None, "a backup has the tables of its runtime"
            changes = compare_schemas(before.record, table.schema, backed.name)
            rewrites = [f"{one.kind} {one.subject}" for one in changes if one.kind in REWRITES]
            if before.key != table.key:
                yield f"{backed.name} has another key now"
            elif rewrites or list(reused_numbers(before.record, table.schema)):
                yield f"rows of {backed.name} would have to be made anew: {'; '.join(rewrites) or 'a number is reused'}"
