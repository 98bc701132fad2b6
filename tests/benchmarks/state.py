"""What the state costs on this machine: `python -m tests.benchmarks.state [ROWS] [FOLDER]`.

Prints an almost empty block (one and two changed host rows, no sync of its own), then, at ROWS rows (default
1,000,000): building a generation, the flip to it, opening, updates per second in batches of 100 to 10,000 with a
synced commit each, a checkpoint, and a snapshot's chunks. Wall time, with the CPU time of the executor's thread
beside it where others on the machine could disturb.
"""

import hashlib
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

from storage.blocklog import block_rows
from storage.home import Home
from storage.record import Amount, Record, field
from storage.snapshot import chunks_of
from storage.state import State
from storage.tables import Half, Table, host_table


class Account(Record):
    balance: Amount = field(1, value="coin")
    nonce: Amount = field(2, default=0)


ACCOUNTS: Table[Account] = Table("bank.accounts", Half.RUNTIME, ("address",), ("owner",), Account)
HOSTS: tuple[Table[Account], ...] = tuple(
    host_table(f"host.table{number:02}", Account, ("amount",), ("id",)) for number in range(30)
)
EMPTY_BLOCKS = 256 * 40
BATCHES = ((100, 50), (1_000, 30), (10_000, 6))
"""Changes in a block, and how many such blocks."""


def main(rows: int, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        empty_blocks(Path(scratch) / "empty")
        keys = sorted(hashlib.sha256(b"%d" % number).digest()[:20] for number in range(rows))
        root = Path(scratch) / "full"
        state = State.create(Home.create(root), HOSTS)
        grow(state, keys)
        state.close()
        state = timed("open", lambda: State.open(Home.open(root)))
        for changes, blocks in BATCHES:
            updates(state, keys, changes, blocks)
        timed("checkpoint", lambda: state.checkpoint("benchmark"))
        size = timed("snapshot chunks", lambda: sum(len(chunk) for chunk in chunks_of(state.view())))
        print(f"  of {size / 1e6:,.0f} MB")
        state.close()


def empty_blocks(root: Path) -> None:
    for changed in (1, 2):
        state = State.create(Home.create(root / str(changed)), HOSTS)
        began, cpu = perf_counter(), thread_time()
        for height in range(1, EMPTY_BLOCKS + 1):
            overlay = state.overlay()
            for table in HOSTS[:changed]:
                overlay.get(table, (1,))
                overlay.put(table, (1,), Account(balance=height))
            rows = block_rows(height, bytes(200))
            state.commit(state.prepare(overlay), height, rows, durable=False)
        wall, cpu = (perf_counter() - began) / EMPTY_BLOCKS, (thread_time() - cpu) / EMPTY_BLOCKS
        print(f"block with {changed} host row(s), 256 a sync {wall * 1e6:>9.1f} us  (CPU {cpu * 1e6:.1f})")
        state.close()


def grow(state: State, keys: list[bytes]) -> None:
    def rows() -> Iterator[tuple[bytes, bytes]]:
        encode = ACCOUNTS.codec.encode
        return ((key, encode(Account(balance=10**6 + place))) for place, key in enumerate(keys))

    builder = state.build_generation(ACCOUNTS, b"benchmark")
    timed(f"build {len(keys):,} rows", lambda: builder.put_many(rows()))
    generation = timed("finish the build", builder.finish)
    overlay = state.overlay()
    overlay.flip(overlay.catalogue.with_table(ACCOUNTS), {ACCOUNTS.name: generation})
    timed("flip", lambda: state.commit(state.prepare(overlay), 1))


def updates(state: State, keys: list[bytes], changes: int, blocks: int) -> None:
    chance = random.Random(changes)
    chosen = [chance.sample(keys, changes) for _ in range(blocks)]
    parts = [0.0, 0.0, 0.0]
    cpu = thread_time()
    for some in chosen:
        marks = [perf_counter()]
        overlay = state.overlay()
        for key in some:
            account = overlay.get(ACCOUNTS, (key,))
            assert account is not None
            overlay.put(ACCOUNTS, (key,), account.but(balance=account.balance + 1, nonce=account.nonce + 1))
        marks.append(perf_counter())
        prepared = state.prepare(overlay)
        marks.append(perf_counter())
        state.commit(prepared, state.height + 1)
        marks.append(perf_counter())
        parts = [part + later - before for part, before, later in zip(parts, marks, marks[1:], strict=False)]
    cpu, count = thread_time() - cpu, changes * blocks
    read, prepare, commit = (part / count * 1e6 for part in parts)
    print(
        f"blocks of {changes:>6,}: read and write {read:.1f}, roots {prepare:.1f}, commit {commit:.1f} us a change,"
        f" together {count / sum(parts):,.0f}/s  (CPU {cpu / count * 1e6:.1f} us)"
    )


def timed(name: str, run: Callable[[], Any]) -> Any:
    began, cpu = perf_counter(), thread_time()
    found = run()
    print(f"{name:<34} {(perf_counter() - began) * 1000:>9,.1f} ms  (CPU {(thread_time() - cpu) * 1000:,.1f})")
    return found


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000,
        Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.gettempdir()),
    )
