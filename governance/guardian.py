"""The guardian: one address that stops things at once, for a bounded time, and does nothing else.

A chain begins with one or without; after that only a vote on the ordinary track appoints another or none. The post
gives no power: its holder votes and proposes like anybody who has power. Three host calls are the guardian's, admitted
whatever else happens and, while they wait, ahead of every voter's:

- *cancel* an upgrade, the return of a module's data, a change of parameters, features, tracks or reviewers, or a
  treasury spend, or a batch with one of these in it, from its submission to its effect, at most `guardian_cancels` in
  `guardian_span` blocks. These change what the chain is or owns; a proposal that stops, resumes or undoes something, or
  that fills this post, it cannot touch. So whoever holds the guardian's key can keep neither an upgrade from being
  undone nor himself in office.
- *pause* the chain and *isolate* modules, from the next block on. The first stop begins a *term* of `guardian_span`
  blocks, in which it may stop more, as an incident unfolds. Everything that it stopped runs again with the term's last
  height at the latest. Then it rests for as long as the term was, counted from the term's end, before it can begin
  another one. So whatever it does, and however it mixes pause and isolation, it stops the chain at most half of the
  time, and voters, whose emergency takes a small part of a term, have the say in between: they may make its stop
  theirs (a vote for a longer one), or end it. A vote that resumes anything ends the term at once, since what voters
  have decided the guardian shall not undo; it rests to the height at which it would have anyway. To appoint it again
  is how voters give it back its full time before that.
"""

from __future__ import annotations

from governance.errors import need, refused
from governance.lifecycle import Move, Status, can
from governance.progress import call_off, proposal_at
from governance.proposals import (
    AppointReviewers,
    FeatureSwitch,
    ParameterChange,
    RestoreModule,
    RuntimeUpgrade,
    TreasurySpend,
    acts_of,
)
from governance.tables import GUARDIAN, Guardian
from governance.targets import require_longer, require_running_module
from governance.tracks import ChangeTracks
from runtime.host import HostContext
from runtime.receipts import event
from runtime.safe_mode import WHOLE_CHAIN
from storage.record import Record

GUARDIAN_CANCELS: frozenset[type[Record]] = frozenset(
    {
        RuntimeUpgrade,
        RestoreModule,
        ParameterChange,
        FeatureSwitch,
        TreasurySpend,
        ChangeTracks,
        AppointReviewers,
    }
)
"""Kinds of proposals that the guardian may cancel, also as part of a batch."""
BY = "guardian"
"""The reason that what it did is recorded under."""


def cancel(context: HostContext, proposal: int) -> None:
    """End a proposal before its effect; refuses a kind that the guardian has no say in, and one that has ended."""
    guardian = _sender(context)
    what, standing = proposal_at(context.overlay, proposal)
    may_touch = any(type(act) in GUARDIAN_CANCELS for act in acts_of(what.content.value))
    need(may_touch, "not_the_guardians", proposal=proposal)
    may = can(Status(standing.status), Move.CALLED_OFF)
    need(may, "already_ended", proposal=proposal, status=standing.status)
    span, most = (context.parameters.integer(name) for name in ("guardian_span", "guardian_cancels"))
    if not guardian.cancelled or context.height >= guardian.cancels_since + span:
        guardian = guardian.but(cancels_since=context.height, cancelled=0)
    again = guardian.cancels_since + span
    need(guardian.cancelled < most, "guardian_cancelled_enough", most=most, span=span, again=again)
    context.overlay.put(GUARDIAN, (), guardian.but(cancelled=guardian.cancelled + 1))
    call_off(context, proposal, what, standing, f"cancelled_by_{BY}")


def pause(context: HostContext, until: int) -> None:
    """Pause the chain to the end of height ``until``, 0 for the end of the term."""
    context.coordinator.pause(BY, _stop(context, WHOLE_CHAIN, until))


def isolate(context: HostContext, module: str, until: int) -> None:
    """Isolate a module of the running runtime to the end of height ``until``, 0 for the end of the term."""
    end = _stop(context, module, until)
    require_running_module(context, module)
    context.coordinator.isolate(module, BY, end)


def appoint(context: HostContext, address: bytes | None) -> None:
    """Fill the post with its full time ahead, or leave it empty."""
    if address is None:
        context.overlay.delete(GUARDIAN, ())
    else:
        context.overlay.put(GUARDIAN, (), Guardian(address=address))
    context.events.append(event("GuardianAppointed", guardian=b"" if address is None else address))


def end_term(context: HostContext) -> None:
    """Voters have resumed something: the guardian stops nothing more before it has rested."""
    guardian = context.overlay.get(GUARDIAN, ())
    if guardian is not None and guardian.term_ends > context.height:
        context.overlay.put(GUARDIAN, (), guardian.but(term_ends=context.height))


def in_term(guardian: Guardian, height: int, span: int) -> Guardian | None:
    """The guardian in the term that a stop at ``height`` falls in, a new one if need be; None while it rests."""
    if height <= guardian.term_ends:
        return guardian
    if height < guardian.rests_until:
        return None
    return guardian.but(term_ends=height + span, rests_until=height + 2 * span)


def _sender(context: HostContext) -> Guardian:
    guardian = context.overlay.get(GUARDIAN, ())
    if guardian is None or guardian.address != context.sender:
        raise refused("not_the_guardian")
    return guardian


def _stop(context: HostContext, module: str, until: int) -> int:
    """The last height of a stop that the guardian asks for, once its term is noted."""
    guardian = _sender(context)
    span = context.parameters.integer("guardian_span")
    serving = in_term(guardian, context.height, span)
    if serving is None:
        raise refused("guardian_rests", until=guardian.rests_until)
    end = until or serving.term_ends
    fits = context.height < end <= serving.term_ends
    need(fits, "beyond_the_term", until=until, first=context.height + 1, last=serving.term_ends)
    require_longer(context, module, end)
    context.overlay.put(GUARDIAN, (), serving)
    return end
