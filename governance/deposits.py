"""The deposit ledger: units taken with a proposal, and given back or burned when it ends.

The coins themselves move by the purse, which holds them for the host; the ledger says whose they are and why. For
every proposal `Standing.gathered` is the sum of its rows here, and over all of them
taken = held + refunded + burned. A proposal has a bounded number of depositors, so its end settles all of them; one
that another chain had open comes with as many as it had there, and takes no more beyond the bound.
"""

from __future__ import annotations

from dataclasses import dataclass

from governance.bars import Ratio
from governance.errors import need
from governance.proposals import Proposal, Standing
from governance.tables import DEPOSITS, LEDGER, Deposit, Ledger
from governance.tracks import Track
from runtime.host import HostContext
from runtime.receipts import event

MOST_DEPOSITORS = 100


@dataclass(frozen=True, slots=True)
class Burn:
    """What an end burns: the whole deposit, what came with the proposal, or a share of every depositor's units."""

    whole: bool
    initial: bool
    share: Ratio | None


def least_at_submission(track: Track) -> int:
    """Units that must come with a proposal on a track."""
    return -(-track.deposit * track.initial_share.part // track.initial_share.whole)


def take(context: HostContext, proposal: int, standing: Standing, amount: int) -> Standing:
    """Take ``amount`` units from the sender for a proposal; refused before anything is written."""
    mine = context.overlay.get(DEPOSITS, (proposal, context.sender))
    fits = mine is not None or standing.depositors < MOST_DEPOSITORS
    need(fits, "too_many_depositors", most=MOST_DEPOSITORS)
    context.purse.debit(context.sender, amount)
    return enter(context, proposal, standing, context.sender, amount)


def enter(context: HostContext, proposal: int, standing: Standing, depositor: bytes, amount: int) -> Standing:
    """Write ``amount`` units that the host holds already into the ledger, as a depositor's for a proposal."""
    mine = context.overlay.get(DEPOSITS, (proposal, depositor))
    context.overlay.put(DEPOSITS, (proposal, depositor), Deposit(amount=amount + (0 if mine is None else mine.amount)))
    ledger = ledger_of(context)
    context.overlay.put(LEDGER, (), ledger.but(taken=ledger.taken + amount, held=ledger.held + amount))
    context.events.append(event("DepositTaken", proposal=proposal, depositor=depositor, amount=amount))
    depositors = standing.depositors + (mine is None)
    return standing.but(gathered=standing.gathered + amount, depositors=depositors)


def settle(context: HostContext, proposal: int, what: Proposal, standing: Standing, burn: Burn) -> Standing:
    """Give every depositor of an ended proposal its units back, but for those that its end burns."""
    burned = refunded = 0
    for key, row in list(context.overlay.scan(DEPOSITS, (proposal,))):
        context.overlay.delete(DEPOSITS, key)
        lost = _lost(row.amount, standing.initial if key[1] == what.proposer else 0, burn)
        if lost:
            context.purse.burn(lost)
        if row.amount > lost:
            context.purse.credit(key[1], row.amount - lost)
        burned, refunded = burned + lost, refunded + row.amount - lost
    ledger = ledger_of(context)
    if burned or refunded:
        after = ledger.but(
            held=ledger.held - burned - refunded, burned=ledger.burned + burned, refunded=ledger.refunded + refunded
        )
        context.overlay.put(LEDGER, (), after)
    for kind, amount in (("DepositBurned", burned), ("DepositRefunded", refunded)):
        if amount:
            said = event(kind, proposal=proposal, amount=amount, depositors=standing.depositors)
            context.events.append(said)
    return standing.but(gathered=0, depositors=0, burned=burned, refunded=refunded)


def ledger_of(context: HostContext) -> Ledger:
    """The ledger's totals."""
    return context.overlay.get(LEDGER, ()) or Ledger()


def _lost(amount: int, initial: int, burn: Burn) -> int:
    """What of a depositor's units an end burns; the greatest of what its rules say."""
    if burn.whole:
        return amount
    share = amount * burn.share.part // burn.share.whole if burn.share is not None else 0
    return max(share, min(initial, amount) if burn.initial else 0)
