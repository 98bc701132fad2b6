"""A home is made once, opened by a release that knows its format, and worked on by one process at a time."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from storage.errors import DiskError, HomeFormatTooNew, HomeFormatUnreadable, HomeMissing, HomeNotEmpty, StoreLocked
from storage.home import FORMAT, RELEASE, Home


def test_a_made_home_opens(tmp_path: Path) -> None:
    made = Home.create(tmp_path / "node")
    assert Home.open(tmp_path / "node") == made
    assert made.keys.stat().st_mode & 0o777 == 0o700
    assert json.loads(made.format_file.read_text()) == {"format": FORMAT, "release": RELEASE}


def test_an_empty_folder_becomes_a_home(tmp_path: Path) -> None:
    assert Home.create(tmp_path).root == tmp_path


@pytest.mark.parametrize("content", ["notes.txt", ".hidden"])
def test_a_folder_in_use_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / content).write_text("mine")
    with pytest.raises(HomeNotEmpty):
        Home.create(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == [content]


def test_a_home_is_not_made_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(HomeNotEmpty):
        Home.create(tmp_path / "file")


def test_no_home_is_found_where_none_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "nowhere", tmp_path, tmp_path / "file"):
        with pytest.raises(HomeMissing, match="synod init"):
            Home.open(place)


def test_a_newer_format_names_the_release_to_use(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "node")
    home.format_file.write_text(json.dumps({"format": FORMAT + 1, "release": "9.8.7"}))
    with pytest.raises(HomeFormatTooNew, match=r"release 9\.8\.7 or newer"):
        Home.open(home.root)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "99", '{"format": 1}', '{"format": "x", "release": "1"}', '{"format": 0, "release": "1"}'],
)
def test_a_format_that_cannot_be_read_is_not_guessed(tmp_path: Path, content: str) -> None:
    home = Home.create(tmp_path / "node")
    home.format_file.write_text(content)
    with pytest.raises(HomeFormatUnreadable, match=r"no JSON object|never written"):
        Home.open(home.root)


def test_a_home_is_locked_by_one_at_a_time(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "node")
    with home.lock():
        with pytest.raises(StoreLocked) as caught:
            home.lock()
        assert caught.value.pid == os.getpid()
    home.lock().close()


def test_another_process_is_named_and_its_end_frees_the_home(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "node")
    script = (
        "import sys; from pathlib import Path; from storage.home import Home\n"
        "lock = Home.open(Path(sys.argv[1])).lock(); print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(home.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(StoreLocked, match=f"process {holder.pid};"):
            home.lock()
        holder.kill()
    home.lock().close()


def test_the_release_is_the_one_that_is_packaged() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["version"] == RELEASE


def test_a_lock_that_the_disk_refuses_is_told_as_such(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "node")
    home.lock_file.mkdir()
    with pytest.raises(DiskError):
        home.lock()
