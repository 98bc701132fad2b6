"""The time in which votes count: it opens when its track has a place, may be extended once, and ends in a decision.

- *Places.* A track with a limit opens no more votes at once; others wait in order, in delay, and a place that becomes
  free is kept for the first of them, which opens at the end of the next block: see `governance.places`.
- *Confirming.* On a track with a confirm period, a count that passes must go on passing that long, votes still
  counting. Where it ceases to, the vote goes on as before, or fails if its time is over. A track that is `early` begins
  to confirm as soon as the count passes, and looks at it whenever a vote changes it or its bars have fallen far enough;
  any other begins at the end of the voting period.
- *Extension, once.* A vote in the last part of the period that makes another outcome of it, or by which the quorum is
  reached, whichever the track says, moves the close so far that this part lies ahead again.
- *Expedited.* Where the vote fails on a track that turns into another, it goes on under the other's rules, counted from
  its beginning, by the same electorate. The votes so far are kept, and count by the other's cut of one voter's power.

Judging a count costs the same however many have voted.
"""

from __future__ import annotations

from governance.bars import Moving, next_participation
from governance.cutting import turned
from governance.electorate import electors_at
from governance.judging import is_quorate, judge, turnout
from governance.lifecycle import Move, Status
from governance.progress import advance, has_place, keep, remark
from governance.proposals import WITH_POWER_BEFORE_UPGRADE, Proposal, Standing, acts_of, rules_of
from governance.reading import moment_at
from governance.tables import PARTICIPATION, Participation
from governance.tally import Tally
from governance.tracks import ON_QUORUM, Track
from runtime.host import HostContext
from runtime.receipts import event
from storage.record import Record


def snapshot_height(context: HostContext, content: Record) -> int:
    """The height whose end fixes the electorate of a vote on ``content`` that begins now."""
    window = context.coordinator.window()
    if window is not None and all(type(act) in WITH_POWER_BEFORE_UPGRADE for act in acts_of(content)):
        return window.activation - 1
    return context.height


def open_vote(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> None:
    """Open a vote whose delay is over, if its track has a place for it."""
    track = what.track
    if not has_place(context, proposal, what, standing):
        return
    snapshot = snapshot_height(context, what.content.value)
    closes = context.height + track.period
    advance(
        context,
        proposal,
        what,
        standing,
        Move.OPENED,
        "voting_opened",
        due=closes,
        opened=context.height + 1,
        closes=closes,
        snapshot=snapshot,
        electors=electors_at(context.overlay, snapshot),
        participation=_participation(context, what),
        placed=True,
    )


def count(context: HostContext, proposal: int, what: Proposal, standing: Standing, tally: Tally) -> None:
    """Keep a new tally of an open vote, extend the vote if it came late, and have it looked at where it may decide."""
    track, counted, due = rules_of(what, standing), standing.but(tally=tally), None
    if standing.status == Status.VOTING and not standing.extended and track.late:
        counted = _extended(context, what, standing, counted)
        due = counted.closes if counted.closes != standing.closes else None
    if track.early or standing.status == Status.CONFIRM:
        due = context.height
    keep(context, proposal, counted, due)
    if counted.closes != standing.closes:
        remark(context, proposal, "extended")
        context.events.append(event("VoteExtended", proposal=proposal, closes=counted.closes))


def vote_due(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> Move | None:
    """Make the move that an open vote is due for; PASSED is returned and left to the caller."""
    track, over = rules_of(what, standing), context.height >= standing.closes
    move, reason = judge(standing.tally, standing.electors, track, moment_at(what, standing, context.height))
    confirming = standing.status == Status.CONFIRM
    if move is Move.PASSED and confirming and context.height < standing.confirms:
        keep(context, proposal, standing, due=standing.confirms)
    elif move is Move.PASSED and not confirming and track.confirm and (over or track.early):
        confirms = context.height + track.confirm
        advance(context, proposal, what, standing, Move.CONFIRMING, reason, due=confirms, confirms=confirms)
    elif move is Move.PASSED and (over or confirming):
        _note_participation(context, standing, track)
        return move
    elif over and track.turns_into and not standing.turned:
        _turn(context, proposal, what, standing, reason)
    elif over:
        _note_participation(context, standing, track)
        advance(context, proposal, what, standing, move, reason)
    elif confirming:
        due = next_look(context, what, standing)
        advance(context, proposal, what, standing, Move.FELL, reason, due=due, confirms=0)
    else:
        keep(context, proposal, standing, due=next_look(context, what, standing))
    return None


def next_look(context: HostContext, what: Proposal, standing: Standing) -> int:
    """The height at whose end an early vote may pass with no vote more, by its bars' fall, by the rules that it has
    turned to, or by the votes that it began with; the close at the latest.

    Bars never rise, so passing is for good while the count stays: the first such height is found by halving."""
    if not rules_of(what, standing).early:
        return standing.closes
    first, last = context.height + 1, standing.closes
    while first < last:
        middle = (first + last) // 2
        moment = moment_at(what, standing, middle)
        if judge(standing.tally, standing.electors, rules_of(what, standing), moment)[0] is Move.PASSED:
            last = middle
        else:
            first = middle + 1
    return last


def _turn(context: HostContext, proposal: int, what: Proposal, standing: Standing, reason: str) -> None:
    closes = max(standing.opened - 1 + what.fallback[0].period, context.height + 1)
    standing = turned(context.overlay, proposal, what, standing).but(closes=closes, confirms=0)
    advance(context, proposal, what, standing, Move.TURNED, reason, due=next_look(context, what, standing))


def _extended(context: HostContext, what: Proposal, before: Standing, after: Standing) -> Standing:
    track, height = rules_of(what, before), context.height
    if track.late_on != ON_QUORUM and height <= before.closes - track.late:
        return after
    moment = moment_at(what, before, height)
    if track.late_on == ON_QUORUM:
        if not is_quorate(after.tally, after.electors, track, moment):
            return after
        return after.but(closes=max(after.closes, height + track.late), extended=True)
    passed = [judge(one.tally, one.electors, track, moment)[0] is Move.PASSED for one in (before, after)]
    return after if passed[0] == passed[1] else after.but(closes=height + track.late, extended=True)


def _participation(context: HostContext, what: Proposal) -> int:
    """What a moving quorum follows, be it that of the track an expedited vote may turn into; before the first vote it
    stands at its most."""
    curves = (track.quorum.curve.value for track in (what.track, *what.fallback))
    moving = next((curve for curve in curves if isinstance(curve, Moving)), None)
    if moving is None:
        return 0
    row = context.overlay.get(PARTICIPATION, ())
    return moving.most if row is None else row.average


def _note_participation(context: HostContext, standing: Standing, track: Track) -> None:
    if isinstance(track.quorum.curve.value, Moving):
        row = context.overlay.get(PARTICIPATION, ())
        before = standing.participation if row is None else row.average
        average = next_participation(before, turnout(standing.tally, track), standing.electors.power)
        context.overlay.put(PARTICIPATION, (), Participation(average=average))
