"""Two gates between a vote and the timelock, where a track asks for them.

*Review.* As many reviewers as the track says approve exactly what was voted for: the bundle's hash and the effect. Who
reviews, a vote names; a reviewer appointed later counts, and an approval counts although its reviewer has been
replaced. A reviewer who objects withholds its approval and says why in the open; there is no call for it.

*Implementation.* Then those who voted yes approve it once more, each with the power it had in the vote, until the
track's share of all yes power has done so. So what runs was looked at again by those who wanted it.

Each gate is open for a number of blocks; with the last approval it asks for, the proposal moves on at the end of that
block, and without, it expires.
"""

from __future__ import annotations

from governance.bars import END, clears
from governance.errors import need, refused
from governance.lifecycle import Move, Status
from governance.progress import advance, keep, proposal_at
from governance.proposals import Proposal, Standing, rules_of
from governance.tables import IMPLEMENTATIONS, REVIEWERS, REVIEWS, VOTES, Approval
from governance.tracks import Track
from runtime.host import HostContext
from runtime.receipts import event
from storage.record import Amount, Data, Hash, Record, field


class Approve(Record):
    """An approval of what was voted for, named like in a vote."""

    proposal: Amount = field(1)
    bundle: Data = field(2, default=b"")
    effect: Hash = field(3)


def passes_gates(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> bool:
    """Whether an approved proposal has all its gates behind it; one that has not moves to its next, or expires."""
    track, status = rules_of(what, standing), Status(standing.status)
    if not is_reviewed(track, standing):
        if status is Status.REVIEW:
            _time_out(context, proposal, what, standing, "not_reviewed")
        else:
            due = context.height + track.review_period
            advance(context, proposal, what, standing, Move.TO_REVIEW, "passed", due=due)
        return False
    if not is_implemented(track, standing):
        if status is Status.IMPLEMENTATION:
            _time_out(context, proposal, what, standing, "not_implemented")
        else:
            due = context.height + track.implementation_period
            advance(context, proposal, what, standing, Move.TO_VOTERS, "reviewed", due=due)
        return False
    return True


def is_reviewed(track: Track, standing: Standing) -> bool:
    """Whether enough reviewers have approved."""
    return standing.reviews >= track.reviews


def is_implemented(track: Track, standing: Standing) -> bool:
    """Whether enough of the power that voted yes has approved once more."""
    return clears(standing.implemented, standing.tally.yes, track.implementation, END)


def review(context: HostContext, args: Approve) -> None:
    """A reviewer's approval."""
    what, standing = proposal_at(context.overlay, args.proposal)
    need(standing.status == Status.REVIEW, "not_in_review", proposal=args.proposal, status=standing.status)
    need(context.overlay.get(REVIEWERS, (context.sender,)) is not None, "not_a_reviewer")
    _require_same(args, what)
    key = (args.proposal, context.sender)
    need(context.overlay.get(REVIEWS, key) is None, "approved_already")
    context.overlay.put(REVIEWS, key, Approval(height=context.height))
    _note(context, args.proposal, what, standing.but(reviews=standing.reviews + 1), "ProposalReviewed")


def approve_implementation(context: HostContext, args: Approve) -> None:
    """A yes voter's approval of what was reviewed."""
    what, standing = proposal_at(context.overlay, args.proposal)
    is_open = standing.status == Status.IMPLEMENTATION
    need(is_open, "not_in_implementation", proposal=args.proposal, status=standing.status)
    _require_same(args, what)
    key = (args.proposal, context.sender)
    vote = context.overlay.get(VOTES, key)
    power = 0 if vote is None else vote.parts[0]
    if not power:
        raise refused("no_yes_vote", proposal=args.proposal)
    need(context.overlay.get(IMPLEMENTATIONS, key) is None, "approved_already")
    context.overlay.put(IMPLEMENTATIONS, key, Approval(height=context.height, power=power))
    _note(
        context, args.proposal, what, standing.but(implemented=standing.implemented + power), "ImplementationApproved"
    )


def _note(context: HostContext, proposal: int, what: Proposal, standing: Standing, kind: str) -> None:
    track = rules_of(what, standing)
    in_review = standing.status == Status.REVIEW
    enough = is_reviewed(track, standing) if in_review else is_implemented(track, standing)
    keep(context, proposal, standing, due=context.height if enough else None)
    context.events.append(event(kind, proposal=proposal, by=context.sender))


def _require_same(args: Approve, what: Proposal) -> None:
    need(args.bundle == what.bundle, "other_bundle", proposal=args.proposal, bundle=what.bundle.hex() or "none")
    need(args.effect == what.effect, "other_effect", proposal=args.proposal, effect=what.effect.hex())


def _time_out(context: HostContext, proposal: int, what: Proposal, standing: Standing, reason: str) -> None:
    advance(context, proposal, what, standing, Move.TIMED_OUT, reason)
