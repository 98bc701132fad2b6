"""What a node does between blocks, on the executor thread, in slices of bounded length.

- Journals and undo rows serve nothing but a rollback: they go once they are older than the rollback window, and never
  from an open window or a replay under way. Deletions are written with the next block, so a crash never tears one off.
- Generations that nothing refers to any more are deleted.
- After an upgrade's checkpoint the older ones go, by the chain's `max_snapshots`, but never one that `node.backups`
  needs. It is told of each what became of it, and of one that is needed and lost.
- `migration_manifest.json` is written anew whenever the upgrade tables change, whole or not at all.
- What went wrong with an upgrade leaves a sealed folder (`node.incidents`).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from node.application import Application
from node.backups import Need, heights_needed, lost, needs_of
from node.logs import logger
from node.solo import MadeBlock, Solo
from runtime.parameters import Parameters
from runtime.plans import HISTORY, QUEUE, REPLAYING, WINDOW, logs_needed_from
from runtime.upgrade_manifest import upgrade_manifest
from storage import retention
from storage.blocklog import ROLLBACK_ONLY
from storage.checkpoint import list_checkpoints
from storage.faults import fault_of
from storage.home import FORMAT, RELEASE, Home
from storage.slots import sync_directory
from storage.state import State

PRUNE_EVERY = 64
"""Blocks between two slices of log pruning; a block adds two such rows at most."""
PRUNE_ROWS = 1_024
COLLECT_ROWS = 4_096
"""Rows of old generations deleted after a block: about ten milliseconds."""
MANIFEST = "migration_manifest.json"
_TOLD = frozenset({HISTORY.name, QUEUE.name, REPLAYING.name, WINDOW.name})
"""Tables whose change makes the manifest another."""


class Upkeep:
    """Keeps a home in order while its chain runs."""

    def __init__(self, home: Home, application: Application, solo: Solo) -> None:
        self._home = home
        self._application = application
        self._solo = solo
        self._log = logger("node.upkeep")

    def after(self, made: MadeBlock) -> None:
        """Do what this block made due, and a slice of what waits."""
        if made.checkpoint is not None:
            self._prune_checkpoints()
        if made.checkpoint is not None or not _TOLD.isdisjoint(made.prepared.sealed.state.changes):
            self.write_manifest()
        if made.prepared.block.header.height % PRUNE_EVERY == 0:
            self._prune_log()
        self._application.state.collect(COLLECT_ROWS)

    def _prune_log(self) -> None:
        state = self._application.state
        overlay = state.overlay()
        span = Parameters(overlay, state.height).integer("rollback_window")
        needed = logs_needed_from(overlay)
        below = state.height - span if needed is None else min(state.height - span, needed)
        rows = state.log().prune(max(below, 0), PRUNE_ROWS, ROLLBACK_ONLY)
        if rows:
            self._solo.attach(rows)
            self._log.debug("log_pruned", rows=len(rows), below=below)

    def _prune_checkpoints(self) -> None:
        keep, pinned = checkpoints_to_keep(self._application.state)
        for verdict in retention.prune(self._home, keep, pinned):
            told = "checkpoint_kept" if verdict.keep else "checkpoint_removed"
            self._log.info(told, name=verdict.checkpoint.name, why=verdict.why)

    def write_manifest(self) -> None:
        """Write the manifest of the durable height; at a start too, since a crash may have left it behind the state."""
        view = self._application.state.view()
        names = {one.head.app_root: one.name for one in list_checkpoints(self._home)}
        needs = self._needs()
        document = upgrade_manifest(view, view.height, view.head.app_root, names, map(asdict, needs), RELEASE, FORMAT)
        write_whole(self._home.root / MANIFEST, {"chain_id": self._application.chain.identity.chain_id, **document})

    def _needs(self) -> tuple[Need, ...]:
        overlay, height = self._application.state.overlay(), self._application.state.height
        needs = needs_of(self._home, overlay, height)
        for loss in lost(self._home, overlay, needs):
            self._log.warning(loss.code, height=loss.height, why=str(loss))
        return needs


def checkpoints_to_keep(state: State) -> tuple[int, dict[int, str]]:
    """How many of the newest checkpoints the chain wants kept, and the heights that something depends on, with why."""
    overlay = state.overlay()
    return Parameters(overlay, state.height).integer("max_snapshots"), heights_needed(overlay, state.height)


def write_whole(path: Path, document: dict[str, Any]) -> None:
    """Put a JSON file in place durably; a reader sees the old one or the new one. Raises DiskFull, DiskError."""
    aside = path.with_name(f"{path.name}.new")
    try:
        with aside.open("w", encoding="ascii") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise fault_of(path, error) from error
