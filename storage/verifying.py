"""A checkpoint held against its own roots: a copy of it is opened as a node would.

Reading every row finds what LevelDB can tell of its files (`storage.restore`). Opening also finds rows that can be read
and are not those that were committed: the trees are made of the rows, and must have the roots of the head.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from storage.checkpoint import Checkpoint
from storage.errors import CheckpointDamaged, HeadDamaged, HeadMismatch, StoreDamaged, StoreMissing
from storage.headfile import Head
from storage.readprogress import Told, untold
from storage.restore import open_copy, verify
from storage.state import State


def verify_roots(checkpoint: Checkpoint, scratch: Path, told: Told = untold) -> Head:
    """Verify a checkpoint on a copy in ``scratch`` (missing or empty; removed afterwards), row by row and root by root;
    ``told`` hears how far that is.

    Raises CheckpointDamaged, or DiskFull or DiskError if this machine cannot hold or read the copy.
    """
    head = verify(checkpoint, scratch, lambda done, whole: told(done, 2 * whole))
    try:
        State.open(open_copy(checkpoint, scratch), told=lambda done, whole: told(whole + done, 2 * whole)).close()
    except (StoreDamaged, StoreMissing, HeadDamaged, HeadMismatch) as fault:
        raise CheckpointDamaged(checkpoint.path, str(fault)) from fault
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return head
