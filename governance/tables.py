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
| governance.publishers | publisher | the bundle it is uploading |
| governance.power | voter, height | power from the end of that height on |
| governance.electors | height | all power from the end of that height on |
| governance.power_queue | height, voter | power changes waiting to be copied |
| governance.registry | module | what may be proposed about it |
| governance.readiness | plan | how far its rehearsals are |
| governance.attestations | plan, round, validator | a validator's latest word in a round |
| governance.rehearsal_results | plan, result | what a rehearsal came to |
| governance.counters, pins, pulse, ledger | - | one row each |
"""

from __future__ import annotations

from typing import Any

from governance.attestations import Attestation, Readiness, RehearsalResult
from governance.proposals import Proposal, Standing, Step, Vote
from governance.tally import Electors
from storage.record import Amount, Data, Hash, Record, Text, field
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


class Mark(Record):
    """A row whose key says all but the height it was written at."""

    since: Amount = field(1, default=0)


class OpenEmergency(Record):
    """The open emergency proposal of a proposer."""

    proposal: Amount = field(1)


class Upload(Record):
    """The bundle that a publisher is uploading."""

    code_hash: Hash = field(1)


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


class ModuleEntry(Record):
    """What may be proposed about a module, and who approved it."""

    version: Text = field(1)
    schema: Amount = field(2, default=0)
    """Schema number of a bundle's module; 0 for the host's own."""
    parameters: tuple[Text, ...] = field(3, default=())
    features: tuple[Text, ...] = field(4, default=())
    proposal: Amount = field(5, default=0)
    """The proposal that approved it; 0 for genesis."""


PROPOSALS = host_table("governance.proposals", Proposal, key=("amount",), names=("proposal",))
STANDINGS = host_table("governance.standings", Standing, key=("amount",), names=("proposal",))
VOTES = host_table("governance.votes", Vote, key=("amount", "address"), names=("proposal", "voter"))
DEPOSITS = host_table("governance.deposits", Deposit, key=("amount", "address"), names=("proposal", "depositor"))
HISTORY = host_table("governance.history", Step, key=("amount", "amount"), names=("proposal", "step"))
DUE = host_table("governance.due", Mark, key=("amount", "amount", "amount"), names=("lane", "height", "proposal"))
EMERGENCIES = host_table("governance.emergencies", OpenEmergency, names=("proposer",))
PROPOSERS = host_table("governance.proposers", Proposer, names=("proposer",))
PUBLISHERS = host_table("governance.publishers", Upload, names=("publisher",))
POWER = host_table("governance.power", Power, key=("address", "amount"), names=("voter", "height"))
ELECTORS = host_table("governance.electors", Electors, key=("amount",), names=("height",))
POWER_QUEUE = host_table("governance.power_queue", Mark, key=("amount", "address"), names=("height", "voter"))
REGISTRY = host_table("governance.registry", ModuleEntry, key=("text",), names=("module",))
READINESS = host_table("governance.readiness", Readiness, key=("amount",), names=("plan",))
ATTESTATIONS = host_table(
    "governance.attestations", Attestation, key=("amount", "amount", "address"), names=("plan", "round", "validator")
)
RESULTS = host_table("governance.rehearsal_results", RehearsalResult, key=("amount", "hash"), names=("plan", "result"))
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
    PUBLISHERS,
    POWER,
    ELECTORS,
    POWER_QUEUE,
    REGISTRY,
    READINESS,
    ATTESTATIONS,
    RESULTS,
    COUNTERS,
    PINS,
    PULSE,
    LEDGER,
)
