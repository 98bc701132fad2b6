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

import types
from collections.abc import Callable
from functools import cache, wraps
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast, dataclass_transform

import msgspec

from storage.declaring import (
    NO_DEFAULT,
    SCALARS,
    Address,
    Amount,
    Data,
    Declared,
    Flag,
    Hash,
    Text,
    finish_record,
    finish_variant,
)
from storage.errors import InvalidRecord, InvalidSchema
from storage.schema import ZEROS, FieldSpec, Kind, Schema, TypeSpec

__all__ = [
    "Address", "Amount", "Data", "Flag", "Hash", "Text",
    "Record", "Variant", "case", "field",
    "FieldSpec", "Kind", "Schema", "TypeSpec",
    "cases_of", "define_record", "define_variant", "schema_of", "types_of", "variant_of",
]  # fmt: skip

if TYPE_CHECKING:
    # To a type checker a msgspec struct is a mutable dataclass, from which no frozen one may inherit.
    class StructMeta(type): ...

    class Struct:
        __struct_fields__: ClassVar[tuple[str, ...]]
else:
    from msgspec import Struct, StructMeta

_OPTIONS: dict[str, Any] = {
    "frozen": True, "kw_only": True, "omit_defaults": True, "forbid_unknown_fields": True, "gc": False,
}  # fmt: skip
_replace: Callable[..., Any] = msgspec.structs.replace
_defining = RLock()
K = TypeVar("K")
D = TypeVar("D")


def field(number: int, *, default: Any = NO_DEFAULT, value: str = "") -> Any:
    """Declare a record's field. ``default`` is the kind's zero value; ``value="coin"`` counts it in the supply."""
    return Declared(number, default, value)


def case(number: int) -> Any:
    """Declare a variant's case, a record class of its own. Values are made with `Variant.of`."""
    return Declared(number, None, "")


class _RecordMeta(StructMeta):
    """Turns numbered fields into msgspec fields and keeps the schema with the class."""

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        if not any(isinstance(base, _RecordMeta) for base in bases):
            return super().__new__(mcls, name, bases, namespace, **_OPTIONS)
        if bases == (Record,):
            finish_record(name, namespace)
        elif bases == (Variant,):
            finish_variant(name, namespace)
        else:
            raise InvalidSchema(name, "records are not inherited from; nest them")
        return super().__new__(mcls, name, bases, namespace, kw_only=True)  # msgspec does not inherit this one


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Record(Struct, metaclass=_RecordMeta):
    """A frozen value with numbered, typed fields; made with keywords, compared by content."""

    def but(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        changed: Self = _replace(self, **changes)
        return changed


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(case,))
class Variant(Struct, metaclass=_RecordMeta):
    """One record out of several kinds, told apart by the number of its case."""

    def __post_init__(self) -> None:
        if sum(getattr(self, name) is not None for name in self.__struct_fields__) != 1:
            raise ValueError("a variant holds exactly one case")

    @classmethod
    def of(cls, record: Record) -> Self:
        """The variant that holds ``record``; its class says which case it is."""
        for name, kind in types_of(cls).items():
            if kind is type(record):
                return cls(**{name: record})
        raise InvalidRecord(cls.__name__, "", f"no case holds a {type(record).__name__}")

    @property
    def value(self) -> Any:
        """The record it holds; ask for its class with isinstance."""
        return getattr(self, self.case)

    @property
    def case(self) -> str:
        """The name of the case."""
        return next(name for name in self.__struct_fields__ if getattr(self, name) is not None)


def schema_of(record: type[Record]) -> Schema:
    """The schema of a record class."""
    return cast(Schema, record.__schema__)  # type: ignore[attr-defined]


def variant_of(variant: type[Variant]) -> TypeSpec:
    """The type of a variant class: its numbered cases."""
    return cast(TypeSpec, variant.__schema__)  # type: ignore[attr-defined]


def types_of(declared: type[Record] | type[Variant]) -> dict[str, Any]:
    """The Python type of each field, or the record class of each case."""
    return cast(dict[str, Any], declared.__types__)  # type: ignore[union-attr]


def cases_of(variant: type[Variant]) -> list[tuple[int, type[Record]]]:
    """The record class of each case by its number."""
    numbers = [number for number, _ in variant_of(variant).cases]
    return list(zip(numbers, types_of(variant).values(), strict=True))


def _one_for_all(define: Callable[[K], D]) -> Callable[[K], D]:
    """As `functools.cache`, which lets two threads make two classes of one schema: to each other, records of those are
    of another table."""
    known = cache(define)

    @wraps(define)
    def defined(declared: K) -> D:
        with _defining:
            return known(declared)

    return defined


@_one_for_all
def define_record(schema: Schema) -> type[Record]:
    """The class of a schema, as fast and with the same bytes as one written by hand; the same one every time, on every
    thread."""
    fields = {
        spec.name: field(
            spec.number, default=ZEROS.get(spec.type.kind) if spec.has_default else NO_DEFAULT, value=spec.value
        )
        for spec in schema.fields
    }
    annotations = {spec.name: _python_type(spec.type) for spec in schema.fields}
    return cast(type[Record], _declare(schema.name, Record, annotations, fields))


@_one_for_all
def define_variant(spec: TypeSpec) -> type[Variant]:
    """The class of a variant's type, one as `define_record`'s; its cases are named by their numbers."""
    annotations = {f"case_{number}": define_record(schema) for number, schema in spec.cases}
    cases = {f"case_{number}": case(number) for number, _ in spec.cases}
    return cast(type[Variant], _declare("Variant", Variant, annotations, cases))


def _declare(name: str, base: type, annotations: dict[str, Any], values: dict[str, Any]) -> type:
    namespace = {"__module__": __name__, "__annotations__": annotations, **values}
    return types.new_class(name, (base,), exec_body=lambda body: body.update(namespace))


def _python_type(spec: TypeSpec) -> Any:
    if spec.item is not None:
        return tuple[_python_type(spec.item), ...]  # type: ignore[misc]
    if spec.schema is not None:
        return define_record(spec.schema)
    return define_variant(spec) if spec.cases else SCALARS[spec.kind]
