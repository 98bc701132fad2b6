"""Cosmos Hub genesis exports of 2019 (cosmoshub-1 to -3, SDK 0.33 to 0.36).

Accounts carry their coins, vesting included; stakes stand beside them. The pool of tokens that are not bonded counts
everything loose: purses (the deposit account among them), validators that are not bonded, unbonding, community pool.
So accounts + validators' tokens + unbonding + community pool = both pools, which is checked. Rewards not withdrawn and
fees not collected would belong to nobody's purse: such an export is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from node.genesis import cosmos_gov_2019
from node.genesis.cosmos_common import (
    Reading,
    module_address,
    must_equal,
    prefix_of,
    read_delegations,
    read_stakes,
    read_unbonding,
    staked,
    whole,
)
from node.genesis.cosmos_gov import people
from node.genesis.document import Unbonding, Vesting
from node.genesis.errors import GenesisInconsistent
from node.genesis.place import Place
from node.genesis.schedules import Schedule, locked_part
from node.genesis.substitute import Ledger, Purse, Stake

NAME = "cosmos_2019"
MEANING = "a Cosmos Hub export of 2019 (app_state.accounts)"
BONDED = 2
DEPOSITS = module_address("govDepositedCoins")
ROLES = {DEPOSITS: "deposits", module_address("govBurnedDepositCoins"): "burned deposits"}


def recognises(top: Place) -> bool:
    """Whether a document has this layout."""
    return top.has("app_state") and all(top.at("app_state").has(key) for key in ("accounts", "staking", "distr"))


def read(top: Place) -> Ledger:
    """The ledger in a document of this layout; raises GenesisMalformed or GenesisInconsistent."""
    state = top.at("app_state")
    staking = state.at("staking")
    accounts = tuple(state.rows("accounts"))
    if not accounts:
        raise state.at("accounts").wrong("there is no account")
    reading = Reading(
        denomination=staking.text("params", "bond_denom"),
        prefix=prefix_of(accounts[0].at("address")),
        genesis=top.seconds("genesis_time"),
    )
    refuse_uncollected(reading, state)
    stakes = read_stakes(reading, staking, BONDED)
    held = tuple((reading.account(row, "address"), reading.coins(row, "coins"), row) for row in accounts)
    unbonding = read_unbonding(reading, staking)
    pool = whole(reading.decimal_coins(state, "distr", "fee_pool", "community_pool"))
    check_pools(staking, sum(coins for _, coins, _ in held), stakes, unbonding, pool)
    vesting = tuple(part for owner, coins, row in held if (part := locked(reading, owner, coins, row)))
    spendable, delegations = purses(held, vesting), read_delegations(reading, staking)
    who = people(spendable, stakes, delegations)
    return Ledger(
        chain=top.text("chain_id"),
        purses=spendable,
        vesting=vesting,
        stakes=stakes,
        delegations=delegations,
        unbonding=unbonding,
        community_pool=pool,
        deposit_account=DEPOSITS,
        deciding=cosmos_gov_2019.read(reading, state.at("gov"), who, DEPOSITS),
        notes=reading.notes(),
    )


def refuse_uncollected(reading: Reading, state: Place) -> None:
    """Fees and rewards that no purse holds yet: an export made for a new genesis has withdrawn them."""
    if state.has("auth") and reading.coins(state, "auth", "collected_fees"):
        raise GenesisInconsistent("app_state.auth.collected_fees", "fees were not collected before the export")
    for row in state.rows("distr", "outstanding_rewards"):
        if reading.decimal_coins(row, "outstanding_rewards"):
            raise GenesisInconsistent(row.path, "rewards were not withdrawn: export with --for-zero-height")


def check_pools(
    staking: Place, purses: int, stakes: Sequence[Stake], unbonding: Sequence[Unbonding], pool: int
) -> None:
    """Both pools of the file against what its entries sum to."""
    bonded = staking.integer("pool", "bonded_tokens")
    loose = staking.integer("pool", "not_bonded_tokens")
    must_equal(f"{staking.path}.pool.bonded_tokens", bonded, "bonded validators' tokens", staked(stakes, bonded=True))
    found = purses + staked(stakes, bonded=False) + sum(entry.coins for entry in unbonding) + pool
    what = "accounts, other validators' tokens, unbonding and community pool"
    must_equal(f"{staking.path}.pool.not_bonded_tokens", loose, what, found)


def locked(reading: Reading, owner: bytes, coins: int, row: Place) -> Vesting | None:
    """The locked part of an account; a start of 0 means that everything comes free at the end."""
    original = reading.coins(row, "original_vesting")
    if original == 0:
        return None
    start = row.integer("start_time")
    schedule = Schedule(
        original=original,
        delegated=reading.coins(row, "delegated_vesting"),
        start=start or None,
        end=row.integer("end_time"),
    )
    return locked_part(owner, coins, schedule, reading.genesis)


def purses(held: Sequence[tuple[bytes, int, Place]], vesting: Sequence[Vesting]) -> tuple[Purse, ...]:
    """Every account with what it can spend at once."""
    locked_coins = {part.owner: part.locked for part in vesting}
    return tuple(Purse(owner, coins - locked_coins.get(owner, 0), ROLES.get(owner, "")) for owner, coins, _ in held)
