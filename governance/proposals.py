"""What can be proposed, and what is kept about a proposal.

A proposal has two rows. `Proposal` is what was proposed: written once, never changed, so that a vote can name it by
its digest. `Standing` is how far it has come: small, rewritten with every vote and every move. The electorate is
fixed when voting begins; `Standing.snapshot` is the height whose end it was fixed at.
"""

from __future__ import annotations

from hashlib import sha256

from governance.lifecycle import TAKES_VOTES, Status
from governance.tally import Electors, Tally
from governance.tracks import ChangeTracks, Track
from storage.codec import codec_of
from storage.record import Address, Amount, Data, Flag, Hash, Record, Text, Variant, case, field

_EFFECT_TAG = b"synod/effect of proposal/"


class UpgradePlan(Record):
    """What the proposer says about the way from one version to the next; checked against the bundle."""

    from_version: Text = field(1, default="")
    to_version: Text = field(2, default="")
    migration_names: tuple[Text, ...] = field(3, default=())
    estimated_duration: Amount = field(4, default=0)
    """In milliseconds, for people to compare with the rehearsals."""
    requires_pause: Flag = field(5, default=False)
    """The activating block does more than flip, so that the chain stands meanwhile; see runtime.bundle.upgrade."""


class RuntimeUpgrade(Record):
    """Run another bundle from a height on."""

    version: Text = field(1)
    code_hash: Hash = field(2)
    effect: Hash = field(3)
    """Digest of the effect on the runtime that runs when it is proposed."""
    activation_delay: Amount = field(4)
    """Blocks between approval and activation, at least the track's timelock."""
    plan: tuple[UpgradePlan, ...] = field(5, default=())
    """At most one."""
    modules: tuple[Text, ...] = field(6, default=())
    """Modules it is about, running or new; none named means the whole runtime."""


class NewValue(Record):
    """A parameter's value to be: ``number / per``, a plain integer where ``per`` is 0."""

    name: Text = field(1)
    number: Amount = field(2, default=0)
    per: Amount = field(3, default=0)


class ParameterChange(Record):
    """Set chain parameters, all of them or none."""

    values: tuple[NewValue, ...] = field(1)


class FeatureSwitch(Record):
    """Turn a feature on or off."""

    name: Text = field(1)
    on: Flag = field(2, default=False)


class TreasurySpend(Record):
    """Pay units out of the community pool."""

    recipient: Address = field(1)
    amount: Amount = field(2)


class Rollback(Record):
    """Return to the runtime and runtime state before the last upgrade, and replay what came after."""

    upgrade: Amount = field(1)
    """The proposal that brought the upgrade."""


class CancelUpgrade(Record):
    """End an approved upgrade before its activation."""

    upgrade: Amount = field(1)
    """The proposal whose plan ends."""


class Pause(Record):
    """Enter safe mode: runtime calls wait, governance acts."""

    until: Amount = field(1, default=0)
    """Last height at which they wait; 0 where only a vote ends it."""


class Resume(Record):
    """End a pause of the chain, or a module's isolation."""

    module: Text = field(1, default="")
    """Empty for the chain."""


class Isolate(Record):
    """Let nothing of one module run, while the rest goes on."""

    module: Text = field(1)
    until: Amount = field(2, default=0)
    """Last height of it; 0 where only a vote ends it."""


class AppointGuardian(Record):
    """Fill the guardian's post anew, or leave it empty."""

    guardian: tuple[Address, ...] = field(1, default=())
    """At most one; none leaves the post empty."""


class RestoreModule(Record):
    """Bring back what a module left behind when it was reinstalled; see `runtime.restoring`."""

    module: Text = field(1)
    backup: Hash = field(2)
    """The digest that names the data."""


class Statement(Record):
    """Words only: the electorate's opinion of the description."""


class AppointReviewers(Record):
    """Name the reviewers anew: those of before who are not among them are none any more."""

    reviewers: tuple[Address, ...] = field(1, default=())


class Message(Variant):
    """What a batch may hold: acts of one block."""

    parameter_change: ParameterChange = case(2)
    feature_flag: FeatureSwitch = case(3)
    treasury_spend: TreasurySpend = case(4)
    cancel_upgrade: CancelUpgrade = case(6)
    pause: Pause = case(7)
    resume: Resume = case(8)
    isolate: Isolate = case(10)
    guardian: AppointGuardian = case(11)
    tracks: ChangeTracks = case(13)
    reviewers: AppointReviewers = case(14)


class Batch(Record):
    """Several acts in their order, all of them or none."""

    messages: tuple[Message, ...] = field(1)


class Content(Variant):
    """The kinds of proposal."""

    runtime_upgrade: RuntimeUpgrade = case(1)
    parameter_change: ParameterChange = case(2)
    feature_flag: FeatureSwitch = case(3)
    treasury_spend: TreasurySpend = case(4)
    rollback: Rollback = case(5)
    cancel_upgrade: CancelUpgrade = case(6)
    pause: Pause = case(7)
    resume: Resume = case(8)
    text: Statement = case(9)
    isolate: Isolate = case(10)
    guardian: AppointGuardian = case(11)
    restore_module: RestoreModule = case(12)
    tracks: ChangeTracks = case(13)
    reviewers: AppointReviewers = case(14)
    batch: Batch = case(15)


class MaintenanceWindow(Record):
    """Heights between which operators should be at hand; both 0 when none is named."""

    opens: Amount = field(1, default=0)
    closes: Amount = field(2, default=0)


class Words(Record):
    """What a proposal tells people."""

    title: Text = field(1)
    description: Text = field(2, default="")
    risk_areas: tuple[Text, ...] = field(3, default=())
    links: tuple[Text, ...] = field(4, default=())
    window: MaintenanceWindow = field(5)


class Proposal(Record):
    """What was proposed. Never changed."""

    proposer: Address = field(1)
    submitted: Amount = field(2)
    content: Content = field(3)
    words: Words = field(4)
    track: Track = field(5)
    """The rules it began under; it keeps them."""
    bundle: Data = field(6, default=b"")
    """Code hash of an upgrade's bundle, empty for every other kind. A vote names it."""
    effect: Hash = field(7)
    """An upgrade's effect digest; for every other kind a digest of the content. A vote names it."""
    base: Data = field(8, default=b"")
    """Code hash of the runtime that an upgrade's effect was compared with, or that a module's data is to return to."""
    fallback: tuple[Track, ...] = field(9, default=())
    """The track whose rules go on where the vote fails on an expedited one."""
    follows: Amount = field(10, default=0)
    """The proposal whose approval put the same content to this second vote."""
    breaking: Flag = field(11, default=False)
    """An upgrade that was proposed on the breaking track, so that it may be breaking or without a way back."""
    after: Amount = field(12, default=0)
    """The proposal that must have taken effect before this one does; 0 for none."""


class Standing(Record):
    """How far a proposal has come. Heights are 0 until they are known."""

    status: Text = field(1)
    due: Amount = field(2, default=0)
    """Height at whose end the next move is due; 0 when none is."""
    gathered: Amount = field(3, default=0)
    """Units of deposit held for it."""
    depositors: Amount = field(4, default=0)
    opened: Amount = field(5, default=0)
    """First height at which votes count."""
    closes: Amount = field(6, default=0)
    """Last height at which votes count."""
    snapshot: Amount = field(7, default=0)
    electors: Electors = field(8)
    tally: Tally = field(9)
    effective: Amount = field(10, default=0)
    """Height at which an approved proposal takes effect, at the earliest."""
    expires: Amount = field(11, default=0)
    """Last height at which an approved act is tried."""
    plan: Amount = field(12, default=0)
    """The coordinator's plan of an approved upgrade, or of a module's data that is to return."""
    ended: Amount = field(13, default=0)
    reason: Text = field(14, default="")
    """Why it went the way it went, a stable code."""
    steps: Amount = field(15, default=0)
    """Rows in its history."""
    urgent: Flag = field(16, default=False)
    """On an urgent track: its moves are never put off for others."""
    confirms: Amount = field(17, default=0)
    """Last height of the confirm period that it began last; 0 again where it fell in it."""
    extended: Flag = field(18, default=False)
    """Its vote was extended, which happens once, or its quorum reached, where that is what extends it."""
    turned: Flag = field(19, default=False)
    """Its expedited vote has failed: the fallback's rules hold."""
    participation: Amount = field(20, default=0)
    """The moving average of participation when its vote opened, in ten-thousandths."""
    initial: Amount = field(21, default=0)
    """Units that came with the proposal itself."""
    reviews: Amount = field(22, default=0)
    """Reviewers who have approved it."""
    implemented: Amount = field(23, default=0)
    """Yes power that has approved it once more, after its review."""
    refunded: Amount = field(24, default=0)
    burned: Amount = field(25, default=0)
    """What became of its deposit."""
    verified: Amount = field(26, default=0)
    """Height at which what it did was found good: of an upgrade, after its probation."""
    closed: Amount = field(27, default=0)
    """Height at which nothing could become of it any more."""
    queued: Amount = field(28, default=0)
    """Since when it waits for a place in voting; 0 where it does not."""
    placed: Flag = field(29, default=False)
    """It has a place in voting on its track."""
    goes_on: Amount = field(30, default=0)
    """The second vote that its approval began; what it is about happens when that one takes effect."""

    def is_open(self, height: int) -> bool:
        """Whether a vote at ``height`` counts."""
        last = self.confirms if self.status == Status.CONFIRM else self.closes
        return self.status in TAKES_VOTES and height <= last


class Step(Record):
    """One thing that happened to a proposal; appended, never changed."""

    height: Amount = field(1)
    status: Text = field(2)
    reason: Text = field(3, default="")


def rules_of(what: Proposal, standing: Standing) -> Track:
    """The rules in force for a proposal: those it began under, or those that its expedited vote turned into."""
    return what.fallback[0] if standing.turned else what.track


def acts_of(content: Record) -> tuple[Record, ...]:
    """What a proposal would do, each act by itself: the messages of a batch, else the content."""
    return tuple(message.value for message in content.messages) if isinstance(content, Batch) else (content,)


def said_digest(content: Record, words: Words) -> bytes:
    """What a vote names as the effect of a proposal that is no upgrade, and what it is told by when it is made again: a
    digest of its content, and of the words of one that has nothing else."""
    digest = content_digest(content)
    return sha256(digest + codec_of(Words).encode(words)).digest() if isinstance(content, Statement) else digest


def content_digest(content: Record) -> bytes:
    """A digest of what a proposal would do."""
    return sha256(_EFFECT_TAG + kind_of(content).encode() + b"/" + codec_of(type(content)).encode(content)).digest()


def kind_of(content: Record) -> str:
    """The kind's name: ``runtime_upgrade``, ``text``, ..."""
    return KIND_NAMES[type(content)]


KIND_NAMES: dict[type[Record], str] = {
    RuntimeUpgrade: "runtime_upgrade",
    ParameterChange: "parameter_change",
    FeatureSwitch: "feature_flag",
    TreasurySpend: "treasury_spend",
    Rollback: "rollback",
    CancelUpgrade: "cancel_upgrade",
    Pause: "pause",
    Resume: "resume",
    Statement: "text",
    Isolate: "isolate",
    AppointGuardian: "guardian",
    RestoreModule: "restore_module",
    ChangeTracks: "tracks",
    AppointReviewers: "reviewers",
    Batch: "batch",
}
ROUTED_KINDS: tuple[str, ...] = tuple(name for kind, name in KIND_NAMES.items() if kind is not Batch)
"""Kinds that have tracks of their own; a batch takes one that each of its messages may take."""

WITH_POWER_BEFORE_UPGRADE: frozenset[type[Record]] = frozenset({Rollback, CancelUpgrade, Pause, Isolate, Resume})
"""Kinds whose votes take the power of A-1 while an upgrade can be rolled back: the new runtime has no say in them.
Resuming is one, since a pause that those could end whom the new runtime gave power would be none."""
