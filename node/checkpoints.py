"""This node's checkpoints: taken of the last height, and begun ahead of an upgrade's.

The chain stands still while the checkpoint of A-1 is taken, so in the blocks before A what it will share with the
database is put in place, in slices. That costs disk space while compaction goes on, so it begins shortly before A, and
an upgrade that is cancelled or put off lets go of it. It is no more than a shortcut: where it fails, all is done at A.
"""

from __future__ import annotations

from node.logs import logger
from storage.checkpoint import Checkpoint, read_checkpoint
from storage.errors import CheckpointExists, StoreFault
from storage.state import State

AHEAD = 64
"""Blocks before an activation in which its checkpoint is begun."""
SLICE_FILES = 64
"""Sorted files put in place at once: about a millisecond."""


class Checkpoints:
    """Takes the checkpoints of one state; belongs to the executor thread."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._begun = 0
        """The activation height whose checkpoint is begun, or 0."""
        self._failed = 0
        """The activation height whose checkpoint could not be begun ahead."""
        self._log = logger("node.checkpoints")

    def advance(self, activation: int | None) -> bool:
        """Do a slice of the next activation's checkpoint if that is near; returns whether there is more to do."""
        near = activation is not None and activation - self._state.height <= AHEAD
        try:
            if activation is None or not near:
                self._let_go()
                return False
            if activation == self._failed:
                return False
            self._begun = activation
            return self._state.making.advance(SLICE_FILES)
        except StoreFault as fault:
            self._begun, self._failed = 0, activation or 0
            self._log.warning("checkpoint_not_begun", activation=activation, why=str(fault))
            return False

    def take(self, reason: str) -> Checkpoint:
        """A checkpoint of the last committed height, new or there already. Raises CheckpointFault and
        StoreFault."""
        self._begun = 0
        try:
            return self._state.checkpoint(reason)
        except CheckpointExists as known:  # the last run stopped between this checkpoint and the block after it
            return read_checkpoint(known.path)

    def _let_go(self) -> None:
        if self._begun:
            self._begun = 0
            self._state.making.drop()
