"""The head file: which block this home has committed, kept outside LevelDB.

LevelDB cannot tell a log that lost its end from one that never had more, so after each synced batch the head is
written here as well, and the two are compared at start:

- equal: nothing to do;
- the database is one commit above: the crash fell between batch and head file, which is written again;
- anything else: blocks were lost or a file was replaced, and the node does not start.

A slot that cannot be read is a head write cut short, and that write began after its batch was synced: then the
database must be one above, or the reason was another and the file is damaged.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from storage.errors import HeadDamaged, HeadMismatch, HeadMissing
from storage.slots import Pair, Slot, both_slots, create_slots, read_slots, write_slot

MAGIC = b"SYNODHD1"
_LAYOUT = struct.Struct(">QQ32s32s32s")


@dataclass(frozen=True, slots=True)
class Head:
    """What a home has committed: `commit` counts synced batches, `height` is that of the last block in them."""

    commit: int
    height: int
    app_root: bytes
    host_root: bytes
    runtime_root: bytes

    def __str__(self) -> str:
        return f"commit {self.commit}, height {self.height}, root {self.app_root.hex()[:16]}"

    def to_bytes(self) -> bytes:
        """Fixed layout of 112 bytes, also used for the copy inside LevelDB."""
        return _LAYOUT.pack(self.commit, self.height, self.app_root, self.host_root, self.runtime_root)

    @staticmethod
    def from_bytes(raw: bytes) -> "Head":
        """Raises ValueError if the bytes are no head."""
        if len(raw) != _LAYOUT.size:
            raise ValueError(f"a head has {_LAYOUT.size} bytes, not {len(raw)}")
        return Head(*_LAYOUT.unpack(raw))


def create_head(path: Path, head: Head) -> None:
    """Make the head file of a new or restored home, replacing any before it."""
    create_slots(path, MAGIC, Slot(head.commit, head.to_bytes()))


def head_file_bytes(head: Head) -> bytes:
    """A whole head file, for whoever puts it in place by himself; of every head as many bytes."""
    return both_slots(MAGIC, Slot(head.commit, head.to_bytes()))


def write_head(path: Path, head: Head) -> None:
    """Record a commit; on return it is on disk. Call after the batch was synced, with commits in unbroken order.

    Raises HeadMissing, DiskFull, DiskError: the engine must then be stopped too.
    """
    try:
        write_slot(path, MAGIC, Slot(head.commit, head.to_bytes()))
    except FileNotFoundError as error:
        raise HeadMissing(path) from error


def read_head(path: Path) -> Head:
    """The last head written. Raises HeadMissing, HeadDamaged, DiskError."""
    return _head_of(path, _read(path))


def settle_head(path: Path, recorded: Head) -> Head:
    """Compare the head file with the copy inside the database, and return the head both stand at afterwards.

    Raises HeadMissing, HeadDamaged, HeadMismatch; DiskFull or DiskError if the file cannot be written again.
    """
    pair = _read(path)
    head = _head_of(path, pair)
    if recorded.commit == head.commit + 1:
        write_head(path, recorded)
        return recorded
    if recorded != head:
        raise HeadMismatch(str(head), str(recorded))
    if not pair.whole:
        raise HeadDamaged(path, "a slot is not readable although its write had ended")
    return head


def _read(path: Path) -> Pair:
    try:
        return read_slots(path, MAGIC, HeadDamaged)
    except FileNotFoundError as error:
        raise HeadMissing(path) from error


def _head_of(path: Path, pair: Pair) -> Head:
    try:
        head = Head.from_bytes(pair.current.payload)
    except ValueError as error:
        raise HeadDamaged(path, str(error)) from error
    if head.commit != pair.current.sequence:
        raise HeadDamaged(path, "slot and head count commits differently")
    return head
