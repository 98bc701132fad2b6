"""Genesis documents and exports of today's Cosmos chains (SDK 0.47 and later).

Coins stand in bank.balances, those of modules too. The staking pools hold what validators and unbonding entries say,
so their balances are checked against these and then left out, lest coins count twice; the distribution account is
split into the community pool and, as its balance, rewards not yet withdrawn; the gov account holds the deposits. Only
the bond denomination is imported, and a periodic schedule becomes one in equal parts over the same span: both are in
the notes.
"""

from __future__ import annotations

from collections.abc import Mapping

from node.genesis import cosmos_gov_v1
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
from node.genesis.document import Vesting
from node.genesis.errors import GenesisInconsistent
from node.genesis.place import Place
from node.genesis.schedules import NEVER, Schedule, locked_part
from node.genesis.substitute import Ledger, Purse, Stake

NAME = "cosmos_sdk"
MEANING = "a Cosmos SDK 0.47 or later genesis or export (app_state.auth and app_state.bank)"
BONDED = "BOND_STATUS_BONDED"
BONDED_POOL, LOOSE_POOL = module_address("bonded_tokens_pool"), module_address("not_bonded_tokens_pool")
DISTRIBUTION, DEPOSITS = module_address("distribution"), module_address("gov")
PERMANENT = "/cosmos.vesting.v1beta1.PermanentLockedAccount"
PERIODIC = "/cosmos.vesting.v1beta1.PeriodicVestingAccount"


def recognises(top: Place) -> bool:
    """Whether a document has this layout."""
    return top.has("app_state") and all(top.at("app_state").has(key) for key in ("auth", "bank", "staking"))


def read(top: Place) -> Ledger:
    """The ledger in a document of this layout; raises GenesisMalformed or GenesisInconsistent."""
    state = top.at("app_state")
    staking = state.at("staking")
    accounts = tuple(state.rows("auth", "accounts"))
    if not accounts:
        raise state.at("auth", "accounts").wrong("there is no account")
    reading = Reading(
        denomination=staking.text("params", "bond_denom"),
        prefix=prefix_of(base_of(accounts[0]).at("address")),
        genesis=top.seconds("genesis_time"),
    )
    stakes = read_stakes(reading, staking, BONDED)
    unbonding = read_unbonding(reading, staking)
    balances = read_balances(reading, state)
    pool = whole(reading.decimal_coins(state, "distribution", "fee_pool", "community_pool"))
    check_supply(reading, state, balances)
    check_pools(balances, stakes, sum(entry.coins for entry in unbonding), pool)
    vesting = read_vesting(reading, accounts, balances)
    purses = read_purses(reading, accounts, spendable(balances, vesting, pool))
    delegations = read_delegations(reading, staking)
    who = people(purses, stakes, delegations)
    return Ledger(
        chain=top.text("chain_id"),
        purses=purses,
        vesting=vesting,
        stakes=stakes,
        delegations=delegations,
        unbonding=unbonding,
        community_pool=pool,
        deposit_account=DEPOSITS,
        deciding=cosmos_gov_v1.read(reading, state.at("gov"), who, DEPOSITS),
        notes=reading.notes(),
    )


def base_of(account: Place) -> Place:
    """The part of an account of any kind that holds its address."""
    if account.has("base_vesting_account"):
        account = account.at("base_vesting_account")
    return account.at("base_account") if account.has("base_account") else account


def read_balances(reading: Reading, state: Place) -> dict[bytes, int]:
    """Coins by address."""
    balances: dict[bytes, int] = {}
    for row in state.rows("bank", "balances"):
        owner = reading.account(row, "address")
        if owner in balances:
            raise row.wrong("this address has a balance already")
        balances[owner] = reading.coins(row, "coins")
    return balances


def check_supply(reading: Reading, state: Place, balances: Mapping[bytes, int]) -> None:
    """The stated supply, which a genesis may leave empty."""
    stated = reading.coins(state, "bank", "supply") if state.at("bank").has("supply") else 0
    if stated:
        must_equal("app_state.bank.supply", stated, "balances", sum(balances.values()))


def check_pools(balances: Mapping[bytes, int], stakes: tuple[Stake, ...], unbonding: int, pool: int) -> None:
    """What the modules' accounts hold, against what the modules say."""
    place = "app_state.bank.balances"
    must_equal(
        f"{place} (bonded pool)",
        balances.get(BONDED_POOL, 0),
        "bonded validators' tokens",
        staked(stakes, bonded=True),
    )
    must_equal(
        f"{place} (not bonded pool)",
        balances.get(LOOSE_POOL, 0),
        "other validators' tokens and unbonding",
        staked(stakes, bonded=False) + unbonding,
    )
    if balances.get(DISTRIBUTION, 0) < pool:
        raise GenesisInconsistent(f"{place} (distribution)", f"it holds less than the community pool of {pool}")


def read_vesting(reading: Reading, accounts: tuple[Place, ...], balances: Mapping[bytes, int]) -> tuple[Vesting, ...]:
    """The locked parts of the accounts that vest."""
    parts = []
    for account in accounts:
        if not account.has("base_vesting_account"):
            continue
        owner = reading.account(base_of(account), "address")
        part = locked_part(owner, balances.get(owner, 0), schedule_of(reading, account), reading.genesis)
        parts += [part] if part else []
    return tuple(parts)


def schedule_of(reading: Reading, account: Place) -> Schedule:
    """A vesting account's schedule; one without a start frees everything at its end."""
    base = account.at("base_vesting_account")
    kind = account.text("@type") if account.has("@type") else ""
    if kind == PERIODIC:
        reading.count("periodic vesting schedules, made into equal parts")
    return Schedule(
        original=reading.coins(base, "original_vesting"),
        delegated=reading.coins(base, "delegated_vesting"),
        start=account.integer("start_time") if account.has("start_time") else None,
        end=NEVER if kind == PERMANENT else base.integer("end_time"),
    )


def spendable(balances: Mapping[bytes, int], vesting: tuple[Vesting, ...], pool: int) -> dict[bytes, int]:
    """What each address can spend: without the staking pools, the community pool and locked coins."""
    left = {owner: coins for owner, coins in balances.items() if owner not in (BONDED_POOL, LOOSE_POOL)}
    if pool:
        left[DISTRIBUTION] -= pool
    for part in vesting:
        left[part.owner] -= part.locked
    return left


def read_purses(reading: Reading, accounts: tuple[Place, ...], left: Mapping[bytes, int]) -> tuple[Purse, ...]:
    """Every account, and every balance that no account entry names."""
    roles = {reading.account(base_of(account), "address"): role_of(account) for account in accounts}
    roles |= {DISTRIBUTION: "distribution", DEPOSITS: "gov"}
    owners = sorted((set(roles) | set(left)) - {BONDED_POOL, LOOSE_POOL})
    return tuple(Purse(owner, left.get(owner, 0), roles.get(owner, "")) for owner in owners)


def role_of(account: Place) -> str:
    """A module's name, or the kind of another account that no person's key opens; empty for a person's."""
    if account.has("name"):
        return account.text("name")[:64]
    return "interchain" if account.has("account_owner") else ""
