"""How long the blocks that upgrades take effect in kept the chain waiting, as this machine's clock has it.

The home's manifest keeps it beside what the chain knows, so a restart forgets nothing. No two machines tell the same,
and nothing that consensus decides reads it. A node that ended before it could write down what it measured tells none.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from storage.home import Home

PAUSES = "pauses"
"""Where they stand in the manifest."""


@dataclass(frozen=True, slots=True)
class Pause:
    """From the end of the block before to the end of the one at ``height``."""

    height: int
    checkpoint_microseconds: int
    """Taking the checkpoint of the height before."""
    execution_microseconds: int
    """Executing the block, up to its roots."""
    commit_microseconds: int
    """Writing it with its flip, behind a barrier."""

    @property
    def microseconds(self) -> int:
        """All parts together."""
        return self.checkpoint_microseconds + self.execution_microseconds + self.commit_microseconds


def pauses_told(home: Home) -> dict[int, Pause]:
    """What a home's manifest tells, by height; nothing where there is no manifest yet, or a damaged one."""
    try:
        told = json.loads(home.manifest_file.read_text("ascii"))[PAUSES]
        found = [Pause(*(int(one[part]) for part in Pause.__match_args__)) for one in told]
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return {}
    return {one.height: one for one in found}


def to_tell(pauses: Iterable[Pause], heights: Container[int]) -> list[dict[str, Any]]:
    """Those of some heights, for the manifest."""
    return [{part: getattr(one, part) for part in Pause.__match_args__} for one in pauses if one.height in heights]
