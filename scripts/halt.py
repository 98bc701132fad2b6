"""`synod halt`: end the node that runs on a home, from outside and in order."""

from __future__ import annotations

import time
from pathlib import Path

import click

from storage.errors import StoreLocked
from storage.headfile import read_head
from storage.home import Home, HomeLock

from .client import as_operator
from .command import command, run
from .console import Answer, Progress
from .options import home_option

POLL = 0.05
"""Seconds between two looks whether the home is free."""


@command("halt", examples=("synod halt", "synod halt --home /tmp/node --timeout 300"))
@click.option("--timeout", type=click.FloatRange(0), default=60.0, show_default=True, help="Seconds to wait for it.")
@home_option
def command_line(timeout: float, home: Path) -> Answer:
    """Ask the node of a home to end, and wait until it has.

    It finishes the block under way, as after SIGTERM. Whoever may read the home's files may do this. Exit 3: no node
    runs on the home, or it has not ended in time; it will, once the block is finished.
    """
    place = Home.open(home)
    with as_operator(place) as client:
        client.halt()
    _wait(place, time.monotonic() + timeout)
    head = read_head(place.head_file)
    data = {"height": head.height, "app_root": head.app_root, "runtime_root": head.runtime_root}
    return Answer(data, f"stopped at height {head.height:,}, app root {head.app_root.hex()}")


def _wait(home: Home, deadline: float) -> None:
    """Until the home is free; raises StoreLocked at the deadline."""
    progress = Progress("waiting for the node to end, height")
    while True:
        try:
            HomeLock(home.lock_file).close()
        except StoreLocked:
            if time.monotonic() >= deadline:
                raise
            progress.at(read_head(home.head_file).height)
            time.sleep(POLL)
        else:
            progress.end()
            return


if __name__ == "__main__":
    run(command_line)
