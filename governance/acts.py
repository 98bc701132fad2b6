"""What an approved proposal does when its turn comes: one function a kind, effects only after every check.

An act that refuses has changed nothing. A refusal in `PASSING` may be over later, so it is tried again within the
grace period; any other ends the proposal `failed`. An upgrade, and the return of a module's data, is handed to the
coordinator at the close and ends as its plan ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from governance.admission import read_restore, read_upgrade
from governance.bundles import keep_for_good
from governance.errors import need
from governance.guardian import appoint, end_term
from governance.lifecycle import Move, Status
from governance.places import note_rules_changed
from governance.progress import call_off, proposal_at, remark
from governance.proposals import (
    AppointGuardian,
    AppointReviewers,
    Batch,
    CancelUpgrade,
    FeatureSwitch,
    Isolate,
    ParameterChange,
    Pause,
    Proposal,
    RestoreModule,
    Resume,
    Rollback,
    RuntimeUpgrade,
    Statement,
    TreasurySpend,
)
from governance.rulechange import new_tracks, new_values
from governance.tables import REVIEWERS, Mark
from governance.targets import require_feature, require_running_module
from governance.tracks import ChangeTracks, Track
from governance.tracktable import put_tracks
from runtime.address import module_address
from runtime.errors import HostRefused, UpgradeRefused
from runtime.host import HostContext
from runtime.plans import CANCELLED, CLOSED, EXECUTED, EXPIRED, FAILED, ROLLED_BACK, SUPERSEDED, VERIFIED
from runtime.receipts import event
from runtime.requests import PlanRequest, RestoreRequest
from storage.record import Record

TREASURY = module_address("treasury")
PREDECESSOR_WAITS = "predecessor_waits"
PASSING = frozenset({"insufficient_funds", PREDECESSOR_WAITS})
"""Refusals that waiting may cure."""

MOVE_OF_PLAN: Mapping[str, Move] = {
    EXECUTED: Move.DONE,
    VERIFIED: Move.DONE,
    CLOSED: Move.DONE,
    ROLLED_BACK: Move.DONE,
    FAILED: Move.REFUSED,
    CANCELLED: Move.CALLED_OFF,
    SUPERSEDED: Move.OVERTAKEN,
    EXPIRED: Move.TIMED_OUT,
}
"""What the end of an upgrade's plan means for its proposal."""


def act(context: HostContext, proposal: int, what: Proposal) -> None:
    """Do what was approved, all of it or nothing; raises HostRefused or UpgradeRefused and has then changed nothing."""
    savepoint, events, moves = context.overlay.savepoint(), len(context.events), len(context.purse.items)
    try:
        _do(context, proposal, what.content.value)
    except (HostRefused, UpgradeRefused):
        context.overlay.rollback_to(savepoint)
        del context.events[events:]
        del context.purse.items[moves:]
        raise
    context.overlay.release(savepoint)


def _do(context: HostContext, proposal: int, content: Record) -> None:
    ACTS[type(content)](context, proposal, content)


def schedule(context: HostContext, proposal: int, track: Track, what: Proposal) -> int:
    """Hand what was approved to the coordinator; returns its plan's id. Raises HostRefused, UpgradeRefused."""
    content = what.content.value
    return SCHEDULED[type(content)](context, proposal, track, what, content)


def _schedule_upgrade(
    context: HostContext, proposal: int, track: Track, what: Proposal, content: RuntimeUpgrade
) -> int:
    declaration, effect = read_upgrade(context, content.code_hash)
    need(effect.digest == what.effect, "wrong_effect", effect=effect.digest.hex())
    plan = context.coordinator.schedule(
        PlanRequest(
            proposal=proposal,
            code_hash=content.code_hash,
            effect=effect,
            declaration=declaration,
            activation=context.height + max(track.timelock, content.activation_delay),
            gated=_gated(context),
        )
    )
    keep_for_good(context.overlay, content.code_hash)
    return plan


def _schedule_restore(
    context: HostContext, proposal: int, track: Track, what: Proposal, content: RestoreModule
) -> int:
    read_restore(context, content)
    return context.coordinator.schedule_restore(
        RestoreRequest(
            proposal=proposal,
            backup=content.backup,
            effect=what.effect,
            activation=context.height + track.timelock,
            gated=_gated(context),
        )
    )


def _gated(context: HostContext) -> bool:
    return context.parameters.integer("rehearsal_gate") > 0


def _parameters(context: HostContext, proposal: int, content: ParameterChange) -> None:
    for name, value in new_values(context, content).items():
        context.parameters.set(name, value, context.height + 1)
        context.events.append(event("ParameterChanged", proposal=proposal, name=name, value=value))
    note_rules_changed(context)


def _feature(context: HostContext, proposal: int, content: FeatureSwitch) -> None:
    require_feature(context.overlay, content.name)
    context.parameters.set_flag(content.name, content.on, context.height + 1)
    context.events.append(event("FeatureSwitched", proposal=proposal, name=content.name, on=content.on))


def _spend(context: HostContext, proposal: int, content: TreasurySpend) -> None:
    context.purse.debit(TREASURY, content.amount)
    context.purse.credit(content.recipient, content.amount)
    context.events.append(event("TreasurySpent", proposal=proposal, recipient=content.recipient, amount=content.amount))


def _rollback(context: HostContext, proposal: int, content: Rollback) -> None:
    window = context.coordinator.window()
    need(window is not None and window.proposal == content.upgrade, "no_open_window")
    context.coordinator.roll_back(proposal, f"proposal {proposal}")
    remark(context, content.upgrade, f"rollback_by_{proposal}")


def _cancel(context: HostContext, proposal: int, content: CancelUpgrade) -> None:
    what, standing = proposal_at(context.overlay, content.upgrade)
    waits = standing.status == Status.TIMELOCK and standing.plan > 0
    need(waits, "not_scheduled", proposal=content.upgrade)
    call_off(context, content.upgrade, what, standing, f"cancelled_by_{proposal}")


def _pause(context: HostContext, proposal: int, content: Pause) -> None:
    _require_time_left(context, content.until)
    context.coordinator.pause(f"proposal {proposal}", content.until)


def _isolate(context: HostContext, proposal: int, content: Isolate) -> None:
    require_running_module(context, content.module)
    _require_time_left(context, content.until)
    context.coordinator.isolate(content.module, f"proposal {proposal}", content.until)


def _require_time_left(context: HostContext, until: int) -> None:
    lasts = until == 0 or until > context.height
    need(lasts, "ends_too_soon", earliest=context.height, until=until)


def _resume(context: HostContext, proposal: int, content: Resume) -> None:
    context.coordinator.resume(f"proposal {proposal}", content.module)
    end_term(context)


def _guardian(context: HostContext, proposal: int, content: AppointGuardian) -> None:
    appoint(context, content.guardian[0] if content.guardian else None)


def _tracks(context: HostContext, proposal: int, content: ChangeTracks) -> None:
    put_tracks(context.overlay, *new_tracks(context, content))
    for change in content.tracks:
        context.events.append(event("TrackChanged", proposal=proposal, track=change.name))
    note_rules_changed(context)


def _reviewers(context: HostContext, proposal: int, content: AppointReviewers) -> None:
    for key in [key for key, _ in context.overlay.scan(REVIEWERS) if key[0] not in content.reviewers]:
        context.overlay.delete(REVIEWERS, key)
    for reviewer in content.reviewers:
        context.overlay.put(REVIEWERS, (reviewer,), Mark(since=context.height))
    context.events.append(event("ReviewersAppointed", proposal=proposal, count=len(content.reviewers)))


def _batch(context: HostContext, proposal: int, content: Batch) -> None:
    for message in content.messages:
        _do(context, proposal, message.value)


def _statement(context: HostContext, proposal: int, content: Statement) -> None:
    """An opinion is its own effect."""


SCHEDULED: Mapping[type[Record], Callable[[HostContext, int, Track, Proposal, Any], int]] = {
    RuntimeUpgrade: _schedule_upgrade,
    RestoreModule: _schedule_restore,
}
"""What takes effect as a plan of the coordinator."""

ACTS: Mapping[type[Record], Callable[[HostContext, int, Any], None]] = {
    ParameterChange: _parameters,
    FeatureSwitch: _feature,
    TreasurySpend: _spend,
    Rollback: _rollback,
    CancelUpgrade: _cancel,
    Pause: _pause,
    Resume: _resume,
    Statement: _statement,
    Isolate: _isolate,
    AppointGuardian: _guardian,
    ChangeTracks: _tracks,
    AppointReviewers: _reviewers,
    Batch: _batch,
}
