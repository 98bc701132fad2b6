"""The coordinator as a library: schedule, execute, cancel and roll back upgrades of a state, without a node or votes.

For tools and tests that want the mechanics alone. Every method makes blocks on the state it was given, through the
same chain a node uses; who may do what is then the caller's affair.

    upgrades = UpgradeCoordinator(state)
    plan = upgrades.schedule_upgrade(bundle, activation=upgrades.height + 10)
    upgrades.execute_upgrade()
    upgrades.rollback_upgrade("found a fault")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runtime.block import make_block
from runtime.bundle.archive import Bundle
from runtime.bundle.checker import examine
from runtime.bundles import store_bundle
from runtime.chain import Chain, PreparedBlock
from runtime.coordinator import Coordinator
from runtime.errors import UpgradeRefused
from runtime.host import Changes, HostCall, HostContext
from runtime.parameters import ParameterRule, Parameters
from runtime.plans import HISTORY, HistoryEntry
from runtime.requests import PlanRequest
from runtime.version import RuntimeVersion
from storage.home import RELEASE
from storage.state import State
from storage.tables import Table

OPERATOR = bytes(20)
"""Who proposes blocks and publishes bundles here."""


class Operator:
    """A host module that does, once and at the end of the next block, what its owner asks."""

    calls: tuple[HostCall, ...] = ()
    tables: tuple[Table[Any], ...] = ()
    parameters: tuple[ParameterRule, ...] = ()

    def __init__(self) -> None:
        self.act: Callable[[HostContext], object] | None = None

    def init_genesis(self, context: HostContext) -> None:
        """Nothing to begin with."""

    def end_block(self, context: HostContext, changes: Changes) -> None:
        """Do what was asked."""
        if self.act is not None:
            self.act(context)


class UpgradeCoordinator:
    """Upgrades of one state."""

    def __init__(self, state: State) -> None:
        self._operator = Operator()
        self.chain = Chain(state, (self._operator,))

    @property
    def height(self) -> int:
        """The last committed height."""
        return self.chain.state.height

    @property
    def current_version(self) -> RuntimeVersion:
        """Version of the running runtime."""
        return self.chain.loaded.version

    def schedule_upgrade(self, bundle: Bundle, activation: int) -> int:
        """Schedule a bundle for a height and return its plan id.

        Raises BundleRefused for a bundle that may not follow the running one, UpgradeRefused for a height that has
        passed.
        """
        running, chain = self.chain.loaded.declaration, self.chain.identity.chain_name
        declaration, effect = examine(bundle, running, chain=chain, host_release=RELEASE)
        plans: list[int] = []

        def schedule(context: HostContext) -> None:
            store_bundle(context.overlay, bundle, OPERATOR, context.height)
            request = PlanRequest(
                proposal=0, code_hash=bundle.code_hash, effect=effect, declaration=declaration, activation=activation
            )
            plans.append(context.coordinator.schedule(request))

        self._do(schedule)
        return plans[-1]

    def execute_upgrade(self) -> HistoryEntry:
        """Make blocks up to the pending plan's activation height, and tell how it ended; raises
        UpgradeRefused(nothing_pending)."""
        pending = self._reader().pending()
        if pending is None:
            raise UpgradeRefused("nothing_pending", "no upgrade is scheduled: call schedule_upgrade first")
        plan_id, plan = pending
        while self.height < plan.activation:
            self.make_block()
        return self._ending(plan.activation, plan_id)

    def cancel_upgrade(self, plan_id: int, reason: str) -> None:
        """End a plan before its activation; raises UpgradeRefused when it has none to come."""
        self._do(lambda context: context.coordinator.cancel(plan_id, reason))

    def rollback_upgrade(self, reason: str) -> HistoryEntry:
        """Return to the state before the last upgrade and replay what came after; raises UpgradeRefused when no
        window is open."""
        window = self._reader().window()
        self._do(lambda context: context.coordinator.roll_back(0, reason))
        self.make_block()
        assert window is not None, "a rollback was decided, so a window was open"
        return self._ending(self.height, window.plan)

    def pause(self, reason: str) -> None:
        """Enter safe mode."""
        self._do(lambda context: context.coordinator.pause(reason))

    def resume(self) -> None:
        """Leave safe mode."""
        self._do(lambda context: context.coordinator.resume("by hand"))

    def make_block(self, transactions: tuple[bytes, ...] = ()) -> PreparedBlock:
        """Make and commit the next block."""
        chain, head = self.chain, self.chain.state.head
        block = make_block(
            head.height + 1, chain.identity.chain_id, chain.last_block, head.app_root, OPERATOR, transactions
        )
        prepared = chain.finalize(block)
        chain.commit(prepared)
        return prepared

    def _do(self, act: Callable[[HostContext], object]) -> None:
        """Make a block that ends with an act; one that refuses leaves no block behind."""
        self._operator.act = act
        try:
            self.make_block()
        finally:
            self._operator.act = None

    def _reader(self) -> Coordinator:
        overlay = self.chain.state.overlay()
        return Coordinator(overlay, self.height, Parameters(overlay, self.height), [])

    def _ending(self, height: int, plan_id: int) -> HistoryEntry:
        entry = self.chain.state.overlay().get(HISTORY, (height, plan_id))
        assert entry is not None, "a plan whose height has come has ended"
        return entry
