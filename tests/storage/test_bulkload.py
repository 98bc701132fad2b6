"""Bulk loading a tree gives exactly the buckets that a standing tree of the same rows has."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import bulkload
from storage.bulkload import Entries
from storage.merkle import Tree
from tests.storage.plain_tree import built, ground_keys, numbered, shape_of

History = list[dict[bytes, bytes | None]]
GROUND = ground_keys()

honest = st.integers(0, 9000).map(lambda number: number.to_bytes(8, "big"))
ground = st.integers(0, 60).map(GROUND.__getitem__)
history = st.lists(st.dictionaries(honest | ground, st.none() | st.binary(max_size=2), max_size=40), max_size=8)


def bulk_loaded(history: History) -> Tree:
    entries = Entries()
    for changes in history:
        entries.put(changes.items())
    *steps, tree = entries.build()
    assert not any(steps) and tree is not None, "the tree comes last"
    return tree


def settled(history: History) -> dict[bytes, bytes]:
    content: dict[bytes, bytes | None] = {}
    for changes in history:
        content |= changes
    return {key: value for key, value in content.items() if value is not None}


def require_the_fresh_tree(history: History) -> None:
    fresh = built(settled(history))
    tree = bulk_loaded(history)
    assert shape_of(tree) == fresh.shape()
    grown, shrunk = numbered(range(5000, 5200)), dict.fromkeys(list(settled(history))[::3])
    for changes in (grown, shrunk):
        tree.apply(tree.prepare(changes))
        fresh.change(changes)
        assert shape_of(tree) == fresh.shape()


def halves(rows: Mapping[bytes, bytes]) -> History:
    """The rows in two slices, with others that are put, changed or taken away in between."""
    keys = list(rows)
    first: dict[bytes, bytes | None] = {key: rows[key] for key in keys[: len(keys) // 2]}
    passing: dict[bytes, bytes | None] = {b"passing %d" % number: b"" for number in range(30)}
    wrong: dict[bytes, bytes | None] = dict.fromkeys(keys[:: max(len(keys) // 9, 1)], b"soon another value")
    rest: dict[bytes, bytes | None] = {key: rows[key] for key in keys if key not in first or key in wrong}
    return [first, passing, wrong, dict.fromkeys(passing), rest]


@settings(max_examples=100, deadline=None)
@given(history, st.sampled_from([0, bulkload.SMALL_ROWS]))
def test_any_history_is_laid_out_as_the_fresh_tree_of_what_is_left(history: History, small: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulkload, "SMALL_ROWS", small)
        require_the_fresh_tree(history)


@pytest.mark.parametrize("rows", [0, 1, 32, 33, 256, 257, 4096, 4097, 70_000])
def test_a_table_of_any_size_is_laid_out_as_its_fresh_tree(rows: int) -> None:
    require_the_fresh_tree(halves(numbered(range(rows))))


@pytest.mark.parametrize("others", [0, 33, 5000])
def test_keys_ground_into_one_corner_are_laid_out_as_the_fresh_tree(others: int) -> None:
    require_the_fresh_tree(halves({**dict.fromkeys(GROUND, b"ground"), **numbered(range(others))}))


@pytest.mark.parametrize("left", [0, 1, 32, 33])
def test_many_entries_of_which_few_are_left_make_the_small_tree(left: int) -> None:
    rows = numbered(range(6000))
    gone = list(rows)[left:]
    require_the_fresh_tree([dict(rows), dict.fromkeys(gone)])
