"""What the tree costs alone: `python -m tests.benchmarks.tree [ROWS]`.

CPU time of this process. Beside the tree's figures stand those of the hashes it is made of, from the same run.
"""

import os
import sys
import timeit
from collections.abc import Mapping
from hashlib import sha256
from random import Random
from time import process_time

from storage.bulkload import tree_of
from storage.merkle import Tree


def change(tree: Tree, changes: Mapping[bytes, bytes | None]) -> float:
    """Seconds that changes take."""
    began = process_time()
    tree.apply(tree.prepare(changes))
    return process_time() - began


def main(rows: int) -> None:
    hashes()
    keys = [number.to_bytes(20, "big") for number in range(rows)]
    began = process_time()
    tree = tree_of((key, key + b"value") for key in keys)
    print(f"make it of {rows:,} rows           {process_time() - began:>8.2f} s")
    random = Random(1)
    for batch in (100, 1_000, 10_000):
        rounds = max(5, 50_000 // batch)
        taken = sorted(change(tree, {key: os.urandom(60) for key in random.sample(keys, batch)}) for _ in range(rounds))
        print(f"update of {batch:>6,} rows at {rows:,}  {taken[rounds // 2] / batch * 1e6:>8.2f} us a row")
    for batch in (1_000, 10_000):
        fresh = [os.urandom(20) for _ in range(batch)]
        for verb, changes in (("insert", dict.fromkeys(fresh, b"x")), ("delete", dict.fromkeys(fresh))):
            print(f"{verb} of {batch:>6,} rows at {rows:,}  {change(tree, changes) / batch * 1e6:>8.2f} us a row")
    for size in (1, 16, 100, 1_000):
        small = tree_of((key, b"x") for key in keys[:size])
        taken = sorted(change(small, {keys[0]: b"%d" % number}) for number in range(20_000))
        print(f"one row of {size:>5,}                   {taken[10_000] * 1e6:>8.2f} us")


def hashes() -> None:
    for size in (64, 513, 1024):
        content = bytes(size)
        taken = timeit.timeit(lambda content=content: sha256(content).digest(), number=200_000) / 200_000  # type: ignore[misc]
        print(f"sha256 of {size:>5} bytes               {taken * 1e6:>8.2f} us")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
