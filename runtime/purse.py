"""The purse: the one place where the host moves coins that a module keeps.

The running bundle names a table and a field as its purse port. The host debits and credits that field for fees,
deposits, refunds and treasury spends. What it debits it *holds* until it credits or burns it, so that

    sum of fields declared value + held - uncollected + unpaid == total - overburned

is true after every block. All but the first two and ``total`` are zero except after a rollback: coins the host still
has to take from, or give to, purses that were rewound, and burned coins that only the undone upgrade had made. Every
movement outside a runtime transaction is noted for the journal, because a rollback undoes the purse but not the
decision behind the movement.

While a replay is under way the purses are those of an earlier height. Movements are then *deferred*: decided, noted and
held at once, taken from and given to purses when the replay arrives at their height.
"""

from __future__ import annotations

from typing import Any

from runtime.errors import HostRefused
from storage.overlay import Overlay
from storage.record import Address, Amount, Flag, Record, field
from storage.tables import Table, host_table

MOST_COINS = 2**256 - 1
"""What fits into an amount. No honest purse comes near; one that a bundle filled out of nothing may."""


class Supply(Record):
    """Coins of the whole chain, in units."""

    total: Amount = field(1, default=0)
    held: Amount = field(2, default=0)
    """In the host's hands: deposits and this block's fees."""
    uncollected: Amount = field(3, default=0)
    """Debits of rewound heights not yet taken again."""
    unpaid: Amount = field(4, default=0)
    """Credits of rewound heights not yet given again."""
    overburned: Amount = field(5, default=0)
    """Coins burned beyond the total, once a rollback took back the supply that an upgrade had added."""

    def plus(self, change: int) -> Supply:
        """The same books with ``change`` units made (or, below zero, destroyed)."""
        total = self.total - self.overburned + change
        return self.but(total=max(total, 0), overburned=max(-total, 0))


class Debt(Record):
    """What an account owes after a replay in which a debit no longer fitted."""

    owed: Amount = field(1, default=0)


class PurseItem(Record):
    """One movement for the journal: a debit (or credit) of ``amount`` units at ``owner``."""

    owner: Address = field(1)
    amount: Amount = field(2)
    debit: Flag = field(3, default=False)


SUPPLY: Table[Supply] = host_table("host.supply", Supply, key=(), names=())
DEBTS: Table[Debt] = host_table("host.debts", Debt)


class Purse:
    """Balances as the host sees them, through the running bundle's port."""

    def __init__(self, overlay: Overlay, table: Table[Any], balance_field: str, deferred: bool = False) -> None:
        self._overlay = overlay
        self._deferred = deferred
        self._table = table
        self._field = balance_field
        self.items: list[PurseItem] = []
        """Movements outside runtime transactions since the block began, for the journal."""

    def balance(self, owner: bytes) -> int:
        """Spendable units of ``owner``; 0 for an account that does not exist."""
        record = self._overlay.get(self._table, (owner,))
        return 0 if record is None else int(getattr(record, self._field))

    def debit(self, owner: bytes, amount: int) -> None:
        """Take ``amount`` into the host's hands; raises HostRefused(insufficient_funds) and changes nothing."""
        self._require_funds(owner, amount)
        if self._deferred:
            supply = self.supply()
            self._overlay.put(SUPPLY, (), supply.but(uncollected=supply.uncollected + amount))
        else:
            self._take(owner, amount)
        self._hold(amount)
        self.items.append(PurseItem(owner=owner, amount=amount, debit=True))

    def credit(self, owner: bytes, amount: int) -> None:
        """Give ``amount`` from the host's hands; raises HostRefused(nothing_held, purse_full) and changes nothing."""
        self._require_held(amount, "nothing_held")
        if self._deferred:
            supply = self.supply()
            self._overlay.put(SUPPLY, (), supply.but(unpaid=supply.unpaid + amount))
        else:
            self._give(owner, amount)
        self._hold(-amount)
        self.items.append(PurseItem(owner=owner, amount=amount))

    def burn(self, amount: int) -> None:
        """Destroy ``amount`` of what the host holds; raises HostRefused(nothing_to_burn)."""
        self._require_held(amount, "nothing_to_burn")
        supply = self.supply().plus(-amount)
        self._overlay.put(SUPPLY, (), supply.but(held=supply.held - amount))

    def pay_fee(self, owner: bytes, amount: int) -> None:
        """Take a runtime transaction's fee out of its sender's purse; the block credits all fees once, at its end."""
        self._take(owner, amount)

    def credit_fees(self, collector: bytes, amount: int) -> None:
        """Credit the fees of one block; part of the block's own replay, so not a journal item."""
        if amount:
            self._give(collector, amount)

    def supply(self) -> Supply:
        """The supply row."""
        return self._overlay.get(SUPPLY, ()) or Supply()

    def settle(self, item: PurseItem) -> bool:
        """Apply a journal item of a rewound height again; False when it became a recorded debt."""
        supply = self.supply()
        if not item.debit:
            self._give(item.owner, item.amount)
            self._overlay.put(SUPPLY, (), supply.but(unpaid=supply.unpaid - item.amount))
            return True
        if self.balance(item.owner) >= item.amount:
            self._take(item.owner, item.amount)
            self._overlay.put(SUPPLY, (), supply.but(uncollected=supply.uncollected - item.amount))
            return True
        debt = self._overlay.get(DEBTS, (item.owner,)) or Debt()
        self._overlay.put(DEBTS, (item.owner,), debt.but(owed=debt.owed + item.amount))
        return False

    def _take(self, owner: bytes, amount: int) -> None:
        record = self._require_funds(owner, amount)
        self._overlay.put(self._table, (owner,), record.but(**{self._field: getattr(record, self._field) - amount}))

    def _require_funds(self, owner: bytes, amount: int) -> Any:
        """The row of a purse that holds so much."""
        record = self._overlay.get(self._table, (owner,))
        have = 0 if record is None else getattr(record, self._field)
        if record is None or have < amount:
            raise HostRefused("insufficient_funds", f"the purse holds {have} units, {amount} are needed")
        return record

    def _give(self, owner: bytes, amount: int) -> None:
        record = self._overlay.get(self._table, (owner,))
        if record is None:
            record = self._table.record(**{self._field: 0})
        coins = getattr(record, self._field) + amount
        if coins > MOST_COINS:
            raise HostRefused("purse_full", "more coins than a purse can hold: some were made out of nothing")
        self._overlay.put(self._table, (owner,), record.but(**{self._field: coins}))

    def _require_held(self, amount: int, code: str) -> None:
        held = self.supply().held
        if amount > held:
            raise HostRefused(code, f"the host holds {held} units, not {amount}")

    def _hold(self, change: int) -> None:
        supply = self.supply()
        self._overlay.put(SUPPLY, (), supply.but(held=supply.held + change))
