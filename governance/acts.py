"""What an approved proposal does when its turn comes: one function a kind, effects only after every check.

An act that refuses has changed nothing. A refusal in `PASSING` may be over later, so it is tried again within the
grace period; any other ends the proposal `failed`. An upgrade, and the return of a module's data, is handed to the
coordinator at the close and ends as its plan ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from governance.admission import new_values, read_restore, read_upgrade
from governance.bundles import keep_for_good
from governance.errors import need
from governance.guardian import appoint, end_term
from governance.lifecycle import Move, Status
from governance.progress import call_off, proposal_at, remark
from governance.proposals import (
    AppointGuardian,
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
from governance.targets import require_feature, require_running_module
from runtime.address import module_address
from runtime.coordinator import PlanRequest, RestoreRequest
from runtime.host import HostContext
from runtime.plans import CANCELLED, CLOSED, EXECUTED, EXPIRED, FAILED, ROLLED_BACK, SUPERSEDED, VERIFIED
from runtime.receipts import event
from storage.record import Record

TREASURY = module_address("treasury")
PASSING = frozenset({"insufficient_funds"})
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
    """Do what was approved; raises HostRefused or UpgradeRefused and has then changed nothing."""
    content = what.content.value
    ACTS[type(content)](context, proposal, content)


def schedule(context: HostContext, proposal: int, what: Proposal) -> int:
    """Hand what was approved to the coordinator; returns its plan's id. Raises HostRefused, UpgradeRefused."""
    content = what.content.value
    return SCHEDULED[type(content)](context, proposal, what, content)


def _schedule_upgrade(context: HostContext, proposal: int, what: Proposal, content: RuntimeUpgrade) -> int:
    declaration, effect = read_upgrade(context, content.code_hash)
    need(effect.digest == what.effect, "wrong_effect", effect=effect.digest.hex())
    plan = context.coordinator.schedule(
        PlanRequest(
            proposal=proposal,
            code_hash=content.code_hash,
            effect=effect,
            declaration=declaration,
            activation=context.height + max(what.track.timelock, content.activation_delay),
            gated=_gated(context),
        )
    )
    keep_for_good(context.overlay, content.code_hash)
    return plan


def _schedule_restore(context: HostContext, proposal: int, what: Proposal, content: RestoreModule) -> int:
    read_restore(context, content)
    return context.coordinator.schedule_restore(
        RestoreRequest(
            proposal=proposal,
            backup=content.backup,
            effect=what.effect,
            activation=context.height + what.track.timelock,
            gated=_gated(context),
        )
    )


def _gated(context: HostContext) -> bool:
    return context.parameters.integer("rehearsal_gate") > 0


def _parameters(context: HostContext, proposal: int, content: ParameterChange) -> None:
    for name, value in new_values(context, content).items():
        context.parameters.set(name, value, context.height + 1)
        context.events.append(event("ParameterChanged", proposal=proposal, name=name, value=value))


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


def _statement(context: HostContext, proposal: int, content: Statement) -> None:
    """An opinion is its own effect."""


SCHEDULED: Mapping[type[Record], Callable[[HostContext, int, Proposal, Any], int]] = {
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
}
