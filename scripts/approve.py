"""`synod approve`: the two approvals between a vote and its timelock, where a track asks for them.

While a proposal is in review, its reviewers approve what was voted for; then those who voted yes approve it once more.
Like a vote, an approval names the bundle's hash and the effect's digest, and with `--bundle` it is signed only for
exactly those bytes.
"""

from __future__ import annotations

from pathlib import Path

import click

from governance.gates import Approve
from governance.lifecycle import Status

from .bundles import EXISTING
from .command import command, run
from .console import Answer, note
from .proposing import encoded_host, proposal_text
from .signing import Asked, desk_of, signing_options, told
from .vote import require_same

REVIEW, IMPLEMENTATION = "governance.review", "governance.approve_implementation"


@command(
    "approve",
    examples=("synod approve 4 --bundle my-runtime --from alice", "synod approve 4 --from validator-0"),
)
@click.argument("proposal", type=click.IntRange(1))
@click.option("--bundle", "reviewed", type=EXISTING, help="The bundle that was reviewed: folder or archive.")
@signing_options
def command_line(proposal: int, reviewed: Path | None, asked: Asked) -> Answer:
    """Approve a PROPOSAL that was voted for, as a reviewer or, once it is reviewed, as one who voted yes.

    Exit 0: the approval counts. 1: refused (not_in_review, not_a_reviewer, no_yes_vote, approved_already, ...).
    """
    with desk_of(asked) as desk:
        found = desk.client.proposal(proposal)
        if reviewed is not None:
            require_same(reviewed, found, desk)
        note(proposal_text(found, desk.client.status()["height"]))
        what, status = found["proposal"], found["standing"]["status"]
        call = IMPLEMENTATION if status == Status.IMPLEMENTATION else REVIEW
        args = Approve(
            proposal=proposal, bundle=bytes.fromhex(what["bundle"]), effect=bytes.fromhex(what["effect"])
        )
        sent = desk.send(desk.signer(), desk.runtime.call(call), encoded_host(call, args))
        outcome = desk.outcome([sent])
        answer = told(outcome)
        return Answer({**outcome[0], "proposal": proposal, "call": call}, answer.text, answer.exit)


if __name__ == "__main__":
    run(command_line)
