"""`synod backup` on a home whose shelf was reinstalled: list, verify, export, import, and the data back in one command.
# R3.1"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.progress import proposal_at
from node.rehearsal.world import World
from node.settings import documentation
from storage.backup_file import BackupContent
from storage.home import Home
from storage.module_backup import BackupWriter, path_of
from tests.node.processes import client, started
from tests.scenarios.reinstalls import BOOKS, beyond_window, propose_restore, reinstalled, shelved
from tests.scenarios.upgrades import vote
from tests.scripts.conftest import Said, near
from tests.short_periods import SHORT, short_genesis

PERIODS = {**SHORT, "voting_period": 100}
"""Time enough to vote by hand on a running node."""


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, bytes]]:
    """A home whose shelf was reinstalled, its window closed, and the digest of what it left."""
    home = tmp_path_factory.mktemp("left") / "home"
    world = World.create(home, short_genesis(parameters=PERIODS))
    shelved(world)
    digest = reinstalled(world)
    beyond_window(world)
    world.close()
    (home / "synod.toml").write_text(documentation())
    with started(home) as node:  # which writes its manifest
        node.serving()
    yield home, digest


@pytest.fixture
def home(left: tuple[Path, bytes], tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(left[0], tmp_path / "home"))


def test_what_a_home_holds_is_listed_and_verified(said: Said, left: tuple[Path, bytes], home: Path) -> None:
    name = left[1].hex()
    (one,) = said("backup", "list", "--home", str(home))[1]["backups"]
    assert (one["backup"], one["module"], one["rows"], one["held"], one["known"]) == (name, "shelf", BOOKS, True, True)
    code, found = said("backup", "verify", name[:8], "--home", str(home))
    assert (code, found["module"], [table["rows"] for table in found["tables"]]) == (0, "shelf", [BOOKS, 0])
    path_of(Home(home), left[1]).unlink()
    (one,) = said("backup", "list", "--home", str(home))[1]["backups"]
    assert (one["held"], one["rows"]) == (False, BOOKS)


def test_a_backup_goes_from_home_to_home_as_a_file(
    said: Said, left: tuple[Path, bytes], home: Path, tmp_path: Path
) -> None:
    file, name = tmp_path / "shelf.backup", left[1].hex()
    exporting = ("backup", "export", name[:8], "--to", str(file), "--home", str(home))
    assert said(*exporting)[0] == 0
    assert said(*exporting)[1]["error"]["code"] == "file_there"
    path_of(Home(home), left[1]).unlink()
    again = ("backup", "export", name[:8], "--to", str(tmp_path / "again"), "--home", str(home))
    assert said(*again)[1]["error"]["code"] == "backup_missing"
    code, found = said("backup", "import", str(file), "--home", str(home))
    assert (code, found["backup"]) == (0, name)
    assert path_of(Home(home), left[1]).read_bytes() == file.read_bytes()


def test_a_damaged_file_is_not_taken_and_a_name_that_means_nothing_is_told(
    said: Said, left: tuple[Path, bytes], home: Path, tmp_path: Path
) -> None:
    path, file = path_of(Home(home), left[1]), tmp_path / "shelf.backup"
    whole = bytearray(path.read_bytes())
    path.unlink()
    for at in range(0, len(whole), 97):
        file.write_bytes(bytes(whole[:at]) + bytes([whole[at] ^ 1]) + bytes(whole[at + 1 :]))
        code, found = said("backup", "import", str(file), "--home", str(home))
        assert (code, found["error"]["code"]) == (3, "backup_damaged"), at
    assert not path.exists()
    code, found = said("backup", "verify", "00ff", "--home", str(home))
    assert (code, found["error"]["code"]) == (1, "backup_unknown")


def test_what_else_lies_among_the_backups_and_a_folder_in_the_place_of_a_file_are_no_defect(
    said: Said, left: tuple[Path, bytes], home: Path, tmp_path: Path
) -> None:
    path, at = path_of(Home(home), left[1]), ("--home", str(home))
    shutil.copy(path, path.with_name("my-shelf.backup"))
    assert [one["backup"] for one in said("backup", "list", *at)[1]["backups"]] == [left[1].hex()]
    code, found = said("backup", "verify", "my", *at)
    assert (code, found["error"]["code"]) == (1, "backup_unknown")
    code, found = said("backup", "import", str(tmp_path), *at)
    assert (code, found["error"]["code"]) == (2, "usage")


def test_a_damaged_file_is_listed_as_such_and_nothing_is_proposed_with_it(
    said: Said, left: tuple[Path, bytes], home: Path
) -> None:
    path, at = path_of(Home(home), left[1]), ("--home", str(home))
    whole = path.read_bytes()
    stray = path.with_name(f"{'0' * 64}.backup")
    stray.write_bytes(b"")
    for damaged, state in ((whole[:10], "damaged"), (whole[:-1] + b"?", "here")):
        path.write_bytes(damaged)
        shown = said("backup", "list", *at)[1]["backups"]
        assert [one["state"].split(":")[0] for one in shown] == ["damaged", state]
        code, refused = said("backup", "restore", left[1].hex(), *at)
        assert (code, refused["error"]["code"]) == (3, "backup_damaged")


def test_a_whole_file_of_other_data_under_a_known_name_is_not_taken_for_it(
    said: Said, left: tuple[Path, bytes], home: Path, tmp_path: Path
) -> None:
    path, at = path_of(Home(home), left[1]), ("--home", str(home))
    writer = BackupWriter(Home.create(tmp_path / "other"), BackupContent(module="shelf"), lambda _: iter(()))
    while writer.step():
        continue
    shutil.copy(writer.target, path)
    for command in (("verify", left[1].hex()), ("export", left[1].hex(), "--to", str(tmp_path / "out"))):
        code, refused = said("backup", *command, *at)
        assert (code, refused["error"]["code"]) == (3, "backup_damaged"), command
    assert not (tmp_path / "out").exists()


def test_one_command_brings_the_data_back_on_a_running_node(
    said: Said, left: tuple[Path, bytes], home: Path, tmp_path: Path
) -> None:
    name, file = left[1].hex(), tmp_path / "shelf.backup"
    shutil.move(path_of(Home(home), left[1]), file)
    at = ("--home", str(home))
    with started(home, interval_ms=20) as node, client(node.serving()) as http:
        assert said("query", "shelf.books", *at)[1]["rows"] == []
        code, refused = said("backup", "restore", name[:8], *at)
        assert (code, refused["error"]["code"]) == (3, "backup_missing")
        code, answer = said("backup", "restore", name[:8], "--file", str(file), *at)
        assert (code, answer["proposal"]["standing"]["status"]) == (0, "executed")
        assert [one["code"] for one in answer["votes"]] == ["ok"] * 4
        rows = said("query", "shelf.books", *at)[1]["rows"]
        assert len(rows) == BOOKS and rows[2]["value"]["size"] == "9"
        history = said("query", "upgrade.history", *at)[1]["rows"]
        assert ("executed", name) in [(one["value"]["kind"], one["value"]["restored"]) for one in history]
        assert "synod_module_backups 1.0" in http.get("/metrics").text
        assert "synod_restore_data_held" not in http.get("/metrics").text, "none is pending"
        assert [one["backup"] for one in said("backup", "list", *at)[1]["backups"]] == [name]


def test_it_goes_on_with_what_was_proposed_before(said: Said, left: tuple[Path, bytes], home: Path) -> None:
    name, at = left[1].hex(), ("--home", str(home))

    def block() -> None:
        assert said("transfer", "account-5", "1", "--from", "account-6", *at)[0] == 0

    with near(home):
        number = said("propose", "restore-module", "shelf", name, "--from", "validator-1", *at)[1]["proposal"]["id"]
        for waited_for in ("delay", "voting"):
            while said("propose", "show", str(number), *at)[1]["standing"]["status"] != waited_for:
                block()
            code, late = said("backup", "restore", name, "--timeout", "0", *at)
            assert (code, late["error"]["code"]) == (3, "still_waiting")
        block()
        (found,) = said("propose", "list", "--status", "voting", *at)[1]
        assert (found["id"], found["standing"]["tally"]["voters"]) == (number, "4")


def test_a_node_without_the_data_stops_with_what_to_do_and_follows_after_an_import(
    said: Said, left: tuple[Path, bytes], home: Path, tmp_path: Path
) -> None:
    name, file, at = left[1].hex(), tmp_path / "shelf.backup", ("--home", str(home))
    world = World.open(home, short_genesis(parameters=PERIODS))
    shutil.move(path_of(Home(home), left[1]), file)
    proposal = propose_restore(world, left[1])
    vote(world, proposal, "yes")
    world.forward(proposal_at(world.overlay(), proposal)[1].closes)
    world.close()
    with started(home, "--blocks", "demand") as node, client(node.serving()) as http:
        assert http.get("/upgrade/plan").json()["pending"]["growth"]["phase"] == "waiting for data"
        assert "synod_restore_data_held 0.0" in http.get("/metrics").text
        while said("transfer", "account-5", "1", "--from", "account-6", *at)[0] == 0:
            continue  # a block each, until its height comes
        assert node.until("stopping")["code"] == "backup_missing"
        assert node.ended() == 3
        assert any("synod backup import" in line for line in node.said)
    assert said("backup", "import", str(file), *at)[0] == 0
    with started(home, interval_ms=20) as node:
        assert node.until("UpgradeExecuted")["backup"] == name
