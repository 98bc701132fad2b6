"""Votes signed here and sent by somebody else: the file that carries one, and relaying it.

The file says in words what was signed, for people, and holds the signed bytes; whoever relays it sends only these.
"""

from __future__ import annotations

import json
from pathlib import Path

from governance.ballots import Split
from governance.relaying import RelayedVote, VoteStatement, sign_vote
from runtime.address import address_text
from storage.codec import codec_of
from storage.errors import InvalidRecord, NotCanonical

from .client import Answered, WrongChain
from .console import Answer
from .exits import Exit
from .identities import Signer
from .proposing import encoded_host
from .signing import Desk, told

RELAY = "governance.relay_vote"
WHAT = "synod signed vote"


class SignedVoteUnreadable(Exception):
    """A file that holds no signed vote."""

    code = "signed_vote_unreadable"
    exit = Exit.USAGE

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} holds no signed vote ({why}): make one with synod vote ... --sign-to FILE")
        self.path = path


def sign_to(desk: Desk, signer: Signer, found: Answered, ballot: tuple[str, Split], expiry: int, path: Path) -> Answer:
    """Sign a vote on a proposal into a file and send nothing. The voter's next vote makes it worthless."""
    what, number = found["proposal"], found["id"]
    row = desk.client.row("governance.votes", (str(number), signer.text))["row"]["value"]
    statement = VoteStatement(
        chain=desk.chain_id,
        voter=signer.address,
        number=0 if row is None else int(row["own"]),
        expiry=expiry,
        proposal=number,
        option=ballot[0],
        split=ballot[1],
        bundle=bytes.fromhex(what["bundle"]),
        effect=bytes.fromhex(what["effect"]),
    )
    signed = codec_of(RelayedVote).encode(sign_vote(statement, signer.key))
    document = {
        "what": WHAT,
        "chain": desk.chain_id,
        "proposal": number,
        "voter": signer.text,
        "number": statement.number,
        "expiry": expiry,
        "bundle": what["bundle"],
        "effect": what["effect"],
        "signed": signed.hex(),
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return Answer({**document, "file": str(path)}, f"signed into {path}; send it with synod vote --relay {path}")


def read_signed(path: Path) -> RelayedVote:
    """The signed vote of a file; raises SignedVoteUnreadable."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.get("what") != WHAT:
            raise SignedVoteUnreadable(path, f'its "what" is not {WHAT!r}')
        found: RelayedVote = codec_of(RelayedVote).decode_canonical(bytes.fromhex(document["signed"]))
    except (ValueError, KeyError, TypeError, RecursionError, NotCanonical, InvalidRecord) as wrong:
        raise SignedVoteUnreadable(path, str(wrong) or type(wrong).__name__) from None
    return found


def relay(desk: Desk, signer: Signer, path: Path) -> Answer:
    """Send a signed vote; nothing is sent for another chain than the one it was signed for."""
    relayed = read_signed(path)
    said = relayed.statement
    if said.chain != desk.chain_id:
        raise WrongChain(desk.client.url, said.chain, desk.chain_id)
    outcome = desk.outcome([desk.send(signer, desk.runtime.call(RELAY), encoded_host(RELAY, relayed))])
    answer = told(outcome, f"the vote of {address_text(said.voter)} on proposal {said.proposal}")
    data = {**outcome[0], "proposal": said.proposal, "voter": address_text(said.voter)}
    return Answer(data, answer.text, answer.exit)
