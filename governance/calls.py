"""The host calls of governance: publish a chunk, propose, deposit, vote, cancel, attest; the guardian's own three.

A call that is refused leaves nothing: the executor undoes whatever it wrote up to there. Calls pay no runtime fee and
run whatever the bundle does; a sender may make `calls_per_block` of them in a block, refused ones counted.
"""

from __future__ import annotations

from governance import gates, guardian
from governance.admission import Admission, admit
from governance.attestations import Attest
from governance.ballots import Split
from governance.bars import reaches
from governance.casting import cast
from governance.deposits import least_at_submission, take
from governance.electorate import electors_at, voting_power_at
from governance.errors import need
from governance.fitting import BREAKING
from governance.gates import Approve
from governance.lifecycle import Move, Status, can
from governance.progress import advance, begin, keep, proposal_at, require_room
from governance.proposals import (
    Content,
    MaintenanceWindow,
    Proposal,
    RuntimeUpgrade,
    Standing,
    Words,
    said_digest,
)
from governance.proxies import NameProxy, VoteFor, name_proxy, steps_to
from governance.rehearsals import attest
from governance.relaying import RelayedVote, relay
from governance.stages import last_vote
from governance.tables import COOLING
from governance.tally import Electors, Tally
from governance.tracks import Track
from governance.tracktable import track_name, track_now
from governance.uploads import receive
from governance.voting import snapshot_height
from runtime.errors import HostRefused
from runtime.host import HostCall, HostContext
from storage.record import Amount, Data, Hash, Record, Text, field

MODULE = "governance"
LONGEST_TITLE = 140
LONGEST_DESCRIPTION = 10_000
LONGEST_ITEM = 500
MOST_ITEMS = 20


class PublishChunk(Record):
    """One piece of a bundle's archive, under the hash of the whole."""

    code_hash: Hash = field(1)
    index: Amount = field(2, default=0)
    total: Amount = field(3)
    data: Data = field(4)


class Propose(Record):
    """A new proposal with the deposit that comes with it, in units."""

    title: Text = field(1)
    content: Content = field(2)
    description: Text = field(3, default="")
    deposit: Amount = field(4, default=0)
    track: Text = field(5, default="")
    """Empty for the track its kind takes."""
    risk_areas: tuple[Text, ...] = field(6, default=())
    links: tuple[Text, ...] = field(7, default=())
    window: MaintenanceWindow = field(8)
    after: Amount = field(9, default=0)
    """The proposal that must have taken effect before this one does; upgrades take effect in order of approval."""


class AddDeposit(Record):
    """Units towards a draft's deposit; what is too much stays in the purse."""

    proposal: Amount = field(1)
    amount: Amount = field(2)


class CastVote(Record):
    """A vote, or a change of one; it names what is voted on."""

    proposal: Amount = field(1)
    option: Text = field(2, default="")
    """Empty where the vote is split."""
    bundle: Data = field(3, default=b"")
    """Code hash of the proposed bundle; empty when the proposal has none."""
    effect: Hash = field(4)
    split: Split = field(5, default=())
    """Several options with their weights; see governance.ballots."""


class Cancel(Record):
    """The proposer's withdrawal, or the guardian's cancellation."""

    proposal: Amount = field(1)


class GuardianPause(Record):
    """The guardian's pause of the chain."""

    until: Amount = field(1, default=0)
    """Its last height; 0 for the last one that the guardian's term has."""


class GuardianIsolate(Record):
    """The guardian's isolation of one module."""

    module: Text = field(1)
    until: Amount = field(2, default=0)
    """Its last height; 0 for the last one that the guardian's term has."""


def publish_chunk(context: HostContext, args: PublishChunk) -> None:
    """Keep a chunk of a bundle to be proposed; see `governance.uploads` for who may, how much and how long."""
    _count_call(context)
    receive(context, args.code_hash, args.index, args.total, args.data)


def propose(context: HostContext, args: Propose) -> None:
    """Submit a proposal; with its whole deposit (or on the emergency track) its delay begins at once."""
    _count_call(context)
    words = _words(context, args)
    content = args.content.value
    name = track_name(context.overlay, args.track, content)
    track = track_now(context.overlay, context.parameters, name)
    require_room(context, track.urgent)
    _require_predecessor(context, args)
    _require_standing(context, args, track)  # before a bundle is examined, which is the costly part
    admission = admit(context, content, track)
    if admission.needs_more_votes and name != BREAKING:
        need(not args.track, "breaking_track_needed")
        track = track_now(context.overlay, context.parameters, BREAKING)
        _require_standing(context, args, track)
    what = _proposal(context, args, words, track, admission)
    _require_cooled(context, what)
    _submit(context, what, min(args.deposit, track.deposit))


def add_deposit(context: HostContext, args: AddDeposit) -> None:
    """Add to a draft's deposit; with the last unit its delay begins."""
    _count_call(context)
    what, standing = proposal_at(context.overlay, args.proposal)
    is_draft = standing.status == Status.DEPOSIT
    need(is_draft, "not_in_deposit", proposal=args.proposal, status=standing.status)
    need(args.amount > 0, "no_coins")
    amount = min(args.amount, what.track.deposit - standing.gathered)
    standing = take(context, args.proposal, standing, amount)
    if standing.gathered < what.track.deposit:
        keep(context, args.proposal, standing)
    else:
        _fund(context, args.proposal, what, standing)


def vote(context: HostContext, args: CastVote) -> None:
    """Vote, or change one's vote, until the close; power counts as of the height voting began."""
    _count_call(context)
    cast(context, context.sender, args)


def vote_for(context: HostContext, args: VoteFor) -> None:
    """Vote as the proxy of another account; see `governance.proxies` for whose word counts."""
    _count_call(context)
    steps = steps_to(context.overlay, args.voter, context.sender)
    need(steps > 0, "not_the_proxy", voter=args.voter)
    cast(context, args.voter, args, steps)


def relay_vote(context: HostContext, args: RelayedVote) -> None:
    """Bring a vote that its voter signed; see `governance.relaying`."""
    _count_call(context)
    relay(context, args)


def set_proxy(context: HostContext, args: NameProxy) -> None:
    """Name a proxy, or take the right back."""
    _count_call(context)
    need(len(args.proxy) <= 1, "one_proxy")
    name_proxy(context, args.proxy[0] if args.proxy else b"")


def cancel(context: HostContext, args: Cancel) -> None:
    """Withdraw a proposal before its vote closes. Once veto has reached its share, that burns the deposit as well."""
    _count_call(context)
    what, standing = proposal_at(context.overlay, args.proposal)
    need(what.proposer == context.sender, "not_the_proposer", proposal=args.proposal)
    may = can(Status(standing.status), Move.WITHDRAWN)
    need(may, "too_late_to_cancel", proposal=args.proposal, status=standing.status)
    advance(context, args.proposal, what, standing, Move.WITHDRAWN, "withdrawn")


def attest_rehearsal(context: HostContext, args: Attest) -> None:
    """Say what one's own node's rehearsal of the pending plan came to."""
    _count_call(context)
    attest(context, args)


def guardian_cancel(context: HostContext, args: Cancel) -> None:
    """The guardian ends a proposal before its effect; see `governance.guardian` for which, and how many."""
    _count_call(context)
    guardian.cancel(context, args.proposal)


def guardian_pause(context: HostContext, args: GuardianPause) -> None:
    """The guardian pauses the chain for a bounded time."""
    _count_call(context)
    guardian.pause(context, args.until)


def guardian_isolate(context: HostContext, args: GuardianIsolate) -> None:
    """The guardian isolates one module for a bounded time."""
    _count_call(context)
    guardian.isolate(context, args.module, args.until)


def review(context: HostContext, args: Approve) -> None:
    """A reviewer approves what was voted for; see `governance.gates`."""
    _count_call(context)
    gates.review(context, args)


def approve_implementation(context: HostContext, args: Approve) -> None:
    """A yes voter approves what was reviewed."""
    _count_call(context)
    gates.approve_implementation(context, args)


CALLS: tuple[HostCall, ...] = (
    HostCall(MODULE, "publish_chunk", PublishChunk, publish_chunk),
    HostCall(MODULE, "propose", Propose, propose),
    HostCall(MODULE, "deposit", AddDeposit, add_deposit),
    HostCall(MODULE, "vote", CastVote, vote),
    HostCall(MODULE, "vote_for", VoteFor, vote_for),
    HostCall(MODULE, "relay_vote", RelayedVote, relay_vote),
    HostCall(MODULE, "name_proxy", NameProxy, set_proxy),
    HostCall(MODULE, "cancel", Cancel, cancel),
    HostCall(MODULE, "attest", Attest, attest_rehearsal),
    HostCall(MODULE, "review", Approve, review),
    HostCall(MODULE, "approve_implementation", Approve, approve_implementation),
    HostCall(MODULE, "guardian_cancel", Cancel, guardian_cancel),
    HostCall(MODULE, "guardian_pause", GuardianPause, guardian_pause),
    HostCall(MODULE, "guardian_isolate", GuardianIsolate, guardian_isolate),
)


def _count_call(context: HostContext) -> None:
    calls = context.efforts.get(context.sender, 0)
    most = context.parameters.integer("calls_per_block")
    need(calls < most, "too_many_calls", most=most)
    context.efforts[context.sender] = calls + 1


def _words(context: HostContext, args: Propose) -> Words:
    need(0 < len(args.title) <= LONGEST_TITLE, "no_title", most=LONGEST_TITLE)
    need(len(args.description) <= LONGEST_DESCRIPTION, "too_long", what="the description", most=LONGEST_DESCRIPTION)
    for what, items in (("risk_areas", args.risk_areas), ("links", args.links)):
        need(len(items) <= MOST_ITEMS, "too_many_items", what=what, most=MOST_ITEMS)
        need(all(len(item) <= LONGEST_ITEM for item in items), "too_long", what=f"each of {what}", most=LONGEST_ITEM)
    window = args.window
    is_none = window.opens == window.closes == 0
    need(is_none or context.height < window.opens < window.closes, "bad_window", height=context.height)
    return Words(
        title=args.title, description=args.description, risk_areas=args.risk_areas, links=args.links, window=window
    )


def _require_standing(context: HostContext, args: Propose, track: Track) -> None:
    """Refuse a proposer without enough deposit, or without enough power, on a track that asks for it."""
    least = least_at_submission(track)
    need(args.deposit >= least, "deposit_too_small", least=least)
    need(args.deposit == 0 or track.deposit > 0, "no_deposit_here", track=track.name)
    taken, balance = min(args.deposit, track.deposit), context.purse.balance(context.sender)
    if balance < taken:
        raise HostRefused("insufficient_funds", f"the purse holds {balance} units, the deposit is {taken}")
    if not track.power_floor.part:
        return
    height = snapshot_height(context, args.content.value)
    power = voting_power_at(context.overlay, context.sender, height)
    enough = power > 0 and reaches(power, electors_at(context.overlay, height).power, track.power_floor)
    floor = f"{track.power_floor.part}/{track.power_floor.whole}"
    need(enough, "below_power_floor", track=track.name, floor=floor)


def _proposal(context: HostContext, args: Propose, words: Words, track: Track, admission: Admission) -> Proposal:
    return Proposal(
        proposer=context.sender,
        submitted=context.height,
        content=args.content,
        words=words,
        track=track,
        bundle=admission.bundle,
        effect=admission.effect or said_digest(args.content.value, words),
        base=admission.base,
        fallback=_fallback(context, track),
        breaking=track.name == BREAKING,
        after=args.after,
    )


def _require_predecessor(context: HostContext, args: Propose) -> None:
    """Refuse a predecessor that cannot take effect any more, and one of an upgrade."""
    if args.after:
        proposal, standing = last_vote(context.overlay, args.after)
        may = standing.status == Status.EXECUTED or not Status(standing.status).is_final
        need(may, "predecessor_over", proposal=proposal, status=standing.status)
        need(not isinstance(args.content.value, RuntimeUpgrade), "upgrades_queue")


def _fallback(context: HostContext, track: Track) -> tuple[Track, ...]:
    return (track_now(context.overlay, context.parameters, track.turns_into),) if track.turns_into else ()


def _require_cooled(context: HostContext, what: Proposal) -> None:
    """Refuse a content that failed not long ago."""
    failed = context.overlay.get(COOLING, (said_digest(what.content.value, what.words),))
    again = 0 if failed is None else failed.since + what.track.cooldown
    need(context.height >= again, "failed_lately", again=again)


def _submit(context: HostContext, what: Proposal, deposit: int) -> None:
    standing = Standing(
        status=Status.DEPOSIT.value, electors=Electors(), tally=Tally(), urgent=what.track.urgent, initial=deposit
    )
    proposal, standing = begin(context, what, standing, due=context.height + what.track.deposit_period)
    if deposit:
        standing = take(context, proposal, standing, deposit)
        keep(context, proposal, standing)
    if standing.gathered >= what.track.deposit:
        _fund(context, proposal, what, standing)


def _fund(context: HostContext, proposal: int, what: Proposal, standing: Standing) -> None:
    due = context.height + what.track.delay
    advance(context, proposal, what, standing, Move.FUNDED, "funded", due=due)
