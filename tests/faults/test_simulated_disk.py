"""The disk on which crashes are simulated: it takes what a power loss may take, and nothing else."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from tests.faults.crash.disk import ALL, NAMES, STRICT, SYNCED, Disk
from tests.faults.crash.entries import SECTOR
from tests.faults.crash.programs import played
from tests.faults.crash.shim import build, missing

pytestmark = [pytest.mark.faults, pytest.mark.skipif(bool(missing()), reason=missing())]

Content = dict[str, bytes | None]


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with one old file of four sectors."""
    made = tmp_path / "disk"
    made.mkdir()
    (made / "old").write_bytes(b"o" * 4 * SECTOR)
    return made


def left(disk: Disk, model: str | int) -> Content:
    return dict(disk.after(model).contents())


def on_disk(root: Path) -> Content:
    return {path.name: path.read_bytes() for path in root.iterdir()}


def test_a_kill_leaves_what_the_program_wrote(shim: Path, root: Path) -> None:
    changes = "write('old', b'n' * 700, False); write('new', b'1', False); (root / 'new').rename(root / 'x')"
    disk = played(shim, root, changes)
    assert left(disk, ALL) == on_disk(root) == {"old": b"n" * 700 + b"o" * 1348, "x": b"1"}


def test_what_was_not_synced_may_be_gone(shim: Path, root: Path) -> None:
    disk = played(shim, root, "write('a', b'1', True); write('a', b'22', False); write('b', b'3', False)")
    assert left(disk, SYNCED) == {"a": b"1", "b": b"", "old": b"o" * 2048}
    assert left(disk, NAMES) == left(disk, STRICT) == {"old": b"o" * 2048}


def test_a_synced_folder_keeps_its_names_and_not_its_files(shim: Path, root: Path) -> None:
    disk = played(shim, root, "write('a', b'1', False); (root / 'old').unlink(); sync_folder(); write('b', b'2', True)")
    assert left(disk, STRICT) == {"a": b""}
    assert left(disk, NAMES) == {"a": b"1"}
    assert left(disk, SYNCED) == {"a": b"", "b": b"2"}


def test_a_rename_is_there_whole_or_not_at_all(shim: Path, root: Path) -> None:
    disk = played(shim, root, "write('a', b'1', True); sync_folder(); (root / 'a').replace(root / 'old')")
    both = ({"a": b"1", "old": b"o" * 2048}, {"old": b"1"})
    assert left(disk, STRICT) == both[0]
    seen = [left(disk, seed) for seed in range(40)]
    assert all(each in both for each in seen)
    assert all(each in seen for each in both)


def sectors(content: bytes | None) -> str:
    """One letter for each."""
    assert content is not None
    pieces = [content[at : at + SECTOR] for at in range(0, len(content), SECTOR)]
    assert all(piece == piece[:1] * len(piece) for piece in pieces), "a sector is written whole or not at all"
    return "".join(chr(piece[0]) for piece in pieces)


def test_sectors_of_a_write_reach_the_disk_in_any_order(shim: Path, root: Path) -> None:
    disk = played(shim, root, "write('old', b'n' * 2048, False)")
    seen = {sectors(left(disk, seed)["old"]) for seed in range(1000)}
    assert seen == {"".join(each) for each in product("on", repeat=4)}


def test_a_sector_that_stayed_behind_has_what_an_earlier_write_left_there(shim: Path, root: Path) -> None:
    disk = played(shim, root, "write('new', b'1' * 1024, False); write('new', b'2' * 1536, False)")
    seen = {sectors(left(disk, seed)["new"]) for seed in range(1000) if "new" in left(disk, seed)}
    assert {"", "11", "21", "22", "222", "12\0", "\0" + "22", "212", "122"} <= seen
    assert not any(each[2:] == "1" for each in seen)


def test_equal_states_have_equal_digests(shim: Path, root: Path) -> None:
    disk = played(shim, root, "write('a', b'1', True); sync_folder()")
    assert len({disk.digest(disk.after(model)) for model in (ALL, SYNCED, NAMES, STRICT, 1, 2)}) == 1
    disk = played(shim, root, "write('a', b'2', False)")
    assert disk.digest(disk.after(ALL)) != disk.digest(disk.after(SYNCED))
