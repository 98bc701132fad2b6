"""A home's own node, run inside one command, with blocks as fast as this machine makes them.

Only the solo driver allows that: nobody else takes part in its chain, and no block holds a time. Heights are lived
through one by one, rehearsals and probation as well; empty blocks share their syncs. The node makes blocks on demand
and, without that, up to the height that the command lets it come to: so the chain stands still while votes are cast,
however many there are and however short a vote is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from node.address import NodeAddress
from node.http.server import Served
from node.logs import configure_logs
from node.running import RunningNode
from node.settings import load_settings
from storage.headfile import Head
from storage.home import Home

from .console import Progress
from .exits import Exit
from .pace import OwnPace
from .start import with_options

LOOK = 0.5
"""Seconds between two words of a start that lasts."""


class LedPace(OwnPace):
    """A node that makes blocks when one is wanted, and else as far as it is told to."""

    def __init__(self, node: RunningNode) -> None:
        self._node = node

    def advance(self, height: int) -> None:
        """As OwnPace."""
        self._node.advance(height)

    @contextmanager
    def together(self) -> Iterator[None]:
        """As OwnPace."""
        self._node.hold(True)
        try:
            yield
        finally:
            self._node.hold(False)


class NodeRunsAlready(Exception):
    """The home's node runs at its own pace."""

    code = "node_runs_already"
    exit = Exit.USAGE

    def __init__(self, home: Path) -> None:
        super().__init__(f"a node runs on {home}: stop it (`synod halt`), or leave out --fast-forward")


@contextmanager
def fast_forwarded(home: Path) -> Iterator[LedPace]:
    """The node of a home runs until the context ends, and then stops in order; what stopped it before is raised."""
    place = Home.open(home)
    if NodeAddress.of(place) is not None:
        raise NodeRunsAlready(home)
    settings = with_options(load_settings(place.settings_file, os.environ), 0, "demand")
    node, serving = RunningNode(place, settings), Future[Served]()
    configure_logs(settings.node.log_format, settings.node.log_level, shown="warning")
    with ThreadPoolExecutor(1, thread_name_prefix="node") as thread:
        ended = thread.submit(node.run, serving.set_result)
        try:
            _await_start(serving, ended)
            yield LedPace(node)
        finally:
            node.stop()
            ended.result()


def _await_start(serving: Future[Served], ended: Future[Head]) -> None:
    """Until the node answers; raises what it ended with before it did."""
    progress, began = Progress("starting the node, which reads every row: seconds"), monotonic()
    either: tuple[Future[Any], ...] = (serving, ended)
    while not wait(either, LOOK, FIRST_COMPLETED).done:
        progress.at(int(monotonic() - began))
    progress.end()
    if ended.done():
        ended.result()
