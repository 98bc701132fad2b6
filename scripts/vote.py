"""`synod vote`: a vote that names what it is on.

A vote carries the bundle's hash and the effect's digest, so it counts for nothing else. Both are read from the node
and shown before signing. Who has the bundle that was reviewed gives it with `--bundle`: then nothing is signed unless
the proposal names exactly those bytes.
"""

from __future__ import annotations

from pathlib import Path

import click

from governance.calls import CastVote
from governance.tally import Option

from .bundles import EXISTING, read
from .client import Answered
from .command import command, run
from .console import Answer, note
from .exits import Exit
from .identities import Signer
from .proposing import encoded_host, proposal_text
from .signing import Asked, Desk, desk_of, signing_options, told

VOTE = "governance.vote"


class OtherBundle(Exception):
    """The proposal is about other bytes than those reviewed."""

    code = "other_bundle"
    exit = Exit.REFUSED

    def __init__(self, reviewed: str, proposed: str) -> None:
        super().__init__(f"the proposal names bundle {proposed or 'none'}, the one reviewed is {reviewed}: not signed")
        self.reviewed = reviewed
        self.proposed = proposed


@command(
    "vote",
    examples=(
        "synod vote 1 yes --from validator-0",
        "synod vote 1 yes --bundle my-runtime --from alice    # only if it is these very bytes",
        "synod vote 1 veto --from validator-1 --json",
    ),
)
@click.argument("proposal", type=click.IntRange(1))
@click.argument("option", type=click.Choice([option.value for option in Option]))
@click.option("--bundle", "reviewed", type=EXISTING, help="The bundle that was reviewed: folder or archive.")
@signing_options
def command_line(proposal: int, option: str, reviewed: Path | None, asked: Asked) -> Answer:
    """Vote on a PROPOSAL; the same command later changes the vote, until the close.

    What is voted on is printed before signing: its kind, the bundle's hash, the digest of its effect, the rules of
    its track. Power is that of the height at which voting began; of a vote to roll back, cancel, pause, isolate or
    resume while an upgrade can be rolled back, that of the height before the upgrade. The key is the one that signs
    now.

    Exit 0: the vote counts. 1: refused (voting_not_open, voting_closed, no_power, same_vote, ...). 2: wrong usage.
    """
    with desk_of(asked) as desk:
        found = desk.client.proposal(proposal)
        if reviewed is not None:
            require_same(reviewed, found, desk)
        note(proposal_text(found, desk.client.status()["height"]))
        sent = cast(desk, desk.signer(), found, option)
        outcome = desk.outcome([sent])
        named = {"bundle": found["proposal"]["bundle"], "effect": found["proposal"]["effect"]}
        answer = told(outcome)
        return Answer({**outcome[0], "proposal": proposal, "option": option, **named}, answer.text, answer.exit)


def cast(desk: Desk, signer: Signer, found: Answered, option: str) -> str:
    """Sign and send a vote on a proposal as the node shows it; its transaction's id."""
    what = found["proposal"]
    args = CastVote(
        proposal=found["id"],
        option=option,
        bundle=bytes.fromhex(what["bundle"]),
        effect=bytes.fromhex(what["effect"]),
    )
    return desk.send(signer, desk.runtime.call(VOTE), encoded_host(VOTE, args))


def require_same(reviewed: Path, found: Answered, desk: Desk) -> None:
    """Raise OtherBundle unless the proposal names exactly the bytes of a reviewed bundle."""
    mine = read(reviewed, str(desk.client.identity()["chain_name"])).code_hash.hex()
    if mine != found["proposal"]["bundle"]:
        raise OtherBundle(mine, found["proposal"]["bundle"])


if __name__ == "__main__":
    run(command_line)
