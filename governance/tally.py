"""Counting votes and judging the count, in whole numbers only.

Rules, in the order they are asked at the close:

1. *Turnout*: fewer voters than ``min_voters`` reject (never more than the electorate has, so that a small chain is not
   locked), and counted power below ``quorum`` of **all** power at the snapshot rejects.
2. *Veto*: veto at or above ``veto`` of the power counted, abstentions included, vetoes.
3. *Threshold*: yes at or above ``threshold`` of yes + no + veto passes; only abstentions reject.

A voter's counted power is its power at the snapshot, cut at ``max_individual_power_percent`` of all power, rounded up
to a whole unit. The quorum is measured against all power uncut; parameters keep the cut at or above every quorum, so
one large voter alone can still make a quorum and no distribution of power locks the chain.
"""

from __future__ import annotations

from enum import StrEnum

from governance.lifecycle import Move
from governance.tracks import Ratio, Track
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


def reaches(part: int, whole: int, share: Ratio) -> bool:
    """Whether ``part`` is at least ``share`` of ``whole``, exactly."""
    return part * share.whole >= whole * share.part


def counted_power(power: int, electors: Electors, track: Track) -> int:
    """What one voter's power counts for under the track's cut."""
    cut = -(-electors.power * track.max_individual_power_percent // 100)
    return min(power, cut)


def is_vetoed(tally: Tally, track: Track) -> bool:
    """Whether veto has reached its share of the counted power."""
    return tally.veto > 0 and reaches(tally.veto, tally.counted, track.veto)


def judge(tally: Tally, electors: Electors, track: Track) -> tuple[Move, str]:
    """What the close makes of the count, and the reason as a stable code."""
    if tally.voters == 0 or tally.voters < min(track.min_voters, electors.voters):
        return Move.REJECTED, "too_few_voters"
    if not reaches(tally.counted, electors.power, track.quorum):
        return Move.REJECTED, "no_quorum"
    if is_vetoed(tally, track):
        return Move.VETOED, "vetoed"
    decided = tally.yes + tally.no + tally.veto
    if decided == 0:
        return Move.REJECTED, "only_abstentions"
    if not reaches(tally.yes, decided, track.threshold):
        return Move.REJECTED, "below_threshold"
    return Move.PASSED, "passed"
