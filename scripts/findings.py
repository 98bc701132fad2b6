"""Checks as people read them: a line each, with what was seen. A check fails, holds, or only tells something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from .console import columns


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to."""

    check: str
    passed: bool | None
    """None where there is something to know and nothing to fail."""
    detail: str


def all_passed(findings: Iterable[Finding]) -> bool:
    """Whether none failed."""
    return all(one.passed is not False for one in findings)


def findings_text(findings: Iterable[Finding]) -> str:
    """A line each."""
    words = {True: "ok", False: "FAILED", None: "note"}
    return columns([(words[one.passed], one.check, one.detail) for one in findings])


def findings_data(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """For programs."""
    return [asdict(one) for one in findings]
