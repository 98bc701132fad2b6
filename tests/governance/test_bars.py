"""Bars: exact, falling, and rounding as the models they come from do."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.bars import (
    ABOVE,
    AT_LEAST,
    BILLION,
    FLOORED,
    TESTS,
    Bar,
    Curve,
    Linear,
    Moment,
    Moving,
    Ratio,
    Reciprocal,
    clears,
    next_participation,
    share_at,
)

SHARES = st.integers(0, BILLION)
PARTS = st.integers(1, BILLION)


@st.composite
def linear(draw: st.DrawFn) -> Linear:
    floor, ceiling = sorted((draw(SHARES), draw(SHARES)))
    return Linear(ceiling=ceiling, floor=floor, length=draw(PARTS))


reciprocal = st.builds(
    Reciprocal, factor=PARTS, x_offset=PARTS, y_offset=SHARES, sinks=st.booleans()
)
curves = st.one_of(linear(), reciprocal)
moments = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**6))


@given(curves, moments)
def test_a_bar_never_rises_while_the_vote_goes_on_and_stays_a_share(curve: object, at: tuple[int, int, int]) -> None:
    earlier, later, period = min(at[:2]), max(at[:2]), at[2]
    bar = Bar(curve=Curve.of(curve), test=AT_LEAST)
    before, after = (share_at(bar, Moment(elapsed, period)).part for elapsed in (earlier, later))
    assert 0 <= after <= before <= BILLION


@given(linear(), st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_straight_fall_is_within_rounding_of_the_exact_line(curve: Linear, elapsed: int, period: int) -> None:
    x = Fraction(min(elapsed, period), period)
    gone = min(Fraction(1), x * BILLION / curve.length)
    exact = Fraction(curve.ceiling, BILLION) - gone * Fraction(curve.ceiling - curve.floor, BILLION)
    found = Fraction(share_at(Bar(curve=Curve.of(curve), test=AT_LEAST), Moment(elapsed, period)).part, BILLION)
    steepness = Fraction(curve.ceiling - curve.floor, curve.length) + 2
    assert exact <= found <= exact + steepness / BILLION


@given(reciprocal, st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_hyperbola_is_the_exact_one_rounded_down(curve: Reciprocal, elapsed: int, period: int) -> None:
    x = min(elapsed, period) * BILLION // period
    exact = Fraction(curve.factor, x + curve.x_offset) * BILLION // 1
    wanted = max(0, min(BILLION, exact - curve.y_offset if curve.sinks else exact + curve.y_offset))
    assert share_at(Bar(curve=Curve.of(curve), test=AT_LEAST), Moment(elapsed, period)).part == wanted


@given(st.integers(0, 2**200), st.integers(0, 2**200), st.integers(0, 10**6), st.integers(1, 10**6))
def test_each_test_compares_exactly(part: int, whole: int, numerator: int, denominator: int) -> None:
    needed = whole * Fraction(numerator, denominator)
    found = {test: clears(part, whole, Bar.constant(numerator, denominator, test), Moment()) for test in TESTS}
    assert found == {AT_LEAST: part >= needed, ABOVE: part > needed, FLOORED: part >= needed // 1}


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_moving_bar_lies_between_its_ends_and_rises_with_participation(a: int, b: int, participation: int) -> None:
    least, most = sorted((a, b))
    bar = Bar(curve=Curve.of(Moving(least=least, most=most)), test=AT_LEAST)
    low, high = (share_at(bar, Moment(participation=p)).part for p in (participation, 10_000))
    assert least <= low <= high == most


@given(st.integers(0, 10_000), st.integers(0, 2**64), st.integers(1, 2**64))
def test_participation_stays_a_share_and_follows_the_turnout(before: int, counted: int, power: int) -> None:
    turnout = min(counted, power) * 10_000 // power
    after = next_participation(before, min(counted, power), power)
    assert min(before, turnout) - 1 <= after <= max(before, turnout)


def test_an_electorate_without_power_takes_participation_down() -> None:
    assert next_participation(7_000, 0, 0) == 5_600


@pytest.mark.parametrize(
    ("elapsed", "part"), [(0, BILLION), (50, 750_000_000), (100, 500_000_000), (500, 500_000_000)]
)
def test_the_line_of_half_a_period(elapsed: int, part: int) -> None:
    curve = Linear(ceiling=BILLION, floor=BILLION // 2, length=BILLION // 2)
    bar = Bar(curve=Curve.of(curve), test=AT_LEAST)
    assert share_at(bar, Moment(elapsed, 200)) == Ratio(part=part, whole=BILLION)
