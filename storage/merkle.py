"""The Merkle tree of one table: its shape, and so its root, is a function of the table's content alone.

A subtree of at most 16 rows is one *bucket*. A larger subtree is an *inner* node with sixteen children, told apart by
the next four bits of the key hash. Buckets split and merge exactly at that bound, so any order of inserts and deletes
ends in the same tree; keys ground to collide only deepen their own corner.

The whole tree is in memory, about 120 bytes a row, and nothing of it is on disk: it is made of the rows at a start
(``storage/planting.py``), which so checks every one of them against the root. Storing buckets beside the rows would
start a million rows two seconds sooner, and each change would write a kilobyte more.

`prepare` computes what a block would change and touches nothing, so its patch may be dropped; `apply` makes it so.
Only what lies between a changed row and the root is hashed again.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from storage.buckets import BUCKET_BYTES, BUCKET_ENTRIES, ENTRY_BYTES, SLOT, bucket_hash, inserted, put_hash
from storage.errors import PatchStale
from storage.hashing import EMPTY_ROOT, TAG_BUCKET, TAG_KEY, TAG_VALUE
from storage.treepatch import TreePatch, close, merge, settled

__all__ = ["Tree", "TreePatch", "TreeProof"]

# A hasher that has its tag already: copying one is faster than making one.
_key_hasher = sha256(TAG_KEY).copy
_value_hasher = sha256(TAG_VALUE).copy
_bucket_hasher = sha256(TAG_BUCKET).copy


@dataclass(frozen=True, slots=True)
class TreeProof:
    """The way from the root to the bucket where a key stands or would stand."""

    bucket: bytes
    """Empty when there is none."""
    siblings: tuple[bytes, ...]
    """For each inner node from the root down, its fifteen other children."""


class Tree:
    """One table's tree. A fresh one is that of an empty table."""

    __slots__ = ("_buckets", "_counts", "_depth", "_nodes", "count", "root")

    def __init__(self) -> None:
        self.root = EMPTY_ROOT
        self.count = 0
        self._buckets: dict[bytes, bytes] = {}
        self._nodes: dict[bytes, bytearray] = {}
        self._counts: dict[bytes, int] = {}
        self._depth = 0

    @classmethod
    def planted(cls, patch: TreePatch) -> Tree:
        """The tree of a patch that holds all of it; the patch must not be used again."""
        tree = cls()
        tree.root, tree.count = patch.root, patch.count
        tree._buckets, tree._nodes, tree._counts = patch.buckets, patch.nodes, patch.counts
        tree._depth = _usual_depth(patch.count)
        return tree

    @property
    def buckets(self) -> Mapping[bytes, bytes]:
        """The sorted entries of every bucket by its path."""
        return self._buckets

    def prepare(self, changes: Mapping[bytes, bytes | None]) -> TreePatch:
        """The patch for ``changes``: key bytes to record bytes, None to delete. Changes nothing."""
        patch = TreePatch(self.root, self.root, self.count)
        buckets = patch.buckets
        deltas = self._change(buckets, changes)
        patch.count += sum(deltas.values())
        odd = [path for path in deltas if not 0 < len(buckets[path]) <= BUCKET_BYTES]
        if self._nodes:
            touched = self._copied_above(buckets, patch.nodes)
            for path in odd:
                put_hash(patch.nodes[path[:-1]], SLOT[path[-1]], settled(patch, path))
            if deltas:
                self._recount(patch, touched, deltas)
            close(patch, touched)
        elif buckets:
            patch.root = settled(patch, b"") if odd else bucket_hash(buckets[b""])
        if not patch.count:
            patch.root = EMPTY_ROOT
        return patch

    def _change(self, buckets: dict[bytes, bytes], changes: Mapping[bytes, bytes | None]) -> dict[bytes, int]:
        """Put every bucket that changes into ``buckets`` as its entries after it, none or too many for one included;
        returns by how many, where the number changes."""
        base, usual, below = self._buckets, self._depth, self._depth + 1
        deltas: dict[bytes, int] = {}
        fresh: dict[bytes, list[bytes]] = {}
        for key, value in changes.items():
            hasher = _key_hasher()
            hasher.update(key)
            place = hasher.digest()
            digits = hexlify(place)
            path = digits[:usual]
            bucket = base.get(path)
            if bucket is None:
                path = digits[:below]
                bucket = base.get(path)
                if bucket is None:
                    path = self._way(digits)
                    bucket = base.get(path, b"")
            bucket = buckets.get(path, bucket)
            at = bucket.find(place)
            if value is None:
                if at >= 0:
                    buckets[path] = bucket[:at] + bucket[at + ENTRY_BYTES :]
                    deltas[path] = deltas.get(path, 0) - 1
                continue
            hasher = _value_hasher()
            hasher.update(value)
            if at >= 0:
                buckets[path] = bucket[: at + 32] + hasher.digest() + bucket[at + ENTRY_BYTES :]
            else:
                buckets[path] = bucket
                fresh.setdefault(path, []).append(place + hasher.digest())
        for path, entries in fresh.items():
            deltas[path] = deltas.get(path, 0) + len(entries)
            buckets[path] = inserted(buckets[path], entries)
        return deltas

    def _way(self, digits: bytes) -> bytes:
        """The path of the bucket in which a key hash with these digits stands or would stand."""
        nodes, depth = self._nodes, self._depth
        while digits[:depth] in nodes:
            depth += 1
        while depth and digits[: depth - 1] not in nodes:
            depth -= 1
        return digits[:depth]

    def _copied_above(self, buckets: Mapping[bytes, bytes], nodes: dict[bytes, bytearray]) -> list[bytes]:
        """Copy every inner node above ``buckets`` into ``nodes`` with the buckets' hashes; returns their paths."""
        base = self._nodes
        touched: list[bytes] = []
        for path, entries in buckets.items():
            above = path[:-1]
            node = nodes.get(above)
            if node is None:
                node = nodes[above] = base[above][:]
                touched.append(above)
                higher = above
                while higher and (higher := higher[:-1]) not in nodes:
                    nodes[higher] = base[higher][:]
                    touched.append(higher)
            hasher = _bucket_hasher()
            hasher.update(entries)
            put_hash(node, SLOT[path[-1]], hasher.digest())
        touched.sort(key=len, reverse=True)
        return touched

    def _recount(self, patch: TreePatch, touched: list[bytes], deltas: Mapping[bytes, int]) -> None:
        """Count the rows below each touched node, deepest first; merge those whose rows fit one bucket again."""
        moved: dict[bytes, int] = {}
        for path, delta in deltas.items():
            moved[path[:-1]] = moved.get(path[:-1], 0) + delta
        for path in touched:
            delta = moved.get(path, 0)
            if not delta:
                continue
            if path:
                moved[path[:-1]] = moved.get(path[:-1], 0) + delta
            count = self._counts[path] + delta
            if count > BUCKET_ENTRIES:
                patch.counts[path] = count
            else:
                merge(patch, path, self._buckets)

    def apply(self, patch: TreePatch) -> None:
        """Make a patch so; raises `PatchStale` unless it was prepared on this very content."""
        if patch.base != self.root:
            raise PatchStale(patch.base.hex(), self.root.hex())
        self._buckets.update(patch.buckets)
        for path in patch.emptied:
            self._buckets.pop(path, None)
        self._nodes.update(patch.nodes)
        self._counts.update(patch.counts)
        for path in patch.merged:
            del self._nodes[path], self._counts[path]
        if patch.count != self.count:
            self._depth = _usual_depth(patch.count)
        self.root, self.count = patch.root, patch.count

    def prove(self, key: bytes) -> TreeProof:
        """The proof that ``key`` is, or is not, in the table; the bucket says which."""
        digits = hexlify(sha256(TAG_KEY + key).digest())
        siblings = []
        depth = 0
        while (node := self._nodes.get(digits[:depth])) is not None:
            slot = SLOT[digits[depth]]
            siblings.append(bytes(node[1:slot] + node[slot + 32 :]))
            depth += 1
        return TreeProof(self._buckets.get(digits[:depth], b""), tuple(siblings))


def _usual_depth(count: int) -> int:
    """Depth at which most buckets of a table of that size are: where looking for one begins."""
    depth = 0
    while count > BUCKET_ENTRIES:
        count >>= 4
        depth += 1
    return depth
