"""Campaigns below the engine: workers side by side, each with the shim, and a report whatever ends them."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.crash.failing import FAILURES
from tests.faults.crash.shim import build, preloaded

MEMORY = Path("/dev/shm")
"""A disk in memory, where there is one: a crash state is written and thrown away at once."""
ROOT = Path(__file__).resolve().parents[3]


class WorkerFailed(Exception):
    """A worker ended by itself: nothing is known of the states it had still to open."""


Done = dict[str, Any]
"""What a worker has told last: counts by name, and ``found``."""


@dataclass(frozen=True)
class Report:
    """What all workers did, and whether they were stopped before their end."""

    done: tuple[Done, ...]
    interrupted: bool

    def sum(self, name: str) -> int:
        """A count over all workers."""
        return sum(done.get(name, 0) for done in self.done)

    @property
    def found(self) -> list[str]:
        """What was wrong."""
        return [each for done in self.done for each in done.get("found", ())]


Show = Callable[[Report], None]
"""Hears of each step."""


def take_interruptions() -> None:
    """Let SIGINT and SIGTERM end this process's work with what it has, also where a shell without a terminal started
    it in the background and had SIGINT ignored."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)


def workspace() -> Path:
    """Where crash states are laid out by default."""
    return MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())


def crash_states(
    states: int, seed: int, workers: int, folder: Path, keep: Path, show: Show, resume: bool = False
) -> Report:
    """Open so many different states, and a few more; with ``resume`` those count that a run before noted in ``keep``.
    Raises ShimImpossible, WorkerFailed."""
    job = {"work": "examine", "seed": seed, "workers": workers, "keep": str(keep), "resume": resume}
    return _run([{**job, "place": place, "states": -(-states // workers)} for place in range(workers)], folder, show)


def failing_disks(seed: int, folder: Path, show: Show) -> Report:
    """A full disk and an I/O error at every change of a disk. Raises ShimImpossible, WorkerFailed."""
    return _run([{"work": "fail", "seed": seed, "failure": failure} for failure in FAILURES], folder, show)


def _run(jobs: list[dict[str, Any]], folder: Path, show: Show) -> Report:
    with tempfile.TemporaryDirectory() as made:
        environment = preloaded(build(Path(made)))
        command = [sys.executable, "-m", "tests.faults.crash.worker"]
        children = [
            subprocess.Popen(
                [*command, json.dumps({**job, "folder": str(folder)})],
                env=environment,
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # a Ctrl-C is ours to pass on
            )
            for job in jobs
        ]
        try:
            return _watch(children, show)
        finally:
            for child in children:
                child.kill()
                child.wait()
                assert child.stdout is not None
                child.stdout.close()


def _watch(children: list[subprocess.Popen[str]], show: Show) -> Report:
    lines: queue.Queue[tuple[int, str]] = queue.Queue()
    readers = [threading.Thread(target=_read, args=(lines, place, child)) for place, child in enumerate(children)]
    for reader in readers:
        reader.start()
    done: list[Done] = [{} for _ in children]
    running, interrupted = len(children), False
    while running:
        try:
            place, line = lines.get()
            running -= not line
            done[place] = json.loads(line) if line else done[place]
            show(Report(tuple(done), interrupted))
        except KeyboardInterrupt:
            interrupted = True
            for child in children:
                child.send_signal(signal.SIGINT)
    codes = [child.wait() for child in children]
    if any(codes) and not interrupted:
        raise WorkerFailed(f"workers ended with {codes}: what they had still to do is not known")
    return Report(tuple(done), interrupted)


def _read(lines: queue.Queue[tuple[int, str]], place: int, child: subprocess.Popen[str]) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        lines.put((place, line))
    lines.put((place, ""))
