"""Going on to a second vote: an approved content is put to the vote again, as a proposal of its own.

It has the votes of nobody yet and an electorate of its own, and names the one it follows. The host proposes it, so it
takes no deposit and no place among its proposer's open proposals is asked for; its delay begins at once. Who is to come
after the first comes after the second: only that one does what both are about.
"""

from __future__ import annotations

from governance.lifecycle import Move, Status
from governance.progress import advance, begin, proposal_at
from governance.proposals import Proposal, Standing
from governance.reading import Reader
from governance.tally import Electors, Tally
from governance.tracktable import track_now
from runtime.host import HostContext


def go_on(context: HostContext, proposal: int, what: Proposal, name: str) -> int:
    """Begin the vote on track ``name`` that follows an approved proposal; returns its id.

    Raises HostRefused(unknown_track) for a track that is gone.
    """
    track = track_now(context.overlay, context.parameters, name).but(deposit=0)
    following = what.but(submitted=context.height, track=track, fallback=(), follows=proposal)
    standing = Standing(status=Status.DEPOSIT.value, electors=Electors(), tally=Tally(), urgent=track.urgent)
    number, standing = begin(context, following, standing, due=context.height + track.delay)
    due = context.height + track.delay
    advance(context, number, following, standing, Move.FUNDED, f"follows_{proposal}", due=due)
    return number


def last_vote(reader: Reader, proposal: int) -> tuple[int, Standing]:
    """The vote by which a proposal's content takes effect, with its standing: its own, or the one that it went on to.

    Raises HostRefused(unknown_proposal)."""
    _, standing = proposal_at(reader, proposal)
    while standing.goes_on:
        proposal = standing.goes_on
        _, standing = proposal_at(reader, proposal)
    return proposal, standing
