"""A record of what a chain did to its disk, and the crash points in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.crash.disk import FIXED, Disk, State
from tests.faults.crash.shim import Event, Recorder, events_of

MARK = "!"
CHECKPOINTS = "checkpoints/"


@dataclass(frozen=True)
class Recording:
    """The disk before the first event (it is used up by `crashes`), the events, and the height promised before."""

    disk: Disk
    events: list[Event]
    promised: int

    @classmethod
    def of(cls, recorder: Recorder, root: Path, promised: int, work: Callable[[], None]) -> Recording:
        """Record what ``work`` does below a folder; it puts the heights that it promises into the record."""
        disk = Disk(root)
        with recorder.recording(root):
            work()
        return cls(disk, events_of(recorder.taken()), promised)


@dataclass(frozen=True)
class Crash:
    """A power loss after one event, under one model; ``state`` must be used before the next crash is asked for."""

    at: int
    model: str | int
    promised: int
    state: State
    content: bytes
    """Equal for two crashes that leave the same bytes under the same names."""
    checkpoints: bytes
    """The same of the checkpoints alone."""


def crashes(recording: Recording, seed: int, draws: int) -> Iterator[Crash]:
    """Every point of a record under every fixed model, and under so many drawn ones."""
    disk, promised = recording.disk, recording.promised
    for at, event in enumerate(recording.events):
        if event.kind == MARK:
            promised = max(promised, event.number)
        changed = disk.play(event)
        if not changed and event.kind != MARK:
            continue
        models: Sequence[str | int] = (*FIXED, *(seed_of(seed, at, draw) for draw in range(draws)))
        for model in models:
            state = disk.after(model)
            yield Crash(at, model, promised, state, disk.digest(state), disk.digest(state, CHECKPOINTS))


def seed_of(seed: int, at: int, draw: int) -> int:
    """The number that one drawn model follows from."""
    return int.from_bytes(hashlib.blake2b(f"{seed} {at} {draw}".encode(), digest_size=8).digest(), "big")


def lay_out(state: State, root: Path) -> None:
    """Write what a crash left into an empty folder."""
    root.mkdir()
    for path, content in state.contents():
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)
