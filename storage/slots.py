"""A small value that is synced on every change, in two slots of one file.

The slots take turns, so a write that is cut short leaves the value before it. Each slot is one disk sector with its
own checksum and sequence number; overwriting in place costs one sync, against two and a rename for a new file. The
file is never made by a write: one that vanished must not come back with only half of its story.
"""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from storage.durable import overwrite, sync_directory, write_file
from storage.errors import StoreFault
from storage.faults import fault_of

SECTOR = 512
SPACING = 4096
"""Distance of the slots: on different pages, so that one torn page cannot take both."""

_HEADER = struct.Struct(">8sQH")
_CHECKSUM = 32
PAYLOAD_LIMIT = SECTOR - _HEADER.size - _CHECKSUM

Damaged = Callable[[Path, str], StoreFault]
"""Makes the error of a file that cannot be trusted, from its path and the reason."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One value as stored; of two readable ones that with the higher sequence is current."""

    sequence: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Pair:
    """Both slots: the current one, and whether the other can be read."""

    current: Slot
    whole: bool


def create_slots(path: Path, magic: bytes, slot: Slot) -> None:
    """Make the file with this value in both slots, durably; replaces an older file in one step."""
    aside = path.with_name(path.name + ".new")
    try:
        write_file(aside, both_slots(magic, slot))
        aside.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise fault_of(path, error) from error


def both_slots(magic: bytes, slot: Slot) -> bytes:
    """A whole file with this value in both slots."""
    packed = _pack(magic, slot)
    return packed.ljust(SPACING, b"\0") + packed


def write_slot(path: Path, magic: bytes, slot: Slot) -> None:
    """Overwrite the older slot; on return it is on disk. Raises FileNotFoundError if the file is not there."""
    try:
        overwrite(path, _pack(magic, slot), slot.sequence % 2 * SPACING)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise fault_of(path, error) from error


def read_slots(path: Path, magic: bytes, damaged: Damaged) -> Pair:
    """Both slots. Raises FileNotFoundError, or what `damaged` makes if no slot, or no possible pair, can be read."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise fault_of(path, error) from error
    found = [slot for at in (0, SPACING) if (slot := _unpack(magic, raw[at : at + SECTOR])) is not None]
    if not found:
        raise damaged(path, "no slot has a right checksum")
    current = max(found, key=lambda slot: slot.sequence)
    if len(found) == 2 and current.sequence - min(slot.sequence for slot in found) > 1:
        raise damaged(path, "one slot missed a write")
    return Pair(current, whole=len(found) == 2)


def _pack(magic: bytes, slot: Slot) -> bytes:
    assert len(slot.payload) <= PAYLOAD_LIMIT
    body = _HEADER.pack(magic, slot.sequence, len(slot.payload)) + slot.payload
    return (body + hashlib.sha256(body).digest()).ljust(SECTOR, b"\0")


def _unpack(magic: bytes, raw: bytes) -> Slot | None:
    if len(raw) != SECTOR:
        return None
    found, sequence, length = _HEADER.unpack_from(raw)
    end = _HEADER.size + length
    if found != magic or length > PAYLOAD_LIMIT:
        return None
    if hashlib.sha256(raw[:end]).digest() != raw[end : end + _CHECKSUM] or any(raw[end + _CHECKSUM :]):
        return None
    return Slot(sequence, raw[_HEADER.size : end])
