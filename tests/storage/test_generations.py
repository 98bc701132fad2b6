"""A generation grows beside the chain, comes into force with one block, can come back, and leaves nothing behind."""

from pathlib import Path

import pytest

from storage.engine import Engine
from storage.errors import GenerationInvalid
from storage.home import Home
from storage.rows import GENERATION_PREFIX, TABLE_PREFIX, after_prefix
from storage.state import State
from tests.storage.small_state import (
    DATED,
    PURSES,
    STAKES,
    DatedPurse,
    built,
    coins_of,
    commit,
    flip,
    new_state,
    packed,
    purse,
    put_coins,
    reopened,
)

OLD = {owner: owner * 10 for owner in range(60)}
NEW = {owner: owner * 1000 + 1 for owner in range(90)}


def grown(root: Path) -> State:
    state = new_state(root)
    commit(state, put_coins(OLD))
    return state


def numbers_on_disk(home: Home) -> set[int]:
    engine = Engine.open(home.database)
    found = {
        int.from_bytes(key[1:5], "big")
        for prefix in (TABLE_PREFIX, GENERATION_PREFIX)
        for key, _ in engine.iterate(prefix, after_prefix(prefix))
    }
    engine.close()
    return found


def test_a_build_changes_no_root_and_nothing_that_is_read(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    root = state.prepare(state.overlay()).app_root
    built(state, NEW)
    assert state.prepare(state.overlay()).app_root == root == state.head.app_root
    assert coins_of(state.overlay()) == OLD


def test_a_built_generation_has_the_root_of_the_same_rows_written_one_by_one(tmp_path: Path) -> None:
    state = new_state(tmp_path / "node")
    generation = built(state, NEW)
    commit(state, put_coins(NEW))
    assert (generation.root, generation.count) == (state.table_root("bank.purses"), len(NEW))


def test_a_flip_puts_it_in_force_and_it_stays_after_reopening(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    generation = built(state, NEW, DATED)
    flip(state, state.catalogue.replaced(DATED), {"bank.purses": generation})
    commit(state, lambda overlay: overlay.put(DATED, (1,), DatedPurse(coins=5, since=9)))
    head = state.head
    state.close()
    state = State.open(Home(tmp_path / "node"))
    assert state.head == head
    assert state.overlay().get(DATED, (1,)) == DatedPurse(coins=5, since=9)
    assert state.overlay().get(DATED, (2,)) == DatedPurse(coins=NEW[2])
    assert state.view().get(DATED, (89,)) == DatedPurse(coins=NEW[89])


def test_a_dropped_flip_leaves_everything_as_it_was(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    generation = built(state, NEW)
    overlay = state.overlay()
    overlay.flip(overlay.catalogue.replaced(PURSES), {"bank.purses": generation})
    dropped = state.prepare(overlay)
    commit(state, put_coins({0: 1}))
    assert coins_of(state.overlay()) == {**OLD, 0: 1}
    overlay = state.overlay()
    overlay.flip(overlay.catalogue.replaced(PURSES), {"bank.purses": generation})
    assert state.prepare(overlay).runtime_root == dropped.runtime_root


@pytest.mark.parametrize("steps", [1, 100, 256])
def test_what_comes_while_the_tree_is_built_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr("storage.bulkload.SMALL_ROWS", 0)
    state = grown(tmp_path / "node")
    builder = state.build_generation(PURSES, b"plan 7")
    builder.put_many(packed(OLD))
    assert all(builder.build_tree() for _ in range(steps))
    builder.amend({**dict(packed({1: 77})), PURSES.pack((2,)): None})
    builder.put_many(packed({1000: 5}))
    assert not builder.has_tree
    flip(state, state.catalogue.replaced(PURSES), {"bank.purses": builder.finish()})
    left = {**{owner: coins for owner, coins in OLD.items() if owner != 2}, 1: 77, 1000: 5}
    state = reopened(state, tmp_path / "node")
    assert coins_of(state.overlay()) == left


def test_a_finished_build_takes_no_more_rows(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    builder = state.build_generation(PURSES, b"plan 7")
    builder.put_many(packed(NEW))
    generation = builder.finish()
    overlay = state.overlay()
    overlay.flip(overlay.catalogue.replaced(PURSES), {"bank.purses": generation})
    assert coins_of(overlay) == NEW
    with pytest.raises(GenerationInvalid, match="finished"):
        builder.amend(dict(packed({1: 77})))
    with pytest.raises(GenerationInvalid, match="finished"):
        builder.put_many(packed({1000: 1}))
    assert builder.finish().root == generation.root
    state.commit(state.prepare(overlay), state.height + 1)
    state = reopened(state, tmp_path / "node")
    assert (coins_of(state.overlay()), state.table_root("bank.purses")) == (NEW, generation.root)


def test_what_is_in_force_or_kept_is_not_discarded(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    root = state.table_root("bank.purses")
    flip(state, state.catalogue.replaced(PURSES, keep_root=root), {"bank.purses": built(state, NEW)})
    for number in state.view().numbers.values():
        with pytest.raises(AssertionError, match="no build"):
            state.discard_generation(number)
    while state.collect(1000):
        pass
    assert coins_of(reopened(state, tmp_path / "node").overlay()) == NEW


def test_a_kept_generation_comes_back_with_its_root(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    before, entries = state.head.runtime_root, state.catalogue.runtime.entries
    root = state.table_root("bank.purses")
    flip(state, state.catalogue.replaced(PURSES, keep_root=root), {"bank.purses": built(state, NEW)})
    commit(state, put_coins({1: 77}))
    while state.collect(10):
        pass
    state = reopened(state, tmp_path / "node")
    flip(state, state.catalogue.with_runtime_tables(entries))
    assert state.head.runtime_root == before
    assert coins_of(state.overlay()) == OLD


def test_an_emptied_rollback_window_leaves_only_what_is_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.state.COLLECTED_ROWS", 0)
    home = Home(tmp_path / "node")
    state = grown(home.root)
    root = state.table_root("bank.purses")
    flip(state, state.catalogue.replaced(PURSES, keep_root=root), {"bank.purses": built(state, NEW)})
    flip(state, state.catalogue.released())
    deleted = 0
    while found := state.collect(7):
        assert found <= 7
        deleted += found
    assert deleted > len(OLD)
    in_force = set(state.view().numbers.values())
    state.close()
    assert numbers_on_disk(home) == in_force


def test_what_was_begun_and_not_asked_for_again_is_collected_after_a_restart(tmp_path: Path) -> None:
    home = Home(tmp_path / "node")
    state = grown(home.root)
    in_force = set(state.view().numbers.values())
    built(state, NEW, label=b"finished, never flipped")
    state.build_generation(STAKES, b"begun").put_many([(STAKES.pack((1, 1)), STAKES.codec.encode(purse(1)))])
    state = reopened(state, home.root)
    while state.collect(1000):
        pass
    state.close()
    assert numbers_on_disk(home) == in_force


def test_an_interrupted_build_goes_on_from_its_cursor(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    rows = list(packed(NEW))
    state.build_generation(PURSES, b"plan 7").put_many(rows[:50])
    state = reopened(state, tmp_path / "node")
    builder = state.build_generation(PURSES, b"plan 7")
    assert builder.cursor == rows[49][0]
    builder.put_many(rows[50:])
    generation = builder.finish()
    flip(state, state.catalogue.replaced(PURSES), {"bank.purses": generation})
    state = reopened(state, tmp_path / "node")
    assert coins_of(state.overlay()) == NEW


def test_an_interrupted_build_whose_source_went_on_without_it_is_begun_anew(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    state.build_generation(PURSES, b"plan 7").put_many(list(packed(NEW))[:50])
    state = reopened(state, tmp_path / "node")
    commit(state, put_coins({1: 11}), durable=False)
    state.flush()
    builder = state.build_generation(PURSES, b"plan 7")
    assert builder.cursor is None
    builder.put_many(packed({1: 1}))
    flip(state, state.catalogue.replaced(PURSES), {"bank.purses": builder.finish()})
    state = reopened(state, tmp_path / "node")
    assert coins_of(state.overlay()) == {1: 1}


def test_rows_that_come_into_a_source_that_was_empty_survive_a_crash(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    builder = state.build_generation(PURSES, b"plan 7")
    builder.extend([], None, complete=True)
    builder.amend(dict(packed({1: 1})))
    state = reopened(state, tmp_path / "node")
    builder = state.build_generation(PURSES, b"plan 7")
    assert builder.cursor is not None and builder.complete
    flip(state, state.catalogue.replaced(PURSES), {"bank.purses": builder.finish()})
    assert coins_of(state.overlay()) == {1: 1}


def test_a_row_that_was_asked_for_before_it_came_is_seen(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    builder = state.build_generation(PURSES, b"plan 7")
    ((key, value),) = packed({1: 1})
    assert builder.read(key) is None
    builder.put_many([(key, value)])
    assert builder.read(key) == value
    flip(state, state.catalogue.replaced(PURSES), {"bank.purses": builder.finish()})
    assert coins_of(state.overlay()) == {1: 1}
    assert state.overlay().get(PURSES, (1,)) == purse(1)


def test_a_build_that_nobody_asked_for_at_one_start_is_not_taken_up_at_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.state.COLLECTED_ROWS", 0)
    state = grown(tmp_path / "node")
    state.build_generation(PURSES, b"plan 7").put_many(packed(NEW))
    state = reopened(state, tmp_path / "node")
    commit(state, put_coins({1: 11}))
    state = reopened(state, tmp_path / "node")
    assert state.build_generation(PURSES, b"plan 7").cursor is None


def test_a_build_that_was_given_up_is_not_taken_up_after_a_crash(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    builder = state.build_generation(PURSES, b"plan 7")
    builder.put_many(packed(NEW))
    state.discard_generation(builder.number)
    state = reopened(state, tmp_path / "node")
    assert state.build_generation(PURSES, b"plan 7").cursor is None


def test_a_build_that_finished_before_the_crash_can_grow_on(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    rows = list(packed(NEW))
    builder = state.build_generation(PURSES, b"plan 7")
    builder.put_many(rows[:16])
    builder.finish()
    state = reopened(state, tmp_path / "node")
    builder = state.build_generation(PURSES, b"plan 7")
    builder.put_many(rows[16:])
    flip(state, state.catalogue.replaced(PURSES), {"bank.purses": builder.finish()})
    assert coins_of(reopened(state, tmp_path / "node").overlay()) == NEW


def test_a_build_of_this_run_is_begun_anew(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    first = state.build_generation(PURSES, b"plan")
    first.put_many(packed({1: 1}))
    second = state.build_generation(PURSES, b"plan")
    assert second.cursor is None
    assert second.number != first.number


def test_rows_of_a_build_come_in_order(tmp_path: Path) -> None:
    builder = grown(tmp_path / "node").build_generation(PURSES, b"plan")
    rows = list(packed(NEW))
    builder.put_many(rows[:3])
    with pytest.raises(GenerationInvalid):
        builder.put_many(rows[2:4])


def test_a_discarded_build_is_collected_and_its_number_is_never_used_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "node")
    state = grown(home.root)
    in_force = set(state.view().numbers.values())
    generation = built(state, NEW)
    state.discard_generation(generation.number)
    while state.collect(25):
        pass
    assert built(state, NEW).number > generation.number
    state.close()
    assert generation.number not in numbers_on_disk(home)
    assert in_force < numbers_on_disk(home)


def test_commits_collect_in_slices_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.state.COLLECTED_ROWS", 9)
    home = Home(tmp_path / "node")
    state = grown(home.root)
    flip(state, state.catalogue.replaced(PURSES), {"bank.purses": built(state, NEW)})
    for height in range(len(OLD) // 4):
        commit(state, put_coins({1: height}))
    assert state.collect(1) == 0
    in_force = set(state.view().numbers.values())
    state.close()
    assert numbers_on_disk(home) == in_force


def test_what_a_build_kept_beside_its_rows_goes_once_it_is_in_force(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    builder = state.build_generation(PURSES, b"plan 7")
    builder.extend(list(packed(NEW)), None, side=[(b"mark", b"1")])
    flip(state, state.catalogue.replaced(PURSES), {"bank.purses": builder.finish()})
    while state.collect(25):
        pass
    assert list(builder.side_rows(b"")) == []
    assert coins_of(state.overlay()) == NEW


def test_several_tables_flip_in_one_block(tmp_path: Path) -> None:
    state = grown(tmp_path / "node")
    stakes = state.build_generation(STAKES, b"stakes")
    stakes.put_many([(STAKES.pack((1, 2)), STAKES.codec.encode(purse(3)))])
    catalogue = state.catalogue.replaced(PURSES).replaced(STAKES)
    flip(state, catalogue, {"bank.purses": built(state, NEW), "stake.stakes": stakes.finish()})
    state = reopened(state, tmp_path / "node")
    assert coins_of(state.overlay()) == NEW
    assert state.overlay().get(STAKES, (1, 2)) == purse(3)


def test_numbers_differ_between_nodes_and_roots_do_not(tmp_path: Path) -> None:
    roots = []
    for name, wasted in (("a", 0), ("b", 3)):
        state = grown(tmp_path / name)
        for attempt in range(wasted):
            state.discard_generation(built(state, {1: attempt}).number)
        flip(state, state.catalogue.replaced(PURSES), {"bank.purses": built(state, NEW)})
        roots.append((state.head.app_root, state.head.host_root))
        state.close()
    assert roots[0] == roots[1]
