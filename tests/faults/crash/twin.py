"""The uncrashed twin: what the chain held at each height, and what any opened home is held to against it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from node.rehearsal.rollback import invariant_checks
from storage.blocklog import COMMIT
from storage.checkpoint import damaged_checkpoints, list_checkpoints
from storage.home import Home
from storage.rows import LOG_PREFIX, after_prefix
from storage.signing import LastSigned
from storage.state import State
from storage.tables import Half
from tests.faults.crash.story import STEPS, Player


class Violation(Exception):
    """What was found is not what had to be there; the message says what."""


@dataclass(frozen=True)
class Stand:
    """One height: its three roots together, a digest of every row that all nodes share, and the newest checkpoint."""

    roots: str
    rows: str
    checkpoint: str


@dataclass
class Twin:
    """Every height at which the chain was on disk, by number; ``end`` is the last."""

    stands: dict[int, Stand] = field(default_factory=dict)
    end: int = 0
    turns: list[int] = field(default_factory=list)
    """Heights at which the runtime changes."""

    def note(self, state: State, home: Home) -> None:
        """Write down where the chain stands."""
        self.end = max(self.end, state.height)
        self.stands[state.height] = Stand(*contents_of(state), newest_checkpoint(home))

    def require(self, state: State) -> None:
        """Raise Violation unless the chain stands as the twin did at its height."""
        expected = self.stands.get(state.height)
        roots, rows = contents_of(state)
        if expected is None:
            raise Violation(f"it stands at {state.height}, where the twin never was")
        if roots != expected.roots:
            raise Violation(f"other roots than the twin's at {state.height}")
        if rows != expected.rows:
            raise Violation(f"other rows than the twin's at {state.height}, though the roots are right")

    def to_document(self) -> dict[str, Any]:
        """For a file."""
        stands = {height: [one.roots, one.rows, one.checkpoint] for height, one in self.stands.items()}
        return {"end": self.end, "turns": self.turns, "stands": stands}

    @classmethod
    def of(cls, document: dict[str, Any]) -> Twin:
        """From a file."""
        stands = {int(height): Stand(*one) for height, one in document["stands"].items()}
        return cls(stands, document["end"], document["turns"])


def contents_of(state: State) -> tuple[str, str]:
    """What all nodes hold alike: roots; tables in force, and the block log without signatures."""
    tables = [(name, list(state.rows(name))) for half in Half for name in state.catalogue.names(half)]
    logged = state.log().source.iterate(LOG_PREFIX, after_prefix(LOG_PREFIX))
    log = [row for row in logged if not row[0].startswith(COMMIT)]
    rows = hashlib.blake2b(msgspec.msgpack.encode((tables, log)), digest_size=16)
    head = state.head
    return f"{head.app_root.hex()} {head.host_root.hex()} {head.runtime_root.hex()}", rows.hexdigest()


def newest_checkpoint(home: Home) -> str:
    """The name of the highest listed checkpoint, which begins with its height; empty if there is none."""
    return max((one.name for one in list_checkpoints(home)), default="")


def inspect(root: Path, twin: Twin, promised: int) -> int:
    """Open a home as a node does and hold it to its twin; returns its height.

    ``promised`` is the height that was acknowledged, and signed, before. Raises Violation, or what the opening raises.
    """
    home = Home.open(root)
    with home.lock():
        state = State.open(home)
        try:
            height = state.height
            if height < promised:
                raise Violation(f"it stands at {height}, and {promised} was acknowledged")
            twin.require(state)
        finally:
            state.close()
        signed = LastSigned.open(home.last_signed_file).last.height
        if not promised <= signed <= height:
            raise Violation(f"signed up to {signed}, which is below {promised} as acknowledged or above {height}")
        if damaged := damaged_checkpoints(home):
            raise Violation(f"a listed checkpoint is damaged: {damaged[0]}")
        require_no_copy(home)
        if newest_checkpoint(home) < twin.stands[promised].checkpoint:
            raise Violation(f"the checkpoint {twin.stands[promised].checkpoint} is gone")
        if home.manifest_file.exists():
            json.loads(home.manifest_file.read_text("utf-8"))
    return height


def require_no_copy(home: Home) -> None:
    """Raise Violation if a copy is left on which it was tried to mend the database: nobody would look for it."""
    if home.mending.exists():
        raise Violation(f"{home.mending.name} is left")


def live_on(player: Player, twin: Twin, steps: int = STEPS) -> None:
    """Go on for so many steps, or to the end of the story, held to the twin at each. Raises Violation."""
    for _ in range(steps):
        if player.over:
            break
        player.step()
        twin.require(player.world.application.state)
    if steps < STEPS:
        return
    if player.world.height != twin.end:
        raise Violation(f"it ended at {player.world.height}, the twin at {twin.end}")
    broken = [check.name for check in invariant_checks(player.world) if not check.holds]
    if broken:
        raise Violation(f"at the end {broken[0]} does not hold")
