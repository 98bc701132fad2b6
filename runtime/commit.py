"""Signatures under a block: what validators sign, and how it is kept beside the block."""

from __future__ import annotations

from storage.codec import codec_of
from storage.record import Address, Amount, Data, Hash, Record, field


class Signature(Record):
    """One validator's signature, by its operator's address."""

    validator: Address = field(1)
    signature: Data = field(2)


class Commit(Record):
    """The signatures that make a block final."""

    height: Amount = field(1)
    block: Hash = field(2)
    signatures: tuple[Signature, ...] = field(3, default=())


COMMITS = codec_of(Commit)


def commit_message(chain_id: str, height: int, block: bytes) -> bytes:
    """What a validator signs; the tag keeps it apart from transactions."""
    return b"synod/commit/" + chain_id.encode() + b"/" + str(height).encode() + b"/" + block
