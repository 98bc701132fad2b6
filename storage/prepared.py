"""A prepared block: everything its commit will do, computed and not yet done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from storage.catalogue import Catalogue, GenerationKey
from storage.halfroots import HalfRoots, halves_of
from storage.hashing import app_root
from storage.merkle import TreePatch
from storage.overlay import Changes, Overlay, Places
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
    """The commit it stands on, counted by its state."""
    catalogue: Catalogue
    """The tables in force after it; the state's own object when it flips nothing."""
    changes: Changes
    tables: list[TableChange]
    """The same changes as they are written, with what each makes of its tree."""
    host: HalfRoots
    runtime: HalfRoots
    app_root: bytes
    """The root that the block commits to."""
    places: Places
    """Where each table's rows are from this block on."""
    bound: Mapping[GenerationKey, TableStore]
    """Generations that come into force with it."""

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

    def rows(self) -> list[tuple[bytes, bytes | None]]:
        """Every table row of the block with its place, each once; None where it is taken away."""
        return [(store.row_prefix + key, value) for store, rows, _ in self.tables for key, value in rows.items()]


def prepared_from(overlay: Overlay, catalogue: Catalogue, host: HalfRoots, runtime: HalfRoots) -> PreparedState:
    """What an overlay's writes would change in a state of this catalogue and these roots. Changes nothing."""
    changes, places = overlay.changes(), overlay.places
    tables = []
    changed: dict[str, bytes] = {}
    for name, found in changes.items():
        store = places[name].store
        rows = {key: change.new for key, change in found.items()}
        patch = store.tree.prepare(rows)
        tables.append(TableChange(store, rows, patch))
        changed[name] = patch.root
    if overlay.catalogue is not catalogue:
        host, runtime = halves_of(overlay.catalogue, places, changed)
    else:
        host, runtime = _replaced(changed, host, runtime)
    return PreparedState(
        sequence=overlay.sequence,
        catalogue=overlay.catalogue,
        changes=changes,
        tables=tables,
        host=host,
        runtime=runtime,
        app_root=app_root(host.root, runtime.root),
        places=places,
        bound=overlay.bound,
    )


def _replaced(changed: dict[str, bytes], host: HalfRoots, runtime: HalfRoots) -> tuple[HalfRoots, HalfRoots]:
    """Both halves after a block that flips nothing; one in which nothing changes is the same object."""
    of_host = {name: root for name, root in changed.items() if name in host}
    if len(of_host) == len(changed):
        return host.after(of_host), runtime
    return host.after(of_host), runtime.after({n: r for n, r in changed.items() if n not in of_host})
