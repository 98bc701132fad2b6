"""Tables, overlay, generations and trees against plain dicts: any order of writes, savepoints, commits and crashes."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from storage.bulkload import tree_of
from storage.catalogue import Catalogue
from storage.home import Home
from storage.overlay import Overlay
from storage.state import State
from storage.tables import Table
from tests.storage.small_state import ALL_TABLES, FLAGS, PURSES, STAKES, VOTES, Purse

Rows = dict[bytes, bytes]
Model = dict[str, Rows]

owners = st.integers(0, 40) | st.sampled_from([255, 256, 2**64, 2**255])
values = st.builds(Purse, coins=st.integers(0, 3) | st.just(2**200), note=st.sampled_from(["", "a"]))
places = st.one_of(
    st.tuples(st.just(PURSES), st.tuples(owners)),
    st.tuples(st.just(STAKES), st.tuples(owners, st.integers(0, 3))),
    st.tuples(st.just(VOTES), st.tuples(st.integers(0, 3), st.sampled_from(["", "a", "a\0b", "b"]))),
    st.tuples(st.just(FLAGS), st.just(())),
)
prefixes = st.one_of(
    st.tuples(st.just(PURSES), st.just(())),
    st.tuples(st.just(STAKES), st.just(()) | st.tuples(owners)),
    st.tuples(st.just(VOTES), st.just(()) | st.tuples(st.integers(0, 3))),
)


def root_of(rows: Rows) -> bytes:
    """The root of a fresh build."""
    return tree_of(rows.items()).root


class StateMachine(RuleBasedStateMachine):
    """One node; ``model`` is what the overlay must show, ``committed`` the head, ``durable`` what a crash leaves."""

    @initialize(cached=st.sampled_from([0, 3, 1 << 16]))
    def begin(self, cached: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.cached = cached
        self.state = State.create(Home.create(self.folder / "node"), ALL_TABLES, cached)
        self.durable: Model = {table.name: {} for table in ALL_TABLES}
        self.committed = _copy(self.durable)
        self.kept: Rows | None = None
        self.flips = 0
        self.fresh()

    def fresh(self) -> None:
        self.overlay: Overlay = self.state.overlay()
        self.model = _copy(self.committed)
        self.marks: list[tuple[int, Model]] = []

    @rule(place=places, value=values)
    def put(self, place: tuple[Table[Any], tuple[Any, ...]], value: Purse) -> None:
        table, key = place
        self.overlay.put(table, key, value)
        self.model[table.name][table.pack(key)] = table.codec.encode(value)

    @rule(place=places)
    def delete(self, place: tuple[Table[Any], tuple[Any, ...]]) -> None:
        table, key = place
        self.overlay.delete(table, key)
        self.model[table.name].pop(table.pack(key), None)

    @rule(place=places)
    def get(self, place: tuple[Table[Any], tuple[Any, ...]]) -> None:
        table, key = place
        raw = self.model[table.name].get(table.pack(key))
        assert self.overlay.get(table, key) == (None if raw is None else table.codec.decode(raw))

    @rule(prefix=prefixes, reverse=st.booleans(), start=st.none() | owners)
    def scan(self, prefix: tuple[Table[Any], tuple[Any, ...]], reverse: bool, start: int | None) -> None:
        table, key = prefix
        at = None if start is None or key or table is VOTES else table.pack((start,))
        found = self.overlay.scan(table, key, None if at is None else (start,), reverse)
        wanted = sorted(raw for raw in self.model[table.name] if raw.startswith(table.pack(key)))
        if at is not None:
            wanted = [raw for raw in wanted if (raw <= at or raw.startswith(at) if reverse else raw >= at)]
        rows = [(table.unpack(raw), table.codec.decode(self.model[table.name][raw])) for raw in wanted]
        assert list(found) == (rows[::-1] if reverse else rows)

    @rule()
    def savepoint(self) -> None:
        self.marks.append((self.overlay.savepoint(), _copy(self.model)))

    @precondition(lambda self: self.marks)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.marks) - 1))
        mark, self.model = self.marks[place]
        self.overlay.rollback_to(mark)
        del self.marks[place:]

    @precondition(lambda self: self.marks)
    @rule()
    def release(self) -> None:
        self.overlay.release(self.marks.pop()[0])

    @precondition(lambda self: self.marks)
    @rule(data=st.data())
    def changes_since(self, data: st.DataObject) -> None:
        mark, before = data.draw(st.sampled_from(self.marks))
        assert _bytes(self.overlay.changes_since(mark)) == _difference(before, self.model)

    @rule(durable=st.booleans())
    def commit(self, durable: bool) -> None:
        prepared = self.state.prepare(self.overlay)
        self.state.commit(prepared, self.state.height + 1, durable=durable)
        self.committed = _copy(self.model)
        if durable:
            self.durable = _copy(self.committed)
        self.fresh()

    @rule()
    def flush(self) -> None:
        self.state.flush()
        self.durable = _copy(self.committed)

    @rule()
    def drop(self) -> None:
        self.fresh()

    @rule()
    def crash(self) -> None:
        self.state.close()
        self.state = State.open(Home(self.folder / "node"), ALL_TABLES, self.cached)
        self.committed = _copy(self.durable)
        self.fresh()

    @rule(keep=st.booleans(), slices=st.integers(1, 5), added=st.sets(owners))
    def flip(self, keep: bool, slices: int, added: set[int]) -> None:
        """Build a generation of the committed purses, doubled, with some rows added, and flip to it."""
        rows = {key: PURSES.codec.encode(Purse(coins=len(raw))) for key, raw in self.committed[PURSES.name].items()}
        rows |= {PURSES.pack((owner,)): PURSES.codec.encode(Purse(coins=owner)) for owner in added}
        self.flips += 1
        self.flush()
        builder = self.state.build_generation(PURSES, b"flip %d" % self.flips)
        order = sorted(rows.items())
        for at in range(0, len(order), slices):
            builder.put_many(order[at : at + slices])
        generation = builder.finish()
        assert generation.root == root_of(rows)
        catalogue = self.state.catalogue.released()
        self.kept = dict(self.committed[PURSES.name]) if keep else None
        root = self.state.table_root(PURSES.name) if keep else None
        catalogue = catalogue.replaced(PURSES, keep_root=root)
        self.force(catalogue, rows, {PURSES.name: generation})

    @precondition(lambda self: self.kept is not None)
    @rule()
    def return_to_kept(self) -> None:
        kept = self.state.catalogue.runtime.kept[0]
        entries = tuple(
            entry.but(generation=kept.generation) if entry.name == kept.name else entry
            for entry in self.state.catalogue.runtime.entries
        )
        assert self.kept is not None
        rows, self.kept = self.kept, None
        self.force(self.state.catalogue.with_runtime_tables(entries), rows, {})

    def force(self, catalogue: Catalogue, rows: Rows, generations: dict[str, Any]) -> None:
        self.fresh()
        self.overlay.flip(catalogue, generations)
        self.model[PURSES.name] = dict(rows)
        self.commit(durable=False)
        assert self.state.durable_height == self.state.height
        self.durable = _copy(self.committed)

    @rule(limit=st.integers(1, 50))
    def collect(self, limit: int) -> None:
        assert self.state.collect(limit) <= limit

    @invariant()
    def roots_are_those_of_a_fresh_build(self) -> None:
        roots = self.state.prepare(self.overlay).table_roots
        for table in ALL_TABLES:
            assert roots[table.name] == root_of(self.model[table.name])

    @invariant()
    def changes_are_net(self) -> None:
        changes = self.overlay.changes()
        assert {name: rows for name, rows in _bytes(changes).items() if name != "host.catalogue"} == _difference(
            self.committed, self.model
        )
        assert list(changes) == sorted(changes)
        assert all(list(rows) == sorted(rows) for rows in changes.values())

    @invariant()
    def the_view_shows_what_is_durable(self) -> None:
        view = self.state.view()
        for table in (PURSES, FLAGS):
            found = {table.pack(key): table.codec.encode(record) for key, record in view.scan(table)}
            assert found == self.durable[table.name]

    def teardown(self) -> None:
        self.state.close()
        shutil.rmtree(self.folder)


def _copy(model: Model) -> Model:
    return {name: dict(rows) for name, rows in model.items()}


def _bytes(changes: Any) -> dict[str, dict[bytes, tuple[bytes | None, bytes | None]]]:
    return {name: {key: (change.old, change.new) for key, change in rows.items()} for name, rows in changes.items()}


def _difference(before: Model, after: Model) -> dict[str, dict[bytes, tuple[bytes | None, bytes | None]]]:
    found = {}
    for name in before:
        keys = before[name].keys() | after[name].keys()
        rows = {key: (before[name].get(key), after[name].get(key)) for key in keys}
        if changed := {key: pair for key, pair in rows.items() if pair[0] != pair[1]}:
            found[name] = changed
    return found


TestStateMachine = StateMachine.TestCase
TestStateMachine.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
