"""Parameters and flags: exact, bounded, and remembered as of every height."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.errors import HostRefused
from runtime.parameters import (
    FLAGS,
    MOST_KNOWN,
    PARAMETERS,
    RUNTIME_PARAMETERS,
    KnownValues,
    ParameterRule,
    Parameters,
    check_bounds,
    set_defaults,
)
from storage.home import Home
from storage.overlay import Overlay
from storage.state import State
from tests.runtime.story_chain import Story

RULES = (
    ParameterRule("size", 10, 1, 100, "a plain one"),
    ParameterRule("share", Fraction(667, 1000), Fraction(1, 2), Fraction(9, 10), "a ratio"),
)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State.create(Home.create(tmp_path / "home"), (PARAMETERS, FLAGS))
    yield made
    made.close()


@pytest.fixture
def overlay(state: State) -> Overlay:
    overlay = state.overlay()
    set_defaults(overlay, RULES, {})
    return overlay


def code_of(act: object, *args: object) -> str:
    with pytest.raises(HostRefused) as refused:
        act(*args)  # type: ignore[operator]
    return refused.value.code


def test_every_rule_stands_within_its_own_bounds() -> None:
    for rule in RUNTIME_PARAMETERS:
        check_bounds(RUNTIME_PARAMETERS, rule.name, rule.default)


def test_ratios_stay_exact(overlay: Overlay) -> None:
    assert Parameters(overlay, 5).ratio("share") == Fraction(667, 1000)
    Parameters(overlay, 5).set("share", Fraction(2, 3), 6)
    assert Parameters(overlay, 6).ratio("share") == Fraction(2, 3)


def test_a_whole_ratio_may_be_read_as_one(overlay: Overlay) -> None:
    assert Parameters(overlay, 5).ratio("size") == 10


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("size", 0, "out_of_bounds"),
        ("size", 101, "out_of_bounds"),
        ("size", Fraction(1, 2), "wrong_kind"),
        ("share", 1, "wrong_kind"),
        ("share", Fraction(91, 100), "out_of_bounds"),
        ("siez", 1, "unknown_parameter"),
    ],
)
def test_a_value_outside_its_rule_is_refused(name: str, value: int | Fraction, code: str) -> None:
    assert code_of(check_bounds, RULES, name, value) == code


def test_genesis_refuses_values_outside_their_rules(state: State) -> None:
    assert code_of(set_defaults, state.overlay(), RULES, {"size": 1000}) == "out_of_bounds"
    assert code_of(set_defaults, state.overlay(), RULES, {"siez": 1}) == "unknown_parameter"


def test_unknown_names_and_wrong_kinds_are_refused_when_read(overlay: Overlay) -> None:
    parameters = Parameters(overlay, 1)
    assert code_of(parameters.integer, "siez") == "unknown_parameter"
    assert code_of(parameters.integer, "share") == "not_an_integer"
    assert (parameters.has("size"), parameters.has("siez")) == (True, False)
    assert not parameters.flag("never set")


def test_look_ups_of_names_without_end_are_not_all_remembered(overlay: Overlay) -> None:
    known: KnownValues = {}
    parameters = Parameters(overlay, 1, known)
    for number in range(3 * MOST_KNOWN):
        assert not parameters.flag(f"name-{number}")
        assert parameters.integer("size") == 10
    assert len(known) <= MOST_KNOWN


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(st.integers(1, 30), st.integers(1, 100), max_size=6), height=st.integers(0, 31))
def test_a_value_is_the_last_one_set_at_or_before_its_height(
    state: State, changes: dict[int, int], height: int
) -> None:
    overlay = state.overlay()
    set_defaults(overlay, RULES, {})
    for at, value in changes.items():
        Parameters(overlay, at).set("size", value, at)
        Parameters(overlay, at).set_flag("odd", value % 2 == 1, at)
    before = [at for at in changes if at <= height]
    expected = changes[max(before)] if before else 10
    assert Parameters(overlay, height).integer("size") == expected
    assert Parameters(overlay, height).flag("odd") == (bool(before) and expected % 2 == 1)


def test_a_change_holds_from_the_next_block_on_and_a_dropped_block_changes_nothing(story: Story) -> None:
    height = story.height + 1
    story.till.acts[height] = [lambda context: context.parameters.set("fee_floor", 5, context.height + 1)]
    for _ in range(2):
        story.chain.finalize(story.next_block())
    story.till.acts.clear()
    story.block()
    assert story.codes(story.ann.call("coins.send", 1, to=story.ben.address, coins=1)) == ["ok"]
    story.block(act=lambda context: context.parameters.set("fee_floor", 5, context.height + 1))
    cheap, dear = (story.ann.call("coins.send", fee, to=story.ben.address, coins=1) for fee in (4, 5))
    assert story.codes(cheap, dear) == ["fee_too_low", "ok"]
