"""Methods that bundle code may call on texts, data, lists, dicts and integers, priced like operators.

Blanks are ASCII's, and `split` names its separator unless the text is ASCII, because Unicode's tables differ between
Python releases. Views of a dict are lists. A method call on anything else is wrong_type, whatever Python would find.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runtime.metering.comparisons import contains, pay_search
from runtime.metering.containers import walk
from runtime.metering.faults import WRONG_VALUE, HostFault
from runtime.metering.meter import Meter
from runtime.metering.operators import pay_sequence
from runtime.metering.records import change
from runtime.metering.values import check_item, check_key, check_size, text_bytes, wrong_type

Method = Callable[..., Any]
_BLANKS = " \t\n\r\x0b\x0c"


def _append(meter: Meter, items: list[Any], value: Any) -> None:
    check_item(meter, value)
    check_size(len(items) + 1)
    meter.pay(1)
    items.append(value)


def _extend(meter: Meter, items: list[Any], values: Any) -> None:
    added = list(walk(meter, values))
    check_size(len(items) + len(added))
    items.extend(added)


def _insert(meter: Meter, items: list[Any], place: Any, value: Any) -> None:
    _integer(place)
    check_item(meter, value)
    check_size(len(items) + 1)
    meter.pay(1 + len(items))
    items.insert(place, value)


def _pop_item(meter: Meter, items: list[Any], place: Any = -1) -> Any:
    _integer(place)
    meter.pay(1 if place == -1 else 1 + len(items))
    return items.pop(place)


def _index(meter: Meter, items: Any, value: Any) -> int:
    contains(meter, value, items)
    return int(items.index(value))


def _count(meter: Meter, items: Any, value: Any) -> int:
    contains(meter, value, items)
    return int(items.count(value))


def _reverse(meter: Meter, items: list[Any]) -> None:
    meter.pay(1 + len(items))
    items.reverse()


def _get(meter: Meter, table: dict[Any, Any], key: Any, default: Any = None) -> Any:
    check_key(meter, table, key)
    return table.get(key, default)


def _pop_key(meter: Meter, table: dict[Any, Any], key: Any, *default: Any) -> Any:
    check_key(meter, table, key)
    return table.pop(key, *default)


def _keys(meter: Meter, table: dict[Any, Any]) -> list[Any]:
    meter.pay(1 + len(table))
    return list(table)


def _values(meter: Meter, table: dict[Any, Any]) -> list[Any]:
    meter.pay(1 + len(table))
    return list(table.values())


def _items(meter: Meter, table: dict[Any, Any]) -> list[Any]:
    meter.pay(1 + 2 * len(table))
    items = list(table.items())
    for item in items:
        check_item(meter, item)
    return items


def _strip(meter: Meter, text: str, blanks: Any = _BLANKS) -> str:
    pay_search(meter, text, blanks)
    return text.strip(blanks)


def _split(meter: Meter, text: str, separator: Any = None) -> list[str]:
    if separator is None:
        if not text.isascii():
            raise HostFault(WRONG_VALUE)
    else:
        pay_search(meter, text, separator)
    meter.pay(1 + len(text))
    parts = text.split(separator)
    check_size(len(parts))
    return parts


def _join(meter: Meter, separator: Any, parts: Any) -> Any:
    items = list(walk(meter, parts))
    if any(type(item) is not type(separator) for item in items):
        raise wrong_type()
    size = sum(map(len, items)) + len(separator) * max(len(items) - 1, 0)
    check_size(size)
    meter.pay(1 + (size >> 4))
    return separator.join(items)


def _replace(meter: Meter, text: Any, old: Any, new: Any) -> Any:
    pay_search(meter, text, old)
    if type(new) is not type(text):
        raise wrong_type()
    size = len(text) + text.count(old) * (len(new) - len(old))
    check_size(size)
    meter.pay(1 + (size >> 4))
    return text.replace(old, new)


def _search(name: str) -> Method:
    def search(meter: Meter, text: Any, part: Any) -> Any:
        pay_search(meter, text, part)
        return getattr(text, name)(part)

    return search


def _encode(meter: Meter, text: str) -> bytes:
    meter.pay(1 + (text_bytes(text) >> 6))
    data = text.encode()
    check_size(len(data))
    return data


def _decode(meter: Meter, data: bytes) -> str:
    pay_sequence(meter, data)
    return data.decode()


def _hex(meter: Meter, data: bytes) -> str:
    check_size(2 * len(data))
    meter.pay(1 + (len(data) >> 5))
    return data.hex()


def _integer(value: Any) -> None:
    if type(value) is not int:
        raise wrong_type()


_TEXT_AND_DATA: dict[str, Method] = {
    "count": _search("count"),
    "endswith": _search("endswith"),
    "find": _search("find"),
    "join": _join,
    "replace": _replace,
    "startswith": _search("startswith"),
}

OF_TYPE: dict[type, dict[str, Method]] = {
    list: {
        "append": _append,
        "count": _count,
        "extend": _extend,
        "index": _index,
        "insert": _insert,
        "pop": _pop_item,
        "reverse": _reverse,
    },
    tuple: {"count": _count, "index": _index},
    dict: {"get": _get, "items": _items, "keys": _keys, "pop": _pop_key, "values": _values},
    str: {**_TEXT_AND_DATA, "encode": _encode, "split": _split, "strip": _strip},
    bytes: {**_TEXT_AND_DATA, "decode": _decode, "hex": _hex},
}


def _dispatcher(name: str) -> Method:
    by_type = {kind: methods[name] for kind, methods in OF_TYPE.items() if name in methods}

    def call_method(meter: Meter, value: Any, *args: Any) -> Any:
        method = by_type.get(type(value))
        if method is None:
            raise wrong_type()
        return method(meter, value, *args)

    return call_method


METHODS: dict[str, Method] = {
    "but": change,
    **{name: _dispatcher(name) for name in sorted({name for methods in OF_TYPE.values() for name in methods})},
}
"""Every method by name; the first argument after the meter is the value it is called on."""
