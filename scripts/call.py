"""`synod call`: sign any call of the running runtime, or of the host, by the arguments that it declares."""

from __future__ import annotations

import click

from .arguments import encoded, given
from .command import command, run
from .console import Answer
from .signing import Asked, desk_of, signing_options, told


@command(
    "call",
    examples=(
        "synod call                                                 # which calls there are",
        "synod call bank.send to=syn1... coins=1000 --from alice",
        "synod call staking.delegate validator=validator-0 coins=5000 --from account-7",
        "synod call guestbook.sign line='I was here' --from alice    # as soon as an upgrade brought it",
        "synod call governance.deposit proposal=3 amount=500 --from alice",
        "synod call governance.cancel proposal=3 --from alice",
        "synod call governance.name_proxy proxy='[\"syn1...\"]' --from alice    # '[]' takes the right back",
    ),
)
@click.argument("name", metavar="[MODULE.NAME]", required=False)
@click.argument("arguments", metavar="[ARGUMENT=VALUE]...", nargs=-1)
@click.option("--fee", type=click.IntRange(0), help="Units offered to the chain.  [default: the least it takes]")
@signing_options
def command_line(name: str | None, arguments: tuple[str, ...], fee: int | None, asked: Asked) -> Answer:
    """Sign a call and wait for its receipt.

    The calls are those that the chain runs now, host calls (governance.vote, keys.rotate) included; without a name
    they are listed. Amounts are decimal digits, flags true or false, bytes and hashes hex,
    addresses syn1... or a name that the home knows, lists and records JSON. Host calls pay no fee.

    Exit 0: executed. 1: the chain refused it, and the receipt's code says why. 2: wrong usage. 3: no node answers.
    """
    with desk_of(asked) as desk:
        if name is None:
            return desk.runtime.calls()
        target = desk.runtime.call(name)
        raw = encoded(name, target.args, given(name, target.args, arguments, desk.identities.text))
        least = 0 if target.host else desk.least_fee() if fee is None else fee
        return told(desk.outcome([desk.send(desk.signer(), target, raw, least)]))


if __name__ == "__main__":
    run(command_line)
