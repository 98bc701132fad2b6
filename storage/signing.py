"""The last-signed record: what keeps a home from signing two different blocks for one height.

It is on disk before the signature exists, lies outside the database, and is never restored from a checkpoint: after
a restore the chain's height goes back and this record does not. A record that cannot be read whole is not guessed
at; signing stays refused, because a lost entry could be the very one that a new signature would contradict.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from storage.errors import LastSignedDamaged, LastSignedMissing, SigningRefused
from storage.slots import Slot, create_slots, read_slots, write_slot

MAGIC = b"SYNODSG1"
_LAYOUT = struct.Struct(">QQ32s")
NOTHING = bytes(32)
"""Block id of a home that signed nothing yet."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The last signature of a home; `block_id` has 32 bytes."""

    height: int
    round: int
    block_id: bytes


class LastSigned:
    """The record of one home, held open by the process that signs."""

    def __init__(self, path: Path, sequence: int, last: Signed) -> None:
        self._path = path
        self._sequence = sequence
        self._last = last

    @classmethod
    def create(cls, path: Path) -> "LastSigned":
        """Begin the record of a home that never signed. Raises FileExistsError where one is already."""
        if path.exists():
            raise FileExistsError(path)
        nothing = Signed(0, 0, NOTHING)
        create_slots(path, MAGIC, Slot(0, _pack(nothing)))
        return cls(path, 0, nothing)

    @classmethod
    def open(cls, path: Path) -> "LastSigned":
        """Raises LastSignedMissing, LastSignedDamaged, DiskError."""
        try:
            pair = read_slots(path, MAGIC, LastSignedDamaged)
        except FileNotFoundError as error:
            raise LastSignedMissing(path) from error
        if not pair.whole or len(pair.current.payload) != _LAYOUT.size:
            raise LastSignedDamaged(path, "a slot is not readable")
        return cls(path, pair.current.sequence, Signed(*_LAYOUT.unpack(pair.current.payload)))

    @property
    def last(self) -> Signed:
        """What was signed last; height 0 if nothing was."""
        return self._last

    def advance(self, height: int, round_: int, block_id: bytes) -> None:
        """Record a signature that is about to be made; on return it is on disk and signing is safe.

        The same block at the same height may be signed again. Raises SigningRefused for any other at or below the
        last height, DiskFull or DiskError if the record cannot be written (then do not sign).
        """
        asked = Signed(height, round_, block_id)
        if height == self._last.height and block_id == self._last.block_id:
            return
        if height <= self._last.height:
            raise SigningRefused(f"{height}/{round_}", f"{self._last.height}/{self._last.round}")
        try:
            write_slot(self._path, MAGIC, Slot(self._sequence + 1, _pack(asked)))
        except FileNotFoundError as error:
            raise LastSignedMissing(self._path) from error
        self._sequence += 1
        self._last = asked


def _pack(signed: Signed) -> bytes:
    return _LAYOUT.pack(signed.height, signed.round, signed.block_id)
