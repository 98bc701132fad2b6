"""What a class body of a record or variant must be, and how it becomes a msgspec struct.

Every field has a name, a type out of a short list and a number above the one before. Declarations are checked once,
when the class is made; `InvalidSchema` says what is wrong.
"""

from __future__ import annotations

import keyword
import typing
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from storage.errors import InvalidSchema
from storage.schema import (
    ADDRESS_BYTES,
    DIGEST_BYTES,
    MAX_DATA_BYTES,
    MAX_ITEMS,
    MAX_TEXT_BYTES,
    ZEROS,
    FieldSpec,
    Kind,
    Schema,
    TypeSpec,
)

Amount = Annotated[int, Meta(ge=0), "amount"]
"""0 to 2**256 - 1."""
Flag = bool
Text = Annotated[str, Meta(max_length=MAX_TEXT_BYTES), "text"]
"""At most 64 KiB of UTF-8."""
Data = Annotated[bytes, Meta(max_length=MAX_DATA_BYTES), "data"]
"""At most 64 KiB."""
Address = Annotated[bytes, Meta(min_length=ADDRESS_BYTES, max_length=ADDRESS_BYTES), "address"]
"""Exactly 20 bytes."""
Hash = Annotated[bytes, Meta(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES), "hash"]
"""Exactly 32 bytes."""

SCALARS: dict[Kind, Any] = {
    "amount": Amount, "flag": Flag, "text": Text, "data": Data, "address": Address, "hash": Hash,
}  # fmt: skip

NO_DEFAULT: Any = object()


@dataclass(frozen=True, slots=True)
class Declared:
    """What `field` and `case` leave in a class body until the class is made."""

    number: int
    default: Any
    value: str


def finish_record(name: str, namespace: dict[str, Any]) -> None:
    """Make a class body with numbered fields one that msgspec understands, and put the schema into it."""
    declared = _take_declared(name, namespace, taken=frozenset({"but"}))
    hints = _resolve(name, namespace)
    specs = []
    for attribute, spec in declared.items():
        kind = _type_spec(name, attribute, hints[attribute])
        has_default = spec.default is not NO_DEFAULT
        _check_marks(name, attribute, kind, spec, has_default)
        options: dict[str, Any] = {"default": ZEROS[kind.kind]} if has_default else {}
        namespace[attribute] = msgspec.field(name=str(spec.number), **options)
        specs.append(FieldSpec(spec.number, attribute, kind, has_default, spec.value))
    namespace["__annotations__"] = {attribute: _bounded(hint) for attribute, hint in hints.items()}
    namespace["__schema__"] = Schema(name, tuple(specs))
    namespace["__types__"] = hints


def finish_variant(name: str, namespace: dict[str, Any]) -> None:
    """The same for a variant, whose fields are its cases; exactly one of them is set in a value."""
    declared = _take_declared(name, namespace, taken=frozenset({"of", "value", "case"}))
    hints = _resolve(name, namespace)
    if not declared:
        raise InvalidSchema(name, "a variant needs a case")
    cases = []
    for attribute, spec in declared.items():
        kind = _type_spec(name, attribute, hints[attribute])
        if kind.schema is None:
            raise InvalidSchema(name, f"case {attribute} must be a record")
        namespace[attribute] = msgspec.field(name=str(spec.number), default=None)
        cases.append((spec.number, kind.schema))
    if len(set(hints.values())) != len(hints):
        raise InvalidSchema(name, "two cases have the same record; declare one record a case")
    namespace["__annotations__"] = {attribute: hint | None for attribute, hint in hints.items()}
    namespace["__schema__"] = TypeSpec("variant", cases=tuple(cases))
    namespace["__types__"] = hints


def _take_declared(name: str, namespace: dict[str, Any], taken: frozenset[str]) -> dict[str, Declared]:
    declared = {}
    last = 0
    for attribute in namespace.get("__annotations__", {}):
        spec = namespace.get(attribute)
        if not isinstance(spec, Declared):
            raise InvalidSchema(name, f"{attribute} needs a number: write `{attribute}: Type = field(1)`")
        if attribute in taken or attribute.startswith("_") or keyword.iskeyword(attribute):
            raise InvalidSchema(name, f"{attribute} is no name for a field")
        if type(spec.number) is not int or spec.number <= last:
            raise InvalidSchema(name, f"number of {attribute} must be above {last}: numbers ascend and stay")
        declared[attribute] = spec
        last = spec.number
    if any(isinstance(value, Declared) and attribute not in declared for attribute, value in namespace.items()):
        raise InvalidSchema(name, "a field without a type; write `name: Type = field(1)`")
    return declared


def _resolve(name: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """The annotations as types, texts looked up in the module that declares the class."""
    holder = type(name, (), {key: namespace[key] for key in ("__annotations__", "__module__") if key in namespace})
    try:
        return typing.get_type_hints(holder, include_extras=True)
    except (NameError, SyntaxError, TypeError, AttributeError) as error:
        raise InvalidSchema(name, f"{error}; declare types above, at module level") from None


def _check_marks(name: str, attribute: str, kind: TypeSpec, spec: Declared, has_default: bool) -> None:
    if has_default:
        zero = ZEROS.get(kind.kind, NO_DEFAULT)
        if type(spec.default) is not type(zero) or spec.default != zero:
            raise InvalidSchema(name, f"default of {attribute} must be the zero value of {kind.kind}, or none")
    if spec.value and (spec.value != "coin" or kind.kind != "amount"):
        raise InvalidSchema(name, f'{attribute}: only an Amount can be marked, and only as value="coin"')


def _type_spec(name: str, attribute: str, hint: Any) -> TypeSpec:
    for kind, scalar in SCALARS.items():
        if hint == scalar:
            return TypeSpec(kind)
    if typing.get_origin(hint) is tuple and typing.get_args(hint)[1:] == (Ellipsis,):
        return TypeSpec("list", item=_type_spec(name, attribute, typing.get_args(hint)[0]))
    declared = getattr(hint, "__schema__", None)
    if isinstance(declared, Schema):
        return TypeSpec("record", schema=declared)
    if isinstance(declared, TypeSpec):
        return declared
    allowed = "Amount, Flag, Text, Data, Address, Hash, a record, a variant or tuple[type, ...]"
    raise InvalidSchema(name, f"{attribute} must be {allowed}")


def _bounded(hint: Any) -> Any:
    """The type as msgspec should read it: tuples, nested ones too, with a bound on their length."""
    if typing.get_origin(hint) is tuple:
        inner = _bounded(typing.get_args(hint)[0])
        return Annotated[tuple[inner, ...], Meta(max_length=MAX_ITEMS)]  # type: ignore[valid-type]
    return hint
