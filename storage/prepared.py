"""A prepared block: everything its commit will do, computed and not yet done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from storage.catalogue import Catalogue
from storage.merkle import TreePatch
from storage.overlay import Changes, StoreKey
from storage.tables import Half
from storage.tablestore import TableStore


@dataclass(frozen=True, slots=True)
class PreparedState:
    """What a block would change, and the roots that follow. Stale once its state has committed anything."""

    sequence: int
    catalogue: Catalogue
    changes: Changes
    patches: tuple[tuple[TableStore, str, TreePatch], ...]
    roots: Mapping[Half, dict[str, bytes]]
    bound: Mapping[StoreKey, TableStore]
    host_root: bytes
    runtime_root: bytes
    app_root: bytes

    @property
    def table_roots(self) -> dict[str, bytes]:
        """The root of every table in force."""
        return {**self.roots[Half.HOST], **self.roots[Half.RUNTIME]}

    @property
    def undo(self) -> list[tuple[str, bytes, bytes | None]]:
        """Runtime rows as they were before: table, key bytes, bytes or None."""
        return [
            (name, key, change.old)
            for name, rows in self.changes.items()
            if name in self.roots[Half.RUNTIME]
            for key, change in rows.items()
        ]

    def rows(self) -> dict[bytes, bytes | None]:
        """Every table and bucket row of the block by its place."""
        rows: dict[bytes, bytes | None] = {}
        for store, name, patch in self.patches:
            place = store.row_prefix
            for key, change in self.changes[name].items():
                rows[place + key] = change.new
            place = store.bucket_prefix
            for path, bucket in patch.buckets.items():
                rows[place + path] = bucket
        return rows
