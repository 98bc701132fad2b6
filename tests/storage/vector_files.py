"""Test vectors as JSON, and the plainest possible reading of the format, to hold the codec against.

A schema is `{"name": ..., "fields": [[number, name, type, has_default, mark], ...]}`; a type is the name of a scalar,
`{"list": type}`, `{"record": schema}` or `{"variant": [[number, schema], ...]}`. In values amounts are decimal
texts, bytes are hex, records are objects by field name, a variant is `{"case": number, "record": {...}}`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from storage.record import (
    FieldSpec,
    Record,
    Schema,
    TypeSpec,
    Variant,
    cases_of,
    define_record,
    define_variant,
    schema_of,
)
from storage.schema import ZEROS

VECTORS = Path(__file__).parent / "vectors"


def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


def schema_from(document: Any) -> Schema:
    fields = (
        FieldSpec(number, name, type_from(kind), default, mark)
        for number, name, kind, default, mark in document["fields"]
    )
    return Schema(document["name"], tuple(fields))


def type_from(document: Any) -> TypeSpec:
    if isinstance(document, str):
        return TypeSpec(document)  # type: ignore[arg-type]
    ((kind, inside),) = document.items()
    if kind == "list":
        return TypeSpec("list", item=type_from(inside))
    if kind == "record":
        return TypeSpec("record", schema=schema_from(inside))
    return TypeSpec("variant", cases=tuple((number, schema_from(schema)) for number, schema in inside))


def record_from(schema: Schema, document: Any) -> Record:
    values = {spec.name: value_from(spec.type, document[spec.name]) for spec in schema.fields if spec.name in document}
    return define_record(schema)(**values)


def value_from(spec: TypeSpec, document: Any) -> Any:
    if spec.kind == "amount":
        return int(document)
    if spec.kind in ("data", "address", "hash"):
        return bytes.fromhex(document)
    if spec.item is not None:
        return tuple(value_from(spec.item, each) for each in document)
    if spec.schema is not None:
        return record_from(spec.schema, document)
    if spec.cases:
        held = record_from(dict(spec.cases)[document["case"]], document["record"])
        return define_variant(spec).of(held)
    return document


def document_of(value: Any) -> Any:
    """The value of a vector file for a value of Python, every field spelled out."""
    if isinstance(value, Record):
        return {spec.name: document_of(getattr(value, spec.name)) for spec in schema_of(type(value)).fields}
    if isinstance(value, Variant):
        held = value.value
        number = next(number for number, record in cases_of(type(value)) if record is type(held))
        return {"case": number, "record": document_of(held)}
    if isinstance(value, tuple):
        return [document_of(each) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if type(value) is int else value


def plain_bytes(schema: Schema, record: Any) -> bytes:
    """The canonical bytes by the letter of the rules, without the codec and without msgspec."""
    values = [(spec, getattr(record, spec.name)) for spec in schema.fields]
    written = [(spec, value) for spec, value in values if not (spec.has_default and value == ZEROS[spec.type.kind])]
    body = b"".join(_text(str(spec.number)) + _plain_value(spec.type, value) for spec, value in written)
    return _head(len(written), 0x80, 15, (None, 0xDE, 0xDF)) + body


def _plain_value(spec: TypeSpec, value: Any) -> bytes:
    if spec.kind == "amount":
        return _amount(value)
    if spec.kind == "flag":
        return b"\xc3" if value else b"\xc2"
    if spec.kind == "text":
        return _text(value)
    if spec.item is not None:
        items = b"".join(_plain_value(spec.item, each) for each in value)
        return _head(len(value), 0x90, 15, (None, 0xDC, 0xDD)) + items
    if spec.schema is not None:
        return plain_bytes(spec.schema, value)
    if spec.cases:
        held = value.value
        number, schema = next(case for case in spec.cases if case[1] == schema_of(type(held)))
        return b"\x81" + _text(str(number)) + plain_bytes(schema, held)
    return _head(len(value), None, -1, (0xC4, 0xC5, 0xC6)) + value


def _amount(value: int) -> bytes:
    if value < 128:
        return bytes((value,))
    for size, mark in ((1, 0xCC), (2, 0xCD), (4, 0xCE), (8, 0xCF)):
        if value < 1 << 8 * size:
            return bytes((mark,)) + value.to_bytes(size, "big")
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _head(len(raw), None, -1, (0xC4, 0xC5, 0xC6)) + raw


def _text(value: str) -> bytes:
    raw = value.encode()
    return _head(len(raw), 0xA0, 31, (0xD9, 0xDA, 0xDB)) + raw


def _head(size: int, short: int | None, most: int, marks: tuple[int | None, int, int]) -> bytes:
    if short is not None and size <= most:
        return bytes((short | size,))
    for width, mark in zip((1, 2, 4), marks, strict=True):
        if mark is not None and size < 1 << 8 * width:
            return bytes((mark,)) + size.to_bytes(width, "big")
    raise ValueError(size)
