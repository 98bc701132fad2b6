"""The cut of one voter's power where a proposal turns to another track while votes count.

Votes count by the rules of the track that the proposal is on, the cut among them. Where an expedited vote turns, those
that the regular track cuts otherwise are counted anew in that block, rows and tally together: the count is what it
would be had all been cast on the regular track.

They are noted as they are cast, so that a turn need not look at the others. There are few: such a vote has more power
than the lower cut, at least a hundredth of all, and each unit is voted once, so at most 100 validators have it, and
100 who took it out of validators afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable

from governance.ballots import Vote
from governance.proposals import Proposal, Standing, rules_of
from governance.reading import Rows
from governance.tables import LARGE_VOTES, VOTES, Mark
from governance.tally import Tally, counted_power
from governance.tracks import Track


def note_large(rows: Rows, key: tuple[int, bytes], vote: Vote, what: Proposal, standing: Standing) -> None:
    """Note a vote that counts otherwise once its proposal turns."""
    if what.fallback and not standing.turned:
        regular = counted_power(vote.power, standing.electors, what.fallback[0])
        if regular != vote.weight:
            rows.put(LARGE_VOTES, key, Mark(since=vote.height))


def turned(rows: Rows, proposal: int, what: Proposal, standing: Standing) -> Standing:
    """An expedited vote that has failed, under the regular track's rules."""
    standing = standing.but(turned=True)
    noted = [key for key, _ in rows.scan(LARGE_VOTES, (proposal,))]
    return standing.but(tally=cut_anew(rows, noted, rules_of(what, standing), standing))


def cut_anew(rows: Rows, keys: Iterable[tuple[int, bytes]], track: Track, standing: Standing) -> Tally:
    """The tally with these votes counted under a track's cut, and their rows so."""
    tally = standing.tally
    for key in keys:
        vote = rows.get(VOTES, key)
        assert vote is not None, "a noted vote is there"
        weight = counted_power(vote.power, standing.electors, track)
        cut = vote.but(weight=weight, uncounted=vote.power - weight)
        rows.put(VOTES, key, cut)
        tally = tally.moved(vote.parts, cut.parts)
    return tally
