"""Blocks that touch no proposal, beside 10,000 open ones and beside none, in turns on two chains of one run.

The open votes count by snapshots of 10,000 heights, through which stake was moved: so the chain keeps who had how much
at each of them, which is what a block that moves stake could pay for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import thread_time

from governance.agenda import ORDINARY
from governance.module import Governance
from governance.proposals import Proposal, Standing
from governance.tables import (
    COUNTERS,
    DUE,
    PINS,
    PROPOSALS,
    PROPOSERS,
    PULSE,
    STANDINGS,
    TRACK_STATES,
    Counters,
    Mark,
    Pins,
    Proposer,
    Pulse,
    TrackState,
)
from governance.tally import Electors, Tally
from node.application import CORE
from node.wallet import Wallet
from runtime.block import make_block
from runtime.bundle.archive import pack
from runtime.chain import Chain
from runtime.genesis import GenesisState, HostRow, create_chain_state
from runtime.identity import ChainIdentity
from storage.home import RELEASE, Home
from storage.state import State
from tests.benchmarks.large_chain import CHAIN_ID, CHAIN_NAME, address, rows, signer, wallet

OPEN = 10_000
ACCOUNTS = 100
VALIDATORS = 4
MOVED_EVERY = 5
"""Of so many heights stake moves in one."""
MOVES = 50
"""Delegations in a block that moves stake, besides as many transfers."""
TURNS = 21


def crowd(folder: Path, proposal: Proposal) -> list[tuple[str, str, str]]:
    """CPU of a block without anything in it, and of one that moves coins and stake; the same beside open proposals."""
    chains = [_Chain(folder / "none", proposal, 0), _Chain(folder / "many", proposal, OPEN)]
    figures = []
    for what, count in (("an empty block", 0), (f"a block of {MOVES} transfers and {MOVES} delegations", MOVES)):
        times: list[list[float]] = [[], []]
        for _ in range(TURNS):
            for chain, took in zip(chains, times, strict=True):
                took.append(chain.block(count))
        alone, beside = (median(each) for each in times)
        figures.append((f"{what} (CPU)", f"{alone * 1e3:.2f} ms", "reported"))
        figures.append((f"  beside {OPEN:,} open proposals", f"{beside / alone:.2f} times", "to reach: 1.10 times"))
    for chain in chains:
        chain.close()
    return figures


class _Chain:
    """A chain of OPEN heights, with open proposals or without."""

    def __init__(self, folder: Path, proposal: Proposal, open_: int) -> None:
        home = Home.create(folder)
        genesis = GenesisState(
            identity=ChainIdentity(chain_id=CHAIN_ID, chain_name=CHAIN_NAME, genesis=bytes(32)),
            bundle=pack(CORE, chain=CHAIN_NAME),
            host_release=RELEASE,
            keys=((address(index), signer(index).public, False) for index in range(ACCOUNTS)),
            rows=rows(ACCOUNTS),
            host_rows=_open(proposal, open_),
        )
        create_chain_state(home, genesis, (Governance(),)).close()
        self._chain = Chain(State.open(home), (Governance(),), lambda transaction, key: True)
        self._wallets = [wallet(index) for index in range(ACCOUNTS)]
        for height in range(OPEN):
            self._make(self._moves(1 if height % MOVED_EVERY == 0 else 0), durable=height % 256 == 0)

    def block(self, moves: int) -> float:
        """CPU seconds of executing and committing a block."""
        return self._make([*self._moves(moves), *self._transfers(moves)], durable=True)

    def close(self) -> None:
        self._chain.state.close()

    def _make(self, transactions: list[bytes], durable: bool) -> float:
        chain = self._chain
        head = chain.state.head
        block = make_block(
            head.height + 1, CHAIN_ID, chain.last_block, head.app_root, address(0), tuple(transactions)
        )
        began = thread_time()
        prepared = chain.finalize(block)
        chain.commit(prepared, durable=durable)
        took = thread_time() - began
        assert all(receipt.code == "ok" for receipt in prepared.sealed.receipts)
        return took

    def _moves(self, count: int) -> list[bytes]:
        delegate = self._chain.loaded.calls["staking", "delegate"].declaration
        return [self._next().call(delegate, 10, validator=address(at % VALIDATORS), coins=7) for at in range(count)]

    def _transfers(self, count: int) -> list[bytes]:
        send = self._chain.loaded.calls["bank", "send"].declaration
        return [self._next().call(send, 10, to=address(1), coins=5) for _ in range(count)]

    def _next(self) -> Wallet:
        self._wallets.append(self._wallets.pop(0))
        return self._wallets[-1]


def _open(proposal: Proposal, count: int) -> Iterator[HostRow]:
    """Votes that are open from the beginning to far away; each counts by a height of its own."""
    electors = Electors(power=VALIDATORS * 10**12, voters=VALIDATORS)
    for number in range(1, count + 1):
        standing = Standing(
            status="voting", due=10**6, opened=number, closes=10**6, snapshot=number - 1, electors=electors,
            tally=Tally(), steps=1, placed=True,
        )  # fmt: skip
        yield PROPOSALS, (number,), proposal
        yield STANDINGS, (number,), standing
        yield DUE, (ORDINARY, 10**6, number), Mark()
    if count:
        yield COUNTERS, (), Counters(last=count, open=count)
        yield PROPOSERS, (proposal.proposer,), Proposer(open=count)
        yield TRACK_STATES, (proposal.track.name,), TrackState(open=count, voting=count)
        yield PINS, (), Pins(heights=tuple(range(count)))
        yield PULSE, (), Pulse(next_due=10**6)
