"""How a block begins: the coordinator looks at the height.

In this order: a decided rollback returns and replays, or goes on replaying; an upgrade whose probation is passed is
verified, and closed once its window is over; a plan whose height has come activates, or ends. What comes out is the
runtime that executes the block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from runtime.activation import carry_over, flip, record_window, require_sound
from runtime.bundle.checker import check_upgrade
from runtime.bundle.declarations import HookKind
from runtime.bundle.loader import LoadedRuntime
from runtime.bundle.problems import BundleRefused
from runtime.coordinator import Coordinator
from runtime.errors import ActivationFailed, BundleUnavailable
from runtime.execution import Execution
from runtime.growth.growth import Grown, Growth
from runtime.guard import Guard
from runtime.hooks import hooks_of, run_hook, run_hooks
from runtime.invariants.counters import Counters
from runtime.library import Library
from runtime.module_backups import backups_left
from runtime.parameters import ParameterReader
from runtime.plans import ANOTHER_RUNS, EXECUTED, FAILED, SUPERSEDED, Plan, Replaying
from runtime.receipts import OK, Receipt, Receipts
from runtime.registry import register_runtime
from runtime.restoring import RestoreRefused, require_backup
from runtime.rollback import LoggedHeight, Replayer, open_accounts, return_to_base
from runtime.transaction import SignedTransaction
from storage.blockview import Change
from storage.overlay import Overlay
from storage.state import State

_PHASE: tuple[HookKind, ...] = ("post_upgrade", "health")
"""Hooks of a new module that must succeed at A, in this order, before the next module has its turn."""

REPLAY_WAIT = 10
"""Blocks by which an upgrade is put off whose height comes while a replay is under way; again, if need be."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The runtime that executes the block, and what the beginning did."""

    loaded: LoadedRuntime
    counters: Counters
    flipped: bool = False
    """The runtime changed in this block, forward or back."""
    reconcile: bool = False
    """Runtime tables changed otherwise than by this block's own work, so that what the host copies is read again."""
    replaying: bool = False
    """A replay goes on beyond this block, which is queued behind it."""
    activated: int = 0
    """The plan that took effect in this block."""
    migrated: int = 0
    """Records its migrations wrote."""
    seconds: tuple[tuple[int, Receipts], ...] = ()
    """Second receipts of replayed heights."""
    receipts: tuple[Receipt, ...] = ()
    """Hooks of the upgrade that failed without stopping it."""
    failure: str = ""
    """Of an upgrade that failed in this block, what no state records: which record, which rule. For people only."""


@dataclass(slots=True)
class Opener:
    """Everything the beginning of a block needs from the chain."""

    state: State
    library: Library
    counters: Callable[[LoadedRuntime], Counters]
    execution: Callable[[Overlay, LoadedRuntime, int, bool, frozenset[str]], Execution]
    """(overlay, runtime, height whose parameters hold, whether calls wait, isolated modules) -> a scope."""
    logs: Callable[[int], LoggedHeight]
    decode: Callable[[bytes], SignedTransaction | None]
    growth: Callable[[int], Growth]
    """What was grown for a plan by its id. Finishing it again, when the block is prepared again, costs nothing."""

    def open(
        self,
        overlay: Overlay,
        coordinator: Coordinator,
        parameters: ParameterReader,
        height: int,
        failed: ActivationFailed | None,
    ) -> Opening:
        """Begin the block at ``height``. Raises ActivationFailed when the due plan cannot take effect; called again
        with that failure it records it and goes on under the old runtime."""
        loaded = self.library.get(overlay, coordinator.running().code_hash)
        opening = Opening(loaded, self.counters(loaded))
        window = coordinator.window()
        if window is not None and window.rollback_at == height:
            return self._roll_back(overlay, coordinator, height, opening)
        replaying = coordinator.replaying()
        if replaying is not None:
            self._put_off(coordinator, height)
            return self._replay(overlay, coordinator, height, replaying, opening)
        if window is not None and height > window.closes:
            overlay.flip(overlay.catalogue.released())
            coordinator.close(window)
        elif window is not None and height == window.probation_until + 1:
            coordinator.verify(window)
        pending = coordinator.pending()
        if pending is None or pending[1].activation != height:
            return opening
        plan_id, plan = pending
        if failed is not None:
            coordinator.end(plan_id, FAILED, reason=failed.reason, file=failed.file, line=failed.line)
            return replace(opening, failure=failed.detail)
        if plan.base != loaded.code_hash:
            coordinator.end(plan_id, SUPERSEDED, reason=ANOTHER_RUNS)
            return opening
        if plan.gated and not plan.cleared:
            coordinator.end(plan_id, FAILED, reason="not_cleared")
            return opening
        return self._activate(overlay, coordinator, parameters, height, plan_id, opening)

    def _put_off(self, coordinator: Coordinator, height: int) -> None:
        """No upgrade begins from tables that are on their way: one whose height has come waits."""
        pending = coordinator.pending()
        if pending is not None and pending[1].activation == height:
            coordinator.postpone(pending[0], height + REPLAY_WAIT, "replay_under_way")

    def _activate(
        self,
        overlay: Overlay,
        coordinator: Coordinator,
        parameters: ParameterReader,
        height: int,
        plan_id: int,
        before: Opening,
    ) -> Opening:
        plan, old = coordinator.plan(plan_id), before.loaded
        new = self._load(overlay, plan, old)
        pre_receipts, written = self._pre_upgrade(plan, old, height, coordinator.safe_mode().isolated)
        growth = self.growth(plan_id)
        grown = growth.finish()
        flip(self.state, overlay, growth, grown, growth.new)
        if not plan.backup:
            register_runtime(overlay, new.declaration, plan.proposal)
        guard = Guard(self.execution(overlay, new, height, False, frozenset()), growth.counters, careful=False)
        carry_over(self.state, overlay, growth, growth.new, written)
        spans = (parameters.integer("probation"), parameters.integer("rollback_window"))
        record_window(overlay, self.state, plan_id, plan, height, *spans)
        self._check_new(guard, growth, grown, () if plan.backup else _PHASE)
        coordinator.end(
            plan_id,
            EXECUTED,
            version_from=str(old.version),
            root_before=self.state.head.runtime_root,
            root_after=self.state.prepare(overlay).runtime_root,
            snapshot=self.state.head.app_root,
            left=backups_left(self.state, old, growth.new.declaration.manifest.reinstalled, plan_id),
        )
        return Opening(
            new,
            growth.counters,
            flipped=True,
            reconcile=True,
            activated=plan_id,
            migrated=grown.records,
            receipts=tuple(pre_receipts),
        )

    def _load(self, overlay: Overlay, plan: Plan, old: LoadedRuntime) -> LoadedRuntime:
        """The runtime after the flip, once it is sure that it may take place."""
        if plan.backup:
            try:
                require_backup(overlay, self.library, old, plan.backup)
            except RestoreRefused as refused:
                raise ActivationFailed(refused.code, detail=str(refused)) from refused
            return old
        try:
            new = self.library.get(overlay, plan.code_hash)
            effect = check_upgrade(old.declaration, new.declaration)
        except (BundleRefused, BundleUnavailable) as refused:
            raise ActivationFailed(refused.code, detail=str(refused)) from refused
        if effect.digest != plan.effect:
            raise ActivationFailed("effect_changed", detail="the bundle's effect is not the one voted on")
        return new

    def _pre_upgrade(
        self, plan: Plan, old: LoadedRuntime, height: int, isolated: frozenset[str]
    ) -> tuple[list[Receipt], dict[str, dict[bytes, Change]]]:
        """Run the old modules' hooks in reverse order on an overlay of their own; what they wrote is carried over."""
        if plan.backup:
            return [], {}
        aside = self.state.overlay()
        receipts = run_hooks(self.execution(aside, old, height, False, isolated), "pre_upgrade", backwards=True)
        changes = aside.changes()
        written = {name: dict(rows) for name, rows in changes.items() if name in old.tables}
        return [receipt for receipt in receipts if receipt.code != OK], written

    def _check_new(self, guard: Guard, growth: Growth, grown: Grown, phase: tuple[HookKind, ...]) -> None:
        """A phase for each module in dependency order, then the health of all once more, as later modules may have
        moved what is of earlier ones, and every rule that may not hold; the first that fails ends the upgrade."""
        execution = guard.execution
        for entry in execution.loaded.declaration.manifest.modules:
            for kind in phase:
                _require_hooks(execution, kind, entry.name)
        _require_hooks(execution, "health")
        require_sound(execution.overlay, growth, grown, execution.loaded.tables, guard.catch_up())

    def _roll_back(self, overlay: Overlay, coordinator: Coordinator, height: int, now: Opening) -> Opening:
        window = coordinator.window()
        assert window is not None, "a rollback is decided only inside a window"
        root_before = self.state.head.runtime_root
        old = self.library.get(overlay, window.previous.code_hash)
        returned = return_to_base(self.state, overlay, window, old, height)
        register_runtime(overlay, old.declaration, coordinator.proposal_of(window.previous))
        open_accounts(overlay, window, self.logs, height)
        begun = coordinator.begin_replay(window, root_before, returned)
        there = replace(now, loaded=old, counters=self.counters(old), flipped=True)
        return self._replay(overlay, coordinator, height, begun, there)

    def _replay(
        self, overlay: Overlay, coordinator: Coordinator, height: int, replaying: Replaying, now: Opening
    ) -> Opening:
        """Go on with a replay; once everything before this block is replayed it has ended."""
        running, parameters = now.loaded, self.execution(overlay, now.loaded, height, False, frozenset()).parameters
        replayer = Replayer(
            overlay, now.counters, lambda past, *stopped: self.execution(overlay, running, past, *stopped), self.decode
        )
        done = replayer.replay(range(replaying.next, height), self.logs, parameters.integer("replay_items"))
        further = replaying.but(
            next=done.next,
            replayed=replaying.replayed + done.replayed,
            not_replayed=replaying.not_replayed + done.not_replayed,
        )
        if done.next == height:
            coordinator.end_replay(further)
        else:
            coordinator.keep_replaying(further)
        return replace(now, seconds=done.receipts, reconcile=True, replaying=done.next < height)


def _require_hooks(execution: Execution, kind: HookKind, module: str = "") -> None:
    """Run the hooks of a kind, of one module or of all in dependency order; raises ActivationFailed at the first that
    fails."""
    for hook in hooks_of(execution.loaded, kind):
        if module in ("", hook.module):
            receipt = run_hook(execution, hook)
            if receipt.code != OK:
                raise ActivationFailed(f"{kind}_{receipt.code}", receipt.file, receipt.line)
