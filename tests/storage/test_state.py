"""A block is prepared without a trace and committed whole; what a crash leaves is always a committed height."""

import threading
from pathlib import Path

import pytest

from storage.blocklog import block_rows
from storage.engine import Engine
from storage.errors import (
    EngineStopped,
    HeadMismatch,
    HeadMissing,
    HeightOutOfOrder,
    NotDurable,
    PreparedStale,
    StoreDamaged,
    TableExists,
    TableMismatch,
)
from storage.hashing import app_root, half_root
from storage.headfile import Head, read_head, write_head
from storage.home import Home
from storage.proofs import verify
from storage.restore import open_copy
from storage.rows import GENERATION_PREFIX, META_KEY, table_prefix
from storage.state import WAITING_BLOCKS, State
from storage.tables import Half, Table
from tests.storage.small_state import (
    ALL_TABLES,
    DATED,
    FLAGS,
    PURSES,
    VOTES,
    Purse,
    built,
    coins_of,
    commit,
    flip,
    new_state,
    purse,
    put_coins,
    reopened,
)


def test_a_new_state_is_at_height_0_and_chooses_its_first_height(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    assert (state.height, state.commit_number) == (0, 1)
    state.commit(state.prepare(state.overlay()), 5_200_791)
    assert reopened(state, tmp_path / "node").height == 5_200_791


def test_what_was_committed_is_there_after_reopening(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    commit(state, put_coins({1: 10, 2: 20}))
    commit(state, lambda overlay: overlay.delete(PURSES, (1,)))
    head = state.head
    state = reopened(state, tmp_path / "node")
    assert state.head == head
    assert coins_of(state.overlay()) == {2: 20}
    assert read_head(tmp_path / "node" / "head") == head


def test_preparing_is_pure_and_repeatable(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    commit(state, put_coins({owner: owner for owner in range(40)}))
    overlay = state.overlay()
    put_coins({1: 11, 50: 50})(overlay)
    first, second = state.prepare(overlay), state.prepare(overlay)
    assert (first.app_root, first.rows()) == (second.app_root, second.rows())
    overlay.put(PURSES, (2,), purse(22))
    third = state.prepare(overlay)
    assert third.runtime_root != first.runtime_root
    assert third.host_root == first.host_root == state.head.host_root
    assert coins_of(state.overlay())[1] == 1
    other = state.overlay()
    put_coins({1: 11, 50: 50})(other)
    assert state.prepare(other).app_root == first.app_root
    state.commit(second, 2)
    assert state.head.app_root == first.app_root


def test_roots_are_those_of_the_rules(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    overlay = state.overlay()
    put_coins({1: 1})(overlay)
    prepared = state.prepare(overlay)
    roots = prepared.table_roots
    halves = [half_root([(name, roots[name]) for name in state.catalogue.names(half)]) for half in Half]
    assert halves == [prepared.host_root, prepared.runtime_root]
    assert prepared.app_root == app_root(*halves)
    assert roots["bank.purses"] != roots["stake.stakes"] == state.table_root("stake.stakes")


def test_a_prepared_block_is_stale_after_any_commit(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    overlay = state.overlay()
    prepared = state.prepare(overlay)
    commit(state)
    with pytest.raises(PreparedStale):
        state.commit(prepared, 2)
    with pytest.raises(PreparedStale):
        state.prepare(overlay)


def test_heights_follow_each_other(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    commit(state)
    for height in (0, 1, 3):
        with pytest.raises(HeightOutOfOrder):
            state.commit(state.prepare(state.overlay()), height)


def test_undo_names_runtime_rows_as_they_were(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    commit(state, put_coins({1: 10}))
    overlay = state.overlay()
    put_coins({1: 11, 2: 20})(overlay)
    overlay.put(FLAGS, (), purse(1))
    assert state.prepare(overlay).undo == [
        ("bank.purses", PURSES.pack((1,)), PURSES.codec.encode(purse(10))),
        ("bank.purses", PURSES.pack((2,)), None),
    ]


def test_waiting_blocks_are_seen_by_the_executor_and_by_nobody_else(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    commit(state, put_coins({1: 10, 2: 20}))
    before = state.view()
    commit(state, put_coins({1: 11, 3: 30}), durable=False)
    commit(state, lambda overlay: overlay.delete(PURSES, (2,)), durable=False)
    assert (state.height, state.durable_height) == (3, 1)
    assert coins_of(state.overlay()) == {1: 11, 3: 30}
    assert [key for key, _ in state.overlay().scan(PURSES, reverse=True)] == [(3,), (1,)]
    assert state.view() is before
    assert before.get(PURSES, (1,)) == purse(10)
    assert [key for key, _ in before.scan(PURSES)] == [(1,), (2,)]


def test_waiting_blocks_share_one_commit(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    commit(state, put_coins({1: 10}), durable=False)
    commit(state, put_coins({2: 20}), durable=False)
    assert state.flush() == state.head
    assert (state.durable_height, state.commit_number) == (2, 2)
    assert state.view().get(PURSES, (2,)) == purse(20)
    head = state.head
    assert reopened(state, tmp_path / "node").head == head


def test_a_durable_block_takes_the_waiting_ones_along(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    commit(state, put_coins({1: 10}), durable=False)
    commit(state, put_coins({2: 20}))
    assert (state.durable_height, state.commit_number) == (2, 2)
    state = reopened(state, tmp_path / "node")
    assert coins_of(state.overlay()) == {1: 10, 2: 20}


def test_blocks_that_wait_are_lost_by_a_crash_and_made_again_alike(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    commit(state, put_coins({1: 10}))
    commit(state, put_coins({2: 20}), durable=False)
    lost = state.head.app_root
    state = reopened(state, tmp_path / "node")
    assert (state.height, coins_of(state.overlay())) == (1, {1: 10})
    commit(state, put_coins({2: 20}))
    assert state.head.app_root == lost


def test_no_more_than_the_bound_wait(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    for _ in range(WAITING_BLOCKS - 1):
        commit(state, durable=False)
    assert state.durable_height == 0
    commit(state, durable=False)
    assert state.durable_height == WAITING_BLOCKS


def test_roots_do_not_depend_on_caches_or_on_when_blocks_are_synced(tmp_path: Path) -> None:
    roots = []
    for name, cached, durable in (("a", 0, True), ("b", 3, False), ("c", 1 << 16, True)):
        state = new_state(tmp_path / name, cached)
        for height in range(1, 25):
            commit(state, put_coins({height * 7 % 40: height, height * 5 % 90: height}), durable=durable)
        roots.append(state.head.app_root)
        assert state.table_root("bank.purses") == reopened_root(state, tmp_path / name)
    assert len(set(roots)) == 1


def reopened_root(state: State, root: Path) -> bytes:
    state.flush()
    state = reopened(state, root)
    found = state.table_root("bank.purses")
    state.close()
    return found


def test_a_view_keeps_its_height(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    commit(state, put_coins({1: 10}))
    old = state.view()
    commit(state, put_coins({1: 11}))
    assert (old.height, old.get(PURSES, (1,))) == (1, purse(10))
    assert (state.view().height, state.view().get(PURSES, (1,))) == (2, purse(11))
    assert old.head.app_root != state.view().head.app_root
    with pytest.raises(TableMismatch):
        old.get(DATED, (1,))


def test_a_table_of_the_other_half_is_refused_wherever_rows_are_read(tmp_path: Path) -> None:
    """Generations are numbered in each half, so the same number there is another table's."""
    state = new_state(tmp_path / "node")
    commit(state, put_coins({1: 10}))
    disguised = Table(PURSES.name, Half.HOST, PURSES.key, PURSES.key_names, Purse)
    for read in (state.view().get, state.prove):
        with pytest.raises(TableMismatch, match="runtime half"):
            read(disguised, (1,))
    with pytest.raises(TableMismatch, match="runtime half"):
        state.register(disguised)
    with pytest.raises(TableMismatch):
        state.prove(DATED, (1,))


def test_a_view_reads_the_log_of_durable_blocks_only(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    state.commit(state.prepare(state.overlay()), 1, block_rows(1, b"one"))
    state.commit(state.prepare(state.overlay()), 2, block_rows(2, b"two"), durable=False)
    assert (state.view().log.last(), state.log().last()) == (1, 2)
    assert state.log().block(2) == b"two"


def test_a_row_and_an_absent_row_are_proven_against_the_head(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    commit(state, put_coins({owner: owner for owner in range(100)}))
    proof = state.prove(PURSES, (7,))
    assert verify(proof, state.head.app_root) == PURSES.codec.encode(purse(7))
    assert verify(state.prove(PURSES, (1000,)), state.head.app_root) is None
    assert verify(state.prove(VOTES, (1, "nobody")), state.head.app_root) is None
    commit(state, put_coins({7: 8}), durable=False)
    with pytest.raises(NotDurable):
        state.prove(PURSES, (7,))


def test_a_crash_between_batch_and_head_file_is_made_good(tmp_path: Path) -> None:
    home = Home(tmp_path / "node")
    state = new_state(home.root)
    commit(state, put_coins({1: 10}))
    kept = home.head_file.read_bytes()
    commit(state, put_coins({1: 11}))
    head = state.head
    state.close()
    home.head_file.write_bytes(kept)
    state = State.open(home, ALL_TABLES)
    assert state.head == head == read_head(home.head_file)
    assert coins_of(state.overlay()) == {1: 11}


def test_a_database_behind_its_head_file_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "node")
    state = new_state(home.root)
    commit(state)
    head = state.head
    state.close()
    write_head(home.head_file, Head(head.commit + 1, 2, head.app_root, head.host_root, head.runtime_root))
    with pytest.raises(HeadMismatch):
        State.open(home, ALL_TABLES)


@pytest.mark.parametrize("prefix", [table_prefix(1), META_KEY, GENERATION_PREFIX])
def test_rows_that_vanished_are_found_at_the_start(tmp_path: Path, prefix: bytes) -> None:
    home = Home(tmp_path / "node")
    state = new_state(home.root)
    commit(state, put_coins({1: 10}))
    state.close()
    engine = Engine.open(home.database)
    key, _ = next(engine.iterate(prefix, prefix + b"\xff"))
    engine.write([(key, None)], sync=True)
    engine.close()
    with pytest.raises(StoreDamaged):
        State.open(home, ALL_TABLES)


@pytest.mark.parametrize("prefix", [table_prefix(1), META_KEY, GENERATION_PREFIX])
def test_rows_that_make_no_sense_are_found_at_the_start(tmp_path: Path, prefix: bytes) -> None:
    home = Home(tmp_path / "node")
    state = new_state(home.root)
    commit(state, lambda overlay: overlay.put(VOTES, (1, "anna"), purse(1)))
    state.close()
    engine = Engine.open(home.database)
    key, _ = next(engine.iterate(prefix, prefix + b"\xff"))
    engine.write([(key, b"junk")], sync=True)
    engine.close()
    with pytest.raises(StoreDamaged):
        State.open(home, ALL_TABLES)


@pytest.mark.parametrize("kept", [False, True])
def test_a_changed_row_is_found_at_the_start_in_force_or_kept(tmp_path: Path, kept: bool) -> None:
    home = Home(tmp_path / "node")
    state = new_state(home.root)
    commit(state, put_coins({1: 10}))
    number = state.view().numbers[PURSES.half, state.catalogue.entry(PURSES.name).generation]
    if kept:
        catalogue = state.catalogue.replaced(PURSES, keep_root=state.table_root(PURSES.name))
        flip(state, catalogue, {PURSES.name: built(state, {1: 11})})
    state.close()
    engine = Engine.open(home.database)
    prefix = table_prefix(number)
    key, _ = next(engine.iterate(prefix, prefix + b"\xff"))
    engine.write([(key, PURSES.codec.encode(purse(11)))], sync=True)
    engine.close()
    with pytest.raises(StoreDamaged, match="roots"):
        State.open(home, ALL_TABLES)


def test_a_head_file_that_cannot_be_written_stops_the_state_until_it_is_opened_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "node")
    state = new_state(home.root)
    commit(state, put_coins({1: 10}))
    aside = home.head_file.rename(home.root / "aside")
    with pytest.raises(HeadMissing):
        commit(state, put_coins({1: 11}))
    assert (state.height, state.view().height) == (1, 1)
    with pytest.raises(EngineStopped):
        commit(state, put_coins({1: 12}))
    state.close()
    aside.rename(home.head_file)
    state = State.open(home, ALL_TABLES)
    assert (state.height, coins_of(state.overlay())) == (2, {1: 11})


def test_a_batch_that_fails_changes_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "node")
    state = new_state(home.root)
    commit(state, put_coins({1: 10}))
    head, root = state.head, state.table_root("bank.purses")
    overlay = state.overlay()
    put_coins({1: 11})(overlay)
    prepared = state.prepare(overlay)
    state.close()
    with pytest.raises(EngineStopped):
        state.commit(prepared, 2)
    assert (state.head, state.table_root("bank.purses"), state.durable_height) == (head, root, 1)
    assert State.open(home, ALL_TABLES).head == head


def test_a_checkpoint_holds_the_waiting_blocks_too(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    commit(state, put_coins({1: 10}), durable=False)
    made = state.checkpoint("before an upgrade")
    commit(state, put_coins({1: 11}))
    copy = State.open(open_copy(made, tmp_path / "copy"), ALL_TABLES)
    assert (copy.height, coins_of(copy.overlay())) == (1, {1: 10})
    commit(copy, put_coins({1: 11}))
    assert copy.head == state.head


def test_a_reader_on_another_thread_sees_one_height_at_a_time(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    commit(state, put_coins(dict.fromkeys(range(200), 1)))
    torn: list[tuple[int, set[int]]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            view = state.view()
            seen = {record.coins for _, record in view.scan(PURSES)}
            if seen != {view.height}:
                torn.append((view.height, seen))

    reader = threading.Thread(target=read)
    reader.start()
    for height in range(2, 60):
        commit(state, put_coins(dict.fromkeys(range(200), height)))
    done.set()
    reader.join()
    assert torn == []


def test_a_declaration_that_does_not_fit_the_stored_table_is_refused(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    state.close()
    with pytest.raises(TableMismatch):
        State.open(Home(tmp_path / "node"), (DATED,))


def test_a_database_that_no_state_could_be_made_of_is_let_go(tmp_path: Path) -> None:
    twice, node = Home.create(tmp_path / "twice"), Home(tmp_path / "node")
    new_state(node.root).close()
    with pytest.raises(TableExists) as of_create:
        State.create(twice, (PURSES, PURSES))
    with pytest.raises(TableMismatch) as of_open:
        State.open(node, (DATED,))
    for home in (twice, node):
        Engine.open(home.database).close()
    assert of_create.value and of_open.value, "what failed is still at hand, and does not keep the databases open"


def test_registered_tables_are_found_by_half(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    assert [table.name for table in state.tables(Half.RUNTIME)] == ["bank.purses", "stake.stakes"]
    assert "gov.votes" in [table.name for table in state.tables(Half.HOST)]
