"""What commands show: one answer on stdout, everything else on stderr, so that `--json` output is one document.

A command computes an `Answer` and returns it; printing happens in one place (scripts/command.py). Progress is for
whatever lasts longer than a second: on a terminal one line that changes, elsewhere a line now and then; where the end
is known it says about how long that takes.
"""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

PATIENCE = 1.0
"""Seconds before the first progress line."""
PAUSE_TERMINAL, PAUSE_LOG = 0.1, 5.0
"""Seconds between two of them, where the line changes in place and where each is a new one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A command's result: for programs and for people."""

    data: Any
    text: str
    exit: int = 0

    def as_json(self) -> str:
        """The document that `--json` prints; bytes are shown as hexadecimal digits."""
        return json.dumps(self.data, indent=2, default=_plain)


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


def columns(rows: Sequence[Sequence[object]], header: Sequence[str] = ()) -> str:
    """Rows as aligned text, each on one line; the last column is not padded."""
    lines = [tuple(printable(str(cell)) for cell in row) for row in ((header, *rows) if header else rows)]
    if not lines:
        return ""
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def printable(text: str) -> str:
    """Text that others wrote, on one line: what would move a terminal's cursor, colour it or turn its direction is
    spelled out, so that no title can look like a line of the answer."""
    if text.isprintable():
        return text
    return "".join(one if _shows(one) else one.encode("unicode_escape").decode("ascii") for one in text)


def _shows(one: str) -> bool:
    return one.isprintable() or unicodedata.category(one) == "Zs"


def span_text(seconds: float) -> str:
    """A span of time in the unit that tells most."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.0f} h"


def note(text: str) -> None:
    """One line for people, on stderr."""
    print(text, file=sys.stderr, flush=True)


@dataclass(slots=True)
class Progress:
    """Progress of one piece of work, silent unless it lasts."""

    what: str
    total: int = 0
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _started: float = field(default_factory=time.monotonic)
    _shown: float = 0.0

    def at(self, done: int, detail: str = "") -> None:
        """Say how far it is, if it is time to."""
        now = time.monotonic()
        pause = PAUSE_TERMINAL if self.stream.isatty() else PAUSE_LOG
        if now - self._started < PATIENCE or now - self._shown < pause:
            return
        self._shown = now
        self._write(self._line(done, detail, now))

    def of(self, done: int, total: int) -> None:
        """Say how far it is of a total that the work itself tells, if it is time to."""
        self.total = total
        self.at(done)

    def end(self) -> None:
        """Leave the line, if one was shown."""
        if self._shown and self.stream.isatty():
            self.stream.write("\n")
            self.stream.flush()

    def _line(self, done: int, detail: str, now: float) -> str:
        part = f" {done * 100 // self.total:3d} %" if self.total else f" {done:,}"
        elapsed = now - self._started
        rest = elapsed * (self.total - done) / done if 0 < done < self.total else 0
        left = f", about {span_text(rest)} left" if rest else ""
        return f"{self.what}{part} ({span_text(elapsed)}{left}) {detail}".rstrip()

    def _write(self, line: str) -> None:
        self.stream.write(f"\r\x1b[K{line}" if self.stream.isatty() else f"{line}\n")
        self.stream.flush()


class Waiting:
    """One progress line for each thing that is waited for."""

    def __init__(self) -> None:
        self._line: Progress | None = None
        self._first = self._aim = 0

    def at(self, what: str, reached: int, aim: int) -> None:
        """Say how far it is."""
        if self._line is None or self._line.what != what or self._aim != aim:
            self.end()
            self._line, self._first, self._aim = Progress(what, max(aim - reached, 1)), reached, aim
        self._line.at(reached - self._first, f"{reached:,} of {aim:,}")

    def end(self) -> None:
        """Leave the present line."""
        if self._line is not None:
            self._line.end()
            self._line = None
