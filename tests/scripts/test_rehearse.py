"""`synod rehearse`: what it takes, what it leaves behind, and how it ends."""

import json
from html import escape
from pathlib import Path
from typing import Any

import pytest

from governance.presets import PRESETS
from scripts.rehearse import genesis_of
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
    ends, roots = ["executed", "failed", "rolled_back"], []
    for path, options, ended in ((folder, (), ends[:1]), (archive, ("--demo-failure",), ends)):
        out = tmp_path / str(len(ended))
        words = ("--genesis", str(genesis), "--bundle", str(path), "--out", str(out), *options)
        code, answer = said("rehearse", *words)
        assert (code, answer["passed"], [one["outcome"] for one in answer["upgrades"]]) == (0, True, ended)
        assert json.loads((out / "report.json").read_text()) == answer
        assert_shown(answer, (out / "report.html").read_text())
        roots.append(answer["upgrades"][0]["root_after"])
    assert roots[0] == roots[1]


def assert_shown(answer: dict[str, Any], html: str) -> None:
    """The page says all that an operator decides by."""
    wanted = [answer["app_root"], answer["runtime_root"], answer["host_root"]]
    wanted += [moment["what"] for moment in answer["timeline"]] + [check["name"] for check in answer["checks"]]
    for one in answer["upgrades"]:
        wanted += [one["code_hash"], one["effect"], one["root_before"], one["root_after"]]
        wanted += [check["name"] for check in one["invariants"]]
        shares = [share for vote in one["votes"] for share in vote["shares"]]
        wanted += [f"{share['part']:,} of {share['whole']:,}" for share in shares]
        wanted += [share["needed"] for share in shares]
        taken = one["checkpoint"]
        wanted += [f"{taken['bytes']:,} bytes", f"{one['pause_ms']:.0f} ms at height"] if taken else []
    executed = answer["upgrades"][0]
    assert all(vote["shares"] for vote in executed["votes"]) and executed["votes"]
    assert executed["invariants"] and executed["checkpoint"] and executed["pause_ms"] > 0
    assert [text for text in wanted if escape(text) not in html] == []


def test_a_bundle_whose_own_check_fails_ends_with_1_and_names_what_failed(
    said: Said, genesis: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    said("bundle", "new", str(folder))
    source = (folder / "bank.py").read_text()
    assert source.count("return new.balance == old.balance") == 1
    (folder / "bank.py").write_text(source.replace("return new.balance == old", "return new.balance != old"))
    words = ("--genesis", str(genesis), "--bundle", str(folder), "--out", str(tmp_path / "out"))
    code, answer = said("rehearse", *words)
    (upgrade,) = answer["upgrades"]
    assert (code, answer["passed"], upgrade["outcome"]) == (1, False, "failed")
    where = f"bank.py:{source[: source.index('def nothing_lost')].count(chr(10)) + 1}"
    assert (upgrade["reason"], upgrade["where"]) == ("record_not_valid", where)
    assert upgrade["detail"].startswith("nothing_lost: bank.accounts row ")
    html = (tmp_path / "out" / "report.html").read_text()
    assert f"record_not_valid at {upgrade['where']}" in html and upgrade["detail"] in html


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


def test_a_preset_makes_the_rules_of_a_generated_genesis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNOD_UPGRADE_TIMELOCK_DELAY", "20")
    plain, tezos = genesis_of(None, 8, "1"), genesis_of(None, 8, "1", "tezos")
    assert not plain.tracks and set(tezos.tracks) == set(PRESETS["tezos"].tracks)
    assert tezos.routes["runtime_upgrade"] == ("exploration", "breaking")
    assert (tezos.accounts, tezos.validators, tezos.parameters) == (plain.accounts, plain.validators, plain.parameters)


def test_a_preset_beside_a_genesis_with_rules_of_its_own_is_refused(said: Said, genesis: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, answer = said("rehearse", "--genesis", str(genesis), "--preset", "tezos", "--out", str(out))
    assert (code, answer["error"]["code"], out.exists()) == (2, "genesis_inconsistent", False)
