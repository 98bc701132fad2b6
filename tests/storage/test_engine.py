"""The engine keeps rows, stops at the first failure, and never makes up a database."""

import threading
from collections.abc import Iterator
from pathlib import Path

import plyvel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.engine import Engine
from storage.errors import EngineStopped, StoreExists, StoreLocked, StoreMissing
from storage.levelfiles import newest_log


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine.create(tmp_path / "database")
    yield made
    made.close()


def fill(engine: Engine, count: int = 300) -> list[tuple[bytes, bytes]]:
    rows = [(b"k%06d" % number, b"value %d" % number) for number in range(count)]
    engine.write(rows, sync=True)
    return rows


def test_a_written_row_is_read_and_a_deleted_one_is_not(engine: Engine) -> None:
    engine.write([(b"a", b"1"), (b"b", b"2")], sync=True)
    engine.write([(b"a", None)], sync=False)
    assert engine.get(b"a") is None
    assert engine.get(b"b") == b"2"


def test_rows_outlive_closing(tmp_path: Path) -> None:
    engine = Engine.create(tmp_path / "database")
    rows = fill(engine)
    engine.close()
    again = Engine.open(tmp_path / "database")
    assert list(again.iterate(None, None)) == rows
    again.close()


def test_a_range_is_half_open_in_both_directions(engine: Engine) -> None:
    rows = fill(engine, 20)
    assert list(engine.iterate(b"k000003", b"k000007")) == rows[3:7]
    assert list(engine.iterate(b"k000003", b"k000007", reverse=True)) == rows[3:7][::-1]
    assert list(engine.iterate(None, b"k000002", reverse=True)) == rows[:2][::-1]
    assert list(engine.iterate(b"k000018", None, reverse=True)) == rows[18:][::-1]
    assert list(engine.iterate(b"k000018", b"z", reverse=True)) == rows[18:][::-1]
    assert list(engine.iterate(b"x", b"z")) == []
    assert list(engine.iterate(b"a", b"b", reverse=True)) == []


KEYS = st.binary(min_size=1, max_size=3)


@settings(max_examples=60, deadline=None)
@given(
    writes=st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=4)), max_size=40),
    start=st.none() | KEYS,
    stop=st.none() | KEYS,
    reverse=st.booleans(),
)
def test_ranges_equal_those_of_a_sorted_dict(
    tmp_path_factory: pytest.TempPathFactory,
    writes: list[tuple[bytes, bytes | None]],
    start: bytes | None,
    stop: bytes | None,
    reverse: bool,
) -> None:
    engine = Engine.create(tmp_path_factory.mktemp("ranges") / "database")
    engine.write(writes, sync=False)
    model = {key: value for key, value in dict(writes).items() if value is not None}
    expected = [
        row for row in sorted(model.items()) if (start is None or row[0] >= start) and (stop is None or row[0] < stop)
    ]
    snapshot = engine.snapshot()
    found = list(engine.iterate(start, stop, reverse)), list(snapshot.iterate(start, stop, reverse))
    engine.close()
    assert found == ((expected[::-1], expected[::-1]) if reverse else (expected, expected))


def test_a_scan_shows_the_moment_it_was_asked_for(engine: Engine) -> None:
    rows = fill(engine)
    scan = engine.iterate(None, None)
    engine.write([(b"a", b"new"), (b"k000100", None)], sync=False)
    assert list(scan) == rows


def test_a_snapshot_shows_the_moment_it_was_taken(engine: Engine) -> None:
    rows = fill(engine)
    snapshot = engine.snapshot()
    engine.write([(key, None) for key, _ in rows], sync=False)
    assert list(snapshot.iterate(None, None)) == rows
    assert list(snapshot.iterate(None, None, reverse=True)) == rows[::-1]
    assert snapshot.get(b"k000007") == b"value 7"


def test_a_closed_snapshot_says_so(engine: Engine) -> None:
    snapshot = engine.snapshot()
    snapshot.close()
    snapshot.close()
    with pytest.raises(EngineStopped, match="snapshot was closed"):
        snapshot.get(b"a")


def test_everything_but_closing_is_refused_after_closing(tmp_path: Path) -> None:
    engine = Engine.create(tmp_path / "database")
    fill(engine)
    snapshot, scan, slow = engine.snapshot(), engine.iterate(None, None), engine.snapshot().iterate(None, None)
    next(scan), next(slow)
    engine.close()
    engine.close()
    calls = [
        lambda: engine.get(b"a"),
        lambda: engine.iterate(None, None),
        lambda: engine.write([], sync=True),
        lambda: engine.delete_range(b"a", b"b", 1),
        engine.barrier,
        engine.compact_range,
        engine.snapshot,
        lambda: snapshot.get(b"a"),
        lambda: list(snapshot.iterate(None, None)),
        lambda: list(scan),
        lambda: list(slow),
    ]
    for call in calls:
        with pytest.raises(EngineStopped, match="it was closed"):
            call()


def test_readers_on_other_threads_survive_closing(tmp_path: Path) -> None:
    engine = Engine.create(tmp_path / "database")
    rows = fill(engine)
    ended: list[str] = []
    started = threading.Barrier(4)

    def read() -> None:
        snapshot = engine.snapshot()
        started.wait()
        try:
            while list(snapshot.iterate(None, None)) == rows and snapshot.get(b"k000001") == b"value 1":
                pass
            ended.append("wrong answer")
        except EngineStopped:
            ended.append("stopped")

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    started.wait()
    fill(engine)
    engine.close()
    for reader in readers:
        reader.join()
    assert ended == ["stopped"] * 3


def test_a_missing_database_is_never_made_by_opening(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing):
        Engine.open(tmp_path / "database")
    assert not (tmp_path / "database").exists()


def test_a_database_is_not_made_over_another(tmp_path: Path) -> None:
    Engine.create(tmp_path / "database").close()
    with pytest.raises(StoreExists):
        Engine.create(tmp_path / "database")


def test_a_database_opens_once_at_a_time(engine: Engine) -> None:
    with pytest.raises(StoreLocked):
        Engine.open(engine.path)
    assert engine.get(b"a") is None


def test_a_range_is_deleted_in_slices(engine: Engine) -> None:
    rows = fill(engine, 25)
    keys = [key for key, _ in rows[5:20]]
    assert [engine.delete_range(b"k000005", b"k000020", 10) for _ in range(3)] == [keys[:10], keys[10:], []]
    assert list(engine.iterate(None, None)) == rows[:5] + rows[20:]


def test_after_a_barrier_no_log_holds_a_row(tmp_path: Path) -> None:
    engine = Engine.create(tmp_path / "database")
    rows = fill(engine)
    engine.barrier()
    kept = engine.path / f"{newest_log(engine.path):06}.log"
    assert kept.stat().st_size < 64
    engine.close()
    assert sorted(engine.path.glob("*.ldb"))
    reader = plyvel.DB(str(engine.path))
    assert list(reader) == rows
    reader.close()


def test_the_size_counts_all_files(engine: Engine) -> None:
    before = engine.size()
    engine.write([(b"a", bytes(range(256)) * 100)], sync=True)
    assert engine.size() >= before + 25_600


def test_an_engine_told_to_stop_refuses_to_go_on(engine: Engine) -> None:
    engine.stop("the head file was not written")
    engine.stop("a later reason")
    with pytest.raises(EngineStopped, match="head file"):
        engine.write([(b"a", b"1")], sync=True)
