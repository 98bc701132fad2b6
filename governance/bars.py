"""Bars: the share that a count has to reach, and how exactly; constant, falling while the vote goes on, or moving with
the turnout of votes before. Whole numbers only.

A falling bar is a function of x, the part of the voting period that has passed, in billionths rounded down; its value
is in billionths too. So it never rises, every node computes the same, and a count is compared with it exactly.

| curve | value at x |
|---|---|
| constant | part / whole |
| linear | from ``ceiling`` at 0 straight down to ``floor`` at ``length``, and flat from there |
| reciprocal | ``factor / (x + x_offset)`` plus (or minus) ``y_offset``, kept in 0 .. 1 |
| moving | ``least`` + participation x (``most`` - ``least``), in ten-thousandths rounded down |

The linear and reciprocal curves round as `Curve::threshold` of Polkadot's referenda pallet does
(substrate/frame/referenda/src/types.rs: Perbill and FixedI64, both of 10^-9), the moving one as `get_current_quorum`
of Tezos does (vote_storage.ml: centiles of a percent). Participation is the moving average that `next_participation`
makes; it is copied when a vote opens, like the electorate.
"""

from __future__ import annotations

from dataclasses import dataclass

from storage.record import Amount, Flag, Record, Text, Variant, case, field

BILLION = 10**9
TEN_THOUSAND = 10_000
AT_LEAST, ABOVE, FLOORED = ">=", ">", ">=floor"
TESTS = (AT_LEAST, ABOVE, FLOORED)
"""How a count is compared: at least the share; above it; or at least the share of the whole rounded down to a unit."""
PARTICIPATION_KEPT, PARTICIPATION_NEW, PARTICIPATION_PARTS = 8, 2, 10
"""Weights of the moving average of participation (Tezos, amendment.ml: approval_and_participation_ema)."""


class Ratio(Record):
    """``part / whole``, exact."""

    part: Amount = field(1, default=0)
    whole: Amount = field(2)


class Linear(Record):
    """A straight fall, then flat; all in billionths."""

    ceiling: Amount = field(1)
    floor: Amount = field(2, default=0)
    length: Amount = field(3)
    """The part of the period in which it falls, above 0."""


class Reciprocal(Record):
    """A hyperbola; all in billionths."""

    factor: Amount = field(1)
    x_offset: Amount = field(2)
    """Above 0."""
    y_offset: Amount = field(3, default=0)
    sinks: Flag = field(4, default=False)
    """Whether ``y_offset`` is taken off rather than added."""


class Moving(Record):
    """A share that follows participation; in ten-thousandths."""

    least: Amount = field(1)
    most: Amount = field(2)


class Curve(Variant):
    """The kinds of curve."""

    constant: Ratio = case(1)
    linear: Linear = case(2)
    reciprocal: Reciprocal = case(3)
    moving: Moving = case(4)


class Bar(Record):
    """What a count has to reach."""

    curve: Curve = field(1)
    test: Text = field(2)
    """One of TESTS."""

    @classmethod
    def constant(cls, part: int, whole: int, test: str = AT_LEAST) -> Bar:
        """A bar that stays."""
        return cls(curve=Curve.of(Ratio(part=part, whole=whole)), test=test)


@dataclass(frozen=True, slots=True)
class Moment:
    """When a count is judged: ``elapsed`` of ``period`` blocks have passed since voting opened."""

    elapsed: int = 1
    period: int = 1
    participation: int = 0
    """In ten-thousandths, as of the opening."""

    @property
    def x(self) -> int:
        """The part of the period that has passed, in billionths; 1 from its end on."""
        return min(self.elapsed, self.period) * BILLION // self.period


END = Moment()
"""The end of a vote on a track without a moving bar."""


def share_at(bar: Bar, moment: Moment) -> Ratio:
    """The share that ``bar`` stands at."""
    curve = bar.curve.value
    match curve:
        case Ratio():
            return curve
        case Linear():
            return Ratio(part=_linear(curve, moment.x), whole=BILLION)
        case Reciprocal():
            return Ratio(part=_reciprocal(curve, moment.x), whole=BILLION)
        case _:
            return Ratio(part=_moving(curve, moment.participation), whole=TEN_THOUSAND)


def clears(part: int, whole: int, bar: Bar, moment: Moment) -> bool:
    """Whether ``part`` of ``whole`` clears the bar, exactly."""
    share = share_at(bar, moment)
    if bar.test == ABOVE:
        return part * share.whole > whole * share.part
    if bar.test == FLOORED:
        return part >= whole * share.part // share.whole
    return reaches(part, whole, share)


def reaches(part: int, whole: int, share: Ratio) -> bool:
    """Whether ``part`` is at least ``share`` of ``whole``, exactly."""
    return part * share.whole >= whole * share.part


def next_participation(before: int, counted: int, power: int) -> int:
    """The moving average of participation after a vote in which ``counted`` of ``power`` voted."""
    this = counted * TEN_THOUSAND // power if power else 0
    return (PARTICIPATION_KEPT * before + PARTICIPATION_NEW * this) // PARTICIPATION_PARTS


def _linear(curve: Linear, x: int) -> int:
    fallen = min(x, curve.length) * BILLION // curve.length
    return curve.ceiling - fallen * (curve.ceiling - curve.floor) // BILLION


def _reciprocal(curve: Reciprocal, x: int) -> int:
    value = curve.factor * BILLION // (x + curve.x_offset)
    return max(0, min(BILLION, value - curve.y_offset if curve.sinks else value + curve.y_offset))


def _moving(curve: Moving, participation: int) -> int:
    return curve.least + participation * (curve.most - curve.least) // TEN_THOUSAND
