"""`synod bundle`: a newcomer's bundle works as it is written, and each fault in it is named by file and line."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from scripts.bundle import command_line
from scripts.command import outcome
from scripts.exits import Exit


class Author:
    """The command, in one folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, Any]:
        code = outcome(command_line, [*words, "--json"], "synod bundle")
        return code, json.loads(self._capsys.readouterr().out)


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


def test_a_folder_with_something_in_it_is_left_alone(author: Author) -> None:
    before = sorted(path.read_bytes() for path in author.folder.iterdir())
    assert author("new", "mine")[0] == Exit.REFUSED
    assert sorted(path.read_bytes() for path in author.folder.iterdir()) == before


def test_every_fault_is_named_by_file_and_line(author: Author) -> None:
    source = author.folder / "guestbook.py"
    source.write_text(source.read_text() + "\n\n@query\ndef bad(ctx: Context) -> Amount:\n    return 1.5\n")
    line = source.read_text().splitlines().index("    return 1.5") + 1
    code, answer = author("check", "mine")
    assert code == Exit.REFUSED
    assert [(problem["file"], problem["line"]) for problem in answer["error"]["problems"]] == [("guestbook.py", line)]


def test_a_version_that_does_not_rise_is_refused(author: Author) -> None:
    code, answer = author("check", "mine", "--against", "mine")
    assert code == 0, "a bundle beside itself is no upgrade"
    manifest = author.folder / "bundle.toml"
    manifest.write_text(manifest.read_text().replace('version = "2.0.0"', 'version = "1.0.0"'))
    code, answer = author("check", "mine")
    assert code == Exit.REFUSED
    assert "not_newer" in {problem["code"] for problem in answer["error"]["problems"]}


def test_a_bundle_for_another_chain_is_refused(author: Author) -> None:
    code, answer = author("check", "mine", "--chain", "cosmoshub-2")
    assert code == Exit.REFUSED
    assert [problem["code"] for problem in answer["error"]["problems"]] == ["wrong_chain"]


def test_what_is_no_archive_is_refused(author: Author) -> None:
    Path("junk.tar").write_bytes(b"junk" * 1000)
    code, answer = author("check", "junk.tar")
    assert code == Exit.REFUSED
    assert answer["error"]["code"] == "bundle_malformed"
