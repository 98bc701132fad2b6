"""Treasury: the community pool, spent by governance only.

The pool is the purse of the account `module_address("treasury")`. Fees arrive there by the host, donations by the call
below; what leaves it is a treasury spend that the chain voted for, which the host pays. The table remembers who gave.
"""

from runtime.api.v1 import Address, Amount, Context, Record, Refused, call, field, query, table


class Donor(Record):
    """Everything that an account ever gave."""

    given: Amount = field(1)


donors = table(Donor, key=(Address,), names=("owner",))


@call(meaning=1)
def donate(ctx: Context, coins: Amount) -> None:
    """Give coins to the community pool, for good."""
    if coins == 0:
        raise Refused("no_coins")
    ctx.call("bank.take", ctx.sender, coins)
    ctx.call("bank.give", ctx.module_address("treasury"), coins)
    donor = ctx.get(donors, ctx.sender) or Donor(given=0)
    ctx.put(donors, ctx.sender, donor.but(given=donor.given + coins))


@query
def pool(ctx: Context) -> Amount:
    """The coins in the community pool."""
    coins: Amount = ctx.query("bank.balance", ctx.module_address("treasury"))
    return coins
