"""Files that break while the database is open: the first bad read is an error, and after it nothing is answered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.checkpoint import create, list_checkpoints
from storage.engine import Engine
from storage.errors import DiskError, EngineStopped, HeadMissing, StoreDamaged
from storage.headfile import write_head
from storage.home import Home
from storage.levelfiles import read_files, table_path
from tests.storage.small_home import commit_up_to, content_at, head_of, new_home, open_whole

pytestmark = pytest.mark.faults


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home, engine = new_home(tmp_path / "node", buffer_bytes=4 << 20)
    commit_up_to(home, engine, 1, 60, size=120)
    engine.barrier()
    engine.close()
    return home


@pytest.fixture
def engine(home: Home) -> Iterator[Engine]:
    opened = Engine.open(home.database)
    yield opened
    opened.close()


def table_of(home: Home) -> Path:
    tables = [table_path(home.database, number) for number, _ in read_files(home.database).version.tables]
    return max(tables, key=lambda table: table.stat().st_size)


def spoil(home: Home) -> None:
    """Overwrite the data blocks of the largest sorted file in place."""
    with table_of(home).open("r+b") as file:
        file.write(b"\x55" * (table_of(home).stat().st_size // 2))


def refuses_everything(engine: Engine) -> bool:
    for call in (
        lambda: engine.get(b"m"),
        lambda: engine.iterate(None, None),
        lambda: engine.write([(b"a", b"1")], sync=True),
        engine.barrier,
        engine.snapshot,
    ):
        with pytest.raises(EngineStopped, match="damaged"):
            call()
    return True


def test_a_damaged_row_stops_the_engine(home: Home, engine: Engine) -> None:
    spoil(home)
    with pytest.raises(StoreDamaged, match="restore"):
        engine.get(sorted(content_at(60, 120))[5])
    assert refuses_everything(engine)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_damaged_scan_never_ends_early_in_silence(home: Home, engine: Engine, reverse: bool) -> None:
    spoil(home)
    with pytest.raises(StoreDamaged):
        for _ in engine.iterate(None, None, reverse):
            pass
    assert refuses_everything(engine)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_range_inside_damage_is_not_empty(home: Home, engine: Engine, reverse: bool) -> None:
    """LevelDB skips what it cannot read: a short range wholly inside would look as if it held no row."""
    keys = sorted(content_at(60, 120))
    spoil(home)
    with pytest.raises(StoreDamaged):
        list(engine.iterate(keys[8], keys[12], reverse))


def test_damage_met_by_a_reader_on_a_snapshot_stops_the_engine_too(home: Home, engine: Engine) -> None:
    snapshot = engine.snapshot()
    spoil(home)
    with pytest.raises(StoreDamaged):
        list(snapshot.iterate(None, None))
    with pytest.raises(EngineStopped):
        snapshot.get(b"m")
    assert refuses_everything(engine)


def test_a_sorted_file_removed_under_a_running_database_stops_it(home: Home, engine: Engine) -> None:
    table_of(home).unlink()
    with pytest.raises(StoreDamaged):
        list(engine.iterate(None, None))
    assert refuses_everything(engine)


def test_a_removed_head_file_is_not_made_again(home: Home, engine: Engine) -> None:
    home.head_file.unlink()
    with pytest.raises(HeadMissing):
        write_head(home.head_file, head_of(61))
    assert not home.head_file.exists()


def test_a_head_that_is_a_folder_is_a_failing_disk(home: Home) -> None:
    home.head_file.unlink()
    home.head_file.mkdir()
    with pytest.raises(DiskError):
        write_head(home.head_file, head_of(61))
    with pytest.raises(DiskError):
        open_whole(home)


def test_a_checkpoint_of_a_database_that_lost_a_file_is_refused(home: Home, engine: Engine) -> None:
    lost = table_of(home)
    lost.unlink()
    with pytest.raises(StoreDamaged, match=lost.name):
        create(home, "test", engine)
    assert list_checkpoints(home) == ()
