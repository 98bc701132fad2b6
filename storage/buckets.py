"""Buckets and inner nodes as bytes: what the Merkle tree of a table is made of.

A bucket is 1 to 32 entries, sorted. An entry is 65 bytes, a row's key hash and its content (``storage/hashing.py``).
An inner node is its tag and the hashes of sixteen children, all zero where there is none, so that it is hashed as it
lies. Which child leads to a key is said by the hex digit of its hash at the node's depth.

Thirty-two, because a million rows then lie in buckets of fifteen below four inner nodes each; of sixteen, a third of
those buckets are split once more, which costs a change more than the longer hash.
"""

from __future__ import annotations

from hashlib import sha256
from struct import Struct

from storage.hashing import ABSENT, CONTENT_BYTES, HASH_BYTES, TAG_BUCKET, TAG_INNER

ENTRY_BYTES = HASH_BYTES + CONTENT_BYTES
BUCKET_ENTRIES = 32
BUCKET_BYTES = BUCKET_ENTRIES * ENTRY_BYTES

ARITY = 16
"""Children of an inner node."""
EMPTY_INNER = TAG_INNER + bytes(ARITY * HASH_BYTES)

put_hash = Struct("32s").pack_into
"""Set 32 bytes of a node: three times as fast as assigning a slice."""


bucket_hasher = sha256(TAG_BUCKET).copy
"""Makes a hasher that has a bucket's tag already: copying one is faster than making one."""


def bucket_hash(entries: bytes) -> bytes:
    """The hash of a bucket as its inner node has it; absent when there is no entry."""
    return sha256(TAG_BUCKET + entries).digest() if entries else ABSENT


def inserted(bucket: bytes, fresh: list[bytes]) -> bytes:
    """The sorted entries of a bucket and fresh ones."""
    entries = [bucket[at : at + ENTRY_BYTES] for at in range(0, len(bucket), ENTRY_BYTES)]
    entries += fresh
    entries.sort()
    return b"".join(entries)


def split(entries: bytes, depth: int) -> list[tuple[int, bytes]]:
    """Sorted entries by the hex digit of their key hash at ``depth``: (digit, its entries), only those that occur."""
    parts = []
    start = 0
    while start < len(entries):
        digit = digit_at(entries[start : start + HASH_BYTES], depth)
        stop = _end_of(entries, start, depth, digit)
        parts.append((digit, entries[start:stop]))
        start = stop
    return parts


def digit_at(key_hash: bytes, depth: int) -> int:
    """The hex digit of a key hash at ``depth``."""
    byte = key_hash[depth // 2]
    return byte & 15 if depth % 2 else byte >> 4


def _end_of(entries: bytes, start: int, depth: int, digit: int) -> int:
    """Where the entries with that digit end, found by halving the rest."""
    first, last = start // ENTRY_BYTES, len(entries) // ENTRY_BYTES
    while first < last:
        middle = (first + last) // 2
        if digit_at(entries[middle * ENTRY_BYTES : middle * ENTRY_BYTES + HASH_BYTES], depth) <= digit:
            first = middle + 1
        else:
            last = middle
    return first * ENTRY_BYTES
