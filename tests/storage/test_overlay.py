"""An overlay reads its own writes, undoes to any savepoint, and tells only what really changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.errors import GenerationInvalid, SavepointUnknown, TableMismatch, TableUnknown
from storage.overlay import Overlay
from storage.state import State
from storage.tables import Half, Table, host_table
from tests.storage.small_state import (
    DATED,
    FLAGS,
    PURSES,
    STAKES,
    VOTES,
    DatedPurse,
    Purse,
    built,
    coins_of,
    commit,
    new_state,
    purse,
    put_coins,
)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = new_state(tmp_path / "node")
    commit(state, put_coins({1: 10, 2: 20, 3: 30}))
    yield state
    state.close()


@pytest.fixture
def overlay(state: State) -> Overlay:
    return state.overlay()


def owners(overlay: Overlay, **how: object) -> list[int]:
    return [key[0] for key, _ in overlay.scan(PURSES, **how)]  # type: ignore[arg-type]


def test_a_write_is_read_back_and_the_committed_row_stays(state: State, overlay: Overlay) -> None:
    overlay.put(PURSES, (1,), purse(11))
    overlay.delete(PURSES, (2,))
    assert overlay.get(PURSES, (1,)) == purse(11)
    assert overlay.get(PURSES, (2,)) is None
    assert coins_of(state.overlay()) == {1: 10, 2: 20, 3: 30}


def test_put_tells_the_length_of_the_bytes(overlay: Overlay) -> None:
    assert overlay.put(PURSES, (1,), purse(1)) == len(PURSES.codec.encode(purse(1)))


def test_raw_rows_are_the_records_bytes(overlay: Overlay) -> None:
    key = PURSES.pack((1,))
    assert overlay.get_raw(PURSES, key) == PURSES.codec.encode(purse(10))
    overlay.put_raw(PURSES, key, PURSES.codec.encode(purse(5)))
    assert overlay.get(PURSES, (1,)) == purse(5)
    overlay.put_raw(PURSES, key, None)
    assert overlay.get(PURSES, (1,)) is None


def test_savepoints_nest(overlay: Overlay) -> None:
    outer = overlay.savepoint()
    overlay.put(PURSES, (1,), purse(11))
    inner = overlay.savepoint()
    overlay.put(PURSES, (1,), purse(12))
    overlay.put(PURSES, (9,), purse(9))
    overlay.rollback_to(inner)
    assert coins_of(overlay) == {1: 11, 2: 20, 3: 30}
    overlay.rollback_to(outer)
    assert coins_of(overlay) == {1: 10, 2: 20, 3: 30}
    assert overlay.changes() == {}


def test_an_outer_savepoint_undoes_what_an_inner_one_kept(overlay: Overlay) -> None:
    outer = overlay.savepoint()
    inner = overlay.savepoint()
    overlay.put(PURSES, (1,), purse(11))
    overlay.release(inner)
    overlay.rollback_to(outer)
    assert overlay.get(PURSES, (1,)) == purse(10)


def test_a_savepoint_that_was_rolled_past_is_refused(overlay: Overlay) -> None:
    outer = overlay.savepoint()
    overlay.put(PURSES, (1,), purse(11))
    inner = overlay.savepoint()
    overlay.rollback_to(outer)
    with pytest.raises(SavepointUnknown):
        overlay.rollback_to(inner)
    with pytest.raises(SavepointUnknown):
        overlay.release(inner)


def test_changes_are_net_and_in_order(overlay: Overlay) -> None:
    for owner in (9, 1, 7):
        overlay.put(PURSES, (owner,), purse(owner))
    overlay.put(PURSES, (2,), purse(0))
    overlay.put(PURSES, (2,), purse(20))
    overlay.delete(PURSES, (8,))
    overlay.put(FLAGS, (), purse(1))
    changes = overlay.changes()
    assert list(changes) == ["bank.purses", "gov.flags"]
    assert list(changes["bank.purses"]) == [PURSES.pack((owner,)) for owner in (1, 7, 9)]
    first = changes["bank.purses"][PURSES.pack((1,))]
    assert (first.old_record, first.new_record) == (purse(10), purse(1))
    assert (first.old, first.new) == (PURSES.codec.encode(purse(10)), PURSES.codec.encode(purse(1)))
    assert changes["gov.flags"][b""].old_record is None


def test_changes_follow_later_writes(overlay: Overlay) -> None:
    overlay.put(PURSES, (1,), purse(11))
    before = overlay.changes()
    overlay.put(PURSES, (2,), purse(21))
    assert len(before["bank.purses"]) == 1
    assert len(overlay.changes()["bank.purses"]) == 2
    overlay.rollback_to(0)
    assert overlay.changes() == {}


def test_changes_since_a_savepoint_are_against_its_rows(overlay: Overlay) -> None:
    overlay.put(PURSES, (1,), purse(11))
    overlay.put(PURSES, (2,), purse(21))
    mark = overlay.savepoint()
    overlay.put(PURSES, (1,), purse(12))
    overlay.put(PURSES, (2,), purse(22))
    overlay.put(PURSES, (2,), purse(21))
    overlay.delete(PURSES, (3,))
    found = overlay.changes_since(mark)["bank.purses"]
    assert [(c.old_record, c.new_record) for c in found.values()] == [(purse(11), purse(12)), (purse(30), None)]


def test_a_scan_merges_writes_with_committed_rows(overlay: Overlay) -> None:
    overlay.put(PURSES, (0,), purse(1))
    overlay.delete(PURSES, (2,))
    overlay.put(PURSES, (300,), purse(3))
    assert owners(overlay) == [0, 1, 3, 300]
    assert owners(overlay, reverse=True) == [300, 3, 1, 0]
    assert owners(overlay, start=(1,)) == [1, 3, 300]
    assert owners(overlay, start=(2,), reverse=True) == [1, 0]


def test_a_scan_stays_inside_its_prefix(overlay: Overlay) -> None:
    for proposal, voter in ((1, "b"), (1, "a"), (2, "a"), (256, "z")):
        overlay.put(VOTES, (proposal, voter), purse(proposal))
    assert [key for key, _ in overlay.scan(VOTES, (1,))] == [(1, "a"), (1, "b")]
    assert [key for key, _ in overlay.scan(VOTES, (1,), start=(1, "b"))] == [(1, "b")]
    assert [key for key, _ in overlay.scan(VOTES, start=(2,), reverse=True)] == [(2, "a"), (1, "b"), (1, "a")]
    assert [key for key, _ in overlay.scan(VOTES, start=(2,))] == [(2, "a"), (256, "z")]


def test_a_scan_sees_what_is_written_ahead_of_it_and_not_behind(overlay: Overlay) -> None:
    seen = []
    for key, record in overlay.scan(PURSES):
        seen.append((key[0], record.coins))
        if key[0] == 1:
            overlay.put(PURSES, (0,), purse(99))
            overlay.put(PURSES, (2,), purse(22))
            overlay.delete(PURSES, (3,))
            overlay.put(PURSES, (4,), purse(44))
    assert seen == [(1, 10), (2, 22), (4, 44)]


def test_a_backward_scan_sees_what_is_written_ahead_of_it(overlay: Overlay) -> None:
    seen = []
    for key, _ in overlay.scan(PURSES, reverse=True):
        seen.append(key[0])
        if key[0] == 3:
            overlay.delete(PURSES, (2,))
            overlay.put(PURSES, (0,), purse(0))
            overlay.put(PURSES, (4,), purse(4))
    assert seen == [3, 1, 0]


def test_a_scan_survives_a_rollback_under_it(overlay: Overlay) -> None:
    mark = overlay.savepoint()
    overlay.put(PURSES, (5,), purse(5))
    seen = []
    for key, _ in overlay.scan(PURSES):
        seen.append(key[0])
        if key[0] == 1:
            overlay.rollback_to(mark)
    assert seen == [1, 2, 3]


def test_a_row_whose_write_was_rolled_back_is_scanned_as_it_was(overlay: Overlay) -> None:
    overlay.put(PURSES, (3,), purse(33))
    mark = overlay.savepoint()
    overlay.put(PURSES, (1,), purse(11))
    overlay.delete(PURSES, (2,))
    assert owners(overlay) == [1, 3]
    overlay.rollback_to(mark)
    assert coins_of(overlay) == {1: 10, 2: 20, 3: 33}
    assert owners(overlay, reverse=True) == [3, 2, 1]


def test_a_record_of_another_table_is_refused(overlay: Overlay) -> None:
    with pytest.raises(TableMismatch):
        overlay.put(PURSES, (1,), DatedPurse(coins=1))  # type: ignore[arg-type]


def test_a_declaration_with_another_schema_is_refused(overlay: Overlay) -> None:
    with pytest.raises(TableMismatch):
        overlay.get(DATED, (1,))


def test_a_runtime_table_under_a_host_table_s_name_is_refused(overlay: Overlay) -> None:
    disguised = Table(VOTES.name, Half.RUNTIME, VOTES.key, VOTES.key_names, Purse)
    with pytest.raises(TableMismatch, match="host half"):
        overlay.put(disguised, (1, "ann"), purse(1))
    overlay.put(VOTES, (1, "ann"), purse(1))
    with pytest.raises(TableMismatch, match="host half"):
        overlay.put(disguised, (1, "ann"), purse(2))


def test_a_table_that_is_not_in_the_catalogue_is_refused(overlay: Overlay) -> None:
    with pytest.raises(TableUnknown):
        overlay.get(host_table("gov.other", Purse), (bytes(20),))


def test_a_flip_changes_what_is_read_from_then_on(state: State, overlay: Overlay) -> None:
    assert overlay.get(PURSES, (1,)) == purse(10)
    generation = built(state, {1: 100, 4: 400}, DATED)
    overlay.flip(overlay.catalogue.replaced(DATED), {"bank.purses": generation})
    assert overlay.get(DATED, (1,)) == DatedPurse(coins=100)
    assert overlay.get(DATED, (2,)) is None
    with pytest.raises(TableMismatch):
        overlay.get(PURSES, (1,))
    assert coins_of(state.overlay()) == {1: 10, 2: 20, 3: 30}


def test_a_compatible_schema_reads_the_same_rows(overlay: Overlay) -> None:
    assert overlay.get(PURSES, (1,)) == purse(10)
    overlay.flip(overlay.catalogue.reschemed(DATED))
    assert overlay.get(DATED, (1,)) == DatedPurse(coins=10)
    assert "bank.purses" not in overlay.changes()


def test_an_added_table_begins_empty(overlay: Overlay) -> None:
    table = host_table("gov.other", Purse, key=("amount",), names=("id",))
    overlay.flip(overlay.catalogue.with_table(table))
    overlay.put(table, (1,), purse(1))
    assert [key for key, _ in overlay.scan(table)] == [(1,)]


def test_a_table_written_in_the_block_cannot_be_flipped(overlay: Overlay) -> None:
    overlay.put(PURSES, (1,), purse(11))
    overlay.put(STAKES, (1, 1), purse(1))
    with pytest.raises(GenerationInvalid):
        overlay.flip(overlay.catalogue.replaced(DATED))
    with pytest.raises(GenerationInvalid):
        overlay.flip(overlay.catalogue.without("stake.stakes"))
    assert coins_of(overlay) == {1: 11, 2: 20, 3: 30}


def test_a_flip_is_one_row_of_the_catalogue(state: State, overlay: Overlay) -> None:
    overlay.flip(overlay.catalogue.replaced(PURSES).replaced(STAKES))
    changes = overlay.changes()
    assert list(changes) == ["host.catalogue"]
    assert len(changes["host.catalogue"]) == 1
    overlay.put(PURSES, (1,), purse(1))
    assert list(overlay.changes_since(0)) == ["bank.purses"], "no savepoint covers a flip"
