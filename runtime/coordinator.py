"""The upgrade coordinator: which runtime runs, which comes next, and how to go back.

Policy. One plan is pending at a time; a second approved one waits, in order of approval, and its activation moves
beyond the rollback window of the one before. A plan names the code hash it was approved against (its base): if
another runtime runs when its turn comes, it ends `superseded`. Cancelling is possible until the activation height,
rolling back until the window closes, and at most one of both per plan. Safe mode (`runtime.safe_mode`) stops runtime
code, never the host, and no plan: an upgrade activates and a rollback happens whatever is stopped.

The coordinator only decides and records; `runtime.activation` flips, `runtime.rollback` returns and replays.
"""

from __future__ import annotations

from collections.abc import Iterator

from runtime.bundle.declarations import RuntimeDeclaration
from runtime.errors import UpgradeRefused
from runtime.module_backups import KeptBackup, forget_backups, note_backups
from runtime.parameters import ParameterReader
from runtime.plans import (
    CANCELLED,
    CLOSED,
    EXECUTED,
    EXPIRED,
    FAILED,
    HISTORY,
    PLANS,
    POSTPONED,
    QUEUE,
    REPLAYING,
    ROLLED_BACK,
    RUNNING,
    SCHEDULED,
    SUPERSEDED,
    VERIFIED,
    WAITING,
    WINDOW,
    FrozenParameter,
    HistoryEntry,
    Plan,
    Queue,
    Replaying,
    Running,
    Window,
)
from runtime.receipts import Event, event
from runtime.requests import PlanRequest, RestoreRequest
from runtime.safe_mode import WHOLE_CHAIN, SafeMode, Stop, lift_stop, put_stop, safe_mode_of
from runtime.version import RuntimeVersion
from storage.overlay import Overlay


class Coordinator:
    """Reads and writes the upgrade tables of one block."""

    def __init__(self, overlay: Overlay, height: int, parameters: ParameterReader, events: list[Event]) -> None:
        self._overlay = overlay
        self._height = height
        self._parameters = parameters
        self._events = events
        self.queue_changed = False
        """A plan was scheduled or has ended in this block."""
        self.moved_on = False
        """A plan that took effect was verified or closed in this block."""

    def running(self) -> Running:
        """The runtime that executes now."""
        row = self._overlay.get(RUNNING, ())
        assert row is not None, "every chain has a running runtime from genesis on"
        return row

    def current_version(self) -> RuntimeVersion:
        """Version of the running runtime."""
        return RuntimeVersion.parse(self.running().version)

    def pending(self) -> tuple[int, Plan] | None:
        """The plan whose turn it is, with its id."""
        queue = self._queue()
        return (queue.plans[0], self.plan(queue.plans[0])) if queue.plans else None

    def plan(self, plan_id: int) -> Plan:
        """A plan by id; raises UpgradeRefused(unknown_plan)."""
        row = self._overlay.get(PLANS, (plan_id,))
        if row is None:
            raise UpgradeRefused("unknown_plan", f"there is no plan {plan_id}; GET /upgrade/history lists them")
        return row

    def proposal_of(self, running: Running) -> int:
        """The proposal that approved a runtime; 0 for the genesis bundle."""
        return self.plan(running.plan).proposal if running.plan else 0

    def window(self) -> Window | None:
        """The open rollback window, if one is."""
        return self._overlay.get(WINDOW, ())

    def replaying(self) -> Replaying | None:
        """The replay that is under way, if one is."""
        return self._overlay.get(REPLAYING, ())

    def safe_mode(self) -> SafeMode:
        """What is stopped from the next block on."""
        return safe_mode_of(self._overlay)

    def history(self) -> Iterator[tuple[int, HistoryEntry]]:
        """(height, entry), oldest first."""
        return ((key[0], entry) for key, entry in self._overlay.scan(HISTORY))

    def schedule(self, request: PlanRequest) -> int:
        """Schedule an approved upgrade and return its plan id; raises UpgradeRefused when it can no longer work."""
        running = self.running()
        if request.code_hash == running.code_hash:
            raise UpgradeRefused("already_running", "this bundle runs already")
        manifest = request.declaration.manifest
        return self._queue_up(
            Plan(
                proposal=request.proposal,
                code_hash=request.code_hash,
                base=running.code_hash,
                version=str(manifest.version),
                effect=request.effect.digest,
                activation=request.activation,
                scheduled_at=self._height,
                state=SCHEDULED,
                supply_change=abs(manifest.supply_change),
                supply_shrinks=manifest.supply_change < 0,
                migrations=tuple(migration.id for migration in request.declaration.migrations()),
                frozen=self._frozen(request.declaration),
                record_steps=self._parameters.integer("record_steps"),
                gated=request.gated,
            )
        )

    def schedule_restore(self, request: RestoreRequest) -> int:
        """Schedule the return of a module's data, under the runtime that runs, and return its plan id; raises
        UpgradeRefused(activation_passed)."""
        running = self.running()
        return self._queue_up(
            Plan(
                proposal=request.proposal,
                code_hash=running.code_hash,
                base=running.code_hash,
                version=running.version,
                effect=request.effect,
                activation=request.activation,
                scheduled_at=self._height,
                state=SCHEDULED,
                backup=request.backup,
                gated=request.gated,
            )
        )

    def _queue_up(self, wanted: Plan) -> int:
        """Put a plan last in the queue, beyond an open window. Raises UpgradeRefused(activation_passed)."""
        if wanted.activation <= self._height:
            raise UpgradeRefused("activation_passed", f"height {wanted.activation} is not after {self._height}")
        queue = self._queue()
        plan_id = queue.last + 1
        state = WAITING if queue.plans else SCHEDULED
        plan = wanted.but(activation=self._beyond_window(wanted.activation), state=state)
        self._overlay.put(PLANS, (plan_id,), plan)
        self._overlay.put(QUEUE, (), Queue(plans=(*queue.plans, plan_id), last=plan_id))
        self.queue_changed = True
        self._say("UpgradeScheduled", plan_id, plan, activation=plan.activation)
        return plan_id

    def cancel(self, plan_id: int, reason: str) -> None:
        """End a plan before its activation; raises UpgradeRefused(not_pending) for one that took effect or ended."""
        plan = self.plan(plan_id)
        if plan.state not in (SCHEDULED, WAITING):
            raise UpgradeRefused("not_pending", f"plan {plan_id} is {plan.state}")
        self.end(plan_id, CANCELLED, reason=reason)

    def clear(self, plan_id: int, result: bytes) -> None:
        """Let a gated plan take effect: what it was rehearsed to do has the digest ``result``. Raises
        UpgradeRefused(not_pending)."""
        self._overlay.put(PLANS, (plan_id,), self._pending_plan(plan_id).but(cleared=result))

    def postpone(self, plan_id: int, activation: int, reason: str) -> int:
        """Move the activation of the pending plan to a later height; returns the height, which lies beyond any open
        window. Raises UpgradeRefused for a plan that is not pending, or a height that is not later."""
        plan = self._pending_plan(plan_id)
        moved = plan.but(activation=self._beyond_window(activation))
        if moved.activation <= plan.activation:
            raise UpgradeRefused("not_later", f"plan {plan_id} activates at {plan.activation} already")
        self._overlay.put(PLANS, (plan_id,), moved)
        self._record(plan_id, moved, POSTPONED, reason=reason)
        self._say("UpgradePostponed", plan_id, moved, activation=moved.activation, reason=reason)
        return moved.activation

    def roll_back(self, proposal: int, reason: str) -> int:
        """Decide the return to A-1 for the next block; returns the height at which it happens. Raises
        UpgradeRefused(window_closed) or (already_decided)."""
        window = self.window()
        if window is None or self._height + 1 > window.closes:
            raise UpgradeRefused("window_closed", "no upgrade can be rolled back now; propose a mended bundle instead")
        if window.rollback_at:
            raise UpgradeRefused("already_decided", f"the rollback happens at height {window.rollback_at}")
        self._overlay.put(
            WINDOW,
            (),
            window.but(rollback_at=self._height + 1, rollback_reason=reason, rollback_proposal=proposal),
        )
        self._events.append(event("UpgradeRollbackDecided", plan=window.plan, height=self._height + 1, reason=reason))
        return self._height + 1

    def pause(self, reason: str, until: int = 0) -> None:
        """Let runtime calls wait from the next block on, to the end of ``until`` or, if that is 0, to a vote. A pause
        that lasts as long already stays as it is."""
        put_stop(self._overlay, self._height, self._events, Stop(since=self._height, until=until, reason=reason))

    def isolate(self, module: str, reason: str, until: int = 0) -> None:
        """Let nothing of a module run, as `pause` does for all."""
        stop = Stop(module=module, since=self._height, until=until, reason=reason)
        put_stop(self._overlay, self._height, self._events, stop)

    def resume(self, reason: str, module: str = WHOLE_CHAIN) -> None:
        """Let the chain, or a module, run again from the next block on; without effect where it is not stopped."""
        lift_stop(self._overlay, self._height, self._events, module, reason)

    def lift_ended_stops(self) -> None:
        """At the end of a block: lift the stops whose last height it is."""
        for stop in self.safe_mode().ending_by(self._height):
            self.resume("its last height has come", stop.module)

    def end(
        self, plan_id: int, state: str, left: tuple[KeptBackup, ...] = (), **details: str | int | bytes
    ) -> None:
        """Move a plan to an end state, write its history, and let the next in the queue take its turn. ``left`` is what
        reinstalled modules leave behind."""
        plan = self.plan(plan_id)
        queue = self._queue()
        self._overlay.put(PLANS, (plan_id,), plan.but(state=state))
        self._overlay.put(QUEUE, (), queue.but(plans=tuple(other for other in queue.plans if other != plan_id)))
        self.queue_changed = True
        self._record(plan_id, plan, state, tuple(one.content.digest for one in left), **details)
        self._say(_EVENT_OF[state], plan_id, plan, **details)
        self._leave_behind(left)
        self._advance_queue()

    def _end_executed(self, window: Window, **details: str | int | bytes) -> None:
        """Record that the executed plan of ``window`` was rolled back."""
        plan = self.plan(window.plan)
        self._overlay.put(PLANS, (window.plan,), plan.but(state=ROLLED_BACK))
        self._record(
            window.plan,
            plan,
            ROLLED_BACK,
            backups=(),
            proposal=window.rollback_proposal or plan.proposal,
            version_from=plan.version,
            version_to=window.previous.version,
            code_hash=window.previous.code_hash,
            **details,
        )
        self._say("UpgradeRolledBack", window.plan, plan, **details)

    def begin_replay(self, window: Window, root_before: bytes, root_after: bytes) -> Replaying:
        """Record that the runtime tables have returned to A - 1: the window was used, and a replay is under way. What a
        reinstall left behind is in force again."""
        self.close_window()
        forget_backups(self._overlay, window.plan)
        begun = Replaying(window=window, next=window.activation, root_before=root_before, root_after=root_after)
        self._events.append(event("UpgradeReturned", plan=window.plan, height=self._height, next=begun.next))
        return begun

    def keep_replaying(self, replaying: Replaying) -> None:
        """Record how far a replay is that goes on in the next block."""
        self._overlay.put(REPLAYING, (), replaying)

    def end_replay(self, replaying: Replaying) -> None:
        """Record that the executed plan of a window was rolled back, and that everything since was replayed."""
        self._overlay.delete(REPLAYING, ())
        window = replaying.window
        self._end_executed(
            window,
            reason=window.rollback_reason,
            root_before=replaying.root_before,
            root_after=replaying.root_after,
            snapshot=window.app_root,
            replayed=replaying.replayed,
            not_replayed=replaying.not_replayed,
            activation=window.activation,
            returned=window.rollback_at,
        )

    def verify(self, window: Window) -> None:
        """Record that the upgrade of the open window has passed its probation."""
        self._go_on(window, VERIFIED)

    def close(self, window: Window) -> None:
        """Record that the window has passed unused: the upgrade stays, and the history tells the whole of it."""
        passed = self._overlay.get(HISTORY, (window.probation_until + 1, window.plan))
        self._go_on(window, CLOSED, verified=0 if passed is None else window.probation_until + 1)
        self.close_window()

    def _go_on(self, window: Window, state: str, **details: int) -> None:
        """Move an executed plan on, with what the history said of its activation."""
        plan, executed = self.plan(window.plan), self._overlay.get(HISTORY, (window.activation, window.plan))
        assert executed is not None, "a window is opened by an upgrade that took effect"
        self._overlay.put(PLANS, (window.plan,), plan.but(state=state))
        self.moved_on = True
        entry = executed.but(kind=state, activation=window.activation, **details)
        self._overlay.put(HISTORY, (self._height, window.plan), entry)
        self._say(_EVENT_OF[state], window.plan, plan, activation=window.activation)

    def close_window(self) -> None:
        """The rollback window has passed, or was used."""
        self._overlay.delete(WINDOW, ())

    def _pending_plan(self, plan_id: int) -> Plan:
        pending = self.pending()
        if pending is None or pending[0] != plan_id:
            raise UpgradeRefused("not_pending", f"plan {plan_id} is not the pending one")
        return pending[1]

    def _record(
        self, plan_id: int, plan: Plan, kind: str, backups: tuple[bytes, ...] = (), **details: str | int | bytes
    ) -> None:
        """Append a line about a plan to the history of this height; ``details`` are further fields of the entry, or
        other values of those that it has anyway."""
        entry = HistoryEntry(
            plan=plan_id,
            proposal=plan.proposal,
            kind=kind,
            version_from=self.running().version,
            version_to=plan.version,
            code_hash=plan.code_hash,
            migrations=plan.migrations,
            backups=backups,
            restored=plan.backup,
        ).but(**details)
        self._overlay.put(HISTORY, (self._height, plan_id), entry)

    def _leave_behind(self, left: tuple[KeptBackup, ...]) -> None:
        note_backups(self._overlay, left)
        for one in left:
            content = one.content
            said = event("ModuleReset", plan=one.plan, module=content.module, backup=content.digest, rows=content.rows)
            self._events.append(said)

    def _advance_queue(self) -> None:
        queue = self._queue()
        if not queue.plans:
            return
        plan_id = queue.plans[0]
        plan = self.plan(plan_id)
        if plan.state == WAITING:
            moved = plan.but(state=SCHEDULED, activation=self._beyond_window(max(plan.activation, self._height + 1)))
            self._overlay.put(PLANS, (plan_id,), moved)
            self._say("UpgradeScheduled", plan_id, moved, activation=moved.activation)

    def _beyond_window(self, height: int) -> int:
        window = self.window()
        return height if window is None else max(height, window.closes + 1)

    def _frozen(self, declaration: RuntimeDeclaration) -> tuple[FrozenParameter, ...]:
        names = sorted({name for migration in declaration.migrations() for name in migration.frozen})
        return tuple(
            FrozenParameter(name=name, value=self._height if name == "scheduled_at" else self._parameters.integer(name))
            for name in names
        )

    def _queue(self) -> Queue:
        return self._overlay.get(QUEUE, ()) or Queue()

    def _say(self, kind: str, plan_id: int, plan: Plan, **details: str | int | bytes) -> None:
        named: dict[str, str | int | bytes] = {"version": plan.version, "code_hash": plan.code_hash}
        if plan.backup:
            named["backup"] = plan.backup
        self._events.append(event(kind, plan=plan_id, proposal=plan.proposal, **named, **details))


_EVENT_OF = {
    EXECUTED: "UpgradeExecuted",
    FAILED: "UpgradeFailed",
    CANCELLED: "UpgradeCancelled",
    SUPERSEDED: "UpgradeSuperseded",
    EXPIRED: "UpgradeExpired",
    VERIFIED: "UpgradeVerified",
    CLOSED: "UpgradeClosed",
}
