"""The only code that moves a proposal: state, history, agenda, counters, deposits and event change together or not.

Everything that happens to a proposal goes through `advance`; what is merely noted in it (a vote, a deposit, another
due height) goes through `keep`. No other code writes standings.
"""

from __future__ import annotations

from typing import Any

from governance.agenda import drop_due, lane_of, put_due
from governance.bundles import let_go, use
from governance.deposits import Burn, settle
from governance.electorate import pin, unpin
from governance.errors import need, refused
from governance.judging import is_vetoed
from governance.leftovers import note_ended
from governance.lifecycle import COOLS, Move, Status, after
from governance.places import leave_place, places_brought, stop_waiting, take_place, wait
from governance.proposals import Proposal, Standing, Step, rules_of, said_digest
from governance.reading import Reader
from governance.tables import (
    COOLING,
    COUNTERS,
    EMERGENCIES,
    HISTORY,
    PROPOSALS,
    PROPOSERS,
    STANDINGS,
    TRACK_STATES,
    Counters,
    Mark,
    OpenEmergency,
    Proposer,
    TrackState,
)
from runtime.host import HostContext
from runtime.receipts import event


def proposal_at(reader: Reader, proposal: int) -> tuple[Proposal, Standing]:
    """Both rows of a proposal; raises HostRefused(unknown_proposal)."""
    what, standing = reader.get(PROPOSALS, (proposal,)), reader.get(STANDINGS, (proposal,))
    if what is None or standing is None:
        raise refused("unknown_proposal", proposal=proposal)
    return what, standing


def begin(context: HostContext, what: Proposal, standing: Standing, due: int) -> tuple[int, Standing]:
    """Give a new proposal its id and its first state, due to lapse at ``due``, and count it as open."""
    overlay = context.overlay
    counters = overlay.get(COUNTERS, ()) or Counters()
    proposal = counters.last + 1
    overlay.put(PROPOSALS, (proposal,), what)
    overlay.put(COUNTERS, (), counters.but(last=proposal))
    _count_open(context, proposal, what, standing, 1)
    context.events.append(event("ProposalSubmitted", proposal=proposal, proposer=what.proposer, title=what.words.title))
    return proposal, _note(context, proposal, standing, "submitted", due)


def keep(context: HostContext, proposal: int, standing: Standing, due: int | None = None) -> None:
    """Write what changed without a move; ``due`` gives it another due height, 0 none."""
    overlay = context.overlay
    if due is not None and due != standing.due:
        if standing.due:
            drop_due(overlay, lane_of(standing.urgent), standing.due, proposal)
        if due:
            put_due(overlay, lane_of(standing.urgent), due, proposal, context.height)
        standing = standing.but(due=due)
    overlay.put(STANDINGS, (proposal,), standing)


def advance(
    context: HostContext,
    proposal: int,
    what: Proposal,
    standing: Standing,
    move: Move,
    reason: str,
    due: int = 0,
    **changes: Any,
) -> Standing:
    """Make a move of the table of moves; returns the standing as written. A final state settles everything."""
    before, status = Status(standing.status), after(Status(standing.status), move)
    moved = standing.but(status=status.value, reason=reason, **changes)
    if status.takes_votes and not before.takes_votes:
        pin(context.overlay, moved.snapshot)
    elif before.takes_votes and not status.takes_votes:
        unpin(context.overlay, standing.snapshot)
        note_ended(context.overlay, proposal, context.height)
    if not status.takes_votes and before is not Status.DEPOSIT:
        moved = _without_place(context, proposal, what, moved)
    if status.is_final:
        moved = settle(context, proposal, what, moved, _burn(what, standing, move, reason)).but(ended=context.height)
        if status in COOLS:
            context.overlay.put(COOLING, (said_digest(what.content.value, what.words),), Mark(since=context.height))
        _count_open(context, proposal, what, moved, -1)
        due = 0
    kind = f"Proposal{status.value.capitalize()}"
    context.events.append(event(kind, proposal=proposal, reason=reason, height=context.height))
    return _note(context, proposal, moved, reason, due)


def has_place(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> bool:
    """Take a place in voting on a proposal's track, unless one was kept for it; where all are taken, it waits."""
    if standing.placed or take_place(context, what.track):
        return True
    wait(context.overlay, what.track.name, context.height, proposal)
    keep(context, proposal, standing.but(queued=context.height), due=0)
    return False


def give_places(context: HostContext) -> None:
    """Have those opened in this block that a change of rules has brought a place."""
    for proposal in places_brought(context):
        _place(context, proposal, context.height)


def call_off(context: HostContext, proposal: int, what: Proposal, standing: Standing, reason: str) -> None:
    """End a proposal before its effect, and its plan with it; raises UpgradeRefused where the plan cannot end."""
    if standing.plan:
        context.coordinator.cancel(standing.plan, reason)
    advance(context, proposal, what, standing, Move.CALLED_OFF, reason)


def remark(context: HostContext, proposal: int, reason: str) -> None:
    """Add a line to a proposal's history without moving it, such as that its upgrade was rolled back.

    A plan that was scheduled without governance names no proposal; then there is nothing to write to.
    """
    standing = context.overlay.get(STANDINGS, (proposal,))
    if standing is not None:
        _note(context, proposal, standing, reason, standing.due)


def require_room(context: HostContext, urgent: bool) -> None:
    """Refuse one more open proposal than the chain, or this proposer, may have."""
    overlay = context.overlay
    if urgent:
        row = overlay.get(EMERGENCIES, (context.sender,))
        need(row is None, "one_emergency_each", open=0 if row is None else row.proposal)
        return
    own = (overlay.get(PROPOSERS, (context.sender,)) or Proposer()).open
    for count, limit in (
        (own, "max_open_per_proposer"),
        ((overlay.get(COUNTERS, ()) or Counters()).open, "max_open_proposals"),
    ):
        most = context.parameters.integer(limit)
        need(count < most, "too_many_open", count=count, most=most)


def _burn(what: Proposal, standing: Standing, move: Move, reason: str) -> Burn:
    """What the end of a proposal burns of its deposit, by its track's rules. A cancellation that would evade a
    veto burns what the veto would have burned."""
    track = rules_of(what, standing)
    ends = {move.value, reason}
    if move in (Move.WITHDRAWN, Move.CALLED_OFF) and is_vetoed(standing.tally, track):
        ends.add(Move.VETOED.value)
    share = track.cancel_burn if move is Move.WITHDRAWN else None
    return Burn(not ends.isdisjoint(track.burns.split()), not ends.isdisjoint(track.burns_initial.split()), share)


def _without_place(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> Standing:
    """Give up the place in voting, or in the queue for one; who has it then opens in the next block."""
    if standing.queued:
        stop_waiting(context.overlay, what.track.name, standing.queued, proposal)
    if standing.placed:
        following = leave_place(context, what.track)
        if following is not None:
            _place(context, following, context.height + 1)
    return standing.but(queued=0, placed=False)


def _place(context: HostContext, proposal: int, due: int) -> None:
    _, waiting = proposal_at(context.overlay, proposal)
    keep(context, proposal, waiting.but(queued=0, placed=True), due)


def _note(context: HostContext, proposal: int, standing: Standing, reason: str, due: int = 0) -> Standing:
    step = standing.steps + 1
    context.overlay.put(HISTORY, (proposal, step), Step(height=context.height, status=standing.status, reason=reason))
    keep(context, proposal, standing.but(steps=step), due)
    return standing.but(steps=step, due=due)


def _count_open(context: HostContext, proposal: int, what: Proposal, standing: Standing, change: int) -> None:
    overlay, key = context.overlay, (what.proposer,)
    state = overlay.get(TRACK_STATES, (what.track.name,)) or TrackState()
    overlay.put(TRACK_STATES, (what.track.name,), state.but(open=state.open + change))
    if what.bundle:
        (use if change > 0 else let_go)(overlay, what.bundle)
    if standing.urgent:
        if change > 0:
            overlay.put(EMERGENCIES, key, OpenEmergency(proposal=proposal))
        else:
            overlay.delete(EMERGENCIES, key)
        return
    counters = overlay.get(COUNTERS, ()) or Counters()
    overlay.put(COUNTERS, (), counters.but(open=counters.open + change))
    own = (overlay.get(PROPOSERS, key) or Proposer()).open + change
    if own:
        overlay.put(PROPOSERS, key, Proposer(open=own))
    else:
        overlay.delete(PROPOSERS, key)
