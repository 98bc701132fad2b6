"""`init`, `start`, `status` as a user types them."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from governance.presets.default import DEFAULT
from node.genesis.generated import generated_genesis
from node.genesis.reading import read_genesis
from scripts.cli import synod
from scripts.command import outcome
from storage.errors import HomeMissing
from storage.home import Home
from tests.node.processes import started

ROOT = Path(__file__).resolve().parents[2]
KILLED_IN_INIT = """
import os, pathlib, signal, sys
from node import beginning
from node.genesis.generated import generated_genesis
beginning.Application.init_chain = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
beginning.begin(pathlib.Path(sys.argv[1]), generated_genesis(4, 2, "x"), "")
"""


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `synod ...` here; its exit code and its answer."""

    def run(*words: str) -> tuple[int, Any]:
        code = outcome(synod, [*words, "--json"], "synod")
        return code, json.loads(capsys.readouterr().out)

    return run


def test_a_home_begins_with_settings_genesis_state_and_a_record_that_signed_nothing(said: Any, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    code, made = said("init", "--home", str(home.root), "--accounts", "20", "--validators", "3", "--seed", "abc")
    assert (code, made["accounts"], made["bonded"], made["chain_id"]) == (0, 20, 3, "synod-local-rehearsal-abc")
    genesis, plain = read_genesis(home.genesis_file.read_bytes(), ""), generated_genesis(20, 3, "abc")
    assert set(genesis.tracks) == set(DEFAULT.tracks) and set(genesis.routes) == set(DEFAULT.routes)
    assert genesis.model_copy(update={"tracks": plain.tracks, "routes": plain.routes}) == plain
    code, status = said("status", "--home", str(home.root))
    assert (code, status["running"], status["height"], status["last_signed"]) == (0, False, 0, 0)
    assert status["app_root"] == made["app_root"]
    code, refused = said("init", "--home", str(home.root))
    assert (code, refused["error"]["code"]) == (2, "home_not_empty")


def test_equal_arguments_begin_equal_chains_and_stated_rules_become_theirs(
    said: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = [said("init", "--home", str(tmp_path / name), "--accounts", "8")[1]["app_root"] for name in "ab"]
    assert plain[0] == plain[1]
    monkeypatch.setenv("SYNOD_UPGRADE_VOTING_PERIOD", "20")
    monkeypatch.setenv("SYNOD_CHAIN_BLOCK_INTERVAL_MS", "250")
    other = said("init", "--home", str(tmp_path / "c"), "--accounts", "8")[1]
    assert other["app_root"] != plain[0]
    assert json.loads((tmp_path / "c" / "genesis.json").read_text())["parameters"] == {"voting_period": "20"}
    stated = [one for one in (tmp_path / "c" / "synod.toml").read_text().splitlines() if one[:1].islower()]
    assert [one.partition("  #")[0] for one in stated] == ["block_interval_ms = 250", "voting_period = 20"]
    document = tmp_path / "c" / "genesis.json"
    same = said("init", "--home", str(tmp_path / "d"), "--genesis", str(document))[1]
    assert (same["genesis"], same["app_root"]) == (other["genesis"], other["app_root"])


def test_a_genesis_that_cannot_begin_leaves_no_home(said: Any, tmp_path: Path) -> None:
    genesis = generated_genesis(4, 2, "x").model_copy(update={"parameters": {"no_such_rule": 1}})
    (tmp_path / "genesis.json").write_bytes(genesis.canonical())
    home = tmp_path / "home"
    code, refused = said("init", "--home", str(home), "--genesis", str(tmp_path / "genesis.json"))
    assert (code, refused["error"]["code"]) == (1, "unknown_parameter")
    assert not home.exists()
    assert said("init", "--home", str(home), "--validators", "9", "--accounts", "8")[0] == 2
    assert not home.exists()


def test_a_wrong_setting_is_named_before_anything_is_made(
    said: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNOD_UPGRADE_VOTING_PERIODE", "20")
    code, refused = said("init", "--home", str(tmp_path / "home"))
    assert (code, refused["error"]["code"]) == (2, "settings_invalid")
    assert "SYNOD_UPGRADE_VOTING_PERIOD?" in refused["error"]["message"]
    assert not (tmp_path / "home").exists()


def test_a_name_or_a_settings_file_that_cannot_be_is_wrong_usage(said: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert said_wrong(said, "--home", str(home), "--chain-name", "A b") == "usage"
    assert said_wrong(said, "--home", str(home), "--accounts", "3", "--validators", "5") == "genesis_impossible"
    assert said_wrong(said, "--home", str(home), "--accounts", "8", "--guardian", "8") == "genesis_impossible"
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    assert said_wrong(said, "--home", str(home), "--settings", str(tmp_path / "bytes.toml")) == "settings_invalid"
    assert not home.exists()


def said_wrong(said: Any, *words: str) -> str:
    code, refused = said("init", *words)
    assert code == 2
    return str(refused["error"]["code"])


def test_an_init_that_was_killed_leaves_no_home_and_the_next_one_begins_anew(said: Any, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    killed = subprocess.run([sys.executable, "-c", KILLED_IN_INIT, str(home.root)], check=False, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert home.genesis_file.exists()
    with pytest.raises(HomeMissing):
        Home.open(home.root)
    assert said("init", "--home", str(home.root), "--accounts", "8")[0] == 0
    assert sorted(path.name for path in home.root.glob("format*")) == ["format"]


def test_closed_standard_streams_are_opened_before_anything_takes_their_numbers(tmp_path: Path) -> None:
    words = f"{sys.executable} -m scripts.cli init --home {tmp_path / 'home'} --accounts 4"
    done = subprocess.run(["sh", "-c", f"exec <&- >&- 2>&-; exec {words}"], check=False, cwd=ROOT)
    assert done.returncode == 0
    words = f"{sys.executable} -m scripts.cli status --home {tmp_path / 'home'}"
    done = subprocess.run(["sh", "-c", f"exec <&- >&- 2>&-; exec {words}"], check=False, cwd=ROOT)
    assert done.returncode == 0


def test_status_finds_the_node_of_a_home_and_reads_the_files_when_none_runs(said: Any, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    said("init", "--home", home, "--accounts", "8")
    with started(Path(home)) as node:
        url = node.serving()
        node.until_height(2)
        code, status = said("status", "--home", home)
        assert (code, status["running"], status["url"], status["health"]["healthy"]) == (0, True, url, True)
        assert status["height"] >= 2
        node.send(signal.SIGKILL)
        node.ended()
    code, status = said("status", "--home", home)
    assert (code, status["running"]) == (0, False)
    code, gone = said("status", "--url", url)
    assert (code, gone["error"]["code"]) == (3, "node_unreachable")


def test_start_says_what_is_wrong_with_its_arguments_and_its_home(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["start", "--home", str(tmp_path)]
    assert outcome(synod, [*words, "--refuse", "12"], "synod") == 2
    assert "64 hexadecimal digits" in capsys.readouterr().err
    assert outcome(synod, words, "synod") == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "synod init" in told
