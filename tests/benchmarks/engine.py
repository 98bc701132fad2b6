"""What the disk and the engine allow on this machine: `python -m tests.benchmarks.engine [ROWS] [FOLDER]`.

Prints synced commits per second with and without the head file, the times of a barrier, a checkpoint (also in the
middle of writing), its verification and a start, at ROWS rows (default 1,000,000) of about 120 bytes.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from storage.checkpoint import create
from storage.engine import Engine
from storage.headfile import write_head
from storage.home import Home
from storage.restore import restore, verify
from storage.rows import META_KEY
from tests.storage.small_home import head_of, new_home

BATCH = 10_000


def main(rows: int, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        root = Path(scratch)
        home, engine = new_home(root / "node", buffer_bytes=4 << 20)
        synced_commits(home, engine)
        fill(engine, rows)
        print(f"{rows:,} rows, {engine.size() / 1e6:,.0f} MB in {len(list(home.database.iterdir()))} files")
        timed("barrier", engine.barrier)
        for number in range(3):
            advance(home, engine, 3_001 + number, rows)
            timed("checkpoint", lambda: create(home, "benchmark"))
        advance(home, engine, 3_004, rows)
        made = create(home, "benchmark")
        engine.close()
        timed("verify the checkpoint", lambda: verify(made, root / "scratch"))
        timed("restore it", lambda: restore(made, home))
        timed("open", lambda: Engine.open(home.database).close())


def synced_commits(home: Home, engine: Engine, count: int = 3000) -> None:
    value = os.urandom(100)
    began = perf_counter()
    for commit in range(count):
        engine.write([(b"t%06d" % commit, value)], sync=True)
    print(f"synced batches                {count / (perf_counter() - began):>10,.0f} /s")
    began = perf_counter()
    for commit in range(1, count + 1):
        engine.write([(b"t%06d" % commit, value), (META_KEY, head_of(commit).to_bytes())], sync=True)
        write_head(home.head_file, head_of(commit))
    print(f"synced batches with head file {count / (perf_counter() - began):>10,.0f} /s")


def fill(engine: Engine, rows: int) -> None:
    began = perf_counter()
    for first in range(0, rows, BATCH):
        numbers = range(first, min(first + BATCH, rows))
        engine.write([(b"t%012d" % (n * 7919 % rows), os.urandom(100)) for n in numbers], sync=True)
    print(f"rows in batches of {BATCH:,}     {rows / (perf_counter() - began):>10,.0f} /s")


def advance(home: Home, engine: Engine, commit: int, rows: int) -> None:
    changed = [(b"t%012d" % (n * 31 % rows), os.urandom(100)) for n in range(5000)]
    engine.write([*changed, (META_KEY, head_of(commit).to_bytes())], sync=True)
    write_head(home.head_file, head_of(commit))


def timed(name: str, work: Callable[[], object]) -> None:
    began = perf_counter()
    work()
    print(f"{name:<29} {(perf_counter() - began) * 1000:>10,.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, Path(sys.argv[2]) if len(sys.argv) > 2 else Path.cwd())
