"""Arguments as people type them, `name=value`, made into a call's canonical bytes by the schema it declares.

An amount is decimal digits, a flag true or false, bytes and hashes are hex, an address is syn1... text or the name of
a key in the home. A list, a record or a variant is JSON, spelled as the node's HTTP face spells it. Every error names
the argument and its type.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from node.errors import BadRequest
from node.http.values import to_bytes
from runtime.interface import type_text
from storage.record import FieldSpec, Schema

NESTED = frozenset({"list", "record", "variant"})
Resolve = Callable[[str], str]
"""From a key's name, or an address, to the address's text."""


def signature_of(name: str, schema: Schema) -> str:
    """A call as one types it: ``bank.send to=ADDRESS coins=AMOUNT``; what may be left out stands in brackets."""
    return " ".join([name, *(_typed(spec) for spec in schema.fields)])


def given(name: str, schema: Schema, words: Sequence[str], resolve: Resolve) -> dict[str, Any]:
    """The arguments of ``name`` as JSON values; raises a usage error that names what is wrong with which."""
    values: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        spec = schema.field(key)
        if not equals or spec is None:
            what = f"{name} has no argument {key!r}" if equals else f"{word!r} is not name=value"
            raise click.UsageError(f"{what}; type {signature_of(name, schema)}")
        if key in values:
            raise click.UsageError(f"{name}: {key} is given twice")
        values[key] = _value(name, spec, text, resolve)
        _check(name, spec, values[key])
    missing = [spec for spec in schema.fields if spec.name not in values and not spec.has_default]
    if missing:
        wanted = ", ".join(f"{spec.name} ({type_text(spec.type)})" for spec in missing)
        raise click.UsageError(f"{name} lacks {wanted}; type {signature_of(name, schema)}")
    return values


def encoded(name: str, schema: Schema, values: Mapping[str, Any]) -> bytes:
    """Canonical bytes of arguments given as JSON values; raises a usage error."""
    try:
        return to_bytes(schema, values)
    except BadRequest as wrong:
        raise click.UsageError(f"{name}: {wrong}") from None


def _value(name: str, spec: FieldSpec, text: str, resolve: Resolve) -> Any:
    if spec.type.kind == "address":
        return resolve(text)
    if spec.type.kind not in NESTED:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise click.UsageError(f"{name}: {spec.name} ({type_text(spec.type)}) is given as JSON: {wrong}") from None


def _check(name: str, spec: FieldSpec, value: Any) -> None:
    """Refuse one value by itself, so that the error is about this argument and no other."""
    try:
        to_bytes(Schema(name, (spec,)), {spec.name: value})
    except BadRequest as wrong:
        reason = str(wrong).removeprefix(f"{name}.{spec.name}: ")
        raise click.UsageError(f"{name}: {spec.name} ({type_text(spec.type)}): {reason}") from None


def _typed(spec: FieldSpec) -> str:
    text = f"{spec.name}={'JSON' if spec.type.kind in NESTED else spec.type.kind.upper()}"
    return f"[{text}]" if spec.has_default else text
