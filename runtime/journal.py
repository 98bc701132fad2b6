"""The journal of a height: what happened, in its order, so that a rollback can go forward again after going back.

It holds each transaction with the code of its first receipt, and each purse movement that host code made. Parameters
and flags need no copy, because their tables keep history; undo rows, which lead back, lie beside it in the block log.
One digest chains all log rows of all heights into the host half, and one the journals.
"""

from __future__ import annotations

from hashlib import sha256
from struct import Struct

from runtime.purse import PurseItem
from storage.codec import codec_of
from storage.pending import LogRows
from storage.record import Address, Amount, Flag, Hash, Record, Text, field
from storage.tables import Table, host_table


class JournalItem(Record):
    """One transaction of the block by its position, with what host code moved in purses while it ran."""

    position: Amount = field(1, default=0)
    code: Text = field(2, default="")
    """The first receipt's code."""
    purse: tuple[PurseItem, ...] = field(3, default=())
    """What host code moved while the transaction ran, in order."""
    host: Flag = field(4, default=False)
    """A host call: its result stands whatever becomes of the runtime."""


class Journal(Record):
    """The context of a height, then its items in order."""

    proposer: Address = field(1)
    items: tuple[JournalItem, ...] = field(2, default=())
    closing: tuple[PurseItem, ...] = field(3, default=())
    """Movements by the host's end-of-block work, after the modules' hooks."""
    safe_mode: Flag = field(4, default=False)
    """Whether runtime items waited at this height."""
    isolated: tuple[Text, ...] = field(5, default=())
    """Modules of which nothing ran at this height, by name."""


class LogDigest(Record):
    """One digest for all logs up to a height, and one for the journals since the last activation."""

    logs: Hash = field(1)
    journal: Hash = field(2)
    block: Hash = field(3)
    """Id of the last block, so that a node that joined by snapshot can go on from it."""


LOG: Table[LogDigest] = host_table("host.log", LogDigest, key=(), names=())
JOURNALS = codec_of(Journal)
START = LogDigest(logs=bytes(32), journal=bytes(32), block=bytes(32))


_LENGTHS = Struct(">II").pack
"""Before each row, so that no two lists of rows run together into the same bytes."""


def chained(previous: LogDigest, block_id: bytes, rows: LogRows, journal: bytes, restart: bool = False) -> LogDigest:
    """The digests after one more height, over its log rows as they are stored and its journal apart; ``restart`` at
    an activation, whose journal is the first that a rollback replays."""
    hasher = sha256(b"\x32" + previous.logs + block_id)
    for key, value in rows:
        raw = value or b""
        hasher.update(_LENGTHS(len(key), len(raw)) + key + raw)
    before = START.journal if restart else previous.journal
    return LogDigest(
        logs=hasher.digest(),
        journal=sha256(b"\x33" + before + journal).digest() if journal else before,
        block=block_id,
    )
