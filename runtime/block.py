"""A block: what the proposer put together, and the digest it is known by.

The header carries the application root *after* the previous block, as in Tendermint, so a block can be proposed
without executing it. There is no time in it: height is the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from runtime.transaction import transaction_id
from storage.codec import codec_of
from storage.record import Address, Amount, Data, Hash, Record, Text, field

GENESIS_BLOCK = bytes(32)
"""The id before the first block."""


class Header(Record):
    """What a block id covers."""

    height: Amount = field(1)
    chain: Text = field(2)
    last_block: Hash = field(3)
    app_root: Hash = field(4)
    """Application root after height - 1."""
    proposer: Address = field(5)
    data: Hash = field(6)
    """Digest of the transactions' ids, in order."""


class Block(Record):
    """A header with its transactions, raw and in order."""

    header: Header = field(1)
    transactions: tuple[Data, ...] = field(2, default=())


HEADERS = codec_of(Header)
BLOCKS = codec_of(Block)
_NO_DATA = sha256(b"\x30").digest()


def data_digest(ids: Sequence[bytes]) -> bytes:
    """SHA-256 over the transactions' ids, tagged; a constant for none."""
    if not ids:
        return _NO_DATA
    return sha256(b"\x30" + b"".join(ids)).digest()


def block_id(header: Header) -> bytes:
    """SHA-256 of the tagged canonical header."""
    return sha256(b"\x31" + HEADERS.encode(header)).digest()


def make_block(
    height: int,
    chain: str,
    last_block: bytes,
    app_root: bytes,
    proposer: bytes,
    transactions: tuple[bytes, ...] = (),
    ids: Sequence[bytes] | None = None,
) -> Block:
    """Put a block together; ``ids`` are the transactions', from a caller who knows them already."""
    header = Header(
        height=height,
        chain=chain,
        last_block=last_block,
        app_root=app_root,
        proposer=proposer,
        data=data_digest([transaction_id(raw) for raw in transactions] if ids is None else ids),
    )
    return Block(header=header, transactions=transactions)
