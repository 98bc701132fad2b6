"""How a track's rules are written, and read.

| kind of rule | texts |
|---|---|
| amount | ``14400``, ``voting_period`` |
| share | ``1/4``, ``0``, ``late_swing`` |
| bar | a test and a share or a curve: ``>= 1/2``, ``> quorum_threshold``, ``>= linear CEILING FLOOR LENGTH`` |
| word | one of those that the rule knows |
| name | another track, or nothing |
| ends | ends of a proposal's life, such as ``vetoed unfunded`` |

A bar's tests are ``>=`` (at least), ``>`` (above) and ``>=floor`` (at least the share rounded down to a unit). Its
other curves are ``reciprocal FACTOR X_OFFSET Y_OFFSET`` and ``moving LEAST MOST``; `governance.bars` says what the
numbers mean.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from governance.bars import (
    BILLION,
    TEN_THOUSAND,
    TESTS,
    Bar,
    Curve,
    Linear,
    Moving,
    Ratio,
    Reciprocal,
)
from governance.tracks import ENDS, FALLING, MOVING, NO, RULE, RULES, YES, Kind, Rule, Track, TrackRow
from storage.record import Record

Read = Callable[[str], Fraction]
"""A parameter's value by name, raising KeyError for none of that name; plain integers come as whole fractions."""
LONGEST_RULE = 120
ANY_BAR = Rule("bar", Kind.BAR, "", Fraction(0), Fraction(1), "a bar by itself", (*FALLING, MOVING))
NO_PARAMETERS: dict[str, Fraction] = {}


class RuleUnreadable(Exception):
    """A rule's text means nothing, or a value beyond the rule's bounds; ``why`` says which."""

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(f"{rule}: {why}")
        self.rule = rule
        self.why = why


def text_of(row: TrackRow, rule: str) -> str:
    """What a row says for a rule, the usual text where it says nothing."""
    said: str = getattr(row, rule)
    return said or RULE[rule].usual


def resolve(name: str, row: TrackRow, read: Read) -> Track:
    """A row's values under the parameters that ``read`` gives; raises RuleUnreadable for the first that has none."""
    values: dict[str, Any] = {rule.name: value_of(row, rule.name, read) for rule in RULES}
    late: Ratio = values["late"]
    values["late"] = values["period"] * late.part // late.whole
    return Track(name=name, **values)


def value_of(row: TrackRow, rule: str, read: Read) -> Any:
    """What a row says for one rule under the parameters that ``read`` gives; raises RuleUnreadable."""
    return _value(RULE[rule], text_of(row, rule), read)


def read_value(rule: str, text: str) -> Any:
    """The value of one of RULES from a text with no parameter's name in it; raises RuleUnreadable."""
    return _value(RULE[rule], text, NO_PARAMETERS.__getitem__)


def value_text(track: Track, rule: str) -> str:
    """A rule's value as a row would write it with no parameter's name in it; late is in blocks there."""
    value = getattr(track, rule)
    match value:
        case Bar():
            return f"{value.test} {_curve_text(value.curve.value)}"
        case Ratio():
            return f"{value.part}/{value.whole}"
        case bool():
            return YES if value else NO
        case _:
            return str(value)


def read_bar(text: str) -> Bar:
    """The bar that `value_text` wrote; raises RuleUnreadable for anything else."""
    return _bar_of(ANY_BAR, text, NO_PARAMETERS.__getitem__)


def _curve_text(curve: Record) -> str:
    match curve:
        case Linear():
            return f"linear {curve.ceiling} {curve.floor} {curve.length}"
        case Reciprocal():
            return f"reciprocal {curve.factor} {curve.x_offset} {'-' if curve.sinks else ''}{curve.y_offset}"
        case Moving():
            return f"moving {curve.least} {curve.most}"
        case Ratio():
            return f"{curve.part}/{curve.whole}"
        case _:
            raise AssertionError("a curve is one of four kinds")


def _value(rule: Rule, text: str, read: Read) -> Any:
    if len(text) > LONGEST_RULE:
        raise RuleUnreadable(rule.name, f"a rule has at most {LONGEST_RULE} characters")
    match rule.kind:
        case Kind.AMOUNT:
            return _bounded(rule, _number(rule, text, read))
        case Kind.SHARE:
            return _ratio(_bounded(rule, _fraction(rule, text, read)))
        case Kind.BAR:
            return _bar_of(rule, text, read)
        case Kind.WORD:
            return _word_of(rule, text)
        case Kind.NAME:
            return text
        case Kind.ENDS:
            return _ends(rule, text)


def _bounded(rule: Rule, value: Any) -> Any:
    if not rule.least <= value <= rule.most:
        raise RuleUnreadable(rule.name, f"it must lie in {rule.least} .. {rule.most}, not {value}")
    return value


def _number(rule: Rule, text: str, read: Read) -> int:
    value = Fraction(int(text)) if _is_number(text) else _parameter(rule, text, read)
    if value.denominator != 1:
        raise RuleUnreadable(rule.name, f"it takes a whole number, {text} is {value}")
    return value.numerator


def _fraction(rule: Rule, text: str, read: Read) -> Fraction:
    part, stroke, whole = text.partition("/")
    if stroke and _is_number(part) and _is_number(whole) and int(whole):
        return Fraction(int(part), int(whole))
    return Fraction(int(text)) if _is_number(text) else _parameter(rule, text, read)


def _parameter(rule: Rule, name: str, read: Read) -> Fraction:
    try:
        if _is_name(name):
            return read(name)
    except KeyError:
        pass
    raise RuleUnreadable(rule.name, f"{name!r} is neither a value nor a parameter's name")


def _bar_of(rule: Rule, text: str, read: Read) -> Bar:
    test, _, rest = text.partition(" ")
    if test not in TESTS:
        raise RuleUnreadable(rule.name, f"it begins with one of {', '.join(TESTS)}")
    kind, *numbers = rest.split(" ")
    if kind not in CURVES:
        share = _bounded(rule, _fraction(rule, rest, read))
        return Bar(curve=Curve.of(_ratio(share)), test=test)
    if kind not in rule.words:
        raise RuleUnreadable(rule.name, f"it does not follow a curve that is {kind}")
    if not all(map(_is_number, (number.removeprefix("-") for number in numbers))):
        raise RuleUnreadable(rule.name, f"{kind} takes whole numbers")
    curve, end = CURVES[kind](rule, [int(number) for number in numbers])
    _bounded(rule, end)
    return Bar(curve=Curve.of(curve), test=test)


def _linear(rule: Rule, numbers: list[int]) -> tuple[Record, Fraction]:
    _well_formed(rule, len(numbers) == 3 and BILLION >= numbers[0] >= numbers[1] >= 0 < numbers[2] <= BILLION)
    ceiling, floor, length = numbers
    return Linear(ceiling=ceiling, floor=floor, length=length), Fraction(floor, BILLION)


def _reciprocal(rule: Rule, numbers: list[int]) -> tuple[Record, Fraction]:
    in_size = len(numbers) == 3 and max(map(abs, numbers)) <= 1_000 * BILLION
    _well_formed(rule, in_size and numbers[0] > 0 and numbers[1] > 0)
    factor, x_offset, y_offset = numbers
    curve = Reciprocal(factor=factor, x_offset=x_offset, y_offset=abs(y_offset), sinks=y_offset < 0)
    end = max(0, min(BILLION, factor * BILLION // (BILLION + x_offset) + y_offset))
    return curve, Fraction(end, BILLION)


def _moving(rule: Rule, numbers: list[int]) -> tuple[Record, Fraction]:
    _well_formed(rule, len(numbers) == 2 and 0 <= numbers[0] <= numbers[1] <= TEN_THOUSAND)
    return Moving(least=numbers[0], most=numbers[1]), Fraction(numbers[1], TEN_THOUSAND)


CURVES: dict[str, Callable[[Rule, list[int]], tuple[Record, Fraction]]] = {
    "linear": _linear,
    "reciprocal": _reciprocal,
    "moving": _moving,
}
"""Each kind of curve from its numbers, with the highest share that it can stand at when the period ends."""


def _well_formed(rule: Rule, holds: bool) -> None:
    if not holds:
        raise RuleUnreadable(rule.name, "these numbers make no falling curve from 1 to 0: see governance.bars")


def _word_of(rule: Rule, text: str) -> Any:
    if text not in rule.words:
        raise RuleUnreadable(rule.name, f"it is one of {', '.join(rule.words)}")
    return text == YES if rule.words == (NO, YES) else text


def _ends(rule: Rule, text: str) -> str:
    for end in text.split():
        if end not in ENDS:
            raise RuleUnreadable(rule.name, f"{end!r} is none of {', '.join(ENDS)}")
    return text


def _ratio(share: Fraction) -> Ratio:
    return Ratio(part=share.numerator, whole=share.denominator)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 40


def _is_name(text: str) -> bool:
    return text[:1].isalpha() and text.replace("_", "a").isalnum() and text.isascii()
