"""`synod checkpoint`: made, listed, verified, pruned on a stopped home; made by its node while that runs."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from node.rehearsal import upgrade
from node.upkeep import Upkeep
from storage.home import Home
from tests.node.processes import new_world
from tests.scenarios.upgrades import approved, example, silent
from tests.scripts.conftest import Said


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that stopped at height 30, with checkpoints of 10, 20 and 30."""
    world = new_world(tmp_path_factory.mktemp("stopped") / "home")
    for height in (10, 20, 30):
        world.forward(height)
        world.application.checkpoint(f"at {height}")
    world.close()
    return world.home.root


@pytest.fixture
def home(stopped: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(stopped, tmp_path / "home"))


def test_checkpoints_are_listed_lowest_first_with_why_they_were_made(said: Said, home: Path) -> None:
    code, listed = said("checkpoint", "list", "--home", str(home))
    assert (code, listed["damaged"]) == (0, [])
    assert [(one["height"], one["reason"]) for one in listed["checkpoints"]] == [(h, f"at {h}") for h in (10, 20, 30)]


def test_one_is_taken_of_a_stopped_home_once_for_each_height(said: Said, home: Path) -> None:
    code, made = said("checkpoint", "create", "--reason", "again", "--home", str(home))
    assert (code, made["height"], made["reason"]) == (0, 30, "at 30")
    (tmp := home.with_name("fresh"))
    said("init", "--home", str(tmp), "--accounts", "8")
    code, made = said("checkpoint", "create", "--home", str(tmp))
    assert (code, made["height"], made["reason"]) == (0, 0, "by hand")
    assert made["app_root"] == said("status", "--home", str(tmp))[1]["app_root"]


@pytest.mark.parametrize("which", ["latest", "20", "000000000010"])
def test_a_whole_one_is_verified_by_any_of_its_names(said: Said, home: Path, which: str) -> None:
    name = next(one.name for one in (home / "checkpoints").iterdir() if one.name.startswith("000000000010"))
    code, answer = said("checkpoint", "verify", name if which.startswith("0") else which, "--home", str(home))
    assert (code, answer["verified"]) == (0, True)
    assert not list(home.glob("verifying-*"))


def test_a_damaged_one_is_told_and_an_unknown_one_lists_those_there(said: Said, home: Path) -> None:
    folder = next((home / "checkpoints").glob("000000000020-*"))
    for log in (folder / "database").glob("*.log"):
        log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    code, refused = said("checkpoint", "verify", "20", "--home", str(home))
    assert (code, refused["error"]["code"]) == (3, "checkpoint_damaged")
    (folder / "checkpoint.json").unlink()
    listed = said("checkpoint", "list", "--home", str(home))[1]
    assert [one["code"] for one in listed["damaged"]] == ["checkpoint_damaged"]
    code, refused = said("checkpoint", "verify", "nothing", "--home", str(home))
    assert (code, refused["error"]["code"]) == (1, "checkpoint_unknown")
    assert "000000000010-" in refused["error"]["message"]


def test_pruning_says_first_and_then_does_what_it_said(said: Said, home: Path) -> None:
    words = ("checkpoint", "prune", "--home", str(home), "--keep", "1")
    code, plan = said(*words, "--dry-run")
    assert (code, [one["keep"] for one in plan["checkpoints"]]) == (0, [False, False, True])
    assert len(said("checkpoint", "list", "--home", str(home))[1]["checkpoints"]) == 3
    assert ageless(said(*words)[1]) == ageless(plan)
    assert [one["height"] for one in said("checkpoint", "list", "--home", str(home))[1]["checkpoints"]] == [30]
    assert said("checkpoint", "prune", "--home", str(home))[1]["checkpoints"][0]["keep"] is True


def ageless(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The checkpoints of an answer without their ages, which grow while a test runs, and what needs them."""
    left_out = ("age_seconds", "needed", "kept")
    return [{name: value for name, value in one.items() if name not in left_out} for one in answer["checkpoints"]]


def test_a_running_node_takes_one_itself_and_it_is_told_as_any_other(said: Said, live: Path) -> None:
    code, made = said("checkpoint", "create", "--reason", "while it runs", "--home", str(live))
    assert (code, made["reason"]) == (0, "while it runs")
    assert made["app_root"] == said("status", "--home", str(live))[1]["app_root"]
    listed = said("checkpoint", "list", "--home", str(live))[1]
    assert ageless({"checkpoints": [made]})[0] in ageless(listed)
    assert said("checkpoint", "verify", made["name"], "--home", str(live))[0] == 0


def test_what_a_node_runs_on_is_not_pruned(said: Said, live: Path) -> None:
    code, refused = said("checkpoint", "prune", "--home", str(live))
    assert (code, refused["error"]["code"]) == (3, "store_locked")


def test_a_home_that_a_command_works_on_is_left_alone(said: Said, home: Path) -> None:
    with Home(home).lock():
        code, refused = said("checkpoint", "create", "--home", str(home))
    assert (code, refused["error"]["code"]) == (3, "store_locked")


def test_a_node_whose_token_cannot_be_read_is_not_asked(said: Said, live: Path) -> None:
    token, aside = live / "operator-token", live / "operator-token.aside"
    token.rename(aside)
    try:
        code, refused = said("checkpoint", "create", "--home", str(live))
        assert (code, refused["error"]["code"]) == (1, "operator_token_unreadable")
        token.write_text("another\n")
        code, refused = said("checkpoint", "create", "--home", str(live))
        assert (code, refused["error"]["code"]) == (1, "unauthorized")
    finally:
        aside.replace(token)


@pytest.mark.parametrize("reason", ["two\nlines", "x" * 1001, "\udcff"])
def test_a_reason_is_one_short_line(said: Said, home: Path, reason: str) -> None:
    assert said("checkpoint", "create", "--reason", reason, "--home", str(home))[0] == 2


def test_a_folder_that_is_no_home_is_wrong_usage(said: Said, tmp_path: Path) -> None:
    code, refused = said("checkpoint", "list", "--home", str(tmp_path))
    assert (code, refused["error"]["code"]) == (2, "home_missing")


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose upgrade may still be rolled back."""
    world = new_world(tmp_path_factory.mktemp("upgraded") / "home")
    made = upgrade.activate(world, approved(world, example(world)), silent)
    assert made is not None
    Upkeep(world.home, world.application, world.solo).after(made)
    world.application.checkpoint("by hand")
    world.close()
    return world.home.root


def test_what_an_upgrade_still_needs_is_listed_verified_and_missed_when_it_is_gone(
    said: Said, upgraded: Path
) -> None:
    at = ("--home", str(upgraded))
    base, later = said("checkpoint", "list", *at)[1]["checkpoints"]
    assert (base["needed"], later["needed"]) == ("the open rollback window leads back to it", "")
    assert (base["kept"], later["kept"]) == (base["needed"], "one of the newest 10")
    code, verified = said("checkpoint", "verify", "needed", *at)
    assert (code, [one["name"] for one in verified["checkpoints"]]) == (0, [base["name"]])
    table = next((upgraded / "checkpoints" / base["name"] / "database").glob("*.ldb"))
    table.unlink()
    code, refused = said("checkpoint", "verify", "needed", *at)
    assert (code, refused["error"]["code"], refused["error"]["height"]) == (3, "checkpoint_lost", base["height"])
    (lost,) = said("checkpoint", "list", *at)[1]["lost"]
    assert lost["code"] == "checkpoint_lost" and "synod checkpoint create" in lost["message"]
    code, kept = said("checkpoint", "prune", "--keep", "0", *at)
    assert (code, [one["keep"] for one in kept["checkpoints"]]) == (0, [True, False])


def test_a_home_without_an_upgrade_needs_none(said: Said, home: Path) -> None:
    assert said("checkpoint", "verify", "needed", "--home", str(home)) == (0, {"checkpoints": []})
