"""A whole tree from its rows: entries gather while rows are written, and are laid out as buckets in slices.

Entries (key hash, value hash) gather in 256 parts by the first byte of the key hash, 64 bytes a row; a later entry of
a key takes the place of an earlier one. Laying them out sorts each part once, which costs a third of putting rows into
a standing tree, and gives exactly the buckets that such a tree would have. One step looks at one part, a few thousand
rows of a million; keys ground into one part make that step longer and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256

from storage.buckets import BUCKET_BYTES, ENTRY_BYTES, split
from storage.hashing import ABSENT, TAG_KEY, TAG_VALUE

PARTS = 256
SMALL_ROWS = 4096
"""A table of at most so many rows is laid out in one step."""

Buckets = list[tuple[bytes, bytes]]
"""Path and entries of buckets."""


class Entries:
    """What is known of a table's rows, by the place of each in the tree."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts = [bytearray() for _ in range(PARTS)]

    def put(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Take rows in by their key bytes and record bytes; None takes a row away."""
        parts = self._parts
        for key, value in changes.items():
            place = sha256(TAG_KEY + key).digest()
            content = ABSENT if value is None else sha256(TAG_VALUE + value).digest()
            parts[place[0]] += place + content

    def lay_out(self) -> Iterator[Buckets]:
        """All buckets, a step at a time; the entries must not change meanwhile."""
        if sum(map(len, self._parts)) <= SMALL_ROWS * ENTRY_BYTES:
            yield list(_laid_out(b"", b"".join(map(_settled, self._parts))))
            return
        for number, part in enumerate(self._parts):
            self._parts[number] = bytearray(_settled(part))
            yield []
        if sum(map(len, self._parts)) <= BUCKET_BYTES:
            yield list(_laid_out(b"", b"".join(self._parts)))
            return
        for first in range(16):
            parts = self._parts[first * 16 : first * 16 + 16]
            path = b"%x" % first
            if sum(map(len, parts)) <= BUCKET_BYTES:
                yield list(_laid_out(path, b"".join(parts)))
            else:
                for second, part in enumerate(parts):
                    yield list(_laid_out(path + b"%x" % second, bytes(part)))


def _settled(part: bytearray) -> bytes:
    """A part's entries in order, each key once and as it was last, absent ones left out."""
    latest = {}
    for at in range(0, len(part), ENTRY_BYTES):
        latest[bytes(part[at : at + 32])] = bytes(part[at + 32 : at + ENTRY_BYTES])
    return b"".join([place + latest[place] for place in sorted(latest) if latest[place] != ABSENT])


def _laid_out(path: bytes, entries: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The buckets of sorted entries that all stand below ``path``."""
    if len(entries) > BUCKET_BYTES:
        for digit, part in split(entries, len(path)):
            yield from _laid_out(path + digit, part)
    elif entries:
        yield path, entries
