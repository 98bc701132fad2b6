"""`synod bundle`: a newcomer's bundle works as it is written, and each fault in it is named by file and line."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle.stub import FOLDER, STUB
from runtime.bundle.template import CORE
from scripts.bundle import command_line
from scripts.command import outcome
from scripts.exits import Exit


class Author:
    """The command, in one folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.stub = folder / STUB
        self.warned = ""
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, Any]:
        code = outcome(command_line, [*words, "--json"], "synod bundle")
        said = self._capsys.readouterr()
        self.warned = said.err
        return code, json.loads(said.out)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text in a source."""
        source = (self.folder / file).read_text()
        assert old in source
        (self.folder / file).write_text(source.replace(old, new))

    def mypy(self) -> str:
        """What mypy says in the folder."""
        command = [sys.executable, "-m", "mypy", "."]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False).stdout


@pytest.fixture
def author(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Author:
    monkeypatch.chdir(tmp_path)
    made = Author(tmp_path / "mine", capsys)
    assert made("new", "mine")[0] == 0
    return made


def test_a_new_bundle_is_accepted_unchanged(author: Author) -> None:
    code, checked = author("check", "mine")
    assert code == 0
    assert checked["name"] == "mine"
    assert checked["effect"]["from_version"] == "1.0.0"
    assert checked["effect"]["digest"] == author("diff", "mine")[1]["digest"]


def test_what_is_packed_is_what_was_checked(author: Author) -> None:
    _, checked = author("check", "mine", "--read-only")
    code, packed = author("pack", "mine")
    assert code == 0
    assert packed["code_hash"] == checked["code_hash"] == hashlib.sha256(Path(packed["file"]).read_bytes()).hexdigest()
    assert author("check", packed["file"], "--read-only")[1] == checked
    Path(packed["file"]).write_bytes(b"mine")
    for words in ((), ("--out", packed["file"]), ("--out", "nowhere/x.tar")):
        assert author("pack", "mine", *words)[0] == Exit.USAGE
    assert Path(packed["file"]).read_bytes() == b"mine"


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_with_something_in_it_is_left_alone(author: Author) -> None:
    before = content_of(author.folder)
    assert author("new", "mine")[0] == Exit.USAGE
    assert content_of(author.folder) == before


@pytest.mark.parametrize("words", [("bad name!",), ("good", "--chain", "BAD NAME")])
def test_a_bundle_or_chain_of_no_name_is_refused_before_anything_is_written(
    author: Author, words: tuple[str, ...]
) -> None:
    code, refused = author("new", *words)
    assert (code, refused["error"]["code"]) == (Exit.USAGE, "template_refused")
    assert not Path(words[0]).exists()


def test_types_tell_a_field_that_the_running_runtime_has_from_one_it_lacks(author: Author) -> None:
    assert author.mypy().startswith("Success")
    author.edit("bank.py", "balance=old.balance", "balance=old.colour")
    line = (author.folder / "bank.py").read_text().partition("old.colour")[0].count("\n") + 1
    assert author.mypy().startswith(f'bank.py:{line}: error: "accounts" has no attribute "colour"')


def test_the_new_bundle_has_a_test_of_its_migration(author: Author) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    ran = subprocess.run(command, cwd=author.folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    author.edit("bank.py", "migrated=2)", "migrated=0)")
    ran = subprocess.run(command, cwd=author.folder, capture_output=True, text=True, check=False)
    assert "MigrationWrong: migrated must change" in ran.stdout


def test_a_test_of_the_bundle_s_own_that_fails_is_told_with_its_line(author: Author) -> None:
    assert author("check", "mine")[1]["tests"] == 1
    author.edit("bank.py", "migrated=2)", "migrated=3)")
    code, checked = author("check", "mine")
    line = (author.folder / "tests.py").read_text().partition("def test_")[0].count("\n") + 1
    assert (code, checked["failed"]["reason"]) == (Exit.REFUSED, "test_failed")
    assert checked["failed"]["detail"] == f"tests.py:{line}: test_an_account_keeps_its_coins: not_true"


def test_the_stub_is_not_packed(author: Author) -> None:
    packed = author("pack", "mine")[1]
    assert "stub" not in author("check", packed["file"])[1]
    shutil.rmtree(author.folder / FOLDER)
    Path(packed["file"]).unlink()
    assert author("pack", "mine")[1] == packed


def test_a_check_brings_the_stub_back(author: Author) -> None:
    made = content_of(author.folder)
    assert author("check", "mine")[1]["stub"] == {"file": f"mine/{STUB}", "state": "current", "detail": "core 1.0.0"}
    assert author.warned == ""
    author.stub.write_text("class Old: ...")
    (author.stub.parent / "__init__.pyi").unlink()
    with author.stub.open() as reader:
        code, checked = author("check", "mine")
        assert reader.read() == "class Old: ...", "whoever reads the old one reads it to its end"
    assert (code, checked["stub"]["state"]) == (0, "written")
    assert f"mine/{STUB}: written" in author.warned and "schema of core 1.0.0" in author.warned
    assert content_of(author.folder) == made


def test_the_stub_follows_the_running_runtime_though_the_bundle_is_refused(author: Author) -> None:
    running = author.folder.with_name("running")
    shutil.copytree(CORE, running)
    for file, old, new in (
        ("bundle.toml", 'version = "1.0.0"', 'version = "1.1.0"'),
        ("bank.py", 'value="coin")\n\n', 'value="coin")\n    colour: Amount = field(2, default=0)\n\n'),
    ):
        (running / file).write_text((running / file).read_text().replace(old, new, 1))
    code, answer = author("check", "./running", "mine")
    assert code == Exit.REFUSED and answer["error"]["code"] == "bundle_refused"
    assert "schema of core 1.1.0" in author.warned
    author.edit("bank.py", "balance=old.balance", "balance=old.balance + old.colour")
    assert author.mypy().startswith("Success")


@pytest.mark.parametrize("way", [FOLDER, STUB])
def test_a_stub_that_cannot_be_written_costs_a_warning(author: Author, way: str) -> None:
    shutil.rmtree(author.folder / FOLDER)
    if way == FOLDER:
        (author.folder / FOLDER).write_text("in the way")
    else:
        author.stub.mkdir(parents=True)
    before = content_of(author.folder)
    code, checked = author("check", "mine")
    assert (code, checked["stub"]["state"]) == (0, "not_written")
    assert author.warned.startswith(f"warning: mine/{STUB} is not up to date: ")
    assert {name for name in set(content_of(author.folder)) - set(before) if not name.endswith("__init__.pyi")} == set()


@pytest.mark.parametrize("words", [("check", "mine", "--read-only"), ("diff", "mine")])
def test_no_stub_is_written_where_nothing_is_to_be_written_or_migrated(author: Author, words: tuple[str, ...]) -> None:
    shutil.rmtree(author.folder / FOLDER)
    code, checked = author(*words)
    assert (code, "stub" in checked, (author.folder / FOLDER).exists()) == (0, False, False)


def test_every_fault_is_named_by_file_and_line(author: Author) -> None:
    source = author.folder / "guestbook.py"
    source.write_text(source.read_text() + "\n\n@query\ndef bad(ctx: Context) -> Amount:\n    return 1.5\n")
    line = source.read_text().splitlines().index("    return 1.5") + 1
    code, answer = author("check", "mine")
    assert code == Exit.REFUSED
    assert [(problem["file"], problem["line"]) for problem in answer["error"]["problems"]] == [("guestbook.py", line)]


def test_a_bundle_cannot_follow_itself(author: Author) -> None:
    code, answer = author("check", "mine", "mine")
    assert (code, answer["error"]["problems"][0]["code"]) == (Exit.REFUSED, "already_running")
    code, shown = author("diff", "mine", "mine")
    assert (code, [one["code"] for one in shown["refused"]]) == (Exit.REFUSED, ["already_running"])


def test_a_version_that_does_not_rise_is_refused(author: Author) -> None:
    manifest = author.folder / "bundle.toml"
    manifest.write_text(manifest.read_text().replace('version = "2.0.0"', 'version = "1.0.0"'))
    code, answer = author("check", "mine")
    assert code == Exit.REFUSED
    assert "not_newer" in {problem["code"] for problem in answer["error"]["problems"]}


def test_the_running_bundle_with_its_chain_left_open_is_no_upgrade_of_itself(author: Author) -> None:
    code, checked = author("check", str(CORE), "--read-only")
    assert (code, checked["chain"], "effect" in checked) == (0, "", False)


def test_a_bundle_for_another_chain_is_refused(author: Author) -> None:
    code, answer = author("check", "mine", "--chain", "cosmoshub-2")
    assert code == Exit.REFUSED
    assert [problem["code"] for problem in answer["error"]["problems"]] == ["wrong_chain"]


def test_what_is_no_archive_is_refused(author: Author) -> None:
    Path("junk.tar").write_bytes(b"junk" * 1000)
    code, answer = author("check", "junk.tar")
    assert code == Exit.REFUSED
    assert answer["error"]["code"] == "bundle_malformed"


def git(folder: Path, *words: str) -> None:
    names = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *names, *words], cwd=folder, capture_output=True, check=True)


def test_files_that_no_commit_holds_are_told_and_nothing_is_refused_for_that(author: Author) -> None:  # R5.2
    def loose(*words: str) -> list[str]:
        code, checked = author("check", *words)
        assert code == Exit.PASSED
        told: list[str] = checked["uncommitted"]
        assert (f"in no commit as they are here: {', '.join(told)}" in author.warned) is bool(told)
        return told

    assert loose("mine") == [], "not in git at all"
    git(author.folder, "init")
    everything = loose("mine")
    sources = ("bank", "faucet", "guestbook", "staking", "tests", "treasury")
    assert set(everything) == {"bundle.toml", *(f"{name}.py" for name in sources)}
    git(author.folder, "add", ".")
    assert loose("mine") == everything, "there is no commit yet"
    git(author.folder, "commit", "-m", "one")
    assert loose("mine") == []
    author.edit("bank.py", "Every field after the first", "All fields after the first")
    (author.folder / "README.md").write_text("not packed")
    assert loose("mine") == ["bank.py"]
    git(author.folder, "add", "bank.py")
    assert loose("mine") == ["bank.py"], "staged is not committed"
    assert loose("mine", "--read-only") == [], "git does what a folder's own settings say"
    author("pack", "mine")
    assert loose(next(Path().glob("*.tar")).name) == []


def test_a_diff_shows_manifest_declarations_rules_and_lines(author: Author) -> None:
    shutil.copytree(author.folder, author.folder.with_name("next"))
    author.folder = author.folder.with_name("next")
    author.edit("bundle.toml", 'version = "2.0.0"', 'version = "3.0.0"')
    author.edit("bank.py", 'invariant("locked_within_original", at_most(', 'invariant("locked_is_original", equal(')
    author.edit("bank.py", "    at_most,\n", "    equal,\n")
    code, shown = author("diff", "mine", "next")
    assert code == Exit.REFUSED
    assert {"key": "version", "old": "2.0.0", "new": "3.0.0"} in shown["manifest"]
    rules = {(one["class"], one["change"], one["subject"]): one["detail"] for one in shown["sections"]["invariants"]}
    sums = "the sum of bank.vestings.locked by owner is{} the sum of bank.vestings.original by owner"
    assert rules == {
        ("breaking", "invariant_dropped", "bank.locked_within_original"): sums.format(" at most"),
        ("safe", "invariant_added", "bank.locked_is_original"): sums.format(""),
    }
    changed = {one["file"]: (one["state"], one["diff"]) for one in shown["files"]}
    assert set(changed) == {"bank.py", "bundle.toml"}
    state, lines = changed["bank.py"]
    assert (state, lines[:2]) == ("changed", ["--- old/bank.py", "+++ new/bank.py"])
    assert "-    at_most," in lines and "+    equal," in lines
    assert "notes_incomplete" in {one["code"] for one in shown["refused"]}


def test_a_body_that_alone_changed_is_safe_and_shown(author: Author, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(author.folder, author.folder.with_name("next"))
    author.folder = author.folder.with_name("next")
    author.edit("bundle.toml", 'version = "2.0.0"', 'version = "2.0.1"')
    author.edit("bundle.toml", "schema = 2", "schema = 3")
    author.edit("bank.py", "from_schema=1", "from_schema=2")
    before = 'balance: Amount = field(1, value="coin")\n'
    with_field = f"{before}    migrated: Amount = field(2, default=0)\n"
    author.edit("bank.py", f"{before}\n\n@migration", f"{with_field}\n\n@migration")
    assert outcome(command_line, ["diff", "mine", "next"], "synod bundle") == 0
    said = capsys.readouterr().out
    assert "from 2.0.0 to 2.0.1, safe" in said
    assert "+@migration(accounts, from_schema=2" in said
    assert "  bank.schema" in said


@pytest.mark.parametrize("words", [("nothing",), ("mine", "mine", "mine")])
def test_what_names_no_bundle_is_wrong_usage(author: Author, words: tuple[str, ...]) -> None:
    assert author("diff", *words)[0] == Exit.USAGE
