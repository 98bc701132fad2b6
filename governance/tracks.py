"""Tracks: the rules a proposal is decided by, as one table of data.

A row names, for each rule, the chain parameter that holds its value (or a constant). A proposal copies the values when
it is submitted and keeps them to its end, so no proposal can change the rules of its own vote.

An upgrade whose effect is breaking, or that has a migration without a reverse, takes the `breaking` track; stopping or
undoing one takes `emergency`, which asks for no deposit but for a proposer with a floor of power, and for more
agreement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from runtime.parameters import ParameterReader
from storage.record import Amount, Record, Text, field


class Ratio(Record):
    """``part / whole``, exact."""

    part: Amount = field(1, default=0)
    whole: Amount = field(2)


class Track(Record):
    """The rules of one proposal, fixed when it was submitted. Periods are in blocks, deposits in units."""

    name: Text = field(1)
    delay: Amount = field(2)
    period: Amount = field(3)
    timelock: Amount = field(4)
    grace: Amount = field(5)
    deposit: Amount = field(6)
    """Units to gather before voting can begin; 0 asks for power instead."""
    deposit_period: Amount = field(7)
    quorum: Ratio = field(8)
    threshold: Ratio = field(9)
    veto: Ratio = field(10)
    min_voters: Amount = field(11)
    max_individual_power_percent: Amount = field(12)
    power_floor: Ratio = field(13)
    """Share of all power the proposer must hold; 0 where a deposit is asked for."""


@dataclass(frozen=True, slots=True)
class TrackRow:
    """Where each rule of a track comes from: a parameter's name, or a constant."""

    delay: str | int = "voting_delay"
    period: str | int = "voting_period"
    timelock: str | int = "timelock_delay"
    grace: str | int = "grace_period"
    deposit: str | int = "min_deposit"
    deposit_period: str | int = "deposit_period"
    quorum: str | int = "quorum_threshold"
    threshold: str | int = "approval_threshold"
    veto: str | int = "veto_threshold"
    min_voters: str | int = "min_voters"
    max_individual_power_percent: str | int = "max_individual_power_percent"
    power_floor: str | int = 0


TRACKS: Mapping[str, TrackRow] = MappingProxyType(
    {
        "ordinary": TrackRow(),
        "upgrade": TrackRow(),
        "breaking": TrackRow(quorum="breaking_quorum", threshold="breaking_threshold"),
        "opinion": TrackRow(timelock=0),
        "emergency": TrackRow(
            delay="emergency_delay",
            period="emergency_period",
            timelock="emergency_timelock",
            deposit=0,
            quorum="emergency_quorum",
            threshold="emergency_threshold",
            power_floor="emergency_power_floor",
        ),
    }
)

EMERGENCY = "emergency"
BREAKING = "breaking"
RATIOS = ("quorum", "threshold", "veto", "power_floor")


def track_now(name: str, parameters: ParameterReader) -> Track:
    """The track's rules under the parameters of this height; raises KeyError for a name that TRACKS lacks."""
    row = TRACKS[name]
    rules: dict[str, Any] = {}
    for rule in fields(TrackRow):
        source = getattr(row, rule.name)
        if rule.name in RATIOS:
            share = parameters.ratio(source) if isinstance(source, str) else Fraction(source)
            rules[rule.name] = Ratio(part=share.numerator, whole=share.denominator)
        else:
            rules[rule.name] = parameters.integer(source) if isinstance(source, str) else source
    return Track(name=name, **rules)


def earliest_effect(track: Track, submitted: int) -> int:
    """The first height at which a proposal submitted at ``submitted`` with its whole deposit can take effect."""
    return submitted + track.delay + track.period + max(1, track.timelock)
