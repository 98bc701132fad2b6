"""The return to A-1 and the way forward again, at height R; height never goes back.

1. Runtime tables return: the catalogue's entries of A-1, undo rows for tables that both runtimes share. The root must
   then equal the one recorded before the flip, byte for byte. Host tables stay: votes, nonces and decisions stand.
2. The journal of A..R-1 is applied under the old runtime in its order. Every transaction gets a second receipt. One
   whose first receipt failed is not run again (people have retried it); one whose interface the old runtime lacks or
   whose sender cannot pay the fee is not replayable; both cost nothing. Purse movements of host code settle in order,
   and a debit that no longer fits stays as a recorded debt. Hooks run as the old runtime has them, whatever became of
   the new one's: each first receipt of a hook has a second beside it, and so has a hook that fails in the replay only.
3. Invariants are settled at the end of each replayed height; a break there undoes single items, never the replay.
4. A block replays at most `replay_items` transactions and goes on in the next. Every block from R until the replay
   ends joins the journal whole: its runtime transactions and hooks are queued behind what is being replayed, its host
   calls run at once, and their purse movements settle when the replay arrives at their height. Proposals hold no
   runtime transaction meanwhile, so the replay catches up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from runtime.activation import signed_change
from runtime.block import Block
from runtime.block_run import FEE_COLLECTOR
from runtime.bundle.declarations import HookKind
from runtime.bundle.loader import LoadedRuntime
from runtime.errors import HostRefused, RollbackBroken
from runtime.execution import Execution, must_wait, run_runtime, runtime_refusal
from runtime.guard import Guard
from runtime.hooks import hooks_of, run_hook
from runtime.invariants.counters import AGGREGATES, Counters
from runtime.journal import Journal, JournalItem
from runtime.plans import RUNNING, Window
from runtime.purse import SUPPLY, PurseItem, Supply
from runtime.receipts import FAILED_BEFORE, HOST_STANDS, NOT_REPLAYABLE, OK, QUEUED_FOR_REPLAY, Receipt, Receipts
from runtime.transaction import SignedTransaction, transaction_id
from storage.overlay import Overlay
from storage.state import State

TRANSACTION_WEIGHT = 16
"""What replaying a runtime transaction weighs against an empty height."""


@dataclass(frozen=True, slots=True)
class LoggedHeight:
    """What the logs hold of one height in the window."""

    block: Block
    journal: Journal | None
    """None for a height without items."""
    hooks: tuple[Receipt, ...] = ()
    """First receipts of hooks that failed."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The second receipts, by original height, and what those of transactions amount to."""

    receipts: tuple[tuple[int, Receipts], ...]
    next: int
    """The height to go on with."""
    replayed: int
    not_replayed: int


@dataclass(frozen=True, slots=True)
class ReplayedHeight:
    """What became of a height's items, in their order."""

    transactions: list[Receipt]
    hooks: list[Receipt]
    """Every hook that ran, those that succeeded too."""


def return_to_base(state: State, overlay: Overlay, window: Window, old: LoadedRuntime, height: int) -> bytes:
    """Bring the runtime half back to A-1 and return the root it then has, computed from its rows; raises
    RollbackBroken when that is not the recorded one."""
    now = {entry.name: entry.generation for entry in state.catalogue.runtime.entries}
    then = {entry.generation: entry.name for entry in window.tables}
    overlay.flip(state.catalogue.with_runtime_tables(window.tables))
    log, rows = state.log(), dict[str, dict[bytes, bytes | None]]()
    for past in range(height - 1, window.activation - 1, -1):
        for table_name, key, before in log.undo(past):
            rows.setdefault(table_name, {})[key] = before  # what the earliest height found is what stays
    for table_name, befores in rows.items():
        name = then.get(now.get(table_name, 0))
        if name is not None:
            overlay.put_all_raw(AGGREGATES if name == AGGREGATES.name else old.tables[name], befores)
    found = state.prepare(overlay).runtime_root
    if found != window.runtime_root:
        raise RollbackBroken(window.runtime_root, found)
    overlay.put(RUNNING, (), window.previous.but(since=height))
    return found


def open_accounts(overlay: Overlay, window: Window, logs: Callable[[int], LoggedHeight], height: int) -> None:
    """Write down which purse movements of A..R-1 the return has undone, so that the supply adds up before replay."""
    taken = given = 0
    for past in range(window.activation, height):
        for item in _movements(logs(past).journal):
            if item.debit:
                taken += item.amount
            else:
                given += item.amount
    supply = overlay.get(SUPPLY, ()) or Supply()
    overlay.put(
        SUPPLY,
        (),
        supply.plus(-signed_change(window)).but(
            uncollected=supply.uncollected + taken,
            unpaid=supply.unpaid + given,
        ),
    )


def _movements(journal: Journal | None) -> Iterator[PurseItem]:
    if journal is not None:
        for item in journal.items:
            yield from item.purse
        yield from journal.closing


def _weight(journal: Journal | None) -> int:
    """What replaying a height weighs; host calls are not run again, and weigh nothing."""
    items = () if journal is None else journal.items
    return 1 + TRANSACTION_WEIGHT * sum(not item.host for item in items)


class Replayer:
    """Applies journals under the old runtime, one height at a time."""

    def __init__(
        self,
        overlay: Overlay,
        counters: Counters,
        execution_at: Callable[[int, bool, frozenset[str]], Execution],
        decode: Callable[[bytes], SignedTransaction | None],
    ) -> None:
        self._overlay = overlay
        self._counters = counters
        self._execution_at = execution_at
        self._decode = decode

    def replay(self, heights: range, logs: Callable[[int], LoggedHeight], most: int) -> Replay:
        """Replay heights in order until ``most`` transactions are done, each height whole and one at least."""
        receipts = []
        replayed = not_replayed = weight = 0
        following = heights.start
        for height in heights:
            if weight >= most * TRANSACTION_WEIGHT:
                break
            logged = logs(height)
            weight += _weight(logged.journal)
            following = height + 1
            done = self._height(height, logged)
            again = (*done.transactions, *hooks_again(logged.hooks, done.hooks))
            receipts.append((height, Receipts(items=again)))
            codes = [receipt.code for receipt in done.transactions]
            replayed += sum(code not in (FAILED_BEFORE, NOT_REPLAYABLE, HOST_STANDS) for code in codes)
            not_replayed += codes.count(NOT_REPLAYABLE)
        return Replay(tuple(receipts), following, replayed, not_replayed)

    def _height(self, height: int, logged: LoggedHeight) -> ReplayedHeight:
        journal = logged.journal
        stopped = (False, frozenset[str]()) if journal is None else (journal.safe_mode, frozenset(journal.isolated))
        savepoint = self._overlay.savepoint()
        guard = Guard(self._execution_at(height, *stopped), self._counters, careful=False)
        try:
            done = self._pass(guard, logged)
            if not guard.catch_up():
                return done
        except HostRefused:
            pass  # a purse too full to be credited: the careful pass undoes whatever filled it
        self._overlay.rollback_to(savepoint)
        guard = Guard(self._execution_at(height, *stopped), self._counters, careful=True)
        done = self._pass(guard, logged)
        guard.catch_up()
        return done

    def _pass(self, guard: Guard, logged: LoggedHeight) -> ReplayedHeight:
        execution = guard.execution
        hooks = self._hooks(guard, "begin_block")
        receipts = []
        for item in logged.journal.items if logged.journal is not None else ():
            for movement in item.purse:
                execution.purse.settle(movement)
            receipts.append(self._item(guard, item, logged.block.transactions[item.position]))
        hooks += self._hooks(guard, "end_block")
        execution.purse.credit_fees(FEE_COLLECTOR, execution.fees)
        execution.fees = 0
        for movement in logged.journal.closing if logged.journal is not None else ():
            execution.purse.settle(movement)
        return ReplayedHeight(receipts, hooks)

    def _item(self, guard: Guard, item: JournalItem, raw: bytes) -> Receipt:
        transaction = self._decode(raw)
        if transaction is None or item.code not in (OK, QUEUED_FOR_REPLAY):
            return Receipt(item=transaction_id(raw), code=FAILED_BEFORE)
        if item.host:
            return Receipt(item=transaction.id, code=HOST_STANDS)
        body, execution = transaction.body, guard.execution
        if runtime_refusal(execution, transaction) or execution.purse.balance(body.sender) < body.fee:
            return Receipt(item=transaction.id, code=NOT_REPLAYABLE)
        if wait := must_wait(execution):
            return Receipt(item=transaction.id, code=wait)
        return guard.run(lambda: run_runtime(execution, transaction))

    def _hooks(self, guard: Guard, kind: HookKind) -> list[Receipt]:
        execution = guard.execution
        if execution.safe_mode:
            return []
        return [
            guard.run(lambda hook=hook: run_hook(execution, hook))  # type: ignore[misc]
            for hook in hooks_of(execution.loaded, kind)
        ]


def hooks_again(first: tuple[Receipt, ...], ran: list[Receipt]) -> list[Receipt]:
    """Second receipts of hooks: one beside each first, in order, then of those that failed only in the replay.

    A hook that did not run again, because the old runtime lacks it or it belongs to the upgrade, failed before.
    """
    again = {receipt.item: receipt for receipt in ran}
    beside = [again.pop(before.item, Receipt(item=before.item, code=FAILED_BEFORE)) for before in first]
    return [*beside, *(receipt for receipt in again.values() if receipt.code != OK)]
