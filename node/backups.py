"""Which checkpoints this node must not lose, and which of them it has lost.

Kept whatever the chain's `max_snapshots` says: the state of A-1 as long as the upgrade at A is not closed or is being
rolled back, and the states that a pending plan is rehearsed on. Only the first kind is vital: what has no checkpoint to
rehearse on says so itself, and rehearses again later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from node.attesting import heights_in_use
from runtime.plans import states_needed
from storage.checkpoint import Checkpoint, list_checkpoints
from storage.errors import CheckpointLost, StorageError
from storage.home import Home
from storage.levelfiles import check_files
from storage.overlay import Overlay
from storage.retention import judge


@dataclass(frozen=True, slots=True)
class Need:
    """A state that something depends on."""

    height: int
    why: str
    vital: bool
    """Whether its loss is to be told of."""
    checkpoint: str
    """The name of this node's checkpoint of it; empty when there is no whole one."""


def heights_needed(overlay: Overlay, height: int) -> dict[int, str]:
    """Heights whose checkpoints nothing may remove, with why."""
    return {**heights_in_use(overlay, height), **states_needed(overlay)}


def needs_of(home: Home, overlay: Overlay, height: int) -> tuple[Need, ...]:
    """What is needed at a height, and whether it is there."""
    wanted, vital = heights_needed(overlay, height), states_needed(overlay)
    return _held(home, [Need(at, wanted[at], at in vital, "") for at in sorted(wanted)])


def needs_told(home: Home) -> tuple[Need, ...]:
    """What a home's manifest says is needed, and whether it is there now; nothing where there is no manifest yet."""
    try:
        told = _manifest(home)["needs"]
        needs = [Need(int(one["height"]), str(one["why"]), bool(one["vital"]), "") for one in told]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return _held(home, needs)


def verdicts_told(home: Home) -> dict[str, str]:
    """What would become of each checkpoint and why, by its name, as far as the home's manifest says."""
    try:
        keep = int(_manifest(home)["max_snapshots"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    pinned = {need.height: need.why for need in needs_told(home)}
    return {one.checkpoint.name: one.why for one in judge(list_checkpoints(home), keep, pinned)}


def lost(home: Home, needs: Iterable[Need]) -> tuple[CheckpointLost, ...]:
    """What is to be told of those that are not there."""
    return tuple(
        CheckpointLost(home.root, need.height, need.why) for need in needs if need.vital and not need.checkpoint
    )


def is_there(checkpoint: Checkpoint) -> bool:
    """Whether every file of a checkpoint is there with its size; `storage.verifying` looks into them."""
    try:
        check_files(checkpoint.database)
    except StorageError:
        return False
    return True


def _manifest(home: Home) -> dict[str, Any]:
    document = json.loads(home.manifest_file.read_text("ascii"))
    return document if isinstance(document, dict) else {}


def _held(home: Home, needs: list[Need]) -> tuple[Need, ...]:
    if not needs:
        return ()
    heights = {need.height for need in needs}
    there = {one.height: one.name for one in list_checkpoints(home) if one.height in heights and is_there(one)}
    return tuple(Need(one.height, one.why, one.vital, there.get(one.height, "")) for one in needs)
