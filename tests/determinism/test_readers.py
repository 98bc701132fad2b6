"""What readers, monitoring and the operator ask of a node changes no root."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from runtime.address import address_text
from tests.node.served import Node, serving
from tests.scenarios.upgrades import activated, example
from tests.short_periods import short_genesis

pytestmark = pytest.mark.determinism


def asked(node: Node) -> None:
    """One of each question that takes the executor, a reader or the view."""
    owner = address_text(node.world.accounts()[0])
    node.get("/modules/bank/queries/balance", owner=owner)
    node.get("/modules/bank/tables/accounts/row", key=owner, proof="true")
    assert node.client.get("/metrics").status_code == 200
    node.executor.submit(node.world.application.checkpoint, "asked").result(60)


def status(node: Node) -> None:
    """What takes nothing."""
    node.get("/status")


def roots(home: Path, ask: Callable[[Node], None]) -> list[bytes]:
    """The roots around an upgrade and some traffic, while somebody asks all the time."""
    ended = Event()

    def follow(node: Node) -> None:
        while not ended.is_set():
            ask(node)

    with serving(home, short_genesis()) as node, ThreadPoolExecutor(1) as people:
        follower = people.submit(follow, node)
        found = []
        try:
            node.executor.submit(activated, node.world, example(node.world)).result(120)
            for _ in range(5):
                node.executor.submit(node.world.traffic, 20).result(60)
                node.block()
                found.append(node.world.application.state.head.app_root)
        finally:
            ended.set()
        follower.result(60)
    return found


def test_a_node_that_is_asked_all_the_time_has_the_roots_of_one_that_is_not(tmp_path: Path) -> None:
    assert roots(tmp_path / "asked", asked) == roots(tmp_path / "quiet", status)
