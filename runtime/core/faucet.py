"""Faucet: a pot of test coins, filled at genesis, that drips a bounded amount to each account in a span of heights.

The bound is on the receiver, so it does not matter who pays the fee of the call. A chain without a pot has no faucet.
"""

from runtime.api.v1 import Address, Amount, Context, Record, Refused, Text, call, field, query, table

POT = "pot"


class Pot(Record):
    """The one pot: its coins, and how many of them an account gets in each span of blocks."""

    coins: Amount = field(1, value="coin")
    most: Amount = field(2)
    span: Amount = field(3)


class Drip(Record):
    """What an account got since the height at which its present span began."""

    since: Amount = field(1)
    received: Amount = field(2)


pots = table(Pot, key=(Text,), names=("name",))
drips = table(Drip, key=(Address,), names=("receiver",))


@call(meaning=1)
def drip(ctx: Context, to: Address, coins: Amount) -> None:
    """Pay coins out of the pot to an account, up to its bound for the present span."""
    pot = ctx.get(pots, POT)
    if pot is None or pot.coins < coins:
        raise Refused("pot_is_empty")
    if coins == 0:
        raise Refused("no_coins")
    last = ctx.get(drips, to)
    if last is None or ctx.height >= last.since + pot.span:
        last = Drip(since=ctx.height, received=0)
    if last.received + coins > pot.most:
        raise Refused("enough_for_now")
    ctx.put(pots, POT, pot.but(coins=pot.coins - coins))
    ctx.put(drips, to, last.but(received=last.received + coins))
    ctx.call("bank.give", to, coins)


@call(meaning=1)
def refill(ctx: Context, coins: Amount) -> None:
    """Put own coins into the pot."""
    pot = ctx.get(pots, POT)
    if pot is None:
        raise Refused("no_pot")
    if coins == 0:
        raise Refused("no_coins")
    ctx.call("bank.take", ctx.sender, coins)
    ctx.put(pots, POT, pot.but(coins=pot.coins + coins))


@query
def left(ctx: Context) -> Amount:
    """The coins in the pot."""
    pot = ctx.get(pots, POT)
    return 0 if pot is None else pot.coins
