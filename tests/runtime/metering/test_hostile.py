"""A bundle that does its worst in every call and hook: each is ended with its code, and nothing of it stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.bundle.loader import LoadedRuntime
from runtime.context import invoke_hook
from runtime.metering.faults import HostFault, fault_of
from runtime.metering.meter import Meter
from tests.runtime.metering.hostile import MOMENTS, WORST, hook_source, hostile_source
from tests.runtime.small_chain import SmallChain, bundle_of, loaded_from, small_chain


@pytest.fixture(scope="module")
def hostile() -> LoadedRuntime:
    return loaded_from(bundle_of({"worst": hostile_source()}))


@pytest.fixture
def chain(hostile: LoadedRuntime, tmp_path: Path) -> Iterator[SmallChain]:
    with small_chain(tmp_path, hostile) as made:
        yield made


@pytest.mark.parametrize("name", WORST)
def test_a_hostile_call_ends_with_its_code_and_leaves_nothing(chain: SmallChain, name: str) -> None:
    chain.send("worst.sound", 7)
    found = chain.send(f"worst.{name}", steps=1_000_000)
    assert found.code == WORST[name][1]
    assert found.file == "worst.py"
    assert found.line > 0
    assert chain.meter.steps <= 1_000_000
    assert [key for key, _ in chain.rows("worst.rows")] == [(7,)]
    assert (chain.rows("worst.notes"), chain.events) == ([], [])


def test_the_same_call_ends_alike_every_time(chain: SmallChain) -> None:
    for name in WORST:
        first = (chain.send(f"worst.{name}"), chain.meter.steps, chain.meter.written)
        assert (chain.send(f"worst.{name}"), chain.meter.steps, chain.meter.written) == first


def test_a_call_runs_out_at_any_limit_without_harm(chain: SmallChain) -> None:
    """Whatever the step at which it ends, the fault is the host's and nothing stays."""
    chain.send("worst.sound", 7)
    whole = chain.meter.steps
    for steps in range(whole):
        assert chain.code("worst.sound", 8, steps=steps) == "out_of_steps"
    assert chain.code("worst.sound", 8, steps=whole) == "ok"


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", ["loops", "recurses_catching", "huge_integer", "divides_by_zero"])
def test_a_hostile_hook_ends_with_its_code(tmp_path: Path, moment: str, name: str) -> None:
    loaded = loaded_from(bundle_of({"worst": hook_source(moment, name)}))
    with small_chain(tmp_path, loaded) as chain:
        meter = Meter(100_000, 1_000)
        hook = next(iter(loaded.declaration.hooks(moment)))  # type: ignore[arg-type]
        with pytest.raises((HostFault, ArithmeticError)) as raised:
            invoke_hook(chain, hook, meter)
        assert fault_of(raised.value, meter).code == WORST[name][1]
