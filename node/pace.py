"""How long what is counted still takes, by how fast it went lately. For people alone: no block depends on it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic

SPAN = 30.0
"""Seconds looked back over: long enough to level blocks that come between, short enough to follow a change."""
STEP = 1.0
"""Seconds between two marks that are kept."""


class Pace:
    """Follows one count at a time; one that falls is another. Belongs to one thread."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque()
        self._last = 0

    def seconds_left(self, done: int, total: int) -> int | None:
        """Note how far it is, and estimate the rest; 0 at the end, None while nobody can tell."""
        now = self._clock()
        if done < self._last:
            self._marks.clear()
        self._last = done
        if not self._marks or now - self._marks[-1][0] >= STEP:
            self._marks.append((now, done))
        while len(self._marks) > 1 and now - self._marks[0][0] > SPAN:
            self._marks.popleft()
        since, before = self._marks[0]
        if done >= total:
            return 0
        if done == before or now - since < STEP:
            return None
        return round((total - done) * (now - since) / (done - before))
