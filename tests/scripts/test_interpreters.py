"""Finding a Python: what is on PATH is run before it is believed, and nothing is found where nothing fits."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import interpreters, setup
from scripts.interpreters import NoInterpreter

Script = Callable[[str, str], Path]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """A machine with an empty PATH and no pyenv, on which one can put programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "no-pyenv"))
    monkeypatch.setattr(sys, "_base_executable", str(programs / "python3.13"))

    def put(name: str, text: str) -> Path:
        path = programs / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    put("python3.13", f"echo cpython 3 13 {programs}/python3.13")
    return put


def test_the_running_python_comes_first() -> None:
    found = interpreters.find_installed()
    assert found is not None
    assert found.version == sys.version_info[:2]


def test_a_shim_that_only_fails_is_passed_over(machine: Script) -> None:
    machine("python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    good = machine("python3.11", f'exec {sys.executable} "$@"')
    found = interpreters.find_installed()
    assert found is not None
    assert good.exists()
    assert found.path == sys.executable


@pytest.mark.parametrize("answer", ["cpython 3 13 /x", "pypy 3 11 /x", "cpython 3 10 /x", "", "garbage"])
def test_what_does_not_fit_is_not_found(machine: Script, answer: str) -> None:
    machine("python3.12", f"echo '{answer}'")
    assert interpreters.find_installed() is None


def test_pyenvs_versions_are_found_though_not_on_path(machine: Script, tmp_path: Path) -> None:
    folder = tmp_path / "no-pyenv" / "versions" / "3.12.9" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(machine("elsewhere", f"echo cpython 3 12 {folder}/python"))
    found = interpreters.find_installed()
    assert found is not None
    assert found.version == (3, 12)


def test_uv_brings_a_python_into_the_checkout(machine: Script, tmp_path: Path) -> None:
    brought = tmp_path / "private" / "python" / "python3.12"
    machine("there", f"echo cpython 3 12 {brought}")
    machine(
        "uv",
        f'case "$1 $2" in "python install") /bin/mkdir -p {brought.parent}; /bin/cp {tmp_path}/bin/there {brought};; '
        f'"python find") [ -e {brought} ] && echo {brought};; esac',
    )
    said: list[str] = []
    found = interpreters.find_or_download(tmp_path / "private", tmp_path / "lock", said.append)
    assert found.path == str(brought)
    assert len(said) == 2


def test_where_uv_cannot_download_one_line_says_what_to_do(machine: Script, tmp_path: Path) -> None:
    machine("uv", '[ "$1" = --version ] || { echo "error: no network" >&2; exit 2; }')
    with pytest.raises(NoInterpreter, match=r"^no Python .*no network.*install Python 3\.12") as raised:
        interpreters.find_or_download(tmp_path / "private", tmp_path / "lock", lambda _: None)
    assert "\n" not in str(raised.value)


def test_a_stamp_is_of_one_lock_and_one_place(tmp_path: Path) -> None:
    assert not setup.is_ready(tmp_path)
    (tmp_path / setup.STAMP).write_text("not json")
    assert not setup.is_ready(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    (tmp_path / setup.STAMP).write_text(setup.json.dumps(setup.wanted_stamp()))
    assert setup.is_ready(tmp_path)
    (tmp_path / setup.STAMP).write_text(setup.json.dumps({**setup.wanted_stamp(), "from": "another lock"}))
    assert not setup.is_ready(tmp_path)
    assert not setup.stands_elsewhere(tmp_path)
    (tmp_path / setup.STAMP).write_text(setup.json.dumps({**setup.wanted_stamp(), "checkout": "elsewhere"}))
    assert setup.stands_elsewhere(tmp_path)


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["--help"], 0), (["instal"], 2)])
def test_a_wrong_command_shows_the_usage(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert setup.main(arguments) == code
    printed = capsys.readouterr()
    assert "rehearse" in (printed.out if code == 0 else printed.err)
