"""The slow path of the codec: records with integers over 64 bits, and the exact fault of records that break a rule.

A record becomes nested plain values: a map of field numbers in ascending order, fields at their default left out,
integers over 64 bits as minimal big-endian bytes. The fast path gives the same bytes for everything it can encode.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, get_args

from storage.errors import InvalidRecord
from storage.record import Record, Variant, cases_of, schema_of, types_of
from storage.schema import (
    ADDRESS_BYTES,
    AMOUNT_BITS,
    DIGEST_BYTES,
    MAX_DATA_BYTES,
    MAX_ITEMS,
    MAX_TEXT_BYTES,
    ZEROS,
    Kind,
    TypeSpec,
)

Plain = Callable[[Any], Any]
"""From a value to its plain value, or back; raises ValueError with the rule that the value breaks."""

_WORD = 1 << 64
_NO_ZERO = object()


@cache
def to_plain(record: type[Record]) -> Plain:
    """The way from a record of that class to its map; it raises `InvalidRecord` at the first field at fault."""
    name = schema_of(record).name
    types = types_of(record)
    fields = [
        (str(spec.number), spec.name, _writer(spec.type, types[spec.name]), _zero(spec.has_default, spec.type.kind))
        for spec in schema_of(record).fields
    ]

    def write(value: Any) -> dict[str, object]:
        if type(value) is not record:
            raise ValueError(f"must be a {name}")
        plain = {}
        for number, attribute, writer, zero in fields:
            try:
                item = writer(getattr(value, attribute))
            except ValueError as error:
                raise InvalidRecord(name, attribute, str(error)) from None
            if zero is _NO_ZERO or item:
                plain[number] = item
        return plain

    return write


@cache
def from_plain(record: type[Record]) -> Plain:
    """The way from a map to a record of that class; it raises `InvalidRecord` for fields that are unknown, missing or
    at fault. Order, repetition and explicit defaults are left to whoever encodes the record again."""
    name = schema_of(record).name
    types = types_of(record)
    fields = {str(spec.number): (spec.name, _reader(spec.type, types[spec.name])) for spec in schema_of(record).fields}

    def read(plain: Any) -> Record:
        if type(plain) is not dict:
            raise ValueError("must be a map")
        values = {}
        for number, item in plain.items():
            known = fields.get(number)
            if known is None:
                raise InvalidRecord(name, str(number), "is unknown")
            attribute, reader = known
            try:
                values[attribute] = reader(item)
            except ValueError as error:
                raise InvalidRecord(name, attribute, str(error)) from None
        try:
            return record(**values)
        except TypeError as error:
            raise InvalidRecord(name, "", str(error)) from None

    return read


def _zero(has_default: bool, kind: Kind) -> object:
    return ZEROS[kind] if has_default else _NO_ZERO


def _writer(spec: TypeSpec, kind: Any) -> Plain:
    if spec.item is not None:
        return _list_writer(_writer(spec.item, get_args(kind)[0]))
    if spec.schema is not None:
        return to_plain(kind)
    return _variant_writer(kind) if spec.cases else _SCALARS[spec.kind]


def _reader(spec: TypeSpec, kind: Any) -> Plain:
    if spec.item is not None:
        return _list_reader(_reader(spec.item, get_args(kind)[0]))
    if spec.schema is not None:
        return from_plain(kind)
    if spec.cases:
        return _variant_reader(kind)
    return _read_amount if spec.kind == "amount" else _SCALARS[spec.kind]


def _write_amount(value: Any) -> object:
    if type(value) is not int or value < 0 or value.bit_length() > AMOUNT_BITS:
        raise ValueError("must be an integer from 0 to 2**256 - 1")
    return value if value < _WORD else value.to_bytes((value.bit_length() + 7) // 8, "big")


def _read_amount(plain: Any) -> Any:
    if type(plain) is bytes:
        if len(plain) > AMOUNT_BITS // 8:
            raise ValueError(f"must be at most {AMOUNT_BITS // 8} bytes")
        return int.from_bytes(plain, "big")
    if type(plain) is not int or plain < 0:
        raise ValueError("must be an integer that is not negative")
    return plain


def _write_flag(value: Any) -> object:
    if type(value) is not bool:
        raise ValueError("must be True or False")
    return value


def _write_text(value: Any) -> object:
    if type(value) is not str:
        raise ValueError("must be text")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise ValueError("must be text without lone surrogates") from None
    if size > MAX_TEXT_BYTES:
        raise ValueError(f"must be at most {MAX_TEXT_BYTES} bytes of UTF-8")
    return value


def _bytes_writer(least: int, most: int) -> Plain:
    size = f"exactly {most}" if least else f"at most {most}"

    def write(value: Any) -> object:
        if type(value) is not bytes or not least <= len(value) <= most:
            raise ValueError(f"must be {size} bytes")
        return value

    return write


_SCALARS: dict[Kind, Plain] = {
    "amount": _write_amount,
    "flag": _write_flag,
    "text": _write_text,
    "data": _bytes_writer(0, MAX_DATA_BYTES),
    "address": _bytes_writer(ADDRESS_BYTES, ADDRESS_BYTES),
    "hash": _bytes_writer(DIGEST_BYTES, DIGEST_BYTES),
}


def _list_writer(item: Plain) -> Plain:
    def write(value: Any) -> object:
        if type(value) is not tuple or len(value) > MAX_ITEMS:
            raise ValueError(f"must be a tuple of at most {MAX_ITEMS} items")
        return [item(each) for each in value]

    return write


def _list_reader(item: Plain) -> Plain:
    def read(plain: Any) -> object:
        if type(plain) is not list:
            raise ValueError("must be a list")
        return tuple([item(each) for each in plain])

    return read


def _variant_writer(variant: type[Variant]) -> Plain:
    cases = {record: (str(number), to_plain(record)) for number, record in cases_of(variant)}

    def write(value: Any) -> object:
        if type(value) is not variant:
            raise ValueError(f"must be a {variant.__name__}")
        held = value.value
        number, writer = cases[type(held)]
        return {number: writer(held)}

    return write


def _variant_reader(variant: type[Variant]) -> Plain:
    cases = {str(number): from_plain(record) for number, record in cases_of(variant)}

    def read(plain: Any) -> object:
        if type(plain) is dict and len(plain) == 1:
            ((number, held),) = plain.items()
            if number in cases:
                return variant.of(cases[number](held))
        raise ValueError("must be one of the variant's cases")

    return read
