"""A track's rules as an usher reads them: the text of its row, and what a count comes to by it, in plain fractions.

Plain Python of its own; it knows nothing of the project. It takes the texts that stand in a row, all of them given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from math import ceil, floor

Texts = Mapping[str, str]
Counts = Mapping[str, int]
BILLION, TEN_THOUSAND = 10**9, 10**4


@dataclass(frozen=True)
class Bar:
    """A test, and a share that stays, falls with the part of the period that has passed, or moves with turnouts."""

    test: str
    curve: str
    numbers: tuple[int, ...]
    share: Fraction

    def stands(self, passed: Fraction, participation: int) -> Fraction:
        match self.curve, self.numbers:
            case "linear", (ceiling, end, length):
                fallen = min(Fraction(1), passed * BILLION / length)
                return (ceiling - fallen * (ceiling - end)) / BILLION
            case "reciprocal", (factor, offset, more):
                value = floor(factor / (passed + Fraction(offset, BILLION))) + more
                return Fraction(max(0, min(BILLION, value)), BILLION)
            case "moving", (least, most):
                return Fraction(least + floor(Fraction(participation, TEN_THOUSAND) * (most - least)), TEN_THOUSAND)
        return self.share

    def is_cleared(self, part: int, whole: int, passed: Fraction = Fraction(1), participation: int = 0) -> bool:
        asked = self.stands(passed, participation) * whole
        if self.test == ">":
            return part > asked
        return part >= (floor(asked) if self.test == ">=floor" else asked)


@cache
def bar_of(text: str) -> Bar:
    test, *words = text.split()
    if len(words) == 1:
        return Bar(test, "", (), Fraction(words[0]))
    return Bar(test, words[0], tuple(map(int, words[1:])), Fraction(0))


def fits(texts: Texts) -> bool:
    """Whether a vote may make these the rules of a track: no threshold ends below a half, nor beyond nine tenths."""
    return Fraction(1, 2) <= bar_of(texts["threshold"]).stands(Fraction(1), 0) <= Fraction(9, 10)


@dataclass(frozen=True)
class Rules:
    """The rules of one track, as they stood on some day."""

    track: str
    texts: Texts
    whole: int
    """Units of deposit that it asked for on that day."""

    def blocks(self, rule: str) -> int:
        return int(self.texts[rule])

    def share(self, rule: str) -> Fraction:
        return Fraction(self.texts[rule])

    def says(self, rule: str) -> bool:
        return self.texts[rule] == "yes"

    def ends(self, rule: str) -> set[str]:
        return set(self.texts[rule].split())

    def bar(self, rule: str) -> Bar:
        return bar_of(self.texts[rule])

    @cached_property
    def late(self) -> int:
        """Blocks at the end of the period in which a vote may extend it."""
        return floor(self.share("late") * self.blocks("period"))

    @cached_property
    def initial(self) -> int:
        """Units that come with a proposal at least."""
        return ceil(self.share("initial_share") * self.whole)

    @property
    def moves(self) -> bool:
        """Whether its quorum follows the turnout of votes before."""
        return self.bar("quorum").curve == "moving"

    def turnout(self, counts: Counts) -> int:
        heard = ("yes", "abstain") if self.texts["turnout"] == "yes_and_abstain" else tuple(counts)
        return sum(counts[option] for option in heard)

    def is_quorate(self, counts: Counts, power: int, at: tuple[Fraction, int]) -> bool:
        return self.bar("quorum").is_cleared(self.turnout(counts), power, *at)

    def is_vetoed(self, counts: Counts) -> bool:
        return counts["veto"] > 0 and self.bar("veto").is_cleared(counts["veto"], sum(counts.values()))

    def outcome(
        self, counts: Counts, cast: int, electorate: Counts | Mapping[bytes, int], at: tuple[Fraction, int]
    ) -> str:
        """``passed``, or why it does not pass; ``at`` is the part of the period that is over, and participation."""
        decided = counts["yes"] + counts["no"] + counts["veto"]
        if cast < max(1, min(self.blocks("min_voters"), sum(1 for power in electorate.values() if power))):
            return "too_few_voters"
        if not self.is_quorate(counts, sum(electorate.values()), at):
            return "no_quorum"
        if self.is_vetoed(counts):
            return "vetoed"
        if not decided:
            return "only_abstentions"
        return "passed" if self.bar("threshold").is_cleared(counts["yes"], decided, *at) else "below_threshold"
