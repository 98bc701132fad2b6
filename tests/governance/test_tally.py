"""Counting and judging votes."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.ballots import WHOLE, Share, require_ballot, shared_out
from governance.bars import END, Bar, Ratio, clears, reaches
from governance.judging import is_vetoed, judge
from governance.lifecycle import Move
from governance.parameters import GOVERNANCE_PARAMETERS
from governance.ruletext import resolve
from governance.tally import NOTHING, Electors, Option, Tally, counted_power
from governance.tracks import Track, TrackRow
from runtime.errors import HostRefused
from runtime.parameters import RUNTIME_PARAMETERS

POWER = st.integers(0, 2**200)


DEFAULTS = {rule.name: Fraction(rule.default) for rule in (*RUNTIME_PARAMETERS, *GOVERNANCE_PARAMETERS)}
PLAIN = resolve("ordinary", TrackRow(), DEFAULTS.__getitem__).but(min_voters=1, max_individual_power_percent=100)


def track(**changes: object) -> Track:
    return PLAIN.but(**changes)


ALL = Electors(power=1000, voters=10)


def tally(yes: int = 0, no: int = 0, abstain: int = 0, veto: int = 0, voters: int = 5) -> Tally:
    return Tally(yes=yes, no=no, abstain=abstain, veto=veto, voters=voters)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (tally(voters=0), (Move.REJECTED, "too_few_voters")),
        (tally(yes=333), (Move.REJECTED, "no_quorum")),
        (tally(yes=334), (Move.PASSED, "passed")),
        (tally(yes=667, no=333), (Move.PASSED, "passed")),
        (tally(yes=666, no=334), (Move.REJECTED, "below_threshold")),
        (tally(yes=666, veto=334), (Move.VETOED, "vetoed")),
        (tally(yes=667, veto=333), (Move.PASSED, "passed")),
        (tally(abstain=1000), (Move.REJECTED, "only_abstentions")),
        (tally(yes=2, no=1, abstain=900), (Move.REJECTED, "below_threshold")),
        (tally(yes=667, no=333, abstain=0, voters=1), (Move.PASSED, "passed")),
        (tally(veto=333), (Move.REJECTED, "no_quorum")),
    ],
)
def test_each_rule_decides_exactly_at_its_edge(count: Tally, expected: tuple[Move, str]) -> None:
    assert judge(count, ALL, track()) == expected


def test_fewer_voters_than_demanded_reject_but_a_small_electorate_is_not_locked() -> None:
    demanding = track(min_voters=3)
    assert judge(tally(yes=900, voters=2), ALL, demanding) == (Move.REJECTED, "too_few_voters")
    assert judge(tally(yes=900, voters=2), Electors(power=1000, voters=2), demanding) == (Move.PASSED, "passed")


def test_an_empty_electorate_approves_nothing() -> None:
    assert judge(Tally(), Electors(), track(min_voters=0))[0] is Move.REJECTED


@given(POWER, st.integers(1, 2**200), st.integers(0, 10**6), st.integers(1, 10**6))
def test_shares_are_compared_exactly(part: int, whole: int, numerator: int, denominator: int) -> None:
    exact = Fraction(part, whole) >= Fraction(numerator, denominator)
    assert reaches(part, whole, Ratio(part=numerator, whole=denominator)) is exact


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=20), st.integers(1, 100))
def test_with_the_cut_at_or_above_the_quorum_everyone_together_always_makes_it(powers: list[int], percent: int) -> None:
    electors = Electors(power=sum(powers), voters=len(powers))
    rules = track(max_individual_power_percent=percent, quorum=Bar.constant(percent, 100))
    together = sum(counted_power(power, electors, rules) for power in powers)
    assert clears(together, electors.power, rules.quorum, END)


@given(POWER, POWER, st.integers(1, 100))
def test_nobody_counts_for_more_than_the_cut_or_than_his_power(power: int, others: int, percent: int) -> None:
    electors = Electors(power=power + others, voters=2)
    counted = counted_power(power, electors, track(max_individual_power_percent=percent))
    assert counted <= power
    assert counted * 100 < electors.power * percent + 100
    assert counted > 0 or power == 0


@st.composite
def ballots(draw: st.DrawFn) -> tuple[str, tuple[Share, ...]]:
    """One option, or a split of two to four."""
    options = draw(st.lists(st.sampled_from(list(Option)), min_size=1, max_size=4, unique=True))
    if len(options) == 1:
        return options[0].value, ()
    cuts = draw(st.lists(st.integers(1, WHOLE - 1), min_size=len(options) - 1, max_size=len(options) - 1, unique=True))
    edges = [0, *sorted(cuts), WHOLE]
    weights = [after - before for before, after in pairwise(edges)]
    ordered = sorted(options, key=list(Option).index)
    return "", tuple(Share(option=o.value, weight=w) for o, w in zip(ordered, weights, strict=True))


@given(ballots(), POWER)
def test_a_split_gives_each_option_its_share_to_the_unit_and_loses_none(
    ballot: tuple[str, tuple[Share, ...]], power: int
) -> None:
    option, split = ballot
    require_ballot(option, split)
    parts = shared_out(option, split, power)
    assert sum(parts) == power and min(parts) >= 0
    exact = {share.option: Fraction(power * share.weight, WHOLE) for share in split} or {option: Fraction(power)}
    for name, part in zip(Option, parts, strict=True):
        assert abs(part - exact.get(name.value, 0)) < 1
        assert name.value in exact or part == 0


def test_an_uneven_split_is_rounded_where_the_sums_along_the_order_fall() -> None:
    third = WHOLE // 3
    split = (
        Share(option="yes", weight=third),
        Share(option="no", weight=third),
        Share(option="veto", weight=WHOLE - 2 * third),
    )
    assert shared_out("", split, 100) == (33, 33, 0, 34)
    assert shared_out("", split, 1) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("option", "split", "code"),
    [
        ("", (), "unknown_option"),
        ("maybe", (), "unknown_option"),
        ("", (("yes", WHOLE),), "bad_split"),
        ("", (("yes", WHOLE // 2), ("maybe", WHOLE // 2)), "unknown_option"),
        ("", (("no", WHOLE // 2), ("yes", WHOLE // 2)), "bad_split"),
        ("", (("yes", WHOLE // 2), ("yes", WHOLE // 2)), "bad_split"),
        ("", (("yes", WHOLE), ("no", 0)), "bad_split"),
        ("", (("yes", WHOLE // 2), ("no", WHOLE // 2 - 1)), "bad_split"),
        ("yes", (("yes", WHOLE // 2), ("no", WHOLE // 2)), "bad_split"),
    ],
)
def test_what_is_no_ballot_is_refused(option: str, split: tuple[tuple[str, int], ...], code: str) -> None:
    with pytest.raises(HostRefused) as refusal:
        require_ballot(option, tuple(Share(option=name, weight=weight) for name, weight in split))
    assert refusal.value.code == code


@given(st.lists(st.tuples(st.integers(0, 4), ballots()), max_size=30))
@settings(max_examples=200)
def test_a_kept_tally_equals_a_count_of_the_last_votes(cast: list[tuple[int, tuple[str, tuple[Share, ...]]]]) -> None:
    weights = [3, 5, 7, 11, 2**150]
    kept, last = Tally(), {}
    for voter, ballot in cast:
        after = shared_out(*ballot, weights[voter])
        kept = kept.moved(last.get(voter, NOTHING), after, 0 if voter in last else 1)
        last[voter] = after
    assert (kept.yes, kept.no, kept.abstain, kept.veto) == tuple(map(sum, zip(NOTHING, *last.values(), strict=True)))
    assert kept.voters == len(last)
    assert kept.counted == sum(weights[voter] for voter in last)


@given(POWER, POWER, POWER, POWER)
def test_more_yes_never_turns_approval_into_rejection(yes: int, no: int, abstain: int, veto: int) -> None:
    electors = Electors(power=2**203, voters=5)
    before = judge(tally(yes, no, abstain, veto), electors, track())
    after = judge(tally(yes + 10**9, no, abstain, veto), electors, track())
    assert before[0] is not Move.PASSED or after[0] is Move.PASSED


def test_no_veto_vote_is_no_veto() -> None:
    assert not is_vetoed(Tally(), track())
