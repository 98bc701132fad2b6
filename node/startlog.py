"""Word of a start that lasts, for whoever waits for it: every row is read, a few seconds a million."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

SECONDS = 2.0
"""Between two words, and before the first: most starts say nothing."""

Tell = Callable[..., Any]


class StartLog:
    """Tells how much of the state a start has read, and about how long the rest takes."""

    def __init__(self, tell: Tell, clock: Callable[[], float] = monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._began = self._told = clock()

    def tell(self, done: int, whole: int) -> None:
        """Say how far it is, if it is time to."""
        now = self._clock()
        if now - self._told < SECONDS or not done:
            return
        self._told = now
        left = (now - self._began) * (whole - done) / done
        self._tell("reading_state", percent=done * 100 // whole, seconds_left=round(left))
