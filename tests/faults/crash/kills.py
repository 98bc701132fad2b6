"""SIGKILL at any moment: the chain opens again by itself, at a committed height, with the roots of an unkilled twin.

Children are forked from a server process that never opens a database: forking beside LevelDB's own threads would leave
children without them. So a hundred kills take seconds.
"""

from __future__ import annotations

import json
import multiprocessing
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.faults.crash.killed_children import begin, end_of, live_on, live_once

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.faults.crash.killed_children"])
LONGEST = 300
"""Seconds that any child may take: more is a hang."""


class Stopped(Exception):
    """A child ended by itself; the message says after how many kills."""


@dataclass(frozen=True)
class Killed:
    """How it went."""

    kills: int
    heights: int
    """Different ones at which the chain stood when it was opened."""
    kinds: tuple[str, ...]
    """What became of upgrades on the way."""
    found: tuple[str, ...]
    """What was wrong."""


def killed(kills: int, seed: int, folder: Path, progress: Callable[[int, int], None]) -> Killed:
    """Kill a chain so often, or until interrupted: one time in four while it opens, else after some blocks.
    Raises Stopped."""
    chance = random.Random(seed)
    root, seen = str(folder / "chain"), folder / "seen"
    _finish(_in_child(begin, root))
    done = 0
    with suppress(KeyboardInterrupt):
        while done < kills:
            _kill_once(root, seen, done, chance)
            done += 1
            progress(done, 0)
    _finish(_in_child(end_of, root, str(folder / "end")))
    height, final, sound = json.loads((folder / "end").read_text(encoding="utf-8"))
    _finish(_in_child(live_once, str(folder / "twin"), height, str(folder / "twin.json")))
    twin = json.loads((folder / "twin.json").read_text(encoding="utf-8"))
    stood = [json.loads(line) for line in seen.read_text(encoding="utf-8").splitlines()]
    other = [at for at, root in [*stood, (height, final)] if twin["roots"][str(at)] != root]
    found = [f"other roots than the twin's at {at}" for at in other]
    found += [] if sound else ["an invariant does not hold at the end"]
    return Killed(done, len({at for at, _ in stood}), tuple(twin["kinds"]), tuple(found))


def _kill_once(root: str, seen: Path, kill: int, chance: random.Random) -> None:
    made = SERVER.Value("Q", 0)
    child = _in_child(live_on, root, str(seen), made)
    try:
        wanted = chance.randrange(12) if kill % 4 else 0
        while made.value < wanted and child.exitcode is None:
            child.join(0.001)
        child.join(chance.random() * (0.01 if wanted else 0.1))
        if child.exitcode is not None:
            raise Stopped(f"before kill {kill + 1} the chain stopped by itself with {child.exitcode}")
    finally:
        child.kill()
        child.join()


def _in_child(work: Callable[..., None], *arguments: object) -> multiprocessing.process.BaseProcess:
    child = SERVER.Process(target=work, args=arguments)
    child.start()
    return child


def _finish(child: multiprocessing.process.BaseProcess) -> None:
    child.join(LONGEST)
    if child.exitcode != 0:
        raise Stopped(f"a child ended with {child.exitcode}")
