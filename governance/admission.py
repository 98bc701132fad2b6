"""What a proposal must satisfy to be submitted: each kind refuses early what could not work.

One function a kind; it reads, and for an upgrade stores the published bundle under its hash. Nothing of a bundle is
run: its declarations are read and compared with the running runtime's, which fixes the effect that votes name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from governance.bundles import adopt
from governance.errors import GovernanceRefused, need, refused
from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.proposals import (
    AppointGuardian,
    AppointReviewers,
    Batch,
    CancelUpgrade,
    FeatureSwitch,
    Isolate,
    ParameterChange,
    Pause,
    RestoreModule,
    Resume,
    Rollback,
    RuntimeUpgrade,
    Statement,
    TreasurySpend,
    UpgradePlan,
)
from governance.rulechange import new_tracks, new_values
from governance.tables import GUARDIAN, REVIEWERS, Guardian
from governance.targets import (
    require_feature,
    require_longer,
    require_modules,
    require_running_module,
)
from governance.tracks import ChangeTracks, Track, earliest_effect, latest_effect
from governance.tracktable import routes_of, rows_of
from runtime.bundle.checker import check_bundle, examine
from runtime.bundle.declarations import RuntimeDeclaration
from runtime.bundle.effect import Effect
from runtime.bundle.problems import BundleRefused
from runtime.bundles import stored_bundle
from runtime.host import HostContext
from runtime.module_backups import KeptBackup
from runtime.restoring import require_restorable
from runtime.safe_mode import WHOLE_CHAIN
from storage.record import Record

EXAMINED = b"bundles examined"
MOST_REVIEWERS = 100
MOST_MESSAGES = 16
MOST_EXAMINED = 2
"""Bundles that one block examines: a large one takes seconds, and whoever proposes it may pay nothing for that."""


class BundleNotAdmitted(GovernanceRefused):
    """The checker found a bundle wanting; ``code``, ``file`` and ``line`` are those of its first problem."""

    def __init__(self, refusal: BundleRefused) -> None:
        first = refusal.problems[0]
        super().__init__(first.code, str(refusal), first.file, first.line)


@dataclass(frozen=True, slots=True)
class Admission:
    """What is fixed about a proposal when it is submitted."""

    effect: bytes = b""
    """Of an upgrade; that of any other kind is what it says (`governance.proposals.said_digest`)."""
    bundle: bytes = b""
    base: bytes = b""
    needs_more_votes: bool = False
    """An upgrade that is breaking, or cannot be shown to lose nothing."""


def admit(context: HostContext, content: Record, track: Track) -> Admission:
    """Check a proposal's content under the track it asks for; raises HostRefused with the rule it breaks."""
    return ADMIT[type(content)](context, content, track)


def read_upgrade(context: HostContext, code_hash: bytes) -> tuple[RuntimeDeclaration, Effect]:
    """A bundle's declaration and its effect on the running runtime; raises HostRefused with the first problem.

    Which release it needs is not asked here: nodes of several releases must agree on every receipt."""
    bundle = adopt(context, code_hash)
    try:
        return examine(bundle, context.runtime.declaration, chain=context.chain_name, host_release=None)
    except BundleRefused as refusal:
        raise BundleNotAdmitted(refusal) from refusal


def _upgrade(context: HostContext, content: RuntimeUpgrade, track: Track) -> Admission:
    delay = content.activation_delay
    need(delay >= track.timelock, "activation_too_soon", delay=delay, least=track.timelock)
    need(content.code_hash != context.runtime.code_hash, "already_running")
    _count_examined(context)
    declaration, effect = read_upgrade(context, content.code_hash)
    version = str(declaration.manifest.version)
    need(content.version == version, "wrong_version", bundle=version, proposal=content.version)
    need(content.effect == effect.digest, "wrong_effect", effect=effect.digest.hex())
    require_modules(context.overlay, content.modules, declaration)
    for plan in content.plan:
        _check_plan(context, plan, declaration)
    need(requires_pause(content) or not declaration.manifest.requires_pause, "pause_not_declared")
    return Admission(effect.digest, content.code_hash, context.runtime.code_hash, effect.needs_more_votes)


def plan_of(running: RuntimeDeclaration, proposed: RuntimeDeclaration) -> UpgradePlan:
    """What a proposer can say about the way from one runtime to the next, as the two declare it."""
    return UpgradePlan(
        from_version=str(running.manifest.version),
        to_version=str(proposed.manifest.version),
        migration_names=tuple(migration.id for migration in proposed.migrations()),
        requires_pause=proposed.manifest.requires_pause,
    )


def requires_pause(content: RuntimeUpgrade) -> bool:
    """Whether a proposal says that the activating block does more than flip."""
    return any(plan.requires_pause for plan in content.plan)


def _count_examined(context: HostContext) -> None:
    examined = context.efforts.get(EXAMINED, 0)
    need(examined < MOST_EXAMINED, "too_many_bundles", most=MOST_EXAMINED)
    context.efforts[EXAMINED] = examined + 1


def _check_plan(context: HostContext, plan: UpgradePlan, declaration: RuntimeDeclaration) -> None:
    for what, said, found in (
        ("from_version", plan.from_version, str(context.runtime.declaration.manifest.version)),
        ("to_version", plan.to_version, str(declaration.manifest.version)),
    ):
        need(said == found, "wrong_plan", what=what, said=said, found=found)
    declared = {migration.id for migration in declaration.migrations()}
    for name in plan.migration_names:
        need(name in declared, "unknown_migration", name=name)


def _parameters(context: HostContext, content: ParameterChange, track: Track) -> Admission:
    values = new_values(context, content)
    changes = any(Fraction(value) != context.parameters.ratio(name) for name, value in values.items())
    need(changes, "nothing_changes", what="every parameter has this value already")
    return Admission()


def _feature(context: HostContext, content: FeatureSwitch, track: Track) -> Admission:
    require_feature(context.overlay, content.name)
    is_on = context.parameters.flag(content.name)
    need(is_on != content.on, "nothing_changes", what=f"feature {content.name} is {'on' if is_on else 'off'} already")
    return Admission()


def _spend(context: HostContext, content: TreasurySpend, track: Track) -> Admission:
    need(content.amount > 0, "nothing_changes", what="it pays nothing")
    return Admission()


def _rollback(context: HostContext, content: Rollback, track: Track) -> Admission:
    window = context.coordinator.window()
    if window is None or window.rollback_at:
        raise refused("no_open_window")
    need(content.upgrade == window.proposal, "not_that_upgrade", open=window.proposal)
    latest = context.height + latest_effect(track) + 1
    need(latest <= window.closes, "window_too_short", latest=latest, closes=window.closes)
    return Admission()


def _cancel(context: HostContext, content: CancelUpgrade, track: Track) -> Admission:
    _, standing = proposal_at(context.overlay, content.upgrade)
    waits = standing.status == Status.TIMELOCK and standing.plan > 0
    need(waits, "not_scheduled", proposal=content.upgrade)
    return Admission()


def _pause(context: HostContext, content: Pause, track: Track) -> Admission:
    _require_lasting(context, WHOLE_CHAIN, content.until, track)
    return Admission()


def _isolate(context: HostContext, content: Isolate, track: Track) -> Admission:
    require_running_module(context, content.module)
    _require_lasting(context, content.module, content.until, track)
    return Admission()


def _require_lasting(context: HostContext, module: str, until: int, track: Track) -> None:
    """Refuse a stop that would be over before it began, or that is there already and lasts as long."""
    earliest = earliest_effect(track, context.height)
    need(until == 0 or until > earliest, "ends_too_soon", earliest=earliest, until=until)
    require_longer(context, module, until)


def _resume(context: HostContext, content: Resume, track: Track) -> Admission:
    stopped = context.coordinator.safe_mode().of(content.module) is not None
    need(stopped, "not_stopped", what=content.module or "the chain")
    return Admission()


def _guardian(context: HostContext, content: AppointGuardian, track: Track) -> Admission:
    need(len(content.guardian) <= 1, "one_guardian")
    present = context.overlay.get(GUARDIAN, ())
    fresh = None if present is None else Guardian(address=present.address)
    wanted = Guardian(address=content.guardian[0]) if content.guardian else None
    changes = wanted != fresh or present != fresh
    need(changes, "nothing_changes", what="the post is filled so already")
    return Admission()


def _restore(context: HostContext, content: RestoreModule, track: Track) -> Admission:
    require_running_module(context, content.module)
    read_restore(context, content)
    return Admission(base=context.runtime.code_hash)


def read_restore(context: HostContext, content: RestoreModule) -> KeptBackup:
    """The backup that a restore names; raises HostRefused when it cannot return to the running runtime."""

    def declared(code_hash: bytes) -> RuntimeDeclaration:
        _count_examined(context)
        return check_bundle(stored_bundle(context.overlay, code_hash), chain=None, host_release=None)

    return require_restorable(context.overlay, context.runtime, content.module, content.backup, declared)


def _tracks(context: HostContext, content: ChangeTracks, track: Track) -> Admission:
    rows, routes = new_tracks(context, content)
    changes = rows != rows_of(context.overlay) or routes != routes_of(context.overlay)
    need(changes, "nothing_changes", what="every track is so already")
    return Admission()


def _reviewers(context: HostContext, content: AppointReviewers, track: Track) -> Admission:
    names = content.reviewers
    need(len(names) <= MOST_REVIEWERS, "too_many_items", what="reviewers", most=MOST_REVIEWERS)
    present = {key[0] for key, _ in context.overlay.scan(REVIEWERS)}
    need(set(names) != present, "nothing_changes", what="these are the reviewers already")
    return Admission()


def _batch(context: HostContext, content: Batch, track: Track) -> Admission:
    count = len(content.messages)
    need(count <= MOST_MESSAGES, "too_many_items", what="messages", most=MOST_MESSAGES)
    for message in content.messages:
        admit(context, message.value, track)
    return Admission()


def _statement(context: HostContext, content: Statement, track: Track) -> Admission:
    return Admission()


ADMIT: Mapping[type[Record], Callable[[HostContext, Any, Track], Admission]] = {
    RuntimeUpgrade: _upgrade,
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
    RestoreModule: _restore,
    ChangeTracks: _tracks,
    AppointReviewers: _reviewers,
    Batch: _batch,
}
