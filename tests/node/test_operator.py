"""What the operator may have a running node do, and who is taken for the operator."""

from __future__ import annotations

import signal
import stat
from pathlib import Path

import httpx
import pytest

from storage.checkpoint import list_checkpoints
from storage.home import Home
from storage.restore import verify
from tests.node.processes import client, new_world, started
from tests.node.scraped import scrape


def token_of(home: Path) -> str:
    return (home / "operator-token").read_text().strip()


def act(http: httpx.Client, path: str, token: str) -> httpx.Response:
    return http.post(path, json={"reason": "mine"}, headers={"authorization": f"Bearer {token}"})


def test_a_checkpoint_is_taken_while_the_chain_runs_and_it_runs_on(tmp_path: Path) -> None:
    home = tmp_path / "home"
    new_world(home).close()
    with started(home) as node, client(node.serving()) as http:
        node.until_height(3)
        taken = act(http, "/operator/checkpoint", token_of(home))
        assert taken.status_code == 200, taken.text
        made = taken.json()
        assert http.get("/status").json()["height"] >= made["height"] >= 3
        told = node.until("checkpoint")
        assert (told["name"], told["why"]) == (made["name"], "mine")
        (found,) = list_checkpoints(Home(home))
        assert (found.name, found.height, found.reason) == (made["name"], made["height"], "mine")
        assert verify(found, tmp_path / "scratch").app_root.hex() == made["app_root"]
        node.until_height(made["height"] + 3)
        header = http.get(f"/blocks/{made['height'] + 1}").json()
        assert header["app_root"] == made["app_root"]


def test_a_height_that_has_a_checkpoint_gets_no_other(tmp_path: Path) -> None:
    home = tmp_path / "home"
    new_world(home).close()
    with started(home, "--blocks", "demand") as node, client(node.serving()) as http:
        first, second = (act(http, "/operator/checkpoint", token_of(home)) for _ in range(2))
        assert first.json() == second.json()
        assert len(list_checkpoints(Home(home))) == 1


def test_the_token_is_the_owners_alone_and_of_one_run(tmp_path: Path) -> None:
    home = tmp_path / "home"
    new_world(home).close()
    seen = []
    for _ in range(2):
        with started(home) as node, client(node.serving()) as http:
            path = home / "operator-token"
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            seen.append(token_of(home))
            for old in ["0", *seen[:-1]]:
                assert act(http, "/operator/halt", old).json()["code"] == "unauthorized"
                node.until("operator_refused")
            assert scrape(http).value("operator_requests_refused_total") == len(seen)
            node.until("block")
            node.send(signal.SIGTERM)
            assert node.ended() == 0
            assert not path.exists()
    assert seen[0] != seen[1]
    assert list_checkpoints(Home(home)) == ()


@pytest.mark.faults
def test_a_token_that_a_killed_node_left_opens_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    new_world(home).close()
    with started(home) as node:
        node.serving()
        left = token_of(home)
        node.send(signal.SIGKILL)
        node.ended()
    (home / "operator-token").chmod(0o644)
    with started(home) as node, client(node.serving()) as http:
        assert act(http, "/operator/halt", left).status_code == 401
        assert stat.S_IMODE((home / "operator-token").stat().st_mode) == 0o600


def test_a_node_that_is_halted_ends_in_order(tmp_path: Path) -> None:
    home = tmp_path / "home"
    new_world(home).close()
    with started(home) as node, client(node.serving()) as http:
        node.until_height(2)
        asked = act(http, "/operator/halt", token_of(home))
        assert (asked.status_code, asked.json()) == (202, {"state": "stopping"})
        assert node.until("stopping")["code"] == "asked"
        assert node.ended() == 0
        assert node.said == []
