"""What the children that are killed do: begin a chain, live on until killed, tell how it ended."""

from __future__ import annotations

import json
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from node.rehearsal.rollback import invariant_checks
from node.rehearsal.world import World
from runtime.plans import HISTORY
from tests.faults.chain_story import minting_bundle, next_block, story_genesis


def begin(root: str) -> None:
    World.create(Path(root), story_genesis()).close()


def live_on(root: str, seen: str, made: Synchronized[int]) -> None:
    """Open the chain, write down where it stands, and make blocks until killed."""
    genesis = story_genesis()
    world, bundle = World.open(Path(root), genesis), minting_bundle(genesis.chain_name)
    head = world.application.state.head
    with Path(seen).open("a", encoding="utf-8") as file:
        file.write(json.dumps([head.height, head.app_root.hex()]) + "\n")
    while True:
        made.value += 1
        next_block(world, bundle)


def live_once(root: str, until: int, out: str) -> None:
    """The twin: every height's root, and what happened to upgrades, without a single kill."""
    genesis = story_genesis()
    world, bundle = World.create(Path(root), genesis), minting_bundle(genesis.chain_name)
    roots = {0: world.application.state.head.app_root.hex()}
    while world.height < until:
        next_block(world, bundle)
        roots[world.height] = world.application.state.head.app_root.hex()
    kinds = [row.kind for _, row in world.overlay().scan(HISTORY)]
    sound = all(check.holds for check in invariant_checks(world))
    world.close()
    Path(out).write_text(json.dumps({"roots": roots, "kinds": kinds, "sound": sound}), encoding="utf-8")


def end_of(root: str, out: str) -> None:
    world = World.open(Path(root), story_genesis())
    head = world.application.state.head
    sound = all(check.holds for check in invariant_checks(world))
    world.close()
    Path(out).write_text(json.dumps([head.height, head.app_root.hex(), sound]), encoding="utf-8")
