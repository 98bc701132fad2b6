"""Versions of a runtime, and which may follow which.

A version is three numbers. A higher major may break (it carries a migration), a minor or patch may not. An upgrade
goes strictly forward and never over a whole major: the migrations between two majors are written one major at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from runtime.errors import VersionInvalid

_FORM = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class RuntimeVersion:
    """``major.minor.patch``, ordered as three numbers."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``1.4.0``; raises VersionInvalid for anything that `str` would not write."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise VersionInvalid(text)
        return cls(*(int(part) for part in found.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def is_compatible(self, other: RuntimeVersion) -> bool:
        """Whether what was written for ``other`` works under this version: same major, and not older."""
        return self.major == other.major and self >= other

    def can_upgrade_to(self, other: RuntimeVersion) -> bool:
        """Whether ``other`` may replace this version: strictly newer, at most one major higher."""
        return self < other and other.major <= self.major + 1
