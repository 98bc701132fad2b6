"""Going on from a checkpoint as another chain: the same state, an id of its own, and nothing that counts on both.

A chain whose height went back must not sign the heights it signed before, and a single machine has nobody to get the
lost blocks from. It can go on as a new chain instead. Its home is a new folder: the checkpoint's database, one
committed change of one host row (chain id, parent root, initial height), and a last-signed record that has signed
nothing. Every signature names its chain, so no transaction and no block of either chain is good on the other.

The change is committed at the checkpoint's own height, as genesis is at its: heights go on without a gap, so all that
is due at the next one happens there. A rollback would replay transactions that are signed for the old chain, so a
checkpoint inside an open rollback window is refused.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from node.errors import ChainIdRefused, NewChainRefused
from runtime.identity import CHAIN, ChainIdentity
from runtime.plans import REPLAYING, WINDOW
from storage.checkpoint import Checkpoint
from storage.headfile import Head
from storage.home import Home
from storage.restore import open_copy
from storage.signing import LastSigned
from storage.state import State

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewChain:
    """A chain that goes on from another's state."""

    home: Home
    identity: ChainIdentity
    head: Head


def begin_new_chain(checkpoint: Checkpoint, root: Path, named: Callable[[str], str]) -> NewChain:
    """Make the home of a new chain in a new or empty folder; ``named`` gives its id from that of the old one.

    Raises ChainIdRefused (bad_chain_id, same_chain_id), NewChainRefused (replay_under_way, window_open),
    CheckpointDamaged, HomeNotEmpty, DiskFull, DiskError. A folder that could not be finished is removed.
    """
    home = open_copy(checkpoint, root)
    try:
        identity, head = _renamed(home, checkpoint, named)
        LastSigned.create(home.last_signed_file)
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise
    return NewChain(home, identity, head)


def _renamed(home: Home, checkpoint: Checkpoint, named: Callable[[str], str]) -> tuple[ChainIdentity, Head]:
    state = State.open(home, (CHAIN, REPLAYING, WINDOW))
    try:
        overlay = state.overlay()
        old = overlay.get(CHAIN, ())
        assert old is not None, "a chain's identity is written at genesis"
        chain_id = named(old.chain_id)
        _require_id(chain_id, old.chain_id)
        window = overlay.get(WINDOW, ())
        if overlay.get(REPLAYING, ()) is not None:
            raise NewChainRefused("replay_under_way", "a rollback is being replayed there: take a height after its end")
        if window is not None:
            heights = f"height {window.activation - 1} or below, or above {window.closes}"
            raise NewChainRefused("window_open", f"an upgrade can still be rolled back there: take one of {heights}")
        identity = old.but(chain_id=chain_id, parent=checkpoint.head.app_root, initial_height=state.height)
        overlay.put(CHAIN, (), identity)
        return identity, state.commit(state.prepare(overlay), state.height, barrier=True, amends=True)
    finally:
        state.close()


def _require_id(chain_id: str, old: str) -> None:
    if not _ID.fullmatch(chain_id):
        why = "take 1 to 64 letters, digits and . _ -, not beginning with one of these three"
        raise ChainIdRefused("bad_chain_id", f"{chain_id[:80]!r} cannot be a chain id: {why}")
    if chain_id == old:
        raise ChainIdRefused("same_chain_id", f"the checkpoint is of {old}: a new chain needs another id")
