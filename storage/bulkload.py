"""Bulk loading: a whole tree from its rows. Entries gather as rows are read or written, and are laid out in slices.

Entries (key hash, content) gather in 256 parts by the first byte of the key hash, 65 bytes a row; a later entry of
a key takes the place of an earlier one. Laying them out sorts each part once, which costs a third of putting rows into
a standing tree, and gives exactly the tree that such rows would have. One step looks at one part, a few thousand rows
of a million; keys ground into one part make that step longer and nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from hashlib import sha256

from storage.buckets import ARITY, BUCKET_BYTES, EMPTY_INNER, ENTRY_BYTES, put_hash
from storage.hashing import CONTENT_BYTES, HASH_BYTES, TAG_KEY, content_of
from storage.merkle import Tree
from storage.nodes import Inner, Node, node_of, rows_below

PARTS = 256
"""Power of the arity, so that a node's parts divide evenly among its children until one part is left."""
SMALL_ROWS = 4096
"""A table of at most so many rows is laid out in one step."""
_GONE = b"\xfe" + bytes(CONTENT_BYTES - 1)
"""Instead of a content: the row was taken away. No content begins so."""


class Entries:
    """The entries of a table's rows, gathered in any order."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: defaultdict[int, bytearray] = defaultdict(bytearray)

    def put(self, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Take rows in by their key bytes and record bytes; None takes a row away."""
        parts = self._parts
        for key, value in rows:
            key_hash = sha256(TAG_KEY + key).digest()
            parts[key_hash[0]] += key_hash + (_GONE if value is None else content_of(value))

    def build(self) -> Iterator[Tree | None]:
        """Lay the tree out, a step at a time: None while there is more to do, the tree at last. The entries must not
        change meanwhile."""
        if sum(map(len, self._parts.values())) <= SMALL_ROWS * ENTRY_BYTES:
            parts = [_settled(b"".join(self._parts.values()))]
        else:
            parts = []
            for first in range(PARTS):
                parts.append(_settled(bytes(self._parts.get(first, b""))))
                yield None
        yield Tree(*(yield from _laid_out(parts, 0)))


def tree_of(rows: Iterable[tuple[bytes, bytes]]) -> Tree:
    """The tree of rows by key bytes and record bytes, each key once, in any order."""
    entries = Entries()
    entries.put(rows)
    (tree,) = [tree for tree in entries.build() if tree is not None]
    return tree


def _settled(raw: bytes) -> bytes:
    """Entries in order, each key once and as it was last, absent ones left out."""
    latest = {
        raw[at : at + HASH_BYTES]: raw[at + HASH_BYTES : at + ENTRY_BYTES] for at in range(0, len(raw), ENTRY_BYTES)
    }
    return b"".join([key_hash + latest[key_hash] for key_hash in sorted(latest) if latest[key_hash] != _GONE])


def _laid_out(parts: list[bytes], depth: int) -> Generator[None, None, tuple[Node, bytes]]:
    """Make the node of that depth whose entries are these parts in order, a part a step; returns it and its hash."""
    if len(parts) == 1 or sum(map(len, parts)) <= BUCKET_BYTES:
        yield None
        return node_of(b"".join(parts), depth)
    children: list[Node] = []
    hashes = bytearray(EMPTY_INNER)
    share = len(parts) // ARITY
    for digit in range(ARITY):
        child, digest = yield from _laid_out(parts[digit * share : digit * share + share], depth + 1)
        children.append(child)
        put_hash(hashes, 1 + HASH_BYTES * digit, digest)
    return Inner(tuple(children), hashes, sum(map(rows_below, children))), sha256(hashes).digest()
