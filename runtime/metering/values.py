"""The values bundle code may hold: flat ones, so that comparing or hashing never recurses without bound.

Scalars (None, bool, integer, text, data), records, and tuples of these, tuples at most MAX_TUPLE_DEPTH deep. Lists
and dicts hold such values and never one another. Every value is checked when it enters a container or a record, so
whatever is found inside one is sound.

A dict's keys are text or data, whose hash nobody can aim, or small integers; other keys (large integers, tuples,
records) are allowed and pay for the collisions that an author could make of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType
from typing import Any

from runtime.metering.faults import WRONG_TYPE, HostFault, ValueTooLarge
from runtime.metering.limits import BYTES_A_STEP_BITS, MAX_ITEMS, MAX_TUPLE_DEPTH
from runtime.metering.meter import Meter
from storage.record import Record, Variant

SCALARS: frozenset[type] = frozenset({int, bool, str, bytes, NoneType})
NUMBERS: frozenset[type] = frozenset({int, bool, NoneType})
_SAFE_KEY = (1 << 61) - 1
"""Integers below hash to themselves; beyond, many integers share one hash."""


def wrong_type() -> HostFault:
    return HostFault(WRONG_TYPE)


def check_size(size: int) -> None:
    """Raises ValueTooLarge beyond MAX_ITEMS."""
    if size > MAX_ITEMS:
        raise ValueTooLarge


def text_bytes(text: str) -> int:
    """The memory a text may take, without looking at its characters."""
    return len(text) if text.isascii() else 4 * len(text)


def pay_bytes(meter: Meter, size: int) -> None:
    """The price of touching `size` bytes."""
    meter.pay(1 + (size >> BYTES_A_STEP_BITS))


def check_item(meter: Meter, value: Any, depth: int = MAX_TUPLE_DEPTH) -> None:
    """Raises wrong_type unless `value` may stand in a container."""
    kind = type(value)
    if kind in SCALARS or isinstance(value, Record):
        return
    if kind is not tuple or depth == 0:
        raise wrong_type()
    meter.pay(1 + len(value))
    if not SCALARS.issuperset(map(type, value)):
        for item in value:
            check_item(meter, item, depth - 1)


def check_items(meter: Meter, values: Iterable[Any], depth: int = MAX_TUPLE_DEPTH) -> None:
    """`check_item` for each; the caller pays for their number."""
    if not SCALARS.issuperset(map(type, values)):
        for value in values:
            check_item(meter, value, depth)


def weigh(meter: Meter, value: Any) -> None:
    """Pay for one walk through `value`: comparing or hashing it costs no more. Raises wrong_type on anything else."""
    kind = type(value)
    if kind is str:
        pay_bytes(meter, text_bytes(value))
    elif kind is bytes:
        pay_bytes(meter, len(value))
    elif kind in SCALARS:
        meter.pay(1)
    elif kind is tuple or kind is list:
        _weigh_all(meter, value)
    elif kind is dict:
        _weigh_all(meter, value)
        _weigh_all(meter, value.values())
    elif isinstance(value, Record):
        _weigh_all(meter, [getattr(value, name) for name in value.__struct_fields__])
    elif isinstance(value, Variant):
        weigh(meter, value.value)
    else:
        raise wrong_type()


def _weigh_all(meter: Meter, values: Any) -> None:
    meter.pay(1 + len(values))
    if not NUMBERS.issuperset(map(type, values)):
        for value in values:
            weigh(meter, value)


def check_key(meter: Meter, table: dict[Any, Any], key: Any) -> None:
    """Pay for looking `key` up in `table`; raises wrong_type for what cannot be a key."""
    kind = type(key)
    if kind is str or kind is bytes:
        meter.pay(1 + (len(key) >> BYTES_A_STEP_BITS))
    elif kind in NUMBERS and (key is None or -_SAFE_KEY < key < _SAFE_KEY):
        meter.pay(1)
    else:
        check_item(meter, key)
        weigh(meter, key)
        meter.pay(len(table) >> 1)
