"""`synod guardian`: what the chain's guardian may do at once, without a vote and for a bounded time.

Everybody else is refused (`not_the_guardian`). What the guardian stopped runs again by itself; `synod status` shows
when, `synod query governance.guardian` who it is and how much of its time is used.
"""

from __future__ import annotations

import click

from governance.calls import Cancel, GuardianIsolate, GuardianPause
from storage.record import Record

from .command import group, run
from .console import Answer
from .options import until_option
from .proposing import encoded_host
from .signing import Asked, desk_of, signing_options, told


@group(
    "guardian",
    examples=(
        "synod guardian pause --from guardian",
        "synod guardian isolate faucet --until 26000 --from guardian",
        "synod guardian cancel 4 --from guardian",
        "synod query governance.guardian",
    ),
)
def command_line() -> None:
    """Cancel a proposal, pause the chain or isolate a module, as the chain's guardian.

    A chain has one from its genesis (`synod init --guardian`) or by vote (`synod propose guardian`), or none.
    """


@command_line.command("cancel", examples=("synod guardian cancel 4 --from guardian",))
@click.argument("proposal", type=click.IntRange(1))
@signing_options
def cancel(proposal: int, asked: Asked) -> Answer:
    """End an upgrade, a change of parameters or features, or a spend before its effect, voted on or not."""
    return _sent(asked, "guardian_cancel", Cancel(proposal=proposal))


@command_line.command("pause", examples=("synod guardian pause --from guardian",))
@until_option
@signing_options
def pause(until: int, asked: Asked) -> Answer:
    """Let the modules' calls wait from the next block on, without --until to the end of the guardian's term."""
    return _sent(asked, "guardian_pause", GuardianPause(until=until))


@command_line.command("isolate", examples=("synod guardian isolate faucet --from guardian",))
@click.argument("module")
@until_option
@signing_options
def isolate(module: str, until: int, asked: Asked) -> Answer:
    """Let nothing of MODULE run from the next block on, without --until to the end of the guardian's term."""
    return _sent(asked, "guardian_isolate", GuardianIsolate(module=module, until=until))


def _sent(asked: Asked, name: str, args: Record) -> Answer:
    call = f"governance.{name}"
    with desk_of(asked) as desk:
        return told(desk.outcome([desk.send(desk.signer(), desk.runtime.call(call), encoded_host(call, args))]))


if __name__ == "__main__":
    run(command_line)
