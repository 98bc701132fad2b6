"""A prepared block: everything its commit will do, computed and not yet done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from storage.catalogue import Catalogue, GenerationKey
from storage.halfroots import HalfRoots
from storage.merkle import TreePatch
from storage.overlay import Changes, Places
from storage.tablestore import TableStore


class TableChange(NamedTuple):
    """What a block does to one table."""

    store: TableStore
    rows: dict[bytes, bytes | None]
    """Value bytes by key bytes, None for a row taken away."""
    patch: TreePatch


@dataclass(frozen=True, slots=True)
class PreparedState:
    """What a block would change, and the roots that follow. Stale once its state has committed anything."""

    sequence: int
    catalogue: Catalogue
    changes: Changes
    tables: list[TableChange]
    host: HalfRoots
    runtime: HalfRoots
    app_root: bytes
    places: Places
    bound: Mapping[GenerationKey, TableStore]

    @property
    def host_root(self) -> bytes:
        """The root over the host tables."""
        return self.host.root

    @property
    def runtime_root(self) -> bytes:
        """The root over the runtime tables."""
        return self.runtime.root

    @property
    def table_roots(self) -> dict[str, bytes]:
        """The root of every table in force."""
        return {**dict(self.host.items()), **dict(self.runtime.items())}

    @property
    def undo(self) -> list[tuple[str, bytes, bytes | None]]:
        """Runtime rows as they were before: table, key bytes, bytes or None."""
        return [
            (name, key, change.old)
            for name, rows in self.changes.items()
            if name in self.runtime
            for key, change in rows.items()
        ]

    def rows(self) -> dict[bytes, bytes | None]:
        """Every table row of the block by its place."""
        return {store.row_prefix + key: value for store, rows, _ in self.tables for key, value in rows.items()}
