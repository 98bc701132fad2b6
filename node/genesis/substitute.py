"""Keys for a rehearsal, and the ledger of another chain made into a genesis document.

Nobody who rehearses has the real keys. Each person's account and each validator gets an Ed25519 key derived from the
seed and its address, marked as a substitute; accounts of modules get none, so nobody can sign for them. Addresses keep
their bytes and the chain its name, but its id becomes `<name>-rehearsal-<seed>`, so that no signature made here could
ever count there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from node.genesis.document import (
    Account,
    Delegation,
    Deposit,
    Genesis,
    OpenProposal,
    Source,
    Unbonding,
    Validator,
    Vesting,
)
from node.genesis.errors import SeedInvalid
from runtime.keys import PrivateKey, derive

_SEED = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")


@dataclass(frozen=True, slots=True)
class Stake:
    """A validator of the imported chain; its own consensus key is of no use here."""

    operator: bytes
    name: str
    tokens: int
    shares: int
    bonded: bool
    jailed: bool


@dataclass(frozen=True, slots=True)
class Purse:
    """An account of the imported chain: coins not locked, and its role if no person holds it."""

    address: bytes
    balance: int
    role: str = ""


@dataclass(frozen=True, slots=True)
class Deciding:
    """What the imported chain is deciding, in any order; see `Genesis` for each."""

    proposals: tuple[OpenProposal, ...]
    deposits: tuple[Deposit, ...]
    next_proposal: int
    rules: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What an adapter reads from a file: the chain's coins, stakes and open votes, without keys, in any order."""

    chain: str
    purses: tuple[Purse, ...]
    vesting: tuple[Vesting, ...]
    stakes: tuple[Stake, ...]
    delegations: tuple[Delegation, ...]
    unbonding: tuple[Unbonding, ...]
    community_pool: int
    deposit_account: bytes
    deciding: Deciding
    notes: tuple[str, ...] = field(default=())


def checked_seed(seed: str) -> str:
    """The seed, if it can stand in a chain id; raises SeedInvalid."""
    if not _SEED.fullmatch(seed):
        raise SeedInvalid(seed)
    return seed


def rehearsal_chain_id(chain_name: str, seed: str) -> str:
    """The id of a rehearsal: no transaction of it is valid on the chain whose name it keeps."""
    return f"{chain_name}-rehearsal-{seed}"


def account_key(seed: str, address: bytes) -> PrivateKey:
    """The key that signs for an account of a rehearsal."""
    return derive(seed.encode(), f"account/{address.hex()}")


def validator_key(seed: str, operator: bytes) -> PrivateKey:
    """The consensus key of a validator of a rehearsal."""
    return derive(seed.encode(), f"validator/{operator.hex()}")


def with_substitute_keys(ledger: Ledger, seed: str, layout: str, digest: str) -> Genesis:
    """The rehearsal of a ledger; raises SeedInvalid, or GenesisInconsistent where the ledger contradicts itself."""
    checked_seed(seed)
    deciding = ledger.deciding
    return Genesis(
        chain_id=rehearsal_chain_id(ledger.chain, seed),
        chain_name=ledger.chain,
        seed=seed,
        source=Source(layout=layout, chain=ledger.chain, digest=digest, notes=ledger.notes),
        accounts=tuple(_account(purse, seed) for purse in sorted(_all_purses(ledger), key=lambda one: one.address)),
        vesting=tuple(sorted(ledger.vesting, key=lambda one: one.owner)),
        validators=tuple(_validator(stake, seed) for stake in sorted(ledger.stakes, key=lambda one: one.operator)),
        delegations=tuple(sorted(ledger.delegations, key=lambda one: (one.owner, one.validator))),
        unbonding=_merged(ledger.unbonding),
        community_pool=ledger.community_pool,
        deposit_account=ledger.deposit_account,
        deposits=tuple(sorted(deciding.deposits, key=lambda one: (one.proposal, one.depositor))),
        proposals=tuple(sorted(deciding.proposals, key=lambda one: one.number)),
        next_proposal=deciding.next_proposal,
        rules={name: dict(rules) for name, rules in deciding.rules.items()},
    )


def _all_purses(ledger: Ledger) -> list[Purse]:
    """The accounts of the file, and an empty one for each owner of a stake that has none there."""
    known = {purse.address for purse in ledger.purses}
    staking = {stake.operator for stake in ledger.stakes}
    staking |= {row.owner for row in ledger.delegations} | {row.owner for row in ledger.unbonding}
    return [*ledger.purses, *(Purse(address, 0) for address in sorted(staking - known))]


def _account(purse: Purse, seed: str) -> Account:
    if purse.role:
        return Account(address=purse.address, balance=purse.balance, role=purse.role)
    key = account_key(seed, purse.address).public
    return Account(address=purse.address, balance=purse.balance, key=key, substitute=True)


def _validator(stake: Stake, seed: str) -> Validator:
    return Validator(
        operator=stake.operator,
        name=stake.name,
        key=validator_key(seed, stake.operator).public,
        substitute=True,
        tokens=stake.tokens,
        shares=stake.shares,
        bonded=stake.bonded,
        jailed=stake.jailed,
    )


def _merged(entries: tuple[Unbonding, ...]) -> tuple[Unbonding, ...]:
    """Entries of one owner, validator and height are one entry."""
    coins: dict[tuple[bytes, bytes, int], int] = {}
    for entry in entries:
        key = (entry.owner, entry.validator, entry.completion)
        coins[key] = coins.get(key, 0) + entry.coins
    return tuple(
        Unbonding(owner=owner, validator=validator, completion=completion, coins=coins[owner, validator, completion])
        for owner, validator, completion in sorted(coins)
    )
