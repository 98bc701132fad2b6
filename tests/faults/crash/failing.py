"""A disk that is full, or fails, at the n-th change: for every n, until a run no longer meets it.

The run ends in a typed error or, where LevelDB tries again by itself, well; what was acknowledged is there, and a node
started on the same files once the disk is sound goes on as its twin.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from storage.errors import StorageError
from storage.home import Home
from storage.levelfiles import log_paths
from tests.faults.crash.entries import SECTOR
from tests.faults.crash.shim import Recorder
from tests.faults.crash.subjects import EngineSubject, Mark, NodeSubject, Subject

FAILURES = {"full": (errno.ENOSPC, True), "failing": (errno.EIO, False)}
"""A full disk stays full; an I/O error comes once, and nothing may be trusted after it."""
GO_ON = 25
"""Every so many attempts the node goes on to the end, not just opens."""
COMMITS = 18, 30
"""Of the engine alone: between these it begins a log by itself, passes a barrier and takes a checkpoint."""


@dataclass
class Attempts:
    """What was done: runs by how they ended, and what was wrong."""

    typed: int = 0
    unharmed: int = 0
    found: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Trial:
    """A run that is made again and again from the same files, each time with another change that fails."""

    name: str
    subject: Subject
    base: Path
    height: int
    """What the files were promised to hold."""
    first: int
    """The first change that fails."""
    run: Callable[[Path, Mark], None]


def trials(recorder: Recorder, seed: int, folder: Path) -> Iterator[Trial]:
    """A node that starts and takes an upgrade, a node that goes back, the engine alone, and the engine with a log whose
    end is torn."""
    node = NodeSubject(seed)
    node.begin(folder / "twin")
    node.live(folder / "twin", lambda height: None)
    first = 1
    for height in node.changes()[:2]:
        base = folder / f"before-{height}"
        node.begin(base)
        node.live(base, lambda reached: None, until=height - 1)
        yield Trial(f"node at {height}", node, base, height - 1, first, node.recover)
        first = _changes_of(recorder, base, node.open)  # the start is the same everywhere
    engine = EngineSubject(seed)
    base, (begun, last) = folder / "engine", COMMITS
    engine.begin(base)
    engine.live(base, lambda commit: None, begun)
    yield Trial("engine", engine, base, begun, 1, lambda root, mark: engine.live(root, mark, last))
    torn = folder / "torn"
    shutil.copytree(base, torn)
    with log_paths(Home(torn).database)[-1].open("ab") as log:
        log.write(bytes(SECTOR) + b"later" * SECTOR)
    yield Trial("torn engine", engine, torn, begun, 1, engine.recover)


def try_all(recorder: Recorder, seed: int, failure: str, folder: Path, tell: Callable[[Attempts], None]) -> Attempts:
    """Let every change of every trial fail once."""
    done = Attempts()
    for trial in trials(recorder, seed, folder):
        for at in count(trial.first):
            wrong = _attempt(recorder, trial, at, failure, folder, done)
            if wrong:
                done.found.append(f"{trial.name}, {failure} at change {at}: {wrong}")
            tell(done)
            if recorder.counted < at:
                break
    return done


def _attempt(recorder: Recorder, trial: Trial, at: int, failure: str, folder: Path, done: Attempts) -> str:
    """What was wrong, or nothing."""
    root, after = folder / f"run-{trial.height}-{at}", folder / "after"
    shutil.copytree(trial.base, root)
    error, lasting = FAILURES[failure]
    promised, wrong = [trial.height], ""
    try:
        with recorder.failing(root, at, error, lasting):
            trial.run(root, promised.append)
        done.unharmed += 1
    except StorageError:
        done.typed += 1
    except Exception as untyped:
        wrong = f"the run ended with {type(untyped).__name__}: {untyped}"
    # A copy, because whatever the failed run left open in this process still holds its locks.
    shutil.copytree(root, after)
    shutil.rmtree(root)
    try:
        trial.subject.inspect(after, max(promised))
        if at % GO_ON == 0:
            trial.subject.live_on(after)
    except Exception as lost:
        wrong = wrong or f"afterwards {type(lost).__name__}: {lost}"
    shutil.rmtree(after)
    return wrong


def _changes_of(recorder: Recorder, base: Path, work: Callable[[Path], None]) -> int:
    """How many changes of the disk some work makes."""
    root = base.with_name("counted")
    shutil.copytree(base, root)
    with recorder.failing(root, 0, 0, False):
        work(root)
    shutil.rmtree(root)
    return recorder.counted
