"""`synod rehearse-upgrade` and `synod rehearsal diff` on real homes: what they say, and the code they end with."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from governance.tables import READINESS
from node.rehearsal import upgrade
from node.rehearsal.world import World
from node.settings import documentation
from node.trial.checks import STEPS
from scripts.proposing import proposal_text
from scripts.status import of_node
from storage.home import HomeLock
from storage.levelfiles import log_paths
from tests.node.processes import started
from tests.scenarios.upgrades import approved, edited, example, untested
from tests.scripts.conftest import Said
from tests.short_periods import GATED, SHORT, short_genesis


@dataclass(frozen=True)
class Voting:
    """A stopped home with two upgrades that are being voted on."""

    root: Path
    sound: str
    idle: str
    checkpoint: str

    @property
    def at(self) -> tuple[str, str]:
        return "--home", str(self.root)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Voting]:
    root = tmp_path_factory.mktemp("upgrade") / "home"
    world = World.create(root, short_genesis(parameters={**SHORT, "voting_period": 10_000}))
    sound = upgrade.propose(world, example(world), "Sound").proposal
    taken = world.application.checkpoint("test")
    changed = untested(edited(example(world), bank=("migrated=2", "migrated=0")))
    idle = upgrade.propose(world, changed, "Changes nothing").proposal
    world.traffic(5)
    world.must()
    world.close()
    (root / "synod.toml").write_text(documentation())
    return Voting(root, str(sound), str(idle), taken.name)


def test_a_sound_upgrade_passes_step_by_step_and_the_home_stays_as_it_was(said: Said, home: Voting) -> None:
    before = {path: path.stat().st_mtime_ns for path in home.root.rglob("*") if path.is_file()}
    code, answer = said("rehearse-upgrade", home.sound, *home.at)
    assert (code, answer["passed"]) == (0, True)
    assert [(step["name"], step["outcome"]) for step in answer["steps"]] == [(name, "passed") for name, _ in STEPS]
    assert answer["memory_bytes"] > 0
    assert {path: path.stat().st_mtime_ns for path in home.root.rglob("*") if path.is_file()} == before


def test_a_stopped_home_whose_end_is_torn_is_mended_first_and_one_that_is_damaged_is_told(
    said: Said, home: Voting, tmp_path: Path
) -> None:
    torn = Path(shutil.copytree(home.root, tmp_path / "torn"))
    at = ("--home", str(torn))
    log = log_paths(torn / "database")[-1]
    log.write_bytes(log.read_bytes() + b"\1" * 600)
    with HomeLock(torn / "lock"):  # somebody is at work on it, and may be writing
        code, told = said("rehearse-upgrade", home.sound, *at)
    assert (code, told["error"]["code"]) == (3, "store_damaged")
    code, answer = said("rehearse-upgrade", home.sound, *at)
    assert (code, answer["passed"]) == (0, True)
    (torn / "database" / "CURRENT").write_text("nothing")
    code, told = said("rehearse-upgrade", home.sound, *at)
    assert (code, told["error"]["code"], told["error"]["path"]) == (3, "store_damaged", str(torn / "database"))


def test_an_upgrade_that_fails_is_named_with_step_code_and_line(said: Said, home: Voting) -> None:
    code, answer = said("rehearse-upgrade", home.idle, *home.at)
    assert (code, answer["passed"], answer["result"]["code"]) == (1, False, "migration_changed_nothing")
    failed = next(step for step in answer["steps"] if step["outcome"] == "failed")
    assert (failed["name"], failed["file"], failed["line"] > 0) == ("migrate", "bank.py", True)


def test_a_named_checkpoint_is_rehearsed_on(said: Said, home: Voting) -> None:
    heights = []
    for which in (home.checkpoint, str(int(home.checkpoint[:12])), "latest"):
        code, answer = said("rehearse-upgrade", home.sound, "--checkpoint", which, *home.at)
        assert code == 0
        heights.append(answer["subject"]["height"])
    assert heights == [int(home.checkpoint[:12])] * 3
    code, refused = said("rehearse-upgrade", home.idle, "--checkpoint", home.checkpoint, *home.at)
    assert (code, refused["error"]["code"]) == (2, "unknown_proposal"), "it was proposed later"


def test_exported_vectors_agree_on_every_machine_and_the_first_difference_is_found(
    said: Said, home: Voting, tmp_path: Path
) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for folder in (mine, theirs):
        code, answer = said("rehearse-upgrade", home.sound, "--export", str(folder), *home.at)
        assert code == 0
        assert json.loads((folder / "report.json").read_text())["result"] == answer["result"]
    code, answer = said("rehearsal", "diff", str(mine), str(theirs))
    assert (code, answer) == (0, {"agree": True, "difference": None})
    rows = (theirs / "bank.accounts.jsonl").read_text().splitlines()
    row = json.loads(rows[4])
    rows[4] = json.dumps({**row, "new": "80"})
    (theirs / "bank.accounts.jsonl").write_text("\n".join(rows) + "\n")
    code, answer = said("rehearsal", "diff", str(mine), str(theirs))
    assert code == 1
    assert answer["difference"] == {
        "table": "bank.accounts",
        "key": row["key"],
        "what": "new",
        "first": row["new"],
        "second": "80",
    }
    code, refused = said("rehearsal", "diff", str(mine), str(tmp_path))
    assert (code, refused["error"]["code"]) == (2, "vectors_unreadable")


def test_the_home_of_a_running_node_is_rehearsed_on_while_it_runs(said: Said, tmp_path: Path) -> None:
    root = tmp_path / "home"
    world = World.create(root, short_genesis(parameters={**SHORT, "voting_period": 10_000}))
    sound = upgrade.propose(world, example(world), "Sound").proposal
    height = world.height
    world.close()
    (root / "synod.toml").write_text(documentation())
    with started(root) as node:
        node.until_height(height + 5)
        code, answer = said("rehearse-upgrade", str(sound), "--home", str(root))
        assert (code, answer["subject"]["height"] > height) == (0, True)
        node.until_height(answer["subject"]["height"] + 1)


def test_status_and_proposal_say_in_a_line_what_is_attested(said: Said, tmp_path: Path) -> None:
    root = tmp_path / "home"
    world = World.create(root, short_genesis(parameters=GATED))
    approved(world, example(world))
    row = world.overlay().get(READINESS, (1,))
    assert row is not None
    world.forward(row.first)
    world.close()
    (root / "synod.toml").write_text(documentation())
    at = ("--home", str(root))
    with started(root, "--blocks", "demand") as node:
        url = node.serving()
        heights = f"of {row.first} and {row.second}, judged at {row.gate}"
        assert f"rehearsals    {heights}: none attested" in of_node(url).text
        assert said("transfer", "account-5", "1", "--from", "account-6", *at)[0] == 0  # and it looks what is due
        node.until("RehearsalAttested")
        assert f"rehearsals    {heights}: 100 % of power says passed" in of_node(url).text
        assert "growth        ready, 41 of 41 records" in of_node(url).text
        code, shown = said("propose", "show", "1", *at)
        assert (code, shown["rehearsals"]["results"][0]["validators"]) == (0, 4)
        assert f"{heights}: 100 % of power says passed" in proposal_text(shown, row.first)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("99",), "unknown_proposal"),
        (("{sound}", "--checkpoint", "nothing"), "usage"),
        (("{sound}", "--export", "{root}"), "usage"),
        (("none",), "usage"),
    ],
)
def test_what_cannot_be_rehearsed_is_wrong_usage(said: Said, home: Voting, words: tuple[str, ...], code: str) -> None:
    given = [word.format(sound=home.sound, root=home.root) for word in words]
    ended, refused = said("rehearse-upgrade", *given, *home.at)
    assert (ended, refused["error"]["code"]) == (2, code)


def test_a_folder_that_is_no_home_and_a_machine_without_memory_are_told_apart(
    said: Said, home: Voting, tmp_path: Path
) -> None:
    code, refused = said("rehearse-upgrade", "1", "--home", str(tmp_path))
    assert (code, refused["error"]["code"]) == (2, "home_missing")
    code, refused = said("rehearse-upgrade", home.sound, "--memory-mib", "64", *home.at)
    assert (code, refused["error"]["code"]) == (3, "over_memory")
