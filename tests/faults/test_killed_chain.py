"""SIGKILL at any moment: the chain opens again by itself, at a committed height, with the roots of an unkilled twin.

Children are forked from a server process that never opens a database: forking beside LevelDB's own threads would leave
children without them. So a hundred kills take seconds.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.killed_children import begin, end_of, live_on, live_once

KILLS = 100
"""One in four falls while the chain opens, the others after some blocks."""
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.faults.killed_children"])


def in_child(work: Callable[..., None], *arguments: object) -> multiprocessing.process.BaseProcess:
    """Run work in a child of its own."""
    child = SERVER.Process(target=work, args=arguments)
    child.start()
    return child


def finish(child: multiprocessing.process.BaseProcess) -> None:
    child.join(300)
    assert child.exitcode == 0


@pytest.mark.timeout(400)
def test_a_chain_killed_a_hundred_times_has_the_roots_of_its_unkilled_twin(tmp_path: Path) -> None:
    chance = random.Random(20190422)
    root, seen = str(tmp_path / "chain"), tmp_path / "seen"
    finish(in_child(begin, root))
    for kill in range(KILLS):
        made = SERVER.Value("Q", 0)
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
