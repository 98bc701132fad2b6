"""From a genesis document to the first rows of the genesis bundle's modules (bank, staking, faucet) and of the host."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from governance.carried import Carried, CarriedVote, carry_over
from governance.tables import GUARDIAN, ROUTES, TRACKS, Guardian, Route
from governance.tracks import TrackRow
from node.ballots import read_ballot
from node.genesis.document import Genesis, OpenProposal
from runtime.address import module_address
from runtime.bundle.archive import Bundle
from runtime.genesis import GenesisState, HostRow, ModuleRow
from runtime.host import HostContext
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
        last=partial(_carry_over, genesis),
    )


def _carry_over(genesis: Genesis, context: HostContext) -> None:
    """Open what the chain of the document was deciding; without an account for deposits there are none."""
    proposals = (_carried(genesis, one) for one in genesis.proposals)
    carry_over(context, proposals, genesis.deposit_account or b"", genesis.next_proposal)


def _carried(genesis: Genesis, proposal: OpenProposal) -> Carried:
    rules = TrackRow(**genesis.rules[proposal.rules])
    return Carried(
        number=proposal.number,
        proposer=proposal.proposer,
        title=proposal.title,
        description=proposal.description,
        rules=rules,
        fallback=TrackRow(**genesis.rules[rules.turns_into]) if rules.turns_into else None,
        voting=proposal.status == "voting",
        ends=proposal.ends,
        deposits=tuple((one.depositor, one.coins) for one in genesis.deposits if one.proposal == proposal.number),
        votes=tuple(CarriedVote(one.voter, *read_ballot(one.ballot)) for one in proposal.votes),
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
