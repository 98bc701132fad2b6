"""Tables of reinstalled modules: they begin empty, so there is nothing to make, and what leans on them sees no row."""

from __future__ import annotations

from runtime.bundle.declarations import RuntimeDeclaration


class Emptied:
    """A table without rows, as the audit of rules asks it."""

    def has(self, key: bytes) -> bool:
        """Whether a row stands."""
        return False

    def moved(self) -> list[bytes]:
        """Keys whose row came or went since this was asked last."""
        return []


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
