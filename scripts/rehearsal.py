"""`synod rehearsal`: look at what rehearsals of an upgrade came to.

Where two machines attest different results, each exports its own (`synod rehearse-upgrade N --export DIR`) and `diff`
names the first record in which they differ.
"""

from __future__ import annotations

from pathlib import Path

import click

from node.trial.agreement import Difference, first_difference

from .command import group, run
from .console import Answer, Progress
from .exits import Exit

VECTORS = click.Path(exists=True, file_okay=False, path_type=Path)


@group("rehearsal", examples=("synod rehearsal diff mine theirs",))
def command_line() -> None:
    """Compare what rehearsals of an upgrade came to."""


@command_line.command("diff", examples=("synod rehearsal diff mine theirs --json",))
@click.argument("first", type=VECTORS)
@click.argument("second", type=VECTORS)
def diff(first: Path, second: Path) -> Answer:
    """Find the first difference between two exported rehearsals: by table, then in the order of keys.

    Exit 0: they agree. 1: they differ, and it is said where. 2: a folder holds no exported rehearsal.
    """
    progress = Progress("comparing rows")
    found = first_difference(first, second, progress.at)
    progress.end()
    if found is None:
        return Answer({"agree": True, "difference": None}, f"{first} and {second} agree in every byte")
    shown = {"table": found.table, "key": found.key, "what": found.what, "first": found.first, "second": found.second}
    return Answer({"agree": False, "difference": shown}, _told(found, first, second), int(Exit.REFUSED))


def _told(found: Difference, first: Path, second: Path) -> str:
    where = f"{found.table}, key {found.key}" if found.key else found.table
    head = f"the first difference is in {where}: {found.what}" if where else f"they differ in {found.what}"
    return f"{head}\n  {first}: {_value(found.first)}\n  {second}: {_value(found.second)}"


def _value(value: object) -> str:
    return "no record" if value is None else str(value)


if __name__ == "__main__":
    run(command_line)
