"""Proposals that another chain had open, taken up where they stood when this chain begins.

They come through the doors that every proposal comes through, at the height of genesis: submitted and, unless they
still gather their deposit, funded and opened there; then each vote is cast. So every row of theirs is one that a
proposal made here would have. Stated rules:

- *Numbers* stay; the first proposal made here takes the next number of the other chain.
- *Rules* are those it began under, whatever tracks this chain has and changes. It counts as one of the track that a
  text takes here, and takes a place in voting there even if none is left.
- *Time*: votes count, and deposits are taken, up to the height it comes with. What is left of its period is its period.
- *Electorate*: that of genesis. The other chain would count by the stake at the close; here what is moved after
  genesis changes no weight, as in every vote. A vote of an account without power then is left out, as it would be
  refused.
- *Deposits* move from the account that held them on the other chain to the host, and are their depositors'.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from governance import deposits
from governance.ballots import Split, Vote
from governance.casting import enter
from governance.electorate import voting_power_at
from governance.lifecycle import Move, Status
from governance.progress import advance, begin, keep, proposal_at
from governance.proposals import (
    Content,
    MaintenanceWindow,
    Proposal,
    Standing,
    Statement,
    Words,
    said_digest,
)
from governance.ruletext import resolve
from governance.tables import COUNTERS, Counters
from governance.tally import Electors, Tally
from governance.tracks import Track, TrackRow
from governance.tracktable import reading, track_name
from governance.voting import next_look, open_vote
from runtime.host import HostContext


@dataclass(frozen=True, slots=True)
class CarriedVote:
    """A vote cast on the other chain."""

    voter: bytes
    option: str
    split: Split


@dataclass(frozen=True, slots=True)
class Carried:
    """An open proposal of the other chain."""

    number: int
    proposer: bytes
    title: str
    description: str
    rules: TrackRow
    fallback: TrackRow | None
    """The rules that an expedited vote goes on under where it fails."""
    voting: bool
    """Votes count; else it gathers its deposit."""
    ends: int
    """The last height of that, above genesis."""
    deposits: tuple[tuple[bytes, int], ...]
    """Depositor and units."""
    votes: tuple[CarriedVote, ...]


def carry_over(context: HostContext, proposals: Iterable[Carried], purse: bytes, next_number: int) -> None:
    """Open every proposal, in ascending order of their numbers, with the deposits that the account ``purse`` holds."""
    for one in proposals:
        _number_next(context, one.number)
        what = _proposal(context, one)
        standing = Standing(status=Status.DEPOSIT.value, electors=Electors(), tally=Tally())
        number, standing = begin(context, what, standing, due=context.height + what.track.deposit_period)
        assert number == one.number, "proposals come in ascending order"
        for depositor, units in one.deposits:
            context.purse.debit(purse, units)
            standing = deposits.enter(context, number, standing, depositor, units)
        keep(context, number, standing)
        if one.voting:
            standing = advance(context, number, what, standing, Move.FUNDED, "funded")
            open_vote(context, number, what, standing)
            _cast(context, number, one.votes)
    _number_next(context, next_number)


def _number_next(context: HostContext, number: int) -> None:
    counters = context.overlay.get(COUNTERS, ()) or Counters()
    if counters.last != number - 1:
        context.overlay.put(COUNTERS, (), counters.but(last=number - 1))


def _proposal(context: HostContext, one: Carried) -> Proposal:
    content, words = Statement(), Words(title=one.title, description=one.description, window=MaintenanceWindow())
    name, left = track_name(context.overlay, "", content), one.ends - context.height
    track = _track(context, name, one.rules)
    track = track.but(limit=0, **{"period" if one.voting else "deposit_period": left})
    return Proposal(
        proposer=one.proposer,
        submitted=context.height,
        content=Content.of(content),
        words=words,
        track=track,
        effect=said_digest(content, words),
        fallback=() if one.fallback is None else (_track(context, name, one.fallback),),
    )


def _track(context: HostContext, name: str, row: TrackRow) -> Track:
    return resolve(name, row, reading(context.parameters))


def _cast(context: HostContext, number: int, votes: Iterable[CarriedVote]) -> None:
    what, standing = proposal_at(context.overlay, number)
    for one in votes:
        if voting_power_at(context.overlay, one.voter, standing.snapshot):
            vote = Vote(option=one.option, weight=0, height=context.height, split=one.split, own=1)
            _, tally = enter(context.overlay, (number, one.voter), vote, None, what, standing)
            standing = standing.but(tally=tally)
    keep(context, number, standing, due=next_look(context, what, standing))
