"""Nodes as real processes: started as a user starts them, followed by their log, asked over their socket."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from node.rehearsal.world import World
from node.settings import documentation
from tests.short_periods import SHORT, short_genesis

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
"""How long anything may take before a test fails; nothing here waits so long."""
MOST_EVENTS = 20_000
"""A node that told so much and not what a test waits for never will."""


class NodeProcess:
    """`synod start` on a home; its log is read as it comes."""

    def __init__(self, home: Path, *options: str, interval_ms: int = 5) -> None:
        told = {
            "SYNOD_NODE_LOG_FORMAT": "json",
            "SYNOD_NODE_LOG_LEVEL": "debug",
            "SYNOD_CHAIN_BLOCK_INTERVAL_MS": str(interval_ms),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scripts.start", "--home", str(home), "--http-port", "0", *options],
            cwd=ROOT,
            env={**os.environ, **told},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.said: list[str] = []
        """Lines so far that are no log events."""

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def events(self) -> Iterator[dict[str, Any]]:
        """Log events as they come, until the process ends."""
        while (line := self._lines.get(timeout=SECONDS)) is not None:
            if line.startswith("{") and line.endswith("}"):  # a killed node may leave half a line
                yield json.loads(line)
            elif not line.startswith("{"):
                self.said.append(line)
        self._lines.put(None)

    def until(self, name: str, /, **fields: Any) -> dict[str, Any]:
        """The next event of this name, with at least these fields."""
        for event in islice(self.events(), MOST_EVENTS):
            if event["event"] == name and all(event.get(key) == value for key, value in fields.items()):
                return event
        raise AssertionError(f"the node did not tell {name}: {self.said}")

    def until_height(self, height: int) -> dict[str, Any]:
        """The first block event at or above a height."""
        for event in self.events():
            if event["event"] == "block" and event["height"] >= height:
                return event
        raise AssertionError(f"the node ended below height {height}: {self.said}")

    def serving(self) -> str:
        """Where it answers, once it does."""
        return str(self.until("started")["url"])

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def ended(self) -> int:
        """The exit code; what was said until then is in `said`."""
        for _ in self.events():
            pass
        code = self._process.wait(SECONDS)
        self._reader.join(SECONDS)
        return code

    def close(self) -> None:
        """Kill what still runs."""
        self._process.kill()
        self._process.wait(SECONDS)
        self._reader.join(SECONDS)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


@contextmanager
def started(home: Path, *options: str, interval_ms: int = 5) -> Iterator[NodeProcess]:
    """A node process that does not outlive the test."""
    node = NodeProcess(home, *options, interval_ms=interval_ms)
    try:
        yield node
    finally:
        node.close()


@contextmanager
def client(url: str) -> Iterator[httpx.Client]:
    """A client of a node."""
    with httpx.Client(base_url=url, timeout=SECONDS, trust_env=False) as made:
        yield made


def post(http: httpx.Client, raw: bytes, path: str = "/transactions") -> str:
    """Submit, and give the id."""
    answer = http.post(path, json={"transaction": raw.hex()})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def included(node: NodeProcess, http: httpx.Client, identity: str) -> None:
    """Wait until a transaction is in a block."""
    while http.get(f"/transactions/{identity}").json()["state"] == "waiting":
        node.until("block")


def new_world(home: Path, parameters: Mapping[str, int] = SHORT) -> World:
    """A chain with short periods in a home that `synod start` takes; close it first."""
    world = World.create(home, short_genesis(parameters=parameters))
    (home / "synod.toml").write_text(documentation())
    return world
