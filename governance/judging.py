"""Judging a count, in whole numbers only.

Rules, in the order they are asked:

1. *Turnout*: fewer voters than ``min_voters`` reject (never more than the electorate has, so that a small chain is not
   locked), and power below ``quorum`` of **all** power at the snapshot rejects. Which votes count for it, the track
   says: all of them, or those for yes and abstain.
2. *Veto*: veto that clears ``veto`` of the power counted, abstentions included, vetoes.
3. *Threshold*: yes that clears ``threshold`` of yes + no + veto passes; only abstentions reject.

Bars may fall while the vote goes on, so a count is judged at a moment of it. The quorum is measured against all power,
whatever a voter's power is cut to; the cut lies at or above what every quorum ends at, so one large voter alone can
still make a quorum and no distribution of power locks the chain.
"""

from __future__ import annotations

from governance.bars import END, Moment, clears
from governance.lifecycle import Move
from governance.tally import Electors, Tally
from governance.tracks import YES_AND_ABSTAIN, Track


def turnout(tally: Tally, track: Track) -> int:
    """The power that counts for the quorum."""
    return tally.yes + tally.abstain if track.turnout == YES_AND_ABSTAIN else tally.counted


def is_quorate(tally: Tally, electors: Electors, track: Track, moment: Moment = END) -> bool:
    """Whether the turnout clears the quorum."""
    return clears(turnout(tally, track), electors.power, track.quorum, moment)


def is_vetoed(tally: Tally, track: Track, moment: Moment = END) -> bool:
    """Whether veto has cleared its bar."""
    return tally.veto > 0 and clears(tally.veto, tally.counted, track.veto, moment)


def judge(tally: Tally, electors: Electors, track: Track, moment: Moment = END) -> tuple[Move, str]:
    """What the count comes to at a moment of the vote, by default its end, and the reason as a stable code."""
    if tally.voters == 0 or tally.voters < min(track.min_voters, electors.voters):
        return Move.REJECTED, "too_few_voters"
    if not is_quorate(tally, electors, track, moment):
        return Move.REJECTED, "no_quorum"
    if is_vetoed(tally, track, moment):
        return Move.VETOED, "vetoed"
    decided = tally.yes + tally.no + tally.veto
    if decided == 0:
        return Move.REJECTED, "only_abstentions"
    if not clears(tally.yes, decided, track.threshold, moment):
        return Move.REJECTED, "below_threshold"
    return Move.PASSED, "passed"
