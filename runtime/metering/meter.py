"""The meter of one run of bundle code: steps and bytes left, depth, and the last line counted.

Compiled bundle functions take it as a hidden first argument, so runs in several threads never share one. Functions
count their straight line once at entry and loops once a turn, in proportion to the source; host functions pay for
what grows with its operands. A meter belongs to one transaction, hook, migrated record or query.
"""

from __future__ import annotations

from typing import Never

from runtime.metering.faults import OutOfBytes, OutOfSteps, TooDeep
from runtime.metering.limits import MAX_DEPTH


class Meter:
    """Counts down from the limits given; `at` is the bundle's file and the line last counted."""

    __slots__ = ("at", "bytes_left", "bytes_limit", "depth", "steps_left", "steps_limit", "told")

    def __init__(self, steps: int, written: int) -> None:
        self.steps_limit = self.steps_left = steps
        self.bytes_limit = self.bytes_left = written
        self.depth = 0
        self.told = 0
        self.at = ("", 0)

    @property
    def steps(self) -> int:
        """Steps used so far."""
        return self.steps_limit - self.steps_left

    @property
    def written(self) -> int:
        """Bytes written so far, events included."""
        return self.bytes_limit - self.bytes_left

    @property
    def file(self) -> str:
        return self.at[0]

    @property
    def line(self) -> int:
        return self.at[1]

    def pay(self, steps: int) -> None:
        """Count `steps`; raises OutOfSteps when they are not left."""
        self.steps_left -= steps
        if self.steps_left < 0:
            self.exhausted()

    def write(self, size: int) -> None:
        """Count `size` bytes written; raises OutOfBytes when they are not left."""
        self.bytes_left -= size
        if self.bytes_left < 0:
            self.overdrawn()

    def exhausted(self) -> Never:
        """All steps count as used, whatever the last price was."""
        self.steps_left = 0
        raise OutOfSteps

    def overdrawn(self) -> Never:
        """Raise for the limit that was passed, steps before bytes."""
        if self.steps_left < 0:
            self.exhausted()
        self.bytes_left = 0
        raise OutOfBytes

    def enter(self, weight: int, at: tuple[str, int]) -> None:
        """Count a function's straight line and its depth; the compiled function gives the depth back at its end."""
        self.at = at
        self.steps_left -= weight
        if self.steps_left < 0:
            self.exhausted()
        self.deepen()

    def deepen(self) -> None:
        """Count one more function, call or comprehension inside the others; raises TooDeep."""
        if self.depth >= MAX_DEPTH:
            raise TooDeep
        self.depth += 1
