"""Comparisons and membership in bundle code: paid by what they may have to look at.

Texts, data, lists and tuples compare with their own kind, booleans with integers; other pairs are unequal and have no
order. What is no value of a bundle (a table, the context) cannot be compared at all.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from runtime.metering.meter import Meter
from runtime.metering.operators import SEQUENCES, require_integers
from runtime.metering.values import NUMBERS, SCALARS, check_key, pay_bytes, weigh, wrong_type
from storage.record import Record


def equal(meter: Meter, left: Any, right: Any) -> bool:
    """`left == right`, paid for by what is compared; raises a fault for values that bundles cannot compare."""
    kind = type(left)
    if kind is int and type(right) is int:
        return bool(left == right)
    if kind is type(right):
        if kind is bytes or kind is str:
            if len(left) != len(right):
                return False
            meter.pay(len(left) >> 6)
            return bool(left == right)
        return _equal_alike(meter, left, right)
    return _equal_unlike(left, right)


def _equal_alike(meter: Meter, left: Any, right: Any) -> bool:
    if type(left) in (list, tuple, dict) and len(left) != len(right):
        return False
    weigh(meter, left)
    if isinstance(left, Record) or type(left) in SCALARS:
        return bool(left == right)
    weigh(meter, right)
    return bool(left == right)


def _equal_unlike(left: Any, right: Any) -> bool:
    """Values of two types: only booleans and integers can be equal; what is no value cannot be compared."""
    for value in (left, right):
        if type(value) not in SCALARS and type(value) not in (list, tuple, dict) and not isinstance(value, Record):
            raise wrong_type()
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return bool(left == right)
    return False


def unequal(meter: Meter, left: Any, right: Any) -> bool:
    return not equal(meter, left, right)


def less(meter: Meter, left: Any, right: Any) -> Any:
    if type(left) is not int or type(right) is not int:
        _comparable(meter, left, right)
    return left < right


def less_or_equal(meter: Meter, left: Any, right: Any) -> Any:
    if type(left) is not int or type(right) is not int:
        _comparable(meter, left, right)
    return left <= right


def greater(meter: Meter, left: Any, right: Any) -> Any:
    if type(left) is not int or type(right) is not int:
        _comparable(meter, left, right)
    return left > right


def greater_or_equal(meter: Meter, left: Any, right: Any) -> Any:
    if type(left) is not int or type(right) is not int:
        _comparable(meter, left, right)
    return left >= right


def _comparable(meter: Meter, left: Any, right: Any) -> None:
    """Texts, data, lists and tuples have an order among their own; booleans count as integers."""
    if type(left) is type(right) and type(left) in SEQUENCES:
        weigh(meter, left)
        weigh(meter, right)
    else:
        require_integers(left, right)


def contains(meter: Meter, left: Any, right: Any) -> bool:
    """`left in right`."""
    kind = type(right)
    if kind is dict:
        check_key(meter, right, left)
        return left in right
    if kind is list or kind is tuple:
        return _among(meter, left, right)
    if kind is str or kind is bytes:
        pay_search(meter, right, left)
        return left in right
    if kind is range:
        require_integers(left, left)
        return left in right
    raise wrong_type()


def _among(meter: Meter, value: Any, items: Any) -> bool:
    """One walk through the items, each compared with the value: never more than the value's own size an item."""
    before = meter.steps_left
    weigh(meter, value)
    meter.pay((before - meter.steps_left) * len(items))
    return value in items


def pay_search(meter: Meter, text: Any, part: Any) -> None:
    """Pay for looking for `part` in a text or in data of the same type; its worst case is their product."""
    if type(text) is not type(part) or type(text) not in (str, bytes):
        raise wrong_type()
    pay_bytes(meter, len(text) * min(len(part), 64))


def not_contains(meter: Meter, left: Any, right: Any) -> bool:
    return not contains(meter, left, right)


COMPARE: dict[type[ast.cmpop], Callable[..., Any]] = {
    ast.Eq: equal,
    ast.NotEq: unequal,
    ast.Lt: less,
    ast.LtE: less_or_equal,
    ast.Gt: greater,
    ast.GtE: greater_or_equal,
    ast.In: contains,
    ast.NotIn: not_contains,
}
