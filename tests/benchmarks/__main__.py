"""The command: see the package's text."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from node.interpreter import set_up_interpreter
from tests.benchmarks import chain, machine, stores, votes

Part = Callable[[Path, int], list[tuple[str, str, str]]]
"""(folder, accounts) -> (figure, value, what it is to reach)."""

PARTS: dict[str, Part] = {
    "machine": lambda folder, accounts: [
        ("signature verifications, two threads", f"{machine.verifications_per_second():,.0f}/s", ""),
        ("synced LevelDB puts", f"{machine.synced_puts_per_second(folder / 'puts'):,.0f}/s", ""),
    ],
    "codec": stores.codec,
    "updates": stores.updates,
    "transfers": chain.transfers,
    "empty": chain.empty_blocks,
    "checkpoint": chain.checkpoints,
    "pause": chain.activation,
    "votes": votes.votes,
}


def main() -> None:
    reader = argparse.ArgumentParser("python -m tests.benchmarks", description="Measure Synod on this machine.")
    reader.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; all by default")
    reader.add_argument("--accounts", type=int, default=1_000_000, help="size of the large state (1,000,000)")
    reader.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    given = reader.parse_args()
    unknown = [part for part in given.parts if part not in PARTS]
    if unknown:
        reader.error(f"there is no part {unknown[0]}; take some of {', '.join(PARTS)}")
    set_up_interpreter()
    with tempfile.TemporaryDirectory(dir=given.folder) as scratch:
        for part in given.parts or PARTS:
            folder = Path(scratch) / part
            folder.mkdir()
            for figure, value, aim in PARTS[part](folder, given.accounts):
                print(f"{figure:<58} {value:>18}   {aim}", flush=True)


if __name__ == "__main__":
    main()
