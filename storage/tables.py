"""Tables: a name, the half of the state they belong to, the kinds of their key and the record of their rows.

A table is a plain value that says how rows are read and written; where they stand is the catalogue's business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec

from storage.codec import Codec, codec_of
from storage.errors import InvalidSchema, TableMismatch
from storage.hashing import TAG_TABLE, tagged
from storage.keys import KEY_KINDS, KeyKind, packer_of, unpack_key
from storage.record import Record, Schema, schema_of

R = TypeVar("R", bound=Record)


class Half(Enum):
    """Which of the two roots covers a table. Bundles touch only the runtime half; rollbacks rewind only that."""

    HOST = "host"
    RUNTIME = "runtime"


@dataclass(frozen=True)
class Table(Generic[R]):
    """One table. An empty key means that it has at most one row."""

    name: str
    """Full name, ``module.table``, unique within its half."""
    half: Half
    key: tuple[KeyKind, ...]
    key_names: tuple[str, ...]
    record: type[R]

    def __post_init__(self) -> None:
        if len(self.key) != len(self.key_names) or not set(self.key) <= set(KEY_KINDS):
            raise InvalidSchema(self.name, f"key {self.key} with names {self.key_names} does not fit")

    @cached_property
    def codec(self) -> Codec[R]:
        return codec_of(self.record)

    @cached_property
    def schema(self) -> Schema:
        return schema_of(self.record)

    @cached_property
    def schema_digest(self) -> bytes:
        """32 bytes over the record's schema and the kinds of the key: equal when stored rows mean the same."""
        return tagged(TAG_TABLE, msgspec.msgpack.encode([list(self.key), self.schema.digest]))

    def require_stored_as(self, half: Half, schema: bytes) -> None:
        """Raise `TableMismatch` unless rows that are stored in this half and schema are those of this declaration."""
        if half is not self.half:
            raise TableMismatch(self.name, f"of the {half.value} half, asked for in the other")
        if schema != self.schema_digest:
            raise TableMismatch(self.name, f"{schema.hex()[:16]}, asked {self.schema_digest.hex()[:16]}")

    @cached_property
    def pack(self) -> Callable[[tuple[Any, ...]], bytes]:
        """Key values to key bytes; fewer values give the prefix of the keys that begin with them."""
        return packer_of(self.key)

    def unpack(self, raw: bytes) -> tuple[Any, ...]:
        """Key bytes to key values; raises `InvalidKey`."""
        return unpack_key(self.key, raw)


def host_table(
    name: str, record: type[R], key: tuple[KeyKind, ...] = ("address",), names: tuple[str, ...] = ("owner",)
) -> Table[R]:
    """A table of the host half."""
    return Table(name, Half.HOST, key, names, record)
