"""A place in a foreign JSON document: reads one value at a time, exactly, and names its own path when one is wrong.

Cosmos documents write integers as text, decimals with 18 places as text, times as RFC 3339, and empty lists as null.
A number with a fraction never passes through a float here: decimals become whole units of 10^-18.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from node.genesis.errors import GenesisMalformed
from runtime import bech32

DECIMALS = 18
UNIT = 10**18
_BOUND = 10**38
_INTEGER = re.compile(r"0|[1-9][0-9]{0,37}")
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,37})(?:\.([0-9]{1,18}))?")
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?Z")


class Place:
    """A value and the path that leads to it."""

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str = "") -> None:
        self.value = value
        self.path = path

    def wrong(self, problem: str) -> GenesisMalformed:
        """The error to raise about this place."""
        return GenesisMalformed(self.path, problem)

    def has(self, key: str) -> bool:
        """Whether there is something but null under `key`."""
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def at(self, *keys: str) -> Place:
        """The place under one key after another; raises GenesisMalformed where one is missing."""
        place = self
        for key in keys:
            path = f"{place.path}.{key}" if place.path else key
            if not isinstance(place.value, dict):
                raise place.wrong("an object is wanted here")
            if key not in place.value:
                raise GenesisMalformed(path, "it is missing")
            place = Place(place.value[key], path)
        return place

    def rows(self, *keys: str) -> Iterator[Place]:
        """The entries of the list under the keys; null is an empty list."""
        place = self.at(*keys)
        if place.value is not None and not isinstance(place.value, list):
            raise place.wrong("a list is wanted here")
        for position, value in enumerate(place.value or ()):
            yield Place(value, f"{place.path}[{position}]")

    def text(self, *keys: str) -> str:
        place = self.at(*keys)
        if not isinstance(place.value, str):
            raise place.wrong("text is wanted here")
        return str(place.value)

    def flag(self, *keys: str) -> bool:
        place = self.at(*keys)
        if not isinstance(place.value, bool):
            raise place.wrong("true or false is wanted here")
        return place.value

    def integer(self, *keys: str) -> int:
        """A whole number of zero or more, written as text or as a JSON integer."""
        place = self.at(*keys)
        value = place.value
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _BOUND:
            return value
        if not isinstance(value, str) or not _INTEGER.fullmatch(value):
            raise place.wrong(f"a whole number of zero or more is wanted here, not {shown(value)}")
        return int(value)

    def decimal(self, *keys: str) -> int:
        """A decimal of at most 18 places, in units of 10^-18."""
        place = self.at(*keys)
        matched = _DECIMAL.fullmatch(place.value) if isinstance(place.value, str) else None
        if matched is None:
            raise place.wrong(f"a decimal of at most {DECIMALS} places is wanted here, not {shown(place.value)}")
        whole, places = matched.group(1), matched.group(2) or ""
        return int(whole) * UNIT + int(places.ljust(DECIMALS, "0"))

    def seconds(self, *keys: str) -> int:
        """Whole seconds since 1970 of an RFC 3339 time in UTC, its fraction cut off."""
        place = self.at(*keys)
        matched = _TIME.fullmatch(place.value) if isinstance(place.value, str) else None
        try:
            moment = datetime.fromisoformat(matched.group(1)).replace(tzinfo=UTC) if matched else None
        except ValueError:
            moment = None
        if moment is None:
            raise place.wrong(f"a time like 2019-04-22T17:00:00Z is wanted here, not {shown(place.value)}")
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)

    def address(self, *keys: str, prefix: str) -> bytes:
        """The bytes of a Bech32 address with this prefix."""
        place = self.at(*keys)
        try:
            found, raw = bech32.decode(self.text(*keys))
        except ValueError as reason:
            raise place.wrong(f"{shown(place.value)} is no address: {reason}") from None
        if found != prefix or not raw:
            raise place.wrong(f"an address that begins with {prefix}1 is wanted here, not {shown(place.value)}")
        return raw


def shown(value: Any) -> str:
    """A value as a message may show it."""
    text = json.dumps(value) if isinstance(value, str | int | bool | None) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def parse(raw: bytes) -> Place:
    """The top of a JSON document; raises GenesisMalformed for anything but one strict JSON object."""
    try:
        value = json.loads(raw, object_pairs_hook=_object, parse_float=_refuse_float, parse_constant=_refuse_float)
    except RecursionError:
        raise GenesisMalformed("", "it is nested too deeply to be a genesis") from None
    except UnicodeDecodeError:
        raise GenesisMalformed("", "it is not UTF-8 text") from None
    except ValueError as reason:
        raise GenesisMalformed("", f"it is not strict JSON: {reason}") from None
    if not isinstance(value, dict):
        raise GenesisMalformed("", "a genesis is one JSON object")
    return Place(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has {repeated[:60]!r} twice")
    return made


def _refuse_float(text: str) -> str:
    """A bare number with a fraction: kept as marked text, so that only a place that reads it is wrong."""
    return f"number {text}"
