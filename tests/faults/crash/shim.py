"""The shim in front of libc (`shim.c`): built once a run, preloaded into a child, and driven from inside that child."""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
COMPILER = "gcc"
PRELOAD = "LD_PRELOAD"
CREATED, EMPTIED, FOLDER = 1, 2, 4
_RECORD = struct.Struct("<ciQII")


class ShimImpossible(Exception):
    """Nothing can be recorded below LevelDB here; the message says why."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change below the folder; what the fields mean is said in `shim.c`."""

    kind: str
    handle: int
    number: int
    path: str
    content: bytes

    @property
    def target(self) -> str:
        """The second path of a rename or link."""
        return self.content.decode()


def missing() -> str:
    """Why the shim cannot be used here; empty where it can."""
    if sys.platform != "linux":
        return "the shim in front of libc is for Linux"
    return "" if shutil.which(COMPILER) else f"{COMPILER}, which builds the shim in front of libc, is not installed"


def build(folder: Path) -> Path:
    """Compile the shim into a folder. Raises ShimImpossible."""
    if why := missing():
        raise ShimImpossible(why)
    made = folder / "shim.so"
    flags = ["-O2", "-Wall", "-Werror", "-shared", "-fPIC"]
    subprocess.run([COMPILER, *flags, "-o", str(made), str(SOURCE), "-ldl", "-lpthread"], check=True)
    return made


def preloaded(shim: Path) -> dict[str, str]:
    """The environment of a child with the shim in front of libc."""
    return {**os.environ, PRELOAD: str(shim)}


class Recorder:
    """The shim of this process, which was started with `preloaded`."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        self._library.disk_taken.restype = ctypes.c_void_p
        self._library.disk_end.restype = ctypes.c_int64

    @contextmanager
    def recording(self, folder: Path) -> Iterator[None]:
        """Record what happens below a folder."""
        self._library.disk_record(os.fsencode(folder.resolve()))
        try:
            yield
        finally:
            self._library.disk_end()

    def mark(self, number: int) -> None:
        """Put a number into the record."""
        self._library.disk_mark(ctypes.c_uint64(number))

    def taken(self) -> bytes:
        """The last record, raw."""
        length = ctypes.c_uint64()
        start = self._library.disk_taken(ctypes.byref(length))
        return ctypes.string_at(start, length.value)

    @contextmanager
    def failing(self, folder: Path, at: int, error: int, lasting: bool) -> Iterator[None]:
        """Let the change number ``at`` below a folder fail, from 1, and with ``lasting`` all that follow."""
        self._library.disk_fail(
            os.fsencode(folder.resolve()), ctypes.c_int64(at), ctypes.c_int(error), ctypes.c_int(lasting)
        )
        try:
            yield
        finally:
            self.counted = int(self._library.disk_end())

    counted: int = 0
    """Changes that the last `failing` block made or tried."""


def events_of(raw: bytes) -> list[Event]:
    """A record, read."""
    found, at = [], 0
    while at < len(raw):
        kind, handle, number, first, second = _RECORD.unpack_from(raw, at)
        middle = at + _RECORD.size + first
        path = raw[middle - first : middle].decode()
        found.append(Event(kind.decode(), handle, number, path, raw[middle : middle + second]))
        at = middle + second
    return found
