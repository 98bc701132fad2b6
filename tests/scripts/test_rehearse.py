"""`synod rehearse`: what it takes, what it leaves behind, and how it ends."""

from pathlib import Path

import pytest

from tests.scripts.conftest import Said
from tests.short_periods import short_genesis


@pytest.fixture
def genesis(tmp_path: Path) -> Path:
    """The file of a small genesis under short periods."""
    file = tmp_path / "genesis.json"
    file.write_bytes(short_genesis().canonical())
    return file


def test_a_bundle_is_rehearsed_as_a_folder_and_as_the_archive_that_would_be_proposed(
    said: Said, genesis: Path, tmp_path: Path
) -> None:
    folder, archive = tmp_path / "mine", tmp_path / "mine.tar"
    said("bundle", "new", str(folder))
    said("bundle", "pack", str(folder), "--out", str(archive))
    answers = []
    for path, out in ((folder, tmp_path / "one"), (archive, tmp_path / "two")):
        code, answer = said("rehearse", "--genesis", str(genesis), "--bundle", str(path), "--out", str(out))
        assert (code, answer["passed"], [one["outcome"] for one in answer["upgrades"]]) == (0, True, ["executed"])
        assert (out / "report.html").is_file() and (out / "report.json").is_file()
        answers.append(answer)
    assert answers[0]["app_root"] == answers[1]["app_root"]


@pytest.mark.parametrize("wrong", ["--genesis", "--bundle"])
def test_a_rehearsal_that_cannot_begin_leaves_no_folder(
    said: Said, genesis: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nothing").write_bytes(b"nothing")
    given = {"--genesis": str(genesis), wrong: "nothing"}
    code, refused = said("rehearse", *(word for pair in given.items() for word in pair))
    assert (code, "error" in refused) == (2 if wrong == "--genesis" else 1, True)
    assert list(tmp_path.glob("synod-rehearsal-*")) == []
