"""A writer killed at any moment: what it acknowledged is there, whole commits only, checkpoints included."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.checkpoint import list_checkpoints
from storage.home import Home
from storage.restore import verify
from tests.storage.small_home import content_at, new_home, open_whole

pytestmark = pytest.mark.faults

WRITER = """
import sys
from pathlib import Path
from storage.checkpoint import create
from storage.engine import Engine
from storage.headfile import Head, settle_head
from storage.home import Home
from storage.retention import prune
from storage.rows import META_KEY
from tests.storage.small_home import commit_up_to
home = Home.open(Path(sys.argv[1]))
home.lock()
engine = Engine.open(home.database, buffer_bytes=64 << 10)
commit = settle_head(home.head_file, Head.from_bytes(engine.get(META_KEY))).commit
while True:
    commit += 1
    commit_up_to(home, engine, commit, commit, size=120)
    print(commit, flush=True)
    if commit % 7 == 0:
        create(home, "test")
        prune(home, 2, {})
    if commit % 10 == 0:
        engine.barrier()
"""


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    home, engine = new_home(tmp_path / "node")
    engine.close()
    chance = random.Random(7)
    for _ in range(12):
        last = run_and_kill(home, chance.randrange(1, 40), chance.random() / 200)
        head, rows = open_whole(home)
        assert head.commit in (last, last + 1)
        assert rows == content_at(head.commit, 120)
    for checkpoint in list_checkpoints(home):
        assert verify(checkpoint, tmp_path / "scratch") == checkpoint.head


def run_and_kill(home: Home, commits: int, patience: float) -> int:
    """The last commit acknowledged before the kill."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(home.root)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(commits)]
        try:
            writer.wait(patience)
        except subprocess.TimeoutExpired:
            writer.send_signal(signal.SIGKILL)
        return int([*lines, *writer.stdout.read().splitlines()][-1])
