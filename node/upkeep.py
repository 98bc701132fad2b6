"""What a node does between blocks, on the executor thread, in slices of bounded length.

- Journals and undo rows serve nothing but a rollback: they go once they are older than the rollback window, and never
  from an open window or a replay under way. Whole blocks go only where the operator says how many to keep. Deletions
  are written with the next block, so a crash never tears one off.
- Generations that nothing refers to any more are deleted.
- After an upgrade's checkpoint the older ones go, by the chain's `max_snapshots`, but never one that `node.backups`
  needs. It is told of each what became of it, and of one that is needed and lost.
- What a reinstalled module left behind is written to a file, a chunk after each block (`node.module_backups`).
- `migration_manifest.json` is written anew whenever the upgrade tables change, whole or not at all; with it go the
  pauses that this machine measured.
- What went wrong with an upgrade leaves a sealed folder (`node.incident`).
"""

from __future__ import annotations

from dataclasses import asdict

from node.application import Application
from node.backups import Need, heights_needed, lost, needs_of
from node.incident import shelf
from node.incident.gathering import KINDS, OfUpgrade
from node.logs import logger
from node.pauses import PAUSES, Pause, pauses_told, to_tell
from node.settings import Settings
from node.solo import MadeBlock, Solo
from runtime.parameters import PARAMETERS, Parameters
from runtime.plans import HISTORY, QUEUE, REPLAYING, WINDOW, logs_needed_from
from runtime.upgrade_manifest import upgrade_manifest
from storage import retention
from storage.blocklog import ROLLBACK_ONLY
from storage.checkpoint import list_checkpoints
from storage.durable import write_document
from storage.home import FORMAT, RELEASE, Home
from storage.state import State

PRUNE_EVERY = 64
"""Blocks between two slices of log pruning; a block adds two such rows at most."""
PRUNE_ROWS = 1_024
COLLECT_ROWS = 4_096
"""Rows of old generations deleted after a block: about ten milliseconds."""
_TOLD = frozenset({HISTORY.name, PARAMETERS.name, QUEUE.name, REPLAYING.name, WINDOW.name})
"""Tables whose change makes the manifest another."""


class Upkeep:
    """Keeps a home in order while its chain runs."""

    def __init__(
        self, home: Home, application: Application, solo: Solo, settings: Settings | None = None
    ) -> None:
        self._home = home
        self._application = application
        self._solo = solo
        self._settings = settings
        """What the operator set, which the report of an incident shows; without them every block is kept."""
        self._log = logger("node.upkeep")
        self._told: dict[int, str] = {}
        """The heights that the manifest says are needed."""
        self._pauses = pauses_told(home)
        self._pruned = application.state.height

    def begin(self) -> None:
        """Catch up with the last block, whose upkeep a crash may have cut off."""
        self.write_manifest()
        self._report()
        self._application.backups.step()

    def after(self, made: MadeBlock) -> None:
        """Do what this block made due, and a slice of what waits."""
        if made.checkpoint is not None:
            self._prune_checkpoints()
        if pause := pause_of(made):
            self._pauses[pause.height] = pause
        changed = not _TOLD.isdisjoint(made.prepared.sealed.state.changes)
        if made.checkpoint is not None or changed or self._needed() != self._told:
            self.write_manifest()
        if HISTORY.name in made.prepared.sealed.state.changes:
            self._report(made)
        height = made.prepared.block.header.height
        if height // PRUNE_EVERY != self._pruned // PRUNE_EVERY:
            self._prune_log()
            self._pruned = height
        self._application.backups.step()
        self._application.state.collect(COLLECT_ROWS)

    def _report(self, made: MadeBlock | None = None) -> None:
        """Write the incidents of the last block that are not there yet."""
        chain = self._application.chain
        height = chain.state.height
        for (_, plan), entry in list(chain.state.overlay().scan(HISTORY, (height,))):
            kind = KINDS.get(entry.kind)
            if kind is None or shelf.id_of(height, kind) in shelf.ids(self._home):
                continue
            events, detail = ((), "") if made is None else (made.events, made.prepared.opening.failure)
            found = OfUpgrade(self._home, chain, height, plan, events, detail)
            incident = found.incident()
            written = shelf.write(self._home, incident, found.files(self._settings))
            self._log.warning("incident", id=written.id, why=incident.message, seal=written.mark, gone=written.removed)

    def _prune_log(self) -> None:
        state = self._application.state
        overlay = state.overlay()
        span = Parameters(overlay, state.height).integer("rollback_window")
        needed = logs_needed_from(overlay)
        below = state.height - span if needed is None else min(state.height - span, needed)
        rows = state.log().prune(max(below, 0), PRUNE_ROWS, ROLLBACK_ONLY)
        if self._settings is not None and (keep := self._settings.node.keep_blocks):
            rows = [*rows, *state.log().prune(max(min(below, state.height - keep), 0), PRUNE_ROWS)]
        if rows:
            self._solo.attach(rows)
            self._log.debug("log_pruned", rows=len(rows), below=below)

    def _prune_checkpoints(self) -> None:
        keep, pinned = checkpoints_to_keep(self._application.state)
        for verdict in retention.prune(self._home, keep, pinned):
            told = "checkpoint_kept" if verdict.keep else "checkpoint_removed"
            self._log.info(told, name=verdict.checkpoint.name, why=verdict.why)

    def write_manifest(self) -> None:
        """Write the manifest of the durable height."""
        view, self._told = self._application.state.view(), self._needed()
        names = {one.head.app_root: one.name for one in list_checkpoints(self._home)}
        needs = self._needs()
        document = upgrade_manifest(view, view.height, view.head.app_root, names, map(asdict, needs), RELEASE, FORMAT)
        keep, _ = checkpoints_to_keep(self._application.state)
        about = {"chain_id": self._application.chain.identity.chain_id, "max_snapshots": keep}
        heights = {step["height"] for upgrade in document["upgrades"] for step in upgrade["events"]}
        measured = {PAUSES: to_tell(self._pauses.values(), heights)}
        write_document(self._home.manifest_file, {**about, **document, **measured})

    def _needed(self) -> dict[int, str]:
        state = self._application.state
        return heights_needed(state.overlay(), state.height)

    def _needs(self) -> tuple[Need, ...]:
        state = self._application.state
        needs = needs_of(self._home, state.overlay(), state.height)
        for loss in lost(self._home, needs):
            self._log.warning(loss.code, height=loss.height, why=str(loss))
        return needs


def pause_of(made: MadeBlock) -> Pause | None:
    """The pause of a block that activated an upgrade, tried to, or went back; None of any other."""
    if made.checkpoint is None and not made.prepared.opening.flipped:
        return None
    parts = (made.checkpoint_ns, made.execution_ns, made.commit_ns)
    return Pause(made.prepared.block.header.height, *(nanoseconds // 1000 for nanoseconds in parts))


def checkpoints_to_keep(state: State) -> tuple[int, dict[int, str]]:
    """How many of the newest checkpoints the chain wants kept, and the heights that something depends on, with why."""
    overlay = state.overlay()
    return Parameters(overlay, state.height).integer("max_snapshots"), heights_needed(overlay, state.height)
