"""The chain on one machine: blocks in, prepared blocks out, committed blocks stay. No mempool, no network, no clock.

`finalize` executes a block and commits nothing; it may be called again and its result dropped. `commit` is one batch.
At the activation height it flips to the new runtime inside the block, or, if anything about the flip fails, runs the
same block again under the old one with the failure recorded. At the height of a decided rollback it returns and
replays before the block's own transactions. Whatever a bundle does, a block comes out and governance has acted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runtime.accounts import ACCOUNTS
from runtime.block import Block, block_id, data_digest
from runtime.block_run import BlockRun, Item, Strength, id_of
from runtime.bundle.checker import check_upgrade
from runtime.bundle.loader import LoadedRuntime
from runtime.bundle.problems import BundleRefused
from runtime.bundles import BUNDLES, CHUNKS
from runtime.coordinator import Coordinator
from runtime.errors import (
    ActivationFailed,
    BlockRefused,
    BundleUnavailable,
    HostTooOld,
    SupplyBroken,
    TransactionMalformed,
)
from runtime.execution import Execution, HostTable, SignatureCheck, host_table_of, signature_is_good
from runtime.growth.growth import Growth, Progress
from runtime.guard import Guard
from runtime.host import HostContext, HostModule
from runtime.host_calls import KEY_CALLS
from runtime.identity import CHAIN, ChainIdentity
from runtime.invariants.counters import AGGREGATES, Counters, counters_of
from runtime.journal import JOURNALS, LOG, START
from runtime.library import Library
from runtime.module_backups import BACKUPS
from runtime.opening import Opener, Opening
from runtime.parameters import (
    FLAGS,
    PARAMETERS,
    RUNTIME_PARAMETERS,
    KnownValues,
    ParameterRule,
    Parameters,
)
from runtime.plans import HISTORY, PLANS, QUEUE, REPLAYING, RUNNING, WINDOW, Plan
from runtime.purse import DEBTS, SUPPLY, Purse
from runtime.receipts import Event, Receipt
from runtime.registry import REGISTRY, registered_modules
from runtime.restoring import RestoreRefused, itself_next, require_backup
from runtime.rollback import LoggedHeight
from runtime.safe_mode import SAFE_MODE, STOPS
from runtime.sealing import RECEIPTS, Sealed, block_of, seal
from runtime.transaction import SignedTransaction, decode_transaction, transaction_id
from storage.headfile import Head
from storage.overlay import Overlay
from storage.pending import LogRows
from storage.state import State
from storage.tables import Table

RUNTIME_ROOM_TABLES: tuple[Table[Any], ...] = (
    ACCOUNTS, AGGREGATES, BACKUPS, BUNDLES, CHAIN, CHUNKS, DEBTS, FLAGS, HISTORY, LOG, PARAMETERS, PLANS, QUEUE,
    REPLAYING, REGISTRY, RUNNING, SAFE_MODE, STOPS, SUPPLY, WINDOW,
)  # fmt: skip
"""Tables of this room; AGGREGATES lies in the runtime half, so that a rollback rewinds it."""


@dataclass(frozen=True, slots=True)
class PreparedBlock:
    """An executed block that may be committed or dropped."""

    block: Block
    id: bytes
    sealed: Sealed
    events: tuple[Event, ...]
    loaded: LoadedRuntime
    """The runtime after this block."""
    opening: Opening
    strength: Strength

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """Of the transactions in order, then of hooks that failed."""
        return self.sealed.receipts


class Chain:
    """Executes and commits blocks on one state. Belongs to the executor thread."""

    def __init__(
        self, state: State, modules: tuple[HostModule, ...] = (), check: SignatureCheck = signature_is_good
    ) -> None:
        self.state = state
        self.modules = modules
        self.library = Library()
        self.host: HostTable = host_table_of((*KEY_CALLS, *(call for module in modules for call in module.calls)))
        self.rules: tuple[ParameterRule, ...] = (
            *RUNTIME_PARAMETERS,
            *(rule for module in modules for rule in module.parameters),
        )
        self._check = check
        self._counters: dict[bytes, Counters] = {}
        self._known: KnownValues = {}
        """Parameters in force, looked up once; forgotten whenever a block changes any."""
        overlay = state.overlay()
        identity = overlay.get(CHAIN, ())
        assert identity is not None, "a chain's identity is written at genesis"
        self.identity: ChainIdentity = identity
        self.last_block = (overlay.get(LOG, ()) or START).block
        self.loaded = self.library.get(
            overlay, Coordinator(overlay, state.height, Parameters(overlay, state.height), []).running().code_hash
        )
        self._registered = registered_modules(overlay, self.loaded.declaration)
        """Modules of the running runtime that may run; looked up again whenever a block changes the registry."""
        self._growth = self._begin_growth()

    def finalize(self, block: Block, decoded: dict[bytes, SignedTransaction] | None = None) -> PreparedBlock:
        """Execute a block on the last committed one; raises BlockRefused for a block that cannot follow it.

        ``decoded`` holds transactions that were decoded before, by their raw bytes.
        """
        items = self._items(block.transactions, decoded or {})
        self.require_next(block, [id_of(item) for item in items])
        try:
            return self._execute(block, items, None)
        except ActivationFailed as failure:
            return self._execute(block, items, failure)

    def commit(self, prepared: PreparedBlock, durable: bool = True, rows: LogRows = ()) -> Head:
        """Make a prepared block the head; ``rows`` are further log rows, such as signatures."""
        sealed, changes = prepared.sealed, prepared.sealed.state.changes
        growth = None if prepared.opening.flipped else self._growth  # what a flip changes no growth can follow
        marks = [] if growth is None else growth.marks(changes)
        log_rows = [*sealed.log_rows, *rows, *marks]
        head = self.state.commit(sealed.state, prepared.block.header.height, log_rows, durable=durable)
        if PARAMETERS.name in changes or FLAGS.name in changes:
            self._known = {}
        self.last_block = prepared.id
        self.loaded = prepared.loaded
        if REGISTRY.name in changes:
            self._registered = registered_modules(self.state.overlay(), self.loaded.declaration)
        if prepared.opening.flipped:
            for table in self.loaded.tables.values():
                self.state.register(table)
        if growth is not None:
            growth.follow(changes)
        if QUEUE.name in changes or RUNNING.name in changes:
            self._change_growth(prepared.opening.activated)
        return head

    def grow(self, records: int) -> bool:
        """Do a slice of the pending upgrade's growth, of about ``records``; returns whether there is more to do."""
        return self._growth is not None and self._growth.grow(records)

    @property
    def growth(self) -> Growth | None:
        """The pending upgrade's growth; None while no plan is pending that could take effect."""
        return self._growth

    def growth_progress(self) -> Progress | None:
        """How far the pending upgrade's growth is; None while none grows."""
        return None if self._growth is None else self._growth.progress()

    def opened(self) -> tuple[Overlay, Opening]:
        """How the next block would begin, and the state right then: after a flip or a return, before any of its items.
        Commits nothing; raises ActivationFailed where the due upgrade cannot take effect."""
        height, overlay = self.state.height + 1, self.state.overlay()
        parameters = Parameters(overlay, height, self._known)
        coordinator = Coordinator(overlay, height, parameters, [])
        return overlay, self._opener().open(overlay, coordinator, parameters, height, None)

    def _begin_growth(self) -> Growth | None:
        """The growth of the pending plan, taken up where the last run left it; None when none can take effect."""
        overlay = self.state.overlay()
        pending = Coordinator(overlay, self.state.height, Parameters(overlay, self.state.height), []).pending()
        if pending is None or pending[1].base != self.loaded.code_hash:
            return None
        if pending[1].backup:
            return self._begin_restoring(*pending)
        try:
            new = self.library.get(overlay, pending[1].code_hash)
            check_upgrade(self.loaded.declaration, new.declaration)
        except (BundleRefused, BundleUnavailable, HostTooOld):
            return None
        return Growth(self.state, *pending, self.loaded, new)

    def _begin_restoring(self, plan_id: int, plan: Plan) -> Growth | None:
        try:
            kept = require_backup(self.state.overlay(), self.library, self.loaded, plan.backup)
        except RestoreRefused:
            return None
        return Growth(self.state, plan_id, plan, self.loaded, itself_next(self.loaded), kept.content)

    def _change_growth(self, activated: int) -> None:
        """Let go of a growth whose plan has ended or taken effect, or whose base runs no longer, and begin the next."""
        before = self._growth
        coordinator = Coordinator(self.state.overlay(), self.state.height, Parameters(self.state.overlay(), 0), [])
        pending = coordinator.pending()
        goes_on = pending is not None and pending[1].base == self.loaded.code_hash
        if before is not None and pending is not None and goes_on and pending[0] == before.plan_id:
            return
        if before is not None and before.plan_id != activated:
            before.discard()
        self._growth = self._begin_growth()

    def _execute(self, block: Block, items: tuple[Item, ...], failure: ActivationFailed | None) -> PreparedBlock:
        broken: tuple[str, ...] = ()
        for strength in Strength:
            run, opening = self._pass(block, items, failure, strength)
            broken = run.broken
            if opening.activated:
                run.require_flawless()
            if strength is Strength.SEALED:
                rules = {rule.name for rule in opening.counters.rules}
                broken = tuple(name for name in broken if name not in rules)
            if not broken:
                return self._sealed(block, run, opening)
        raise SupplyBroken(block.header.height, broken)

    def _pass(
        self, block: Block, items: tuple[Item, ...], failure: ActivationFailed | None, strength: Strength
    ) -> tuple[BlockRun, Opening]:
        height, overlay = block.header.height, self.state.overlay()
        parameters = Parameters(overlay, height, self._known)
        events: list[Event] = []
        coordinator = Coordinator(overlay, height, parameters, events)
        opening = self._opener().open(overlay, coordinator, parameters, height, failure)
        sealed = strength is Strength.SEALED
        if sealed and not _in_probation(coordinator, height):
            coordinator.pause("invariants broken with no single transaction to blame")
        stopped = coordinator.safe_mode()
        execution = self.execution(
            overlay, opening.loaded, height, sealed or stopped.on, stopped.isolated, opening.replaying
        )
        context = HostContext(
            overlay=overlay,
            height=height,
            chain_id=self.identity.chain_id,
            chain_name=self.identity.chain_name,
            sender=b"",
            runtime=opening.loaded,
            parameters=parameters,
            purse=execution.purse,
            coordinator=coordinator,
            rules=self.rules,
            events=events,
            reconcile=opening.reconcile,
            replaying=opening.replaying,
        )
        guard = Guard(execution, opening.counters, careful=strength is not Strength.NORMAL)
        run = BlockRun(block, overlay, execution, context, guard, self.host, self.modules, self._check, strength)
        run.hooks("begin_block")
        run.transactions(items)
        run.end()
        coordinator.lift_ended_stops()
        self._watch(coordinator, run, height)
        return run, opening

    def _watch(self, coordinator: Coordinator, run: BlockRun, height: int) -> None:
        """In probation, a broken rule, an unhealthy module or a hook out of steps rolls the upgrade back by itself."""
        if not _in_probation(coordinator, height):
            return
        run.hooks("health")
        if run.strength is Strength.SEALED:
            coordinator.roll_back(0, "an invariant broke in probation with no single transaction to blame")
        elif run.guard.undone:
            coordinator.roll_back(0, "a transaction broke an invariant in probation")
        elif run.unhealthy():
            coordinator.roll_back(0, "a module failed its health check or a hook its limits in probation")

    def _sealed(self, block: Block, run: BlockRun, opening: Opening) -> PreparedBlock:
        identity = block_id(block.header)
        sealed = seal(self.state, run, identity, opening)
        events = (*run.context.events, *run.execution.events)
        return PreparedBlock(block, identity, sealed, events, opening.loaded, opening, run.strength)

    def execution(
        self,
        overlay: Overlay,
        loaded: LoadedRuntime,
        height: int,
        safe_mode: bool = False,
        isolated: frozenset[str] = frozenset(),
        replaying: bool = False,
    ) -> Execution:
        """A scope under a runtime and the parameters of a height, with nothing stopped but what is said; the next
        height's parameters are remembered between blocks."""
        parameters = Parameters(overlay, height, self._known if height == self.state.height + 1 else None)
        port = loaded.declaration.manifest.ports.purse
        assert port is not None, "the checker admits no runtime without a purse"
        steps = parameters.integer("block_steps")
        return Execution(
            overlay=overlay,
            loaded=loaded,
            height=height,
            chain_id=self.identity.chain_id,
            parameters=parameters,
            purse=Purse(overlay, loaded.tables[port.table], port.field, deferred=replaying),
            safe_mode=safe_mode,
            replaying=replaying,
            steps_left=steps,
            call_limit=min(parameters.integer("call_steps"), steps),
            call_written=parameters.integer("call_written"),
            fee_floor=parameters.integer("fee_floor"),
            registered=self._registered if loaded is self.loaded else registered_modules(overlay, loaded.declaration),
            isolated=isolated,
        )

    def _opener(self) -> Opener:
        return Opener(
            state=self.state,
            library=self.library,
            counters=self.counters,
            execution=self.execution,
            logs=self.logged,
            decode=self._decode,
            growth=self._grown_for,
        )

    def counters(self, loaded: LoadedRuntime) -> Counters:
        """The counters of a runtime, made once."""
        found = self._counters.get(loaded.code_hash)
        if found is None:
            found = self._counters[loaded.code_hash] = counters_of(loaded.declaration)
        return found

    def logged(self, height: int) -> LoggedHeight:
        """What the block log holds of a height inside the rollback window."""
        log = self.state.log()
        block, journal = block_of(log.block(height)), log.journal(height)
        hooks = log.receipts(height)[len(block.transactions) :]
        return LoggedHeight(
            block=block,
            journal=None if journal is None else JOURNALS.decode(journal),
            hooks=tuple(RECEIPTS.decode(raw) for raw in hooks),
        )

    def _grown_for(self, plan: int) -> Growth:
        growth = self._growth
        assert growth is not None and growth.plan_id == plan, "a pending plan whose bundle loads has a growth"
        return growth

    def _items(self, transactions: tuple[bytes, ...], known: dict[bytes, SignedTransaction]) -> tuple[Item, ...]:
        if not transactions:
            return ()
        limit = Parameters(self.state.overlay(), self.state.height + 1, self._known).integer("transaction_bytes")
        return tuple([self._item(raw, known, limit) for raw in transactions])

    def _item(self, raw: bytes, known: dict[bytes, SignedTransaction], limit: int) -> Item:
        found = known.get(raw)
        if found is not None and len(raw) <= limit:
            return found
        try:
            return decode_transaction(raw, limit)
        except TransactionMalformed as malformed:
            return Receipt(item=transaction_id(raw), code=malformed.code)

    def _decode(self, raw: bytes) -> SignedTransaction | None:
        item = self._item(raw, {}, len(raw))
        return None if isinstance(item, Receipt) else item

    def require_next(self, block: Block, ids: Sequence[bytes]) -> None:
        """Raise BlockRefused unless the block builds on the last committed one; ``ids`` are its transactions'."""
        header, height = block.header, self.state.height + 1
        checks = (
            (header.height == height, "wrong_height", f"the next height is {height}, not {header.height}"),
            (header.chain == self.identity.chain_id, "wrong_chain", f"this chain is {self.identity.chain_id}"),
            (header.last_block == self.last_block, "wrong_parent", "the block does not build on this chain's last one"),
            (header.app_root == self.state.head.app_root, "wrong_root", "the block builds on another state"),
            (header.data == data_digest(ids), "wrong_data", "the transactions are not those of the header"),
        )
        for holds, code, message in checks:
            if not holds:
                raise BlockRefused(code, message)


def _in_probation(coordinator: Coordinator, height: int) -> bool:
    """Whether faults at this height roll the last upgrade back, unless that is decided already."""
    window = coordinator.window()
    return window is not None and not window.rollback_at and window.activation < height <= window.probation_until
