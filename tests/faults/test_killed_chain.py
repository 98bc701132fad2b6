"""SIGKILL at any moment: the chain opens again by itself, at a committed height, with the roots of an unkilled twin.

Children are forked from this process, which never opens a database itself, so that a hundred kills take seconds.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import pytest

from node.rehearsal.rollback import invariant_checks
from node.rehearsal.world import World
from runtime.plans import HISTORY
from tests.faults.chain_story import minting_bundle, next_block, story_genesis

KILLS = 100
"""One in four falls while the chain opens, the others after some blocks."""
FORK = multiprocessing.get_context("fork")


def in_child(work: Callable[..., None], *arguments: object) -> multiprocessing.process.BaseProcess:
    """Run work in a child of its own."""
    child = FORK.Process(target=work, args=arguments)
    child.start()
    return child


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


def finish(child: multiprocessing.process.BaseProcess) -> None:
    child.join(300)
    assert child.exitcode == 0


@pytest.mark.timeout(400)
def test_a_chain_killed_a_hundred_times_has_the_roots_of_its_unkilled_twin(tmp_path: Path) -> None:
    chance = random.Random(20190422)
    root, seen = str(tmp_path / "chain"), tmp_path / "seen"
    finish(in_child(begin, root))
    for kill in range(KILLS):
        made = FORK.Value("Q", 0)
        child = in_child(live_on, root, str(seen), made)
        wanted = chance.randrange(12) if kill % 4 else 0
        while made.value < wanted and child.exitcode is None:
            child.join(0.001)
        child.join(chance.random() * (0.01 if wanted else 0.1))
        assert child.exitcode is None, f"before kill {kill} the chain stopped by itself with {child.exitcode}"
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
    finish(in_child(end_of, root, str(tmp_path / "end")))
    height, final, sound = json.loads((tmp_path / "end").read_text(encoding="utf-8"))
    finish(in_child(live_once, str(tmp_path / "twin"), height, str(tmp_path / "twin.json")))
    twin = json.loads((tmp_path / "twin.json").read_text(encoding="utf-8"))
    stood = [json.loads(line) for line in seen.read_text(encoding="utf-8").splitlines()]
    assert len({h for h, _ in stood}) > KILLS // 4, "the kills hit too few different heights"
    assert [twin["roots"][str(h)] for h, _ in stood] == [found for _, found in stood]
    assert (final, sound) == (twin["roots"][str(height)], True)
    assert twin["kinds"] == ["executed", "rolled_back"], "the story was not long enough"
