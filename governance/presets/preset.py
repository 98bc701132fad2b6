"""What a preset is made of, and the parts that all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from governance.tracks import TrackRow

MINUTE, HOUR, DAY = 10, 600, 14_400
"""Blocks of 6 seconds."""

BREAKING_ROW = TrackRow(quorum=">= breaking_quorum", threshold=">= breaking_threshold")
EMERGENCY_ROW = TrackRow(
    delay="emergency_delay",
    period="emergency_period",
    timelock="emergency_timelock",
    deposit="0",
    quorum=">= emergency_quorum",
    threshold=">= emergency_threshold",
    cooldown="0",
    power_floor="emergency_power_floor",
    urgent="yes",
)


@dataclass(frozen=True, slots=True)
class Preset:
    """Tracks by name, the tracks of each kind of proposal, and parameters that differ from their defaults."""

    tracks: Mapping[str, TrackRow]
    routes: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, int | Fraction] = field(default_factory=dict)


def routes(upgrade: str, change: str, opinion: str, **others: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The tracks of each kind of proposal, by what a kind does; ``others`` are kinds that go elsewhere.

    A module's data takes the place of what the module holds, so it comes back by the breaking track. What undoes an
    upgrade goes on the emergency track alone; what stops, resumes or cancels something may take its time as well.
    """
    changes = ("parameter_change", "feature_flag", "treasury_spend", "guardian", "tracks", "reviewers")
    stops = ("cancel_upgrade", "pause", "resume", "isolate")
    return {
        "runtime_upgrade": (upgrade, "breaking"),
        "restore_module": ("breaking",),
        **dict.fromkeys(changes, (change,)),
        **dict.fromkeys(stops, ("emergency", change)),
        "rollback": ("emergency",),
        "text": (opinion,),
        **others,
    }
