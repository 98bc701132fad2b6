"""Staking: delegators hold shares of a validator's tokens.

A validator's tokens are the coins staked with it; shares say whose they are. Shares are counted in units of 10^-18,
and every conversion rounds as Cosmos x/staking does, so that imported stakes keep their exact worth. Coins that leave
a validator wait `UNBONDING_BLOCKS` before their owner can claim them. A validator keeps its row for good; only a
bonded one has power.
"""

from runtime.api.v1 import (
    Address,
    Amount,
    Context,
    Data,
    Flag,
    Record,
    Refused,
    call,
    equal,
    field,
    invariant,
    query,
    refers,
    table,
    total,
)

SHARE = 10**18
UNBONDING_BLOCKS = 302_400
MAX_ENTRIES = 7
LEAST_STAKE = 1_000_000
KEY_LENGTH = 32


class Validator(Record):
    """Keyed by its operator. `key` is its consensus key, `shares` the sum of its delegators' shares."""

    tokens: Amount = field(1, value="coin")
    shares: Amount = field(2)
    bonded: Flag = field(3, default=False)
    key: Data = field(4, default=b"")


class KeyOwner(Record):
    """Whose consensus key it is: no two validators sign with the same."""

    operator: Address = field(1)


class Delegation(Record):
    """What one owner holds of one validator; a delegation without shares has no row."""

    shares: Amount = field(1)


class Unbonding(Record):
    """Coins on their way out, claimable from the height in their key.

    No invariant ties them to a validator: imported ones may come from one that its chain has removed since.
    """

    coins: Amount = field(1, value="coin")


validators = table(Validator, key=(Address,), names=("operator",))
consensus_keys = table(KeyOwner, key=(Data,), names=("key",))
delegations = table(Delegation, key=(Address, Address), names=("owner", "validator"))
unbondings = table(Unbonding, key=(Address, Address, Amount), names=("owner", "validator", "completion"))

invariant("validator_known", refers(delegations, "validator", validators))
invariant("shares_add_up", equal(total(delegations, "shares", by="validator"), total(validators, "shares", by="key")))
invariant("key_owner_known", refers(consensus_keys, "operator", validators))


def shares_for(coins: Amount, tokens: Amount, shares: Amount) -> Amount:
    """Shares that coins buy, rounded down; the first coins of an empty validator buy one share each."""
    if shares == 0:
        return coins * SHARE
    return coins * shares // tokens


def coins_for(part: Amount, tokens: Amount, shares: Amount) -> Amount:
    """Coins that a part of the shares is worth.

    The last shares take every token. Else the exact quotient is cut to 36 decimals, rounded to 18 with halves to
    even, and cut to whole coins: so 0.9999999999999999996 coins are one coin. Each step stays below 256 bits.
    """
    if part == shares:
        return tokens
    coins, rest = divmod(part * tokens, shares)
    decimals, rest = divmod(rest * SHARE, shares)
    tail = rest * SHARE // shares
    half = SHARE // 2
    if tail > half or (tail == half and decimals % 2 == 1):
        decimals = decimals + 1
    return coins + decimals // SHARE


@call(meaning=1)
def create_validator(ctx: Context, key: Data, coins: Amount) -> None:
    """Become a bonded validator with a consensus key and a first stake of one's own."""
    if ctx.has(validators, ctx.sender):
        raise Refused("already_validator")
    if len(key) != KEY_LENGTH:
        raise Refused("bad_consensus_key")
    if ctx.has(consensus_keys, key):
        raise Refused("consensus_key_taken")
    if coins < LEAST_STAKE:
        raise Refused("stake_too_small")
    ctx.call("bank.take", ctx.sender, coins)
    shares = shares_for(coins, 0, 0)
    ctx.put(validators, ctx.sender, Validator(tokens=coins, shares=shares, bonded=True, key=key))
    ctx.put(consensus_keys, key, KeyOwner(operator=ctx.sender))
    ctx.put(delegations, ctx.sender, ctx.sender, Delegation(shares=shares))


@call(meaning=1)
def bond(ctx: Context) -> None:
    """Enter the active set again, as the operator, with enough tokens behind the validator."""
    mine = ctx.get(validators, ctx.sender)
    if mine is None:
        raise Refused("no_such_validator")
    if mine.bonded:
        raise Refused("already_bonded")
    if mine.tokens < LEAST_STAKE:
        raise Refused("stake_too_small")
    ctx.put(validators, ctx.sender, mine.but(bonded=True))


@call(meaning=1)
def delegate(ctx: Context, validator: Address, coins: Amount) -> None:
    """Stake coins with a validator for shares of its tokens."""
    chosen = ctx.get(validators, validator)
    if chosen is None:
        raise Refused("no_such_validator")
    if chosen.tokens == 0 and chosen.shares > 0:
        raise Refused("validator_without_tokens")
    bought = shares_for(coins, chosen.tokens, chosen.shares)
    if bought == 0:
        raise Refused("too_few_coins")
    ctx.call("bank.take", ctx.sender, coins)
    mine = ctx.get(delegations, ctx.sender, validator) or Delegation(shares=0)
    ctx.put(validators, validator, chosen.but(tokens=chosen.tokens + coins, shares=chosen.shares + bought))
    ctx.put(delegations, ctx.sender, validator, mine.but(shares=mine.shares + bought))


@call(meaning=1)
def undelegate(ctx: Context, validator: Address, coins: Amount) -> None:
    """Give back the shares that these coins are worth; the coins can be claimed when the waiting time is over.

    A validator left with less than the least stake leaves the active set. At most `MAX_ENTRIES` withdrawals from one
    validator wait at a time; those of one block are one.
    """
    chosen = ctx.get(validators, validator)
    mine = ctx.get(delegations, ctx.sender, validator)
    if chosen is None or mine is None:
        raise Refused("no_such_delegation")
    if chosen.tokens == 0:
        raise Refused("validator_without_tokens")
    sold = shares_for(coins, chosen.tokens, chosen.shares)
    if sold == 0:
        raise Refused("too_few_coins")
    if sold > mine.shares:
        raise Refused("not_enough_shares")
    completion = ctx.height + UNBONDING_BLOCKS
    waiting = ctx.get(unbondings, ctx.sender, validator, completion)
    if waiting is None and len(ctx.scan(unbondings, ctx.sender, validator, limit=MAX_ENTRIES)) == MAX_ENTRIES:
        raise Refused("too_many_unbondings")
    paid = coins_for(sold, chosen.tokens, chosen.shares)
    tokens = chosen.tokens - paid
    still_bonded = chosen.bonded and tokens >= LEAST_STAKE
    ctx.put(validators, validator, chosen.but(tokens=tokens, shares=chosen.shares - sold, bonded=still_bonded))
    if sold == mine.shares:
        ctx.delete(delegations, ctx.sender, validator)
    else:
        ctx.put(delegations, ctx.sender, validator, mine.but(shares=mine.shares - sold))
    before = 0 if waiting is None else waiting.coins
    ctx.put(unbondings, ctx.sender, validator, completion, Unbonding(coins=before + paid))
    ctx.event("unbonding", validator=validator, coins=paid, completion=completion)


@call(meaning=1)
def claim(ctx: Context, validator: Address) -> None:
    """Put every matured withdrawal from a validator into the sender's purse."""
    claimed = 0
    for key, entry in ctx.scan(unbondings, ctx.sender, validator, limit=MAX_ENTRIES):
        completion = key[2]
        if completion <= ctx.height:
            ctx.delete(unbondings, ctx.sender, validator, completion)
            claimed += entry.coins
    if claimed == 0:
        raise Refused("nothing_matured")
    ctx.call("bank.give", ctx.sender, claimed)


@query
def stake(ctx: Context, owner: Address, validator: Address) -> Amount:
    """The coins that an owner's shares of a validator are worth."""
    chosen = ctx.get(validators, validator)
    mine = ctx.get(delegations, owner, validator)
    if chosen is None or mine is None:
        return 0
    return coins_for(mine.shares, chosen.tokens, chosen.shares)
