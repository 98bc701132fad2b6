"""Displays, subscripts, loops and comprehensions of bundle code.

A loop walks a list, tuple, text, data or range as Python does; a dict is walked over a copy of its keys, so changing
it meanwhile is no error. A comprehension pays for all its turns before the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from runtime.metering.faults import ValueTooLarge
from runtime.metering.limits import MAX_ITEMS, MAX_TUPLE_DEPTH
from runtime.metering.meter import Meter
from runtime.metering.operators import pay_sequence
from runtime.metering.values import check_item, check_items, check_key, check_size, wrong_type

_INDEXED = frozenset({list, tuple, str, bytes})
_WALKED = frozenset({list, tuple, str, bytes, range})


def iterate(meter: Meter, value: Any) -> Any:
    """What a `for` statement walks through; each turn is counted by the loop itself."""
    if type(value) in _WALKED:
        return value
    if type(value) is dict:
        meter.pay(1 + len(value))
        return list(value)
    raise wrong_type()


def walk(meter: Meter, value: Any, price: int = 1) -> Any:
    """What a builtin walks through: bounded, and `price` steps an item paid beforehand."""
    kind = type(value)
    if kind not in _WALKED and kind is not dict:
        raise wrong_type()
    size = len(value)
    if size > MAX_ITEMS:
        raise ValueTooLarge
    meter.pay(1 + size * price)
    return list(value) if kind is dict else value


def turns(meter: Meter, value: Any, price: int) -> Any:
    """What a comprehension walks through: all its turns are paid, so a list that grows meanwhile is copied first."""
    walked = walk(meter, value, price)
    return walked[:] if type(walked) is list else walked


def list_of(meter: Meter, items: list[Any]) -> list[Any]:
    """A new list; the price is its statement's."""
    check_items(meter, items)
    return items


def gathered(meter: Meter, items: Iterable[Any]) -> list[Any]:
    """The list of a comprehension, whose turns pay for it; its depth counts, since Python's stack carries it."""
    meter.deepen()
    try:
        made = list(items)
    finally:
        meter.depth -= 1
    check_size(len(made))
    check_items(meter, made)
    return made


def gathered_dict(meter: Meter, items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """The dict of a comprehension of pairs."""
    meter.deepen()
    try:
        return dict_of(meter, items)
    finally:
        meter.depth -= 1


def holds(meter: Meter, found: Iterator[Any]) -> bool:
    """Whether a chain of comparisons held to its end."""
    meter.deepen()
    try:
        return next(found, None) is not None
    finally:
        meter.depth -= 1


def tuple_of(meter: Meter, items: tuple[Any, ...]) -> tuple[Any, ...]:
    """A new tuple; the price is its statement's."""
    check_items(meter, items, MAX_TUPLE_DEPTH - 1)
    return items


def dict_of(meter: Meter, items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """A new dict of (key, value) pairs, each paid like a store."""
    made: dict[Any, Any] = {}
    for key, value in items:
        store(meter, made, key, value)
    return made


def store(meter: Meter, table: dict[Any, Any], key: Any, value: Any) -> None:
    """`table[key] = value`."""
    check_key(meter, table, key)
    check_item(meter, value)
    table[key] = value
    check_size(len(table))


def get_item(meter: Meter, value: Any, key: Any) -> Any:
    """`value[key]`."""
    kind = type(value)
    if kind in _INDEXED:
        if type(key) is not int and type(key) is not bool:
            raise wrong_type()
        return value[key]
    if kind is dict:
        check_key(meter, value, key)
        return value[key]
    raise wrong_type()


def set_item(meter: Meter, item: Any, value: Any, key: Any) -> None:
    """`value[key] = item`; the item comes first because Python evaluates it first."""
    if type(value) is dict:
        store(meter, value, key, item)
    elif type(value) is list and type(key) in (int, bool):
        check_item(meter, item)
        value[key] = item
    else:
        raise wrong_type()


def delete_item(meter: Meter, value: Any, key: Any) -> None:
    if type(value) is dict:
        check_key(meter, value, key)
        del value[key]
    elif type(value) is list and type(key) in (int, bool):
        meter.pay(1 + len(value))
        del value[key]
    else:
        raise wrong_type()


def get_slice(meter: Meter, value: Any, start: Any, stop: Any, step: Any) -> Any:
    if type(value) not in _INDEXED:
        raise wrong_type()
    for bound in (start, stop, step):
        if bound is not None and type(bound) is not int:
            raise wrong_type()
    result = value[start:stop:step]
    pay_sequence(meter, result)
    return result
