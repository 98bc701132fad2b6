"""`synod incident`: what went wrong is sealed at the time, shown with what to do, and believed only while unaltered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from node.incident import shelf
from node.incident.gathering import of_stop
from node.rehearsal import upgrade
from node.rehearsal.demonstrations import mints_later
from node.rehearsal.rollback import live_until_it_breaks
from node.running import RunningNode
from node.settings import load_settings
from node.solo import MadeBlock
from node.upkeep import Upkeep
from runtime.address import address_text
from scripts.cli import synod
from scripts.command import outcome
from storage.errors import HeadDamaged
from storage.home import Home
from storage.signing import LastSigned
from tests.node.processes import new_world
from tests.scenarios.upgrades import activated, approved, edited, example, rolled_back, running, silent
from tests.scripts.conftest import Said

FAILED, BACK = "upgrade_failed", "rolled_back"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home where one upgrade failed at its height, and the next was rolled back by itself."""
    root = tmp_path_factory.mktemp("lived") / "home"
    world = new_world(root)
    settings = load_settings(world.home.settings_file, {})
    upkeep = Upkeep(world.home, world.application, world.solo, settings)
    broken = edited(example(world), bank=("new.balance == old.balance", "new.balance == old.balance + 1"))
    made = upgrade.activate(world, approved(world, broken), silent)
    assert isinstance(made, MadeBlock)
    upkeep.after(made)
    voted = activated(world, mints_later(running(world)))
    live_until_it_breaks(world, voted.record.activation)
    upkeep.begin()  # as after a crash between the block and its upkeep
    upkeep.begin()
    world.close()
    return root


@pytest.fixture
def home(lived: Path, tmp_path: Path) -> Path:
    """A copy of it to do as one likes with."""
    return Path(shutil.copytree(lived, tmp_path / "home"))


def of_kind(home: Path, kind: str) -> str:
    (name,) = (one for one in shelf.ids(Home(home)) if one.endswith(kind))
    return name


def test_a_failed_upgrade_is_told_with_the_bundle_s_line_and_nothing_to_roll_back(said: Said, home: Path) -> None:
    code, shown = said("incident", "show", of_kind(home, FAILED), "--home", str(home))
    assert (code, shown["kind"], shown["assessment"]["advice"]) == (0, FAILED, "go_on")
    (fault,) = shown["faults"]
    assert (fault["code"], fault["file"]) == (shown["upgrade"]["reason"], "bank.py")
    assert fault["source"][2].startswith(f"{fault['line']:>5}  def nothing_lost(")
    assert "row" in fault["detail"]
    assert shown["upgrade"]["version_from"] == shown["versions"]["runtime"] == "1.0.0"
    assert shown["rules"] == {"in_force": shown["rules"]["in_force"], "broken": [], "counted": True}
    assert "host.supply" in shown["rules"]["in_force"]
    assert shown["checkpoint"]["height"] == shown["upgrade"]["activation"] - 1
    assert [one["kind"] for one in shown["files"]["history.json"]] == ["failed"]
    assert "UpgradeFailed" in {one["kind"] for one in shown["files"]["block.json"]["events"]}
    assert shown["files"]["settings.json"]["node"]["http_port"] == 8650


def test_a_rollback_is_told_with_both_roots_and_what_its_replay_came_to(said: Said, home: Path) -> None:
    shown = said("incident", "show", of_kind(home, BACK), "--home", str(home))[1]
    change = shown["upgrade"]
    assert (change["version_from"], change["version_to"], change["decided_by"]) == ("1.0.0", "1.1.0", 0)
    assert (change["returned"], change["not_replayed"], shown["assessment"]["advice"]) == (shown["height"], 0, "go_on")
    assert change["runtime_before"] != change["runtime_after"]
    assert change["replayed"] > 0
    assert [one["code"] for one in shown["faults"]] == ["invariant_broken"]
    assert shown["files"]["block.json"]["height"] == shown["height"] - 1
    assert shown["files"]["manifest.json"]["upgrades"][-1]["outcome"] == "rolled_back"


def test_each_is_listed_once_and_remembers_who_looked(said: Said, home: Path) -> None:
    found = said("incident", "list", "--home", str(home))[1]["incidents"]
    assert [(one["kind"], one["state"], one["seen"]) for one in found] == [
        (FAILED, "sealed", False), (BACK, "sealed", False)
    ]  # fmt: skip
    said("incident", "show", "--note", "told the authors", "--home", str(home))
    shown = said("incident", "show", "latest", "--home", str(home))[1]
    assert (shown["kind"], [one["text"] for one in shown["notes"]]) == (BACK, ["told the authors"])
    assert [one["seen"] for one in said("incident", "list", "--home", str(home))[1]["incidents"]] == [False, True]


def test_people_read_what_to_do(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(synod, ["incident", "show", of_kind(home, FAILED), "--home", str(home)], "synod") == 0
    said = capsys.readouterr().out
    assert "go on: mend the bundle at bank.py:" in said
    assert "1.0.0 to 2.0.0, proposal 1" in said


@pytest.mark.parametrize("way", ["changed", "added", "removed", "no seal"])
def test_an_altered_incident_is_not_believed(said: Said, home: Path, way: str) -> None:
    name = of_kind(home, FAILED)
    folder = home / "incidents" / name
    if way == "changed":
        told = (folder / "incident.json").read_text()
        (folder / "incident.json").write_text(told.replace("record_not_valid", "nothing_at_all"))
    elif way == "added":
        (folder / "more.txt").write_text("all was well")
    else:
        (folder / ("log.jsonl" if way == "removed" else "seal.json")).unlink()
    code, refused = said("incident", "show", name, "--home", str(home))
    assert (code, refused["error"]["code"]) == (1, "seal_broken")
    code, listed = said("incident", "list", "--home", str(home))
    assert (code, [one["state"] for one in listed["incidents"]]) == (1, ["seal_broken", "sealed"])


def test_an_incident_that_is_not_there_is_answered_with_those_that_are(said: Said, home: Path, tmp_path: Path) -> None:
    code, refused = said("incident", "show", "../home", "--home", str(home))
    assert (code, refused["error"]["code"]) == (1, "incident_unknown")
    assert of_kind(home, BACK) in refused["error"]["message"]
    Home.create(tmp_path / "new")
    assert said("incident", "list", "--home", str(tmp_path / "new")) == (0, {"incidents": []})
    assert said("incident", "show", "--home", str(tmp_path / "new"))[1]["error"]["code"] == "incident_unknown"


def test_a_rollback_names_the_transactions_that_could_not_be_run_again(  # N4
    said: Said, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = new_world(tmp_path / "home")
    upkeep = Upkeep(world.home, world.application, world.solo)
    assert activated(world, example(world)).record.outcome == "executed"
    author, payer = world.accounts()[:2]
    world.call(payer, "bank.send", to=author, coins=1)
    world.must()
    world.call(payer, "bank.send", to=author, coins=1)
    world.call(author, "guestbook.sign", line="soon gone")
    signed = world.must()
    rolled_back(world)
    upkeep.begin()
    world.close()
    at = ("--home", str(tmp_path / "home"))
    shown = said("incident", "show", *at)[1]
    height, (lost,) = signed.prepared.block.header.height, shown["files"]["not_replayed.json"]["listed"]
    assert shown["upgrade"]["not_replayed"] == shown["files"]["not_replayed.json"]["total"] == 1
    assert (lost["height"], lost["call"], lost["sender"]) == (height, "guestbook.sign", address_text(author))
    assert said("transaction", lost["transaction"], *at)[0] == 3, "its node does not run"
    assert outcome(synod, ["incident", "show", *at], "synod") == 0
    told = capsys.readouterr().out
    assert "not run again, 1 of 1 (--json shows more):" in told
    assert f"guestbook.sign  {address_text(author)}  {lost['transaction']}" in told


def test_room_is_made_by_the_oldest_that_was_seen_else_by_the_oldest_and_that_is_said(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    stop = of_stop(home, "disk_full", "no space left")
    names = [f"{height:012}-disk_full" for height in range(shelf.MOST + 2)]
    for name in names[: shelf.MOST]:
        shelf.write(home, stop.model_copy(update={"id": name}), {})
    shelf.note(home, names[3])
    assert shelf.write(home, stop.model_copy(update={"id": names[-2]}), {}).removed == (f"{names[3]} (seen)",)
    assert shelf.write(home, stop.model_copy(update={"id": names[-1]}), {}).removed == (f"{names[0]} (unseen)",)
    assert shelf.ids(home) == tuple(one for one in names if one not in (names[0], names[3]))
    assert shelf.open_incident(home, names[-1]).incident.removed == (f"{names[0]} (unseen)",)
    assert {one.name for one in home.incidents.iterdir()} == set(shelf.ids(home))


def test_a_node_that_a_damaged_file_stops_leaves_one_report_that_names_the_way_back(
    said: Said, home: Path
) -> None:
    height = LastSigned.open(Home(home).last_signed_file).last.height
    (home / "head").write_bytes(b"\0" * (home / "head").stat().st_size)
    newest = max(one.name for one in (home / "checkpoints").iterdir())
    settings = load_settings(Home(home).settings_file, {})
    for _ in range(2):
        with pytest.raises(HeadDamaged):
            RunningNode(Home(home), settings).run()
    (name,) = (one for one in shelf.ids(Home(home)) if one.endswith("head_damaged"))
    assert json.loads((home / "incidents" / name / "settings.json").read_text())["node"]["http_host"] == "127.0.0.1"
    shown = said("incident", "show", name, "--home", str(home))[1]
    assert (shown["code"], shown["upgrade"], shown["roots"]) == ("head_damaged", None, None)
    assert shown["height"] == height == int(name.partition("-")[0]), "by what was signed last"
    assert shown["assessment"] == {
        "data": "this machine's files are not what was committed",
        "advice": "restore",
        "steps": f"synod restore {newest}",
    }
    assert said("restore", newest, "--home", str(home))[0] == 0
    assert sum(not one["seen"] for one in said("status", "--home", str(home))[1]["incidents"]) == 2


def test_no_key_is_in_a_report(home: Path) -> None:
    told = b"".join(file.read_bytes() for file in (home / "incidents").rglob("*") if file.is_file())
    for file in (home / "keys").rglob("*.json"):
        assert file.read_bytes() not in told
    assert b"private" not in told and b'"seed"' not in told
