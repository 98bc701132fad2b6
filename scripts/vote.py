"""`synod vote`: a vote that names what it is on.

A vote is cast by the voter or by his proxy, is signed apart for somebody else to send, or comes with many in a file. It
carries the bundle's hash and the effect's digest, so it counts for nothing else. Both are read from the node and shown
before signing. Who has the bundle that was reviewed gives it with `--bundle`: then nothing is signed unless the
proposal names exactly those bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from governance.ballots import Split
from governance.calls import CastVote
from governance.proxies import VoteFor
from node.ballots import BallotUnreadable, read_ballot

from .bundles import EXISTING, read
from .client import Answered
from .command import command, run
from .console import Answer, note
from .exits import Exit
from .identities import Signer
from .options import NewFile
from .proposing import encoded_host, proposal_text
from .signed_votes import relay
from .signed_votes import sign_to as sign_vote_to
from .signing import Asked, Desk, desk_of, signing_options, told
from .vote_batch import VOTE, vote_all

VOTE_FOR = "governance.vote_for"
EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


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
        "synod vote 1 yes=0.7,abstain=0.3 --from alice",
        "synod vote 1 yes --bundle my-runtime --from alice    # only if it is these very bytes",
        "synod vote 1 no --for bob --from alice               # as the proxy that bob has named",
        "synod vote 1 yes --from alice --sign-to alice.vote   # sign only; anybody may send it",
        "synod vote --relay alice.vote --from bob",
        "synod vote --batch votes.csv                         # columns proposal, vote, from",
        "synod vote 1 veto --from validator-1 --json",
    ),
)
@click.argument("proposal", type=click.IntRange(1), required=False)
@click.argument("option", metavar="[VOTE]", required=False)
@click.option("--bundle", "reviewed", type=EXISTING, help="The bundle that was reviewed: folder or archive.")
@click.option("--for", "voter", metavar="NAME|ADDRESS", help="Whose vote it is, where you are the proxy.")
@click.option("--sign-to", type=NewFile(), help="Sign the vote into this new file and send nothing.")
@click.option("--expiry", type=click.IntRange(0), default=0, help="With --sign-to: the last height it is good for.")
@click.option("--relay", "signed", type=EXISTING_FILE, help="Send the vote that was signed into this file.")
@click.option("--batch", type=EXISTING_FILE, help="Cast every vote of a CSV file: columns proposal, vote, from.")
@signing_options
def command_line(
    proposal: int | None,
    option: str | None,
    reviewed: Path | None,
    voter: str | None,
    sign_to: Path | None,
    expiry: int,
    signed: Path | None,
    batch: Path | None,
    asked: Asked,
) -> Answer:
    """Vote on a PROPOSAL; the same command later changes the vote, until the close.

    VOTE is yes, no, abstain or veto, or a split of them whose shares add up to 1. What is voted on is printed before
    signing: its kind, the bundle's hash, the digest of its effect, the rules of its track. Power is that of the height
    at which voting began; of a vote to roll back, cancel, pause, isolate or resume while an upgrade can be rolled
    back, that of the height before the upgrade. A delegator's vote takes his part out of his validator's. The key is
    the one that signs now.

    A batch is read and checked whole before anything is sent, and may be repeated: votes that count are left alone.

    Exit 0: the vote counts, or was signed. 1: refused (voting_not_open, voting_closed, no_power, same_vote, ...), or a
    vote of the batch was. 2: wrong usage.
    """
    _require_one_way(proposal, option, (signed, batch))
    _require_fitting(signed or batch, {"--bundle": reviewed, "--for": voter, "--sign-to": sign_to}, expiry)
    with desk_of(asked) as desk:
        if batch is not None:
            return vote_all(desk, batch)
        if signed is not None:
            return relay(desk, desk.signer(), signed)
        assert proposal is not None and option is not None, "one way of voting was asked for"
        ballot = _ballot(option)
        found = desk.client.proposal(proposal)
        if reviewed is not None:
            require_same(reviewed, found, desk)
        note(proposal_text(found, desk.client.status()["height"]))
        if sign_to is not None:
            return sign_vote_to(desk, desk.signer(), found, ballot, expiry, sign_to)
        whose = None if voter is None else desk.identities.address(voter)
        outcome = desk.outcome([_send(desk, desk.signer(), found, ballot, whose)])
        named = {"bundle": found["proposal"]["bundle"], "effect": found["proposal"]["effect"]}
        answer = told(outcome)
        return Answer({**outcome[0], "proposal": proposal, "option": option, **named}, answer.text, answer.exit)


def _require_one_way(proposal: int | None, option: str | None, files: tuple[Path | None, ...]) -> None:
    given = sum(one is not None for one in files)
    if given > 1 or (given == 1) == (proposal is not None) or (proposal is None) != (option is None):
        raise click.UsageError("give PROPOSAL and VOTE, or --relay FILE, or --batch FILE")


def _require_fitting(file: Path | None, given: dict[str, Any], expiry: int) -> None:
    """An option that the way of voting has no use for is refused: what it asks for would go unheard."""
    names = [name for name, value in given.items() if value is not None]
    if file is not None and names:
        raise click.UsageError(f"{', '.join(names)} goes with PROPOSAL and VOTE, not with the votes of a file")
    if given["--for"] is not None and given["--sign-to"] is not None:
        raise click.UsageError("a proxy sends its votes itself: leave --sign-to out, or let the voter sign")
    if expiry and given["--sign-to"] is None:
        raise click.UsageError("--expiry goes with --sign-to: a vote that is sent now counts or is refused")


def _ballot(text: str) -> tuple[str, Split]:
    try:
        return read_ballot(text)
    except BallotUnreadable as wrong:
        raise click.UsageError(str(wrong)) from None


def cast(desk: Desk, signer: Signer, found: Answered, option: str) -> str:
    """Sign and send a plain vote on a proposal as the node shows it; its transaction's id."""
    return _send(desk, signer, found, (option, ()), None)


def _send(desk: Desk, signer: Signer, found: Answered, ballot: tuple[str, Split], voter: bytes | None) -> str:
    what = found["proposal"]
    said: dict[str, Any] = {
        "proposal": found["id"],
        "option": ballot[0],
        "split": ballot[1],
        "bundle": bytes.fromhex(what["bundle"]),
        "effect": bytes.fromhex(what["effect"]),
    }
    name, args = (VOTE, CastVote(**said)) if voter is None else (VOTE_FOR, VoteFor(voter=voter, **said))
    return desk.send(signer, desk.runtime.call(name), encoded_host(name, args))


def require_same(reviewed: Path, found: Answered, desk: Desk) -> None:
    """Raise OtherBundle unless the proposal names exactly the bytes of a reviewed bundle."""
    mine = read(reviewed, str(desk.client.identity()["chain_name"])).code_hash.hex()
    if mine != found["proposal"]["bundle"]:
        raise OtherBundle(mine, found["proposal"]["bundle"])


if __name__ == "__main__":
    run(command_line)
