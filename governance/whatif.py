"""What if somebody voted otherwise, or the rules were others? The same count and the same judgment over a sketch.

A change of rules comes first: every vote is cut anew where the cut of one voter's power changes. Then each vote is cast
as if its voter sent it now, in the order given, with the code that counts votes on the chain (`casting.enter`): whoever
votes for the first time takes his part out of his validators. The close is judged by `judging.judge`, like any close.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from governance.ballots import Split, Vote, require_ballot
from governance.bars import TESTS
from governance.casting import enter
from governance.cutting import cut_anew
from governance.proposals import Proposal, Standing, rules_of
from governance.reading import Reader
from governance.ruletext import RuleUnreadable, read_value
from governance.sketch import Sketch
from governance.tables import VOTES
from governance.tracks import RULE, Kind, Track

COUNTING = ("quorum", "turnout", "threshold", "veto", "min_voters", "max_individual_power_percent")
"""Rules that a count depends on."""
_DECIMAL = re.compile(r"[0-9]{1,20}\.[0-9]{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SupposedVote:
    """A vote that somebody might cast."""

    voter: bytes
    option: str
    split: Split = ()


@dataclass(frozen=True, slots=True)
class Supposed:
    """An open vote under suppositions: its rows, its rules and its count."""

    rows: Sketch
    proposal: int
    what: Proposal
    standing: Standing


def suppose(
    reader: Reader,
    proposal: int,
    what: Proposal,
    standing: Standing,
    votes: Iterable[SupposedVote] = (),
    rules: Mapping[str, str] | None = None,
) -> Supposed:
    """An open vote with other votes and rules; nothing is written to ``reader``.

    Raises RuleUnreadable, HostRefused(unknown_option, bad_split, no_power).
    """
    rows = Sketch(reader)
    if rules:
        before = rules_of(what, standing)
        track, fallback = with_rules(what.track, rules), tuple(with_rules(one, rules) for one in what.fallback)
        what = what.but(track=track, fallback=fallback)
        after = rules_of(what, standing)
        if after.max_individual_power_percent != before.max_individual_power_percent:
            every = [key for key, _ in rows.scan(VOTES, (proposal,))]
            standing = standing.but(tally=cut_anew(rows, every, after, standing))
    for one in votes:
        require_ballot(one.option, one.split)
        key = (proposal, one.voter)
        vote = Vote(option=one.option, weight=0, height=standing.closes, split=one.split)
        _, tally = enter(rows, key, vote, rows.get(VOTES, key), what, standing)
        standing = standing.but(tally=tally)
    return Supposed(rows, proposal, what, standing)


def with_rules(track: Track, rules: Mapping[str, str]) -> Track:
    """A track with other rules, each within the bounds that a vote could set it in.

    Of a bar a share is enough, which keeps its test: ``1/2``, ``0.5``, ``>= 1/2``. Raises RuleUnreadable.
    """
    for name, text in rules.items():
        if name not in COUNTING:
            known = ", ".join(COUNTING)
            raise RuleUnreadable(name, f"it is no rule that a count depends on: take one of {known}")
        track = track.but(**{name: read_value(name, _text(track, name, text.strip()))})
    return track


def _text(track: Track, name: str, text: str) -> str:
    if RULE[name].kind is not Kind.BAR:
        return text
    test, space, share = text.partition(" ")
    if not space or test not in TESTS:
        test, share = getattr(track, name).test, text
    if _DECIMAL.fullmatch(share):
        exact = Fraction(share)
        share = f"{exact.numerator}/{exact.denominator}"
    return f"{test} {share}"
