"""The story that is recorded: two upgrades and two ways back, each step of which follows from the state alone.

The first upgrade mints five blocks after it took effect, and probation rolls it back. The second is passed through its
timelock by fast-forward, so that blocks share a sync, and is rolled back by vote. Both replays take several blocks. So
a chain that was cut off anywhere and opened again lives through the rest as its twin did.
"""

from __future__ import annotations

from pathlib import Path

from governance.proposals import Rollback
from node.genesis.document import Genesis
from node.rehearsal.world import World
from node.upkeep import Upkeep
from runtime.bundle.archive import Bundle
from runtime.plans import HISTORY, POSTPONED
from tests.faults.chain_story import minted, minting_bundle, proposed, traffic, upgrade_of, votes
from tests.short_periods import SHORT, short_genesis

AFTERWARDS = 3
"""Blocks after an upgrade or a rollback before the next thing happens."""
STEPS = 200
"""More than the story takes: it must not go on for ever."""
ENDS = ["executed", "rolled_back", "executed", "rolled_back"]


class Player:
    """One chain on its way through the story."""

    def __init__(self, root: Path, genesis: Genesis, bundle: Bundle) -> None:
        self.world = World.open(root, genesis)
        self._bundle = bundle
        self._upkeep = Upkeep(self.world.home, self.world.application, self.world.solo)
        self._upkeep.begin()

    @property
    def over(self) -> bool:
        """Whether all of it happened, and a few blocks more."""
        ended, since = self._ended()
        return ended == ENDS and self.world.height >= since + AFTERWARDS

    def step(self) -> None:
        """Make the next block, or the next run of empty ones."""
        pending = self.world.coordinator().pending()
        if self.world.last_proposal() == 2 and pending is not None and pending[1].activation > self.world.height + 2:
            self.world.solo.fast_forward(pending[1].activation - 2)
            return
        raws = (*self._governance(), *traffic(self.world), *self._mint())
        self._upkeep.after(self.world.solo.make_block(raws))

    def close(self) -> None:
        self.world.close()

    @property
    def turned(self) -> int:
        """The height at which the running runtime came: by an upgrade, or by a rollback."""
        return self.world.coordinator().running().since

    def _ended(self) -> tuple[list[str], int]:
        """What became of plans so far, and the height at which something last did."""
        rows = [(key[0], row.kind) for key, row in self.world.overlay().scan(HISTORY) if row.kind != POSTPONED]
        return [kind for _, kind in rows], rows[-1][0] if rows else 0

    def _governance(self) -> list[bytes]:
        world, last = self.world, self.world.last_proposal()
        ended, since = self._ended()
        quiet = world.height >= since + AFTERWARDS and world.coordinator().replaying() is None
        if last == 0 or (last == 1 and ended == ENDS[:2] and quiet):
            return upgrade_of(world, self._bundle)
        window = world.coordinator().window()
        if last == 2 and ended == ENDS[:3] and quiet and window is not None:
            return [proposed(world, Rollback(upgrade=window.proposal), 0)]
        return votes(world)

    def _mint(self) -> list[bytes]:
        return minted(self.world) if self.world.last_proposal() == 1 else []


def genesis_of(seed: int) -> Genesis:
    """More accounts than a slice of growth takes, and replays of three transactions a block."""
    accounts = 260 + seed % 7 * 4
    return short_genesis(accounts, f"crash-{seed}", {**SHORT, "replay_items": 3, "max_snapshots": 1})


def bundle_of(genesis: Genesis) -> Bundle:
    """The runtime that comes and goes."""
    return minting_bundle(genesis.chain_name)
