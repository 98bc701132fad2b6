"""Records and keys as JSON, both ways, by their schema.

Amounts are decimal strings, bytes lower-case hex, addresses ``syn1...`` text, lists arrays, records objects by field
name with every field present. A variant is an object with the case's number and its record:
``{"case": 3, "value": {...}}``, and the case's name beside it where the class has one. Reading takes what writing
gives, and plain integers for amounts too; an argument from a query string is text, which is why text is enough for
every scalar. `json_schema` says the same as JSON Schema, for the OpenAPI document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from node.errors import BadRequest
from runtime.address import address_text, parse_address
from runtime.errors import AddressInvalid
from storage.codec import codec_of
from storage.errors import InvalidRecord
from storage.keys import KeyKind
from storage.record import Kind, Record, Schema, TypeSpec, Variant, define_record, define_variant

_BAD = "bad_arguments"
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*", re.ASCII)

_JSON_SCHEMAS: Mapping[Kind, dict[str, Any]] = {
    "amount": {"type": "string", "pattern": "^(0|[1-9][0-9]{0,77})$"},
    "flag": {"type": "boolean"},
    "text": {"type": "string"},
    "data": {"type": "string", "pattern": "^([0-9a-f]{2})*$"},
    "address": {"type": "string", "pattern": "^syn1[02-9ac-hj-np-z]{38}$"},
    "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}


def json_schema(schema: Schema) -> dict[str, Any]:
    """What `render` makes of a record of this schema, as JSON Schema."""
    return {
        "title": schema.name,
        "type": "object",
        "properties": {spec.name: json_schema_of(spec.type) for spec in schema.fields},
        "required": [spec.name for spec in schema.fields],
    }


def json_schema_of(spec: TypeSpec) -> dict[str, Any]:
    """As `json_schema`, for one type."""
    if spec.item is not None:
        return {"type": "array", "items": json_schema_of(spec.item)}
    if spec.schema is not None:
        return json_schema(spec.schema)
    if spec.cases:
        return {"oneOf": [_case_schema(number, schema) for number, schema in spec.cases]}
    return dict(_JSON_SCHEMAS[spec.kind])


def _case_schema(number: int, schema: Schema) -> dict[str, Any]:
    properties = {"case": {"const": number}, "name": {"type": "string"}, "value": json_schema(schema)}
    return {"type": "object", "properties": properties, "required": ["case", "name", "value"]}


def render(schema: Schema, record: Record) -> dict[str, Any]:
    """A record as a JSON object."""
    return {spec.name: render_value(spec.type, getattr(record, spec.name)) for spec in schema.fields}


def render_value(spec: TypeSpec, value: Any) -> Any:
    """A value of a field's type as JSON."""
    if spec.item is not None:
        item = spec.item
        return [render_value(item, inner) for inner in value]
    if spec.schema is not None:
        return render(spec.schema, value)
    if spec.cases:
        return _render_variant(spec, value)
    return render_scalar(spec.kind, value)


def _render_variant(spec: TypeSpec, value: Variant) -> dict[str, Any]:
    place = value.__struct_fields__.index(value.case)
    number, schema = spec.cases[place]
    return {"case": number, "name": value.case, "value": render(schema, value.value)}


def render_scalar(kind: Kind | KeyKind, value: Any) -> Any:
    """A scalar of a field or key part as JSON."""
    if kind == "amount":
        return str(value)
    if kind == "address":
        return address_text(value)
    return value.hex() if isinstance(value, bytes) else value


def render_key(kinds: tuple[KeyKind, ...], names: tuple[str, ...], key: tuple[Any, ...]) -> dict[str, Any]:
    """A row's key as an object by the names of its parts."""
    return {name: render_scalar(kind, part) for kind, name, part in zip(kinds, names, key, strict=True)}


def parse_key(kinds: tuple[KeyKind, ...], names: tuple[str, ...], texts: tuple[str, ...]) -> tuple[Any, ...]:
    """Key parts, or the first ones of a key, from texts; raises BadRequest(bad_key)."""
    if len(texts) > len(kinds):
        raise BadRequest("bad_key", f"the key has {len(kinds)} parts ({', '.join(names)}), {len(texts)} are given")
    return tuple(
        _scalar(kind, text, name, "bad_key") for kind, text, name in zip(kinds, texts, names, strict=False)
    )


def to_bytes(schema: Schema, given: Mapping[str, Any]) -> bytes:
    """The canonical bytes of a record given as a JSON object; raises BadRequest(bad_arguments).

    Bytes, because the classes that a schema makes are not those that a hand-written record nests.
    """
    record = _record(schema, given, schema.name)
    try:
        return codec_of(type(record)).encode(record)
    except InvalidRecord as reason:
        raise BadRequest(_BAD, f"{schema.name}: {reason}") from None


def _record(schema: Schema, given: Any, where: str) -> Record:
    if not isinstance(given, Mapping):
        raise BadRequest(_BAD, f"{where} must be an object")
    known = {spec.name: spec for spec in schema.fields}
    for name in given:
        if name not in known:
            fields = ", ".join(known) or "no fields"
            raise BadRequest(_BAD, f"{where} has no {str(name)[:64]!r}; it has {fields}")
    values = {name: _value(spec.type, given[name], f"{where}.{name}") for name, spec in known.items() if name in given}
    missing = [name for name, spec in known.items() if name not in given and not spec.has_default]
    if missing:
        raise BadRequest(_BAD, f"{where} lacks {', '.join(missing)}")
    return define_record(schema)(**values)


def _value(spec: TypeSpec, given: Any, where: str) -> Any:
    if spec.item is not None:
        if not isinstance(given, list):
            raise BadRequest(_BAD, f"{where} must be a list")
        return tuple(_value(spec.item, inner, f"{where}[{place}]") for place, inner in enumerate(given))
    if spec.schema is not None:
        return _record(spec.schema, given, where)
    if spec.cases:
        return _variant(spec, given, where)
    return _scalar(spec.kind, given, where)


def _variant(spec: TypeSpec, given: Any, where: str) -> Variant:
    number = given.get("case") if isinstance(given, Mapping) else None
    schema = dict(spec.cases).get(number) if type(number) is int else None
    if schema is None or not isinstance(given, Mapping):
        numbers = ", ".join(str(known) for known, _ in spec.cases)
        raise BadRequest(_BAD, f'{where} must be {{"case": number, "value": {{...}}}} with one of {numbers}')
    record = _record(schema, given.get("value", {}), f"{where}.value")
    return define_variant(spec).of(record)


def _scalar(kind: Kind | KeyKind, given: Any, where: str, code: str = _BAD) -> Any:
    try:
        return _READ[kind](given)
    except (ValueError, AddressInvalid) as reason:
        raise BadRequest(code, f"{where}: {reason}") from None


def _amount(given: Any) -> int:
    if type(given) is int and 0 <= given < 2**256:
        return given
    if not isinstance(given, str) or _DECIMAL.fullmatch(given) is None or int(given) >= 2**256:
        raise ValueError('an amount is a decimal string like "1000", below 2**256')
    return int(given)


def _flag(given: Any) -> bool:
    if isinstance(given, str) and given in ("true", "false"):
        return given == "true"
    if not isinstance(given, bool):
        raise ValueError("a flag is true or false")
    return given


def _text(given: Any) -> str:
    if not isinstance(given, str) or len(given) > 64 * 1024:
        raise ValueError("a text is a string of at most 64 KiB")
    given.encode()
    return given


def _data(given: Any) -> bytes:
    if not isinstance(given, str) or len(given) > 128 * 1024 or _HEX.fullmatch(given) is None:
        raise ValueError("bytes are a hex string with two digits a byte, at most 64 KiB")
    return bytes.fromhex(given)


def _hash(given: Any) -> bytes:
    raw = _data(given)
    if len(raw) != 32:
        raise ValueError("a hash is 64 hex digits")
    return raw


def _address(given: Any) -> bytes:
    if not isinstance(given, str):
        raise ValueError("an address is a text that begins with syn1")
    return parse_address(given)


_READ: Mapping[str, Callable[[Any], Any]] = {
    "amount": _amount,
    "flag": _flag,
    "text": _text,
    "data": _data,
    "hash": _hash,
    "address": _address,
}
