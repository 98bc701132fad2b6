"""Any order of slices, changes, crashes and tree building ends in the generation of a fresh build, and nothing else.

The machine does what a builder may do with a `GrowingGeneration` and holds it against plain dicts: rows of the source
in slices, some of them without a row of their own, rows written again or taken away below the cursor, rows beside,
the tree laid out in steps at any moment, and the database closed and opened between any two of these.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from storage import bulkload, growing
from storage.growing import GrowingGeneration
from storage.rows import GENERATION_PREFIX, SIDE_PREFIX, TABLE_PREFIX, after_prefix
from storage.state import State
from tests.storage.plain_tree import built, ground_keys, numbered
from tests.storage.small_state import PURSES, commit, new_state, reopened

LABEL = b"plan 7"
HONEST = sorted(numbered(range(3000)))
GROUND = sorted(ground_keys()[:300])

values = st.binary(max_size=3)
sides = st.dictionaries(st.binary(max_size=2), st.none() | values, max_size=4)
fates = st.lists(st.none() | values, min_size=1, max_size=9)
"""What becomes of the rows of a slice, taken in turn; None makes no row."""


def under(state: State, prefix: bytes) -> dict[bytes, bytes]:
    """The rows on disk whose key begins with a prefix, by what follows it."""
    return {key[len(prefix) :]: value for key, value in state._rows.engine.iterate(prefix, after_prefix(prefix))}


def places_on_disk(state: State) -> dict[bytes, set[int]]:
    """The numbers that have rows, by prefix."""
    return {
        prefix: {int.from_bytes(key[:4], "big") for key in under(state, prefix)}
        for prefix in (TABLE_PREFIX, GENERATION_PREFIX, SIDE_PREFIX)
    }


class GrowingLaws(RuleBasedStateMachine):
    """One build; ``rows`` and ``side`` are what it must hold."""

    @initialize(
        sizes=st.sampled_from([(0, 0), (1, 0), (16, 0), (17, 0), (0, 20), (60, 300), (3000, 0)]),
        cached=st.sampled_from([0, 5, 1 << 16]),
        small=st.sampled_from([0, 4096]),
    )
    def begin(self, sizes: tuple[int, int], cached: int, small: int) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(growing, "SLICE_ROWS", 50)
        self.patch.setattr(bulkload, "SMALL_ROWS", small)
        self.folder = Path(tempfile.mkdtemp())
        self.root = self.folder / "node"
        self.cached = cached
        self.state = new_state(self.root, cached)
        honest, ground = sizes
        self.source = sorted([*HONEST[:honest], *GROUND[:ground]])
        self.begin_anew()

    def begin_anew(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.side: dict[bytes, bytes] = {}
        self.read_up_to = 0
        self.complete = False
        self.growing: GrowingGeneration = self.state.build_generation(PURSES, LABEL)
        self.unread = False
        assert self.growing.cursor is None and not self.growing.complete and not self.growing.has_tree

    def teardown(self) -> None:
        try:
            self.state.flush()
            self.require_a_whole_end()
        finally:
            self.state.close()
            shutil.rmtree(self.folder)
            self.patch.undo()

    @precondition(lambda self: not self.complete)
    @rule(count=st.integers(1, 40) | st.just(5000), fates=fates, side=sides, crash=st.booleans())
    def extend(self, count: int, fates: list[bytes | None], side: dict[bytes, bytes | None], crash: bool) -> None:
        self.state.flush()
        keys = self.source[self.read_up_to : self.read_up_to + count]
        made = [(key, fate) for place, key in enumerate(keys) if (fate := fates[place % len(fates)]) is not None]
        self.complete = len(keys) < count
        self.growing.extend(made, keys[-1] if keys else None, self.complete, side.items())
        self.read_up_to += len(keys)
        self.rows |= made
        self.beside(side, crash)

    @precondition(lambda self: self.read_up_to or self.complete)
    @rule(data=st.data(), side=sides, fates=fates, crash=st.booleans())
    def amend(
        self, data: st.DataObject, side: dict[bytes, bytes | None], fates: list[bytes | None], crash: bool
    ) -> None:
        self.state.flush()
        known = HONEST[:40] + GROUND if self.complete else self.source[: self.read_up_to]
        keys = data.draw(st.lists(st.sampled_from(known), max_size=9, unique=True))
        changes = {key: fates[place % len(fates)] for place, key in enumerate(keys)}
        self.growing.amend(changes, side.items())
        for key, value in changes.items():
            self.rows.pop(key, None)
            if value is not None:
                self.rows[key] = value
        self.beside(side, crash)

    def beside(self, side: dict[bytes, bytes | None], crash: bool) -> None:
        for key, value in side.items():
            self.side.pop(key, None)
            if value is not None:
                self.side[key] = value
        if crash:
            self.crash()

    @rule(ahead=st.integers(-9, 9))
    def read(self, ahead: int) -> None:
        """Read rows about the cursor, there or not."""
        for key in [*self.source, *HONEST[:9]][max(self.read_up_to + ahead, 0) :][:9]:
            assert self.growing.read(key) == self.rows.get(key)

    @precondition(lambda self: self.unread)
    @rule(limit=st.integers(1, 80))
    def reread(self, limit: int) -> None:
        found = self.growing.reread(limit)
        assert all(self.rows[key] == value for key, value in found)
        self.unread = len(found) == limit

    @precondition(lambda self: not self.unread and not self.growing.has_tree)
    @rule(steps=st.sampled_from([1, 2, 30, 255, 400]))
    def build_tree(self, steps: int) -> None:
        self.state.flush()
        while steps and self.growing.build_tree():
            steps -= 1
        assert not steps or self.growing.has_tree

    @rule(durable=st.booleans())
    def commit_a_block(self, durable: bool) -> None:
        commit(self.state, durable=durable)

    def crash(self) -> None:
        cursor = self.growing.cursor
        self.state = reopened(self.state, self.root, self.cached)
        self.growing = self.state.build_generation(PURSES, LABEL)
        assert (self.growing.cursor, self.growing.complete) == (cursor, self.complete)
        assert not self.growing.has_tree
        self.unread = cursor is not None

    @rule()
    def give_up(self) -> None:
        self.state.discard_generation(self.growing.number)
        self.begin_anew()

    @rule(limit=st.integers(1, 60))
    def collect(self, limit: int) -> None:
        assert self.state.collect(limit) <= limit

    @invariant()
    def rows_and_side_rows_are_there(self) -> None:
        assert dict(self.growing.scan()) == self.rows
        assert dict(self.growing.side_rows(b"")) == self.side
        read = self.source[: self.read_up_to]
        for key in (*self.source[:: max(len(self.source) // 7, 1)], HONEST[39]):
            assert self.growing.covers(key) == (self.complete or key <= max(read, default=b""))

    def require_a_whole_end(self) -> None:
        """Finish, put in force, open anew: the generation is a fresh build's, and nothing else is left on disk."""
        root, count, _ = built(self.rows).shape()
        generation = self.growing.finish()
        assert (generation.root, generation.count) == (root, count)
        overlay = self.state.overlay()
        overlay.flip(overlay.catalogue.replaced(PURSES), {PURSES.name: generation})
        self.state.commit(self.state.prepare(overlay), self.state.height + 1)
        self.state = reopened(self.state, self.root)
        assert self.state.table_root(PURSES.name) == root
        assert dict(self.state.rows(PURSES.name)) == self.rows
        while self.state.collect(1000):
            continue
        in_force = set(self.state.view().numbers.values())
        found = places_on_disk(self.state)
        assert found[GENERATION_PREFIX] == in_force
        assert found[TABLE_PREFIX] <= in_force
        assert not found[SIDE_PREFIX]


TestGrowingLaws = GrowingLaws.TestCase
TestGrowingLaws.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
