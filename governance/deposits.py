"""The deposit ledger: units taken with a proposal, and given back or burned when it ends.

The coins themselves move by the purse, which holds them for the host; the ledger says whose they are and why. For
every proposal `Standing.gathered` is the sum of its rows here, and over all of them
taken = held + refunded + burned. A proposal has a bounded number of depositors, so its end settles all of them.
"""

from __future__ import annotations

from governance.errors import need
from governance.proposals import Standing
from governance.tables import DEPOSITS, LEDGER, Deposit, Ledger
from runtime.host import HostContext
from runtime.receipts import event

MOST_DEPOSITORS = 100
SUBMISSION_SHARE = 4
"""One part in this many of the deposit must come with the proposal itself."""


def least_at_submission(deposit: int) -> int:
    """Units that must come with a proposal, of a track that asks for ``deposit``."""
    return -(-deposit // SUBMISSION_SHARE)


def take(context: HostContext, proposal: int, standing: Standing, amount: int) -> Standing:
    """Take ``amount`` units from the sender for a proposal; refused before anything is written."""
    key = (proposal, context.sender)
    mine = context.overlay.get(DEPOSITS, key)
    fits = mine is not None or standing.depositors < MOST_DEPOSITORS
    need(fits, "too_many_depositors", most=MOST_DEPOSITORS)
    context.purse.debit(context.sender, amount)
    context.overlay.put(DEPOSITS, key, Deposit(amount=amount + (0 if mine is None else mine.amount)))
    ledger = ledger_of(context)
    context.overlay.put(LEDGER, (), ledger.but(taken=ledger.taken + amount, held=ledger.held + amount))
    context.events.append(event("DepositTaken", proposal=proposal, depositor=context.sender, amount=amount))
    depositors = standing.depositors + (mine is None)
    return standing.but(gathered=standing.gathered + amount, depositors=depositors)


def settle(context: HostContext, proposal: int, standing: Standing, burn: bool) -> Standing:
    """Give every depositor of an ended proposal its units back, or burn them."""
    rows = list(context.overlay.scan(DEPOSITS, (proposal,)))
    for key, row in rows:
        context.overlay.delete(DEPOSITS, key)
        if burn:
            context.purse.burn(row.amount)
        else:
            context.purse.credit(key[1], row.amount)
    amount = sum(row.amount for _, row in rows)
    if amount:
        _close(context, amount, burn)
        kind = "DepositBurned" if burn else "DepositRefunded"
        context.events.append(event(kind, proposal=proposal, amount=amount, depositors=len(rows)))
    return standing.but(gathered=0, depositors=0)


def ledger_of(context: HostContext) -> Ledger:
    """The ledger's totals."""
    return context.overlay.get(LEDGER, ()) or Ledger()


def _close(context: HostContext, amount: int, burn: bool) -> None:
    ledger = ledger_of(context)
    rest = ledger.but(held=ledger.held - amount)
    rest = rest.but(burned=rest.burned + amount) if burn else rest.but(refunded=rest.refunded + amount)
    context.overlay.put(LEDGER, (), rest)
