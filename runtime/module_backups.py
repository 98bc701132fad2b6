"""What the chain knows of the backups of reinstalled modules: which data stood at A - 1, by the digest that names it.

A reinstall writes a row for each of its modules at A. The row costs no look at any record, since roots stand in it; the
rows themselves are the nodes' to keep, as files (``storage/module_backup.py``). A rollback of the reinstall takes its
rows away: the module has its data again.
"""

from __future__ import annotations

from collections.abc import Iterable

from runtime.bundle.loader import LoadedRuntime
from storage.backup_file import BackedTable, BackupContent
from storage.overlay import Overlay
from storage.record import Amount, Hash, Record, field
from storage.state import State
from storage.tables import Table, host_table


class KeptBackup(Record):
    """One module's data as it was."""

    content: BackupContent = field(1)
    height: Amount = field(2)
    """Its state is that of this height's end."""
    code_hash: Hash = field(3)
    """The runtime that declares what the rows mean."""
    plan: Amount = field(4)
    """The reinstall that left them behind."""


BACKUPS: Table[KeptBackup] = host_table("upgrade.backups", KeptBackup, key=("hash",), names=("backup",))


def content_of(state: State, old: LoadedRuntime, module: str) -> BackupContent:
    """What a module's tables hold at the last committed height."""
    names = sorted(table.id for table in old.declaration.tables() if table.module == module)
    return BackupContent(
        module=module,
        tables=tuple(
            BackedTable(
                name=name,
                schema=state.catalogue.entry(name).schema,
                root=state.table_root(name),
                rows=state.count(name),
            )
            for name in names
        ),
    )


def backups_left(
    state: State, old: LoadedRuntime, modules: Iterable[str], plan: int
) -> tuple[KeptBackup, ...]:
    """What modules leave behind when they are reinstalled on the last committed height."""
    return tuple(
        KeptBackup(
            content=content_of(state, old, module), height=state.height, code_hash=old.code_hash, plan=plan
        )
        for module in modules
    )


def note_backups(overlay: Overlay, left: Iterable[KeptBackup]) -> None:
    """Write down what is left behind; data that is known already keeps its row."""
    for row in left:
        if overlay.get(BACKUPS, (row.content.digest,)) is None:
            overlay.put(BACKUPS, (row.content.digest,), row)


def forget_backups(overlay: Overlay, plan: int) -> None:
    """Take away what a reinstall wrote that is undone."""
    for key, row in list(overlay.scan(BACKUPS)):
        if row.plan == plan:
            overlay.delete(BACKUPS, key)
