"""Which checkpoints this node must not lose, and which of them it has lost.

Kept whatever the chain's `max_snapshots` says: the state of A-1 as long as the upgrade at A is not closed or is being
rolled back, and the states that a pending plan is rehearsed on. Only the first kind is ever told of as lost: a
rehearsal that has no checkpoint says so itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from node.attesting import heights_in_use
from runtime.plans import states_needed
from storage.checkpoint import Checkpoint, list_checkpoints
from storage.errors import CheckpointLost, StorageError
from storage.home import Home
from storage.levelfiles import check_files
from storage.overlay import Overlay


@dataclass(frozen=True, slots=True)
class Need:
    """A state that something depends on."""

    height: int
    why: str
    checkpoint: str
    """The name of this node's checkpoint of it; empty when there is no whole one."""


def heights_needed(overlay: Overlay, height: int) -> dict[int, str]:
    """Heights at whose checkpoints nobody may lay a hand, with why."""
    return {**heights_in_use(overlay, height), **states_needed(overlay)}


def needs_of(home: Home, overlay: Overlay, height: int) -> tuple[Need, ...]:
    """What is needed at a height, and whether it is there, by the sizes of its files."""
    wanted = heights_needed(overlay, height)
    there = {one.height: one.name for one in list_checkpoints(home) if one.height in wanted and is_there(one)}
    return tuple(Need(at, wanted[at], there.get(at, "")) for at in sorted(wanted))


def lost(home: Home, overlay: Overlay, needs: Iterable[Need]) -> tuple[CheckpointLost, ...]:
    """What is to be told of those that are not there."""
    told = states_needed(overlay)
    return tuple(
        CheckpointLost(home.root, need.height, need.why)
        for need in needs
        if need.height in told and not need.checkpoint
    )


def is_there(checkpoint: Checkpoint) -> bool:
    """Whether every file of a checkpoint is there with its size; `storage.verifying` looks into them."""
    try:
        check_files(checkpoint.database)
    except StorageError:
        return False
    return True
