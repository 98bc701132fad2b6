"""The Merkle tree of one table: its shape, and so its root, is a function of the table's content alone.

A subtree of at most 32 rows is one *bucket*. A larger subtree is an *inner* node with sixteen children, told apart by
the next four bits of the key hash. Buckets split and merge exactly at that bound, so any order of inserts and deletes
ends in the same tree; keys ground to collide only deepen their own corner.

The whole tree is in memory, less than 100 bytes a row, and nothing of it is on disk: it is made of the rows at a start
(``storage/bulkload.py``), which so checks every one of them against the root. Buckets stored beside the rows would make
a start shorter, three seconds for a million rows, and have each change write a kilobyte more.

`prepare` computes what a block would change and touches nothing, so its patch may be dropped; `apply` makes it so.
Only what lies between a changed row and the root is made and hashed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from storage.buckets import digit_at
from storage.errors import PatchStale
from storage.hashing import ABSENT, EMPTY_ROOT, HASH_BYTES, TAG_KEY, content_of
from storage.nodes import Inner, Node, changed, rows_below

_key_hasher = sha256(TAG_KEY).copy
"""Makes a hasher that has the tag already: copying one is faster than making one."""


@dataclass(frozen=True, slots=True)
class TreeProof:
    """The way from the root to the bucket where a key stands or would stand."""

    bucket: bytes
    """Empty when there is none."""
    siblings: tuple[bytes, ...]
    """For each inner node from the root down, its fifteen other children."""


@dataclass(frozen=True, slots=True)
class TreePatch:
    """What a block makes of a tree."""

    base: bytes
    """Root of the tree it was prepared on."""
    top: Node
    """The tree's topmost node afterwards; a bucket while at most 32 rows are left."""
    root: bytes
    count: int
    """Rows of the table afterwards."""


class Tree:
    """One table's tree. A fresh one is that of an empty table."""

    __slots__ = ("count", "root", "top")

    def __init__(self, top: Node = b"", digest: bytes = ABSENT) -> None:
        """The tree below a node with this hash."""
        self.top = top
        self.root = root_of(digest)
        self.count = rows_below(top)

    def prepare(self, changes: Mapping[bytes, bytes | None]) -> TreePatch:
        """The patch for ``changes``: key bytes to record bytes, None to delete. Changes nothing, and shares every node
        that stays; it holds as long as the tree's root does."""
        found = []
        for key, value in changes.items():
            hasher = _key_hasher()
            hasher.update(key)
            if value is None:
                found.append(hasher.digest())
            else:
                found.append(hasher.digest() + content_of(value))
        found.sort()
        if not found:
            return TreePatch(self.root, self.top, self.root, self.count)
        top, digest, gained = changed(self.top, 0, found, 0, len(found))
        return TreePatch(self.root, top, root_of(digest), self.count + gained)

    def apply(self, patch: TreePatch) -> None:
        """Make a patch so; raises `PatchStale` unless it was prepared on this very content."""
        if patch.base != self.root:
            raise PatchStale(patch.base.hex(), self.root.hex())
        self.top, self.root, self.count = patch.top, patch.root, patch.count

    def prove(self, key: bytes) -> TreeProof:
        """The proof that ``key`` is, or is not, in the table; the bucket says which."""
        key_hash = sha256(TAG_KEY + key).digest()
        node, siblings = self.top, list[bytes]()
        while isinstance(node, Inner):
            digit = digit_at(key_hash, len(siblings))
            at = 1 + HASH_BYTES * digit
            siblings.append(bytes(node.hashes[1:at] + node.hashes[at + HASH_BYTES :]))
            node = node.children[digit]
        return TreeProof(node, tuple(siblings))


def root_of(digest: bytes) -> bytes:
    """The root of a table whose topmost node has this hash."""
    return EMPTY_ROOT if digest == ABSENT else digest
