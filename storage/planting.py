"""A whole tree from its rows: entries gather as rows are read or written, and are laid out in slices.

Entries (key hash, value hash) gather in 256 parts by the first byte of the key hash, 64 bytes a row; a later entry of
a key takes the place of an earlier one. Laying them out sorts each part once, which costs a third of putting rows into
a standing tree, and gives exactly the tree that such rows would have. One step looks at one part, a few thousand rows
of a million; keys ground into one part make that step longer and nothing else.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from hashlib import sha256

from storage.buckets import BUCKET_BYTES, DIGITS, EMPTY_INNER, ENTRY_BYTES, SLOT, put_hash
from storage.hashing import ABSENT, EMPTY_ROOT, TAG_KEY, TAG_VALUE
from storage.merkle import Tree
from storage.treepatch import TreePatch, grown

PARTS = 256
SMALL_ROWS = 4096
"""A table of at most so many rows is laid out in one step."""


class Entries:
    """What is known of a table's rows, by the place of each in the tree."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts = [bytearray() for _ in range(PARTS)]

    def put(self, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Take rows in by their key bytes and record bytes; None takes a row away."""
        parts = self._parts
        for key, value in rows:
            place = sha256(TAG_KEY + key).digest()
            content = ABSENT if value is None else sha256(TAG_VALUE + value).digest()
            parts[place[0]] += place + content

    def plant(self) -> Iterator[Tree | None]:
        """Lay the tree out, a step at a time: None while there is more to do, the tree at last. The entries must not
        change meanwhile."""
        if sum(map(len, self._parts)) <= SMALL_ROWS * ENTRY_BYTES:
            parts = [b"".join(map(_settled, self._parts))]
        else:
            parts = []
            for part in self._parts:
                parts.append(_settled(part))
                yield None
        patch = TreePatch(EMPTY_ROOT, EMPTY_ROOT, sum(map(len, parts)) // ENTRY_BYTES)
        if patch.count:
            patch.root = yield from _laid_out(patch, b"", parts)
        yield Tree.planted(patch)


def tree_of(rows: Iterable[tuple[bytes, bytes]]) -> Tree:
    """The tree of rows by key bytes and record bytes, each key once, in any order."""
    entries = Entries()
    entries.put(rows)
    (tree,) = [tree for tree in entries.plant() if tree is not None]
    return tree


def _settled(part: bytearray) -> bytes:
    """A part's entries in order, each key once and as it was last, absent ones left out."""
    raw = bytes(part)
    latest = {raw[at : at + 32]: raw[at + 32 : at + ENTRY_BYTES] for at in range(0, len(raw), ENTRY_BYTES)}
    return b"".join([place + latest[place] for place in sorted(latest) if latest[place] != ABSENT])


def _laid_out(patch: TreePatch, path: bytes, parts: list[bytes]) -> Generator[None, None, bytes]:
    """Lay down what stands below ``path``, whose entries are these parts in order, a part a step; returns its hash."""
    if len(parts) == 1 or sum(map(len, parts)) <= BUCKET_BYTES:
        entries = b"".join(parts)
        yield None
        return grown(patch, path, entries) if entries else ABSENT
    node = bytearray(EMPTY_INNER)
    share = len(parts) // len(DIGITS)
    for place, digit in enumerate(DIGITS):
        below = yield from _laid_out(patch, path + digit, parts[place * share : place * share + share])
        put_hash(node, SLOT[digit[0]], below)
    patch.nodes[path] = node
    patch.counts[path] = sum(map(len, parts)) // ENTRY_BYTES
    return sha256(node).digest()
