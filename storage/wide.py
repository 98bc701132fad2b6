"""The slow path of the codec: records with integers over 64 bits, and the exact fault of records that break a rule.

A record becomes nested plain values: a map of field numbers in ascending order, fields at their default left out,
integers over 64 bits as minimal big-endian bytes. The fast path gives the same bytes for everything it can encode.
"""

from __future__ import annotations

from typing import Any, NoReturn, get_args, get_type_hints

from storage.errors import InvalidRecord
from storage.record import Record, Variant, schema_of
from storage.schema import (
    ADDRESS_BYTES,
    AMOUNT_BITS,
    DIGEST_BYTES,
    MAX_DATA_BYTES,
    MAX_ITEMS,
    MAX_TEXT_BYTES,
    ZEROS,
    FieldSpec,
    Schema,
    TypeSpec,
)

_WORD = 1 << 64
_LENGTHS = {"address": (ADDRESS_BYTES, ADDRESS_BYTES), "hash": (DIGEST_BYTES, DIGEST_BYTES), "data": (0, MAX_DATA_BYTES)}


def to_wide(schema: Schema, record: Record) -> dict[str, object]:
    """The record as plain values; raises `InvalidRecord` at the first field that breaks its type or bounds."""
    wide = {}
    for spec in schema.fields:
        value = getattr(record, spec.name)
        plain = _plain(schema, spec, spec.type, value)
        if not (spec.has_default and value == ZEROS[spec.type.kind]):
            wide[str(spec.number)] = plain
    return wide


def _plain(schema: Schema, field: FieldSpec, spec: TypeSpec, value: Any) -> object:
    def refuse(reason: str) -> NoReturn:
        raise InvalidRecord(schema.name, field.name, reason)

    kind = spec.kind
    if kind == "amount":
        if type(value) is not int or value < 0 or value.bit_length() > AMOUNT_BITS:
            refuse("must be an integer from 0 to 2**256 - 1")
        return value if value < _WORD else value.to_bytes((value.bit_length() + 7) // 8, "big")
    if kind == "flag":
        return value if type(value) is bool else refuse("must be True or False")
    if kind == "text":
        return value if _is_text(value) else refuse(f"must be text of at most {MAX_TEXT_BYTES} bytes of UTF-8")
    if kind in _LENGTHS:
        least, most = _LENGTHS[kind]
        if type(value) is not bytes or not least <= len(value) <= most:
            refuse(f"must be {most} bytes" if least else f"must be at most {most} bytes")
        return value
    if spec.item is not None:
        if type(value) is not tuple or len(value) > MAX_ITEMS:
            refuse(f"must be a tuple of at most {MAX_ITEMS} items")
        item = spec.item
        return [_plain(schema, field, item, each) for each in value]
    if spec.schema is not None:
        if not isinstance(value, Record) or schema_of(type(value)) != spec.schema:
            refuse(f"must be a {spec.schema.name}")
        return to_wide(spec.schema, value)
    if not isinstance(value, Variant):
        refuse("must be a variant")
    held = value.value
    for number, inner in spec.cases:
        if schema_of(type(held)) == inner:
            return {str(number): to_wide(inner, held)}
    refuse("holds a record that is none of its cases")


def _is_text(value: object) -> bool:
    if type(value) is not str:
        return False
    try:
        return len(value.encode()) <= MAX_TEXT_BYTES
    except UnicodeEncodeError:
        return False


def from_wide(record: type[Record], wide: object) -> Record:
    """The record of plain values; raises `InvalidRecord` for unknown or missing fields and wrong types."""
    schema = schema_of(record)
    if not isinstance(wide, dict):
        raise InvalidRecord(schema.name, "", "must be a map of fields")
    hints = get_type_hints(record)
    left = dict(wide)
    values = {}
    for spec in schema.fields:
        if str(spec.number) in left:
            values[spec.name] = _value(schema, spec, spec.type, hints[spec.name], left.pop(str(spec.number)))
        elif not spec.has_default:
            raise InvalidRecord(schema.name, spec.name, "is missing")
    if left:
        raise InvalidRecord(schema.name, "", f"has no field {next(iter(left))!r}")
    return record(**values)


def _value(schema: Schema, field: FieldSpec, spec: TypeSpec, hint: Any, plain: Any) -> object:
    if spec.kind == "amount" and type(plain) is bytes:
        return int.from_bytes(plain, "big")
    if spec.item is not None and type(plain) is list:
        item, inner = spec.item, get_args(hint)[0]
        return tuple(_value(schema, field, item, inner, each) for each in plain)
    if spec.schema is not None:
        return from_wide(hint, plain)
    if spec.cases:
        return _case(schema, field, hint, plain)
    return plain


def _case(schema: Schema, field: FieldSpec, variant: type[Variant], plain: Any) -> Variant:
    cases: dict[type[Record], str] = variant.__case_names__  # type: ignore[attr-defined]
    numbers = variant.__variant__.cases  # type: ignore[attr-defined]
    if isinstance(plain, dict) and len(plain) == 1:
        (number, held), = plain.items()
        for (known, _), record in zip(numbers, cases, strict=True):
            if str(known) == number:
                return variant.of(from_wide(record, held))
    raise InvalidRecord(schema.name, field.name, "is none of the variant's cases")
