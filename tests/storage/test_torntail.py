"""Sectors of a last write in any order: what was acknowledged opens, and damage to it changes nothing on the disk."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from storage.engine import Engine
from storage.errors import StoreDamaged, StoreFault
from storage.headfile import Head, settle_head, write_head
from storage.home import Home
from storage.levelfiles import log_paths, read_files, table_path
from storage.rows import META_KEY
from storage.state import State
from storage.torntail import open_database
from tests.storage.small_home import Rows, commit_up_to, content_at, head_of, new_home, rows_of
from tests.storage.small_state import ALL_TABLES, PURSES, commit, new_state, purse, put_coins

SECTOR = 512
LAST = 20
SIZE = 120
"""Rows of a commit: several sectors in the log."""
BUFFER = 4 << 20

Files = dict[str, bytes]


def stands(home: Home, engine: Engine) -> None:
    recorded = engine.get(META_KEY)
    if recorded is None:
        raise StoreDamaged(home.database, "it holds no head")
    settle_head(home.head_file, Head.from_bytes(recorded))


def opened(home: Home) -> Rows:
    """All rows, as a node opens them."""
    engine = open_database(home, stands, cache_bytes=8 << 20, buffer_bytes=BUFFER)
    try:
        stands(home, engine)
        return dict(engine.iterate(None, None))
    finally:
        engine.close()


def files_of(home: Home) -> Files:
    """Every file that matters, but for LevelDB's notes to people."""
    found = (file for file in home.root.rglob("*") if file.is_file() and not file.name.startswith(("LO", "lock")))
    return {str(file.relative_to(home.root)): file.read_bytes() for file in found}


def laid_out(files: Files, root: Path) -> Home:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return Home(root)


def without_sector(raw: bytes, at: int, before: bytes) -> bytes:
    """The sector at this place as it was before the last write."""
    old = before[at : at + SECTOR].ljust(min(SECTOR, len(raw) - at), b"\0")
    return raw[:at] + old + raw[at + SECTOR :]


def gaps(raw: bytes, before: bytes) -> Iterator[bytes]:
    """Each way in which one sector of the last write, not its last, did not reach the disk."""
    for at in range(len(before) // SECTOR * SECTOR, len(raw) // SECTOR * SECTOR, SECTOR):
        yield without_sector(raw, at, before)


def written(root: Path) -> tuple[Home, Engine, str, bytes]:
    """A home whose last commit reached the log and not yet the head file, open, the log's name, and it before that
    commit."""
    home, engine = new_home(root, BUFFER)
    commit_up_to(home, engine, 1, LAST, SIZE)
    log = log_paths(home.database)[-1]
    before = log.read_bytes()
    engine.write([*rows_of(LAST + 1, SIZE).items(), (META_KEY, head_of(LAST + 1).to_bytes())], sync=False)
    return home, engine, str(log.relative_to(home.root)), before


@pytest.fixture(scope="module")
def last_write(tmp_path_factory: pytest.TempPathFactory) -> tuple[Files, str, bytes]:
    """The files of such a home, the log's name, and it before the last commit."""
    home, engine, log, before = written(tmp_path_factory.mktemp("torn") / "live")
    files = files_of(home)
    engine.close()
    return files, log, before


def test_a_later_sector_without_an_earlier_one_opens_at_the_last_acknowledged_commit(
    last_write: tuple[Files, str, bytes], tmp_path: Path
) -> None:
    files, log, before = last_write
    for number, torn in enumerate(gaps(files[log], before)):
        home = laid_out({**files, log: torn}, tmp_path / str(number))
        with pytest.raises(StoreDamaged):
            Engine.open(home.database)
        assert opened(home) == content_at(LAST, SIZE)
        assert not home.mending.exists()
        Engine.open(home.database).close()
    assert number > 5


@settings(max_examples=25, deadline=None)
@given(chosen=st.integers(0, (1 << 11) - 1))
def test_whichever_sectors_are_lost_the_commit_is_there_whole_or_not_at_all(
    last_write: tuple[Files, str, bytes], chosen: int
) -> None:
    files, log, before = last_write
    torn = whole = files[log]
    for number, at in enumerate(range(len(before) // SECTOR * SECTOR, len(whole), SECTOR)):
        torn = without_sector(torn, at, before) if chosen >> number & 1 else torn
    with TemporaryDirectory() as folder:
        home = laid_out({**files, log: torn}, Path(folder))
        assert opened(home) == content_at(LAST if torn != whole else LAST + 1, SIZE)


def test_a_torn_log_opens_where_the_manifest_is_ahead_of_its_files_as_well(
    tmp_path: Path,
) -> None:
    """LevelDB had begun the next log, and brought those rows to a sorted file: its edit is there, its name is not."""
    home, engine, log, before = written(tmp_path / "live")
    files = files_of(home)
    tables = {number for number, _ in read_files(home.database).version.tables}
    engine.barrier()
    later, version = files_of(home), read_files(home.database).version
    engine.close()
    made = {str(table_path(home.database, number).relative_to(home.root)) for number, _ in version.tables}
    kept = {str(table_path(home.database, number).relative_to(home.root)) for number in tables}
    assert made > kept
    lost = {name: content for name, content in {**files, **later}.items() if name not in made - kept}
    for number, torn in enumerate(gaps(files[log], before)):
        home = laid_out({**lost, log: torn}, tmp_path / str(number))
        assert opened(home) == content_at(LAST, SIZE)
        Engine.open(home.database).close()
    assert number > 5


def test_what_was_cut_is_told(last_write: tuple[Files, str, bytes], tmp_path: Path) -> None:
    files, log, before = last_write
    home = laid_out({**files, log: list(gaps(files[log], before))[1]}, tmp_path / "node")
    with capture_logs() as events:
        opened(home)
    (told,) = events
    assert told["event"] == "torn_tail_cut"
    assert (told["file"], told["kept_bytes"]) == (Path(log).name, len(before))
    assert told["cut_bytes"] == len(files[log]) - len(before)
    assert told["because"]


def test_the_same_gap_in_an_acknowledged_commit_is_damage_and_stays(
    last_write: tuple[Files, str, bytes], tmp_path: Path
) -> None:
    files, log, before = last_write
    for number, torn in enumerate(gaps(files[log], before)):
        home = laid_out({**files, log: torn}, tmp_path / str(number))
        write_head(home.head_file, head_of(LAST + 1))
        refused_as_it_is(home)


def test_a_gap_behind_a_head_write_that_was_cut_short_is_damage(
    last_write: tuple[Files, str, bytes], tmp_path: Path
) -> None:
    """That write began when the batch was synced: the batch was whole."""
    files, log, before = last_write
    home = laid_out({**files, log: list(gaps(files[log], before))[1]}, tmp_path / "node")
    slot = (LAST + 1) % 2 * 4096
    raw = bytearray(home.head_file.read_bytes())
    raw[slot + 40] ^= 1
    home.head_file.write_bytes(raw)
    refused_as_it_is(home)


def test_a_flipped_bit_in_acknowledged_bytes_is_not_cut_away(
    last_write: tuple[Files, str, bytes], tmp_path: Path
) -> None:
    files, log, before = last_write
    torn = list(gaps(files[log], before))[1]
    for raw in (files[log], torn):
        for at in range(0, len(before), len(before) // 25):
            flipped = raw[:at] + bytes([raw[at] ^ 0x10]) + raw[at + 1 :]
            refused_as_it_is(laid_out({**files, log: flipped}, tmp_path / f"{raw is torn}-{at}"))


def refused_as_it_is(home: Home) -> None:
    found = files_of(home)
    with pytest.raises(StoreDamaged):
        opened(home)
    assert files_of(home) == found
    assert not home.mending.exists()


def test_an_edit_of_the_manifest_with_a_gap_is_taken_back(tmp_path: Path) -> None:
    """LevelDB syncs an edit before it removes what the edit replaces."""
    home, engine = new_home(tmp_path / "live", BUFFER)
    commit_up_to(home, engine, 1, LAST, SIZE)
    manifest = home.database / read_files(home.database).manifest
    before = manifest.read_bytes()
    files = files_of(home)
    engine.barrier()
    after = {**files_of(home), **files}  # what the barrier removed is still there
    name = str(manifest.relative_to(home.root))
    for at in range(len(before) + 7, manifest.stat().st_size, 9):
        whole = manifest.read_bytes()
        torn = whole[:at] + b"\0" * 4 + whole[at + 4 :]
        node = laid_out({**after, name: torn}, tmp_path / str(at))
        assert opened(node) == content_at(LAST, SIZE)
    engine.close()


def test_a_torn_end_before_a_log_that_was_begun_after_it_takes_that_log_along(tmp_path: Path) -> None:
    """LevelDB does not sync a log that it leaves: of unsynced writes the later ones may be all that arrived."""
    home, engine = new_home(tmp_path / "live", BUFFER)
    commit_up_to(home, engine, 1, LAST, SIZE)
    log = log_paths(home.database)[-1]
    before, files = log.read_bytes(), files_of(home)
    engine.write([(b"z%d" % number, bytes(100)) for number in range(20)], sync=False)
    left = log.read_bytes()
    engine.barrier()
    engine.write([(b"zz", b"later")], sync=False)
    follower = log_paths(home.database)[-1]
    assert follower != log
    name, later = str(log.relative_to(home.root)), str(follower.relative_to(home.root))
    rest = {**files, later: follower.read_bytes()}
    for number, end in enumerate((*gaps(left, before), before, left[:-1])):
        node = laid_out({**rest, name: end}, tmp_path / str(number))
        assert opened(node) == content_at(LAST, SIZE)
    assert opened(laid_out({**rest, name: left}, tmp_path / "whole"))[b"zz"] == b"later"
    engine.close()


def test_a_copy_that_a_crash_left_behind_is_not_taken_for_a_new_one(
    last_write: tuple[Files, str, bytes], tmp_path: Path
) -> None:
    files, log, before = last_write
    home = laid_out({**files, log: list(gaps(files[log], before))[1]}, tmp_path / "node")
    (home.mending / "database").mkdir(parents=True)
    (home.mending / "database" / "CURRENT").write_bytes(b"left by the start before")
    assert opened(home) == content_at(LAST, SIZE)
    assert not home.mending.exists()


def torn_state(root: Path) -> Files:
    """A state at height 30 with sorted files, and its log torn in the block after that."""
    state = new_state(root)
    for height in range(1, 31):
        commit(state, put_coins({height * 50 + each: height for each in range(50)}), barrier=height == 20)
    home = Home(root)
    log = log_paths(home.database)[-1]
    before, head = log.read_bytes(), home.head_file.read_bytes()
    commit(state, put_coins(dict.fromkeys(range(200), 7)))
    files = files_of(home)
    state.close()
    name = str(log.relative_to(root))
    return {**files, name: list(gaps(files[name], before))[1], "head": head}


def test_a_state_with_a_torn_block_goes_on_from_the_block_before(tmp_path: Path) -> None:
    files = torn_state(tmp_path / "live")
    state = State.open(laid_out(files, tmp_path / "node"), ALL_TABLES)
    assert state.height == 30
    assert state.overlay().get(PURSES, (30 * 50,)) == purse(30)
    commit(state, put_coins({1: 1}))
    state.close()


def test_a_torn_block_is_not_cut_where_an_older_row_is_damaged(tmp_path: Path) -> None:
    files = torn_state(tmp_path / "live")
    home = laid_out(files, tmp_path / "node")
    ((number, size),) = read_files(home.database).version.tables
    table = table_path(home.database, number)
    raw = bytearray(table.read_bytes())
    raw[size // 3] ^= 1
    table.write_bytes(raw)
    found = files_of(home)
    with pytest.raises(StoreFault):
        State.open(home, ALL_TABLES)
    assert files_of(home) == found


