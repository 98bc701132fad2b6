"""One governed upgrade, lived through: publish, propose, vote, wait, rehearse, activate.

The validators of the genesis vote yes with their own keys. Everything goes through transactions; nothing is written
past the rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from governance.admission import plan_of
from governance.calls import CastVote, Propose, PublishChunk
from governance.judging import turnout
from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.proposals import Content, MaintenanceWindow, Proposal, RuntimeUpgrade, Standing, rules_of
from governance.reading import outlook
from governance.tables import READINESS
from node.rehearsal.attested import attested
from node.rehearsal.record import Share, UpgradeRecord
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
    """A proposal whose voting has been played to its close."""

    proposal: int
    record: UpgradeRecord


def propose(world: World, bundle: Bundle, title: str) -> Voted:
    """Publish a bundle and propose it with its deposit; raises BundleRefused or HostRefused with the rule it breaks."""
    running = world.application.chain.loaded.declaration
    declaration, effect = examine(bundle, running, chain=world.genesis.chain_name, host_release=RELEASE)
    proposer = world.richest_operator()
    publish(world, bundle, proposer)
    content = RuntimeUpgrade(
        version=str(declaration.manifest.version),
        code_hash=bundle.code_hash,
        effect=effect.digest,
        activation_delay=world.parameter("timelock_delay"),
        plan=(plan_of(running, declaration),),
    )
    deposit = world.parameter("min_deposit")
    proposal = Propose(title=title, content=Content.of(content), deposit=deposit, window=MaintenanceWindow())
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


def vote(world: World, voted: tuple[Voted, ...], progress: Progress) -> None:
    """Let every bonded validator vote yes on these proposals, and wait for the close."""
    rows = {one.proposal: proposal_at(world.overlay(), one.proposal) for one in voted}
    waiting = [standing.due for _, standing in rows.values() if standing.status == Status.DELAY]
    forward(world, max((*waiting, world.height)) + 1, "voting opens", progress)
    for one in voted:
        what, _ = rows[one.proposal]
        for operator in world.operators():
            args = CastVote(proposal=one.proposal, option="yes", bundle=what.bundle, effect=what.effect)
            world.host(operator, "governance.vote", args)
    while len(world.application.mempool):
        world.must()
    closes = max(proposal_at(world.overlay(), one.proposal)[1].due for one in voted)
    forward(world, closes, "voting closes", progress)
    for one in voted:
        _note_vote(one.record, *proposal_at(world.overlay(), one.proposal))


def _note_vote(record: UpgradeRecord, what: Proposal, standing: Standing) -> None:
    tally, electors, track = standing.tally, standing.electors, rules_of(what, standing)
    look = outlook(what, standing)
    record.opened, record.closed = standing.opened, standing.closes
    passed = standing.status == Status.TIMELOCK
    deciding = tally.yes + tally.no + tally.veto
    record.shares = (
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
