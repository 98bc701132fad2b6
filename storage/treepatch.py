"""What one block changes in a tree, and how subtrees grow and merge in it.

A patch holds the nodes and buckets that differ from its base; the tree itself stays as it is until the patch is
applied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from storage.buckets import (
    BUCKET_BYTES,
    DIGITS,
    EMPTY_INNER,
    ENTRY_BYTES,
    SLOT,
    bucket_hash,
    checked_bucket,
    put_hash,
    split,
)
from storage.hashing import ABSENT

ReadBucket = Callable[[bytes], bytes | None]
"""From a path to the bucket stored there."""


@dataclass(slots=True)
class TreePatch:
    """What a block changes in a tree. ``buckets`` are the rows to store, None for rows to delete."""

    base: bytes
    """Root of the tree it was prepared on."""
    root: bytes
    count: int
    buckets: dict[bytes, bytes | None]
    nodes: dict[bytes, bytearray]
    counts: dict[bytes, int]
    merged: list[bytes]
    """Inner nodes that are no more."""


def close(patch: TreePatch, touched: list[bytes]) -> None:
    """Hash the touched inner nodes, deepest first, each into the one above."""
    nodes = patch.nodes
    for path in touched:
        node = nodes.get(path)
        if node is None:
            continue  # merged, and hung already
        digest = sha256(node).digest()
        if path:
            put_hash(nodes[path[:-1]], SLOT[path[-1]], digest)
        else:
            patch.root = digest


def settled(patch: TreePatch, path: bytes) -> bytes:
    """Lay down entries that are none or too many for one bucket; returns the hash of what stands there then."""
    entries = patch.buckets[path]
    patch.buckets[path] = None
    return grown(patch, path, entries) if entries else ABSENT


def grown(patch: TreePatch, path: bytes, entries: bytes) -> bytes:
    """Lay sorted entries down as a bucket or, when they are too many, as a subtree; returns its hash."""
    if len(entries) <= BUCKET_BYTES:
        patch.buckets[path] = entries
        return bucket_hash(entries)
    node = bytearray(EMPTY_INNER)
    for digit, part in split(entries, len(path)):
        put_hash(node, SLOT[digit[0]], grown(patch, path + digit, part))
    patch.nodes[path] = node
    patch.counts[path] = len(entries) // ENTRY_BYTES
    return sha256(node).digest()


def merge(patch: TreePatch, path: bytes, read_bucket: ReadBucket) -> None:
    """Make one bucket, or nothing, of an inner node whose children are buckets by now."""
    node, buckets = patch.nodes.pop(path), patch.buckets
    entries = b""
    for digit in DIGITS:
        slot = SLOT[digit[0]]
        if node[slot : slot + 32] != ABSENT:
            child = path + digit
            entries += checked_bucket(child, buckets[child] if child in buckets else read_bucket(child))
            buckets[child] = None
    patch.merged.append(path)
    buckets[path] = entries or None
    if path:
        put_hash(patch.nodes[path[:-1]], SLOT[path[-1]], bucket_hash(entries))
    else:
        patch.root = bucket_hash(entries)
