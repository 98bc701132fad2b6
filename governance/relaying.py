"""Signed votes that anybody may bring to the chain: the voter signs, somebody else sends.

The statement says all that a vote says, and what makes it good once: the chain's id, so that it is worth nothing on a
copy or another chain; its number, how many votes of the voter on this proposal were counted before it, so that it
counts once, and never after a later word of the voter; and the last height at which it may be relayed. The key that
signs for the voter when the vote arrives must have signed it: rotating a key away also takes back what it signed and
nobody has relayed. The relayer needs no power, uses its own nonce, and can change nothing in the statement.
"""

from __future__ import annotations

from governance.ballots import Split
from governance.casting import cast, votable
from governance.errors import need
from governance.tables import VOTES
from runtime.accounts import account_for
from runtime.host import HostContext
from runtime.keys import PrivateKey, verify
from runtime.receipts import event
from storage.codec import codec_of
from storage.record import Address, Amount, Data, Hash, Record, Text, field

_SIGNED = b"synod/vote/"


class VoteStatement(Record):
    """What the voter signs."""

    chain: Text = field(1)
    voter: Address = field(2)
    number: Amount = field(3, default=0)
    """How many votes of this voter on this proposal have counted before; `Vote.own`."""
    expiry: Amount = field(4, default=0)
    """The last height at which it may count; 0 for the close."""
    proposal: Amount = field(5)
    option: Text = field(6, default="")
    split: Split = field(7, default=())
    bundle: Data = field(8, default=b"")
    effect: Hash = field(9)


class RelayedVote(Record):
    """A signed vote."""

    statement: VoteStatement = field(1)
    signature: Data = field(2)
    key: Data = field(3, default=b"")
    """The public key, for a voter whose address has signed nothing yet; may be left out later."""


def vote_message(statement: VoteStatement) -> bytes:
    """What a key signs for a statement."""
    return _SIGNED + codec_of(VoteStatement).encode(statement)


def sign_vote(statement: VoteStatement, key: PrivateKey) -> RelayedVote:
    """A statement signed by a key; raises InvalidRecord when a field is out of bounds."""
    codec_of(VoteStatement).check(statement)
    return RelayedVote(statement=statement, signature=key.sign(vote_message(statement)), key=key.public)


def relay(context: HostContext, args: RelayedVote) -> None:
    """Count a signed vote; what costs least is asked first, the signature last.

    Raises HostRefused: vote_for_another_chain, vote_expired, vote_used, bad_vote_signature, unknown_key, wrong_key, and
    whatever a vote may be refused for.
    """
    said = args.statement
    need(said.chain == context.chain_id, "vote_for_another_chain", chain=said.chain, here=context.chain_id)
    need(not said.expiry or context.height <= said.expiry, "vote_expired", expiry=said.expiry)
    votable(context, said)
    before = context.overlay.get(VOTES, (said.proposal, said.voter))
    own = 0 if before is None else before.own
    need(said.number == own, "vote_used", number=said.number, own=own)
    account = account_for(context.overlay, said.voter, args.key)
    good = verify(account.key, vote_message(said), args.signature)
    need(good, "bad_vote_signature", voter=said.voter)
    cast(context, said.voter, said)
    context.events.append(
        event("VoteRelayed", proposal=said.proposal, voter=said.voter, relayer=context.sender, number=said.number)
    )
