"""Plays the story of `tests.faults.chain_story` and prints, as JSON, everything that nodes must agree on.

    python -m tests.determinism.same_story FOLDER BLOCKS [--restart] [--restore] [--core COPY]

For each height: the three roots and every receipt with its code, file, line, steps and bytes. Before the activation:
what validators would attest of a trial of it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from governance.attestations import RehearsalResult
from node.application import Application
from node.rehearsal.world import World
from node.trial.child import COPY
from node.trial.process import Trial, TrialLimits, room_in
from runtime.bundle.archive import pack
from runtime.plans import HISTORY
from storage.codec import codec_of
from storage.home import Home
from storage.restore import open_copy_of_running, restore
from storage.signing import LastSigned
from tests.faults.chain_story import minting_bundle, next_block, story_genesis


def agreed(world: World) -> list[Any]:
    """What must be equal at the present height."""
    head, log = world.application.state.head, world.application.state.log()
    receipts = [raw.hex() for raw in log.receipts(head.height)] if head.height else []
    seconds = {place: raw.hex() for place, raw in sorted(log.second_receipts(head.height).items())}
    return [head.height, head.app_root.hex(), head.host_root.hex(), head.runtime_root.hex(), receipts, seconds]


def begin(folder: Path, core: Path | None) -> World:
    """A new chain, its genesis bundle packed from a copy of the core if one is given."""
    genesis = story_genesis()
    if core is None:
        return World.create(folder, genesis)
    home = Home.create(folder)
    home.genesis_file.write_bytes(genesis.canonical())
    Application.init_chain(home, genesis, pack(core, chain=genesis.chain_name))
    LastSigned.create(home.last_signed_file)
    return World.open(folder, genesis)


def again(world: World, folder: Path) -> World:
    """Close the chain and open it anew."""
    world.close()
    return World.open(folder, story_genesis())


def restored(world: World, folder: Path) -> World:
    """Take a checkpoint, restore it into the same home, and open that."""
    taken = world.application.checkpoint("test")
    world.close()
    restore(taken, Home.open(folder))
    return World.open(folder, story_genesis())


def tried(world: World) -> str:
    """The bytes that a trial of the upgrade comes to, made when it is five blocks away; empty at other heights."""
    pending = world.coordinator().pending()
    if pending is None or pending[1].activation != world.height + 5:
        return ""
    with room_in(world.home) as room:
        open_copy_of_running(world.home, room / COPY)
        report = Trial(pending[1].proposal, TrialLimits()).hear(room, lambda line: None)
    assert report.passed, report.failed_step
    return codec_of(RehearsalResult).encode(report.result).hex()


def main() -> None:
    reader = argparse.ArgumentParser()
    reader.add_argument("folder", type=Path)
    reader.add_argument("blocks", type=int)
    reader.add_argument("--restart", action="store_true", help="restart the node at every block")
    reader.add_argument("--restore", action="store_true", help="restore a checkpoint at every fifth block")
    reader.add_argument("--core", type=Path, help="a copy of runtime/core, spoiled after genesis")
    given = reader.parse_args()
    world, bundle = begin(given.folder, given.core), minting_bundle(story_genesis().chain_name)
    if given.core is not None:
        for source in given.core.glob("*.py"):
            source.write_text('"""Nothing is left here."""\n', encoding="utf-8")
        world = again(world, given.folder)
    told, attested = [agreed(world)], ""
    while world.height < given.blocks:
        next_block(world, bundle)
        told.append(agreed(world))
        attested = attested or tried(world)
        if given.restart:
            world = again(world, given.folder)
        if given.restore and world.height % 5 == 0:
            world = restored(world, given.folder)
    kinds = [row.kind for _, row in world.overlay().scan(HISTORY)]
    world.close()
    json.dump({"heights": told, "kinds": kinds, "attested": attested}, sys.stdout)


if __name__ == "__main__":
    main()
