"""A trial from outside: a fresh process on a copy, limited in time and memory, heard to its end.

The process gets an isolated interpreter, an empty environment, a folder to work in and an order on its standard input;
no key, no socket, no path of the live home. However it ends, a report comes of it: its own, or one that says what
ended it. Only what this machine is at fault for (a full disk, a damaged checkpoint) is raised: it says nothing of the
upgrade.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import monotonic
from typing import IO

from node.trial.checks import STEPS
from node.trial.child import COPY, VECTORS, Order
from node.trial.errors import NothingToTry, TrialImpossible
from node.trial.report import CRASHED, OVER_MEMORY, OVER_TIME, Line, Report, Step, Subject, first_result
from storage.checkpoint import Checkpoint
from storage.faults import fault_of
from storage.home import Home
from storage.module_backup import share
from storage.restore import open_copy

ROOMS = "trying-"
"""Folders of a home that begin so are a trial's, of the process whose id follows."""

_ROOT = str(Path(__file__).resolve().parents[2])
_PROGRAM = f"import sys; sys.path.insert(0, {_ROOT!r}); from node.trial import child; child.main()"
_EARLY_ENDS = {
    OVER_TIME: "its time was up before it began: allow it more",
    OVER_MEMORY: "its memory was used up before it began: allow it more",
}
"""What to do about a process that ended before it said what it is about."""
_NO_MEMORY = (
    "MemoryError",
    "bad_alloc",
    "Cannot allocate memory",
    "Resource temporarily unavailable",  # no room for the stack of a thread
    "can't start new thread",
)
"""What the interpreter, LevelDB and the system say when the address space is used up."""


@dataclass(frozen=True, slots=True)
class TrialLimits:
    """What one trial may use of this machine."""

    seconds: float = 3_600
    memory_bytes: int = 4 << 30
    """Of address space."""


class Trial:
    """One trial's process. `hear` waits for its end; `stop` may be called from any thread, before it and after."""

    def __init__(self, proposal: int, limits: TrialLimits, export: bool = False) -> None:
        self._order = Order(proposal=proposal, memory_bytes=limits.memory_bytes, export=export)
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._ended_for = ""
        self._lock = threading.Lock()

    def stop(self, reason: str = "stopped") -> None:
        """End the process; whoever hears it is told why."""
        with self._lock:
            self._ended_for = self._ended_for or reason
            if self._process is not None:
                self._process.kill()

    def hear(self, room: Path, told: Callable[[Line], None], subject: Subject | None = None) -> Report:
        """Run it to its end on the copy in a room. ``told`` hears each line; ``subject`` is what a report is about if
        the process never says.

        Raises NothingToTry, TrialImpossible.
        """
        began = monotonic()
        timer = threading.Timer(self._limits.seconds, self.stop, (OVER_TIME,))
        timer.start()
        try:
            lines, said = self._lines(room, told)
        except OSError as error:
            raise TrialImpossible("not_started", str(error)) from error
        finally:
            timer.cancel()
        milliseconds = int((monotonic() - began) * 1000)
        return _report(lines, self._code(said), subject, milliseconds, _written(room), _last_words(said))

    def _lines(self, room: Path, told: Callable[[Line], None]) -> tuple[list[Line], str]:
        """What the process writes, line by line, and the end of what it says on standard error."""
        lines: list[Line] = []
        with (room / "stderr").open("wb+") as errors, self._started(room, errors) as process:
            assert process.stdout is not None
            for raw in process.stdout:
                with suppress(ValueError):  # half a line of a process that was killed
                    lines.append(Line.model_validate_json(raw))
                    told(lines[-1])
            process.wait()
            errors.seek(0)
            return lines, errors.read()[-4096:].decode(errors="replace")

    @contextmanager
    def _started(self, room: Path, errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
        with self._lock:
            process = self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=room,
                env={},
                start_new_session=True,  # a Ctrl-C is for the node; the trial ends with it
            )
            if self._ended_for:
                process.kill()
        try:
            assert process.stdin is not None
            with suppress(BrokenPipeError):
                process.stdin.write(self._order.model_dump_json().encode() + b"\n")
                process.stdin.flush()
            yield process
        finally:
            process.kill()
            with suppress(BrokenPipeError):
                process.communicate()

    def _code(self, said: str) -> str:
        """Why the process ended before it had a result; empty when it ended by itself in good order."""
        process = self._process
        if self._ended_for:
            return self._ended_for
        if process is None or process.returncode == 0:
            return ""
        return OVER_MEMORY if _is_of_memory(said) else CRASHED

def _written(room: Path) -> int:
    files = [file.stat() for file in room.rglob("*") if file.is_file() and VECTORS not in file.parts]
    return sum(file.st_size for file in files if file.st_nlink == 1)


def _report(
    lines: list[Line], code: str, subject: Subject | None, milliseconds: int, written: int, said: str
) -> Report:
    about = next((line.about for line in lines if line.about is not None), subject)
    impossible = next((line.impossible for line in lines if line.impossible is not None), None)
    if impossible is not None and _is_of_memory(impossible.message):
        impossible, code = None, OVER_MEMORY
    if impossible is not None:
        raise (TrialImpossible if impossible.machine else NothingToTry)(impossible.code, impossible.message)
    result = next((line.result for line in lines if line.result is not None), None)
    if about is None or code == "stopped":
        raise TrialImpossible(code or CRASHED, _EARLY_ENDS.get(code) or said or "its process ended without a word")
    if result is None:
        result = first_result(about).but(code=code or CRASHED)
    return Report(
        subject=about,
        result=result,
        steps=_steps(lines, result.code, said),
        milliseconds=milliseconds,
        memory_bytes=max((line.memory_bytes for line in lines), default=0),
        disk_bytes=written,
    )


def _is_of_memory(said: str) -> bool:
    return any(word in said for word in _NO_MEMORY)


def _last_words(said: str) -> str:
    """The line that tells why the process ended: the first about memory, else the last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return next(filter(_is_of_memory, lines), lines[-1] if lines else "")


def _steps(lines: list[Line], code: str, detail: str) -> tuple[Step, ...]:
    """Every step: as it was told, as failed if the process ended in it, or as not run."""
    told = {line.step.name: line.step for line in lines if line.step is not None}
    under_way = next((line.at.step for line in reversed(lines) if line.at is not None), STEPS[0][0])
    if under_way not in told:
        told[under_way] = Step(name=under_way, outcome="failed", code=code, detail=detail)
    return tuple(told.get(name) or Step(name=name, outcome="not_run") for name, _ in STEPS)


_rooms = count(1)


@contextmanager
def room_in(home: Home) -> Iterator[Path]:
    """A folder for one trial, on the home's own disk so that the copy shares files with it; gone afterwards."""
    clear_rooms(home)
    room = home.root / f"{ROOMS}{os.getpid()}-{next(_rooms)}"
    try:
        room.mkdir()
    except OSError as error:
        raise fault_of(room, error) from error
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def copy_without_keys(checkpoint: Checkpoint, room: Path) -> None:
    """Put a copy of a checkpoint into a room, without the genesis file, whose seed the keys derive from.

    Raises CheckpointDamaged, DiskFull, DiskError.
    """
    open_copy(checkpoint, room / COPY).genesis_file.unlink(missing_ok=True)


def share_backups(home: Home, room: Path) -> None:
    """Let the copy in a room have what modules of its chain left behind; raises DiskFull, DiskError."""
    share(home, Home(room / COPY))


def clear_rooms(home: Home) -> None:
    """Remove what trials of processes that are gone have left."""
    for room in home.root.glob(f"{ROOMS}*"):
        if not _is_alive(room.name.removeprefix(ROOMS).partition("-")[0]):
            shutil.rmtree(room, ignore_errors=True)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return True
