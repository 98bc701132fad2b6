"""Tables of reinstalled modules: they begin empty, so there is nothing to make of them and nothing to count.

Rules reach no further than their module, so whatever leans on such a table begins empty with it; the supply alone is
counted across modules.
"""

from __future__ import annotations

from runtime.bundle.declarations import RuntimeDeclaration


def emptied_tables(old: RuntimeDeclaration, new: RuntimeDeclaration) -> tuple[str, ...]:
    """Tables of both runtimes that begin empty in the next one."""
    before = {table.id for table in old.tables()}
    return tuple(table.id for table in new.tables() if table.module in new.manifest.reinstalled and table.id in before)


def coins_left(old: RuntimeDeclaration, new: RuntimeDeclaration) -> tuple[str, ...]:
    """Tables of the running runtime that hold coins and whose rows are left behind."""
    return tuple(
        table.id
        for table in old.tables()
        if table.module in new.manifest.reinstalled and any(spec.value for spec in table.record.fields)
    )
