"""What one block changes in a tree, and how subtrees grow and merge in it.

A patch holds the nodes and buckets that differ from its base; the tree itself stays as it is until the patch is
applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from storage.buckets import BUCKET_BYTES, DIGITS, EMPTY_INNER, ENTRY_BYTES, SLOT, bucket_hash, put_hash, split
from storage.hashing import ABSENT


@dataclass(slots=True)
class TreePatch:
    """What a block changes in a tree."""

    base: bytes
    """Root of the tree it was prepared on."""
    root: bytes
    count: int
    buckets: dict[bytes, bytes] = field(default_factory=dict)
    """Every bucket that is new or another one, by path."""
    emptied: list[bytes] = field(default_factory=list)
    """Paths at which no bucket stands any more."""
    nodes: dict[bytes, bytearray] = field(default_factory=dict)
    counts: dict[bytes, int] = field(default_factory=dict)
    """Rows below each node, where they are others than before."""
    merged: list[bytes] = field(default_factory=list)
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
    entries = patch.buckets.pop(path)
    patch.emptied.append(path)
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


def merge(patch: TreePatch, path: bytes, base: Mapping[bytes, bytes]) -> None:
    """Make one bucket, or nothing, of an inner node whose children are buckets by now; ``base`` are those before."""
    node, buckets = patch.nodes.pop(path), patch.buckets
    entries = b""
    for digit in DIGITS:
        slot = SLOT[digit[0]]
        if node[slot : slot + 32] != ABSENT:
            child = path + digit
            entries += buckets.pop(child) if child in buckets else base[child]
            patch.emptied.append(child)
    patch.merged.append(path)
    if entries:
        buckets[path] = entries
    if path:
        put_hash(patch.nodes[path[:-1]], SLOT[path[-1]], bucket_hash(entries))
    else:
        patch.root = bucket_hash(entries)
