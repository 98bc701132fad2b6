"""The chain: transfers through every stage, empty blocks, checkpoints, and the pause of an upgrade."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time

from node.application import Application
from node.solo import Solo
from node.verification import Claim
from runtime.bundle.archive import Bundle, pack
from runtime.bundle.template import new_bundle
from runtime.upgrades import Operator, UpgradeCoordinator
from storage.signing import LastSigned
from tests.benchmarks import machine
from tests.benchmarks.large_chain import CHAIN_NAME, SIGNERS, address, large_application, large_state, signer, wallet

BLOCK = 1_000
WARM_UP = 3
"""Blocks before those that are timed."""
BLOCKS = 15
EMPTY = 20_000


def solo_on(application: Application) -> Solo:
    """A driver with the keys of the four validators."""
    keys = {address(index): signer(10**9 + index) for index in range(4)}
    return Solo(application, keys, LastSigned.create(application.home.last_signed_file))


def transfers(folder: Path, accounts: int) -> list[tuple[str, str, str]]:
    """Signed transfers: decoded, verified, admitted, executed, rooted, committed with a sync."""
    found = []
    for size in sorted({10_000, accounts}):
        rate, limit, cpu = _transfer_rate(folder / f"chain-{size}", size)
        aim = f"to reach: 6,000/s; {cpu * 1e6:.0f} us CPU each beside verification"
        found.append((f"transfers at {size:,} accounts, blocks of {BLOCK:,}", f"{rate:,.0f}/s", aim))
        beside = f"to reach: 0.20 of {limit:,.0f}/s"
        found.append(("  of the signature limit measured beside it", f"{rate / limit:.2f}", beside))
    return found


def _transfer_rate(folder: Path, accounts: int) -> tuple[float, float, float]:
    """Transfers a second in the median block, signatures a second measured before and after, and CPU seconds of the
    executor's thread for one transfer."""
    application = large_application(folder, accounts)
    solo, chance = solo_on(application), random.Random(1)
    send = application.chain.loaded.calls[("bank", "send")].declaration
    signers = min(accounts, SIGNERS)
    wallets = [wallet(index) for index in range(signers)]
    batches = [
        [
            wallets[(number * BLOCK + place) % signers].call(send, 10, to=address(chance.randrange(accounts)), coins=5)
            for place in range(BLOCK)
        ]
        for number in range(WARM_UP + BLOCKS)
    ]
    for batch in batches[:WARM_UP]:
        _one_block(application, solo, batch)
    limits, walls, cpus = [machine.verifications_per_second()], [], []
    for batch in batches[WARM_UP:]:
        began, worked = perf_counter(), thread_time()
        _one_block(application, solo, batch)
        walls.append(perf_counter() - began)
        cpus.append(thread_time() - worked)
    limits.append(machine.verifications_per_second())
    application.close()
    application.verifier.close()
    return BLOCK / median(walls), sum(limits) / 2, median(cpus) / BLOCK


def _one_block(application: Application, solo: Solo, batch: list[bytes]) -> None:
    arrived = [application.decode(raw) for raw in batch]
    application.verifier.check_all([Claim.of(one, one.body.key) for one in arrived])
    for one in arrived:
        application.check_tx(one)
    made = solo.make_block()
    assert len(made.receipts) == BLOCK and all(receipt.code == "ok" for receipt in made.receipts)


def empty_blocks(folder: Path, accounts: int) -> list[tuple[str, str, str]]:
    """Empty blocks in fast-forward, 256 to a sync."""
    application = large_application(folder / "chain", 10_000)
    solo = solo_on(application)
    solo.fast_forward(1_000)
    began = perf_counter()
    solo.fast_forward(1_000 + EMPTY)
    took = perf_counter() - began
    application.close()
    application.verifier.close()
    return [("empty blocks in fast-forward", f"{EMPTY / took:,.0f}/s", "to reach: 8,000/s")]


def checkpoints(folder: Path, accounts: int) -> list[tuple[str, str, str]]:
    """Checkpoints of the large state."""
    application = large_application(folder / "chain", accounts)
    solo, times, size = solo_on(application), [], 0
    for _ in range(5):
        solo.make_block()
        began = perf_counter()
        size = application.checkpoint("benchmark").size
        times.append(perf_counter() - began)
    application.close()
    application.verifier.close()
    figure = f"checkpoint at {accounts:,} accounts ({size / 1e6:,.0f} MB)"
    return [(figure, f"{median(times) * 1e3:.0f} ms", "to reach: 100 ms")]


def activation(folder: Path, accounts: int) -> list[tuple[str, str, str]]:
    """The block at A of an upgrade that rewrites every account, all of it inside the block."""
    _, state = large_state(folder / "chain", accounts, (Operator(),))
    upgrades = UpgradeCoordinator(state)
    upgrades.schedule_upgrade(_example(), upgrades.height + 3)
    upgrades.make_block()
    began = perf_counter()
    ended = upgrades.execute_upgrade()
    took = perf_counter() - began
    state.close()
    assert ended.kind == "executed", ended.reason
    return [(f"activation pause, {accounts:,} accounts migrated", f"{took:,.2f} s", "reported")]


def _example() -> Bundle:
    with tempfile.TemporaryDirectory() as scratch:
        new_bundle(Path(scratch) / "example", "example", CHAIN_NAME)
        return pack(Path(scratch) / "example", chain=CHAIN_NAME)
