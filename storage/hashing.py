"""The hash of everything that a root covers: SHA-256 behind a one-byte domain tag.

Two things of different kinds never share a tag, so bytes of one kind can never be passed off as another. Tags are
part of the chain's format: they are never changed and never reused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

HASH_BYTES = 32

MAX_NAME_BYTES = (1 << 16) - 1
"""Most bytes of a table's name: its length stands before it in two bytes."""

TAG_EMPTY = b"\x00"
"""A table without rows."""
TAG_KEY = b"\x01"
"""A row's key; where it stands in the tree."""
TAG_VALUE = b"\x02"
"""A row's record bytes, when they are too many to stand in its entry."""
TAG_BUCKET = b"\x03"
"""Up to 32 sorted entries of key hash and content."""
TAG_INNER = b"\x04"
"""Sixteen children."""
TAG_HALF = b"\x05"
"""The named table roots of one half of the state."""
TAG_APP = b"\x06"
"""The two halves."""
TAG_SCHEMA = b"\x07"
"""The declaration of a record."""
TAG_TABLE = b"\x08"
"""A record's schema with the kinds of the key."""
TAG_BACKUP = b"\x09"
"""What a module's backup holds."""

ABSENT = bytes(HASH_BYTES)
"""Stands in an inner node where there is no child; no SHA-256 output is known to be all zero."""
EMPTY_ROOT = hashlib.sha256(TAG_EMPTY).digest()

CONTENT_BYTES = 1 + HASH_BYTES
"""What stands for a row's bytes in its entry."""
_SHORT = tuple(bytes((size,)) for size in range(HASH_BYTES + 1))
_LONG = b"\xff"
_long_hasher = hashlib.sha256(TAG_VALUE).copy
"""Makes a hasher that has the tag already: copying one is faster than making one."""


def content_of(value: bytes) -> bytes:
    """What stands for a row's bytes in its entry: up to 32 bytes themselves, behind their number and filled up with
    zeros, or else the hash of the bytes behind 255. Different bytes have different contents."""
    size = len(value)
    if size <= HASH_BYTES:
        return _SHORT[size] + value.ljust(HASH_BYTES, b"\0")
    hasher = _long_hasher()
    hasher.update(value)
    return _LONG + hasher.digest()


def tagged(tag: bytes, content: bytes) -> bytes:
    """SHA-256 of ``content`` under a domain tag."""
    return hashlib.sha256(tag + content).digest()


def half_root(tables: Iterable[tuple[str, bytes]]) -> bytes:
    """The root of one half of the state from its tables' (name, root), given in ascending order of the names. Raises
    ValueError for a name that `half_part` refuses."""
    parts = [TAG_HALF]
    for name, root in tables:
        parts += (half_part(name), root)
    return hashlib.sha256(b"".join(parts)).digest()


@lru_cache(maxsize=1024)  # bounded: a proof or snapshot brings names of a stranger's choice
def half_part(name: str) -> bytes:
    """What stands before a table's root in the root of its half: the name behind its length. Raises ValueError for a
    name that is not UTF-8, or longer than that length can say."""
    raw = name.encode()
    if len(raw) > MAX_NAME_BYTES:
        raise ValueError(f"a table's name has at most {MAX_NAME_BYTES} bytes")
    return len(raw).to_bytes(2, "big") + raw


def app_root(host_root: bytes, runtime_root: bytes) -> bytes:
    """The one root that a block commits to."""
    return hashlib.sha256(TAG_APP + host_root + runtime_root).digest()
