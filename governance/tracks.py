"""Tracks: the rules a proposal is decided by, as rows of one table on chain.

A row (`TrackRow`) is text, the same in a preset, in the genesis document, on chain, in a proposal to change it and on
the screen: for each rule of RULES either a constant or the name of the chain parameter that holds its value. So the
settings that operators know (`voting_period`, `quorum_threshold`, ...) and votes on parameters reach every track that
names them, and a track that is to differ says a number. A rule that a row leaves empty has its usual text.

`governance.ruletext` says how a text is read; it makes a row into a `Track`: values, each within its bounds. A proposal
copies its track when it is submitted and keeps it to its end, so no proposal can change the rules of its own vote, and
lowering a bar revives nothing. What rows must satisfy together stands in `governance.fitting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from governance.bars import Bar, Ratio
from storage.record import Amount, Flag, Record, Text, field


class Track(Record):
    """The rules of one proposal, fixed when it was submitted. Periods are in blocks, deposits in units."""

    name: Text = field(1)
    delay: Amount = field(2)
    period: Amount = field(3)
    confirm: Amount = field(4, default=0)
    timelock: Amount = field(5)
    grace: Amount = field(6)
    deposit: Amount = field(7)
    deposit_growth_percent: Amount = field(8, default=0)
    initial_share: Ratio = field(9)
    deposit_period: Amount = field(10)
    quorum: Bar = field(11)
    turnout: Text = field(12)
    threshold: Bar = field(13)
    veto: Bar = field(14)
    min_voters: Amount = field(15)
    max_individual_power_percent: Amount = field(16)
    power_floor: Ratio = field(17)
    urgent: Flag = field(18, default=False)
    limit: Amount = field(19, default=0)
    cooldown: Amount = field(20, default=0)
    early: Flag = field(21, default=False)
    late: Amount = field(22, default=0)
    """Blocks at the end of the period, from the row's share of it."""
    late_on: Text = field(23)
    turns_into: Text = field(24, default="")
    then: Text = field(25, default="")
    burns: Text = field(26, default="")
    burns_initial: Text = field(27, default="")
    cancel_burn: Ratio = field(28)
    reviews: Amount = field(29, default=0)
    review_period: Amount = field(30, default=0)
    implementation: Bar = field(31)
    implementation_period: Amount = field(32, default=0)
    validator_delegations: Text = field(33)


class TrackRow(Record):
    """A track as text, by rule; see RULES for what each means and what an empty text stands for."""

    delay: Text = field(1, default="")
    period: Text = field(2, default="")
    confirm: Text = field(3, default="")
    timelock: Text = field(4, default="")
    grace: Text = field(5, default="")
    deposit: Text = field(6, default="")
    deposit_growth_percent: Text = field(7, default="")
    initial_share: Text = field(8, default="")
    deposit_period: Text = field(9, default="")
    quorum: Text = field(10, default="")
    turnout: Text = field(11, default="")
    threshold: Text = field(12, default="")
    veto: Text = field(13, default="")
    min_voters: Text = field(14, default="")
    max_individual_power_percent: Text = field(15, default="")
    power_floor: Text = field(16, default="")
    urgent: Text = field(17, default="")
    limit: Text = field(18, default="")
    cooldown: Text = field(19, default="")
    early: Text = field(20, default="")
    late: Text = field(21, default="")
    late_on: Text = field(22, default="")
    turns_into: Text = field(23, default="")
    then: Text = field(24, default="")
    burns: Text = field(25, default="")
    burns_initial: Text = field(26, default="")
    cancel_burn: Text = field(27, default="")
    reviews: Text = field(28, default="")
    review_period: Text = field(29, default="")
    implementation: Text = field(30, default="")
    implementation_period: Text = field(31, default="")
    validator_delegations: Text = field(32, default="")


class TrackChange(Record):
    """A track's row put in place of the one of that name, or taken away."""

    name: Text = field(1)
    row: TrackRow = field(2)
    remove: Flag = field(3, default=False)


class RouteChange(Record):
    """The tracks that a kind of proposal may take from now on."""

    kind: Text = field(1)
    tracks: tuple[Text, ...] = field(2)


class ChangeTracks(Record):
    """Change the rules that proposals to come are decided by."""

    tracks: tuple[TrackChange, ...] = field(1, default=())
    routes: tuple[RouteChange, ...] = field(2, default=())


class Kind(StrEnum):
    """How a rule's text is read."""

    AMOUNT = "amount"
    SHARE = "share"
    BAR = "bar"
    WORD = "word"
    NAME = "name"
    ENDS = "ends"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a track: how its text is read, what an empty one stands for, and the bounds of its value.

    The bounds of a bar hold where it ends, at the end of the period: it may begin higher. ``words`` are a word's own,
    and the curves that a bar may follow. Only the quorum moves with the turnout of votes before; a veto and an approval
    by voters stay: a count that passes goes on passing unless a vote changes it, so that time alone never vetoes."""

    name: str
    kind: Kind
    usual: str
    least: int | Fraction
    most: int | Fraction
    meaning: str
    words: tuple[str, ...] = ()


ALL_VOTES, YES_AND_ABSTAIN = "all", "yes_and_abstain"
ON_SWING, ON_QUORUM = "swing", "quorum"
VOTED, LEFT = "voted", "left"
NO, YES = "no", "yes"
ENDS = (
    "vetoed", "rejected", "no_quorum", "too_few_voters", "unfunded", "withdrawn", "called_off", "refused", "timed_out",
    "overtaken",
)  # fmt: skip
"""Ends that can burn a deposit: moves of `governance.lifecycle`, and two reasons of a rejection."""
FALLING, MOVING = ("linear", "reciprocal"), "moving"
"""Curves of a bar."""
NO_VETO = "> 1/1"
"""A veto's bar that nothing clears."""


HALF_ROUNDED = Fraction(499_999_990, 10**9)
"""Half, less what a hyperbola's rounding may take off."""


def _amount(name: str, usual: str, least: int, most: int, meaning: str) -> Rule:
    return Rule(name, Kind.AMOUNT, usual, least, most, meaning)


def _share(name: str, usual: str, most: Fraction, meaning: str) -> Rule:
    return Rule(name, Kind.SHARE, usual, Fraction(0), most, meaning)


def _bar(name: str, usual: str, least: Fraction, most: Fraction, meaning: str, curves: tuple[str, ...] = ()) -> Rule:
    return Rule(name, Kind.BAR, usual, least, most, meaning, curves)


def _word(name: str, words: tuple[str, ...], meaning: str) -> Rule:
    return Rule(name, Kind.WORD, words[0], 0, 0, meaning, words)


def _other(name: str, kind: Kind, usual: str, meaning: str) -> Rule:
    return Rule(name, kind, usual, 0, 0, meaning)


RULES: tuple[Rule, ...] = (
    _amount("delay", "voting_delay", 1, 1_000_000, "blocks between a full deposit and the first vote"),
    _amount("period", "voting_period", 5, 1_000_000, "blocks in which votes count"),
    _amount("confirm", "0", 0, 1_000_000, "blocks that a passing vote must go on passing; votes still count"),
    _amount("timelock", "timelock_delay", 0, 10_000_000, "blocks between approval and effect"),
    _amount("grace", "grace_period", 1, 1_000_000, "blocks in which an act that cannot happen is tried again"),
    _amount("deposit", "min_deposit", 0, 10**30, "units to gather before voting; 0 asks for none"),
    _amount("deposit_growth_percent", "0", 0, 100, "more deposit for each proposal open on the track, in percent"),
    _share("initial_share", "1/4", Fraction(1), "part of the deposit that comes with the proposal"),
    _amount("deposit_period", "deposit_period", 5, 1_000_000, "blocks in which a draft may gather its deposit"),
    _bar("quorum", ">= quorum_threshold", Fraction(0), Fraction(7, 10), "turnout, of all power", (*FALLING, MOVING)),
    _word("turnout", (ALL_VOTES, YES_AND_ABSTAIN), "votes that count for the quorum"),
    _bar("threshold", ">= approval_threshold", HALF_ROUNDED, Fraction(9, 10), "yes, of yes + no + veto", FALLING),
    _bar("veto", ">= veto_threshold", Fraction(1, 4), Fraction(1), "veto, of all votes, that vetoes"),
    _amount("min_voters", "min_voters", 0, 1_000, "least voters; never more than the electorate has"),
    _amount("max_individual_power_percent", "max_individual_power_percent", 1, 100, "most of all power a voter has"),
    _share("power_floor", "0", Fraction(1, 10), "part of all power that a proposer must hold"),
    _word("urgent", (NO, YES), "moves are never put off for others; one open proposal a proposer"),
    _amount("limit", "0", 0, 10_000, "proposals in voting at once, others wait in order; 0 for any number"),
    _amount("cooldown", "resubmission_cooldown", 0, 1_000_000, "blocks before a failed content may be proposed again"),
    _word("early", (NO, YES), "a vote that passes goes on to its confirm period before the period is over"),
    _share("late", "late_swing", Fraction(1), "last part of the period, in which a swing extends it once"),
    _word("late_on", (ON_SWING, ON_QUORUM), "what extends it: another outcome, or the quorum reached"),
    _other("turns_into", Kind.NAME, "", "the track whose rules go on where this one's vote fails"),
    _other("then", Kind.NAME, "", "the track on which an approved content is voted on once more"),
    _other("burns", Kind.ENDS, "vetoed", "ends that burn the whole deposit"),
    _other("burns_initial", Kind.ENDS, "", "ends that burn the proposer's initial deposit"),
    _share("cancel_burn", "0", Fraction(1), "part of the deposit that a withdrawal burns"),
    _amount("reviews", "0", 0, 100, "reviewers who must approve what was voted for; 0 for no review"),
    _amount("review_period", "review_period", 1, 1_000_000, "blocks that reviewers have"),
    _bar("implementation", ">= 0/1", Fraction(0), Fraction(9, 10), "yes power that must approve the reviewed bundle"),
    _amount("implementation_period", "review_period", 1, 1_000_000, "blocks that these voters have"),
    _word("validator_delegations", (VOTED, LEFT), "what a voting validator has with others: voted by it, or left"),
)
RULE = {rule.name: rule for rule in RULES}


def said(row: TrackRow) -> dict[str, str]:
    """The rules that a row does not leave to their usual text."""
    return {rule.name: getattr(row, rule.name) for rule in RULES if getattr(row, rule.name)}


def earliest_effect(track: Track, submitted: int) -> int:
    """The first height at which a proposal submitted at ``submitted`` with its whole deposit can take effect."""
    voting = 0 if track.early else track.period
    return submitted + track.delay + max(1, voting + track.confirm) + max(1, track.timelock)


def latest_effect(track: Track) -> int:
    """The most blocks that it can take from a full deposit to the effect, gates included."""
    gates = (track.review_period if track.reviews else 0) + (track.implementation_period if _has_gate(track) else 0)
    return track.delay + track.period + track.late + track.confirm + gates + max(1, track.timelock)


def _has_gate(track: Track) -> bool:
    share = track.implementation.curve.value
    return not isinstance(share, Ratio) or share.part > 0
