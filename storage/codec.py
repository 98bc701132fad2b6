"""Bytes of records: one encoder and one decoder for each schema, made once.

Whatever `encode` returns, `decode` gives back: it reads its own bytes before handing them out, which costs as much
as checking every field would. Own rows are read with `decode`; bytes from outside with `decode_canonical`, which
accepts them only when encoding the value gives the same bytes again. Integers over 64 bits, which msgpack lacks, are
minimal big-endian bytes and take a slower path.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Generic, TypeVar, cast

import msgspec

from storage.errors import InvalidRecord, NotCanonical
from storage.record import Record, schema_of
from storage.wide import from_wide, to_wide

R = TypeVar("R", bound=Record)

_encode: Callable[[Any], bytes] = msgspec.msgpack.Encoder().encode


class Codec(Generic[R]):
    """The codec of one record class; get it with `codec_of`."""

    __slots__ = ("_read", "name", "record", "schema")

    def __init__(self, record: type[R]) -> None:
        self.record = record
        self.schema = schema_of(record)
        self.name = self.schema.name
        self._read = msgspec.msgpack.Decoder(record).decode

    def encode(self, record: R) -> bytes:
        """The canonical bytes; raises `InvalidRecord` when a field breaks its type or bounds."""
        try:
            raw = _encode(record)
            if self._read(raw) == record:
                return raw
        except (msgspec.ValidationError, OverflowError, TypeError, UnicodeEncodeError):
            pass
        return self._encode_wide(record)

    def decode(self, raw: bytes) -> R:
        """The record of bytes that `encode` made; raises `NotCanonical` when they are no such record."""
        try:
            return self._read(raw)
        except (msgspec.ValidationError, UnicodeDecodeError):
            return self._decode_wide(raw)
        except msgspec.DecodeError as error:
            raise NotCanonical(self.name, str(error)) from None

    def decode_canonical(self, raw: bytes) -> R:
        """The record of bytes from anywhere; raises `NotCanonical` unless they are exactly its encoding."""
        record = self.decode(raw)
        try:
            again = self.encode(record)
        except InvalidRecord as error:
            raise NotCanonical(self.name, f"{error.field}: {error.reason}") from None
        if again != raw:
            raise NotCanonical(self.name, "another encoding of the same value is shorter or ordered")
        return record

    def check(self, record: R) -> None:
        """Raise `InvalidRecord` unless every field has its type and keeps its bounds."""
        self.encode(record)

    def _encode_wide(self, record: R) -> bytes:
        if type(record) is not self.record:
            raise InvalidRecord(self.name, "", f"a {type(record).__name__} is not a {self.name}")
        return _encode(to_wide(self.schema, record))

    def _decode_wide(self, raw: bytes) -> R:
        try:
            return cast(R, from_wide(self.record, msgspec.msgpack.decode(raw)))
        except (msgspec.DecodeError, UnicodeDecodeError, InvalidRecord, RecursionError) as error:
            raise NotCanonical(self.name, str(error)) from None


@cache
def codec_of(record: type[R]) -> Codec[R]:
    """The codec of a record class, the same one every time."""
    return Codec(record)


