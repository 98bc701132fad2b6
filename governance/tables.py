"""Every table of governance: host tables, written by this room only, out of reach of bundles and of rollbacks.

| table | key | holds |
|---|---|---|
| governance.proposals | proposal | what was proposed |
| governance.standings | proposal | how far it has come |
| governance.votes | proposal, voter | a voter's present vote |
| governance.large_votes | proposal, voter | votes that the track which their proposal may turn to cuts otherwise |
| governance.overrides | proposal, validator | what delegators took out of its power by voting themselves |
| governance.proxies | account | who may cast its votes |
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
| governance.power | validator | its power now, and since when |
| governance.power_before | validator, height | its power from the end of that height on, where a vote counts by it |
| governance.stakes | delegator | what he delegates now, and since when |
| governance.stakes_before | delegator, height | what he delegated from then on, where a vote counts by it |
| governance.electors | height | all power from the end of that height on |
| governance.power_queue | height, kind, address | power changes waiting to be copied |
| governance.readiness | plan | how far its rehearsals are |
| governance.attestations | plan, round, validator | a validator's latest word in a round |
| governance.rehearsal_results | plan, result | what a rehearsal came to |
| governance.counters, guardian, pins, pulse, ledger, participation | - | one row each |
"""

from __future__ import annotations

from typing import Any

from governance.attestations import Attestation, Readiness, RehearsalResult
from governance.ballots import Vote
from governance.proposals import Proposal, Standing, Step
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
    """Uploads of publishers who are no validators."""


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
    """It takes one of the places that publishers share who are no validators."""


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
    """A validator's power in units, and the shares it is divided into; both 0 while it is not bonded."""

    power: Amount = field(1, default=0)
    shares: Amount = field(2, default=0)
    since: Amount = field(3, default=0)
    """The height from whose end on it was so."""
    earlier: Flag = field(4, default=False)
    """There are rows of heights before that."""


class Delegated(Record):
    """What one delegator holds of one validator."""

    validator: Address = field(1)
    shares: Amount = field(2)


class Stake(Record):
    """All that a delegator holds of others, by validator's address; never of itself, which is the validator's."""

    parts: tuple[Delegated, ...] = field(1, default=())
    since: Amount = field(2, default=0)
    earlier: Flag = field(3, default=False)


class Override(Record):
    """A validator as one proposal counts it, once one of its delegators has voted himself."""

    power: Amount = field(1)
    """Its tokens at the snapshot."""
    shares: Amount = field(2)
    taken: Amount = field(3, default=0)
    """Units of its power that delegators have voted themselves; never more than it has."""


class Proxy(Record):
    """Who may cast an account's votes."""

    proxy: Address = field(1)
    since: Amount = field(2)


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
    """0: changes are followed; 1 and 3: the validators table, then that of delegations is read again; 2 and 4: those
    who left it are looked for."""
    cursor: Data = field(4, default=b"")
    """The last address that the present phase has looked at."""
    next_upload_end: Amount = field(5, default=0)
    """Earliest height at which an upload may end; 0 when there is none."""
    places_from: Amount = field(6, default=0)
    """The height from which a change of rules may have brought places in voting; 0 when none has."""


PROPOSALS = host_table("governance.proposals", Proposal, key=("amount",), names=("proposal",))
STANDINGS = host_table("governance.standings", Standing, key=("amount",), names=("proposal",))
VOTES = host_table("governance.votes", Vote, key=("amount", "address"), names=("proposal", "voter"))
OVERRIDES = host_table(
    "governance.overrides", Override, key=("amount", "address"), names=("proposal", "validator")
)
LARGE_VOTES = host_table("governance.large_votes", Mark, key=("amount", "address"), names=("proposal", "voter"))
PROXIES = host_table("governance.proxies", Proxy, names=("account",))
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
POWER = host_table("governance.power", Power, names=("validator",))
POWER_BEFORE = host_table("governance.power_before", Power, key=("address", "amount"), names=("validator", "height"))
STAKES = host_table("governance.stakes", Stake, names=("delegator",))
STAKES_BEFORE = host_table("governance.stakes_before", Stake, key=("address", "amount"), names=("delegator", "height"))
ELECTORS = host_table("governance.electors", Electors, key=("amount",), names=("height",))
POWER_QUEUE = host_table(
    "governance.power_queue", Mark, key=("amount", "amount", "address"), names=("height", "kind", "address")
)
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
    OVERRIDES,
    LARGE_VOTES,
    PROXIES,
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
    POWER_BEFORE,
    STAKES,
    STAKES_BEFORE,
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
