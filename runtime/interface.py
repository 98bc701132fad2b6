"""The interface of a call: 8 bytes that say what a signature agreed to.

They are the first 8 bytes of SHA-256 over one line of text: module, call, each argument with its number, name and
type, records expanded to their fields down to plain types, and the ``meaning`` number. The names of record types are
left out, because renaming one changes neither the bytes of a call nor its sense. A runtime runs a call only when its
own interface is equal: a transaction signed for another shape or meaning is refused, never reinterpreted. Authors
raise ``meaning`` when the same arguments come to mean something else.

    bank.send(1:to:address,2:coins:amount)#1
"""

from __future__ import annotations

from hashlib import sha256

from storage.record import Schema, TypeSpec

INTERFACE_BYTES = 8
_TAG = "synod/interface/"


def interface_of(module: str, call: str, args: Schema, meaning: int) -> bytes:
    """The 8 bytes that a transaction names beside its call."""
    return sha256((_TAG + interface_text(module, call, args, meaning)).encode()).digest()[:INTERFACE_BYTES]


def interface_text(module: str, call: str, args: Schema, meaning: int) -> str:
    """The line that `interface_of` hashes; shown to people who ask why two interfaces differ."""
    return f"{module}.{call}({_fields(args)})#{meaning}"


def type_text(spec: TypeSpec) -> str:
    """A type with its records expanded: ``[address]``, ``{1:to:address}``, ``<1{...}|2{...}>``."""
    if spec.kind == "list" and spec.item is not None:
        return f"[{type_text(spec.item)}]"
    if spec.kind == "record" and spec.schema is not None:
        return f"{{{_fields(spec.schema)}}}"
    if spec.kind == "variant":
        return "<" + "|".join(f"{number}{{{_fields(schema)}}}" for number, schema in spec.cases) + ">"
    return spec.kind


def _fields(schema: Schema) -> str:
    """Numbers, names and types; ``?`` marks a field left out when it is zero, which changes the bytes."""
    return ",".join(
        f"{field.number}:{field.name}:{type_text(field.type)}{'?' if field.has_default else ''}"
        for field in schema.fields
    )
