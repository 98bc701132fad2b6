"""The table of tracks: how rules are written, what must fit together, and how a vote changes it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.bars import Bar, Ratio
from governance.fitting import POSTS, conflict_in
from governance.lifecycle import Status
from governance.presets.default import DEFAULT
from governance.proposals import (
    ROUTED_KINDS,
    Content,
    NewValue,
    ParameterChange,
    TreasurySpend,
)
from governance.ruletext import RuleUnreadable, resolve, value_text
from governance.tracks import RULES, ChangeTracks, RouteChange, TrackChange, TrackRow, latest_effect, said
from governance.tracktable import routes_of, rows_of
from storage.record import cases_of
from tests.governance.test_presets import DEFAULTS
from tests.governance.world import World, person

Make = Callable[..., World]
FIRST, SECOND = person(1), person(2)
SPEND = TreasurySpend(recipient=person(30), amount=7)


def read(name: str) -> Fraction:
    return DEFAULTS[name]


def change(name: str, **rules: str) -> ChangeTracks:
    return ChangeTracks(tracks=(TrackChange(name=name, row=TrackRow(**rules)),))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("period", "4"),
        ("period", "1000001"),
        ("period", "quorum_threshold"),
        ("period", "no_such_parameter"),
        ("period", "-5"),
        ("period", "x" * 121),
        ("delay", "0"),
        ("initial_share", "3/2"),
        ("initial_share", "1/0"),
        ("power_floor", "1/2"),
        ("quorum", "1/2"),
        ("quorum", ">= 8/10"),
        ("threshold", ">= 1/3"),
        ("threshold", ">= 19/20"),
        ("threshold", ">= linear 1 2"),
        ("threshold", ">= linear 500000000 600000000 1000"),
        ("threshold", ">= linear 1000000000 600000000 0"),
        ("threshold", ">= linear 1000000000 half 1000"),
        ("threshold", ">= reciprocal 0 1 600000000"),
        ("threshold", ">= reciprocal 10000000000000 1 1"),
        ("quorum", ">= moving 7000 2000"),
        ("quorum", ">= moving 2000 9000"),
        ("threshold", ">= moving 0 6000"),
        ("veto", ">= linear 1000000000 334000000 1000000000"),
        ("veto", "> moving 4000 5000"),
        ("implementation", ">= reciprocal 200000000 200000000 350000000"),
        ("turnout", "some"),
        ("urgent", "perhaps"),
        ("burns", "vetoed lost"),
    ],
)
def test_a_rule_that_means_nothing_or_lies_out_of_bounds_is_unreadable(rule: str, text: str) -> None:
    with pytest.raises(RuleUnreadable, match=rule):
        resolve("ordinary", TrackRow(**{rule: text}), read)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_a_value_is_written_as_reads_back_as_that_value(rule: object) -> None:
    track = resolve("ordinary", TrackRow(), read)
    text = value_text(track, rule.name)
    if rule.name == "late":
        text = f"{text}/{track.period}"
    assert resolve("ordinary", TrackRow(**{rule.name: text}), read) == track


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_bar_is_read_exactly(part: int, whole: int) -> None:
    share = Fraction(part, whole)
    row = TrackRow(quorum=f"> {part}/{whole}")
    if share > Fraction(7, 10):
        with pytest.raises(RuleUnreadable):
            resolve("ordinary", row, read)
    else:
        assert resolve("ordinary", row, read).quorum == Bar.constant(share.numerator, share.denominator, ">")


@given(st.text(max_size=30), st.sampled_from([rule.name for rule in RULES]))
def test_no_text_does_more_than_be_refused(text: str, rule: str) -> None:
    try:
        track = resolve("ordinary", TrackRow(**{rule: text}), read)
    except RuleUnreadable:
        return
    assert track.name == "ordinary"


def test_late_is_a_part_of_the_period_in_blocks() -> None:
    assert resolve("ordinary", TrackRow(period="100", late="1/12"), read).late == 8


def test_every_rule_of_a_row_is_in_the_table_and_every_kind_of_proposal_has_a_track() -> None:
    assert tuple(rule.name for rule in RULES) == TrackRow.__struct_fields__
    assert set(DEFAULT.routes) == set(ROUTED_KINDS)
    assert len(cases_of(Content)) == len(ROUTED_KINDS) + 1, "a batch has no track of its own"


BASE = DEFAULT.tracks


@pytest.mark.parametrize(
    ("rows", "routes", "parameters", "why"),
    [
        ({"ordinary": TrackRow(period="3")}, {}, {}, "track ordinary, period"),
        ({"emergency": BASE["emergency"].but(period="950")}, {}, {}, "rollback window"),
        ({"emergency": BASE["emergency"].but(confirm="700")}, {}, {}, "rollback window"),
        ({"emergency": BASE["emergency"].but(deposit="9")}, {}, {}, "waits for a deposit or a place"),
        ({"emergency": BASE["emergency"].but(limit="1")}, {}, {}, "waits for a deposit or a place"),
        ({}, {}, {"emergency_period": 940}, "rollback window"),
        ({}, {}, {"rollback_window": 380}, "rollback window"),
        ({}, {}, {"emergency_period": 930, "late_swing": Fraction(0)}, ""),
        ({"ordinary": TrackRow(max_individual_power_percent="20")}, {}, {}, "one large voter"),
        ({"emergency": BASE["emergency"].but(threshold=">= 6/10")}, {}, {}, "below that of ordinary"),
        ({"emergency": BASE["emergency"].but(threshold=">= 667/1000")}, {}, {}, "not above that of ordinary"),
        ({}, {}, {"approval_threshold": Fraction(3, 4)}, "not above that of ordinary"),
        ({"breaking": BASE["breaking"].but(quorum=">= 1/10")}, {}, {}, "below that of ordinary"),
        ({"ordinary": TrackRow(early="yes")}, {}, {}, "no confirm period"),
        ({"ordinary": TrackRow(turns_into="nowhere")}, {}, {}, "not there"),
        ({"ordinary": TrackRow(then="emergency")}, {}, {}, "both are ordinary"),
        ({"ordinary": TrackRow(turns_into="opinion")}, {}, {}, "not open longer"),
        ({"ordinary": TrackRow(turns_into="opinion", period="6", validator_delegations="left")}, {}, {}, "another way"),
        ({"emergency": BASE["emergency"].but(power_floor="0")}, {}, {}, "is urgent and asks for no power"),
        ({"ordinary": TrackRow(deposit="0")}, {}, {}, "neither a deposit nor power"),
        ({"no good": TrackRow()}, {}, {}, "letters, digits and _"),
        ({}, {"text": ()}, {}, "no track takes a text"),
        ({}, {"text": ("nowhere",)}, {}, "not there"),
        ({}, {"poem": ("ordinary",)}, {}, "no kind of proposal"),
        ({}, {"rollback": ("emergency", "ordinary")}, {}, "not urgent"),
        ({}, {"runtime_upgrade": ("upgrade",)}, {}, "may not take track breaking"),
        ({"ordinary": TrackRow(reviews="1")}, {"reviewers": ("ordinary", "upgrade")}, {}, "track of a guardian"),
        ({"ordinary": TrackRow(reviews="1")}, {"guardian": ("upgrade",)}, {}, "track of a reviewers"),
        ({"ordinary": TrackRow(reviews="1")}, dict.fromkeys(POSTS, ("ordinary", "opinion")), {}, ""),
    ],
)
def test_tracks_and_parameters_that_do_not_fit_together_are_told_why(
    rows: dict[str, TrackRow], routes: dict[str, tuple[str, ...]], parameters: dict[str, object], why: str
) -> None:
    values = {**DEFAULTS, **{name: Fraction(value) for name, value in parameters.items()}}
    found = conflict_in(values.__getitem__, {**BASE, **rows}, {**DEFAULT.routes, **routes}, ROUTED_KINDS)
    assert (why in found) if why else found == ""


def test_an_emergency_always_fits_its_window_with_its_extension_and_gates() -> None:
    row = BASE["emergency"].but(late="1/10", reviews="1", review_period="7", implementation=">= 1/2")
    track = resolve("emergency", row.but(implementation_period="9"), read)
    assert latest_effect(track) == 10 + 300 + 30 + 7 + 9 + 50


# changing the table by vote


def test_a_vote_changes_a_track_for_proposals_to_come_only(world: World) -> None:  # A7
    before = world.proposed(SECOND, SPEND)
    world.executed(world.proposed(FIRST, change("ordinary", threshold=">= 7/10", deposit="400")))
    assert world.what(before).track.threshold == Bar.constant(667, 1000)
    after = world.what(world.proposed(SECOND, SPEND)).track
    assert (after.threshold, after.deposit) == (Bar.constant(7, 10), 400)


def test_lowering_a_bar_does_not_revive_what_failed(world: World) -> None:  # A7
    failed = world.proposed(SECOND, SPEND)
    lowering = world.proposed(FIRST, change("ordinary", threshold=">= 51/100"))
    world.open(failed)
    for voter, option in zip(world.voters, ("yes", "yes", "no", "no"), strict=True):
        assert world.vote(voter, failed, option) == "ok"
        assert world.vote(voter, lowering, "yes") == "ok"
    world.run_to(world.standing(lowering).closes + 30)
    assert world.status(lowering) is Status.EXECUTED
    assert (world.status(failed), world.standing(failed).reason) == (Status.REJECTED, "below_threshold")


def test_a_new_track_and_its_route_come_together(world: World) -> None:
    small = TrackChange(name="small", row=TrackRow(period="5", deposit="10"))
    route = RouteChange(kind="treasury_spend", tracks=("ordinary", "small"))
    world.executed(world.proposed(FIRST, ChangeTracks(tracks=(small,), routes=(route,))))
    proposal = world.proposed(SECOND, SPEND, track="small", deposit=10)
    assert world.what(proposal).track.name == "small"
    assert said(rows_of(world.overlay)["small"]) == {"period": "5", "deposit": "10"}


def test_a_track_that_a_kind_still_takes_cannot_be_removed(world: World) -> None:
    gone = TrackChange(name="opinion", row=TrackRow(), remove=True)
    assert world.propose(FIRST, ChangeTracks(tracks=(gone,))) == "rules_conflict"
    route = RouteChange(kind="text", tracks=("ordinary",))
    world.executed(world.proposed(FIRST, ChangeTracks(tracks=(gone,), routes=(route,))))
    assert "opinion" not in rows_of(world.overlay)
    assert routes_of(world.overlay)["text"] == ("ordinary",)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (change("ordinary", burns_initial="unfunded"), "nothing_changes"),
        (change("ordinary", deposit="1001"), "deposit_unaffordable"),
        (change("ordinary", period="never"), "rules_conflict"),
        (change("emergency", period="990", urgent="yes", power_floor="1/100"), "rules_conflict"),
        (ChangeTracks(tracks=(TrackChange(name="none", row=TrackRow(), remove=True),)), "unknown_track"),
        (ParameterChange(values=(NewValue(name="emergency_period", number=990),)), "rules_conflict"),
    ],
)
def test_a_change_that_would_not_fit_is_refused_when_it_is_proposed(world: World, content: object, code: str) -> None:
    assert world.propose(FIRST, content) == code


def test_no_vote_asks_for_more_power_than_some_validator_is_sure_to_have(make_world: Make) -> None:
    world = make_world(powers=(10,) * 20)
    for content in (
        change("ordinary", power_floor="1/19"),
        change("another", power_floor="1/19"),
        ParameterChange(values=(NewValue(name="emergency_power_floor", number=1, per=19),)),
    ):
        assert world.propose(FIRST, content) == "floor_out_of_reach"
    world.executed(world.proposed(FIRST, change("ordinary", power_floor="1/20")))
    assert world.propose(SECOND, SPEND) == "ok"


def test_no_parameter_that_a_row_names_makes_its_deposit_dearer_than_proposals_may_be(world: World) -> None:
    world.track("ordinary", deposit="voting_period", initial_share="1")
    world.run_to(3)
    longer = ParameterChange(values=(NewValue(name="voting_period", number=1_001),))
    assert world.propose(FIRST, longer) == "deposit_unaffordable"


def test_two_changes_that_fit_alone_but_not_together_do_not_both_take_effect(world: World) -> None:
    longer = world.proposed(FIRST, ParameterChange(values=(NewValue(name="emergency_period", number=600),)))
    slower = world.proposed(SECOND, change("emergency", delay="500", urgent="yes", **urgent_rules()))
    world.open(longer)
    for voter in world.voters:
        assert world.vote(voter, longer, "yes") == world.vote(voter, slower, "yes") == "ok"
    world.run_to(world.standing(longer).closes + 12)
    assert world.status(longer) is Status.EXECUTED
    assert (world.status(slower), world.standing(slower).reason) == (Status.FAILED, "rules_conflict")


def urgent_rules() -> dict[str, str]:
    return {name: text for name, text in said(BASE["emergency"]).items() if name not in ("delay", "urgent")}


def test_a_ratio_of_a_share_is_kept_as_it_is_written() -> None:
    assert resolve("ordinary", TrackRow(initial_share="1/4"), read).initial_share == Ratio(part=1, whole=4)
