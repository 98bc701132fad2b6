"""What a record is, as plain values: field numbers, names, types, defaults, marks.

A schema has the same meaning wherever it came from: a class written by hand or declarations read from a bundle. Its
digest covers everything that changes stored bytes or what the host counts; the record's own name is not among it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import msgspec

from storage.hashing import TAG_SCHEMA, tagged

Kind = Literal["amount", "flag", "text", "data", "address", "hash", "list", "record", "variant"]

AMOUNT_BITS = 256
ADDRESS_BYTES = 20
DIGEST_BYTES = 32
MAX_TEXT_BYTES = 64 * 1024
MAX_DATA_BYTES = 64 * 1024
MAX_ITEMS = 64 * 1024
"""Most items of one tuple."""

ZEROS: dict[Kind, object] = {"amount": 0, "flag": False, "text": "", "data": b"", "list": ()}
"""The one default each kind may have; kinds that are missing here have none."""


@dataclass(frozen=True)
class TypeSpec:
    """The type of one field. ``item`` is set for lists, ``schema`` for records, ``cases`` for variants."""

    kind: Kind
    item: TypeSpec | None = None
    schema: Schema | None = None
    cases: tuple[tuple[int, Schema], ...] = ()

    def describe(self) -> list[object]:
        """The type as nested lists of texts and numbers: what the digest is taken of."""
        parts: list[object] = [self.kind]
        if self.item is not None:
            parts.append(self.item.describe())
        if self.schema is not None:
            parts.append(self.schema.describe())
        if self.cases:
            parts.append([[number, schema.describe()] for number, schema in self.cases])
        return parts


@dataclass(frozen=True)
class FieldSpec:
    """One field. A field with a default is left out of the bytes when it has its kind's zero value."""

    number: int
    name: str
    type: TypeSpec
    has_default: bool = False
    value: str = ""
    """Mark for the host's own counting: ``coin`` for fields that belong to the supply, else empty."""


@dataclass(frozen=True)
class Schema:
    """A record's fields in ascending order of their numbers."""

    name: str
    fields: tuple[FieldSpec, ...]

    def describe(self) -> list[object]:
        """The fields as nested lists: what the digest is taken of."""
        return [[f.number, f.name, f.type.describe(), f.has_default, f.value] for f in self.fields]

    @cached_property
    def digest(self) -> bytes:
        """32 bytes that two schemas share only when every record of one is a record of the other."""
        return tagged(TAG_SCHEMA, msgspec.msgpack.encode(self.describe()))

    def field(self, name: str) -> FieldSpec | None:
        """The field of that name, or None."""
        return next((spec for spec in self.fields if spec.name == name), None)
