"""A full disk: a typed error, no further answers, and everything acknowledged is there once space is free."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.backup_file import BackedTable, BackupContent, verify_backup
from storage.bulkload import tree_of
from storage.checkpoint import create, list_checkpoints
from storage.engine import Engine
from storage.errors import DiskError, DiskFull, EngineStopped
from storage.headfile import create_head, read_head
from storage.home import Home
from storage.module_backup import BackupWriter, adopt
from storage.restore import open_copy, restore, verify
from tests.storage.small_home import commit_up_to, content_at, head_of, new_home, open_whole

pytestmark = pytest.mark.faults


def mounted(folder: Path, options: str) -> Path:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"needs the right to mount a small tmpfs: {error}")
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MiB."""
    folder = mounted(tmp_path / "disk", "size=6m")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def few_files(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for few files."""
    folder = mounted(tmp_path / "disk", "size=6m,nr_inodes=25")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_up(disk: Path, leave: int) -> Path:
    """Occupy the disk but for about `leave` bytes."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with filler.open("wb") as file:
        for _ in range(max(0, free - leave) // 4096):
            file.write(b"x" * 4096)
    return filler


def write_until_full(home: Home, engine: Engine) -> int:
    """The last commit that was acknowledged."""
    last = read_head(home.head_file).commit
    with pytest.raises(DiskFull, match="free space"):
        while True:
            commit_up_to(home, engine, last + 1, last + 1, size=120)
            last += 1
            assert last < 5000
    return last


@pytest.mark.parametrize("leave", [0, 5_000, 60_000, 200_000, 400_000, 700_000])
def test_what_was_acknowledged_before_the_disk_was_full_is_there_after(disk: Path, leave: int) -> None:
    home, engine = new_home(disk / "node", buffer_bytes=256 << 10)
    commit_up_to(home, engine, 1, 20, size=120)
    filler = fill_up(disk, leave)
    last = write_until_full(home, engine)
    for call in (lambda: engine.get(b"m"), lambda: engine.write([], sync=True), engine.barrier, engine.snapshot):
        with pytest.raises(EngineStopped, match="no space left"):
            call()
    engine.close()
    filler.unlink()
    head, rows = open_whole(home)
    assert last <= head.commit <= last + 1
    assert rows == content_at(head.commit, 120)


def test_a_full_disk_at_start_is_told_and_harms_nothing(disk: Path) -> None:
    home, engine = new_home(disk / "node", buffer_bytes=4 << 20)
    commit_up_to(home, engine, 1, 100, size=120)
    engine.close()
    filler = fill_up(disk, 0)
    for _ in range(2):
        with pytest.raises(DiskFull):
            Engine.open(home.database)
    filler.unlink()
    assert open_whole(home) == (head_of(100), content_at(100, 120))


def test_a_barrier_on_a_full_disk_is_told(disk: Path) -> None:
    home, engine = new_home(disk / "node", buffer_bytes=4 << 20)
    commit_up_to(home, engine, 1, 100, size=120)
    filler = fill_up(disk, 8192)
    with pytest.raises(DiskFull):
        engine.barrier()
    engine.close()
    filler.unlink()
    assert open_whole(home) == (head_of(100), content_at(100, 120))


def test_a_barrier_that_could_not_begin_a_log_is_told(few_files: Path) -> None:
    """LevelDB keeps this failure to itself."""
    home, engine = new_home(few_files / "node", buffer_bytes=4 << 20)
    commit_up_to(home, engine, 1, 20)
    fillers = few_files / "fillers"
    fillers.mkdir()
    try:
        for number in range(100):
            (fillers / str(number)).touch()
    except OSError:
        pass
    with pytest.raises(DiskError, match="new log"):
        engine.barrier()
    with pytest.raises(EngineStopped):
        engine.write([(b"a", b"1")], sync=True)
    engine.close()
    for filler in fillers.iterdir():
        filler.unlink()
    assert open_whole(home) == (head_of(20), content_at(20))


def test_a_checkpoint_on_a_full_disk_is_told_and_leaves_nothing_listed(disk: Path) -> None:
    home, engine = new_home(disk / "node", buffer_bytes=4 << 20)
    commit_up_to(home, engine, 1, 100, size=120)
    filler = fill_up(disk, 100_000)
    with pytest.raises(DiskFull):
        create(home, "test")
    assert list_checkpoints(home) == ()
    filler.unlink()
    made = create(home, "test")
    engine.close()
    assert verify(made, disk / "scratch") == head_of(100)


def test_a_restore_on_a_full_disk_changes_nothing(disk: Path) -> None:
    home, engine = new_home(disk / "node", buffer_bytes=4 << 20)
    commit_up_to(home, engine, 1, 60, size=120)
    made = create(home, "test")
    commit_up_to(home, engine, 61, 100, size=120)
    engine.close()
    filler = fill_up(disk, 100_000)
    with pytest.raises(DiskFull):
        restore(made, home)
    filler.unlink()
    assert open_whole(home) == (head_of(100), content_at(100, 120))
    restore(made, home)
    assert open_whole(home) == (head_of(60), content_at(60, 120))


def test_a_copy_on_another_disk_holds_the_same(disk: Path, tmp_path: Path) -> None:
    """No hard link reaches there."""
    home, engine = new_home(tmp_path / "node", buffer_bytes=256 << 10)
    commit_up_to(home, engine, 1, 100, size=120)
    made = create(home, "test")
    engine.close()
    assert open_whole(open_copy(made, disk / "copy")) == (head_of(100), content_at(100, 120))


def test_nothing_is_made_on_a_full_disk(disk: Path) -> None:
    filler = fill_up(disk, 0)
    for attempt in (
        lambda: Home.create(disk / "node"),
        lambda: create_head(disk / "head", head_of(0)),
        lambda: Engine.create(disk / "database"),
    ):
        with pytest.raises(DiskFull):
            attempt()
    filler.unlink()
    assert Home.open(Home.create(disk / "node").root)


LIMITED = """
import resource, sys
from pathlib import Path
from storage.errors import DiskFull, EngineStopped
from tests.storage.small_home import commit_up_to, new_home
home, engine = new_home(Path(sys.argv[1]), buffer_bytes=4 << 20)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
last = 0
try:
    while last < 1000:
        commit_up_to(home, engine, last + 1, last + 1, size=120)
        last += 1
except DiskFull:
    print(last)
try:
    engine.get(b"m")
except EngineStopped:
    print("stopped")
"""


def test_a_limit_on_file_size_is_a_full_disk_too(tmp_path: Path) -> None:
    """Needs no right to mount; LevelDB's log reaches the limit in the middle of a batch."""
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "node")], capture_output=True, text=True, check=True
    )
    acknowledged, stopped = run.stdout.split()
    assert stopped == "stopped"
    head, rows = open_whole(Home(tmp_path / "node"))
    assert int(acknowledged) <= head.commit <= int(acknowledged) + 1
    assert rows == content_at(head.commit, 120)


def test_a_module_backup_that_finds_no_room_leaves_none_of_it_behind(disk: Path, tmp_path: Path) -> None:
    rows = {number.to_bytes(4, "big"): bytes(4000) for number in range(500)}
    table = BackedTable(name="shelf.books", schema=bytes(32), root=tree_of(rows.items()).root, rows=len(rows))
    content = BackupContent(module="shelf", tables=(table,))
    home = Home.create(disk / "home")
    filler = fill_up(disk, leave=1 << 20)
    writer = BackupWriter(home, content, lambda _: iter(rows.items()))
    with pytest.raises(DiskFull):
        while writer.step():
            continue
    writer.close()
    assert list(home.backups.iterdir()) == []
    away = BackupWriter(Home.create(tmp_path / "away"), content, lambda _: iter(rows.items()))
    while away.step():
        continue
    with pytest.raises(DiskFull):
        adopt(home, away.target)
    assert list(home.backups.iterdir()) == []
    filler.unlink()
    assert verify_backup(adopt(home, away.target).path).content == content
