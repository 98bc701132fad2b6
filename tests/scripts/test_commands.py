"""The frame of commands: menu, help, JSON, exit codes; each from the outside, as a user types it."""

import io
import json
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest

from node.errors import NotFound, PortTaken, SettingsMissing
from node.genesis.errors import GenesisForeign
from runtime.bundle.problems import BundleRefused, Problem
from runtime.errors import AddressInvalid, PasswordWrong, RuntimeRoomError
from scripts.cli import COMMANDS, synod
from scripts.command import SynodCommand, SynodGroup, command, outcome
from scripts.console import Answer, Progress, columns
from scripts.exits import Exit, described, exit_of
from storage.errors import DiskFull, HomeMissing, StorageError

ROOT = Path(__file__).resolve().parents[2]


def typed(*words: str, module: str = "scripts.cli") -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", module, *words], capture_output=True, text=True, check=False, cwd=ROOT)


def leaves(chosen: click.Command, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(chosen, click.Group):
        return [(path, chosen)]
    context = click.Context(chosen)
    inner = [(name, chosen.get_command(context, name)) for name in chosen.list_commands(context)]
    return [leaf for name, one in inner if one for leaf in leaves(one, (*path, name))]


@pytest.mark.parametrize("path", [path for path, _ in leaves(synod)], ids=" ".join)
def test_every_command_teaches(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(synod, [*path, "--help"], "synod") == 0
    text = capsys.readouterr().out
    assert "Examples:" in text
    assert f"synod {' '.join(path)}" in text
    assert "--json" in text


def test_every_command_that_a_message_advises_is_there() -> None:
    rooms = [ROOT / room for room in ("scripts", "node", "governance", "runtime", "storage")]
    sources = [file.read_text() for room in rooms for file in room.rglob("*.py")] + [(ROOT / "README.md").read_text()]
    advised = {found for source in sources for found in re.findall(r"`synod ([a-z][^`]*)`", source)}
    assert "restore latest" in advised
    for words in map(str.split, sorted(advised)):
        chosen = dict(leaves(synod) if words[0] in COMMANDS else ())
        path = max((one for one in chosen if tuple(words[: len(one)]) == one), key=len, default=None)
        assert path or words in ([one[0]] for one in chosen), f"synod {' '.join(words)}"
        options = {option for one in chosen[path].params for option in one.opts} if path else set()
        assert {word for word in words if word.startswith("--")} <= options, f"synod {' '.join(words)}"


EACH_ALONE = """
import os, runpy, sys
import click, fastapi, httpx, plyvel, pydantic, structlog  # the project's own modules are new to every one
folder, *modules = sys.argv[1:]
ends = []
for number, module in enumerate(modules):
    if os.fork() == 0:
        os.dup2(os.open(f"{folder}/{module}", os.O_CREAT | os.O_WRONLY, 0o600), 1)
        sys.argv[1:] = ["--help"]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    if number:  # two at once
        ends.append(os.wait()[1])
sys.exit(any([*ends, os.wait()[1]]))
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What each command's file says to `--help` in a process that holds nothing else of the project."""
    folder = tmp_path_factory.mktemp("alone")
    modules = [f"scripts.{entry.module}" for entry in COMMANDS.values()]
    subprocess.run([sys.executable, "-c", EACH_ALONE, str(folder), *modules], check=True, cwd=ROOT)
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_menu_is_a_file_that_runs_alone(name: str, alone: Path) -> None:
    module = f"scripts.{COMMANDS[name].module}"
    assert (alone / module).read_text().startswith(f"Usage: synod {name}")
    assert isinstance(import_module(module).command_line, SynodGroup | SynodCommand)


def test_the_menu_loads_no_command() -> None:
    code = (
        "import sys; from scripts.cli import synod; synod.main(['--help'], standalone_mode=False); "
        "sys.exit(any(n.startswith(('scripts.keys', 'runtime', 'node')) for n in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, cwd=ROOT).returncode == 0


@pytest.mark.parametrize("words", ["nonsense", "keys nonsense", "keys create", "keys list --nonsense"])
def test_wrong_usage_is_exit_2(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(synod, words.split(), "synod") == Exit.USAGE
    assert "Usage: synod" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BundleRefused([Problem("float", "bank.py", 3, "no")]), Exit.REFUSED),
        (PasswordWrong("a", "no"), Exit.REFUSED),
        (NotFound("no_block", "no"), Exit.REFUSED),
        (AddressInvalid("x", "no"), Exit.USAGE),
        (SettingsMissing("x"), Exit.USAGE),
        (GenesisForeign((), ()), Exit.USAGE),
        (HomeMissing(Path("x"), "no"), Exit.USAGE),
        (DiskFull(Path("x"), "no"), Exit.MACHINE),
        (PortTaken("h", 1, "no"), Exit.MACHINE),
        (PermissionError(13, "no"), Exit.MACHINE),
        (MemoryError(), Exit.MACHINE),
        (KeyError("a defect"), None),
    ],
)
def test_each_kind_of_error_has_its_exit(error: Exception, code: Exit | None) -> None:
    assert exit_of(error) is code


def test_no_error_of_a_room_is_unforeseen() -> None:
    def kinds(kind: type[Exception]) -> list[type[Exception]]:
        return [kind, *(one for below in kind.__subclasses__() for one in kinds(below))]

    for kind in (*kinds(StorageError), *kinds(RuntimeRoomError)):
        assert exit_of(kind.__new__(kind)) is not None, kind


def failing(error: Exception) -> SynodCommand:
    @command("fail")
    def fail() -> Answer:
        raise error

    return fail


def test_an_error_in_json_carries_its_code_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    refused = BundleRefused([Problem("float", "bank.py", 3, "no")])
    assert outcome(failing(refused), ["--json"], "synod fail") == Exit.REFUSED
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert printed["error"]["code"] == "bundle_refused"
    assert printed["error"]["problems"] == [{"code": "float", "file": "bank.py", "line": 3, "message": "no"}]


def test_an_error_for_people_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(failing(NotFound("no_block", "there is no block 7")), [], "synod fail") == Exit.REFUSED
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "error: there is no block 7\n")


def test_a_defect_of_synod_is_not_blamed_on_the_user(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(failing(ZeroDivisionError("oops")), [], "synod fail") == Exit.MACHINE
    printed = capsys.readouterr().err
    assert "ZeroDivisionError" in printed
    assert "defect of Synod" in printed


def test_an_interrupted_command_says_so_in_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    @command("wait")
    def wait() -> None:
        raise KeyboardInterrupt

    assert outcome(wait, ["--json"], "wait") == 130
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["code"] == "interrupted"
    assert "may still take effect" in shown.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_an_error_that_cannot_be_written_to_a_full_disk_is_told_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with suppress(OSError), Path("/dev/full").open("w") as full, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", full)
        assert outcome(failing(NotFound("no_block", "there is no block 7")), ["--json"], "fail") == Exit.REFUSED
    assert capsys.readouterr().err == "error: there is no block 7\n"


def test_an_answer_is_text_or_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    @command("answer")
    def answer() -> Answer:
        return Answer({"root": b"\xff", "height": 2**70}, "root ff", Exit.REFUSED)

    assert outcome(answer, [], "synod answer") == Exit.REFUSED
    assert capsys.readouterr().out == "root ff\n"
    assert outcome(answer, ["--json"], "synod answer") == Exit.REFUSED
    assert json.loads(capsys.readouterr().out) == {"root": "ff", "height": 2**70}


def test_errors_describe_themselves_without_private_fields() -> None:
    assert described(NotFound("no_block", "none")) == {"code": "no_block", "message": "none"}
    assert described(OSError(2, "No such file", "/x"))["message"] == "/x: No such file"


def test_columns_line_up() -> None:
    assert columns([("a", 1), ("long", 22)], ("name", "n")) == "name  n\na     1\nlong  22"


def test_short_work_shows_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("counting", 10)
    progress.at(5)
    progress.end()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("done", "since", "says"),
    [
        (0, 10, "counting   0 % (10 s)"),
        (4, 10, "counting  40 % (10 s, about 15 s left)"),
        (1, 60, "counting  10 % (60 s, about 9 min left)"),
        (1, 7_200, "counting  10 % (2 h, about 18 h left)"),
        (10, 10, "counting 100 % (10 s)"),
    ],
)
def test_work_that_lasts_says_how_long_it_still_takes(done: int, since: int, says: str) -> None:
    stream = io.StringIO()
    Progress("counting", 10, stream, _started=time.monotonic() - since).at(done)
    assert stream.getvalue() == f"{says}\n"


def test_no_colours_for_machines() -> None:
    env = {**os.environ, "CI": "true", "FORCE_COLOR": "1"}
    answer = subprocess.run(
        [sys.executable, "-m", "scripts.cli", "--help"], capture_output=True, check=True, cwd=ROOT, env=env
    )
    assert b"\x1b" not in answer.stdout
