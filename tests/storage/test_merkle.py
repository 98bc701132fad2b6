"""The tree of a table: its root follows content alone, whatever the way that led there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from storage.bulkload import tree_of
from storage.errors import PatchStale
from storage.hashing import (
    EMPTY_ROOT,
    TAG_BUCKET,
    TAG_INNER,
    TAG_KEY,
    TAG_VALUE,
    app_root,
    content_of,
    half_root,
)
from storage.merkle import Tree
from storage.nodes import Changed, changed
from tests.storage.plain_tree import VECTORS, Store, built, ground_keys, numbered


def hash_by_definition(rows: Mapping[bytes, bytes]) -> bytes:
    """The root as the docstring states it, written as plainly as can be."""

    def node(entries: list[bytes], depth: int) -> bytes:
        if not entries:
            return bytes(32)
        if len(entries) <= 32:
            return sha256(TAG_BUCKET + b"".join(entries)).digest()
        children = (
            node([entry for entry in entries if entry.hex()[depth] == digit], depth + 1) for digit in "0123456789abcdef"
        )
        return sha256(TAG_INNER + b"".join(children)).digest()

    def content(value: bytes) -> bytes:
        if len(value) > 32:
            return b"\xff" + sha256(TAG_VALUE + value).digest()
        return bytes([len(value)]) + value + bytes(32 - len(value))

    entries = sorted(sha256(TAG_KEY + key).digest() + content(value) for key, value in rows.items())
    return node(entries, 0) if entries else EMPTY_ROOT


KEYS = st.integers(0, 120).map(lambda number: b"key %d" % number)
"""Few enough that buckets split, merge, and meet the same key again."""
VALUES = st.binary(max_size=3) | st.binary(min_size=31, max_size=34)
"""Some too long to stand in an entry."""
CHANGES = st.dictionaries(KEYS, st.none() | VALUES, max_size=60)


def test_an_empty_table_has_the_empty_root() -> None:
    assert Tree().root == EMPTY_ROOT
    store = built(numbered(range(100)))
    store.change(dict.fromkeys(numbered(range(100))))
    assert store.shape() == (EMPTY_ROOT, 0, b"")


@pytest.mark.parametrize("rows", [1, 2, 32, 33, 40, 300, 3000])
def test_the_root_is_the_one_of_the_definition(rows: int) -> None:
    content = numbered(range(rows))
    assert built(content).tree.root == hash_by_definition(content)


def test_the_roots_of_the_vectors_are_reproduced_exactly() -> None:
    vectors = json.loads((VECTORS / "roots.json").read_text())
    for table in vectors["tables"]:
        assert built(numbered(range(table["rows"]), table["fill"])).tree.root.hex() == table["root"]
    full, none = (bytes.fromhex(vectors["tables"][at]["root"]) for at in (3, 0))
    half = half_root([("bank.accounts", full), ("host.flags", none)])
    assert half.hex() == vectors["half"]
    assert half_root([]).hex() == vectors["empty_half"]
    assert app_root(half, half_root([])).hex() == vectors["app"]


@settings(max_examples=150, deadline=None)
@given(st.lists(CHANGES, max_size=12))
def test_any_order_of_changes_ends_in_the_tree_of_a_fresh_build(history: list[dict[bytes, bytes | None]]) -> None:
    store = Store()
    content: dict[bytes, bytes] = {}
    for changes in history:
        store.change(changes)
        for key, value in changes.items():
            if value is None:
                content.pop(key, None)
            else:
                content[key] = value
        assert store.shape() == built(content).shape()
    assert store.tree.root == hash_by_definition(content)


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, 5000), min_size=1, max_size=400), st.randoms(use_true_random=False))
def test_rows_put_and_deleted_one_by_one_leave_no_trace(numbers: set[int], random: Random) -> None:
    kept = built(numbered(range(10_000, 10_300)))
    before = kept.shape()
    rows = list(numbered(sorted(numbers)).items())
    for key, value in rows:
        kept.change({key: value})
    random.shuffle(rows)
    for key, _ in rows:
        kept.change({key: None})
    assert kept.shape() == before
    assert kept.tree.prepare(numbered(numbers)).root == built(
        {**numbered(range(10_000, 10_300)), **numbered(numbers)}
    ).tree.root


@pytest.mark.parametrize("others", [0, 100])
def test_a_corner_splits_and_merges_at_the_bound_and_nowhere_else(others: int) -> None:
    corner = dict.fromkeys(ground_keys()[:40], b"ground")
    content = numbered(range(others))
    store = built(content)
    for key, value in corner.items():
        content[key] = value
        store.change({key: value})
        assert store.shape() == built(content).shape()
    for key in corner:
        del content[key]
        store.change({key: None})
        assert store.shape() == built(content).shape()


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, VALUES), st.randoms(use_true_random=False))
def test_a_tree_made_of_its_rows_in_any_order_goes_on_alike(
    content: dict[bytes, bytes], random: Random
) -> None:
    store = built(content)
    rows = list(content.items())
    random.shuffle(rows)
    loaded = Store()
    loaded.tree = tree_of(rows)
    assert loaded.shape() == store.shape()
    half = dict.fromkeys(list(content)[::2])
    for each in (store, loaded):
        each.change(half)
        each.change(numbered(range(50)))
    assert loaded.shape() == store.shape()


def test_ten_thousand_keys_in_one_corner_only_deepen_that_corner() -> None:
    keys = ground_keys()
    assert len({sha256(TAG_KEY + key).digest()[:2] for key in keys}) == 1
    honest = numbered(range(1000))
    store = built(honest)
    before = store.shape()
    for at in range(0, len(keys), 2500):
        store.change(dict.fromkeys(keys[at:at + 2500], b"ground"))
    assert store.shape() == built({**honest, **dict.fromkeys(keys, b"ground")}).shape()
    assert store.tree.root == hash_by_definition({**honest, **dict.fromkeys(keys, b"ground")})
    for at in range(0, len(keys), 2500):
        store.change(dict.fromkeys(keys[at : at + 2500]))
    assert store.shape() == before


def test_a_deep_tree_made_of_its_rows_counts_and_merges_as_the_one_that_grew() -> None:
    deep = {**numbered(range(3000)), **dict.fromkeys(ground_keys()[:200], b"ground")}
    store = built(deep)
    loaded = Store()
    loaded.tree = tree_of(deep.items())
    assert loaded.shape() == store.shape()
    for each in (store, loaded):
        each.change(dict.fromkeys(list(deep)[100:]))
    assert loaded.shape() == store.shape() == built(numbered(range(100))).shape()


def test_preparing_changes_nothing_and_may_be_dropped_or_repeated() -> None:
    store = built(numbered(range(500)))
    before = store.shape()
    changes: dict[bytes, bytes | None] = {**numbered(range(490, 700)), **dict.fromkeys(numbered(range(450)))}
    dropped = store.tree.prepare(changes)
    again = store.tree.prepare(changes)
    assert dropped == again
    assert store.shape() == before
    store.change(numbered(range(1)))
    assert store.tree.root == before[0]


def test_a_patch_of_another_base_is_refused() -> None:
    store = built(numbered(range(30)))
    stale = store.tree.prepare({b"a": b"1"})
    store.change({b"b": b"2"})
    with pytest.raises(PatchStale, match="prepare it again"):
        store.tree.apply(stale)


def test_deleting_what_is_not_there_changes_no_bucket() -> None:
    store = built(numbered(range(200)))
    patch = store.tree.prepare(dict.fromkeys(numbered(range(1000, 1100))))
    assert (patch.root, patch.count, patch.top) == store.shape()
    assert Tree().prepare({b"a": None}).root == EMPTY_ROOT


@pytest.mark.parametrize("others", [0, 40])
def test_a_key_hash_that_lies_across_two_hashes_is_not_taken_for_an_entry(others: int) -> None:
    """No keys are known whose hashes lie so; the nodes are asked directly, with bytes in the place of hashes."""

    def entry(key_hash: bytes) -> bytes:
        return key_hash + b"v" * 33

    def fresh(entries: list[bytes]) -> Changed:
        return changed(b"", 0, sorted(entries), 0, len(entries))

    key_hash = b"\x11" * 16 + b"v" * 16
    across = entry(b"\x10" * 16 + b"\x11" * 16)
    assert key_hash in across
    standing = [across, *(entry(bytes((0x20 + number,)) * 32) for number in range(others))]
    without, with_it = fresh(standing), fresh([*standing, entry(key_hash)])
    assert changed(without[0], 0, [entry(key_hash)], 0, 1) == (*with_it[:2], 1)
    assert changed(without[0], 0, [key_hash], 0, 1) == (*without[:2], 0)
    assert changed(with_it[0], 0, [key_hash], 0, 1) == (*without[:2], -1)


@given(st.binary(max_size=70), st.binary(max_size=70))
def test_different_bytes_have_different_contents(one: bytes, other: bytes) -> None:
    assert (content_of(one) == content_of(other)) == (one == other)


@pytest.mark.parametrize("size", [0, 1, 31, 32])
def test_short_bytes_filled_up_or_hashed_are_other_bytes(size: int) -> None:
    short = bytes(size)
    long = sha256(TAG_VALUE + bytes(33)).digest()
    others = [content_of(other) for other in (short + b"\0", bytes(33), long, b"\xff" + long)]
    assert content_of(short) not in others
    assert {len(each) for each in (content_of(short), *others)} == {33}


class TreeAgainstDict(RuleBasedStateMachine):
    """Blocks prepared, dropped, committed and reloaded, against a plain dict."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.content: dict[bytes, bytes] = {}

    @rule(changes=CHANGES)
    def commit(self, changes: dict[bytes, bytes | None]) -> None:
        self.store.change(changes)
        self.content.update((key, value) for key, value in changes.items() if value is not None)
        for key, value in changes.items():
            if value is None:
                self.content.pop(key, None)

    @rule(changes=CHANGES)
    def drop(self, changes: dict[bytes, bytes | None]) -> None:
        self.store.tree.prepare(changes)

    @rule()
    def restart(self) -> None:
        self.store.tree = tree_of(self.content.items())

    @invariant()
    def the_tree_follows_content(self) -> None:
        assert self.store.tree.count == len(self.content)
        assert self.store.shape() == built(self.content).shape()


TestTreeAgainstDict = TreeAgainstDict.TestCase
TestTreeAgainstDict.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
