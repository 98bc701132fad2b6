"""Keys of rows: bytes whose order is the order of the values, part by part.

Every part ends where its bytes say, so the bytes of a key's first parts are a prefix of exactly the keys that begin
with those parts. Addresses and hashes stand as they are; an amount is the number of its bytes, then its minimal
big-endian bytes; text and data have each zero byte followed by 0xFF, and end with two zero bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from storage.errors import InvalidKey
from storage.schema import ADDRESS_BYTES, AMOUNT_BITS, DIGEST_BYTES

KeyKind = Literal["address", "hash", "amount", "text", "data"]
KEY_KINDS: tuple[KeyKind, ...] = ("address", "hash", "amount", "text", "data")

MAX_PART_BYTES = 1024
"""Most bytes of a text or data part, before zero bytes are escaped."""

_END = b"\x00\x00"
_ZERO = b"\x00\xff"


def pack_key(kinds: tuple[KeyKind, ...], values: tuple[Any, ...]) -> bytes:
    """The bytes of a key, or of its first parts when fewer values than kinds are given.

    Raises `InvalidKey` when a value does not fit its kind.
    """
    if len(values) > len(kinds):
        raise InvalidKey(_names(kinds), f"{len(values)} parts given")
    try:
        return b"".join([_PACK[kind](value) for kind, value in zip(kinds, values, strict=False)])
    except ValueError as error:
        raise InvalidKey(_names(kinds), str(error)) from None


def unpack_key(kinds: tuple[KeyKind, ...], raw: bytes) -> tuple[Any, ...]:
    """The values of a whole key; raises `InvalidKey` when the bytes are not one that `pack_key` makes."""
    values, at = [], 0
    try:
        for kind in kinds:
            value, at = _UNPACK[kind](raw, at)
            values.append(value)
    except ValueError as error:
        raise InvalidKey(_names(kinds), str(error)) from None
    if at != len(raw):
        raise InvalidKey(_names(kinds), "bytes are left over")
    return tuple(values)


def _names(kinds: tuple[KeyKind, ...]) -> str:
    return f"({', '.join(kinds)})"


def _pack_address(value: object) -> bytes:
    if type(value) is bytes and len(value) == ADDRESS_BYTES:
        return value
    raise ValueError("an address is 20 bytes")


def _pack_hash(value: object) -> bytes:
    if type(value) is bytes and len(value) == DIGEST_BYTES:
        return value
    raise ValueError("a hash is 32 bytes")


def _pack_amount(value: object) -> bytes:
    if type(value) is not int or value < 0 or value.bit_length() > AMOUNT_BITS:
        raise ValueError("an amount is an integer from 0 to 2**256 - 1")
    if value < 256:
        return _SMALL[value]
    size = (value.bit_length() + 7) // 8
    return bytes((size,)) + value.to_bytes(size, "big")


_SMALL = tuple(bytes((1, value)) if value else b"\0" for value in range(256))
"""The amounts below 256, as keys have them."""


def _pack_text(value: object) -> bytes:
    if type(value) is not str:
        raise ValueError("text is a str")
    return _pack_data(value.encode())


def _pack_data(value: object) -> bytes:
    if type(value) is not bytes or len(value) > MAX_PART_BYTES:
        raise ValueError(f"text and data in keys are at most {MAX_PART_BYTES} bytes")
    return value.replace(b"\x00", _ZERO) + _END


def _fixed(size: int) -> Callable[[bytes, int], tuple[bytes, int]]:
    def unpack(raw: bytes, at: int) -> tuple[bytes, int]:
        end = at + size
        if end > len(raw):
            raise ValueError("bytes end early")
        return raw[at:end], end

    return unpack


def _unpack_amount(raw: bytes, at: int) -> tuple[int, int]:
    if at >= len(raw):
        raise ValueError("bytes end early")
    start, end = at + 1, at + 1 + raw[at]
    if raw[at] > AMOUNT_BITS // 8 or end > len(raw) or (raw[at] and not raw[start]):
        raise ValueError("an amount is its length and that many bytes, the first not zero")
    return int.from_bytes(raw[start:end], "big"), end


def _unpack_data(raw: bytes, at: int) -> tuple[bytes, int]:
    parts, start = [], at
    while (found := raw.find(b"\x00", start)) >= 0:
        parts.append(raw[start:found])
        mark, start = raw[found : found + 2], found + 2
        if mark == _END:
            return _bounded(b"\x00".join(parts)), start
        if mark != _ZERO:
            break
    raise ValueError("text and data end with two zero bytes")


def _bounded(value: bytes) -> bytes:
    if len(value) > MAX_PART_BYTES:
        raise ValueError(f"text and data in keys are at most {MAX_PART_BYTES} bytes")
    return value


def _unpack_text(raw: bytes, at: int) -> tuple[str, int]:
    value, end = _unpack_data(raw, at)
    return value.decode(), end


_PACK: dict[KeyKind, Callable[[Any], bytes]] = {
    "address": _pack_address,
    "hash": _pack_hash,
    "amount": _pack_amount,
    "text": _pack_text,
    "data": _pack_data,
}
_UNPACK: dict[KeyKind, Callable[[bytes, int], tuple[Any, int]]] = {
    "address": _fixed(ADDRESS_BYTES),
    "hash": _fixed(DIGEST_BYTES),
    "amount": _unpack_amount,
    "text": _unpack_text,
    "data": _unpack_data,
}


def packer_of(kinds: tuple[KeyKind, ...]) -> Callable[[tuple[Any, ...]], bytes]:
    """`pack_key` for fixed kinds, with short ways for the whole keys that most tables have: none, one part, and two."""

    def pack(values: tuple[Any, ...]) -> bytes:
        return pack_key(kinds, values)

    def pack_nothing(values: tuple[Any, ...]) -> bytes:
        return pack_key(kinds, values) if values else b""

    def pack_one_address(values: tuple[Any, ...]) -> bytes:
        if len(values) == 1 and type(values[0]) is bytes and len(values[0]) == ADDRESS_BYTES:
            return values[0]
        return pack_key(kinds, values)

    if not kinds:
        return pack_nothing
    if kinds == ("address",):
        return pack_one_address
    return _packer_of_few(kinds) if len(kinds) < 3 else pack


def _packer_of_few(kinds: tuple[KeyKind, ...]) -> Callable[[tuple[Any, ...]], bytes]:
    """`pack_key` for one part or two, without its loop."""
    first, second = _PACK[kinds[0]], _PACK[kinds[-1]]

    def pack_one(values: tuple[Any, ...]) -> bytes:
        if len(values) != 1:
            return pack_key(kinds, values)
        try:
            return first(values[0])
        except ValueError as error:
            raise InvalidKey(_names(kinds), str(error)) from None

    def pack_two(values: tuple[Any, ...]) -> bytes:
        if len(values) != 2:
            return pack_key(kinds, values)
        try:
            return first(values[0]) + second(values[1])
        except ValueError as error:
            raise InvalidKey(_names(kinds), str(error)) from None

    return pack_one if len(kinds) == 1 else pack_two
