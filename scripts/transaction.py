"""`synod transaction`: what became of a transaction, its second receipt after a rollback too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from .client import Answered, asking, url_option
from .command import command, run
from .console import Answer, columns
from .exits import Exit
from .options import home_option
from .signing import meaning_of

_ID = re.compile(r"[0-9a-f]{64}")


def _identity(_: click.Context, __: click.Parameter, given: str) -> str:
    if not _ID.fullmatch(given.lower()):
        raise click.BadParameter("an id is 64 hex digits, as the command that sent the transaction printed it")
    return given.lower()


@command(
    "transaction",
    examples=("synod transaction 4f1c...", "synod transaction 4f1c... --json"),
)
@click.argument("identity", metavar="ID", callback=_identity)
@home_option
@url_option
def command_line(identity: str, home: Path, url: str | None) -> Answer:
    """Show a transaction by its id: the call, whether it waits, and every receipt it has.

    A rollback adds a second receipt beside the first; the last one is what holds.

    Exit 0: it succeeded or waits. 1: it failed, was dropped, or is unknown here. 2: wrong usage.
    """
    with asking(home, url) as client:
        found = client.transaction(identity)
    lines = [f"transaction {found['id']}", f"  {found['state']}{_why(found)}", *_call(found["body"]), *_receipts(found)]
    fine = found["state"] in ("waiting", "executed")
    return Answer(found, "\n".join(lines), int(Exit.PASSED if fine else Exit.REFUSED))


def _why(found: Answered) -> str:
    reason = f": {found['reason']}" if found["reason"] else ""
    return reason + (f", at height {found['height']:,}" if found["height"] is not None else "")


def _call(body: Answered | None) -> list[str]:
    if body is None:
        return []
    return [f"  {body['module']}.{body['call']} by {body['sender']}, nonce {body['nonce']}, fee {body['fee']}"]


def _receipts(found: dict[str, Any]) -> list[str]:
    names = ("first receipt", "second receipt", "third receipt")
    rows = [
        (f"  {name}", receipt["code"], f"{receipt['steps']} steps", f"fee {receipt['fee']}", meaning_of(receipt))
        for name, receipt in zip(names, found["receipts"], strict=False)
    ]
    return columns(rows).splitlines()


if __name__ == "__main__":
    run(command_line)
