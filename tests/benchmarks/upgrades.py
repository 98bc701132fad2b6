"""Upgrades that rewrite every account: `python -m tests.benchmarks.upgrades [ACCOUNTS ...]`, 1,000,000 and 5,000,000.

At each size five upgrades in a row, as a solo node lives through them: blocks of transfers before and while the next
state grows, the work of growing it, and the pause at the activation height in its parts: the checkpoint of the height
before, the block itself, and its batch with the flip behind its barrier. Beside them the same migration with nothing
grown beforehand, which is what a chain that stops for its migration waits for; then a rollback with nothing written
since A, and one with transfers to undo and replay.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time

from governance.module import Governance
from node.application import Application
from node.interpreter import set_up_interpreter
from node.solo import MadeBlock, Solo
from node.verification import Claim
from runtime.bundle.archive import Bundle, of_files
from runtime.bundle.checker import check_bundle, check_upgrade
from runtime.bundle.template import bundle_files, core_files
from runtime.bundles import store_bundle
from runtime.chain import Chain
from runtime.host import HostContext
from runtime.plans import REPLAYING, WINDOW
from runtime.requests import PlanRequest
from runtime.rollback import return_to_base
from runtime.upgrades import OPERATOR, Operator
from storage.home import RELEASE
from tests.benchmarks.chain import BLOCK, solo_on
from tests.benchmarks.large_chain import CHAIN_NAME, SIGNERS, address, large_application, wallet
from tests.benchmarks.machine import verifications_per_second

UPGRADES = 5
TIMELOCK = 100_000
"""Blocks between scheduling and activation that nobody makes: the plan is moved once its state is ready."""
BLOCKS = 10
SLICE = 1_024
UNDO_ROUNDS = 5
BEFOREHAND = "  just before, while blocks may go on: earlier writes into files"

Row = tuple[str, str, str]
"""What was measured, the figure, and what it should reach."""


def bundle_of(major: int) -> Bundle:
    """The example bundle as version ``major``.0.0: its migration rewrites every account. Its way back and its tests are
    left out, because they are of version 1."""
    files = bundle_files("example", CHAIN_NAME, core_files())
    del files["tests.py"]
    files["bank.py"] = files["bank.py"].partition(b"\n\n@reverse(accounts)")[0].replace(b"    reverse,\n", b"", 1)
    edits = {
        "bundle.toml": (('version = "2.0.0"', f'version = "{major}.0.0"'), ("schema = 2", f"schema = {major}")),
        "bank.py": (("from_schema=1", f"from_schema={major - 1}"), ("migrated=2)", f"migrated={major})")),
    }
    for name, pairs in edits.items():
        for old, new in pairs:
            assert old.encode() in files[name], (name, old)
            files[name] = files[name].replace(old.encode(), new.encode(), 1)
    return of_files(files)


def without_migration(major: int) -> Bundle:
    """The next minor version, which leaves every row as it is."""
    files = dict(bundle_of(major).files)
    source, _, _ = files["bank.py"].partition(b"# --- WRITE YOUR MIGRATION HERE")
    files["bank.py"] = source.rstrip() + b"\n"
    files["bundle.toml"] = files["bundle.toml"].replace(b'version = "%d.0.0"' % major, b'version = "%d.1.0"' % major)
    return of_files(files)


@dataclass(slots=True)
class Figures:
    """Seconds and rates of one size, one entry an upgrade."""

    before: list[float] = field(default_factory=list)
    """Transfers a second."""
    growing: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    """CPU seconds of growing."""
    worst: list[float] = field(default_factory=list)
    """The longest slice."""
    settle: list[float] = field(default_factory=list)
    checkpoint: list[float] = field(default_factory=list)
    execution: list[float] = field(default_factory=list)
    commit: list[float] = field(default_factory=list)

    @property
    def pause(self) -> float:
        """The median pause: checkpoint, block and flip."""
        return median(sum(parts) for parts in zip(self.checkpoint, self.execution, self.commit, strict=True))


class Upgraded:
    """A solo node with many accounts, and an operator in the place of its voters."""

    def __init__(self, folder: Path, accounts: int) -> None:
        self.accounts = accounts
        self.application: Application = large_application(folder, accounts)
        self.operator = Operator()
        application = self.application
        application.chain = Chain(application.state, (Governance(), self.operator), application._signature_holds)
        self.solo: Solo = solo_on(application)
        self.chance = random.Random(1)
        self.wallets = [wallet(index) for index in range(min(accounts, SIGNERS))]
        self.next = 0

    def close(self) -> None:
        self.application.close()
        self.application.verifier.close()

    def act(self, act: Callable[[HostContext], object]) -> None:
        """Do something at the end of the next block."""
        self.operator.act = act
        self.solo.make_block(())
        self.operator.act = None

    def schedule(self, bundle: Bundle) -> None:
        """Schedule a bundle far ahead."""
        declaration = check_bundle(bundle, chain=CHAIN_NAME, host_release=RELEASE)
        effect = check_upgrade(self.application.chain.loaded.declaration, declaration)

        def schedule(context: HostContext) -> None:
            store_bundle(context.overlay, bundle, OPERATOR, context.height)
            request = PlanRequest(
                proposal=0,
                code_hash=bundle.code_hash,
                effect=effect,
                declaration=declaration,
                activation=context.height + TIMELOCK,
            )
            context.coordinator.schedule(request)

        self.act(schedule)

    def activation(self) -> MadeBlock:
        """Pass the timelock and make the block at A."""
        height = self.application.next_activation()
        assert height is not None
        self.solo.fast_forward(height - 1)
        made = self.solo.make_block(())
        assert made.prepared.opening.activated, made.prepared.opening.failure
        return made

    def transfers(self) -> float:
        """Transfers a second in the median of some blocks, the driver's growing beside them included."""
        send = self.application.chain.loaded.calls[("bank", "send")].declaration
        took = []
        for _ in range(BLOCKS):
            raws = [self._transfer(send) for _ in range(BLOCK)]
            arrived = [self.application.decode(raw) for raw in raws]
            self.application.verifier.check_all([Claim.of(one, one.body.key) for one in arrived])
            began = perf_counter()
            for one in arrived:
                self.application.check_tx(one)
            made = self.solo.make_block()
            took.append(perf_counter() - began)
            assert all(receipt.code == "ok" for receipt in made.receipts)
        return BLOCK / median(took)

    def _transfer(self, send: object) -> bytes:
        self.next += 1
        sender = self.wallets[self.next % len(self.wallets)]
        return sender.call(send, 10, to=address(self.chance.randrange(self.accounts)), coins=5)  # type: ignore[arg-type]

    def grow(self) -> tuple[float, float]:
        """Grow to the end; CPU seconds, and the longest slice."""
        began, worst, more = thread_time(), 0.0, True
        while more:
            slice_began = perf_counter()
            more = self.application.grow(SLICE)
            worst = max(worst, perf_counter() - slice_began)
        return thread_time() - began, worst


def live_through(folder: Path, accounts: int) -> tuple[Figures, list[Row]]:
    """Five upgrades with everything grown beforehand, then one with nothing, then rollbacks."""
    node, figures = Upgraded(folder, accounts), Figures()
    for major in range(2, 2 + UPGRADES):
        figures.before.append(node.transfers())
        node.schedule(bundle_of(major))
        figures.growing.append(node.transfers())
        work, worst = node.grow()
        figures.work.append(work)
        figures.worst.append(worst)
        made = node.activation()
        figures.settle.append(made.settle_ns / 1e9)
        figures.checkpoint.append(made.checkpoint_ns / 1e9)
        figures.execution.append(made.execution_ns / 1e9)
        figures.commit.append(made.commit_ns / 1e9)
    rows = _roll_back(node)
    stopped = f"{_stopped(node, 1 + UPGRADES):.2f} s"
    rows.insert(0, ("the same migration with nothing grown beforehand: its pause", stopped, ""))
    rows += _roll_back_transfers(node, 1 + UPGRADES)
    node.close()
    return figures, rows


def _roll_back(node: Upgraded) -> list[Row]:
    """The block that returns."""
    node.act(lambda context: context.coordinator.roll_back(0, "a benchmark"))
    made = node.solo.make_block(())
    assert made.prepared.opening.flipped
    took = (made.execution_ns + made.commit_ns) / 1e6
    return [
        ("pause of a rollback with nothing written since A", f"{took:.1f} ms", "to reach: 100 ms"),
        ("  block", f"{made.execution_ns / 1e6:.1f} ms", ""),
        ("  batch with the flip, behind its barrier", f"{made.commit_ns / 1e6:.1f} ms", ""),
        (BEFOREHAND, f"{made.settle_ns / 1e6:.1f} ms", ""),
    ]


def _roll_back_transfers(node: Upgraded, major: int) -> list[Row]:
    """Undo and replay blocks of transfers, which all changed rows of a table that the upgrade left as it was."""
    node.schedule(without_migration(major))
    node.activation()
    first = node.application.state.height + 1
    node.transfers()
    log = node.application.state.log()
    undone = sum(len(log.undo(height)) for height in range(first, node.application.state.height + 1))
    node.act(lambda context: context.coordinator.roll_back(0, "a benchmark"))
    chain, window = node.application.chain, node.application.chain.state.view().get(WINDOW, ())
    assert window is not None
    old = chain.library.get(chain.state.overlay(), window.previous.code_hash)
    rounds = []
    for _ in range(UNDO_ROUNDS):
        began = perf_counter()
        return_to_base(chain.state, chain.state.overlay(), window, old, chain.state.height + 1)
        rounds.append(perf_counter() - began)
    took = median(rounds)
    replayed, blocks = -took, 0
    while not blocks or chain.state.view().get(REPLAYING, ()) is not None:
        made = node.solo.make_block(())
        replayed += (made.execution_ns + made.commit_ns) / 1e9
        blocks += 1
    transfers = BLOCKS * BLOCK
    return [
        (f"rollback with {undone:,} records to undo, median", f"{undone / took:,.0f}/s", "to reach: 80,000/s"),
        ("  the fastest round", f"{undone / min(rounds):,.0f}/s", ""),
        (f"  and {transfers:,} transfers to replay, in {blocks} blocks", f"{transfers / replayed:,.0f}/s", ""),
    ]


def _stopped(node: Upgraded, major: int) -> float:
    """Seconds of one block that does the whole migration."""
    bundle = bundle_of(major)
    node.solo.fast_forward(node.application.state.height + 1)
    node.schedule(bundle)
    height = node.application.next_activation()
    assert height is not None
    chain = node.application.chain
    while chain.state.height < height - 1:
        chain.commit(chain.finalize(node.application.block_of(OPERATOR)), durable=False)
    block = node.application.block_of(OPERATOR)
    began = perf_counter()
    prepared = chain.finalize(block)
    chain.commit(prepared)
    assert prepared.opening.activated
    return perf_counter() - began


def report(accounts: int, figures: Figures, rows: list[Row]) -> None:
    def line(what: str, found: str, aim: str = "") -> None:
        print(f"{what:<66} {found:>16}   {aim}", flush=True)

    print(f"{accounts:,} accounts, {UPGRADES} upgrades")
    share = median(now / then for then, now in zip(figures.before, figures.growing, strict=True))
    line("transfers a second before / while the next state grows", f"{median(figures.growing):,.0f}/s")
    line("  share of the rate before", f"{share:.2f}", "to reach: 0.50")
    line("work of growing", f"{median(figures.work):.1f} s", "to reach: 15 s at 1,000,000")
    line("  its longest slice", f"{max(figures.worst) * 1e3:.0f} ms")
    line("pause at the activation height, median", f"{figures.pause * 1e3:.1f} ms", "to reach: 50 ms")
    for what, parts in (
        ("  checkpoint of the height before", figures.checkpoint),
        ("  block: hooks, checks, roots", figures.execution),
        ("  batch with the flip, behind its barrier", figures.commit),
        (BEFOREHAND, figures.settle),
    ):
        line(what, f"{median(parts) * 1e3:.1f} ms")
    for row in rows:
        line(*row)


def main() -> None:
    reader = argparse.ArgumentParser("python -m tests.benchmarks.upgrades", description=__doc__)
    reader.add_argument("accounts", nargs="*", type=int, default=[1_000_000, 5_000_000], help="sizes, in accounts")
    reader.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    given = reader.parse_args()
    set_up_interpreter()
    print(f"{verifications_per_second():,.0f} signature verifications a second by this machine", flush=True)
    pauses, rates = [], []
    for accounts in given.accounts:
        with tempfile.TemporaryDirectory(dir=given.folder) as scratch:
            figures, rows = live_through(Path(scratch) / "home", accounts)
            report(accounts, figures, rows)
            pauses.append(figures.pause)
            rates.append(median(figures.before))
    if len(pauses) > 1:
        print(f"pause at the last size against the first: {pauses[-1] / pauses[0]:.2f}   to reach: 1.2")
        print(f"a block of transfers at the last size against the first: {rates[0] / rates[-1]:.2f}   to reach: 1.3")


if __name__ == "__main__":
    main()
