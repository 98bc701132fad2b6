"""A genesis from a seed: so many accounts and validators, the same for the same arguments on every machine.

Balances and stakes differ from each other, derived from the seed by SHA-256, so that sums, votes and thresholds look
like those of a chain and no two accounts hide behind equal numbers. Each validator holds most of its stake itself, and
every tenth account delegates to one.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from node.genesis.document import SHARE, Account, Delegation, Faucet, Genesis, Source, Validator
from node.genesis.errors import GenesisImpossible
from node.genesis.substitute import account_key, checked_seed, rehearsal_chain_id, validator_key
from storage.readprogress import Told, untold

COIN = 1_000_000
"""Smallest units in one coin."""
CHAIN_NAME = "synod-local"
LEAST_BALANCE = 1_000 * COIN
LEAST_STAKE = 1_000_000 * COIN
DELEGATING = 10
"""Every so manieth account delegates."""
FAUCET = Faucet(coins=1_000_000 * COIN, most=100 * COIN, span=14_400)
COMMUNITY_POOL = 5_000_000 * COIN


def number_of(seed: str, purpose: str, index: int, below: int) -> int:
    """A number from 0 to `below` - 1 that the seed decides."""
    return int.from_bytes(_digest(seed, purpose, index)) % below


def generated_address(seed: str, index: int) -> bytes:
    """The address of the account number `index`; its key is ``account_key(seed, address)``."""
    return _digest(seed, "address", index)[:20]


def _digest(seed: str, purpose: str, index: int) -> bytes:
    return sha256(f"synod/generated {purpose}/{seed}/{index}".encode()).digest()


def generated_genesis(
    accounts: int, validators: int, seed: str, chain_name: str = CHAIN_NAME, told: Told = untold
) -> Genesis:
    """The genesis of a chain of `accounts` accounts, `validators` of which run a validator; `told` hears how many of
    them are made, which takes a minute for a million.

    Raises SeedInvalid, or GenesisImpossible when there are fewer accounts than validators, or none.
    """
    if not 0 < validators <= accounts:
        raise GenesisImpossible("validators", f"{accounts} accounts cannot run {validators} validators: take more")
    checked_seed(seed)
    addresses = [generated_address(seed, index) for index in range(accounts)]
    delegations = _delegations(seed, addresses, validators)
    return Genesis(
        chain_id=rehearsal_chain_id(chain_name, seed),
        chain_name=chain_name,
        seed=seed,
        source=Source(layout="generated"),
        accounts=tuple(sorted(_accounts(seed, addresses, told), key=lambda one: one.address)),
        validators=tuple(sorted(_validators(seed, addresses, validators, delegations), key=lambda one: one.operator)),
        delegations=tuple(sorted(delegations, key=lambda one: (one.owner, one.validator))),
        community_pool=COMMUNITY_POOL,
        faucet=FAUCET,
    )


def _accounts(seed: str, addresses: list[bytes], told: Told) -> Iterator[Account]:
    for index, address in enumerate(addresses):
        told(index, len(addresses))
        yield Account(
            address=address,
            balance=LEAST_BALANCE + number_of(seed, "balance", index, 9 * LEAST_BALANCE),
            key=account_key(seed, address).public,
        )


def _delegations(seed: str, addresses: list[bytes], validators: int) -> list[Delegation]:
    own = [
        (address, address, LEAST_STAKE + number_of(seed, "stake", index, LEAST_STAKE))
        for index, address in enumerate(addresses[:validators])
    ]
    others = [
        (
            addresses[index],
            addresses[number_of(seed, "choice", index, validators)],
            COIN + number_of(seed, "delegation", index, LEAST_BALANCE),
        )
        for index in range(validators, len(addresses), DELEGATING)
    ]
    return [
        Delegation(owner=owner, validator=validator, shares=coins * SHARE) for owner, validator, coins in own + others
    ]


def _validators(seed: str, addresses: list[bytes], count: int, delegations: list[Delegation]) -> list[Validator]:
    shares = dict.fromkeys(addresses[:count], 0)
    for delegation in delegations:
        shares[delegation.validator] += delegation.shares
    return [
        Validator(
            operator=operator,
            name=f"validator-{index}",
            key=validator_key(seed, operator).public,
            tokens=shares[operator] // SHARE,
            shares=shares[operator],
            bonded=True,
        )
        for index, operator in enumerate(addresses[:count])
    ]
