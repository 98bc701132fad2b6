"""The builtin functions of bundle code: what they take is bounded, what they do is paid before it is done.

Nothing lazy is ever handed out: `enumerate`, `zip` and `reversed` give lists, a generator expression as an argument
is evaluated to a list first. `str` and `int` convert integers and decimal ASCII digits only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from runtime.metering.containers import dict_of, tuple_of, walk
from runtime.metering.faults import WRONG_VALUE, HostFault, ValueTooLarge
from runtime.metering.limits import INT_DIGITS, MAX_RANGE
from runtime.metering.meter import Meter
from runtime.metering.operators import bounded
from runtime.metering.values import NUMBERS, check_size, pay_bytes, weigh, wrong_type
from storage.record import Record

_DECIMAL = re.compile(r"-?[0-9]+", re.ASCII)
_SIZED = frozenset({str, bytes, list, tuple, dict, range})
_MISSING = object()


def length(meter: Meter, value: Any) -> int:
    if type(value) in _SIZED:
        return len(value)
    raise wrong_type()


def absolute(meter: Meter, value: Any) -> Any:
    _number(value)
    return abs(value)


def text_of(meter: Meter, value: Any = "") -> str:
    """`str`: of an integer, a boolean or a text."""
    if type(value) is str:
        return value
    if type(value) is not int and type(value) is not bool:
        raise wrong_type()
    meter.pay(2)
    return str(value)


def integer_of(meter: Meter, value: Any = 0) -> int:
    """`int`: of an integer, a boolean, or a text of decimal digits."""
    if type(value) is int or type(value) is bool:
        return int(value)
    if type(value) is not str:
        raise wrong_type()
    if len(value) > INT_DIGITS + 1:
        raise ValueTooLarge
    meter.pay(2)
    if not _DECIMAL.fullmatch(value):
        raise HostFault(WRONG_VALUE)
    return bounded(int(value))


def truth(meter: Meter, value: Any = False) -> bool:
    """`bool`."""
    return bool(value)


def data_of(meter: Meter, value: Any = b"") -> bytes:
    """`bytes`: of data, of a size (zeros), or of a list of integers 0..255."""
    if type(value) is bytes:
        return value
    if type(value) is int:
        check_size(value)
        pay_bytes(meter, max(value, 0))
    elif type(value) is list or type(value) is tuple:
        walk(meter, value)
    else:
        raise wrong_type()
    return bytes(value)


def list_made(meter: Meter, value: Any = ()) -> list[Any]:
    """`list`."""
    return list(walk(meter, value))


def tuple_made(meter: Meter, value: Any = ()) -> tuple[Any, ...]:
    """`tuple`."""
    items = tuple(walk(meter, value))
    return tuple_of(meter, items)


def dict_made(meter: Meter, value: Any = ()) -> dict[Any, Any]:
    """`dict`: of a dict, or of a list of pairs."""
    if type(value) is dict:
        meter.pay(1 + len(value))
        return dict(value)
    pairs = walk(meter, value)
    if any(type(pair) is not tuple or len(pair) != 2 for pair in pairs):
        raise wrong_type()
    return dict_of(meter, pairs)


def range_of(meter: Meter, *bounds: Any) -> range:
    """`range`, at most MAX_RANGE long."""
    for bound in bounds:
        _number(bound)
    made = range(*bounds)
    if made and abs(made[-1] - made[0]) >= MAX_RANGE * abs(made.step):
        raise ValueTooLarge
    return made


def total(meter: Meter, values: Any, start: Any = 0) -> int:
    """`sum`, of integers."""
    items = walk(meter, values)
    if type(items) is not range and not NUMBERS.issuperset(map(type, items)):
        raise wrong_type()
    _number(start)
    return bounded(sum(items, start))


def any_of(meter: Meter, values: Any) -> bool:
    return any(walk(meter, values))


def all_of(meter: Meter, values: Any) -> bool:
    return all(walk(meter, values))


def enumerated(meter: Meter, values: Any, start: Any = 0) -> list[tuple[int, Any]]:
    _number(start)
    walked = walk(meter, values, 2)
    bounded(start + len(walked))
    return _pairs(meter, enumerate(walked, start))


def zipped(meter: Meter, *values: Any) -> list[tuple[Any, ...]]:
    return _pairs(meter, zip(*(walk(meter, value, 2) for value in values), strict=False))


def _pairs(meter: Meter, pairs: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The tuples, each one that could stand in a container of its own."""
    return [tuple_of(meter, pair) for pair in pairs]


def backwards(meter: Meter, values: Any) -> list[Any]:
    """`reversed`, as a list."""
    return list(walk(meter, values))[::-1]


def ordered(meter: Meter, values: Any, *, key: Any = None, reverse: Any = False) -> list[Any]:
    """`sorted`; equal items keep their order. `key` is a function of the bundle, called once an item."""
    items = list(walk(meter, values))
    marks = items if key is None else [key(meter, item) for item in items]
    _pay_ordering(meter, marks, len(items).bit_length())
    if key is None:
        return sorted(items, reverse=bool(reverse))
    places = sorted(range(len(items)), key=marks.__getitem__, reverse=bool(reverse))
    return [items[place] for place in places]


def least(meter: Meter, *values: Any, key: Any = None, default: Any = _MISSING) -> Any:
    """`min`."""
    return _extreme(meter, min, values, key, default)


def most(meter: Meter, *values: Any, key: Any = None, default: Any = _MISSING) -> Any:
    """`max`."""
    return _extreme(meter, max, values, key, default)


def _extreme(meter: Meter, choose: Callable[..., Any], values: tuple[Any, ...], key: Any, default: Any) -> Any:
    """The first of the least or greatest, as Python chooses."""
    if len(values) == 2 and type(values[0]) is int and type(values[1]) is int and key is None:
        return choose(values)
    items = list(walk(meter, values[0] if len(values) == 1 else values))
    if not items and default is not _MISSING:
        return default
    marks = items if key is None else [key(meter, item) for item in items]
    _pay_ordering(meter, marks, 1)
    return items[choose(range(len(items)), key=marks.__getitem__)]


def _pay_ordering(meter: Meter, marks: list[Any], rounds: int) -> None:
    """Each round compares every mark once."""
    before = meter.steps_left
    weigh(meter, marks)
    meter.pay((before - meter.steps_left) * rounds)


def quotient(meter: Meter, left: Any, right: Any) -> tuple[int, int]:
    """`divmod`."""
    _number(left)
    _number(right)
    return (bounded(left // right), left % right)


def is_instance(meter: Meter, value: Any, record: Any) -> bool:
    """`isinstance`, of a record or of a case of a variant."""
    if not isinstance(record, type) or not issubclass(record, Record):
        raise wrong_type()
    return type(value) is record


def _number(value: Any) -> None:
    if type(value) is not int and type(value) is not bool:
        raise wrong_type()


BUILTINS: dict[str, Callable[..., Any]] = {
    "abs": absolute,
    "all": all_of,
    "any": any_of,
    "bool": truth,
    "bytes": data_of,
    "dict": dict_made,
    "divmod": quotient,
    "enumerate": enumerated,
    "int": integer_of,
    "isinstance": is_instance,
    "len": length,
    "list": list_made,
    "max": most,
    "min": least,
    "range": range_of,
    "reversed": backwards,
    "sorted": ordered,
    "str": text_of,
    "sum": total,
    "tuple": tuple_made,
    "zip": zipped,
}
WITH_KEY = frozenset({"max", "min", "sorted"})
"""Builtins that take `key=` with a pure function of the bundle."""
