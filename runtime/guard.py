"""Settling invariants while a block (or a replayed height) runs, and undoing the one item that breaks a rule.

A guard stands at a place in the overlay's log. `catch_up` settles everything written since; a normal pass does so
once, at its end. In a careful pass each item runs `alone`: what came before is settled, the item runs, and if its
own writes break a rule they are undone and the item is recorded as broken.
"""

from __future__ import annotations

from collections.abc import Callable

from runtime.execution import Execution
from runtime.invariants.counters import Counters
from runtime.invariants.settle import settle
from runtime.receipts import INVARIANT_BROKEN, Receipt


class Guard:
    """Keeps the counters of one execution up to date."""

    def __init__(self, execution: Execution, counters: Counters, careful: bool) -> None:
        self.execution = execution
        self._counters = counters
        self._mark = execution.overlay.savepoint()
        self.careful = careful
        self.undone = False
        """An item was undone because it broke a rule."""

    def catch_up(self) -> tuple[str, ...]:
        """Settle all writes since the last settling; the names of rules that do not hold."""
        execution = self.execution
        changes = execution.overlay.changes_since(self._mark)
        broken = settle(execution.overlay, self._counters, execution.loaded.tables, changes, execution.fees)
        self._mark = execution.overlay.savepoint()
        return broken

    def run(self, item: Callable[[], Receipt]) -> Receipt:
        """Run one item: plainly in a normal pass, alone in a careful one."""
        return self._alone(item) if self.careful else item()

    def _alone(self, item: Callable[[], Receipt]) -> Receipt:
        execution = self.execution
        self.catch_up()
        overlay, before = execution.overlay, self._mark
        fees, said = execution.fees, len(execution.events)
        receipt = item()
        if not self.catch_up():
            return receipt
        overlay.rollback_to(before)
        self._mark = before
        execution.fees = fees
        del execution.events[said:]
        self.undone = True
        return Receipt(
            item=receipt.item, code=INVARIANT_BROKEN, file=receipt.file, line=receipt.line, steps=receipt.steps
        )
