"""A module reinstalled by vote, and its data brought back by vote: the file, the gate, a node without it.  # R3.1"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.lifecycle import Status
from governance.progress import proposal_at
from node.rehearsal.world import World
from runtime.errors import HostRefused
from runtime.module_backups import BACKUPS
from runtime.plans import HISTORY, ROLLED_BACK
from storage.backup_file import verify_backup
from storage.errors import BackupMissing
from storage.module_backup import adopt, path_of
from tests.scenarios.reinstalls import (
    BOOKS,
    beyond_window,
    books,
    propose_restore,
    reinstalled,
    restored,
    shelved,
)
from tests.scenarios.upgrades import carry, rolled_back, vote
from tests.short_periods import GATED, short_genesis


def test_a_governed_reinstall_leaves_a_file_and_its_data_comes_back_by_a_rehearsed_vote(tmp_path: Path) -> None:
    world = World.create(tmp_path / "home", short_genesis(parameters=GATED))
    shelved(world)
    before, root = books(world), world.application.state.table_root("shelf.books")
    assert len(before) == BOOKS
    digest = reinstalled(world)
    assert books(world) == {}
    beyond_window(world)
    found = verify_backup(path_of(world.home, digest))
    assert dict(found.rows("shelf.books")) == before
    world.call(world.accounts()[1], "shelf.put", slot=77, size=1)
    world.must()
    proposal = restored(world, digest)
    assert proposal_at(world.overlay(), proposal)[1].status == Status.EXECUTED
    assert books(world) == before
    assert world.application.state.table_root("shelf.books") == root
    told = [fields for event, fields in world.told.events if event == "rehearsal_ended"]
    assert {one["code"] for one in told} == {"passed"}
    steps = [fields for event, fields in world.told.events if event == "rehearsal_step" and fields["step"] == "migrate"]
    left = [one for one in steps if "coins_left_in_shelf.pots" in one]
    assert {one["rows_left_in_shelf.books"] for one in left} == {BOOKS}
    world.close()


def test_a_rolled_back_restore_gives_the_rows_of_before_and_can_be_voted_again(tmp_path: Path) -> None:
    world = World.create(tmp_path / "home", short_genesis())
    shelved(world)
    whole = books(world)
    digest = reinstalled(world)
    beyond_window(world)
    world.call(world.accounts()[1], "shelf.put", slot=77, size=1)
    world.must()
    before = books(world)
    restored(world, digest)
    assert books(world) == whole
    rolled_back(world)
    assert books(world) == before
    entry = [row for _, row in world.overlay().scan(HISTORY)][-1]
    assert (entry.kind, entry.restored) == (ROLLED_BACK, digest)
    restored(world, digest)
    assert books(world) == whole
    world.close()


def test_a_reinstall_that_is_rolled_back_leaves_no_backup_to_bring_back(tmp_path: Path) -> None:
    world = World.create(tmp_path / "home", short_genesis())
    shelved(world)
    before = books(world)
    digest = reinstalled(world)
    rolled_back(world)
    assert books(world) == before
    assert world.overlay().get(BACKUPS, (digest,)) is None
    with pytest.raises(HostRefused) as refused:
        propose_restore(world, digest)
    assert refused.value.code == "unknown_backup"
    world.close()


@pytest.mark.parametrize(
    ("digest", "module", "code"),
    [(bytes(32), "shelf", "unknown_backup"), (b"", "faucet", "other_module"), (b"", "cellar", "unknown_target")],
)
def test_what_cannot_come_back_is_refused_at_submission(
    shelf_left: tuple[World, bytes], digest: bytes, module: str, code: str
) -> None:
    world, left = shelf_left
    with pytest.raises(HostRefused) as refused:
        propose_restore(world, digest or left, module)
    assert refused.value.code == code


def test_it_takes_the_breaking_track(shelf_left: tuple[World, bytes]) -> None:
    world, left = shelf_left
    proposal = propose_restore(world, left)
    assert proposal_at(world.overlay(), proposal)[0].track.name == "breaking"


@pytest.fixture(scope="module")
def shelf_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, bytes]]:
    """A world whose shelf was reinstalled, and what it left."""
    world = World.create(tmp_path_factory.mktemp("left") / "home", short_genesis())
    shelved(world)
    yield world, reinstalled(world)
    world.close()


def test_a_node_without_the_data_stops_at_its_height_and_follows_once_it_has_it(tmp_path: Path) -> None:
    world = World.create(tmp_path / "home", short_genesis())
    shelved(world)
    before = books(world)
    digest = reinstalled(world)
    beyond_window(world)
    shutil.move(path_of(world.home, digest), tmp_path / "away")
    proposal = propose_restore(world, digest)
    vote(world, proposal, "yes")
    world.forward(proposal_at(world.overlay(), proposal)[1].closes)
    activation = proposal_at(world.overlay(), proposal)[1].effective
    world.forward(activation - 1)
    assert world.application.growth is not None and world.application.growth.phase == "waiting for data"
    for _ in range(2):
        with pytest.raises(BackupMissing):
            world.block()
        world.close()
        world = World.open(tmp_path / "home", world.genesis)
        assert world.height == activation - 1
    adopt(world.home, tmp_path / "away")
    world.block()
    assert books(world) == before
    world.close()


def test_validators_without_the_data_say_nothing_and_the_gate_puts_the_return_off(tmp_path: Path) -> None:
    world = World.create(tmp_path / "home", short_genesis(parameters=GATED))
    shelved(world)
    before = books(world)
    digest = reinstalled(world)
    beyond_window(world)
    shutil.move(path_of(world.home, digest), tmp_path / "away")
    proposal = propose_restore(world, digest)
    vote(world, proposal, "yes")
    while not [row for _, row in world.overlay().scan(HISTORY) if row.kind == "postponed"]:
        world.forward(world.height + 1)
    impossible = [fields for event, fields in world.told.events if event == "rehearsal_impossible"]
    assert {one["code"] for one in impossible} == {"backup_missing"}
    adopt(world.home, tmp_path / "away")
    carry(world, proposal, Status.EXECUTED, Status.FAILED, Status.EXPIRED)
    assert books(world) == before
    world.close()
