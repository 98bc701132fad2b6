"""Work by height at the end of a block: drafts lapse, votes open and close, gates time out, approved acts happen.

A proposal has at most one due row, and its state says what is due: see `DUE_IN`. The electorate that a vote counts by
is fixed at the end of the block before its first vote. Inside the rollback window of an upgrade at A, votes to roll
back, cancel, pause, isolate or resume count by the electorate of A-1.

Whose key casts them needs no look back. Keys are the host's: no bundle writes one, and one changes only by a call that
the key before it signed. So inside the window, too, a vote is cast by the key of A-1 or by a key which that one put in
its place, and the new runtime has no say in it. To demand the key of A-1 itself would be worse: it would give votes
back to a key that its owner rotated away because it was stolen, take them from an owner who keeps no old keys, and
stop nobody who means to take an address over, as he would rotate at A-1. So a rotation counts at once, for everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from governance.acts import MOVE_OF_PLAN, PASSING, PREDECESSOR_WAITS, SCHEDULED, act, schedule
from governance.agenda import due_by, pulse_of, refresh_pulse
from governance.errors import refused
from governance.gates import passes_gates
from governance.lifecycle import Move, Status
from governance.progress import advance, give_places, keep, proposal_at, remark
from governance.proposals import Proposal, Standing, rules_of
from governance.stages import go_on, last_vote
from governance.tables import STANDINGS
from governance.voting import open_vote, vote_due
from runtime.errors import BundleUnavailable, HostRefused, UpgradeRefused
from runtime.host import HostContext
from runtime.plans import CLOSED, HISTORY, ROLLED_BACK, VERIFIED

AFTERWARDS = frozenset({VERIFIED, CLOSED, ROLLED_BACK})
"""What may become of an upgrade that took effect."""
TRIES_IN_GRACE = 16
"""An act that cannot happen yet is tried this many times, evenly, before it expires."""


def close_due(context: HostContext) -> None:
    """Make every move that is due, oldest first, within the block's bound."""
    give_places(context)
    next_due = pulse_of(context.overlay).next_due
    if not next_due or next_due > context.height:
        return
    most = context.parameters.integer("closings_per_block")
    for proposal in due_by(context.overlay, context.height, most):
        what, standing = proposal_at(context.overlay, proposal)
        if 0 < standing.due <= context.height:
            DUE_IN[Status(standing.status)](context, proposal, what, standing)
    refresh_pulse(context.overlay)


def note_plans(context: HostContext) -> None:
    """Write what became of an upgrade after its activation, in this block, into the history of its proposal."""
    for (_, plan), entry in list(context.overlay.scan(HISTORY, (context.height,))):
        if entry.kind in AFTERWARDS:
            proposal = context.coordinator.plan(plan).proposal
            remark(context, proposal, entry.kind)
            standing = context.overlay.get(STANDINGS, (proposal,))
            if standing is not None:
                verified = context.height if entry.kind == VERIFIED else standing.verified
                closed = 0 if entry.kind == VERIFIED else context.height
                keep(context, proposal, standing.but(verified=verified, closed=closed))


def _lapse(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> None:
    advance(context, proposal, what, standing, Move.UNFUNDED, "deposit_not_gathered")


def _voted(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> None:
    if vote_due(context, proposal, what, standing) is Move.PASSED:
        _approve(context, proposal, what, standing)


def _approve(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> None:
    if passes_gates(context, proposal, what, standing):
        _start_timelock(context, proposal, what, standing)


def _start_timelock(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> None:
    track = rules_of(what, standing)
    effective = context.height + max(1, track.timelock)
    standing = advance(
        context,
        proposal,
        what,
        standing,
        Move.PASSED,
        "passed",
        due=effective,
        effective=effective,
        expires=effective + track.grace,
    )
    if type(what.content.value) in SCHEDULED and not track.then:
        _schedule(context, proposal, what, standing)


def _schedule(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> None:
    """The plan stands from the close on, so that the new generation can grow during the timelock."""
    if context.runtime.code_hash != what.base:
        advance(context, proposal, what, standing, Move.OVERTAKEN, "another_runtime_runs")
        return
    try:
        plan = schedule(context, proposal, rules_of(what, standing), what)
    except (HostRefused, UpgradeRefused, BundleUnavailable) as refusal:
        advance(context, proposal, what, standing, Move.REFUSED, refusal.code)
        return
    activation = context.coordinator.plan(plan).activation
    keep(context, proposal, standing.but(plan=plan, effective=activation, expires=0), due=activation)


def _take_effect(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> None:
    if standing.plan:
        _follow_plan(context, proposal, what, standing)
        return
    track = rules_of(what, standing)
    if what.base not in (b"", context.runtime.code_hash):
        advance(context, proposal, what, standing, Move.OVERTAKEN, "another_runtime_runs")
        return
    try:
        _require_predecessor(context, what)
        following = 0
        if track.then:
            following = go_on(context, proposal, what, track.then)
        else:
            act(context, proposal, what)
    except (HostRefused, UpgradeRefused) as refusal:
        _try_later(context, proposal, what, standing, refusal.code)
    else:
        done = context.height
        reason = f"goes_on_in_{track.then}" if track.then else "executed"
        advance(context, proposal, what, standing, Move.DONE, reason, verified=done, closed=done, goes_on=following)


def _require_predecessor(context: HostContext, what: Proposal) -> None:
    """Refuse what is to take effect after a proposal that has not, for now or for good."""
    if what.after:
        proposal, before = last_vote(context.overlay, what.after)
        if before.status != Status.EXECUTED:
            code = "predecessor_over" if Status(before.status).is_final else PREDECESSOR_WAITS
            raise refused(code, proposal=proposal, status=before.status)


def _try_later(context: HostContext, proposal: int, what: Proposal, standing: Standing, code: str) -> None:
    if code not in PASSING:
        advance(context, proposal, what, standing, Move.REFUSED, code)
    elif context.height >= standing.expires:
        advance(context, proposal, what, standing, Move.TIMED_OUT, code)
    else:
        again = context.height + max(1, rules_of(what, standing).grace // TRIES_IN_GRACE)
        keep(context, proposal, standing.but(reason=code), due=min(again, standing.expires))


def _follow_plan(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> None:
    """An upgrade ends as its plan ended; one that still waits is looked at again when its turn comes."""
    plan = context.coordinator.plan(standing.plan)
    move = MOVE_OF_PLAN.get(plan.state)
    if move is not None:
        advance(context, proposal, what, standing, move, plan.state)
        return
    activation = max(plan.activation, context.height + 1)
    keep(context, proposal, standing.but(effective=activation), due=activation)


DUE_IN: Mapping[Status, Callable[[HostContext, int, Proposal, Standing], None]] = {
    Status.DEPOSIT: _lapse,
    Status.DELAY: open_vote,
    Status.VOTING: _voted,
    Status.CONFIRM: _voted,
    Status.REVIEW: _approve,
    Status.IMPLEMENTATION: _approve,
    Status.TIMELOCK: _take_effect,
}
