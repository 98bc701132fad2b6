"""A node rehearses the pending plan at its heights and attests it, whatever stops it in between.  # N1"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from governance.attestations import Readiness
from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.tables import ATTESTATIONS, READINESS
from governance.verdict import Verdict
from node.attesting import due_now
from node.core import Core
from node.keys_of_home import keys_of_seed
from node.metrics import Metrics
from node.rehearsal import upgrade
from node.rehearsal.demonstrations import breaks_supply
from node.rehearsal.rollback import invariant_checks
from node.rehearsal.world import World
from node.settings import documentation, load_settings
from node.solo import Solo
from node.trial.process import ROOMS
from node.verification import Verifier
from runtime.host_calls import KEY_CALLS, RotateKey, rotation_message
from runtime.plans import EXECUTED
from runtime.receipts import OK
from runtime.sealing import RECEIPTS
from runtime.transaction import decode_transaction
from storage.checkpoint import list_checkpoints
from storage.home import Home
from storage.signing import LastSigned
from tests.node.processes import SECONDS, NodeProcess, client, started
from tests.scenarios.upgrades import approved, example, running, silent
from tests.short_periods import GATED, short_genesis
from tests.trials.processes import trials_of

SPAN = 400
"""Blocks of timelock that leave a running node time to rehearse between the heights."""
PLAN = 1


def gated_world(root: Path, **parameters: int) -> World:
    """A chain whose upgrades wait for their rehearsals."""
    return World.create(root, short_genesis(parameters={**GATED, **parameters}))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = gated_world(tmp_path / "chain")
    yield made
    made.close()


def readiness(world: World) -> Readiness:
    row = world.overlay().get(READINESS, (PLAN,))
    assert row is not None
    return row


def words(world: World, round_: int = 0) -> dict[bytes, tuple[int, str]]:
    """Height and code of every validator's word in a round."""
    return {key[2]: (row.height, row.code) for key, row in world.overlay().scan(ATTESTATIONS, (PLAN, round_))}


def attestations_made(world: World) -> list[tuple[bytes, int, str]]:
    """Sender, rehearsed height and receipt of every attestation in any block."""
    log, found = world.application.state.log(), []
    codec = world.application.chain.host[("governance", "attest")].codec
    for height in range(1, world.height + 1):
        for raw, receipt in zip(block_transactions(world, height), log.receipts(height), strict=False):
            body = decode_transaction(raw, len(raw)).body
            if body.call.name == "attest":
                args = codec.decode_canonical(body.call.args)
                found.append((body.sender, args.result.height, RECEIPTS.decode(receipt).code))
    return found


def block_transactions(world: World, height: int) -> tuple[bytes, ...]:
    return world.application.chain.logged(height).block.transactions


def each_said_once(world: World, *heights: int, perhaps: int = 0) -> None:
    """Every validator has attested each of these heights exactly once, and nothing was refused. ``perhaps`` is a
    height whose trial the next one may have overtaken."""
    made = attestations_made(world)
    assert {code for _, _, code in made} == {OK}
    said = Counter((sender, height) for sender, height, _ in made if height != perhaps)
    assert said == Counter((operator, height) for operator in world.operators() for height in heights)
    early = Counter(sender for sender, height, _ in made if height == perhaps)
    assert set(early.values()) <= {1}


def test_an_upgrade_passes_its_gate_by_itself_in_a_fast_forward(world: World) -> None:
    voted = approved(world, example(world))
    upgrade.activate(world, voted, silent)
    row = readiness(world)
    assert (voted.record.outcome, row.verdict) == ("executed", Verdict.CLEARED)
    each_said_once(world, row.first, row.second)
    assert set(words(world).values()) == {(row.second, "")}
    assert [one.height for one in list_checkpoints(world.home)] == [voted.record.activation - 1]
    assert list(world.home.root.glob(f"{ROOMS}*")) == []
    assert all(check.holds for check in invariant_checks(world))


def test_a_broken_upgrade_ends_at_its_gate_with_the_code_its_rehearsals_found(world: World) -> None:
    upgrade.activate(world, approved(world, example(world)), silent)
    base = world.application.chain.loaded.code_hash
    voted = approved(world, breaks_supply(running(world)))
    assert upgrade.activate(world, voted, silent) is None
    record = voted.record
    assert (record.outcome, record.reason) == ("failed", "invariant_broken")
    assert record.attested is not None
    assert record.ended == record.attested.gate < record.activation
    assert record.attested.trials[0].failed == "activate: host.supply"
    world.forward(record.activation + 2)
    assert proposal_at(world.overlay(), voted.proposal)[1].status == Status.FAILED
    assert world.application.chain.loaded.code_hash == base
    assert all(check.holds for check in invariant_checks(world))


def test_blocks_made_one_by_one_wait_before_the_last_that_can_hold_attestations(world: World) -> None:
    voted = approved(world, example(world))
    while world.coordinator().pending() is not None:
        world.solo.make_block()
    row = readiness(world)
    assert row.verdict == Verdict.CLEARED
    assert Counter(sender for sender, _, _ in attestations_made(world)).keys() == set(world.operators())
    assert upgrade.ending(world, voted.proposal)[1].kind == EXECUTED


def test_without_anybody_who_rehearses_the_plan_is_put_off(tmp_path: Path) -> None:
    world = gated_world(tmp_path / "chain")
    alone = Solo(
        world.application,
        keys_of_seed(world.genesis.seed, world.operators()).consensus,
        LastSigned.open(world.home.last_signed_file),
    )
    approved(world, example(world))
    before = world.coordinator().plan(PLAN).activation
    alone.fast_forward(before)
    assert world.coordinator().plan(PLAN).activation == before + GATED["postponement"]
    assert world.overlay().get(READINESS, (PLAN,)) is not None
    world.forward(before + GATED["postponement"])
    assert readiness(world).postponed == 1
    assert words(world, 0) == {}
    assert set(words(world, 1)) == set(world.operators())
    assert upgrade.ending(world, 1)[1].kind == EXECUTED
    world.close()


def test_after_a_restart_only_those_speak_who_have_not(tmp_path: Path) -> None:
    world = gated_world(tmp_path / "chain", timelock_delay=40)
    approved(world, example(world))
    row = readiness(world)
    world.forward(row.first)
    world.solo.follow()
    while not (waiting := world.application.mempool.take(1 << 20)):
        world.solo.wait()
    first_two = waiting[:2]
    world.solo.make_block(tuple(one.raw for one in first_two))
    world.close()  # what waited for the next block is lost
    world = World.open(tmp_path / "chain", world.genesis)
    due = due_now(world.overlay(), world.height, world.operators())
    assert due is not None
    assert (due.height, len(due.silent)) == (row.first, 2)
    assert not {one.body.sender for one in first_two} & set(due.silent)
    assert [one.height for one in list_checkpoints(world.home)] == [row.first]
    world.forward(row.second - 1)
    each_said_once(world, row.first)
    assert [one.height for one in list_checkpoints(world.home)] == []
    world.close()


def test_a_validator_whose_key_was_rotated_elsewhere_stays_silent_and_holds_nobody_up(tmp_path: Path) -> None:
    world = gated_world(tmp_path / "chain")
    voted = approved(world, example(world))
    stranger = keys_of_seed("another seed", world.operators()).accounts[world.operators()[0]]
    rotated = world.operators()[0]
    proof = stranger.sign(rotation_message(world.genesis.chain_id, rotated))
    world.submit(world.wallet(rotated).host(KEY_CALLS[0], RotateKey(key=stranger.public, proof=proof)))
    world.must()
    upgrade.activate(world, voted, silent)
    assert voted.record.outcome == "executed"
    assert set(words(world)) == set(world.operators()) - {rotated}
    assert ("rehearsal_not_attested", "key_not_of_account") in {
        (event, told.get("why")) for event, told in world.told.events
    }
    world.close()


# --- a running node --------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose chain has approved an upgrade and has some way to go to its first rehearsal."""
    world = gated_world(tmp_path / "home", timelock_delay=SPAN)
    approved(world, example(world))
    world.close()
    (tmp_path / "home" / "synod.toml").write_text(documentation())
    return tmp_path / "home"


def closed(node: NodeProcess) -> None:
    node.send(signal.SIGTERM)
    assert node.ended() == 0


def reopened(home: Path) -> World:
    return World.open(home, short_genesis(parameters={**GATED, "timelock_delay": SPAN}))


def until_executed(node: NodeProcess) -> list[dict[str, Any]]:
    """Every event up to the activation."""
    seen = []
    for event in node.events():
        seen.append(event)
        if event["event"] in ("UpgradeExecuted", "UpgradeFailed", "UpgradePostponed"):
            break
    return seen


def test_a_running_node_rehearses_beside_its_blocks_attests_and_activates(home: Path) -> None:
    with started(home) as node:
        seen = until_executed(node)
        names = [event["event"] for event in seen]
        assert names[-1] == "UpgradeExecuted"
        begun, ended = names.index("rehearsal_begun"), names.index("rehearsal_ended")
        assert "block" in names[begun:ended], "blocks go on while the trial runs"
        steps = [event["step"] for event in seen[begun:ended] if event["event"] == "rehearsal_step"]
        assert (steps[0], steps[-1]) == ("load", "rollback")
        assert seen[ended]["code"] == "passed"
        assert "checkpoint_removed" in names
        closed(node)
    world = reopened(home)
    row = readiness(world)
    each_said_once(world, row.second, perhaps=row.first)
    assert [one.reason for one in list_checkpoints(world.home)] == ["upgrade"]
    world.close()


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    """A home at the height of its first rehearsal, for a node that makes blocks on demand."""
    world = gated_world(tmp_path / "waiting")
    approved(world, example(world))
    world.forward(readiness(world).first)
    world.close()
    (tmp_path / "waiting" / "synod.toml").write_text(documentation())
    return tmp_path / "waiting"


def test_the_end_of_a_trial_is_told_to_who_drives_the_node(waiting: Path) -> None:
    ended = threading.Event()
    with Home.open(waiting).lock(), Verifier() as verifier:
        settings = load_settings(waiting / "synod.toml", {})
        core = Core.open(Home.open(waiting), settings, verifier, frozenset(), Metrics(), ended.set)
        core.step_if_wanted()
        assert ended.wait(SECONDS)
        core.step_if_wanted()
        log = core.application.state.log()
        assert len(log.transactions(core.application.state.height)) == 4
        core.close()


def test_a_node_on_demand_attests_though_nobody_sends_anything(waiting: Path) -> None:
    with started(waiting, "--blocks", "demand") as node:
        assert node.until("rehearsal_ended")["code"] == "passed"
        block = node.until("block")
        assert (block["transactions"], block["failed"]) == (4, 0)
        closed(node)


@pytest.mark.faults
def test_a_node_killed_during_its_trial_begins_it_again_and_says_everything_once(home: Path) -> None:
    with started(home) as node:
        begun = node.until("rehearsal_begun")
        node.send(signal.SIGKILL)
        node.ended()
    assert begun["checkpoint"] in {one.name for one in list_checkpoints(Home.open(home))}
    with started(home) as node:
        assert node.until("rehearsal_begun")["checkpoint"] == begun["checkpoint"]
        assert until_executed(node)[-1]["event"] == "UpgradeExecuted"
        closed(node)
    world = reopened(home)
    row = readiness(world)
    each_said_once(world, row.second, perhaps=row.first)
    assert list(home.glob(f"{ROOMS}*")) == []
    world.close()


@pytest.mark.faults
def test_a_trial_that_is_killed_is_attested_as_crashed_and_the_next_one_stands_instead(waiting: Path) -> None:
    with started(waiting, "--blocks", "demand") as node:
        node.until("rehearsal_begun")
        while not (pids := trials_of(node.pid)):
            continue
        os.kill(pids[0], signal.SIGKILL)
        assert node.until("rehearsal_ended")["code"] == "crashed"
        assert node.until("RehearsalAttested")["code"] == "crashed"
        closed(node)
    world = World.open(waiting, short_genesis(parameters=GATED))
    assert set(words(world).values()) == {(readiness(world).first, "crashed")}
    world.forward(world.coordinator().plan(PLAN).activation)
    row = readiness(world)
    each_said_once(world, row.first, row.second)
    assert set(words(world).values()) == {(row.second, "")}
    assert upgrade.ending(world, 1)[1].kind == EXECUTED
    world.close()


def test_what_is_known_of_the_rehearsals_is_shown(waiting: Path) -> None:
    with started(waiting, "--blocks", "demand") as node, client(node.serving()) as http:
        pending = http.get("/upgrade/plan").json()["pending"]
        assert (pending["rehearsals"]["attestations"], pending["rehearsals"]["verdict"]) == ([], "")
        assert (pending["growth"]["total"], pending["growth"]["failing"]) == (41, 0)
        node.until("block")
        shown = http.get("/upgrade/plan").json()["pending"]["rehearsals"]
        (result,) = shown["results"]
        assert (result["power"], result["passed"], result["validators"]) == (shown["power"], True, 4)
        assert [one["result"] for one in shown["attestations"]] == [result["result"]] * 4
        assert result["value"]["height"] == str(shown["first"])
        assert all(one["milliseconds"] > 0 < one["memory_bytes"] for one in shown["attestations"])
        assert http.get("/governance/proposals/1").json()["rehearsals"] == shown
        closed(node)
