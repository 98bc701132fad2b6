"""One pass over one block: begin, transactions, end, settle. It writes an overlay and nothing else.

Three strengths of the same pass. `NORMAL` settles the invariants once, at the end. If one is broken the block is run
again as `CAREFUL`: settled after every item, and the item that breaks a rule is undone alone and recorded. If even
that does not hold, the block is run `SEALED`: no runtime item at all, and the chain enters safe mode, or in probation
returns to the old runtime. A bundle's rule that the host's own work breaks even then (a refund, say) is let stand:
governance must be able to act. The supply is never let stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from runtime.accounts import use_nonce
from runtime.address import module_address
from runtime.block import Block
from runtime.bundle.declarations import HookKind
from runtime.errors import ActivationFailed, RuntimeRoomError
from runtime.execution import Execution, HostTable, SignatureCheck, execute_transaction
from runtime.guard import Guard
from runtime.hooks import UNHEALTHY, hooks_of, run_hook
from runtime.host import HostContext, HostModule
from runtime.journal import JournalItem
from runtime.purse import PurseItem
from runtime.receipts import INVARIANT_BROKEN, OK, Receipt
from runtime.transaction import SignedTransaction
from storage.errors import InvalidRecord
from storage.overlay import Overlay

FEE_COLLECTOR = module_address("treasury")
"""Where the fees of a block go."""


class Strength(Enum):
    """How a block is run; see the module's text."""

    NORMAL = "normal"
    CAREFUL = "careful"
    SEALED = "sealed"


UNFORGIVEN = frozenset({UNHEALTHY, "out_of_steps", "out_of_bytes"})
"""Codes of hooks that end an upgrade at its activation or in probation; other failures are recorded only."""

Item = SignedTransaction | Receipt
"""A decoded transaction, or the receipt of bytes that could not be decoded."""


def id_of(item: Item) -> bytes:
    """The transaction's id."""
    return item.item if isinstance(item, Receipt) else item.id


@dataclass(slots=True)
class BlockRun:
    """Everything one pass needs and leaves behind."""

    block: Block
    overlay: Overlay
    execution: Execution
    context: HostContext
    guard: Guard
    host: HostTable
    modules: tuple[HostModule, ...]
    check: SignatureCheck
    strength: Strength
    receipts: list[Receipt] = field(default_factory=list)
    """Of the transactions, in order."""
    journal: list[JournalItem] = field(default_factory=list)
    closing: tuple[PurseItem, ...] = ()
    broken: tuple[str, ...] = ()
    """Rules that do not hold at the end of the pass."""
    faults: list[tuple[HookKind, Receipt]] = field(default_factory=list)
    """Hooks that failed."""

    def hooks(self, kind: HookKind) -> None:
        """Run the modules' hooks of a kind; only failures leave a receipt. Beside a replay they wait for their turn
        in it."""
        if self.strength is Strength.SEALED or self.execution.safe_mode or self.execution.replaying:
            return
        for hook in hooks_of(self.execution.loaded, kind):
            receipt = self.guard.run(lambda hook=hook: run_hook(self.execution, hook))  # type: ignore[misc]
            if receipt.code != OK:
                self.faults.append((kind, receipt))

    def transactions(self, items: tuple[Item, ...]) -> None:
        """Run the block's transactions in order, each with its receipt and journal item."""
        purse, run = self.context.purse, self._alone if self.guard.careful else self._plainly
        for position, item in enumerate(items):
            before, host = len(purse.items), False
            if isinstance(item, Receipt):
                receipt = item
            else:
                receipt = run(item)
                host = (item.body.call.module, item.body.call.name) in self.host
            moved = tuple(purse.items[before:]) if len(purse.items) > before else ()
            self.receipts.append(receipt)
            self.journal.append(JournalItem(position=position, code=receipt.code, purse=moved, host=host))

    def end(self) -> None:
        """The modules' end hooks, fees to their collector, then the host's work by height; then settle what is left."""
        self.hooks("end_block")
        try:
            self._host_work()
        except (RuntimeRoomError, InvalidRecord) as fault:
            # Values that only a broken rule can have made, such as a purse that is full: settle item by item.
            if self.strength is Strength.SEALED:
                raise
            self.broken = (type(fault).__name__,)
        else:
            self.broken = self.guard.catch_up()

    def _host_work(self) -> None:
        self.execution.purse.credit_fees(FEE_COLLECTOR, self.execution.fees)
        self.execution.fees = 0
        moved = len(self.context.purse.items)
        self.context.sender = b""
        changes = self.overlay.changes()
        for module in self.modules:
            module.end_block(self.context, changes)
        self.closing = tuple(self.context.purse.items[moved:])

    def unhealthy(self) -> bool:
        """Whether a hook failed its health check or ran out of steps: what probation does not forgive."""
        return any(receipt.code in UNFORGIVEN for _, receipt in self.faults)

    def require_flawless(self) -> None:
        """At the activation height nothing may be broken; raises ActivationFailed naming what is."""
        if self.broken:
            raise ActivationFailed("invariant_broken", detail=", ".join(self.broken))
        for kind, receipt in self.faults:
            if receipt.code in UNFORGIVEN:
                raise ActivationFailed(f"{kind}_{receipt.code}", receipt.file, receipt.line)

    def _plainly(self, item: SignedTransaction) -> Receipt:
        return execute_transaction(self.execution, self.host, self.context, item, self.check)

    def _alone(self, item: SignedTransaction) -> Receipt:
        """Settled before and after; if it breaks a rule, nothing of it stays but its use of the nonce."""
        context, purse = self.context, self.context.purse
        moved, said = len(purse.items), len(context.events)
        receipt = self.guard.run(lambda: self._plainly(item))
        if receipt.code == INVARIANT_BROKEN:
            del purse.items[moved:], context.events[said:]
            use_nonce(self.overlay, item.body.sender, item.body.key)
        return receipt
