"""Voting on a large chain: one vote, a change of stake, and the close of a vote in which every account has voted; and
what open proposals cost blocks that touch none.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time

from governance.agenda import ORDINARY
from governance.ballots import Vote
from governance.calls import CastVote
from governance.following import follow
from governance.module import Governance
from governance.parameters import GOVERNANCE_PARAMETERS
from governance.proposals import (
    Content,
    MaintenanceWindow,
    Proposal,
    Standing,
    TreasurySpend,
    Words,
    content_digest,
)
from governance.ruletext import resolve
from governance.tables import (
    COUNTERS,
    DUE,
    PINS,
    PROPOSALS,
    PROPOSERS,
    PULSE,
    STANDINGS,
    VOTES,
    Counters,
    Mark,
    Pins,
    Proposer,
    Pulse,
)
from governance.tally import Electors, Tally
from governance.tracks import TrackRow
from node.application import CORE
from node.wallet import Wallet
from runtime.block import make_block
from runtime.bundle.archive import pack
from runtime.chain import Chain
from runtime.coordinator import Coordinator
from runtime.execution import execute_transaction
from runtime.genesis import GenesisState, HostRow, ModuleRow, create_chain_state
from runtime.host import HostContext
from runtime.identity import ChainIdentity
from runtime.keys import verify
from runtime.parameters import RUNTIME_PARAMETERS, Parameters
from runtime.transaction import SignedTransaction, decode_transaction
from storage.home import RELEASE, Home
from storage.state import State
from tests.benchmarks.crowd import crowd
from tests.benchmarks.large_chain import CHAIN_ID, CHAIN_NAME, SIGNERS, address, signer, wallet

DEFAULTS = {rule.name: Fraction(rule.default) for rule in (*RUNTIME_PARAMETERS, *GOVERNANCE_PARAMETERS)}
VALIDATORS = 100
HELD = 10**6
"""Units that each account delegates to one validator."""
BLOCK = 1_000
VOTED, CLOSING = 2, 1
"""The proposal that votes are cast on, and the one on which every account has voted already."""
CLOSES = 4
TURNS = 5


def votes(folder: Path, accounts: int) -> list[tuple[str, str, str]]:
    """A vote of a delegator whose validator has voted; the same changed; the close; a block without a vote."""
    began = perf_counter()
    home = _home(folder / "chain", accounts)
    made = perf_counter() - began
    chain = Chain(State.open(home), (Governance(),), lambda transaction, key: True)
    first, change = _cast(chain, accounts)
    stakes = _stakes(chain, accounts)
    empty, closing = _close(chain)
    chain.state.close()
    return [
        (f"genesis with {accounts:,} delegators", f"{made:.0f} s", "reported"),
        ("verifying one signature (CPU, this machine's measure)", f"{_verification() * 1e6:.0f} us", ""),
        ("a delegator's vote, its validator's with it, unsigned", f"{first * 1e6:.0f} us", "to reach: 60 us"),
        ("  changed", f"{change * 1e6:.0f} us", "to reach: 60 us"),
        ("a delegation copied at the end of a block", f"{stakes * 1e6:.0f} us", "reported"),
        ("a block in which nothing is due", f"{empty * 1e3:.2f} ms", "reported"),
        (f"the block that closes a vote of {accounts:,}", f"{closing * 1e3:.2f} ms", "to reach: 10 ms more"),
        *crowd(folder / "crowd", _proposal()),
    ]


def _home(folder: Path, accounts: int) -> Home:
    home = Home.create(folder)
    genesis = GenesisState(
        identity=ChainIdentity(chain_id=CHAIN_ID, chain_name=CHAIN_NAME, genesis=bytes(32)),
        bundle=pack(CORE, chain=CHAIN_NAME),
        host_release=RELEASE,
        keys=((address(index), signer(index).public, False) for index in range(SIGNERS)),
        rows=_rows(accounts),
        host_rows=_proposals(accounts),
    )
    create_chain_state(home, genesis, (Governance(),)).close()
    return home


def _rows(accounts: int) -> Iterator[ModuleRow]:
    for index in range(accounts):
        yield "bank.accounts", (address(index),), {"balance": 10**9}
        yield "staking.delegations", (address(index), _validator(index % VALIDATORS)), {"shares": HELD * 10**18}
    for number in range(VALIDATORS):
        tokens = HELD * len(range(number, accounts, VALIDATORS))
        values = {"tokens": tokens, "shares": tokens * 10**18, "bonded": True, "key": bytes(31) + bytes([number])}
        yield "staking.validators", (_validator(number),), values
        yield "staking.consensus_keys", (values["key"],), {"operator": _validator(number)}


def _validator(number: int) -> bytes:
    return address(10**9 + number)


def _proposals(accounts: int) -> Iterator[HostRow]:
    """Two votes that are open from the beginning; on one of them everybody has voted."""
    electors = Electors(power=HELD * accounts, voters=VALIDATORS)
    for number, tally in ((CLOSING, Tally(yes=electors.power, voters=accounts)), (VOTED, Tally())):
        closes = CLOSES if number == CLOSING else 10**6
        standing = Standing(
            status="voting", due=closes, opened=1, closes=closes, snapshot=0, electors=electors, tally=tally, steps=1
        )
        yield PROPOSALS, (number,), _proposal()
        yield STANDINGS, (number,), standing
        yield DUE, (ORDINARY, closes, number), Mark()
    for index in range(accounts):
        yield VOTES, (CLOSING, address(index)), Vote(option="yes", weight=HELD, height=1, own=1)
    yield COUNTERS, (), Counters(last=2, open=2)
    yield PROPOSERS, (address(0),), Proposer(open=2)
    yield PINS, (), Pins(heights=(0, 0))
    yield PULSE, (), Pulse(next_due=CLOSES)


def _proposal() -> Proposal:
    content = TreasurySpend(recipient=address(1), amount=1)
    row = TrackRow(
        delay="1", period="10", timelock="10", grace="10", deposit="0", deposit_period="5", quorum=">= 1/2",
        threshold=">= 1/2", veto=">= 1/2", min_voters="1", max_individual_power_percent="100",
    )  # fmt: skip
    track = resolve("ordinary", row, DEFAULTS.__getitem__)
    words = Words(title="A spend", window=MaintenanceWindow())
    return Proposal(
        proposer=address(0), submitted=0, content=Content.of(content), words=words, track=track,
        effect=content_digest(content),
    )  # fmt: skip


def _cast(chain: Chain, accounts: int) -> tuple[float, float]:
    """CPU seconds of one first vote and of one change, in the median block; nothing is committed."""
    effect = _proposal().effect
    firsts, changes = [], []
    everybody = min(accounts, SIGNERS)
    for turn in range(TURNS):
        wallets = [wallet(index % everybody) for index in range(turn * BLOCK, (turn + 1) * BLOCK)]
        run = _Block(chain)
        for validator in range(VALIDATORS):  # those who delegate find that their validators have voted
            context = run.context
            context.sender = _validator(validator)
            chain.host["governance", "vote"].call.run(context, CastVote(proposal=VOTED, option="yes", effect=effect))
        for option, times in (("no", firsts), ("veto", changes)):
            said = CastVote(proposal=VOTED, option=option, effect=effect)
            times.append(run([_sent(one, chain, said) for one in wallets]) / BLOCK)
    return median(firsts), median(changes)


def _verification() -> float:
    """CPU seconds of verifying one signature."""
    key, message = signer(0), bytes(100)
    signature, times = key.sign(message), []
    for _ in range(TURNS):
        began = thread_time()
        assert all(verify(key.public, message, signature) for _ in range(BLOCK))
        times.append((thread_time() - began) / BLOCK)
    return median(times)


def _sent(one: Wallet, chain: Chain, said: CastVote) -> SignedTransaction:
    raw = one.host(chain.host["governance", "vote"].call, said)
    return decode_transaction(raw, 2**16)


class _Block:
    """The scope of one block, in which transactions are run without their signatures."""

    def __init__(self, chain: Chain) -> None:
        height, overlay = chain.state.height + 1, chain.state.overlay()
        parameters = Parameters(overlay, height)
        self._chain = chain
        self._execution = chain.execution(overlay, chain.loaded, height)
        self.context = HostContext(
            overlay=overlay, height=height, chain_id=CHAIN_ID, chain_name=CHAIN_NAME, sender=b"", runtime=chain.loaded,
            parameters=parameters, purse=self._execution.purse,
            coordinator=Coordinator(overlay, height, parameters, []), rules=chain.rules,
        )  # fmt: skip

    def __call__(self, transactions: list[SignedTransaction]) -> float:
        began = thread_time()
        receipts = [
            execute_transaction(self._execution, self._chain.host, self.context, one, lambda transaction, key: True)
            for one in transactions
        ]
        took = thread_time() - began
        assert {receipt.code for receipt in receipts} == {"ok"}, {receipt.code for receipt in receipts}
        return took


def _stakes(chain: Chain, accounts: int) -> float:
    """CPU seconds in which the end of a block copies one changed delegation, in the median block."""
    table, times = chain.loaded.tables["staking.delegations"], []
    for turn in range(TURNS):
        context = _Block(chain).context
        for index in range(turn * BLOCK, (turn + 1) * BLOCK):
            key = (address(index % accounts), _validator(index % VALIDATORS))
            context.overlay.put(table, key, table.record(shares=turn + 1))
        changes = context.overlay.changes()
        began = thread_time()
        follow(context, changes)
        times.append((thread_time() - began) / BLOCK)
    return median(times)


def _close(chain: Chain) -> tuple[float, float]:
    """Seconds of executing and committing a block in which nothing is due, and of the one that closes the vote."""
    times = []
    for _ in range(CLOSES):
        head = chain.state.head
        block = make_block(head.height + 1, CHAIN_ID, chain.last_block, head.app_root, address(0), ())
        began = perf_counter()
        chain.commit(chain.finalize(block))
        times.append(perf_counter() - began)
    standing = chain.state.overlay().get(STANDINGS, (CLOSING,))
    assert standing is not None and standing.status == "timelock", standing
    return median(times[:-1]), times[-1]
