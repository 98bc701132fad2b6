"""Crashes a subject everywhere: each state that a crash can leave is opened once and held to the uncrashed run.

Beyond that, of the states that opened right

- at a height where the runtime changes every `CROSS`-th goes a few steps on, across the change;
- every `LIVE_ON`-th goes on to the end of the run;
- every `RECOVER`-th is opened under the recorder, and crashed again at each change that the opening and the next step
  make; of those states every `AGAIN`-th once more.

Each listed checkpoint is read through, once for the same files.

A violation is kept as a folder with the state as it lay on the disk, and all that is needed to look at it again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage.checkpoint import list_checkpoints
from storage.home import Home
from storage.restore import verify
from tests.faults.crash.recording import Crash, Recording, crashes, lay_out
from tests.faults.crash.shim import Recorder
from tests.faults.crash.subjects import EngineSubject, NodeSubject, Subject
from tests.faults.crash.twin import Twin

CROSS = 5
LIVE_ON = 150
RECOVER = 60
AGAIN = 600
MOST_KEPT = 20
"""Violations kept by one worker; more are only counted."""
WHAT = "what.json"
STATE = "state"
DRAWS = (2, 1, 1)
"""Drawn losses at each point, beside the fixed models: in a run, in the recovery from a crash, and in that from a
second one. There is no fourth crash."""


@dataclass
class Tally:
    """What was done so far."""

    points: int = 0
    """Crash points under a model, whether or not another left the same."""
    states: int = 0
    """Different states, each of which was opened."""
    crossed: int = 0
    lived: int = 0
    recoveries: int = 0
    violations: int = 0
    found: list[str] = field(default_factory=list)
    """Folders of the violations kept, and what each is."""


class Enough(Exception):
    """As many states as were wanted."""


class Examiner:
    """Examines subjects one after the other, and adds to ``tally``; ``tell`` hears of it now and then."""

    def __init__(
        self, recorder: Recorder, scratch: Path, keep: Path, tell: Callable[[Tally], None], tally: Tally
    ) -> None:
        self.tally = tally
        self._recorder = recorder
        self._scratch = scratch
        self._keep = keep
        self._tell = tell
        self._seen: set[tuple[bytes, int]] = set()
        self._verified: set[bytes] = set()

    def examine(self, subject: Subject, most: int | None) -> None:
        """Record a subject's run and crash it everywhere; raises Enough after ``most`` states in all, if that is not
        None."""
        live = self._empty("live")
        subject.begin(live)
        run = Recording.of(self._recorder, live, 0, lambda: subject.live(live, self._recorder.mark))
        self._crash(subject, run, 0, most)

    def _crash(self, subject: Subject, run: Recording, depth: int, most: int | None) -> None:
        for crash in crashes(run, subject.seed, DRAWS[depth]):
            self.tally.points += 1
            known = (crash.content, crash.promised)
            if known in self._seen:
                continue
            self._seen.add(known)
            self.tally.states += 1
            self._look(subject, crash, depth, most)
            if self.tally.states % 50 == 0:
                self._tell(self.tally)
            if most is not None and self.tally.states >= most:
                raise Enough

    def _look(self, subject: Subject, crash: Crash, depth: int, most: int | None) -> None:
        number = self.tally.states
        height = self._opened(subject, crash, depth, "inspect", lambda root: self._inspect(subject, crash, root))
        if height is None:
            return
        if subject.turns(height) and number % CROSS == 0:
            self.tally.crossed += 1
            self._opened(subject, crash, depth, "cross", lambda root: subject.live_on(root, whole=False))
        if number % LIVE_ON == 0:
            self.tally.lived += 1
            self._opened(subject, crash, depth, "live on", subject.live_on)
        if depth + 1 < len(DRAWS) and number % (AGAIN if depth else RECOVER) == 0:
            self.tally.recoveries += 1
            self._recover(subject, crash, depth, most)

    def _inspect(self, subject: Subject, crash: Crash, root: Path) -> int:
        height = subject.inspect(root, crash.promised)
        if crash.checkpoints not in self._verified:
            self._verified.add(crash.checkpoints)
            for one in list_checkpoints(Home(root)):
                verify(one, self._empty("verified"))
        return height

    def _recover(self, subject: Subject, crash: Crash, depth: int, most: int | None) -> None:
        runs: list[Recording] = []

        def record(root: Path) -> None:
            work = lambda: subject.recover(root, self._recorder.mark)  # noqa: E731
            runs.append(Recording.of(self._recorder, root, crash.promised, work))

        self._opened(subject, crash, depth, "recover", record)
        for run in runs:
            self._crash(subject, run, depth + 1, most)

    def _opened(self, subject: Subject, crash: Crash, depth: int, way: str, work: Callable[[Path], Any]) -> Any:
        """What ``work`` answers on the crashed state, in a folder of its own; None after a violation."""
        root = self._empty("crashed")
        lay_out(crash.state, root)
        try:
            return work(root)
        except Exception as error:
            self._violation(subject, crash, depth, way, error)
            return None

    def _violation(self, subject: Subject, crash: Crash, depth: int, way: str, error: Exception) -> None:
        self.tally.violations += 1
        if len(self.tally.found) >= MOST_KEPT:
            return
        what = f"{type(error).__name__}: {error}"
        folder = self._keep / f"{subject.kind}-{subject.seed}-{self.tally.states}-{way.replace(' ', '-')}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        lay_out(crash.state, folder / STATE)
        kept = {
            "kind": subject.kind,
            "seed": subject.seed,
            "promised": crash.promised,
            "what": what,
            "way": way,
            "event": crash.at,
            "loss": crash.model,
            "recoveries_before": depth,
            "twin": subject.document(),
        }
        (folder / WHAT).write_text(json.dumps(kept, indent=1), encoding="utf-8")
        self.tally.found.append(f"{folder}: {what}")

    def _empty(self, name: str) -> Path:
        """The path of a folder that is not there."""
        path = self._scratch / name
        with suppress(FileNotFoundError):
            shutil.rmtree(path)
        return path


def look_again(folder: Path, scratch: Path) -> str:
    """Do everything with a kept state once more; what is wrong with it, or nothing."""
    kept = json.loads((folder / WHAT).read_text("utf-8"))
    subject: Subject = EngineSubject(kept["seed"])
    if kept["kind"] == NodeSubject.kind:
        subject = NodeSubject(kept["seed"], Twin.of(kept["twin"]))
    ways: dict[str, Callable[[Path], Any]] = {
        "inspect": lambda root: subject.inspect(root, kept["promised"]),
        "verify": lambda root: [verify(one, scratch / "verified") for one in list_checkpoints(Home(root))],
        "recover": lambda root: subject.recover(root, lambda height: None),
        "live on": subject.live_on,
    }
    for way, work in ways.items():
        root = scratch / way.replace(" ", "-")
        shutil.copytree(folder / STATE, root)
        try:
            work(root)
        except Exception as error:
            return f"{way}: {type(error).__name__}: {error}"
    return ""
