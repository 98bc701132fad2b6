"""The nodes of a Merkle tree, and what changes make of them. A node never changes once it is made.

A node is a bucket, which is the bytes of its entries (``storage/buckets.py``), or an inner node. Changed nodes are new
ones that share with the old what stays, so a tree and whatever is prepared on it stand side by side.

A *change* is bytes: an entry to put, or a key hash alone, which takes its entry away. Changes come sorted, one for
a key.

An entry is found by searching a bucket's bytes for the key hash. A match counts only where an entry begins: one that
lies across two parts would take fewer bits than a collision to grind, and must not tell the tree how to be.
"""

from __future__ import annotations

from bisect import bisect_left
from hashlib import sha256
from typing import cast

import msgspec

from storage.buckets import (
    ARITY,
    BUCKET_BYTES,
    EMPTY_INNER,
    ENTRY_BYTES,
    bucket_hash,
    bucket_hasher,
    inserted,
    put_hash,
    split,
)
from storage.hashing import HASH_BYTES


class Inner(msgspec.Struct, frozen=True, gc=False):  # no cycles: garbage collection need not walk the trees
    """A node of more rows than a bucket holds."""

    children: tuple[Node, ...]
    """Sixteen; an empty bucket where there is none."""
    hashes: bytearray
    """The children's hashes behind the tag: what the node's own hash is taken of. Never written to once the node is
    made; bytes would cost every new node another copy."""
    count: int
    """Rows below it."""


Node = bytes | Inner
Changed = tuple[Node, bytes, int]
"""A node as it is after changes, its hash, and how many rows it gained."""


def changed(node: Node, depth: int, changes: list[bytes], first: int, last: int) -> Changed:
    """What ``changes[first:last]``, all of which belong below this node of that depth, make of it."""
    if type(node) is bytes:
        return _changed_bucket(node, depth, changes, first, last)
    return _changed_inner(cast(Inner, node), depth, changes, first, last)


def node_of(entries: bytes, depth: int) -> tuple[Node, bytes]:
    """The node of sorted entries at that depth, a bucket or a subtree when they are too many, and its hash."""
    if len(entries) <= BUCKET_BYTES:
        return entries, bucket_hash(entries)
    children: list[Node] = [b""] * ARITY
    hashes = bytearray(EMPTY_INNER)
    for digit, part in split(entries, depth):
        children[digit], digest = node_of(part, depth + 1)
        put_hash(hashes, 1 + HASH_BYTES * digit, digest)
    return Inner(tuple(children), hashes, len(entries) // ENTRY_BYTES), sha256(hashes).digest()


def rows_below(node: Node) -> int:
    """How many rows a node holds."""
    return node.count if isinstance(node, Inner) else len(node) // ENTRY_BYTES


def _changed_inner(node: Inner, depth: int, changes: list[bytes], first: int, last: int) -> Changed:
    children, hashes, delta = [*node.children], node.hashes[:], 0
    at, shift = depth >> 1, 0 if depth & 1 else 4
    while first < last:
        change = changes[first]
        digit = change[at] >> shift & 15
        end = first + 1
        if end < last and changes[end][at] >> shift & 15 == digit:
            end = last if digit == 15 else bisect_left(changes, _bound(change, at, shift), end, last)
        child = children[digit]
        if type(child) is not bytes:
            children[digit], digest, moved = _changed_inner(child, depth + 1, changes, first, end)  # type: ignore[arg-type]
            delta += moved
        elif (
            end - first == 1
            and len(change) == ENTRY_BYTES
            and (found := child.find(change[:HASH_BYTES])) % ENTRY_BYTES == 0  # neither -1 nor across two parts
        ):
            # By far the most frequent change: one row of a bucket gets another value.
            children[digit] = entries = child[:found] + change + child[found + ENTRY_BYTES :]
            hasher = bucket_hasher()
            hasher.update(entries)
            digest = hasher.digest()
        else:
            children[digit], digest, moved = _changed_bucket(child, depth + 1, changes, first, end)
            delta += moved
        put_hash(hashes, 1 + HASH_BYTES * digit, digest)
        first = end
    count = node.count + delta
    if count * ENTRY_BYTES <= BUCKET_BYTES:
        entries = b"".join(cast(list[bytes], children))  # an inner child would hold more rows than all of them
        return entries, bucket_hash(entries), delta
    return Inner(tuple(children), hashes, count), sha256(hashes).digest(), delta


def _bound(change: bytes, at: int, shift: int) -> bytes:
    """The least key hash that is above a change's in the digit so far up in this byte; not for digit 15."""
    return change[:at] + bytes(((change[at] >> shift) + 1 << shift,))


def _changed_bucket(bucket: bytes, depth: int, changes: list[bytes], first: int, last: int) -> Changed:
    entries = bucket
    fresh = []
    for change in changes[first:last]:
        at = _entry_of(entries, change[:HASH_BYTES])
        if at >= 0:
            kept = change if len(change) == ENTRY_BYTES else b""
            entries = entries[:at] + kept + entries[at + ENTRY_BYTES :]
        elif len(change) == ENTRY_BYTES:
            fresh.append(change)
    if fresh:
        entries = inserted(entries, fresh)
    if len(entries) == len(bucket):
        return entries, bucket_hash(entries), 0
    node, digest = node_of(entries, depth)
    return node, digest, (len(entries) - len(bucket)) // ENTRY_BYTES


def _entry_of(entries: bytes, key_hash: bytes) -> int:
    """Where the entry of a key hash begins, or -1."""
    at = entries.find(key_hash)
    while at >= 0 and at % ENTRY_BYTES:
        at = entries.find(key_hash, at + 1)
    return at
