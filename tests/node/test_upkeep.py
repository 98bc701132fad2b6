"""What a node keeps and what it lets go of between blocks."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from governance.tables import HISTORY as STEPS
from governance.tables import READINESS, STANDINGS
from node.attester import REHEARSAL
from node.backups import lost, needs_told
from node.incident import shelf
from node.keys_of_home import keys_of_seed
from node.pauses import pauses_told
from node.rehearsal import upgrade
from node.rehearsal.world import World
from node.settings import parse_settings
from node.solo import Solo
from node.upkeep import Upkeep, checkpoints_to_keep
from runtime.transaction import transaction_id
from runtime.upgrade_manifest import upgrade_manifest
from storage import retention
from storage.checkpoint import list_checkpoints
from storage.home import Home
from storage.signing import LastSigned
from tests.node.processes import client, new_world, started
from tests.scenarios.upgrades import approved, example, silent
from tests.short_periods import GATED, SHORT, short_genesis


def test_old_checkpoints_go_but_never_the_one_an_open_window_leads_back_to(tmp_path: Path) -> None:
    genesis = short_genesis().model_copy(update={"parameters": {**SHORT, "max_snapshots": 2}})
    world = World.create(tmp_path / "chain", genesis)
    upkeep = Upkeep(world.home, world.application, world.solo)
    for _ in range(4):
        world.block()
        world.application.checkpoint("by hand")
    voted = approved(world, example(world))
    made = upgrade.activate(world, voted, silent)
    base = voted.record.activation - 1
    upkeep.after(made)
    assert [one.height for one in list_checkpoints(world.home)] == [4, base]
    pause = pauses_told(world.home)[base + 1]
    assert pause.execution_microseconds == made.execution_ns // 1000 and pause.microseconds > 0
    Upkeep(world.home, world.application, world.solo).write_manifest()  # as after a restart
    assert pauses_told(world.home) == {base + 1: pause}
    for _ in range(3):
        world.block()
        world.application.checkpoint("by hand")
    upkeep.after(made)
    kept = [one.height for one in list_checkpoints(world.home)]
    assert kept == [base, base + 3, base + 4]
    manifest = json.loads((tmp_path / "chain" / "migration_manifest.json").read_text())
    assert manifest["rollback"]["checkpoint"] == list_checkpoints(world.home)[0].name
    why = "the open rollback window leads back to it"
    need = {"height": base, "why": why, "vital": True, "checkpoint": manifest["rollback"]["checkpoint"]}
    assert (manifest["needs"], lost(world.home, needs_told(world.home))) == ([need], ())
    retention.remove(world.home, list_checkpoints(world.home)[0])
    (gone,) = lost(world.home, needs_told(world.home))
    assert (gone.code, gone.height, gone.why) == ("checkpoint_lost", base, why)
    world.close()


def test_the_checkpoint_that_a_plan_is_rehearsed_on_stays_until_its_gate(tmp_path: Path) -> None:
    parameters = {**GATED, "timelock_delay": 40, "max_snapshots": 1}
    world = World.create(tmp_path / "chain", short_genesis(parameters=parameters))
    approved(world, example(world))
    row = world.overlay().get(READINESS, (1,))
    assert row is not None
    world.forward(row.first)
    state = world.application.state
    world.application.checkpoint(REHEARSAL)
    alone = Solo(
        world.application,
        keys_of_seed(world.genesis.seed, world.operators()).consensus,
        LastSigned.open(world.home.last_signed_file),
    )
    alone.fast_forward(row.first + 2)
    world.application.checkpoint("by hand")
    verdicts = retention.prune(world.home, *checkpoints_to_keep(state))
    assert [(one.checkpoint.height, one.keep) for one in verdicts] == [(row.first, True), (row.first + 2, True)]
    assert verdicts[0].why == "plan 1 is rehearsed on it"
    alone.fast_forward(row.gate)
    assert row.first not in checkpoints_to_keep(state)[1]
    world.close()


@pytest.mark.parametrize(("keep", "first"), [(0, 1), (1, 512 - 400), (450, 512 - 450)])
def test_blocks_go_only_as_the_operator_says_and_never_from_the_rollback_window(
    tmp_path: Path, keep: int, first: int
) -> None:
    world = World.create(tmp_path / "chain", short_genesis())
    settings = parse_settings(f"[node]\nkeep_blocks = {keep}\n", {})
    upkeep = Upkeep(world.home, world.application, world.solo, settings)
    world.traffic(2)
    sent = world.must().prepared.block.transactions
    world.forward(511)
    upkeep.after(world.block())
    world.block()
    log = world.application.state.log()
    assert log.first() == first
    found = log.locate(transaction_id(sent[0]))
    assert (found is None) is bool(keep)
    world.close()


def test_the_generation_that_a_closed_window_held_is_deleted_in_slices(tmp_path: Path) -> None:
    world = World.create(tmp_path / "chain", short_genesis())
    voted = approved(world, example(world))
    upgrade.activate(world, voted, silent)
    upkeep = Upkeep(world.home, world.application, world.solo)
    world.forward(voted.record.activation + SHORT["rollback_window"])
    assert world.coordinator().window() is not None
    upkeep.after(world.block())
    assert world.coordinator().window() is None
    assert world.application.state.collect(1_000) == 0
    manifest = json.loads((tmp_path / "chain" / "migration_manifest.json").read_text())
    assert (manifest["rollback"], manifest["needs"]) == (None, [])
    told = manifest["upgrades"][0]
    assert (told["outcome"], told["verified"], told["closed"]) == ("executed", True, True)
    assert [one["kind"] for one in told["events"]] == ["executed", "verified", "closed"]
    steps = [row.reason for _, row in world.overlay().scan(STEPS, (voted.proposal,))]
    assert steps[-3:] == ["executed", "verified", "closed"]
    standing = world.overlay().get(STANDINGS, (voted.proposal,))
    assert standing is not None and 0 < standing.ended < standing.verified < standing.closed  # R2.11
    world.close()


def test_the_manifest_names_what_is_pending_and_says_the_same_from_any_reading(tmp_path: Path) -> None:
    world = World.create(tmp_path / "chain", short_genesis())
    voted = approved(world, example(world))
    state = world.application.state
    told = [upgrade_manifest(one, 7, bytes(32), {}, (), "r", 1) for one in (state.view(), state.overlay())]
    assert told[0] == told[1]
    assert told[0]["upgrades"] == []
    (pending,) = told[0]["pending"]
    assert (pending["proposal"], pending["version"], pending["state"]) == (voted.proposal, "2.0.0", "scheduled")
    world.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"needs the right to mount a small tmpfs: {error}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.faults
def test_a_full_disk_stops_the_node_with_one_line_and_it_goes_on_once_there_is_room(disk: Path) -> None:
    home = disk / "home"
    new_world(home).close()
    with started(home, interval_ms=1) as node:
        node.until_height(2)
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass
        stopped = node.until("stopping")
        assert stopped["code"] == "disk_full"
        assert node.ended() == 3
        assert len(node.said) == 1
    (report,) = shelf.ids(Home(home))
    assert shelf.open_incident(Home(home), report).incident.code == "disk_full"
    filler.unlink()
    with started(home) as node, client(node.serving()) as http:
        assert http.get("/status").json()["height"] >= stopped["height"]
        node.until_height(stopped["height"] + 2)
