"""`synod transfer`: coins from one purse to another, the most common call as a command of its own."""

from __future__ import annotations

import click

from .arguments import encoded, given
from .command import command, run
from .console import Answer
from .signing import Asked, desk_of, signing_options, told

CALL = "bank.send"


@command(
    "transfer",
    examples=(
        "synod transfer syn1... 1000000 --from alice",
        "synod transfer account-1 25 --from account-0    # a rehearsal's accounts sign by its seed",
        "synod transfer bob 25 --from alice --no-wait --json",
    ),
)
@click.argument("to")
@click.argument("coins")
@click.option("--fee", type=click.IntRange(0), help="Units offered to the chain.  [default: the least it takes]")
@signing_options
def command_line(to: str, coins: str, fee: int | None, asked: Asked) -> Answer:
    """Send COINS (smallest units) to TO, an address or a name that the home knows, and wait for the receipt.

    Exit 0: executed. 1: the chain refused it, and the receipt's code says why. 2: wrong usage, or another chain than
    the home's. 3: no node answers, or the time is up while it waits.
    """
    with desk_of(asked) as desk:
        target = desk.runtime.call(CALL)
        values = given(CALL, target.args, (f"to={to}", f"coins={coins}"), desk.identities.text)
        least = desk.least_fee() if fee is None else fee
        sent = desk.send(desk.signer(), target, encoded(CALL, target.args, values), least)
        return told(desk.outcome([sent]))


if __name__ == "__main__":
    run(command_line)
