"""From a genesis document to the first rows of the genesis bundle's modules (bank, staking, faucet)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from governance.tables import GUARDIAN, ROUTES, TRACKS, Guardian, Route
from governance.tracks import TrackRow
from node.genesis.document import Genesis
from runtime.address import module_address
from runtime.bundle.archive import Bundle
from runtime.genesis import GenesisState, HostRow, ModuleRow
from runtime.identity import ChainIdentity
from storage.home import RELEASE
from storage.readprogress import Told, untold


def genesis_state(genesis: Genesis, bundle: Bundle, told: Told = untold) -> GenesisState:
    """What the document comes to when the bundle runs it; ``told`` hears how many accounts were taken out of it."""
    return GenesisState(
        identity=ChainIdentity(
            chain_id=genesis.chain_id,
            chain_name=genesis.chain_name,
            genesis=genesis.digest,
            rehearsal=bool(genesis.seed),
            source=genesis.source.chain or genesis.source.layout,
        ),
        bundle=bundle,
        host_release=RELEASE,
        keys=((account.address, account.key, account.substitute) for account in genesis.accounts if account.key),
        rows=module_rows(genesis, told),
        parameters=_parameters(genesis),
        host_rows=tuple(_host_rows(genesis)),
    )


def _host_rows(genesis: Genesis) -> Iterator[HostRow]:
    if genesis.guardian is not None:
        yield GUARDIAN, (), Guardian(address=genesis.guardian)
    for name, rules in genesis.tracks.items():
        yield TRACKS, (name,), TrackRow(**rules)
    for kind, names in genesis.routes.items():
        yield ROUTES, (kind,), Route(tracks=names)


def _parameters(genesis: Genesis) -> dict[str, int | Fraction]:
    return dict(genesis.parameters)


def module_rows(genesis: Genesis, told: Told = untold) -> Iterator[ModuleRow]:
    """Rows in the order of the document; the community pool is the purse of the treasury's account. ``told`` hears how
    many accounts have come."""
    for number, account in enumerate(genesis.accounts):
        told(number, len(genesis.accounts))
        yield "bank.accounts", (account.address,), {"balance": account.balance}
    if genesis.community_pool:
        yield "bank.accounts", (module_address("treasury"),), {"balance": genesis.community_pool}
    for vesting in genesis.vesting:
        yield (
            "bank.vestings",
            (vesting.owner,),
            {"locked": vesting.locked, "original": vesting.original, "start": vesting.start, "end": vesting.end},
        )
    yield from _staking_rows(genesis)
    if genesis.faucet is not None:
        pot = genesis.faucet
        yield "faucet.pots", ("pot",), {"coins": pot.coins, "most": pot.most, "span": pot.span}


def _staking_rows(genesis: Genesis) -> Iterator[ModuleRow]:
    for validator in genesis.validators:
        yield (
            "staking.validators",
            (validator.operator,),
            {
                "tokens": validator.tokens,
                "shares": validator.shares,
                "bonded": validator.bonded,
                "key": validator.key,
            },
        )
        yield "staking.consensus_keys", (validator.key,), {"operator": validator.operator}
    for delegation in genesis.delegations:
        yield "staking.delegations", (delegation.owner, delegation.validator), {"shares": delegation.shares}
    for entry in genesis.unbonding:
        yield "staking.unbondings", (entry.owner, entry.validator, entry.completion), {"coins": entry.coins}
