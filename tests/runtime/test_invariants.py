"""Incremental counters equal a recount, whatever changes in whatever order; and they notice what breaks a rule."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.bundle.archive import pack
from runtime.bundle.checker import check_bundle
from runtime.bundle.loader import LoadedRuntime, load
from runtime.bundle.template import CORE
from runtime.invariants.counters import AGGREGATES, Counters, counters_of
from runtime.invariants.recount import broken_rules, count_rows, stored
from runtime.invariants.settle import SUPPLY_RULE, settle
from runtime.purse import SUPPLY, Supply
from storage.home import RELEASE, Home
from storage.overlay import Overlay
from storage.state import State

PEOPLE = [bytes([number]) * 20 for number in range(1, 5)]
person = st.sampled_from(PEOPLE)
amount = st.integers(0, 3)


@cache
def core() -> LoadedRuntime:
    bundle = pack(CORE, chain="test")
    return load(bundle, check_bundle(bundle, chain="test", host_release=RELEASE))


@cache
def rules() -> Counters:
    return counters_of(core().declaration)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State.create(Home.create(tmp_path / "home"), (AGGREGATES, SUPPLY, *core().tables.values()))
    yield made
    made.close()


def write(overlay: Overlay, table: str, key: tuple[Any, ...], values: dict[str, Any] | None) -> None:
    found = core().tables[table]
    if values is None:
        overlay.delete(found, key)
    else:
        overlay.put(found, key, found.record(**values))


change = st.one_of(
    st.tuples(st.just("bank.accounts"), st.tuples(person), st.none() | st.fixed_dictionaries({"balance": amount})),
    st.tuples(
        st.just("bank.vestings"),
        st.tuples(person),
        st.none()
        | st.fixed_dictionaries({"locked": amount, "original": amount, "start": st.just(0), "end": st.just(9)}),
    ),
    st.tuples(
        st.just("staking.validators"),
        st.tuples(person),
        st.none() | st.fixed_dictionaries({"tokens": amount, "shares": amount, "bonded": st.booleans()}),
    ),
    st.tuples(
        st.just("staking.delegations"), st.tuples(person, person), st.none() | st.fixed_dictionaries({"shares": amount})
    ),
    st.tuples(
        st.just("staking.consensus_keys"),
        st.tuples(st.binary(max_size=2)),
        st.none() | st.fixed_dictionaries({"operator": person}),
    ),
)
blocks = st.lists(st.lists(change, max_size=6), max_size=6)


def recounted(overlay: Overlay) -> dict[tuple[str, bytes], int]:
    tables = core().tables
    return count_rows(rules(), lambda name: ((tables[name].pack(k), row) for k, row in overlay.scan(tables[name])))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(blocks)
def test_incremental_counters_equal_a_recount_after_every_block(state: State, blocks: list[list[Any]]) -> None:
    overlay = state.overlay()
    standing: set[str] = set()
    for block in blocks:
        mark = overlay.savepoint()
        for table, key, values in block:
            write(overlay, table, key, values)
        said = settle(overlay, rules(), core().tables, overlay.changes_since(mark))
        counted = recounted(overlay)
        assert stored(overlay) == counted
        supply = sum(value for (name, _), value in counted.items() if name == "supply")
        overlay.put(SUPPLY, (), Supply(total=supply))
        truly = set(broken_rules(overlay, rules(), core().tables))
        assert truly <= set(said) | standing, "a rule broke and nothing said so"
        standing = truly


def settled(state: State, *writes: tuple[str, tuple[Any, ...], dict[str, Any] | None]) -> tuple[str, ...]:
    overlay = state.overlay()
    for table, key, values in writes:
        write(overlay, table, key, values)
    return settle(overlay, rules(), core().tables, overlay.changes())


ONE, TWO = PEOPLE[:2]
VALIDATOR = ("staking.validators", (ONE,), {"tokens": 0, "shares": 5, "bonded": True})
DELEGATION = ("staking.delegations", (TWO, ONE), {"shares": 5})


def test_shares_that_add_up_break_nothing(state: State) -> None:
    assert settled(state, VALIDATOR, DELEGATION) == ()


def test_shares_that_do_not_add_up_are_named(state: State) -> None:
    assert settled(state, VALIDATOR) == ("staking.shares_add_up",)


def test_a_delegation_to_nobody_is_named(state: State) -> None:
    assert "staking.validator_known" in settled(state, DELEGATION)


def test_deleting_what_others_refer_to_is_named(state: State) -> None:
    overlay = state.overlay()
    for table, key, values in (VALIDATOR, DELEGATION):
        write(overlay, table, key, values)
    assert settle(overlay, rules(), core().tables, overlay.changes()) == ()
    mark = overlay.savepoint()
    write(overlay, "staking.validators", (ONE,), None)
    said = settle(overlay, rules(), core().tables, overlay.changes_since(mark))
    assert {"staking.validator_known", "staking.shares_add_up"} <= set(said)


def test_more_locked_than_original_is_named(state: State) -> None:
    said = settled(state, ("bank.vestings", (ONE,), {"locked": 2, "original": 1, "start": 0, "end": 9}))
    assert "bank.locked_within_original" in said


def test_coins_out_of_nothing_are_named(state: State) -> None:
    assert settled(state, ("bank.accounts", (ONE,), {"balance": 1})) == (SUPPLY_RULE,)


def test_coins_that_only_move_break_nothing(state: State) -> None:
    overlay = state.overlay()
    write(overlay, "bank.accounts", (ONE,), {"balance": 7})
    overlay.put(SUPPLY, (), Supply(total=7))
    assert settle(overlay, rules(), core().tables, overlay.changes()) == ()
    mark = overlay.savepoint()
    write(overlay, "bank.accounts", (ONE,), {"balance": 3})
    write(overlay, "bank.vestings", (TWO,), {"locked": 4, "original": 4, "start": 0, "end": 9})
    assert settle(overlay, rules(), core().tables, overlay.changes_since(mark)) == ()
