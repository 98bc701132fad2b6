"""Upgrades on a running node: voted over HTTP, activated, failed, refused, rolled back; and what its home says then."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

from governance.calls import CastVote
from governance.progress import proposal_at
from node.rehearsal import upgrade
from node.rehearsal.demonstrations import MINTING_CALL, mints_later
from node.rehearsal.world import HOST, World
from node.wallet import Wallet
from runtime.address import address_text
from runtime.bundle.archive import Bundle
from runtime.bundle.checker import check_bundle
from storage.checkpoint import list_checkpoints
from storage.home import RELEASE
from storage.proofs import Proof, verify
from tests.node.processes import client, included, new_world, post, started
from tests.scenarios.upgrades import activated, approved, edited, example, running, silent
from tests.short_periods import GATED, short_genesis


def test_a_transaction_and_a_vote_go_through_a_running_node_and_the_new_module_is_there_after_the_flip(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    world = new_world(home, GATED)
    bundle = example(world)
    voted = upgrade.propose(world, bundle, "Opens a guestbook")
    _, standing = proposal_at(world.overlay(), voted.proposal)
    world.forward(standing.due)
    what, _ = proposal_at(world.overlay(), voted.proposal)
    ballot = CastVote(proposal=voted.proposal, option="yes", bundle=what.bundle, effect=what.effect)
    votes = [world.wallet(one).host(HOST["governance.vote"], ballot) for one in world.operators()]
    author, payer, payee = (world.wallet(one) for one in world.accounts()[:3])
    send = world.application.chain.loaded.calls[("bank", "send")].declaration
    world.close()
    with started(home, "--blocks", "demand") as node, client(node.serving()) as http:
        assert http.get("/readiness").json()["ready"] is True
        ids = [post(http, raw, "/governance/vote") for raw in votes]
        for coins in range(1, 60):  # each makes a block, until the flip
            post(http, payer.call(send, 10, to=payee.address, coins=coins))
            node.until("block")
            if http.get("/status").json()["runtime"]["version"] != "1.0.0":
                break
        node.until("UpgradeExecuted")
        assert [http.get(f"/transactions/{one}").json()["state"] for one in ids] == ["executed"] * len(ids)
        listed = {one["name"]: one for one in http.get("/modules").json()["modules"]}
        assert listed["guestbook"]["calls"][0]["name"] == "sign"
        raw = _signed(author, bundle, "hello")
        included(node, http, post(http, raw))
        owner = address_text(author.address)
        asked = http.get("/modules/guestbook/queries/line_of", params={"author": owner}).json()
        assert asked["result"] == "hello"
        row = http.get("/modules/guestbook/tables/entries/row", params={"key": owner, "proof": "true"}).json()
        assert row["row"]["value"]["line"] == "hello"
        assert verify(Proof.from_json(row["proof"]), bytes.fromhex(row["app_root"])) is not None
        assert http.get("/upgrade/plan").json()["running"]["code_hash"] == bundle.code_hash.hex()
        manifest = json.loads((home / "migration_manifest.json").read_text())
        done = manifest["upgrades"][0]
        assert (done["outcome"], done["proposal"], done["to_version"]) == ("executed", voted.proposal, "2.0.0")
        assert done["migrations"] == ["bank.rewrite_accounts"]
        assert done["snapshot"] == manifest["rollback"]["snapshot"]  # R2.6
        assert (home / "checkpoints" / done["checkpoint"] / "database").is_dir()
        node.send(signal.SIGKILL)
        node.ended()
    (home / "migration_manifest.json").unlink()
    with started(home) as node, client(node.serving()) as http:
        assert http.get("/modules/guestbook/queries/line_of", params={"author": owner}).json()["result"] == "hello"
        assert json.loads((home / "migration_manifest.json").read_text())["upgrades"] == manifest["upgrades"]


def _signed(author: Wallet, bundle: Bundle, line: str) -> bytes:
    declaration = check_bundle(bundle, chain=None, host_release=RELEASE).call("guestbook.sign")
    assert declaration is not None
    return author.call(declaration, 10, line=line)


def test_a_node_told_to_refuse_a_bundle_stops_before_it_with_one_line_and_follows_without(tmp_path: Path) -> None:
    home = tmp_path / "home"
    world = new_world(home, GATED)
    bundle = example(world)
    voted = approved(world, bundle)
    activation = proposal_at(world.overlay(), voted.proposal)[1].effective
    world.forward(activation - 3)
    world.close()
    for _ in range(2):
        with started(home, "--refuse", bundle.code_hash.hex()) as node:
            stopped = node.until("stopping")
            assert (stopped["height"], stopped["code"]) == (activation - 1, "refused_by_operator")
            assert node.ended() == 1
            assert len(node.said) == 1
            assert "start it without --refuse" in node.said[0]
    with started(home) as node:
        assert node.until("UpgradeExecuted")["code_hash"] == bundle.code_hash.hex()


def test_an_upgrade_that_fails_is_told_and_blocks_go_on(tmp_path: Path) -> None:
    home = tmp_path / "home"
    world = new_world(home)
    bundle = edited(example(world), bank=("new.balance == old.balance", "new.balance == old.balance + 1"))
    voted = approved(world, bundle)
    activation = proposal_at(world.overlay(), voted.proposal)[1].effective
    world.forward(activation - 2)
    world.close()
    with started(home) as node:
        failed = node.until("UpgradeFailed")
        assert failed["reason"] == "record_not_valid"
        node.until_height(activation + 2)
        done = json.loads((home / "migration_manifest.json").read_text())["upgrades"][0]
        assert (done["outcome"], done["events"][0]["file"], done["height"]) == ("failed", "bank.py", activation)
        assert done["root_after"] == ""


def test_a_checkpoint_that_the_last_run_left_before_its_activation_is_used(tmp_path: Path) -> None:
    world = new_world(tmp_path / "chain")
    voted = approved(world, example(world))
    activation = proposal_at(world.overlay(), voted.proposal)[1].effective
    world.forward(activation - 1)
    left = world.application.checkpoint("upgrade")
    made = upgrade.activate(world, voted, silent)
    assert made.checkpoint is not None
    assert made.checkpoint.name == left.name
    world.close()


def test_a_rollback_that_the_chain_decides_is_followed_and_written_down(tmp_path: Path) -> None:
    home = tmp_path / "home"
    world = new_world(home)
    bundle = mints_later(running(world))
    voted = activated(world, bundle)
    assert voted.record.outcome == "executed"
    world.forward(voted.record.activation + 3)
    wallet = world.wallet(world.accounts()[0])
    minting = world.application.chain.loaded.call_of(MINTING_CALL).declaration
    raw = wallet.call(minting, 10, coins=1_000)
    later = wallet.call(minting, 10, coins=1_000)  # waits for the block that goes back
    world.close()
    with started(home, "--blocks", "demand") as node, client(node.serving()) as http:
        minted = post(http, raw)
        assert node.until("failed")["code"] == "invariant_broken"
        post(http, later)
        node.until("UpgradeRolledBack")
        assert http.get("/upgrade/plan").json()["running"]["version"] == "1.0.0"
        replayed = http.get(f"/blocks/{http.get(f'/transactions/{minted}').json()['height']}").json()
        assert [one["code"] for one in replayed["second_receipts"]] == ["failed_before"]
        done = json.loads((home / "migration_manifest.json").read_text())["upgrades"][0]
        assert done["outcome"] == "rolled_back"
        assert [one["kind"] for one in done["events"]] == ["executed", "rolled_back"]
        assert done["events"][1]["root_after"] == done["root_before"]
        assert done["verified"] is False
        assert (home / "checkpoints" / done["checkpoint"]).is_dir()


@pytest.mark.faults
def test_a_node_killed_in_its_activation_starts_again_and_activates_to_the_same_root(tmp_path: Path) -> None:
    world = new_world(tmp_path / "chain")
    voted = approved(world, example(world))
    activation = proposal_at(world.overlay(), voted.proposal)[1].effective
    world.forward(activation - 2)
    world.close()
    roots = set()
    for round_ in range(4):
        home = tmp_path / f"home-{round_}"
        shutil.copytree(tmp_path / "chain", home)
        if round_:  # the first lives on undisturbed
            with started(home, interval_ms=1) as node:
                node.until_height(activation - 1)
                node.send(signal.SIGKILL)
                node.ended()
            with started(home, interval_ms=1) as node:
                assert node.until("started")["height"] >= activation - 1
                node.send(signal.SIGTERM)
                assert node.ended() == 0
        world = World.open(home, short_genesis())
        world.forward(activation + 50)
        roots.add(world.application.state.head.app_root)
        assert len(list_checkpoints(world.home)) == 1
        world.close()
    assert len(roots) == 1
