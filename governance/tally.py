"""Counting votes, in whole numbers only: what one voter counts for, and the sums kept as votes come.

A voter's counted power is its power at the snapshot, cut at ``max_individual_power_percent`` of all power, rounded up
to a whole unit. What the close makes of the sums stands in `governance.judging`.
"""

from __future__ import annotations

from enum import StrEnum

from governance.tracks import Track
from storage.record import Amount, Record, field


class Option(StrEnum):
    """What a vote can say; the names are also the fields of `Tally`."""

    YES = "yes"
    NO = "no"
    ABSTAIN = "abstain"
    VETO = "veto"


class Tally(Record):
    """Counted power by option, kept as votes come, so that a close costs the same however many voted."""

    yes: Amount = field(1, default=0)
    no: Amount = field(2, default=0)
    abstain: Amount = field(3, default=0)
    veto: Amount = field(4, default=0)
    voters: Amount = field(5, default=0)

    @property
    def counted(self) -> int:
        """All counted power, abstentions included."""
        return self.yes + self.no + self.abstain + self.veto

    def with_vote(self, option: Option, weight: int) -> Tally:
        """The tally after a first vote of a voter."""
        return self._moved(option, weight).but(voters=self.voters + 1)

    def with_change(self, before: Option, option: Option, weight: int) -> Tally:
        """The tally after a voter whose vote was ``before`` changed it; its weight stays the same."""
        return self._moved(before, -weight)._moved(option, weight)

    def _moved(self, option: Option, weight: int) -> Tally:
        return self.but(**{option.value: getattr(self, option.value) + weight})


class Electors(Record):
    """The whole electorate at a height: its power in units and how many have any."""

    power: Amount = field(1, default=0)
    voters: Amount = field(2, default=0)


def counted_power(power: int, electors: Electors, track: Track) -> int:
    """What one voter's power counts for under the track's cut."""
    cut = -(-electors.power * track.max_individual_power_percent // 100)
    return min(power, cut)
