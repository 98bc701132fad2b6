"""Judging a count, in whole numbers only.

Rules, in the order they are asked at the close:

1. *Turnout*: fewer voters than ``min_voters`` reject (never more than the electorate has, so that a small chain is not
   locked), and counted power below ``quorum`` of **all** power at the snapshot rejects.
2. *Veto*: veto at or above ``veto`` of the power counted, abstentions included, vetoes.
3. *Threshold*: yes at or above ``threshold`` of yes + no + veto passes; only abstentions reject.

The quorum is measured against all power, whatever a voter's power is cut to; parameters keep the cut at or above every
quorum, so one large voter alone can still make a quorum and no distribution of power locks the chain.
"""

from __future__ import annotations

from governance.lifecycle import Move
from governance.tally import Electors, Tally
from governance.tracks import Ratio, Track


def reaches(part: int, whole: int, share: Ratio) -> bool:
    """Whether ``part`` is at least ``share`` of ``whole``, exactly."""
    return part * share.whole >= whole * share.part


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
