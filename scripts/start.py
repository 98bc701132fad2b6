"""`synod start`: run the node of a home until it is told to stop.

Exit codes: 0 it was stopped, 1 the operator's own refusal stopped it (--refuse), 2 wrong settings, 3 this machine (a
release that is too old for what is due as well).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from node.http.server import Served
from node.logs import configure_logs
from node.running import RunningNode
from node.settings import NodeSettings, Settings, load_settings
from storage.home import Home

from .command import command, run
from .console import Answer, note
from .options import home_option


def _code_hashes(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> frozenset[bytes]:
    try:
        hashes = frozenset(bytes.fromhex(one) for one in given)
    except ValueError:
        hashes = frozenset({b""})
    if any(len(one) != 32 for one in hashes):
        raise click.BadParameter("a code hash is 64 hexadecimal digits")
    return hashes


@command(
    "start",
    examples=(
        "synod start",
        "synod start --home /tmp/node --http-port 0 --blocks demand",
        "synod start --refuse 5f2c...e1   # stop before this bundle takes effect",
    ),
)
@home_option
@click.option("--refuse", multiple=True, metavar="CODE_HASH", callback=_code_hashes,
              help="Stop before the upgrade to this bundle instead of following it; may be repeated.")  # fmt: skip
@click.option("--http-port", type=click.IntRange(0, 65_535), help="Port of the HTTP face; 0 takes any free one.")
@click.option("--blocks", type=click.Choice(["timer", "demand"]), help="Make blocks on a timer, or when one is wanted.")
def command_line(home: Path, refuse: frozenset[bytes], http_port: int | None, blocks: str | None) -> Answer:
    """Run the node: make blocks, answer HTTP, until SIGTERM or Ctrl-C.

    A stop finishes the block under way. A node that was killed goes on from its last committed block. Settings are in
    HOME/synod.toml; the options here win over it.
    """
    opened = Home.open(home)
    settings = with_options(load_settings(opened.settings_file, os.environ), http_port, blocks)
    configure_logs(settings.node.log_format, settings.node.log_level)
    node = RunningNode(opened, settings, refuse)
    with stopped_by_signals(node):
        head = node.run(tell)
    data = {"height": head.height, "app_root": head.app_root, "runtime_root": head.runtime_root}
    return Answer(data, f"stopped at height {head.height:,}, app root {head.app_root.hex()}")


def with_options(settings: Settings, http_port: int | None, blocks: str | None) -> Settings:
    """The settings with what the command line says instead."""
    given = {"http_port": http_port, "blocks": blocks}
    stated = {name: value for name, value in given.items() if value is not None}
    node = NodeSettings.model_validate({**settings.node.model_dump(), **stated})
    return Settings(node, settings.chain, settings.parameters, settings.stated)


@contextmanager
def stopped_by_signals(node: RunningNode) -> Iterator[None]:
    """The first SIGTERM or SIGINT stops the node in order; a second one ends the process, which is safe as well."""
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, _: object) -> None:
        for one in before:
            signal.signal(one, signal.SIG_DFL)
        node.stop()

    for one in before:
        signal.signal(one, stop)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def tell(served: Served) -> None:
    """Say where the node answers."""
    if sys.stderr.isatty():
        note(f"{served.url}/status - stop with Ctrl-C")


if __name__ == "__main__":
    run(command_line)
