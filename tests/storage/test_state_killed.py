"""Killed at any moment, a state opens at a committed height with the roots it always has there."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from storage.home import Home
from storage.merkle import Tree
from storage.state import State
from tests.storage.committer import run_block
from tests.storage.small_state import ALL_TABLES, PURSES, new_state

KILLS = 20


class Reference:
    """The same blocks in a process that nobody kills: the root of every height."""

    def __init__(self, root: Path) -> None:
        self._state = new_state(root)
        self._roots = [self._state.head.app_root]

    def root_at(self, height: int) -> bytes:
        while len(self._roots) <= height:
            run_block(self._state, len(self._roots))
            self._roots.append(self._state.head.app_root)
        return self._roots[height]


def kill_one(root: Path, lines: int) -> int:
    """Let a committer tell so many durable heights, then kill it; returns the last height it told."""
    command = [sys.executable, "-m", "tests.storage.committer", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(lines)]
        process.kill()
        told += [int(line) for line in process.stdout.read().split(b"\n")[:-1]]
    return told[-1] if told else 0


def require_whole(state: State) -> None:
    """Every row is in its tree, every tree has exactly its rows, and the log ends with the head."""
    tree = Tree()
    tree.apply(tree.prepare(dict(state.rows(PURSES.name))))
    assert tree.root == state.table_root(PURSES.name)
    assert state.log().last() == (state.height or None)
    assert state.view().height == state.height == state.durable_height


@pytest.mark.faults
def test_a_killed_state_opens_at_a_committed_height(tmp_path: Path) -> None:
    reference = Reference(tmp_path / "reference")
    new_state(tmp_path / "node").close()
    chance, told = random.Random(7), 0
    for _ in range(KILLS):
        told = max(told, kill_one(tmp_path / "node", chance.randrange(12)))
        state = State.open(Home(tmp_path / "node"), ALL_TABLES)
        assert state.height >= told
        assert state.head.app_root == reference.root_at(state.height)
        require_whole(state)
        state.close()
    assert told > KILLS
