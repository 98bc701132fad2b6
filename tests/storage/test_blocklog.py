"""The block log finds what happened by height and by transaction, and prunes whole heights."""

from pathlib import Path

import pytest

from storage.blocklog import IDS, JOURNAL, RECEIPTS, ROLLBACK_ONLY, BlockLog, block_rows, second_receipt_row
from storage.engine import Engine
from storage.errors import HeightUnknown
from storage.state import State
from tests.storage.small_state import new_state


def txid(height: int, place: int) -> bytes:
    return bytes((height, place)) * 16


def log_block(state: State, height: int, transactions: int, durable: bool = True) -> None:
    rows = block_rows(
        height,
        b"block %d" % height,
        receipts=[b"receipt %d" % place for place in range(transactions)],
        transactions=[txid(height, place) for place in range(transactions)],
        journal=b"journal %d" % height,
        undo=[("bank.purses", b"key", None), ("bank.purses", b"key 2", b"old")],
    )
    state.commit(state.prepare(state.overlay()), height, rows, durable=durable)


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = new_state(tmp_path / "node")
    for height in range(1, 11):
        log_block(state, height, height % 3, durable=height < 8)
    return state


def test_everything_of_a_height_is_found(state: State) -> None:
    log = state.log()
    assert (log.first(), log.last()) == (1, 10)
    assert log.block(5) == b"block 5"
    assert log.receipts(5) == [b"receipt 0", b"receipt 1"]
    assert log.transactions(5) == [txid(5, 0), txid(5, 1)]
    assert log.journal(5) == b"journal 5"
    assert log.undo(5) == [("bank.purses", b"key", None), ("bank.purses", b"key 2", b"old")]
    assert log.locate(txid(5, 1)) == (5, 1)
    assert log.receipts(3) == log.transactions(3) == []


def test_views_show_what_is_durable(state: State) -> None:
    log = state.view().log
    assert log.last() == 7
    assert log.locate(txid(8, 0)) is None
    assert [height for height, _ in log.blocks(6, 100)] == [6, 7]


def test_the_heights_that_have_something_are_listed_both_ways(state: State) -> None:
    log = state.log()
    busy = [height for height in range(1, 11) if height % 3]
    assert list(log.heights(IDS)) == list(log.heights(RECEIPTS)) == busy
    assert list(log.heights(IDS, reverse=True)) == busy[::-1]
    assert list(log.heights(JOURNAL)) == list(range(1, 11))


def test_blocks_are_listed_both_ways(state: State) -> None:
    log = state.log()
    assert [height for height, _ in log.blocks(7, 10)] == [7, 8, 9]
    assert [height for height, _ in log.blocks(7, 10, reverse=True)] == [9, 8, 7]


def test_an_unknown_height_is_named_with_what_is_stored(state: State) -> None:
    with pytest.raises(HeightUnknown, match="stored: 1 to 10"):
        state.log().block(11)
    assert state.log().journal(11) is None


def test_a_second_receipt_stands_beside_the_first(state: State) -> None:
    row = second_receipt_row(5, 1, b"again")
    state.commit(state.prepare(state.overlay()), 11, [row])
    assert state.log().second_receipts(5) == {1: b"again"}
    assert state.log().second_receipt(5, 1) == b"again"
    assert state.log().second_receipt(5, 0) is None
    assert state.log().receipts(5)[1] == b"receipt 1"


def test_pruning_takes_whole_heights_from_below(state: State) -> None:
    gone = state.log().prune(below=4, limit=1000)
    state.commit(state.prepare(state.overlay()), 11, [*gone, *block_rows(11, b"block 11")])
    log = state.view().log
    assert (log.first(), log.last()) == (4, 11)
    assert log.locate(txid(2, 0)) is None
    assert log.transactions(2) == log.undo(2) == []
    assert log.prune(below=4, limit=1000) == []


def test_pruning_goes_in_slices(state: State) -> None:
    height, slices = 11, 0
    while gone := state.log().prune(below=8, limit=8):
        assert len(gone) <= 8
        state.commit(state.prepare(state.overlay()), height, gone)
        height, slices = height + 1, slices + 1
    assert slices > 3
    assert state.log().first() == 8


def test_a_height_larger_than_the_limit_goes_at_once(state: State) -> None:
    gone = state.log().prune(below=3, limit=1)
    written = block_rows(1, b"", [b""], [txid(1, 0)], b"j", [("", b"", b"")])
    assert {key for key, _ in gone} == {key for key, _ in written}


def test_a_closed_window_needs_no_journal(state: State) -> None:
    gone = state.log().prune(below=9, limit=1000, kinds=ROLLBACK_ONLY)
    state.commit(state.prepare(state.overlay()), 11, gone)
    log = state.log()
    assert log.journal(8) is None
    assert log.undo(8) == []
    assert log.journal(9) == b"journal 9"
    assert log.block(8) == b"block 8"


def test_an_empty_log_says_so(tmp_path: Path) -> None:
    engine = Engine.create(tmp_path / "db")
    log = BlockLog(engine)
    assert log.first() is None
    assert log.prune(10, 10) == []
    engine.close()
