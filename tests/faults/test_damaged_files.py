"""Every file of a home, damaged in every way: it opens with exactly the right rows, or says what is wrong."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.errors import HeadDamaged, HeadMismatch, HeadMissing, StoreDamaged, StoreFault, StoreMissing
from storage.home import Home
from storage.levelfiles import log_paths, read_files, table_path
from storage.logrecords import BLOCK
from tests.storage.small_home import commit_up_to, content_at, head_of, new_home, open_whole

pytestmark = pytest.mark.faults

LAST = 160
PAGE = 4096

Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A closed home with sorted files and a log of several blocks; tests damage copies of it."""
    home, engine = new_home(tmp_path_factory.mktemp("pattern") / "node", buffer_bytes=4 << 20)
    for first, last in ((1, 50), (51, 100), (101, LAST)):
        engine.barrier()
        commit_up_to(home, engine, first, last, size=120)
    engine.close()
    assert log_of(home).stat().st_size > 4 * BLOCK
    assert any(home.database.glob("*.ldb"))
    return home


@pytest.fixture
def home(pattern: Home, tmp_path: Path) -> Home:
    return copied(pattern, tmp_path / "node")


def outcome(home: Home) -> StoreFault | None:
    """None if the home opened with exactly what was committed; the typed error otherwise."""
    try:
        found = open_whole(home)
    except StoreFault as fault:
        assert "restore" in str(fault)
        return fault
    assert found == (head_of(LAST), content_at(LAST, 120))
    return None


def copied(pattern: Home, root: Path) -> Home:
    shutil.copytree(pattern.root, root)
    return Home(root)


def zero(path: Path, at: int, count: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\0" * count)


def flip(path: Path, at: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 0x40
    path.write_bytes(raw)


def cut(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.truncate(at)


def pages(path: Path) -> range:
    return range(0, path.stat().st_size, PAGE)


def log_of(home: Home) -> Path:
    return log_paths(home.database)[-1]


def manifest_of(home: Home) -> Path:
    return home.database / read_files(home.database).manifest


def tables_of(home: Home) -> list[Path]:
    return [table_path(home.database, number) for number, _ in read_files(home.database).version.tables]


def test_an_undamaged_copy_opens(home: Home) -> None:
    assert outcome(home) is None


def test_any_missing_sorted_file_is_noticed(pattern: Home, tmp_path: Path) -> None:
    for table in tables_of(pattern):
        home = copied(pattern, tmp_path / table.name)
        (home.database / table.name).unlink()
        assert isinstance(outcome(home), StoreDamaged)


@pytest.mark.parametrize("way", ["zero", "flip", "cut"])
def test_a_sorted_file_damaged_anywhere_is_noticed_or_does_not_matter(pattern: Home, tmp_path: Path, way: str) -> None:
    size = tables_of(pattern)[1].stat().st_size
    noticed = 0
    for at in [*range(0, size, size // 40), size - 1]:
        home = copied(pattern, tmp_path / str(at))
        table = tables_of(home)[1]
        if way == "zero":
            zero(table, at // 512 * 512, min(512, size - at // 512 * 512))
        elif way == "flip":
            flip(table, at)
        else:
            cut(table, at)
        fault = outcome(home)
        assert fault is None or isinstance(fault, StoreDamaged), at
        noticed += fault is not None
        assert fault is not None or way != "cut", at
    assert noticed > 35


def test_a_missing_log_is_noticed(home: Home) -> None:
    log_of(home).unlink()
    assert isinstance(outcome(home), StoreDamaged)


def test_a_log_cut_anywhere_is_noticed(pattern: Home, tmp_path: Path) -> None:
    size = log_of(pattern).stat().st_size
    for at in [0, 1, 6, 7, 100, *range(1500, size - 1, size // 12), BLOCK, BLOCK - 1, BLOCK + 1, size - 1]:
        home = copied(pattern, tmp_path / str(at))
        cut(log_of(home), at)
        assert isinstance(outcome(home), HeadMismatch), at


def test_a_log_with_a_zeroed_page_anywhere_is_noticed(pattern: Home, tmp_path: Path) -> None:
    for at in pages(log_of(pattern)):
        home = copied(pattern, tmp_path / str(at))
        zero(log_of(home), at, min(PAGE, log_of(home).stat().st_size - at))
        assert isinstance(outcome(home), StoreDamaged | HeadMismatch), at


def test_a_log_with_a_zeroed_block_in_its_middle_is_noticed(home: Home) -> None:
    zero(log_of(home), BLOCK, BLOCK)
    assert isinstance(outcome(home), StoreDamaged)


def test_a_log_with_a_flipped_bit_is_noticed(pattern: Home, tmp_path: Path) -> None:
    size = log_of(pattern).stat().st_size
    for at in [0, 4, 6, 7, *range(1000, size, size // 9), size - 1]:
        home = copied(pattern, tmp_path / str(at))
        flip(log_of(home), at)
        assert isinstance(outcome(home), StoreDamaged | HeadMismatch), at


@pytest.fixture(scope="module")
def two_logs(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """As a crash leaves it between beginning a new log and writing the old one's rows to a sorted file."""
    root = tmp_path_factory.mktemp("two-logs")
    live, engine = new_home(root / "live", buffer_bytes=4 << 20)
    commit_up_to(live, engine, 1, 100, size=120)
    home = copied(live, root / "node")
    engine.barrier()
    commit_up_to(live, engine, 101, LAST, size=120)
    shutil.copyfile(log_of(live), home.database / log_of(live).name)
    shutil.copyfile(live.head_file, home.head_file)
    engine.close()
    assert len(read_files(home.database).logs) == 2
    return home


def test_two_logs_are_read_one_after_the_other(two_logs: Home, tmp_path: Path) -> None:
    assert outcome(copied(two_logs, tmp_path / "node")) is None


def test_a_log_that_others_follow_cannot_lose_its_end(two_logs: Home, tmp_path: Path) -> None:
    """The head alone cannot tell: the last commit is in the second log."""
    size = log_paths(two_logs.database)[0].stat().st_size
    for at in [0, 7, *range(1500, size - 1, size // 12), BLOCK, size - 1]:
        home = copied(two_logs, tmp_path / str(at))
        cut(log_paths(home.database)[0], at)
        assert isinstance(outcome(home), StoreDamaged), at


def test_a_log_that_others_follow_cannot_vanish(two_logs: Home, tmp_path: Path) -> None:
    home = copied(two_logs, tmp_path / "node")
    log_paths(home.database)[0].unlink()
    assert isinstance(outcome(home), StoreDamaged)


def test_a_second_log_that_vanishes_is_noticed_by_the_head(two_logs: Home, tmp_path: Path) -> None:
    home = copied(two_logs, tmp_path / "node")
    log_of(home).unlink()
    assert isinstance(outcome(home), HeadMismatch)


def test_a_manifest_cut_anywhere_is_noticed(pattern: Home, tmp_path: Path) -> None:
    size = manifest_of(pattern).stat().st_size
    for at in [0, 1, 7, 20, *range(30, size - 1, max(1, size // 15)), size - 1]:
        home = copied(pattern, tmp_path / str(at))
        cut(manifest_of(home), at)
        assert isinstance(outcome(home), StoreFault), at


def test_a_manifest_with_a_flipped_bit_is_noticed(pattern: Home, tmp_path: Path) -> None:
    size = manifest_of(pattern).stat().st_size
    for at in range(0, size, max(1, size // 20)):
        home = copied(pattern, tmp_path / str(at))
        flip(manifest_of(home), at)
        assert isinstance(outcome(home), StoreFault), at


def test_a_zeroed_manifest_is_noticed(home: Home) -> None:
    manifest = manifest_of(home)
    zero(manifest, 0, manifest.stat().st_size)
    assert isinstance(outcome(home), StoreDamaged)


@pytest.mark.parametrize("name", ["CURRENT", "MANIFEST"])
def test_a_missing_current_or_manifest_is_a_missing_database(home: Home, name: str) -> None:
    (home.database / "CURRENT" if name == "CURRENT" else manifest_of(home)).unlink()
    assert isinstance(outcome(home), StoreMissing)
    assert name != "CURRENT" or not (home.database / "CURRENT").exists()


@pytest.mark.parametrize("content", [b"", b"MANIFEST-000002", b"\0" * 16, b"MANIFEST-xyz\n", b"../other\n", b"\xff\n"])
def test_a_damaged_current_is_noticed(home: Home, content: bytes) -> None:
    (home.database / "CURRENT").write_bytes(content)
    assert isinstance(outcome(home), StoreDamaged)


def test_a_missing_or_empty_database_folder_is_noticed(home: Home) -> None:
    shutil.rmtree(home.database)
    assert isinstance(outcome(home), StoreMissing)
    home.database.mkdir()
    assert isinstance(outcome(home), StoreMissing)
    assert list(home.database.iterdir()) == []


def test_a_missing_head_file_is_noticed(home: Home) -> None:
    home.head_file.unlink()
    assert isinstance(outcome(home), HeadMissing)


@pytest.mark.parametrize("way", ["zero", "cut", "empty", "text"])
def test_a_damaged_head_file_is_noticed(home: Home, way: str) -> None:
    if way == "zero":
        zero(home.head_file, 0, home.head_file.stat().st_size)
    elif way == "cut":
        cut(home.head_file, 60)
    else:
        home.head_file.write_bytes(b"" if way == "empty" else b"hello " * 900)
    assert isinstance(outcome(home), HeadDamaged)


def test_the_head_file_of_another_moment_is_noticed(home: Home, tmp_path: Path) -> None:
    other, engine = new_home(tmp_path / "other")
    commit_up_to(other, engine, 1, 40)
    engine.close()
    shutil.copyfile(other.head_file, home.head_file)
    assert isinstance(outcome(home), HeadMismatch)


def test_the_database_of_another_moment_is_noticed(home: Home, tmp_path: Path) -> None:
    other, engine = new_home(tmp_path / "other")
    commit_up_to(other, engine, 1, 40)
    engine.close()
    shutil.rmtree(home.database)
    shutil.copytree(other.database, home.database)
    assert isinstance(outcome(home), HeadMismatch)


def test_what_is_noticed_once_is_noticed_again(home: Home) -> None:
    """Refusing must not repair: a second start sees the same damage."""
    cut(log_of(home), 2 * BLOCK)
    assert isinstance(outcome(home), HeadMismatch)
    assert isinstance(outcome(home), HeadMismatch)
