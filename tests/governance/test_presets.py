"""Each preset against its model, rule by rule, with the place in the model's source that states the rule."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from governance.bars import BILLION, Moment, next_participation, share_at
from governance.fitting import conflict_in
from governance.judging import judge
from governance.lifecycle import Move
from governance.parameters import GOVERNANCE_PARAMETERS
from governance.presets import PRESETS
from governance.presets.preset import DAY, HOUR
from governance.proposals import ROUTED_KINDS
from governance.ruletext import resolve
from governance.tally import Electors, Tally
from governance.tracks import Track
from runtime.parameters import RUNTIME_PARAMETERS

DEFAULTS = {rule.name: Fraction(rule.default) for rule in (*RUNTIME_PARAMETERS, *GOVERNANCE_PARAMETERS)}
UNITS = st.integers(0, 10**15)


def track(preset: str, name: str) -> Track:
    return resolve(name, PRESETS[preset].tracks[name], DEFAULTS.__getitem__)


def passes(rules: Track, power: int, moment: Moment | None = None, **votes: int) -> Move:
    tally = Tally(voters=4, **votes)
    at = Moment(rules.period, rules.period) if moment is None else moment
    return judge(tally, Electors(power=power, voters=4), rules, at)[0]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_fits_together_under_the_default_parameters(name: str) -> None:
    preset = PRESETS[name]
    values = {**DEFAULTS, **{key: Fraction(value) for key, value in preset.parameters.items()}}
    assert conflict_in(values.__getitem__, preset.tracks, preset.routes, ROUTED_KINDS) == ""


def test_the_default_preset_is_what_the_settings_of_an_operator_say() -> None:  # R1.7
    rules = track("default", "ordinary")
    for rule, parameter in (
        ("delay", "voting_delay"), ("period", "voting_period"), ("timelock", "timelock_delay"),
        ("deposit", "min_deposit"), ("min_voters", "min_voters"),
    ):  # fmt: skip
        assert getattr(rules, rule) == DEFAULTS[parameter]
    assert passes(rules, 3_000, yes=1_002) is Move.PASSED
    assert passes(rules, 3_000, yes=1_001) is Move.REJECTED
    assert passes(rules, 3_000, yes=2_001, no=999) is Move.PASSED
    assert passes(rules, 3_000, yes=2_000, no=1_000) is Move.REJECTED


@pytest.mark.parametrize(
    ("preset", "names"),
    [
        ("cosmos", ("regular", "expedited")),
        ("opengov", ("root", "wish_for_change", "treasurer", "general_admin", "referendum_canceller")),
        ("tezos", ("exploration", "promotion")),
        ("governor", ("governor",)),
    ],
)
def test_a_model_is_given_no_rule_that_it_does_not_have(preset: str, names: tuple[str, ...]) -> None:
    for name in names:
        rules = track(preset, name)
        assert (rules.min_voters, rules.max_individual_power_percent, rules.cooldown) == (0, 100, 0)
        assert (rules.reviews, rules.implementation.curve.value.part, rules.deposit_growth_percent) == (0, 0, 0)
        assert (rules.late > 0) == (preset == "governor")
        assert (rules.confirm > 0) == rules.early == (preset == "opengov")
        assert passes(rules, 10, veto=10) is (Move.VETOED if preset == "cosmos" else Move.REJECTED)


# x/gov, cosmos-sdk v0.50


@given(UNITS, UNITS, UNITS, UNITS, UNITS, st.booleans())
@example(1, 1, 0, 0, 0, False)
@example(667, 333, 0, 0, 0, True)
@example(333, 0, 333, 334, 0, False)
@example(334, 0, 0, 0, 666, False)
def test_cosmos_decides_as_tally_does(yes: int, no: int, abstain: int, veto: int, rest: int, expedited: bool) -> None:
    """x/gov/keeper/tally.go, Tally: bonded power none; turnout below quorum; all abstain; veto above its threshold of
    all votes; yes above the threshold of what does not abstain. Thresholds: x/gov/types/v1/params.go."""
    power, voted = yes + no + abstain + veto + rest, yes + no + abstain + veto
    threshold = Fraction(667, 1000) if expedited else Fraction(1, 2)
    if voted == 0 or Fraction(voted, power) < Fraction(334, 1000) or voted == abstain:
        wanted = Move.REJECTED
    elif Fraction(veto, voted) > Fraction(334, 1000):
        wanted = Move.VETOED
    else:
        wanted = Move.PASSED if Fraction(yes, voted - abstain) > threshold else Move.REJECTED
    rules = track("cosmos", "expedited" if expedited else "regular")
    assert passes(rules, power, yes=yes, no=no, abstain=abstain, veto=veto) is wanted


def test_cosmos_periods_deposits_and_burns() -> None:
    """x/gov/types/v1/params.go: DefaultPeriod, DefaultExpeditedPeriod, DefaultMinDepositTokens, its expedited ratio of
    5, DefaultMinInitialDepositRatio, DefaultProposalCancelRatio, DefaultBurn*; x/gov/abci.go converts an expedited
    proposal that fails and counts its period from the start of voting."""
    regular, expedited = track("cosmos", "regular"), track("cosmos", "expedited")
    assert (regular.period, regular.deposit_period, expedited.period) == (2 * DAY, 2 * DAY, DAY)
    assert (regular.deposit, expedited.deposit, regular.initial_share.part) == (10_000_000, 50_000_000, 0)
    assert (regular.burns, regular.burns_initial) == ("vetoed", "")
    assert Fraction(regular.cancel_burn.part, regular.cancel_burn.whole) == Fraction(1, 2)
    assert (expedited.burns, expedited.burns_initial, expedited.cancel_burn) == ("vetoed", "", regular.cancel_burn)
    assert (regular.timelock, regular.turns_into, expedited.turns_into) == (0, "", "regular")


# OpenGov


def nearest(numerator: int, denominator: int) -> int:
    """A quotient to the nearest whole number, of two as near the lower one: FixedI64's const operations
    (substrate/primitives/arithmetic/src/fixed_point.rs, SignedRounding::NearestPrefLow)."""
    return -((denominator - 2 * numerator) // (2 * denominator))


def made_reciprocal(delay: int, period: int, level: int, floor: int, ceiling: int) -> tuple[int, int, int]:
    """What Curve::make_reciprocal finds (substrate/frame/referenda/src/types.rs): by halving the factor, the hyperbola
    through (0, ceiling) and (1, floor) whose value at ``delay`` is nearest to ``level``. All in billionths."""
    at, delta = nearest(delay * BILLION, period), ceiling - floor

    def through(factor: int) -> tuple[int, int, int]:
        square = nearest(delta * delta, BILLION) - nearest(4 * delta * -factor, BILLION)
        x_offset = nearest((isqrt(square * BILLION) - delta) * BILLION, 2 * delta)
        return factor, x_offset, floor - nearest(factor * BILLION, BILLION + x_offset)

    def value(curve: tuple[int, int, int]) -> int:
        factor, x_offset, y_offset = curve
        return min(BILLION, factor * BILLION // (at + x_offset) + y_offset) if at + x_offset else BILLION

    low, high, far_low, far_high = 0, BILLION, 2**63 - 1, 2**63 - 1
    while high - low > 1:
        factor = (low + high) // 2
        found = value(through(factor))
        if found > level:
            high, far_high = factor, found - level
        else:
            low, far_low = factor, level - found
    return through(low) if far_low < far_high else through(high)


@pytest.mark.parametrize(
    ("name", "rule", "made"),
    [
        ("root", "threshold", (4, 28, 80, 50, 100)),
        ("general_admin", "quorum", (7, 28, 10, 0, 50)),
        ("referendum_canceller", "quorum", (12, 28, 1, 0, 50)),
    ],
)
def test_opengov_hyperbolas_are_those_that_the_pallet_makes(name: str, rule: str, made: tuple[int, ...]) -> None:
    """polkadot-fellows/runtimes, relay/polkadot/src/governance/tracks.rs: APP_ROOT, SUP_GENERAL_ADMIN,
    SUP_REFERENDUM_CANCELLER, by make_reciprocal(delay, period, level, floor, ceiling)."""
    delay, period, *percents = made
    factor, x_offset, y_offset = made_reciprocal(delay, period, *(percent * BILLION // 100 for percent in percents))
    curve = getattr(track("opengov", name), rule).curve.value
    found = (curve.factor, curve.x_offset, -curve.y_offset if curve.sinks else curve.y_offset)
    assert found == (factor, x_offset, y_offset)


@pytest.mark.parametrize(
    ("name", "rule", "day", "of", "percent"),
    [
        ("root", "threshold", 0, 28, 100),
        ("root", "threshold", 4, 28, 80),
        ("root", "threshold", 28, 28, 50),
        ("root", "quorum", 0, 28, 50),
        ("root", "quorum", 14, 28, 25),
        ("root", "quorum", 28, 28, 0),
        ("general_admin", "quorum", 0, 28, 50),
        ("general_admin", "quorum", 7, 28, 10),
        ("referendum_canceller", "threshold", 17, 28, 50),
        ("referendum_canceller", "quorum", 12, 28, 1),
    ],
)
def test_opengov_curves_go_through_the_points_they_are_named_by(
    name: str, rule: str, day: int, of: int, percent: int
) -> None:
    """polkadot-fellows/runtimes, relay/polkadot/src/governance/tracks.rs: APP_* and SUP_*."""
    share = share_at(getattr(track("opengov", name), rule), Moment(day, of))
    assert abs(share.part - percent * BILLION // 100) < 20


def test_opengov_periods_limits_and_deposits() -> None:
    """polkadot-fellows/runtimes, relay/polkadot/src/governance/tracks.rs, TRACKS_DATA: max_deciding, decision_deposit,
    prepare_period, decision_period, confirm_period, min_enactment_period."""
    found = {
        name: (rules.limit, rules.deposit, rules.delay, rules.period, rules.confirm, rules.timelock)
        for name in ("root", "wish_for_change", "treasurer", "general_admin", "referendum_canceller")
        for rules in (track("opengov", name),)
    }
    assert found == {
        "root": (1, 100_000, 2 * HOUR, 28 * DAY, DAY, DAY),
        "wish_for_change": (10, 20_000, 2 * HOUR, 28 * DAY, DAY, 100),
        "treasurer": (10, 1_000, 2 * HOUR, 28 * DAY, 7 * DAY, DAY),
        "general_admin": (10, 5_000, 2 * HOUR, 28 * DAY, 3 * HOUR, 100),
        "referendum_canceller": (1_000, 10_000, 2 * HOUR, 7 * DAY, 3 * HOUR, 100),
    }
    assert all(track("opengov", name).early for name in found)


def test_opengov_takes_the_decision_deposit_in_time_and_keeps_the_other_of_what_fails() -> None:
    """relay/polkadot/src/governance/mod.rs: UndecidingTimeout of 14 days. referenda/src/lib.rs: refund_decision_deposit
    gives back whatever the end, refund_submission_deposit only where approved or cancelled."""
    for name in ("root", "wish_for_change", "treasurer", "general_admin", "referendum_canceller"):
        rules = track("opengov", name)
        assert rules.deposit_period == 14 * DAY
        assert (rules.burns.split(), rules.burns_initial.split()) == (["vetoed"], ["rejected", "unfunded"])
        assert Fraction(rules.initial_share.part, rules.initial_share.whole) == Fraction(1, 100)


@given(UNITS, UNITS, UNITS, UNITS, st.integers(0, 28 * DAY))
@example(1, 1, 0, 0, 28 * DAY)
@example(1, 0, 0, 3, 14 * DAY)
@example(1, 0, 1, 6, 14 * DAY)
@example(1, 3, 0, 0, 28 * DAY)
@example(2, 1, 0, 7, 14 * DAY)
def test_opengov_passes_where_the_pallet_says_so(yes: int, no: int, abstain: int, rest: int, elapsed: int) -> None:
    """substrate/frame/referenda/src/lib.rs, is_passing: support and approval, as Perbill rounded down, each at or
    above its curve; substrate/frame/conviction-voting/src/types.rs: support counts ayes and abstentions."""
    rules, power = track("opengov", "root"), yes + no + abstain + rest
    moment = Moment(elapsed, rules.period)
    approval = yes * BILLION // max(1, yes + no)
    support = (yes + abstain) * BILLION // max(1, power)
    wanted = (
        yes + no > 0
        and support >= share_at(rules.quorum, moment).part
        and approval >= share_at(rules.threshold, moment).part
    )
    assert (passes(rules, power, moment, yes=yes, no=no, abstain=abstain) is Move.PASSED) == wanted


# Tezos


@given(UNITS, UNITS, UNITS, UNITS, st.integers(0, 10_000))
@example(4, 1, 0, 0, 7_000)
@example(2, 1, 0, 0, 7_000)
@example(8, 0, 9, 3, 7_000)
def test_tezos_approves_as_amendment_ml_does(yay: int, nay: int, absent: int, given_pass: int, average: int) -> None:
    """lib_protocol/amendment.ml, approval_and_participation_ema: participation at or above the expected quorum, yay at
    or above 8 x (yay + nay) / 10; vote_storage.ml, get_current_quorum: 2000 + average x (7000 - 2000) / 10000."""
    power, cast = yay + nay + given_pass + absent, yay + nay
    if not power or not cast:
        return  # there nothing can be voted on, or only passes: those are the cases of the next test
    participation = (cast + given_pass) * 10_000 // power
    expected = 2_000 + average * (7_000 - 2_000) // 10_000
    wanted = participation >= expected and yay >= 8 * cast // 10
    moment = Moment(participation=average)
    found = passes(track("tezos", "exploration"), power, moment, yes=yay, no=nay, abstain=given_pass)
    assert (found is Move.PASSED) == wanted
    assert next_participation(average, cast + given_pass, power) == (8 * average + 2 * participation) // 10


def test_tezos_passes_alone_approve_nothing_here() -> None:
    """amendment.ml would approve: 0 yays are at or above 8/10 of no votes cast. Here a vote without a yes fails."""
    assert passes(track("tezos", "exploration"), 100, Moment(participation=0), abstain=100) is Move.REJECTED


def test_tezos_periods() -> None:
    """lib_parameters/default_parameters.ml: a period is 5 cycles of 16,384 blocks, then of 15 seconds. amendment.ml,
    start_new_voting_period: exploration, cooldown, promotion, adoption."""
    exploration, promotion = track("tezos", "exploration"), track("tezos", "promotion")
    blocks = {exploration.period, exploration.timelock, promotion.period, promotion.timelock}
    assert {6 * count for count in blocks} == {5 * 16_384 * 15}
    assert (exploration.then, promotion.then) == ("promotion", "")


def test_tezos_asks_for_power_to_propose_and_votes_on_one_at_a_time() -> None:
    """lib_parameters/default_parameters.ml: min_proposal_quorum 5_00, and no deposit. amendment.ml: one proposal is
    explored, and then promoted, at once."""
    for name in ("exploration", "promotion"):
        rules = track("tezos", name)
        assert (rules.power_floor.part * 20, rules.deposit, rules.limit) == (rules.power_floor.whole, 0, 1)


# Governor


@given(UNITS, UNITS, UNITS, UNITS)
@example(1, 1, 0, 0)
@example(1, 0, 0, 29)
@example(1, 0, 1, 28)
@example(4, 3, 0, 93)
def test_governor_succeeds_as_counting_simple_does(yes: int, no: int, abstain: int, rest: int) -> None:
    """governance/extensions/GovernorCountingSimple.sol: _quorumReached takes for + abstain at or above the quorum,
    _voteSucceeded for above against; GovernorVotesQuorumFraction.sol: quorum is supply x 4 / 100, rounded down."""
    power = yes + no + abstain + rest
    wanted = yes + abstain >= power * 4 // 100 and yes > no
    assert (passes(track("governor", "governor"), power, yes=yes, no=no, abstain=abstain) is Move.PASSED) == wanted


def test_governor_periods_and_threshold() -> None:
    """GovernorSettings.sol with the wizard's day and week; GovernorBravoDelegate.sol: 25,000 of 10,000,000 to propose,
    one live proposal a proposer; GovernorPreventLateQuorum.sol with a day; TimelockController.sol with two days."""
    rules = track("governor", "governor")
    assert (rules.delay, rules.period, rules.late, rules.timelock) == (DAY, 7 * DAY, DAY, 2 * DAY)
    assert Fraction(rules.power_floor.part, rules.power_floor.whole) == Fraction(25_000, 10_000_000)
    assert (rules.deposit, rules.late_on) == (0, "quorum")
    assert PRESETS["governor"].parameters == {"max_open_per_proposer": 1}
