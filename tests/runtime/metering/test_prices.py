"""What things cost, to the step: these numbers are consensus, and changing one forks every chain that runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.bundle.archive import pack
from runtime.bundle.checker import check_bundle
from runtime.bundle.loader import load
from tests.runtime.metering.programs import run
from tests.runtime.small_chain import ALICE, BOB, SmallChain, small_chain

CORE = Path(__file__).parents[3] / "runtime" / "core"
PROGRAMS = {
    "nothing": ("pass", 2),
    "one sum": ("return 1 + 1", 3),
    "a branch not taken": ("if 1 < 0:\n        return 1 + 1 + 1", 6),
    "ten turns of nothing": ("for n in range(10):\n        pass", 23),
    "a hundred turns of nothing": ("for n in range(100):\n        pass", 203),
    "ten turns of while": ("n = 0\n    while n < 10:\n        n += 1", 34),
    "loops in loops": ("for n in range(10):\n        for m in range(10):\n            pass", 233),
    "a comprehension": ("return [n + 1 for n in range(100)]", 304),
    "a function ten times": ("for n in range(10):\n        other(n)", 63),
    "64 bytes": ("return b'x' * 64", 5),
    "640 bytes": ("return b'x' * 640", 14),
    "640 wide letters": ("return '\\u20ac' * 640", 44),
    "a text told apart": ("return 'x' * 64000 == 'y' * 64000", 3007),
    "a list of a hundred": ("return [0] * 100", 105),
    "a hundred sorted": ("return sorted([0] * 100)", 1015),
    "a hundred summed": ("return sum([1] * 100)", 207),
    "a dict of ten": ("return {n: n for n in range(10)}", 34),
    "a record": ("return Point(x=1).but(y=2)", 4),
}


@pytest.mark.parametrize(("body", "steps"), PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_costs_what_it_always_did(body: str, steps: int) -> None:
    _, meter = run(f"def main():\n    {body}\ndef other(n):\n    return n * 2\n")
    assert meter.steps == steps


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[SmallChain]:
    bundle = pack(CORE, chain="test")
    with small_chain(tmp_path, load(bundle, check_bundle(bundle, chain="test", host_release=None))) as made:
        accounts = made.loaded.tables["bank.accounts"]
        made.overlay.put(accounts, (ALICE,), accounts.record(balance=1000))
        yield made


def test_a_transfer_costs_two_reads_two_writes_and_little_more(chain: SmallChain) -> None:
    assert chain.send("bank.send", BOB, 5) == "ok"
    assert 1000 < chain.meter.steps < 1050
    assert chain.meter.written < 100
