"""One vote and what it changes in the count; the count is kept as votes come, so a close costs the same for any number.

Power is inherited: a validator votes with all that is staked with it, less what its delegators vote themselves. The
first vote of a delegator takes his parts out of his validators (`governance.overrides` keeps how much of each), and out
of the votes of those that have voted; a validator that votes later finds its power less by them. So the order in which
they vote makes no difference, and the sum of all votes is at every moment the power of those who voted, each unit once.
Where the track leaves what validators delegate with others' votes, a validator takes nothing out of others.
What was taken out stays out: whoever has voted may change his vote until the close, and cannot take it back.
"""

from __future__ import annotations

from typing import Protocol

from governance.ballots import Split, Vote, ballot_text, require_ballot, shared_out
from governance.cutting import note_large
from governance.electorate import stake_at, validator_at, worth
from governance.errors import need, refused
from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.proposals import Proposal, Standing, rules_of
from governance.reading import Rows
from governance.tables import OVERRIDES, VOTES, Override
from governance.tally import NOTHING, Electors, Tally, counted_power
from governance.tracks import LEFT, Track
from governance.voting import count
from runtime.host import HostContext
from runtime.receipts import event


class Ballot(Protocol):
    """What every kind of vote says."""

    @property
    def proposal(self) -> int: ...

    @property
    def option(self) -> str: ...

    @property
    def split(self) -> Split: ...

    @property
    def bundle(self) -> bytes: ...

    @property
    def effect(self) -> bytes: ...


def votable(context: HostContext, ballot: Ballot) -> tuple[Proposal, Standing]:
    """The proposal that a ballot is on; raises HostRefused unless it is one that the proposal takes now."""
    what, standing = proposal_at(context.overlay, ballot.proposal)
    if standing.status in (Status.DEPOSIT, Status.DELAY):
        raise refused("voting_not_open", proposal=ballot.proposal)
    need(standing.is_open(context.height), "voting_closed", proposal=ballot.proposal)
    need(ballot.bundle == what.bundle, "other_bundle", proposal=ballot.proposal, bundle=what.bundle.hex() or "none")
    need(ballot.effect == what.effect, "other_effect", proposal=ballot.proposal, effect=what.effect.hex())
    require_ballot(ballot.option, ballot.split)
    return what, standing


def cast(context: HostContext, voter: bytes, ballot: Ballot, steps: int = 0) -> None:
    """Count a voter's vote, or the change of one; raises HostRefused with the rule that it breaks. The sender is the
    voter, one who relays what the voter signed, or a proxy that many ``steps`` away."""
    what, standing = votable(context, ballot)
    before = context.overlay.get(VOTES, (ballot.proposal, voter))
    if before is not None:
        need(steps <= before.steps, "nearer_vote", steps=before.steps)
        same = (before.option, before.split, before.steps) == (ballot.option, ballot.split, steps)
        need(not same, "same_vote", vote=ballot_text(ballot.option, ballot.split))
    own = (0 if before is None else before.own) + (0 if steps else 1)
    vote = Vote(
        option=ballot.option,
        weight=0,
        height=context.height,
        split=ballot.split,
        own=own,
        proxy=context.sender if steps else b"",
        steps=steps,
    )
    vote, tally = enter(context.overlay, (ballot.proposal, voter), vote, before, what, standing)
    count(context, ballot.proposal, what, standing, tally)
    text = ballot_text(ballot.option, ballot.split)
    context.events.append(event("VoteCast", proposal=ballot.proposal, voter=voter, option=text, weight=vote.weight))


def enter(
    rows: Rows, key: tuple[int, bytes], vote: Vote, before: Vote | None, what: Proposal, standing: Standing
) -> tuple[Vote, Tally]:
    """Put a vote in place of the one ``before``, for the power that its voter has; the vote as kept, and the tally.

    All that a vote does to a count is here, for the chain and for what-if alike. Raises HostRefused(no_power)."""
    if before is None:
        track = rules_of(what, standing)
        power, tally = _entered_power(rows, key[1], key[0], track, standing)
        weight = counted_power(power, standing.electors, track)
        vote = vote.but(weight=weight, uncounted=power - weight)
        note_large(rows, key, vote, what, standing)
        counted, voters = NOTHING, 1
    else:
        tally, counted, voters = standing.tally, before.parts, 0
        vote = vote.but(weight=before.weight, uncounted=before.uncounted)
    rows.put(VOTES, key, vote)
    return vote, tally.moved(counted, vote.parts, voters)


def _entered_power(
    rows: Rows, voter: bytes, proposal: int, track: Track, standing: Standing
) -> tuple[int, Tally]:
    """The power of a voter who has not voted yet, taken out of his validators', and the tally without it."""
    tally, height = standing.tally, standing.snapshot
    staked = validator_at(rows, voter, height).power
    taken = rows.get(OVERRIDES, (proposal, voter)) if staked else None
    power = staked - (0 if taken is None else taken.taken)
    leaves = staked and track.validator_delegations == LEFT
    for part in () if leaves else stake_at(rows, voter, height).parts:
        key = (proposal, part.validator)
        of = rows.get(OVERRIDES, key)
        if of is None:
            row = validator_at(rows, part.validator, height)
            of = Override(power=row.power, shares=row.shares)
        coins = min(worth(part.shares, of), of.power - of.taken)
        if coins:
            rows.put(OVERRIDES, key, of.but(taken=of.taken + coins))
            tally = _shrink(rows, key, coins, tally, track, standing.electors)
            power += coins
    need(staked + power > 0, "no_power", voter=voter, height=height)
    return power, tally


def _shrink(
    rows: Rows, key: tuple[int, bytes], coins: int, tally: Tally, track: Track, electors: Electors
) -> Tally:
    """The tally once a validator's vote, if there is one, has these coins less behind it."""
    vote = rows.get(VOTES, key)
    if vote is None:
        return tally
    power = vote.power - coins
    weight = counted_power(power, electors, track)
    rows.put(VOTES, key, vote.but(weight=weight, uncounted=power - weight))
    return tally.moved(vote.parts, shared_out(vote.option, vote.split, weight))
