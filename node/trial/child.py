"""The program of a trial's process: lines of JSON on standard output, one order on standard input.

It works in the folder that it is started in, on the home that was copied there. It holds no key and knows no path of
the live home. Its address space is limited; its time is its parent's to limit. When standard input ends, its parent is
gone, and so is the trial.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, perf_counter_ns

from governance.attestations import RehearsalResult
from governance.rehearsals import LONGEST_CODE
from node.trial.checks import STEPS, Check
from node.trial.errors import FAULTS, NothingToTry, failure_of
from node.trial.report import At, Impossible, Line, Step, Value, first_result
from node.trial.stage import Stage
from node.trial.turn import subject_of
from runtime.errors import HostTooOld
from storage.errors import StorageError
from storage.home import Home
from storage.state import State

Tell = Callable[[Line], None]

CACHED_ROWS = 1 << 16
"""Small, so that memory tells of the upgrade and not of caches."""
TICK_SECONDS = 0.2
COPY, VECTORS = "copy", "vectors"
"""Folders of the process: the copied home, and what it writes down for others."""


class Order(Value):
    """What to try."""

    proposal: int
    memory_bytes: int
    export: bool = False
    """Write the tables before and after down."""


def main() -> None:
    """Read the order and try it."""
    order = Order.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for limit, value in ((resource.RLIMIT_AS, order.memory_bytes), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(limit, (value, value))
    run(Path.cwd(), order, _say)


def run(folder: Path, order: Order, tell: Tell) -> None:
    """Try an upgrade on the copy in a folder; a fault of this machine is told as such."""
    try:
        state = State.open(Home.open(folder / COPY), cached_rows=CACHED_ROWS)
        try:
            subject = subject_of(state, order.proposal)
            tell(Line(about=subject))
            stage = Stage(state, subject, folder / VECTORS if order.export else None)
            tell(Line(result=_result(stage, tell)))
        finally:
            state.close()
    except HostTooOld as old:
        tell(Line(impossible=Impossible(code=old.code, message=str(old), machine=True)))
    except NothingToTry as nothing:
        tell(Line(impossible=Impossible(code=nothing.code, message=str(nothing), machine=False)))
    except (StorageError, OSError) as fault:
        code = str(getattr(fault, "code", "disk_error"))
        tell(Line(impossible=Impossible(code=code, message=str(fault), machine=True)))


def peak_memory() -> int:
    """The most bytes that this process had in memory at once."""
    try:
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:  # no such file on macOS, whose own figure is in bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # The figure of getrusage would be the parent's where that was larger when it started this process.
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def _result(stage: Stage, tell: Tell) -> RehearsalResult:
    """All steps in order, up to the first that fails."""
    steps = iter(STEPS)
    for name, check in steps:
        step = _step(stage, name, check, tell)
        tell(Line(step=step))
        if step.code:
            for left, _ in steps:
                tell(Line(step=Step(name=left, outcome="not_run")))
            return first_result(stage.subject).but(code=step.code[:LONGEST_CODE])
    return stage.result.but(within_limits=True)


def _step(stage: Stage, name: str, check: Check, tell: Tell) -> Step:
    began, shown = perf_counter_ns(), monotonic()

    def told(done: int, total: int) -> None:
        nonlocal shown
        if monotonic() - shown >= TICK_SECONDS:
            shown = monotonic()
            tell(Line(at=At(step=name, done=done, total=total)))

    tell(Line(at=At(step=name, done=0, total=0)))
    try:
        counts = check(stage, told)
    except HostTooOld:  # of a node of another release the upgrade is not at fault
        raise
    except FAULTS as fault:
        why = failure_of(fault)
        took = (perf_counter_ns() - began) // 1_000_000
        return Step(name=name, outcome="failed", milliseconds=took, code=why.code, file=why.file, line=why.line,
                    detail=why.detail)  # fmt: skip
    took = (perf_counter_ns() - began) // 1_000_000
    return Step(name=name, outcome="passed", milliseconds=took, counts=dict(counts))


def _say(line: Line) -> None:
    measured = line.model_copy(update={"memory_bytes": peak_memory()})
    sys.stdout.buffer.write(measured.model_dump_json(exclude_none=True).encode() + b"\n")
    sys.stdout.buffer.flush()


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):  # not through the buffer, whose lock the interpreter wants at its end
        continue
    os._exit(1)
