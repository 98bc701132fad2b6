"""Operators of bundle code: exact types, bounded results, a price for what grows.

The compiler puts a call of one of these in place of each operator. Small integers take the first branch and pay
nothing beyond the statement they stand in; texts, data, lists and tuples pay for their size. What Python would refuse
with a TypeError is refused here too; what it would answer beyond the bounds is ValueTooLarge.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from runtime.metering.faults import WRONG_VALUE, HostFault, ValueTooLarge
from runtime.metering.limits import INT_BITS, INT_LIMIT
from runtime.metering.meter import Meter
from runtime.metering.values import (
    check_size,
    pay_bytes,
    text_bytes,
    wrong_type,
)

_LEAST = -INT_LIMIT
SEQUENCES = frozenset({str, bytes, list, tuple})


def bounded(value: int) -> int:
    """The integer itself, or ValueTooLarge."""
    if _LEAST < value < INT_LIMIT:
        return value
    raise ValueTooLarge


def require_integers(left: Any, right: Any) -> None:
    """Booleans count as integers, as in Python; nothing else does."""
    for value in (left, right):
        if type(value) is not int and type(value) is not bool:
            raise wrong_type()


def add(meter: Meter, left: Any, right: Any) -> Any:
    """`left + right`, of integers or of two sequences of one kind."""
    if type(left) is int and type(right) is int:
        result = left + right
        if _LEAST < result < INT_LIMIT:
            return result
        raise ValueTooLarge
    if type(left) is type(right) and type(left) in SEQUENCES:
        return _join(meter, left, right)
    require_integers(left, right)
    return bounded(left + right)


def _join(meter: Meter, left: Any, right: Any) -> Any:
    check_size(len(left) + len(right))
    pay_sequence(meter, left)
    pay_sequence(meter, right)
    return left + right


def pay_sequence(meter: Meter, value: Any, times: int = 1) -> None:
    """Pay for copying a text, data, list or tuple `times` over."""
    if type(value) is str:
        pay_bytes(meter, text_bytes(value) * times)
    elif type(value) is bytes:
        pay_bytes(meter, len(value) * times)
    else:
        meter.pay(1 + len(value) * times)


def sub(meter: Meter, left: Any, right: Any) -> Any:
    if type(left) is int and type(right) is int:
        result = left - right
        if _LEAST < result < INT_LIMIT:
            return result
        raise ValueTooLarge
    require_integers(left, right)
    return bounded(left - right)


def mult(meter: Meter, left: Any, right: Any) -> Any:
    """`left * right`, of integers or of a sequence and an integer."""
    if type(left) is int and type(right) is int:
        result = left * right
        if _LEAST < result < INT_LIMIT:
            return result
        raise ValueTooLarge
    if type(left) in SEQUENCES:
        return _repeat(meter, left, right)
    if type(right) in SEQUENCES:
        return _repeat(meter, right, left)
    require_integers(left, right)
    return bounded(left * right)


def _repeat(meter: Meter, value: Any, times: Any) -> Any:
    require_integers(times, times)
    if times > 0:
        check_size(len(value) * times)
        pay_sequence(meter, value, times)
    return value * (times if times > 0 else 0)


def floordiv(meter: Meter, left: Any, right: Any) -> Any:
    """`left // right`, towards minus infinity."""
    if type(left) is not int or type(right) is not int:
        require_integers(left, right)
    return bounded(left // right)


def mod(meter: Meter, left: Any, right: Any) -> Any:
    """`left % right`, of the sign of ``right``."""
    if type(left) is not int or type(right) is not int:
        require_integers(left, right)
    return left % right


def power(meter: Meter, left: Any, right: Any) -> Any:
    """`left ** right`, of an exponent that is not negative and a result within bounds."""
    require_integers(left, right)
    if right < 0:
        raise HostFault(WRONG_VALUE)
    if right == 0 or left == 1:
        return 1
    if -1 <= left <= 0:
        return int(left) if right & 1 else -left
    if right > INT_BITS or (abs(left).bit_length() - 1) * right >= INT_BITS:
        raise ValueTooLarge
    return bounded(left**right)


def lshift(meter: Meter, left: Any, right: Any) -> Any:
    require_integers(left, right)
    if right < 0:
        raise HostFault(WRONG_VALUE)
    if left == 0:
        return 0
    if right > INT_BITS:
        raise ValueTooLarge
    return bounded(left << right)


def rshift(meter: Meter, left: Any, right: Any) -> Any:
    require_integers(left, right)
    if right < 0:
        raise HostFault(WRONG_VALUE)
    return left >> min(right, INT_BITS + 1)


def bitand(meter: Meter, left: Any, right: Any) -> Any:
    require_integers(left, right)
    return left & right


def bitor(meter: Meter, left: Any, right: Any) -> Any:
    require_integers(left, right)
    return bounded(left | right)


def bitxor(meter: Meter, left: Any, right: Any) -> Any:
    require_integers(left, right)
    return bounded(left ^ right)


def negate(meter: Meter, value: Any) -> Any:
    require_integers(value, value)
    return -value


def positive(meter: Meter, value: Any) -> Any:
    require_integers(value, value)
    return +value


def invert(meter: Meter, value: Any) -> Any:
    require_integers(value, value)
    return bounded(-1 - value)


def grow(meter: Meter, left: Any, right: Any) -> Any:
    """`left += right`: like `add`, but a list grows in place, as in Python."""
    if type(left) is list:
        if type(right) is not list:
            raise wrong_type()
        check_size(len(left) + len(right))
        meter.pay(1 + len(right))
        left += right
        return left
    return add(meter, left, right)


BINARY: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: add,
    ast.Sub: sub,
    ast.Mult: mult,
    ast.FloorDiv: floordiv,
    ast.Mod: mod,
    ast.Pow: power,
    ast.LShift: lshift,
    ast.RShift: rshift,
    ast.BitAnd: bitand,
    ast.BitOr: bitor,
    ast.BitXor: bitxor,
}
UNARY: dict[type[ast.unaryop], Callable[..., Any]] = {ast.USub: negate, ast.UAdd: positive, ast.Invert: invert}
