"""A proof convinces a stranger who holds nothing but the app_root; nothing else does."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import proofs
from storage.bulkload import tree_of
from storage.errors import ProofInvalid
from storage.hashing import EMPTY_ROOT, app_root, half_root
from storage.proofs import Proof, make_proof, verify
from storage.tables import Half

OTHER = bytes(range(32))


class Chain:
    """One table with rows among two others, in the runtime half."""

    def __init__(self, rows: dict[bytes, bytes]) -> None:
        self.rows = rows
        self.tree = tree_of(rows.items())
        self.roots = {"bank.accounts": self.tree.root, "bank.blocked": EMPTY_ROOT, "staking.validators": bytes(32)}
        self.app_root = app_root(OTHER, half_root(sorted(self.roots.items())))

    def prove(self, key: bytes) -> Proof:
        tree = self.tree.prove(key)
        return make_proof(Half.RUNTIME, "bank.accounts", key, self.rows.get(key), tree, self.roots, OTHER)


def chain(rows: int) -> Chain:
    return Chain({b"key %d" % number: b"value %d" % number for number in range(rows)})


@pytest.mark.parametrize("rows", [0, 1, 32, 33, 300, 4000])
def test_presence_and_absence_are_proven_in_tables_of_every_size(rows: int) -> None:
    subject = chain(rows)
    for number in range(0, rows, max(1, rows // 20)):
        assert verify(subject.prove(b"key %d" % number), subject.app_root) == b"value %d" % number
    for number in range(20):
        assert verify(subject.prove(b"stranger %d" % number), subject.app_root) is None


def test_a_host_row_is_proven_under_the_host_half() -> None:
    tree = tree_of([(b"a", b"1")])
    roots = {"host.flags": tree.root}
    proof = make_proof(Half.HOST, "host.flags", b"a", b"1", tree.prove(b"a"), roots, OTHER)
    assert verify(proof, app_root(half_root(roots.items()), OTHER)) == b"1"
    with pytest.raises(ProofInvalid):
        verify(replace(proof, half="runtime"), app_root(half_root(roots.items()), OTHER))


@pytest.mark.parametrize("key", [b"key 7", b"stranger"])
def test_a_proof_survives_json(key: bytes) -> None:
    proof = chain(300).prove(key)
    assert Proof.from_json(json.loads(json.dumps(proof.to_json()))) == proof


SUBJECT = chain(300)
PRESENT = SUBJECT.prove(b"key 7")
ABSENT_KEY = SUBJECT.prove(b"stranger")


def flipped(value: bytes, place: int) -> bytes:
    at = place % (8 * len(value))
    changed = bytearray(value)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([PRESENT, ABSENT_KEY]), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_proof_with_any_one_bit_flipped_is_refused(proof: Proof, which: int, place: int) -> None:
    spots: list[Any] = [
        lambda: replace(proof, key=flipped(proof.key, place)),
        lambda: replace(proof, bucket=flipped(proof.bucket, place)),
        lambda: replace(proof, other_root=flipped(proof.other_root, place)),
    ]
    if proof.value is not None:
        spots.append(lambda value=proof.value: replace(proof, value=flipped(value, place)))
    for depth in range(len(proof.siblings)):
        spots.append(
            lambda d=depth: replace(proof, siblings=_set(proof.siblings, d, flipped(proof.siblings[d], place)))
        )
    for at, (name, root) in enumerate(proof.table_roots):
        spots.append(
            lambda at=at, name=name, root=root: replace(
                proof, table_roots=_set(proof.table_roots, at, (name, flipped(root, place)))
            )
        )
    mutated = spots[which % len(spots)]()
    if mutated.key != proof.key and proof.value is None:
        # Another absent key may have its place in the same bucket: then the proof is honestly one of that key.
        with pytest.raises(ProofInvalid):
            verify(replace(mutated, value=b"claimed"), SUBJECT.app_root)
        return
    with pytest.raises(ProofInvalid):
        verify(mutated, SUBJECT.app_root)


def _set(items: tuple[Any, ...], at: int, value: Any) -> tuple[Any, ...]:
    return (*items[:at], value, *items[at + 1 :])


def _joined(roots: tuple[tuple[str, bytes], ...]) -> tuple[tuple[str, bytes], ...]:
    """The last two tables as one with a long root: the half's hash is the same."""
    first, (name, root), (last, last_root) = roots
    joined = (first, (name, root + len(last).to_bytes(2, "big") + last.encode() + last_root))
    assert half_root(joined) == half_root(roots)
    return joined


FORGERIES = {
    "a present row called absent": replace(PRESENT, value=None),
    "an absent row given a value": replace(ABSENT_KEY, value=b"value"),
    "another value": replace(PRESENT, value=b"value 8"),
    "no bucket": replace(PRESENT, value=None, bucket=b""),
    "a bucket with an entry removed": replace(PRESENT, value=None, bucket=PRESENT.bucket[:-65]),
    "a bucket cut within an entry": replace(PRESENT, bucket=PRESENT.bucket[:-1]),
    "a bucket of too many entries": replace(PRESENT, bucket=PRESENT.bucket * 17),
    "a level less": replace(PRESENT, siblings=PRESENT.siblings[:-1]),
    "a level more": replace(PRESENT, siblings=(*PRESENT.siblings, bytes(480))),
    "far too deep": replace(PRESENT, siblings=(bytes(480),) * 65),
    "short siblings": replace(PRESENT, siblings=(b"", *PRESENT.siblings[1:])),
    "the empty tree": replace(PRESENT, value=None, bucket=b"", siblings=()),
    "another table": replace(PRESENT, table="bank.blocked"),
    "an unknown table": replace(PRESENT, table="bank.nothing"),
    "tables out of order": replace(PRESENT, table_roots=PRESENT.table_roots[::-1]),
    "a table twice": replace(PRESENT, table_roots=(PRESENT.table_roots[0], *PRESENT.table_roots)),
    "a table left out": replace(PRESENT, table_roots=PRESENT.table_roots[:-1]),
    "two tables passed off as one": replace(PRESENT, table_roots=_joined(PRESENT.table_roots)),
    "a name longer than its length can say": replace(
        PRESENT, table_roots=(*PRESENT.table_roots, ("n" * 65_536, bytes(32)))
    ),
    "a name that no UTF-8 can say": replace(PRESENT, table_roots=(*PRESENT.table_roots, ("\ud800", bytes(32)))),
    "a root that is too short": replace(PRESENT, other_root=PRESENT.other_root[:-1]),
    "the other half": replace(PRESENT, half="host"),
}


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_is_refused(forged: Proof) -> None:
    with pytest.raises(ProofInvalid, match="proof does not hold"):
        verify(forged, SUBJECT.app_root)


def test_a_proof_of_another_state_is_refused() -> None:
    with pytest.raises(ProofInvalid, match="another app_root"):
        verify(PRESENT, chain(301).app_root)


MALFORMED: dict[str, Any] = {
    "a list": [],
    "a member missing": {key: value for key, value in PRESENT.to_json().items() if key != "bucket"},
    "a member too many": {**PRESENT.to_json(), "extra": 1},
    "upper-case hex": {**PRESENT.to_json(), "key": PRESENT.key.hex().upper() + "AB"},
    "spaces in hex": {**PRESENT.to_json(), "key": "ab cd"},
    "odd hex": {**PRESENT.to_json(), "key": "abc"},
    "a number as bytes": {**PRESENT.to_json(), "key": 5},
    "a name that is none": {**PRESENT.to_json(), "table": 5},
    "an unknown half": {**PRESENT.to_json(), "half": "third"},
    "siblings as text": {**PRESENT.to_json(), "siblings": "00"},
    "a root without a name": {**PRESENT.to_json(), "table_roots": [["00"]]},
}


@pytest.mark.parametrize("document", MALFORMED.values(), ids=MALFORMED)
def test_json_that_is_no_proof_is_refused(document: object) -> None:
    with pytest.raises(ProofInvalid):
        Proof.from_json(document)


def test_the_verifier_needs_nothing_but_hashes_and_errors() -> None:
    tree = ast.parse(Path(proofs.__file__).read_text())
    imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert {name for name in imported if name and name.startswith("storage")} == {"storage.errors", "storage.hashing"}
