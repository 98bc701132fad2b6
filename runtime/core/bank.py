"""Bank: every account's purse, and coins that a vesting schedule still locks.

A purse holds coins that its owner may spend at once; the host takes fees from it and pays refunds to it. Locked coins
stand in a table of their own, so that no fee and no transfer can reach them. Other modules move coins only by `take`
and `give`, which no transaction can call.
"""

from runtime.api.v1 import (
    Address,
    Amount,
    Context,
    Record,
    Refused,
    at_most,
    call,
    field,
    invariant,
    query,
    table,
    total,
)


class Account(Record):
    """A purse. Every field after the first has a default, because the host opens purses too."""

    balance: Amount = field(1, value="coin")


class Vesting(Record):
    """Coins that become free in equal parts from `start` to `end`, both heights."""

    locked: Amount = field(1, value="coin")
    original: Amount = field(2)
    start: Amount = field(3)
    end: Amount = field(4)


accounts = table(Account, key=(Address,), names=("owner",))
vestings = table(Vesting, key=(Address,), names=("owner",))

invariant("locked_within_original", at_most(total(vestings, "locked", by="key"), total(vestings, "original", by="key")))


def still_locked(original: Amount, start: Amount, end: Amount, height: Amount) -> Amount:
    """What a schedule locks at a height: all of it up to `start`, none from `end`, rounded up in between."""
    if height >= end:
        return 0
    if height <= start:
        return original
    return original - original * (height - start) // (end - start)


@call(meaning=1)
def send(ctx: Context, to: Address, coins: Amount) -> None:
    """Move coins from the sender's purse to another. Refuses none, and more than there are."""
    if coins == 0:
        raise Refused("no_coins")
    mine = ctx.get(accounts, ctx.sender)
    if mine is None or mine.balance < coins:
        raise Refused("insufficient_funds")
    ctx.put(accounts, ctx.sender, mine.but(balance=mine.balance - coins))
    theirs = ctx.get(accounts, to) or Account(balance=0)
    ctx.put(accounts, to, theirs.but(balance=theirs.balance + coins))


@call(meaning=1)
def lock(ctx: Context, coins: Amount, end: Amount) -> None:
    """Lock own coins; they come free in equal parts from now to the height `end`. One schedule an account."""
    if coins == 0:
        raise Refused("no_coins")
    if end <= ctx.height:
        raise Refused("end_is_past")
    if ctx.has(vestings, ctx.sender):
        raise Refused("already_vesting")
    mine = ctx.get(accounts, ctx.sender)
    if mine is None or mine.balance < coins:
        raise Refused("insufficient_funds")
    ctx.put(accounts, ctx.sender, mine.but(balance=mine.balance - coins))
    ctx.put(vestings, ctx.sender, Vesting(locked=coins, original=coins, start=ctx.height, end=end))


@call(meaning=1)
def release(ctx: Context) -> None:
    """Move what has come free of the sender's locked coins into the purse; the last release ends the schedule."""
    schedule = ctx.get(vestings, ctx.sender)
    if schedule is None:
        raise Refused("nothing_vesting")
    locked = min(schedule.locked, still_locked(schedule.original, schedule.start, schedule.end, ctx.height))
    freed = schedule.locked - locked
    if freed == 0:
        raise Refused("nothing_free_yet")
    mine = ctx.get(accounts, ctx.sender) or Account(balance=0)
    ctx.put(accounts, ctx.sender, mine.but(balance=mine.balance + freed))
    if locked == 0:
        ctx.delete(vestings, ctx.sender)
    else:
        ctx.put(vestings, ctx.sender, schedule.but(locked=locked))


@call(meaning=1, internal=True)
def take(ctx: Context, owner: Address, coins: Amount) -> None:
    """Take coins out of a purse into the calling module, which must record them in a field of its own."""
    account = ctx.get(accounts, owner)
    if account is None or account.balance < coins:
        raise Refused("insufficient_funds")
    ctx.put(accounts, owner, account.but(balance=account.balance - coins))


@call(meaning=1, internal=True)
def give(ctx: Context, owner: Address, coins: Amount) -> None:
    """Put coins that the calling module held into a purse."""
    account = ctx.get(accounts, owner) or Account(balance=0)
    ctx.put(accounts, owner, account.but(balance=account.balance + coins))


@query
def balance(ctx: Context, owner: Address) -> Amount:
    """The coins that an account can spend now."""
    account = ctx.get(accounts, owner)
    return 0 if account is None else account.balance


@query
def releasable(ctx: Context, owner: Address) -> Amount:
    """The locked coins that `release` would free at this height."""
    schedule = ctx.get(vestings, owner)
    if schedule is None:
        return 0
    locked = min(schedule.locked, still_locked(schedule.original, schedule.start, schedule.end, ctx.height))
    return schedule.locked - locked
