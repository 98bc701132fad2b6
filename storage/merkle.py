"""The Merkle tree of one table: its shape, and so its root, is a function of the table's content alone.

A subtree of at most 16 rows is one *bucket*, stored as one row beside the state. A larger subtree is an *inner* node
with sixteen children, told apart by the next four bits of the key hash. Buckets split and merge exactly at that bound,
so any order of inserts and deletes ends in the same tree; keys ground to collide only deepen their own corner. Inner
nodes stay in memory, about 20 bytes a row; buckets are read when a change or a proof needs them.

`prepare` computes what a block would change and touches nothing, so its patch may be dropped; `apply` makes it so.
Only what lies between a changed row and the root is hashed again.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from storage.buckets import (
    BUCKET_BYTES,
    BUCKET_ENTRIES,
    EMPTY_INNER,
    ENTRY_BYTES,
    SLOT,
    bucket_hash,
    checked_bucket,
    inserted,
    put_hash,
)
from storage.errors import PatchStale
from storage.hashing import ABSENT, EMPTY_ROOT, TAG_BUCKET, TAG_KEY, TAG_VALUE
from storage.treepatch import ReadBucket, TreePatch, close, merge, settled

__all__ = ["ReadBucket", "Tree", "TreePatch", "TreeProof"]

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
    """The inner nodes of one table's tree, in memory. A fresh one is that of an empty table."""

    __slots__ = ("_counts", "_depth", "_nodes", "count", "root")

    def __init__(self) -> None:
        self.root = EMPTY_ROOT
        self.count = 0
        self._nodes: dict[bytes, bytearray] = {}
        self._counts: dict[bytes, int] = {}
        self._depth = 0

    @classmethod
    def load(cls, rows: Iterable[tuple[bytes, bytes]]) -> Tree:
        """The tree of stored bucket rows (path, bucket), in any order; raises `TreeDamaged` for what is no bucket.

        Whether they are the right rows is told by the root.
        """
        tree = cls()
        nodes, counts = tree._nodes, tree._counts
        for path, bucket in rows:
            tree._take(path, checked_bucket(path, bucket))
        for path in sorted(nodes, key=len, reverse=True):
            digest = sha256(nodes[path]).digest()
            if path:
                put_hash(nodes[path[:-1]], SLOT[path[-1]], digest)
                counts[path[:-1]] += counts[path]
            else:
                tree.root, tree.count = digest, counts[path]
        tree._depth = _usual_depth(tree.count)
        return tree

    def _take(self, path: bytes, bucket: bytes) -> None:
        """Hang one stored bucket under its inner nodes, making those that are not there yet."""
        if not path:
            self.root, self.count = bucket_hash(bucket), len(bucket) // ENTRY_BYTES
            return
        above = path[:-1]
        while above not in self._nodes:
            self._nodes[above] = bytearray(EMPTY_INNER)
            self._counts[above] = 0
            above = above[:-1]
        above = path[:-1]
        put_hash(self._nodes[above], SLOT[path[-1]], bucket_hash(bucket))
        self._counts[above] += len(bucket) // ENTRY_BYTES

    def prepare(self, changes: Mapping[bytes, bytes | None], read_bucket: ReadBucket) -> TreePatch:
        """The patch for ``changes`` (key bytes to record bytes, None to delete). Reads buckets, changes nothing.

        Raises `TreeDamaged` when a bucket that must be there is not.
        """
        buckets, deltas = self._changed_buckets(changes, read_bucket)
        patch = TreePatch(self.root, self.root, self.count + sum(deltas.values()), {**buckets}, {}, {}, [])
        odd = [path for path in deltas if not 0 < len(buckets[path]) <= BUCKET_BYTES]
        if self._nodes:
            touched = self._copied_above(buckets, patch.nodes)
            for path in odd:
                put_hash(patch.nodes[path[:-1]], SLOT[path[-1]], settled(patch, path))
            if deltas:
                self._recount(patch, touched, deltas, read_bucket)
            close(patch, touched)
        elif buckets:
            patch.root = settled(patch, b"") if odd else bucket_hash(buckets[b""])
        if not patch.count:
            patch.root = EMPTY_ROOT
        return patch

    def _changed_buckets(
        self, changes: Mapping[bytes, bytes | None], read_bucket: ReadBucket
    ) -> tuple[dict[bytes, bytes], dict[bytes, int]]:
        """Every bucket that changes as its entries after it, none or too many for one included; and by how many."""
        nodes, usual, below = self._nodes, self._depth, self._depth + 1
        buckets: dict[bytes, bytes] = {}
        deltas: dict[bytes, int] = {}
        fresh: dict[bytes, list[bytes]] = {}
        for key, value in changes.items():
            hasher = _key_hasher()
            hasher.update(key)
            place = hasher.digest()
            digits = hexlify(place)
            path = digits[:usual]
            if path in nodes:
                path = digits[:below]
                if path in nodes:
                    path = self._way(digits)
            elif path and path[:-1] not in nodes:
                path = self._way(digits)
            bucket = buckets.get(path)
            if bucket is None and (bucket := read_bucket(path)) is None:
                bucket = self._bucket(path, None)
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
        return buckets, deltas

    def _way(self, digits: bytes) -> bytes:
        """The path of the bucket in which a key hash with these digits stands or would stand."""
        nodes, depth = self._nodes, self._depth
        while digits[:depth] in nodes:
            depth += 1
        while depth and digits[: depth - 1] not in nodes:
            depth -= 1
        return digits[:depth]

    def _bucket(self, path: bytes, stored: bytes | None) -> bytes:
        """A bucket as it was read; one without a row is empty, if the node above says so too."""
        if stored is None and (self.count == 0 if not path else self._is_absent(path)):
            return b""
        return checked_bucket(path, stored)

    def _is_absent(self, path: bytes) -> bool:
        slot = SLOT[path[-1]]
        return self._nodes[path[:-1]][slot : slot + 32] == ABSENT

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

    def _recount(
        self, patch: TreePatch, touched: list[bytes], deltas: Mapping[bytes, int], read_bucket: ReadBucket
    ) -> None:
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
                merge(patch, path, read_bucket)

    def apply(self, patch: TreePatch) -> None:
        """Make a patch so; raises `PatchStale` unless it was prepared on this very content."""
        if patch.base != self.root:
            raise PatchStale(patch.base.hex(), self.root.hex())
        self._nodes.update(patch.nodes)
        self._counts.update(patch.counts)
        for path in patch.merged:
            del self._nodes[path], self._counts[path]
        if patch.count != self.count:
            self._depth = _usual_depth(patch.count)
        self.root, self.count = patch.root, patch.count

    def prove(self, key: bytes, read_bucket: ReadBucket) -> TreeProof:
        """The proof that ``key`` is, or is not, in the table; the bucket says which."""
        digits = hexlify(sha256(TAG_KEY + key).digest())
        siblings = []
        depth = 0
        while (node := self._nodes.get(digits[:depth])) is not None:
            slot = SLOT[digits[depth]]
            siblings.append(bytes(node[1:slot] + node[slot + 32 :]))
            depth += 1
        path = digits[:depth]
        return TreeProof(self._bucket(path, read_bucket(path)), tuple(siblings))


def _usual_depth(count: int) -> int:
    """Depth at which most buckets of a table of that size are: where looking for one begins."""
    depth = 0
    while count > BUCKET_ENTRIES:
        count >>= 4
        depth += 1
    return depth
