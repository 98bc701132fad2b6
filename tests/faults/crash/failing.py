"""A disk that is full, or fails, at the n-th change: for every n, until a run no longer meets it.

The run ends in a typed error or, where LevelDB tries again by itself, well; what was acknowledged is there, and a node
started on the same files once the disk is sound goes on as its twin.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from storage.errors import StorageError
from tests.faults.crash.shim import Recorder
from tests.faults.crash.subjects import EngineSubject, Mark, NodeSubject, Subject

FAILURES = {"full": (errno.ENOSPC, True), "failing": (errno.EIO, False)}
"""A full disk stays full; an I/O error comes once, and nothing may be trusted after it."""
GO_ON = 10
"""Every so many attempts the node goes on to the end, not just opens."""
COMMITS = 34
"""Of the engine alone: a log begun by itself, a barrier, a checkpoint."""

Run = Callable[[Path, Mark], None]


@dataclass
class Attempts:
    """What was done: runs by how they ended, and what was wrong."""

    typed: int = 0
    unharmed: int = 0
    found: list[str] = field(default_factory=list)


def runs(seed: int, folder: Path) -> Iterator[tuple[str, Subject, Path, int, Run]]:
    """Name, subject, folder to begin with, its height, and the run: one for each change of runtime, and the engine."""
    node = NodeSubject(seed)
    node.begin(folder / "twin")
    node.live(folder / "twin", lambda height: None)
    for height in node.changes():
        base = folder / f"before-{height}"
        node.begin(base)
        node.live(base, lambda reached: None, until=height - 1)
        yield f"node at {height}", node, base, height - 1, node.recover
    engine = EngineSubject(seed)
    engine.begin(folder / "engine")
    yield "engine", engine, folder / "engine", 0, lambda root, mark: engine.live(root, mark, COMMITS)


def try_all(recorder: Recorder, seed: int, failure: str, folder: Path, tell: Callable[[Attempts], None]) -> Attempts:
    """Let every change of every run fail once."""
    done = Attempts()
    for name, subject, base, height, run in runs(seed, folder):
        at, reached = 0, True
        while reached:
            at += 1
            wrong, reached = _attempt(recorder, subject, base, height, run, failure, at, done, folder)
            if wrong:
                done.found.append(f"{name}, {failure} at change {at}: {wrong}")
            tell(done)
    return done


def _attempt(
    recorder: Recorder,
    subject: Subject,
    base: Path,
    height: int,
    run: Run,
    failure: str,
    at: int,
    done: Attempts,
    folder: Path,
) -> tuple[str, bool]:
    """What was wrong, or nothing, and whether the failing change was reached."""
    root, after = folder / f"run-{done.typed + done.unharmed}", folder / "after"
    shutil.copytree(base, root)
    error, lasting = FAILURES[failure]
    promised = [height]
    wrong = ""
    try:
        with recorder.failing(root, at, error, lasting):
            run(root, promised.append)
        done.unharmed += 1
    except StorageError:
        done.typed += 1
    except Exception as untyped:
        wrong = f"the run ended with {type(untyped).__name__}: {untyped}"
    # A copy, because whatever the failed run left open in this process still holds its locks.
    shutil.rmtree(after, ignore_errors=True)
    shutil.copytree(root, after)
    shutil.rmtree(root)
    try:
        subject.inspect(after, max(promised))
        if at % GO_ON == 0:
            subject.live_on(after)
    except Exception as lost:
        wrong = wrong or f"afterwards {type(lost).__name__}: {lost}"
    return wrong, recorder.counted >= at
