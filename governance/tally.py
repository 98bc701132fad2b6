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


Parts = tuple[int, int, int, int]
"""Counted power for yes, no, abstain and veto."""
NOTHING: Parts = (0, 0, 0, 0)


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

    def moved(self, before: Parts, after: Parts, voters: int = 0) -> Tally:
        """The tally once what a voter added is ``after`` instead of ``before``; ``voters`` are new ones."""
        return Tally(
            yes=self.yes - before[0] + after[0],
            no=self.no - before[1] + after[1],
            abstain=self.abstain - before[2] + after[2],
            veto=self.veto - before[3] + after[3],
            voters=self.voters + voters,
        )


class Electors(Record):
    """The whole electorate at a height: its power in units and how many validators have any."""

    power: Amount = field(1, default=0)
    voters: Amount = field(2, default=0)


def counted_power(power: int, electors: Electors, track: Track) -> int:
    """What one voter's power counts for under the track's cut."""
    cut = -(-electors.power * track.max_individual_power_percent // 100)
    return min(power, cut)
