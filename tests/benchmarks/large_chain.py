"""Chains with many accounts, made straight from rows, since checking a genesis document of a million takes long."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from governance.module import Governance
from node.application import CORE, Application
from node.verification import Verifier
from node.wallet import Wallet
from runtime.address import address_of
from runtime.bundle.archive import pack
from runtime.genesis import GenesisState, ModuleRow, create_chain_state
from runtime.host import HostModule
from runtime.identity import ChainIdentity
from runtime.keys import PrivateKey, derive
from storage.home import RELEASE, Home
from storage.state import State

CHAIN_ID, CHAIN_NAME = "bench-1", "bench"
BALANCE = 10**12
SIGNERS = 10_000
"""Accounts whose keys are made; the others only hold coins."""


def signer(index: int) -> PrivateKey:
    """The key of account number ``index``."""
    return derive(b"bench", str(index))


def address(index: int) -> bytes:
    """An account's address; only those below SIGNERS can sign."""
    return sha256(b"bench/" + index.to_bytes(8, "big")).digest()[:20]


def rows(accounts: int) -> Iterator[ModuleRow]:
    """Purses, and four validators with a delegation each."""
    for index in range(accounts):
        yield "bank.accounts", (address(index),), {"balance": BALANCE + index}
    for index in range(4):
        key = signer(10**9 + index).public
        values = {"tokens": 10**12, "shares": 10**30, "bonded": True, "key": key}
        yield "staking.validators", (address(index),), values
        yield "staking.consensus_keys", (key,), {"operator": address(index)}
        yield "staking.delegations", (address(index), address(index)), {"shares": 10**30}


def large_state(folder: Path, accounts: int, modules: tuple[HostModule, ...]) -> tuple[Home, State]:
    """A chain's state at height 0."""
    home = Home.create(folder)
    genesis = GenesisState(
        identity=ChainIdentity(chain_id=CHAIN_ID, chain_name=CHAIN_NAME, genesis=bytes(32)),
        bundle=pack(CORE, chain=CHAIN_NAME),
        host_release=RELEASE,
        keys=((address(index), signer(index).public, False) for index in range(min(accounts, SIGNERS))),
        rows=rows(accounts),
    )
    return home, create_chain_state(home, genesis, modules)


def large_application(folder: Path, accounts: int) -> Application:
    """An application on such a chain, governance included."""
    home, state = large_state(folder, accounts, (Governance(),))
    state.close()
    return Application.open(home, Verifier())


def wallet(index: int) -> Wallet:
    """The wallet of an account that can sign."""
    assert address_of(signer(index).public) != address(index), "keys stand in for addresses here"
    return Wallet(CHAIN_ID, address(index), signer(index))
