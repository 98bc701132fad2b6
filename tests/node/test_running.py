"""A node as its operator meets it: started, stopped, killed, refused, damaged; asked and told over HTTP."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from node.rehearsal.world import World
from node.wallet import Wallet
from runtime.address import address_text
from runtime.commit import COMMITS
from storage.blocklog import JOURNAL, UNDO, BlockLog
from storage.errors import SigningRefused
from storage.signing import LastSigned
from tests.node.processes import client, new_world, post, started
from tests.short_periods import short_genesis


def fresh(home: Path) -> None:
    new_world(home).close()


def wallets(home: Path) -> tuple[Wallet, bytes, Any]:
    """A wallet, somebody to pay, and what `bank.send` declares."""
    world = World.open(home, short_genesis())
    sender, receiver = world.accounts()[:2]
    wallet, send = world.wallet(sender), world.application.chain.loaded.calls[("bank", "send")].declaration
    world.close()
    return wallet, receiver, send


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_node_makes_blocks_until_it_is_told_to_stop_and_goes_on_where_it_was(
    tmp_path: Path, number: signal.Signals
) -> None:
    fresh(tmp_path / "home")
    with started(tmp_path / "home") as node:
        node.until_height(3)
        node.send(number)
        stopped = node.until("stopping", code="asked")
        assert node.ended() == 0
        assert node.said == []
    assert not (tmp_path / "home" / "running.json").exists()
    with started(tmp_path / "home") as node:
        again = node.until("started")
        assert (again["height"], again["app_root"]) == (stopped["height"], stopped["app_root"])
        assert node.until_height(0)["height"] == stopped["height"] + 1


@pytest.mark.faults
def test_a_node_killed_at_any_moment_starts_again_at_its_committed_height(tmp_path: Path) -> None:
    home = tmp_path / "home"
    fresh(home)
    wallet, receiver, send = wallets(home)
    known: dict[int, str] = {}
    for round_ in range(4):
        with started(home, interval_ms=1) as node:
            begun = node.until("started")
            assert begun["height"] >= max(known, default=0)
            assert known.get(begun["height"], begun["app_root"]) == begun["app_root"]
            with client(begun["url"]) as http:
                wallet.nonce = int(http.get(f"/accounts/{address_text(wallet.address)}").json()["nonce"])
                for _ in range(5):
                    post(http, wallet.call(send, 10, to=receiver, coins=1))
            node.until_height(begun["height"] + 3 + round_)
            node.send(signal.SIGKILL)
            known |= {one["height"]: one["app_root"] for one in node.events() if one["event"] == "block"}
            assert node.ended() == -signal.SIGKILL


def test_on_demand_a_node_makes_a_block_for_what_comes_and_none_without(tmp_path: Path) -> None:
    home = tmp_path / "home"
    fresh(home)
    wallet, receiver, send = wallets(home)
    with started(home, "--blocks", "demand") as node, client(node.serving()) as http:
        for height in (1, 2, 3):
            identity = post(http, wallet.call(send, 10, to=receiver, coins=height))
            assert node.until("block")["height"] == height
            assert http.get(f"/transactions/{identity}").json()["height"] == height
        wallet.nonce += 1  # a gap: nothing can be made of it
        late = post(http, wallet.call(send, 10, to=receiver, coins=1))
        assert http.get(f"/transactions/{late}").json()["state"] == "waiting"
        refused = http.post("/transactions", json={"transaction": "00"})
        assert refused.status_code == 400
        assert node.until("transaction_refused")["code"] == refused.json()["code"]
        node.send(signal.SIGTERM)
        assert node.until("stopping")["height"] == 3
        assert node.ended() == 0


@pytest.mark.faults
def test_a_damaged_database_stops_the_start_with_one_line_and_exit_code_3(tmp_path: Path) -> None:
    home = tmp_path / "home"
    fresh(home)
    (home / "database" / "CURRENT").unlink()
    with started(home) as node:
        assert node.ended() == 3
        assert len(node.said) == 1
        assert "restore" in node.said[0]


def test_a_home_runs_once(tmp_path: Path) -> None:
    fresh(tmp_path / "home")
    with started(tmp_path / "home") as first:
        first.serving()
        with started(tmp_path / "home") as second:
            assert second.ended() == 3
            assert str(first.pid) in second.said[0]
        first.until_height(2)


def test_a_changed_genesis_file_is_not_signed_for(tmp_path: Path) -> None:
    home = tmp_path / "home"
    fresh(home)
    (home / "genesis.json").write_bytes(short_genesis(seed="another").canonical())
    with started(home) as node:
        assert node.ended() == 3
        assert "not the genesis" in node.said[0]


def test_the_head_is_signed_again_after_a_restart_and_the_same_way(tmp_path: Path) -> None:
    world = World.create(tmp_path / "chain", short_genesis())
    world.block()
    world.close()  # its signatures were to go with the block after it
    world = World.open(tmp_path / "chain", short_genesis())
    assert world.application.state.log().commit(1) is None
    world.block()
    commit = COMMITS.decode(world.application.state.log().commit(1) or b"")
    assert (commit.height, len(commit.signatures)) == (1, 4)
    world.close()


def test_a_chain_taken_back_makes_no_block_where_it_signed_before(tmp_path: Path) -> None:
    world = World.create(tmp_path / "chain", short_genesis())
    world.block()
    world.close()
    LastSigned.open(tmp_path / "chain" / "last-signed").advance(3, 0, bytes(32))
    world = World.open(tmp_path / "chain", short_genesis())
    with pytest.raises(SigningRefused):
        world.block()
    with pytest.raises(SigningRefused):
        world.forward(3)
    assert world.height == 1
    world.close()


def test_journals_and_undo_rows_go_when_the_rollback_window_has_passed_and_blocks_stay(tmp_path: Path) -> None:
    home = tmp_path / "home"
    world = new_world(home)
    for _ in range(6):
        world.traffic(2)
        world.must()
    assert _heights(world.application.state.log(), UNDO) == [1, 2, 3, 4, 5, 6]
    world.forward(448)
    world.close()
    with started(home, interval_ms=1) as node:
        assert node.until("log_pruned")["below"] == 512 - 400
        node.until("block")
        node.until("block")
        node.send(signal.SIGTERM)
        assert node.ended() == 0
    world = World.open(home, short_genesis())
    log = world.application.state.log()
    assert _heights(log, UNDO) == _heights(log, JOURNAL) == []
    assert len(log.transactions(3)) == 2
    world.close()


def _heights(log: BlockLog, kind: bytes) -> list[int]:
    rows = log.source.iterate(kind, kind + b"\xff" * 9)
    return [int.from_bytes(key[len(kind) :], "big") for key, _ in rows]


def test_settings_that_say_other_than_the_chain_are_told_and_the_chain_holds(tmp_path: Path) -> None:
    home = tmp_path / "home"
    fresh(home)
    (home / "synod.toml").write_text('[chain]\nname = "other"\nblock_interval_ms = 5\n[upgrade]\nvoting_period = 30\n')
    with started(home) as node:
        assert "is 20 in the state and 30" in node.until("setting_differs", key="voting_period")["says"]
        assert "synod-local" in node.until("setting_differs", key="name")["says"]
        node.send(signal.SIGTERM)
        assert node.ended() == 0
