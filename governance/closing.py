"""Work by height at the end of a block: drafts lapse, votes open and close, approved acts happen.

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

from governance.acts import MOVE_OF_PLAN, PASSING, act, schedule
from governance.agenda import due_by, pulse_of, refresh_pulse
from governance.electorate import electors_at
from governance.judging import judge
from governance.lifecycle import Move, Status
from governance.progress import advance, keep, proposal_at, remark
from governance.proposals import WITH_POWER_BEFORE_UPGRADE, Proposal, RuntimeUpgrade, Standing
from runtime.errors import BundleUnavailable, HostRefused, UpgradeRefused
from runtime.host import HostContext
from runtime.plans import CLOSED, HISTORY, ROLLED_BACK, VERIFIED
from storage.record import Record

AFTERWARDS = frozenset({VERIFIED, CLOSED, ROLLED_BACK})
"""What may become of an upgrade that took effect."""
TRIES_IN_GRACE = 16
"""An act that cannot happen yet is tried this many times, evenly, before it expires."""


def close_due(context: HostContext) -> None:
    """Make every move that is due, oldest first, within the block's bound."""
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
            remark(context, context.coordinator.plan(plan).proposal, entry.kind)


def snapshot_height(context: HostContext, content: Record) -> int:
    """The height whose end fixes the electorate of a vote on ``content`` that begins now."""
    window = context.coordinator.window()
    if window is not None and type(content) in WITH_POWER_BEFORE_UPGRADE:
        return window.activation - 1
    return context.height


def _lapse(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> None:
    advance(context, proposal, what, standing, Move.UNFUNDED, "deposit_not_gathered")


def _open(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> None:
    snapshot = snapshot_height(context, what.content.value)
    closes = context.height + what.track.period
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
    )


def _close(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> None:
    move, reason = judge(standing.tally, standing.electors, what.track)
    if move is not Move.PASSED:
        advance(context, proposal, what, standing, move, reason)
        return
    effective = context.height + max(1, what.track.timelock)
    expires = effective + what.track.grace
    standing = advance(
        context, proposal, what, standing, move, reason, due=effective, effective=effective, expires=expires
    )
    content = what.content.value
    if isinstance(content, RuntimeUpgrade):
        _schedule(context, proposal, what, content, standing)


def _schedule(context: HostContext, proposal: int, what: Proposal, content: RuntimeUpgrade, standing: Standing) -> None:
    """The plan stands from the close on, so that the new generation can grow during the timelock."""
    if context.runtime.code_hash != what.base:
        advance(context, proposal, what, standing, Move.OVERTAKEN, "another_runtime_runs")
        return
    try:
        plan = schedule(context, proposal, what, content)
    except (HostRefused, UpgradeRefused, BundleUnavailable) as refusal:
        advance(context, proposal, what, standing, Move.REFUSED, refusal.code)
        return
    activation = context.coordinator.plan(plan).activation
    keep(context, proposal, standing.but(plan=plan, effective=activation, expires=0), due=activation)


def _take_effect(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> None:
    if standing.plan:
        _follow_plan(context, proposal, what, standing)
        return
    try:
        act(context, proposal, what)
    except (HostRefused, UpgradeRefused) as refusal:
        _try_later(context, proposal, what, standing, refusal.code)
    else:
        advance(context, proposal, what, standing, Move.DONE, "executed")


def _try_later(context: HostContext, proposal: int, what: Proposal, standing: Standing, code: str) -> None:
    if code not in PASSING:
        advance(context, proposal, what, standing, Move.REFUSED, code)
    elif context.height >= standing.expires:
        advance(context, proposal, what, standing, Move.TIMED_OUT, code)
    else:
        again = context.height + max(1, what.track.grace // TRIES_IN_GRACE)
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
    Status.DELAY: _open,
    Status.VOTING: _close,
    Status.TIMELOCK: _take_effect,
}
