"""Records: typed values whose canonical bytes never depend on who wrote them, or when.

A record is its fields in ascending order of their numbers, a field equal to its default left out. So a new field with
a default changes no stored byte. Numbers are never reused. A variant is the number of its case with that case's
record. Underneath, a record is a msgspec struct and its bytes are a msgpack map with the keys "1", "2", ...

    class Account(Record):
        balance: Amount = field(1, value="coin")
        frozen: Flag = field(2, default=False)

    class Payload(Variant):
        upgrade: Upgrade = case(1)
        text: Plain = case(2)

    Payload.of(Plain(title="hello")).value      # the Plain again

Defaults may only be zero values: 0, False, "", b"", (). Classes that use postponed annotations must stand at module
level, below the records they name.
"""

from __future__ import annotations

import keyword
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar, cast, dataclass_transform

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

__all__ = [
    "Address", "Amount", "Data", "Flag", "Hash", "Text",
    "Record", "Variant", "case", "field",
    "FieldSpec", "Kind", "Schema", "TypeSpec",
    "define_record", "define_variant", "schema_of", "variant_of",
]

if TYPE_CHECKING:
    # To a type checker a msgspec struct is a mutable dataclass, from which no frozen one may inherit.
    class StructMeta(type): ...

    class Struct:
        __struct_fields__: ClassVar[tuple[str, ...]]
else:
    from msgspec import Struct, StructMeta

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

_SCALARS: dict[Kind, Any] = {
    "amount": Amount, "flag": Flag, "text": Text, "data": Data, "address": Address, "hash": Hash,
}
_NO_DEFAULT: Any = object()
_replace: Callable[..., object] = msgspec.structs.replace
_OPTIONS: dict[str, Any] = {
    "frozen": True, "kw_only": True, "omit_defaults": True, "forbid_unknown_fields": True, "gc": False,
}


@dataclass(frozen=True, slots=True)
class _Declared:
    """What `field` and `case` leave in a class body until the class is made."""

    number: int
    default: Any
    value: str


def field(number: int, *, default: Any = _NO_DEFAULT, value: str = "") -> Any:
    """Declare a record's field. ``default`` is the kind's zero value; ``value="coin"`` counts it in the supply."""
    return _Declared(number, default, value)


def case(number: int, *, init: bool = False) -> Any:
    """Declare a variant's case, a record class. Values are made with `Variant.of`."""
    return _Declared(number, None, "")


class _RecordMeta(StructMeta):
    """Turns numbered fields into msgspec fields and keeps the schema with the class."""

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        if not any(isinstance(base, _RecordMeta) for base in bases):
            return super().__new__(mcls, name, bases, namespace, **_OPTIONS)
        if any(base not in (Record, Variant) for base in bases):
            raise InvalidSchema(name, "records are not inherited from; nest them")
        is_variant = any(issubclass(base, Variant) for base in bases)
        declared = _take_declared(name, namespace, _VARIANT_NAMES if is_variant else _RECORD_NAMES)
        hints = _resolve(name, namespace)
        finish = _finish_variant if is_variant else _finish_record
        finish(name, namespace, declared, hints)
        return super().__new__(mcls, name, bases, namespace, kw_only=True)  # msgspec does not inherit this one


def _take_declared(name: str, namespace: dict[str, Any], reserved: frozenset[str]) -> dict[str, _Declared]:
    declared = {}
    for attribute in namespace.get("__annotations__", {}):
        spec = namespace.get(attribute)
        if not isinstance(spec, _Declared):
            raise InvalidSchema(name, f"{attribute} needs a number: write `{attribute}: Type = field(1)`")
        declared[attribute] = spec
    _check_names(name, declared, reserved)
    return declared


def _check_names(name: str, declared: dict[str, _Declared], reserved: frozenset[str]) -> None:
    last = 0
    for attribute, spec in declared.items():
        if attribute in reserved or attribute.startswith("_") or keyword.iskeyword(attribute):
            raise InvalidSchema(name, f"{attribute} is no name for a field")
        if type(spec.number) is not int or spec.number <= last:
            raise InvalidSchema(name, f"number of {attribute} must be above {last}: numbers ascend and stay")
        last = spec.number


def _resolve(name: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """The annotations as types, texts looked up in the module that declares the class."""
    holder = type(name, (), {
        "__annotations__": namespace.get("__annotations__", {}),
        "__module__": namespace.get("__module__", __name__),
    })
    try:
        return typing.get_type_hints(holder, include_extras=True)
    except (NameError, SyntaxError, TypeError) as error:
        raise InvalidSchema(name, f"{error}; declare types above, at module level") from None


def _finish_record(
    name: str, namespace: dict[str, Any], declared: dict[str, _Declared], hints: dict[str, Any]
) -> None:
    specs = []
    for attribute, spec in declared.items():
        kind = _type_spec(name, attribute, hints[attribute])
        has_default = spec.default is not _NO_DEFAULT
        _check_marks(name, attribute, kind, spec, has_default)
        options: dict[str, Any] = {"default": ZEROS[kind.kind]} if has_default else {}
        namespace[attribute] = msgspec.field(name=str(spec.number), **options)
        specs.append(FieldSpec(spec.number, attribute, kind, has_default, spec.value))
    namespace["__annotations__"] = {attribute: _bounded(hint) for attribute, hint in hints.items()}
    namespace["__schema__"] = Schema(name, tuple(specs))


def _check_marks(name: str, attribute: str, kind: TypeSpec, spec: _Declared, has_default: bool) -> None:
    if has_default:
        zero = ZEROS.get(kind.kind, _NO_DEFAULT)
        if type(spec.default) is not type(zero) or spec.default != zero:
            raise InvalidSchema(name, f"default of {attribute} must be the zero value of {kind.kind}, or none")
    if spec.value and (spec.value != "coin" or kind.kind != "amount"):
        raise InvalidSchema(name, f'{attribute}: only an Amount can be marked, and only as value="coin"')


def _finish_variant(
    name: str, namespace: dict[str, Any], declared: dict[str, _Declared], hints: dict[str, Any]
) -> None:
    if not declared:
        raise InvalidSchema(name, "a variant needs a case")
    cases = []
    for attribute, spec in declared.items():
        hint = hints[attribute]
        if not (isinstance(hint, type) and issubclass(hint, Record)):
            raise InvalidSchema(name, f"case {attribute} must be a record")
        namespace[attribute] = msgspec.field(name=str(spec.number), default=None)
        cases.append((spec.number, schema_of(hint)))
    records = list(hints.values())
    if len(set(records)) != len(records):
        raise InvalidSchema(name, "two cases have the same record; declare one record a case")
    namespace["__annotations__"] = {attribute: hint | None for attribute, hint in hints.items()}
    namespace["__variant__"] = TypeSpec("variant", cases=tuple(cases))
    namespace["__case_names__"] = dict(zip(records, hints, strict=True))


def _type_spec(name: str, attribute: str, hint: Any) -> TypeSpec:
    for kind, scalar in _SCALARS.items():
        if hint == scalar:
            return TypeSpec(kind)
    if typing.get_origin(hint) is tuple:
        item, *rest = typing.get_args(hint)
        if rest == [Ellipsis]:
            return TypeSpec("list", item=_type_spec(name, attribute, item))
    if isinstance(hint, type) and issubclass(hint, Record):
        return TypeSpec("record", schema=schema_of(hint))
    if isinstance(hint, type) and issubclass(hint, Variant):
        return variant_of(hint)
    raise InvalidSchema(
        name,
        f"{attribute} must be Amount, Flag, Text, Data, Address, Hash, a record, a variant or tuple[type, ...]",
    )


def _bounded(hint: Any) -> Any:
    """The type as msgspec should read it: tuples, nested ones too, with a bound on their length."""
    if typing.get_origin(hint) is tuple:
        inner = _bounded(typing.get_args(hint)[0])
        return Annotated[tuple[inner, ...], Meta(max_length=MAX_ITEMS)]  # type: ignore[valid-type]
    return hint


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Record(Struct, metaclass=_RecordMeta):
    """A frozen value with numbered, typed fields; made with keywords, compared by content."""

    def but(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return cast(Self, _replace(self, **changes))


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(case,))
class Variant(Struct, metaclass=_RecordMeta):
    """One record out of several kinds, told apart by the number of its case."""

    def __post_init__(self) -> None:
        if sum(getattr(self, name) is not None for name in self.__struct_fields__) != 1:
            raise ValueError("a variant holds exactly one case")

    @classmethod
    def of(cls, record: Record) -> Self:
        """The variant that holds ``record``; its class says which case it is."""
        names: dict[type, str] = cls.__case_names__  # type: ignore[attr-defined]
        name = names.get(type(record))
        if name is None:
            raise InvalidSchema(cls.__name__, f"no case holds a {type(record).__name__}")
        return cls(**{name: record})

    @property
    def value(self) -> Any:
        """The record it holds; ask for its class with isinstance."""
        return getattr(self, self.case)

    @property
    def case(self) -> str:
        """The name of the case."""
        return next(name for name in self.__struct_fields__ if getattr(self, name) is not None)


_RECORD_NAMES = frozenset({"but"})
_VARIANT_NAMES = frozenset({"of", "value", "case"})

R = TypeVar("R", bound=Record)


def schema_of(record: type[Record]) -> Schema:
    """The schema of a record class."""
    return cast(Schema, record.__schema__)  # type: ignore[attr-defined]


def variant_of(variant: type[Variant]) -> TypeSpec:
    """The type of a variant class: its numbered cases."""
    return cast(TypeSpec, variant.__variant__)  # type: ignore[attr-defined]


@cache
def define_record(schema: Schema) -> type[Record]:
    """The class of a schema, as fast and with the same bytes as one written by hand; the same one every time."""
    namespace: dict[str, Any] = {"__module__": __name__, "__annotations__": {}}
    for spec in schema.fields:
        namespace["__annotations__"][spec.name] = _python_type(spec.type)
        default = ZEROS.get(spec.type.kind, None) if spec.has_default else _NO_DEFAULT
        namespace[spec.name] = field(spec.number, default=default, value=spec.value)
    return cast(type[Record], types.new_class(schema.name, (Record,), exec_body=lambda body: body.update(namespace)))


@cache
def define_variant(spec: TypeSpec) -> type[Variant]:
    """The class of a variant's type; its cases are named by their numbers."""
    namespace: dict[str, Any] = {"__module__": __name__, "__annotations__": {}}
    for number, schema in spec.cases:
        namespace["__annotations__"][f"case_{number}"] = define_record(schema)
        namespace[f"case_{number}"] = case(number)
    return cast(type[Variant], types.new_class("Variant", (Variant,), exec_body=lambda body: body.update(namespace)))


def _python_type(spec: TypeSpec) -> Any:
    if spec.item is not None:
        return tuple[_python_type(spec.item), ...]  # type: ignore[misc]
    if spec.schema is not None:
        return define_record(spec.schema)
    return define_variant(spec) if spec.cases else _SCALARS[spec.kind]
