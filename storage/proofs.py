"""Proofs that a row is, or is not, in a state; this file and `hashing` are all that checking one takes.

A proof leads from a row's bytes to the bucket where its key belongs, from there through the inner nodes to the
table's root, through the roots of all tables of that half to the half's root, and with the other half's to the
``app_root``. Absence is shown by that bucket too: every key has exactly one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from storage.errors import ProofInvalid
from storage.hashing import (
    ABSENT,
    CONTENT_BYTES,
    EMPTY_ROOT,
    HASH_BYTES,
    TAG_BUCKET,
    TAG_INNER,
    TAG_KEY,
    app_root,
    content_of,
    half_root,
    tagged,
)

if TYPE_CHECKING:
    from storage.merkle import TreeProof
    from storage.tables import Half

HalfName = Literal["host", "runtime"]

_ENTRY_BYTES = HASH_BYTES + CONTENT_BYTES
_MAX_DEPTH = 2 * HASH_BYTES


@dataclass(frozen=True, slots=True)
class Proof:
    """Everything between one key of one table and an ``app_root``. ``value`` None claims that there is no such row."""

    half: HalfName
    table: str
    key: bytes
    value: bytes | None
    bucket: bytes
    """The sorted entries (key hash, content) of the bucket where the key belongs; empty when there is none."""
    siblings: tuple[bytes, ...]
    """From the root down, the fifteen other children of each inner node."""
    table_roots: tuple[tuple[str, bytes], ...]
    """Every table of the half with its root, by name."""
    other_root: bytes
    """The root of the other half."""

    def to_json(self) -> dict[str, Any]:
        """The proof as JSON values, bytes as lower-case hex."""
        return {
            "half": self.half,
            "table": self.table,
            "key": self.key.hex(),
            "value": None if self.value is None else self.value.hex(),
            "bucket": self.bucket.hex(),
            "siblings": [sibling.hex() for sibling in self.siblings],
            "table_roots": [[name, root.hex()] for name, root in self.table_roots],
            "other_root": self.other_root.hex(),
        }

    @classmethod
    def from_json(cls, document: object) -> Proof:
        """The proof of JSON values; raises `ProofInvalid` for anything that `to_json` does not make."""
        if not isinstance(document, dict) or set(document) != set(cls.__slots__):
            raise ProofInvalid(f"it must be an object with exactly the members {', '.join(cls.__slots__)}")
        value = document["value"]
        half = document["half"]
        if half not in ("host", "runtime"):
            raise ProofInvalid("half must be host or runtime")
        return cls(
            half=half,
            table=_text(document["table"]),
            key=_bytes(document["key"]),
            value=None if value is None else _bytes(value),
            bucket=_bytes(document["bucket"]),
            siblings=tuple(_bytes(each) for each in _list(document["siblings"])),
            table_roots=tuple((_text(name), _bytes(root)) for name, root in map(_pair, _list(document["table_roots"]))),
            other_root=_bytes(document["other_root"]),
        )


def make_proof(
    half: Half,
    table: str,
    key: bytes,
    value: bytes | None,
    tree: TreeProof,
    table_roots: Mapping[str, bytes],
    other_root: bytes,
) -> Proof:
    """The proof of one row (or its absence, when ``value`` is None) from its tree's proof and the roots around it."""
    return Proof(
        half.value, table, key, value, tree.bucket, tree.siblings, tuple(sorted(table_roots.items())), other_root
    )


def verify(proof: Proof, root: bytes) -> bytes | None:
    """The row's bytes, or None for a proven absence; raises `ProofInvalid` unless it holds for this ``app_root``.

    Sizes and order need no checks of their own where a hash that leads to the root covers them.
    """
    key_hash = tagged(TAG_KEY, proof.key)
    _check_entry(proof, key_hash)
    table_root = _table_root(proof, key_hash)
    if (proof.table, table_root) not in proof.table_roots:
        raise ProofInvalid(f"the bucket does not lead to the root of {proof.table}")
    if any(len(each) != HASH_BYTES for _, each in proof.table_roots):
        raise ProofInvalid("a root is 32 bytes, else one could pass for two")
    try:
        mine = half_root(proof.table_roots)
    except ValueError as error:
        raise ProofInvalid(str(error)) from None
    top = app_root(mine, proof.other_root) if proof.half == "host" else app_root(proof.other_root, mine)
    if top != root:
        raise ProofInvalid("it leads to another app_root")
    return proof.value


def _check_entry(proof: Proof, key_hash: bytes) -> None:
    """The bucket must hold the key with the value's content, or must not hold the key at all."""
    for at in range(0, len(proof.bucket), _ENTRY_BYTES):
        if proof.bucket[at : at + HASH_BYTES] == key_hash:
            content = proof.bucket[at + HASH_BYTES : at + _ENTRY_BYTES]
            if proof.value is None:
                raise ProofInvalid("the key is present")
            if content_of(proof.value) != content:
                raise ProofInvalid("the value is another one")
            return
    if proof.value is not None:
        raise ProofInvalid("the key is absent")


def _table_root(proof: Proof, key_hash: bytes) -> bytes:
    """The table's root, from the bucket up through the inner nodes."""
    if len(proof.siblings) > _MAX_DEPTH:
        raise ProofInvalid("it is deeper than a key hash has digits")
    digest = tagged(TAG_BUCKET, proof.bucket) if proof.bucket else ABSENT
    for depth in range(len(proof.siblings) - 1, -1, -1):
        byte = key_hash[depth // 2]
        at = HASH_BYTES * (byte & 15 if depth % 2 else byte >> 4)
        siblings = proof.siblings[depth]
        digest = sha256(TAG_INNER + siblings[:at] + digest + siblings[at:]).digest()
    return EMPTY_ROOT if digest == ABSENT else digest


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ProofInvalid("a name is a text")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ProofInvalid("siblings and table_roots are lists")
    return value


def _pair(value: object) -> tuple[object, object]:
    if not isinstance(value, list) or len(value) != 2:
        raise ProofInvalid("a table root is a pair of name and root")
    return value[0], value[1]


def _bytes(value: object) -> bytes:
    if isinstance(value, str):
        try:
            raw = bytes.fromhex(value)
        except ValueError:
            raw = b""
        if raw.hex() == value:
            return raw
    raise ProofInvalid("bytes are lower-case hex")
