"""A home's own node, run for one command with blocks as fast as this machine makes them.

Only the solo driver allows that: nobody else takes part in its chain, and no block holds a time. Heights are lived
through one by one, rehearsals and probation as well. Votes have to be cast while a vote is open, so a chain whose
genesis makes voting short goes slower.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from governance.parameters import GOVERNANCE_PARAMETERS
from node.address import NodeAddress
from storage.home import Home

from .exits import Exit

VOTE_MS = 4_000
"""What a vote takes at least, by the voting period of genesis; the interval is a whole number of milliseconds."""
POLL = 0.05
PATIENCE = 600
"""Seconds for a start, which reads every row."""


class NodeRunsAlready(Exception):
    """The home's node runs at its own pace."""

    code = "node_runs_already"
    exit = Exit.USAGE

    def __init__(self, home: Path) -> None:
        super().__init__(f"a node runs on {home}: stop it (`synod halt`), or leave out --fast-forward")


class NodeDidNotStart(Exception):
    """The node ended before it answered."""

    code = "node_did_not_start"
    exit = Exit.MACHINE

    def __init__(self, home: Path, said: str) -> None:
        super().__init__(f"the node of {home} did not start: {said}")


@contextmanager
def fast_forwarded(home: Path) -> Iterator[None]:
    """The node of a home runs fast until the context ends, and then stops in order."""
    place = Home.open(home)
    if NodeAddress.of(place) is not None:
        raise NodeRunsAlready(home)
    words = [sys.executable, "-m", "scripts.start", "--home", str(home), "--http-port", "0", "--blocks", "timer"]
    told = {**os.environ, "SYNOD_CHAIN_BLOCK_INTERVAL_MS": str(_interval(place))}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(words, env=told, stdout=subprocess.DEVNULL, stderr=log)
        try:
            deadline = time.monotonic() + PATIENCE
            while NodeAddress.of(place) is None:
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise NodeDidNotStart(home, log.read().decode("utf-8", "replace")[-500:].strip())
                time.sleep(POLL)
            yield
        finally:
            process.terminate()
            process.wait()


def _interval(home: Home) -> int:
    """Milliseconds between blocks."""
    usual = next(rule.default for rule in GOVERNANCE_PARAMETERS if rule.name == "voting_period")
    stated = json.loads(home.genesis_file.read_bytes()).get("parameters", {})
    return max(1, VOTE_MS // max(1, int(stated.get("voting_period", usual))))
