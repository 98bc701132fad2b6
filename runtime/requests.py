"""What governance asks the coordinator to schedule, once a vote has approved it.

A request names the earliest height at which it may take effect. The coordinator sets the height: it moves it beyond
any open rollback window, and beyond that of a plan whose turn comes first.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime.bundle.declarations import RuntimeDeclaration
from runtime.bundle.effect import Effect


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """An approved bundle, its effect as fixed at submission, and when."""

    proposal: int
    code_hash: bytes
    effect: Effect
    declaration: RuntimeDeclaration
    activation: int
    """Earliest activation height; it moves later when a window or another plan is in the way."""
    gated: bool = False
    """Whether it takes effect only once it is cleared."""


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """An approved return of a module's data, as `runtime.restoring` admits it."""

    proposal: int
    backup: bytes
    """Digest of the data."""
    effect: bytes
    """Digest of what was approved."""
    activation: int
    """Earliest height, as for an upgrade."""
    gated: bool = False
    """As for an upgrade."""
