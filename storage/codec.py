"""Bytes of records: one encoder and one decoder for each class, made once.

Whatever `encode` returns, `decode` gives back: it reads its own bytes before handing them out, which costs as much as
checking every field would. Own rows are read with `decode`; bytes from outside with `decode_canonical`, which accepts
only what encoding the value gives again. Integers over 64 bits, which msgpack lacks, are minimal big-endian bytes and
take a slower path.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Generic, TypeVar, cast

import msgspec

from storage.errors import InvalidRecord, NotCanonical
from storage.record import Record, schema_of
from storage.schema import MAX_TEXT_BYTES
from storage.wide import from_plain, to_plain

R = TypeVar("R", bound=Record)

_encode: Callable[[Any], bytes] = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], Any] = msgspec.msgpack.Decoder().decode


class Codec(Generic[R]):
    """The codec of one record class; get it with `codec_of`."""

    __slots__ = ("_from_plain", "_read", "_to_plain", "name", "record", "schema")

    def __init__(self, record: type[R]) -> None:
        self.record = record
        self.schema = schema_of(record)
        self.name = self.schema.name
        self._read = msgspec.msgpack.Decoder(record).decode
        self._to_plain = to_plain(record)
        self._from_plain = from_plain(record)

    def encode(self, record: R) -> bytes:
        """The canonical bytes; raises `InvalidRecord` when a field breaks its type or bounds."""
        try:
            raw = _encode(record)
            # Only a longer text can hide a breach: msgspec bounds its characters, the rule its bytes.
            if len(raw) <= MAX_TEXT_BYTES and self._read(raw) == record:
                return raw
        except (ValueError, TypeError, OverflowError):
            pass
        return self._encode_slowly(record)

    def decode(self, raw: bytes) -> R:
        """The record of bytes that `encode` made; raises `NotCanonical` when they are no such record."""
        try:
            return self._read(raw)
        except ValueError:
            return self._decode_slowly(raw)

    def decode_canonical(self, raw: bytes) -> R:
        """The record of bytes from anywhere; raises `NotCanonical` unless they are exactly its encoding."""
        record = self.decode(raw)
        try:
            canonical = self.gives(record, raw)
        except InvalidRecord as error:
            raise NotCanonical(self.name, str(error)) from None
        if not canonical:
            raise NotCanonical(self.name, "the same value has other, canonical bytes")
        return record

    def gives(self, record: R, raw: bytes) -> bool:
        """Whether ``record``, which was decoded of ``raw``, is encoded as just these bytes; raises `InvalidRecord`."""
        try:
            if len(raw) <= MAX_TEXT_BYTES and _encode(record) == raw:
                return True  # encode would read what it made, and that was read before
        except OverflowError:
            pass
        return self.encode(record) == raw

    def check(self, record: R) -> None:
        """Raise `InvalidRecord` unless every field has its type and keeps its bounds."""
        self.encode(record)

    def _encode_slowly(self, record: R) -> bytes:
        try:
            return _encode(self._to_plain(record))
        except ValueError as error:
            raise InvalidRecord(self.name, "", str(error)) from None

    def _decode_slowly(self, raw: bytes) -> R:
        try:
            return cast(R, self._from_plain(_decode(raw)))
        except (ValueError, InvalidRecord, RecursionError) as error:
            raise NotCanonical(self.name, str(error)) from None


@cache
def codec_of(record: type[R]) -> Codec[R]:
    """The codec of a record class, the same one every time."""
    return Codec(record)
