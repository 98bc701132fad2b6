"""One governed upgrade, lived through: publish, propose, vote, wait, rehearse, activate.

The validators of the genesis vote yes with their own keys. Everything goes through transactions; nothing is written
past the rules, whatever tracks the chain has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from governance.admission import plan_of
from governance.agenda import pulse_of
from governance.bars import reaches
from governance.calls import CastVote, Propose, PublishChunk
from governance.electorate import electors_at, voting_power_at
from governance.fitting import BREAKING
from governance.judging import turnout
from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.proposals import Content, MaintenanceWindow, Proposal, RuntimeUpgrade, Standing, rules_of
from governance.reading import outlook
from governance.tables import HISTORY as PROPOSAL_HISTORY
from governance.tables import PROPOSERS, READINESS, Proposer
from governance.tracks import Track
from node.rehearsal.attested import attested
from node.rehearsal.record import Share, UpgradeRecord, VoteRecord
from node.rehearsal.world import World
from node.solo import MadeBlock
from runtime.bundle.archive import Bundle, chunks
from runtime.bundle.checker import examine
from runtime.bundles import BUNDLES
from runtime.plans import ENDS_OF_WAITING, EXECUTED, HISTORY, SCHEDULED, WAITING, HistoryEntry, Plan
from storage.home import RELEASE

Progress = Callable[[str, int, int], None]
"""(what is waited for, how far it is, how far it goes)."""


@dataclass(frozen=True, slots=True)
class Voted:
    """A proposal, or the one that it goes on as on a track that asks for a second vote."""

    proposal: int
    record: UpgradeRecord


def propose(world: World, bundle: Bundle, title: str) -> Voted:
    """Publish a bundle and propose it with its deposit; raises BundleRefused or HostRefused with the rule it breaks."""
    running = world.application.chain.loaded.declaration
    declaration, effect = examine(bundle, running, chain=world.genesis.chain_name, host_release=RELEASE)
    track = world.track(BREAKING if effect.needs_more_votes else world.routes("runtime_upgrade")[0])
    proposer = proposer_on(world, track)
    publish(world, bundle, proposer)
    content = RuntimeUpgrade(
        version=str(declaration.manifest.version),
        code_hash=bundle.code_hash,
        effect=effect.digest,
        activation_delay=max(world.parameter("timelock_delay"), track.timelock),
        plan=(plan_of(running, declaration),),
    )
    window = MaintenanceWindow()
    proposal = Propose(title=title, content=Content.of(content), deposit=track.deposit, window=window, track=track.name)
    world.host(proposer, "governance.propose", proposal)
    made = world.must()
    number = world.last_proposal()
    record = UpgradeRecord(
        title=title,
        proposal=number,
        version_from=str(running.manifest.version),
        version_to=content.version,
        code_hash=bundle.code_hash.hex(),
        effect=effect.digest.hex(),
        breaking=effect.breaking,
        changes=effect.rows(),
        submitted=made.prepared.block.header.height,
    )
    return Voted(number, record)


def publish(world: World, bundle: Bundle, publisher: bytes) -> None:
    """Bring a bundle's bytes on chain, unless they are there already."""
    if world.overlay().get(BUNDLES, (bundle.code_hash,)) is not None:
        return
    pieces = chunks(bundle)
    for index, piece in enumerate(pieces):
        args = PublishChunk(code_hash=bundle.code_hash, index=index, total=len(pieces), data=piece)
        world.host(publisher, "governance.publish_chunk", args)
    world.must()


def proposer_on(world: World, track: Track) -> bytes:
    """The bonded validator that can best pay a deposit, of those that may propose on a track now; the best of all where
    none may, which the chain then refuses."""
    overlay, most = world.overlay(), world.parameter("max_open_per_proposer")
    electors = electors_at(overlay, world.height)
    able = (
        one
        for one in world.richest_operators()
        if (overlay.get(PROPOSERS, (one,)) or Proposer()).open < most
        and reaches(voting_power_at(overlay, one, world.height), electors.power, track.power_floor)
    )
    return next(able, world.richest_operators()[0])


def vote(world: World, voted: tuple[Voted, ...], progress: Progress) -> tuple[Voted, ...]:
    """Let every bonded validator vote yes on these proposals and on what they go on as, until all is decided; returns
    what was decided last."""
    cast: set[int] = set()
    while True:
        voted = tuple(_gone_on(world, one) for one in voted)
        rows = {one.proposal: proposal_at(world.overlay(), one.proposal) for one in voted}
        going = {number: standing for number, (what, standing) in rows.items() if _is_undecided(what, standing)}
        if not going:
            for one in voted:
                _note_vote(world, one)
            return voted
        delayed = [standing.due for standing in going.values() if standing.status == Status.DELAY and standing.due]
        uncast = [n for n, standing in going.items() if Status(standing.status).takes_votes and n not in cast]
        closes = min((going[number].due for number in uncast), default=0)
        if delayed and (not uncast or max(delayed) < closes):
            forward(world, max(delayed) + 1, "voting opens", progress)
        elif uncast:
            _cast(world, [(number, rows[number][0]) for number in uncast])
            cast.update(uncast)
        else:
            _wait(world, going, progress)


def _is_undecided(what: Proposal, standing: Standing) -> bool:
    status = Status(standing.status)
    return not status.is_final and (status is not Status.TIMELOCK or bool(rules_of(what, standing).then))


def _gone_on(world: World, voted: Voted) -> Voted:
    """The vote that follows on one that is over, if there is one; what was counted in the first is noted."""
    _, standing = proposal_at(world.overlay(), voted.proposal)
    if not standing.goes_on:
        return voted
    _note_vote(world, voted)
    return Voted(standing.goes_on, voted.record)


def _cast(world: World, votes: list[tuple[int, Proposal]]) -> None:
    for number, what in votes:
        for operator in world.operators():
            args = CastVote(proposal=number, option="yes", bundle=what.bundle, effect=what.effect)
            world.host(operator, "governance.vote", args)
    while len(world.application.mempool):
        world.must()


def _wait(world: World, going: dict[int, Standing], progress: Progress) -> None:
    """Go on to the next height at which one of these may move; where all wait for a place, any proposal's."""
    due = min((standing.due for standing in going.values() if standing.due), default=0)
    second = all(standing.status == Status.TIMELOCK for standing in going.values())
    what = "a place in voting" if not due else "the second vote" if second else "voting closes"
    forward(world, max(due or pulse_of(world.overlay()).next_due, world.height + 1), what, progress)


def _note_vote(world: World, voted: Voted) -> None:
    what, standing = proposal_at(world.overlay(), voted.proposal)
    steps = [row for _, row in world.overlay().scan(PROPOSAL_HISTORY, (voted.proposal,))]
    opened = next((place for place, step in enumerate(steps) if step.status == Status.VOTING), None)
    if opened is None:
        return
    after = steps[opened:]
    confirming = [step.height for step in after if step.status == Status.CONFIRM]
    closing = next(step for step in after if not Status(step.status).takes_votes)
    approved = not Status(closing.status).is_final
    made = VoteRecord(
        proposal=voted.proposal,
        track=rules_of(what, standing).name,
        opened=standing.opened,
        confirming=confirming[-1] if confirming else 0,
        closed=closing.height,
        decided="approved" if approved else closing.reason,
        shares=_shares(what, standing, closing.height, approved),
    )
    voted.record.votes = (*voted.record.votes, made)


def _shares(what: Proposal, standing: Standing, closed: int, passed: bool) -> tuple[Share, ...]:
    tally, electors, track = standing.tally, standing.electors, rules_of(what, standing)
    look = outlook(what, standing, closed)
    deciding = tally.yes + tally.no + tally.veto
    return (
        share("quorum", turnout(tally, track), electors.power, look.quorum.numerator, look.quorum.denominator),
        share("yes", tally.yes, deciding, look.threshold.numerator, look.threshold.denominator),
        Share("veto", tally.veto, tally.counted, f"below {look.veto_limit}", passed),
        Share("voters", tally.voters, electors.voters, f"at least {track.min_voters}", passed),
    )


def share(name: str, part: int, whole: int, needed_part: int, needed_whole: int) -> Share:
    """A share and whether it reaches what it needs, exactly."""
    return Share(name, part, whole, f"{needed_part}/{needed_whole}", part * needed_whole >= whole * needed_part)


def activate(world: World, voted: Voted, progress: Progress) -> MadeBlock | None:
    """Wait out the timelock and the rehearsals, make the block at A, and note how the upgrade ended. None when it
    ended before A, at its gate."""
    record, made = voted.record, None
    plan_id = proposal_at(world.overlay(), voted.proposal)[1].plan
    record.activation = world.coordinator().plan(plan_id).activation
    while (plan := world.coordinator().plan(plan_id)).state in (WAITING, SCHEDULED):
        record.activation = plan.activation
        if plan.activation > world.height + 1:
            forward(world, _next_stop(world, plan_id, plan), "timelock", progress)
        else:
            world.traffic(3)
            made = world.block()
    record.ended, entry = ending(world, voted.proposal)
    record.outcome = "executed" if entry.kind == EXECUTED else "failed"
    record.reason, record.where = entry.reason, f"{entry.file}:{entry.line}" if entry.file else ""
    record.root_before, record.root_after = entry.root_before.hex(), entry.root_after.hex()
    record.attested = attested(world, plan_id)
    if made is not None:
        record.detail = made.prepared.opening.failure
        record.note_times(made)
    return made


def _next_stop(world: World, plan_id: int, plan: Plan) -> int:
    """The next height at which the plan may end, or take another activation."""
    row = world.overlay().get(READINESS, (plan_id,))
    gate = 0 if row is None else row.gate
    return gate if world.height < gate else plan.activation - 1


def ending(world: World, proposal: int) -> tuple[int, HistoryEntry]:
    """The height at which the plan of a proposal ended, and how."""
    rows = world.overlay().scan(HISTORY, reverse=True)
    return next((key[0], entry) for key, entry in rows if entry.proposal == proposal and entry.kind in ENDS_OF_WAITING)


def forward(world: World, height: int, waiting_for: str, progress: Progress) -> None:
    """Fast-forward, telling how far it is, and how far a rehearsal on the way is."""
    world.told.progress = progress
    world.forward(height, lambda reached: progress(waiting_for, reached, height))
