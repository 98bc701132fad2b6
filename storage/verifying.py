"""A checkpoint held against its own roots: a copy of it is opened as a node would, and every root counted again.

Reading every row finds what LevelDB can tell of its files (`storage.restore`). This also finds rows that are readable
and not the ones that were committed: each table in force is laid out anew from its rows, and must have the root that
its tree has, as all the trees together must have the roots of the head.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from storage.checkpoint import Checkpoint
from storage.errors import CheckpointDamaged, HeadDamaged, HeadMismatch, StoreDamaged, StoreMissing
from storage.headfile import Head
from storage.home import Home
from storage.merkle import Tree
from storage.planting import Entries
from storage.restore import open_copy, verify
from storage.state import State
from storage.tables import Half


def verify_roots(checkpoint: Checkpoint, scratch: Path, heard: Callable[[str], None] = lambda _: None) -> Head:
    """Verify a checkpoint on a copy in ``scratch`` (missing or empty; removed afterwards), row by row and root by root.

    ``heard`` is told each table's name before it is counted. Raises CheckpointDamaged, or DiskFull or DiskError if
    this machine cannot hold or read the copy.
    """
    head = verify(checkpoint, scratch)
    try:
        _count_again(open_copy(checkpoint, scratch), heard)
    except (StoreDamaged, StoreMissing, HeadDamaged, HeadMismatch) as fault:
        raise CheckpointDamaged(checkpoint.path, str(fault)) from fault
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return head


def root_of(rows: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The root of a table with these rows (key bytes, record bytes)."""
    entries = Entries()
    for key, value in rows:
        entries.put({key: value})
    return Tree.load(bucket for step in entries.lay_out() for bucket in step).root


def _count_again(home: Home, heard: Callable[[str], None]) -> None:
    state = State.open(home)
    try:
        for half in Half:
            for name in state.catalogue.names(half):
                heard(name)
                if root_of(state.rows(name)) != state.table_root(name):
                    raise StoreDamaged(home.database, f"the rows of {name} do not give its root")
    finally:
        state.close()
