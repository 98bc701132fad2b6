"""Every table of governance: host tables, written by this room only, out of reach of bundles and of rollbacks.

| table | key | holds |
|---|---|---|
| governance.proposals | proposal | what was proposed |
| governance.standings | proposal | how far it has come |
| governance.votes | proposal, voter | a voter's present vote |
| governance.deposits | proposal, depositor | units held for it |
| governance.history | proposal, step | what happened to it |
| governance.due | lane, height, proposal | at whose end something is due |
| governance.emergencies | proposer | its open emergency proposal |
| governance.proposers | proposer | how many of its proposals are open |
| governance.tracks | name | a track's rules |
| governance.routes | kind | the tracks that a kind of proposal may take |
| governance.track_states | name | how many of its proposals are open, and how many in voting |
| governance.waiting | track, since, proposal | proposals that wait for a place in voting |
| governance.cooling | digest | when a content failed last |
| governance.reviewers | reviewer | who may review |
| governance.reviews | proposal, reviewer | an approval |
| governance.implementations | proposal, voter | a yes voter's approval of what was reviewed |
| governance.uploads | publisher | the bundle it is uploading |
| governance.upload_chunks | publisher, index | what of it is there |
| governance.upload_ends | height, publisher | the last height of an upload |
| governance.bundle_uses | code hash | what needs a stored bundle |
| governance.power | voter, height | power from the end of that height on |
| governance.electors | height | all power from the end of that height on |
| governance.power_queue | height, voter | power changes waiting to be copied |
| governance.readiness | plan | how far its rehearsals are |
| governance.attestations | plan, round, validator | a validator's latest word in a round |
| governance.rehearsal_results | plan, result | what a rehearsal came to |
| governance.counters, guardian, pins, pulse, ledger, participation | - | one row each |
"""

from __future__ import annotations

from typing import Any

from governance.attestations import Attestation, Readiness, RehearsalResult
from governance.proposals import Proposal, Standing, Step, Vote
from governance.tally import Electors
from governance.tracks import TrackRow
from runtime.bundles import Chunk
from storage.record import Address, Amount, Data, Flag, Hash, Record, Text, field
from storage.tables import Table, host_table


class Deposit(Record):
    """Units one depositor has in the ledger for one proposal."""

    amount: Amount = field(1)


class Ledger(Record):
    """All deposits ever: what is held now, and where the rest went. Held + refunded + burned = taken."""

    taken: Amount = field(1, default=0)
    held: Amount = field(2, default=0)
    refunded: Amount = field(3, default=0)
    burned: Amount = field(4, default=0)


class Counters(Record):
    """Numbers that a submission looks at."""

    last: Amount = field(1, default=0)
    """The highest proposal id given out; ids begin at 1."""
    open: Amount = field(2, default=0)
    """Proposals that have not ended, emergencies not counted."""
    shared_uploads: Amount = field(3, default=0)
    """Uploads of publishers without voting power."""


class Guardian(Record):
    """Who may stop things at once, and how much of its time it has used; no row while the post is empty."""

    address: Address = field(1)
    term_ends: Amount = field(2, default=0)
    """Last height of its present or last term; all that it stopped runs again after it. 0 before its first."""
    rests_until: Amount = field(3, default=0)
    """The first height at which it may begin another term."""
    cancels_since: Amount = field(4, default=0)
    """The height from which its cancellations are counted."""
    cancelled: Amount = field(5, default=0)


class Mark(Record):
    """A row whose key says all but the height it was written at."""

    since: Amount = field(1, default=0)


class OpenEmergency(Record):
    """The open emergency proposal of a proposer."""

    proposal: Amount = field(1)


class Route(Record):
    """The tracks that a kind of proposal may take; the first is taken when a proposal names none."""

    tracks: tuple[Text, ...] = field(1)


class TrackState(Record):
    """How busy a track is."""

    open: Amount = field(1, default=0)
    """Proposals that have not ended."""
    voting: Amount = field(2, default=0)
    """Those of them whose votes count now."""


class Participation(Record):
    """The moving average of participation of votes on tracks whose quorum follows it."""

    average: Amount = field(1, default=0)
    """In ten-thousandths."""


class Approval(Record):
    """A reviewer's, or a yes voter's, approval."""

    height: Amount = field(1)
    power: Amount = field(2, default=0)
    """Counted power of a yes voter; 0 of a reviewer."""


class Upload(Record):
    """The bundle that a publisher is uploading."""

    code_hash: Hash = field(1)
    total: Amount = field(2)
    """Chunks that it has in all."""
    ends: Amount = field(3)
    """Last height at which it can be proposed."""
    shared: Flag = field(4, default=False)
    """It takes one of the places that publishers without voting power share."""


class BundleUse(Record):
    """What needs the bytes of a bundle."""

    proposals: Amount = field(1, default=0)
    """Open proposals that name it."""
    kept: Flag = field(2, default=False)
    """A plan named it, or the chain began with it: its bytes stay."""


class Proposer(Record):
    """A proposer's open proposals, emergencies not counted."""

    open: Amount = field(1, default=0)


class Power(Record):
    """A voter's power in units."""

    power: Amount = field(1, default=0)


class Pins(Record):
    """Snapshot heights that open votes count by, ascending, one entry a vote."""

    heights: tuple[Amount, ...] = field(1, default=())


class Pulse(Record):
    """The one row that every block reads: whether anything waits to be done."""

    next_due: Amount = field(1, default=0)
    """Earliest height at which a proposal is due; 0 when none is."""
    waiting: Amount = field(2, default=0)
    """Rows in the power queue."""
    phase: Amount = field(3, default=0)
    """0: changes are followed; 1: the validators table is read again; 2: voters who left it are looked for."""
    cursor: Data = field(4, default=b"")
    """The last address that the present phase has looked at."""
    next_upload_end: Amount = field(5, default=0)
    """Earliest height at which an upload may end; 0 when there is none."""


PROPOSALS = host_table("governance.proposals", Proposal, key=("amount",), names=("proposal",))
STANDINGS = host_table("governance.standings", Standing, key=("amount",), names=("proposal",))
VOTES = host_table("governance.votes", Vote, key=("amount", "address"), names=("proposal", "voter"))
DEPOSITS = host_table("governance.deposits", Deposit, key=("amount", "address"), names=("proposal", "depositor"))
HISTORY = host_table("governance.history", Step, key=("amount", "amount"), names=("proposal", "step"))
DUE = host_table("governance.due", Mark, key=("amount", "amount", "amount"), names=("lane", "height", "proposal"))
EMERGENCIES = host_table("governance.emergencies", OpenEmergency, names=("proposer",))
PROPOSERS = host_table("governance.proposers", Proposer, names=("proposer",))
TRACKS = host_table("governance.tracks", TrackRow, key=("text",), names=("name",))
ROUTES = host_table("governance.routes", Route, key=("text",), names=("kind",))
TRACK_STATES = host_table("governance.track_states", TrackState, key=("text",), names=("name",))
WAITING = host_table(
    "governance.waiting", Mark, key=("text", "amount", "amount"), names=("track", "since", "proposal")
)
COOLING = host_table("governance.cooling", Mark, key=("hash",), names=("digest",))
REVIEWERS = host_table("governance.reviewers", Mark, names=("reviewer",))
REVIEWS = host_table("governance.reviews", Approval, key=("amount", "address"), names=("proposal", "reviewer"))
IMPLEMENTATIONS = host_table(
    "governance.implementations", Approval, key=("amount", "address"), names=("proposal", "voter")
)
PARTICIPATION = host_table("governance.participation", Participation, key=(), names=())
UPLOADS = host_table("governance.uploads", Upload, names=("publisher",))
UPLOAD_CHUNKS = host_table("governance.upload_chunks", Chunk, key=("address", "amount"), names=("publisher", "index"))
UPLOAD_ENDS = host_table("governance.upload_ends", Mark, key=("amount", "address"), names=("height", "publisher"))
BUNDLE_USES = host_table("governance.bundle_uses", BundleUse, key=("hash",), names=("code_hash",))
POWER = host_table("governance.power", Power, key=("address", "amount"), names=("voter", "height"))
ELECTORS = host_table("governance.electors", Electors, key=("amount",), names=("height",))
POWER_QUEUE = host_table("governance.power_queue", Mark, key=("amount", "address"), names=("height", "voter"))
READINESS = host_table("governance.readiness", Readiness, key=("amount",), names=("plan",))
ATTESTATIONS = host_table(
    "governance.attestations", Attestation, key=("amount", "amount", "address"), names=("plan", "round", "validator")
)
RESULTS = host_table("governance.rehearsal_results", RehearsalResult, key=("amount", "hash"), names=("plan", "result"))
GUARDIAN = host_table("governance.guardian", Guardian, key=(), names=())
COUNTERS = host_table("governance.counters", Counters, key=(), names=())
PINS = host_table("governance.pins", Pins, key=(), names=())
PULSE = host_table("governance.pulse", Pulse, key=(), names=())
LEDGER = host_table("governance.ledger", Ledger, key=(), names=())

TABLES: tuple[Table[Any], ...] = (
    PROPOSALS,
    STANDINGS,
    VOTES,
    DEPOSITS,
    HISTORY,
    DUE,
    EMERGENCIES,
    PROPOSERS,
    TRACKS,
    ROUTES,
    TRACK_STATES,
    WAITING,
    COOLING,
    REVIEWERS,
    REVIEWS,
    IMPLEMENTATIONS,
    PARTICIPATION,
    UPLOADS,
    UPLOAD_CHUNKS,
    UPLOAD_ENDS,
    BUNDLE_USES,
    POWER,
    ELECTORS,
    POWER_QUEUE,
    READINESS,
    ATTESTATIONS,
    RESULTS,
    COUNTERS,
    GUARDIAN,
    PINS,
    PULSE,
    LEDGER,
)
