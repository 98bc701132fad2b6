"""The journal and undo rows of a height: what a rollback needs to go back, and then to go forward again.

Undo rows hold the old bytes of every runtime row a block changed; applied from the newest height down they return the
shared tables to A-1. The journal holds what happened in its order: each transaction with the code of its first
receipt, and each purse movement that host code made. Parameters and flags need no copy: their tables keep history.
"""

from __future__ import annotations

from hashlib import sha256

from runtime.purse import PurseItem
from storage.codec import codec_of
from storage.record import Address, Amount, Data, Flag, Hash, Record, Text, field
from storage.tables import Table, host_table


class JournalItem(Record):
    """One thing that happened: a transaction of the block by its position, or a purse movement by host code."""

    position: Amount = field(1, default=0)
    code: Text = field(2, default="")
    """The first receipt's code; empty for a purse movement."""
    purse: tuple[PurseItem, ...] = field(3, default=())
    """At most one."""


class Journal(Record):
    """The context of a height, then its items in order."""

    proposer: Address = field(1)
    items: tuple[JournalItem, ...] = field(2, default=())
    closing: tuple[PurseItem, ...] = field(3, default=())
    """Movements by the host's end-of-block work, after the modules' hooks."""


class UndoRow(Record):
    """The value a row had before the block."""

    table: Text = field(1)
    key: Data = field(2)
    old: Data = field(3, default=b"")
    absent: Flag = field(4, default=False)


class Undo(Record):
    """Every runtime row a block changed, in table and key order."""

    rows: tuple[UndoRow, ...] = field(1, default=())


class LogDigest(Record):
    """One digest for all logs up to a height, and one for the journals since the last activation."""

    logs: Hash = field(1)
    journal: Hash = field(2)


LOG: Table[LogDigest] = host_table("host.log", LogDigest, key=(), names=())
JOURNALS = codec_of(Journal)
UNDOS = codec_of(Undo)
START = LogDigest(logs=bytes(32), journal=bytes(32))


def chained(previous: LogDigest, block_id: bytes, receipts: bytes, journal: bytes, undo: bytes) -> LogDigest:
    """The digests after one more height; arguments are the log rows' bytes, empty when a height has none."""
    return LogDigest(
        logs=sha256(b"\x32" + previous.logs + block_id + sha256(receipts).digest() + sha256(undo).digest()).digest(),
        journal=sha256(b"\x33" + previous.journal + sha256(journal).digest()).digest() if journal else previous.journal,
    )
