"""Records of LevelDB's logs, of which the MANIFEST is one.

A log is blocks of 32 KiB holding fragments of records, each `crc(4) length(2) type(1)` and its bytes. A crash leaves a
last record cut short, or zeros to the end. Where a disk wrote the sectors of the last writes in another order, it also
leaves zeros or older bytes before newer ones: only checksums tell.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

BLOCK = 32768
_FRAGMENT = struct.Struct("<IHB")
_ZERO, _FULL, _FIRST, _MIDDLE, _LAST = range(5)
_CASTAGNOLI = 0x82F63B78
"""The polynomial of CRC-32C, its bits reversed."""
_MASK_DELTA = 0xA282EAD8
"""What LevelDB adds to a rotated checksum."""


class Unreadable(ValueError):
    """Bytes do not follow the format; the message says where."""


class Located(NamedTuple):
    """A record, with the places in its log at which it begins and ends."""

    begin: int
    end: int
    content: bytes


def read_records(raw: bytes) -> Iterator[bytes]:
    """Records of a log up to its end or to a tail as a crash leaves it. Raises Unreadable for anything else.

    Checksums are LevelDB's part: it compares them when it reads the same bytes.
    """
    return (record.content for record in located(raw))


def located(raw: bytes, at: int = 0, checked_from: int | None = None) -> Iterator[Located]:
    """As `read_records`, with places, from the record on that begins at ``at``; a wrong checksum from `checked_from` on
    is Unreadable too."""
    begun = at
    parts: list[bytes] | None = None  # joined once: the batch of a large genesis has thousands
    while at + _FRAGMENT.size <= len(raw):
        room = BLOCK - at % BLOCK
        if room < _FRAGMENT.size:
            at += room
            continue
        checksum, length, kind = _FRAGMENT.unpack_from(raw, at)
        if kind == _ZERO and length == 0 and checksum == 0:
            if raw.count(0, at) != len(raw) - at:
                raise Unreadable(f"zeros at byte {at}, where records follow")
            return
        start, end = at + _FRAGMENT.size, at + _FRAGMENT.size + length
        if length > room - _FRAGMENT.size:
            raise Unreadable(f"a record at byte {at} leaves its block")
        if end > len(raw):
            return
        if kind not in (_FULL, _FIRST, _MIDDLE, _LAST) or (kind in (_MIDDLE, _LAST)) != (parts is not None):
            raise Unreadable(f"a fragment of kind {kind} at byte {at} is out of place")
        if checked_from is not None and at >= checked_from and checksum != masked_checksum(raw[start - 1 : end]):
            raise Unreadable(f"the checksum at byte {at} is wrong")
        if parts is None:
            parts, begun = [], at
        parts.append(raw[start:end])
        if kind in (_FULL, _LAST):
            yield Located(begun, end, b"".join(parts))
            parts = None
        at = end


def masked_checksum(content: bytes) -> int:
    """CRC-32C as LevelDB stores it: of a fragment's type and bytes, rotated and offset so that a checksum over bytes
    that hold checksums stays a good one. About 0.3 s a megabyte."""
    checksum = 0xFFFFFFFF
    for byte in content:
        checksum = _CRC_TABLE[(checksum ^ byte) & 0xFF] ^ (checksum >> 8)
    checksum ^= 0xFFFFFFFF
    return ((checksum >> 15 | checksum << 17) + _MASK_DELTA) & 0xFFFFFFFF


def _table_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_CASTAGNOLI if byte & 1 else 0)
    return byte


_CRC_TABLE = tuple(_table_entry(byte) for byte in range(256))
