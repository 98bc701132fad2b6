"""What the HTTP face says, as types: the OpenAPI document is made from these, so it is true to the answers.

Amounts (coins, shares, nonces, parameters) are decimal *strings* everywhere: a state integer may have 256 bits, and a
JSON number above 2**53 is changed silently by most readers. Heights, places, counts, versions of formats and ids of
proposals and plans stay numbers; they cannot get there. Bytes are lower-case hex, addresses ``syn1...`` text, ratios
``"667/1000"``. Records of state are objects by field name, made from their schema (node.http.values).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from governance.attestations import RehearsalResult
from governance.proposals import Proposal, Standing, Step
from node.http.values import json_schema
from runtime.plans import HistoryEntry, Plan
from runtime.registry import ModuleEntry
from storage.record import schema_of

AmountText = Annotated[str, Field(pattern="^(0|[1-9][0-9]{0,77})$", examples=["115792089237316195423570985008687907"])]
HashHex = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
BytesHex = Annotated[str, Field(pattern="^([0-9a-f]{2})*$")]
AddressText = Annotated[str, Field(pattern="^syn1[02-9ac-hj-np-z]{38}$")]
Height = Annotated[int, Field(ge=0, le=2**53 - 1)]
Number = Annotated[int, Field(ge=0, le=2**53 - 1)]
Anything = Annotated[Any, WithJsonSchema({"description": "By the schema that GET /modules lists."})]
Object = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "description": "By the schema of its table."})]
ProposalObject = Annotated[dict[str, Any], WithJsonSchema(json_schema(schema_of(Proposal)))]
StandingObject = Annotated[dict[str, Any], WithJsonSchema(json_schema(schema_of(Standing)))]
StepObject = Annotated[dict[str, Any], WithJsonSchema(json_schema(schema_of(Step)))]
ResultObject = Annotated[dict[str, Any], WithJsonSchema(json_schema(schema_of(RehearsalResult)))]
PlanObject = Annotated[dict[str, Any], WithJsonSchema(json_schema(schema_of(Plan)))]
RegistryObject = Annotated[dict[str, Any], WithJsonSchema(json_schema(schema_of(ModuleEntry)))]
HistoryObject = Annotated[dict[str, Any], WithJsonSchema(json_schema(schema_of(HistoryEntry)))]


class Answer(BaseModel):
    """Base of every answer: frozen, and nothing beside what is declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Runtime(Answer):
    """A runtime: what the chain runs, moved by the chain only."""

    version: str
    code_hash: HashHex
    since: Height = Field(description="The first height it executed.")


class Stop(Answer):
    """The chain paused, or a module isolated."""

    module: str = Field(description="The isolated module; empty for the chain.")
    since: Height
    until: Height | None = Field(description="Its last height; null where only a vote lifts it.")
    reason: str


class Status(Answer):
    """Who this node is and how far it has come."""

    chain_id: str
    chain_name: str
    release: str = Field(description="The installed host software; the chain does not move it.")
    height: Height = Field(description="The last committed height that is on disk.")
    block_id: HashHex
    app_root: HashHex
    host_root: HashHex
    runtime_root: HashHex
    runtime: Runtime
    state: Literal["running", "catching_up", "draining", "stopping"]
    safe_mode: bool = Field(description="The chain is paused: runtime calls wait; governance acts.")
    stops: list[Stop] = Field(description="What does not run for now; empty where nothing is stopped.")
    driver: str = Field(description="Who makes blocks, such as `solo: 1 machine, 4 signatures`.")
    mempool_transactions: Number
    mempool_bytes: Number


class HealthPart(Answer):
    """One thing that health depends on."""

    name: str
    healthy: bool
    detail: str = ""


class Health(Answer):
    """Whether this node works, part by part."""

    healthy: bool
    uptime_seconds: Number
    parts: list[HealthPart]


class ModuleHealth(Answer):
    """What the health hooks of a module said."""

    module: str
    healthy: bool
    hooks: Number = Field(description="How many were asked; a module without any is taken to be well.")
    code: str = Field("", description="Why the first that failed did: `unhealthy`, a refusal or a fault.")
    file: str = Field("", description="The bundle's file of it.")
    line: Number = 0


class ChainHealth(Answer):
    """Whether what runs is well at a height: every module, and every invariant."""

    height: Height
    modules: list[ModuleHealth]
    invariants: list[str] = Field(description="Those in force, the supply among them.")
    broken: list[str] = Field(description="Those that do not hold.")
    looked_at: bool = Field(description="False where they have too many groups to look at in one answer.")


class Readiness(Answer):
    """Whether a load balancer should send traffic here."""

    ready: bool
    reason: str = Field("", description="Why not: catching_up, draining, stopping.")


class Attribute(Answer):
    """One named value of an event."""

    name: str
    value: str


class Event(Answer):
    """Something others may want to follow."""

    kind: str
    attributes: list[Attribute]


class Receipt(Answer):
    """What became of one item of a block; after a rollback an item has a second one."""

    item: HashHex
    code: str = Field(description="`ok`, or why not.")
    file: str = Field("", description="The bundle's file in which it failed.")
    line: Number = 0
    steps: Number
    written: Number = Field(description="Bytes.")
    fee: AmountText
    events: list[Event]


class Body(Answer):
    """What was signed."""

    chain: str
    sender: AddressText
    nonce: AmountText
    fee: AmountText
    expiry: AmountText
    module: str
    call: str
    interface: BytesHex
    args: BytesHex
    key: BytesHex


class Transaction(Answer):
    """A transaction and what became of it."""

    id: HashHex
    state: Literal["waiting", "executed", "failed", "dropped"]
    reason: str = Field("", description="The receipt's code when it failed, or why the mempool dropped it.")
    height: Height | None = None
    place: Number | None = Field(None, description="Its position in the block.")
    raw: BytesHex | None = Field(None, description="Its bytes; null when they are gone from here.")
    body: Body | None = None
    receipts: list[Receipt] = Field(default_factory=list, description="In the order of execution; two after a replay.")


class Submitted(Answer):
    """The mempool took it; `GET /transactions/{id}` tells what becomes of it."""

    id: HashHex
    state: Literal["waiting"] = "waiting"


class Block(Answer):
    """A block as its proposer made it, with its receipts."""

    height: Height
    id: HashHex
    chain: str
    last_block: HashHex
    app_root: HashHex = Field(description="The root after the block before this one.")
    proposer: AddressText
    transactions: list[HashHex] = Field(description="Ids in order.")
    receipts: list[Receipt] = Field(description="Of the transactions in order, then of hooks that failed.")
    second_receipts: list[Receipt] = Field(
        default_factory=list,
        description="Of a replay, each at the place of its first; then of hooks that failed only in the replay.",
    )


class Account(Answer):
    """What a signer needs to know of an address."""

    address: AddressText
    key: BytesHex = Field(description="The key that signs for it now; empty until its first transaction.")
    nonce: AmountText = Field(description="The next nonce of the committed state.")
    next_nonce: AmountText = Field(description="The next nonce after what waits in this node's mempool.")
    balance: AmountText = Field(description="Units that fees and deposits are taken from.")
    substitute: bool = Field(description="The key stands in for one that nobody here has (imported chains).")


class FieldSchema(Answer):
    """A field of a record, or an argument."""

    number: Number
    name: str
    type: str = Field(description="amount, flag, text, data, address, hash, [item], {record} or <variant>.")
    optional: bool = Field(description="Zero when left out.")
    coin: bool = Field(False, description="Counts in the supply.")


class KeyPart(Answer):
    """A part of a table's key."""

    name: str
    type: str


class TableSchema(Answer):
    """A table: GET /modules/{module}/tables/{table}."""

    name: str
    id: str = Field(description="module.table")
    key: list[KeyPart]
    fields: list[FieldSchema]
    value: Object = Field(description="JSON Schema of its rows.")


class QuerySchema(Answer):
    """A query: GET or POST /modules/{module}/queries/{query}."""

    name: str
    arguments: list[FieldSchema]
    returns: str


class CallSchema(Answer):
    """A call that a transaction can make."""

    name: str
    arguments: list[FieldSchema]
    meaning: Number
    interface: BytesHex = Field(description="What a transaction names so that it is never reinterpreted.")
    interface_text: str = Field(description="The line that the interface is the hash of.")
    flag: str = Field("", description="The feature flag that gates it.")


class Module(Answer):
    """A module as it runs now; the list changes at the flip."""

    name: str
    half: Literal["host", "runtime"]
    registered: RegistryObject | None = Field(
        None, description="Its entry of the module registry; a runtime module without one does not run."
    )
    doc: str = ""
    tables: list[TableSchema]
    queries: list[QuerySchema]
    calls: list[CallSchema]


class Modules(Answer):
    """Everything that can be read and called at a height."""

    height: Height
    runtime: Runtime
    modules: list[Module]


class Row(Answer):
    """A row; `value` is null where the table has none, which is an answer and can be proven."""

    key: Object
    value: Object | None


class Rows(Answer):
    """A page of a table in key order."""

    table: str
    height: Height
    rows: list[Row]
    next: str | None = Field(description="Give it as `after` for the next page; null at the end.")


class ProvenRow(Answer):
    """One row, with the proof when asked for."""

    table: str
    height: Height
    app_root: HashHex
    row: Row
    proof: Object | None = Field(None, description="For storage.proofs, which needs nothing else but the root.")


class QueryAnswer(Answer):
    """What a query said."""

    query: str
    height: Height
    result: Anything


class AttestationAnswer(Answer):
    """A validator's latest word about the rehearsals of a plan."""

    validator: AddressText
    height: Height = Field(description="Of the state that was rehearsed on.")
    result: HashHex
    code: str = Field(description="Why it failed; empty when it passed.")
    power: AmountText
    milliseconds: Number | None = Field(description="How long it took there; null where that is not known.")
    memory_bytes: Number | None = Field(description="The most that it had in memory; null where that is not known.")


class RehearsalAnswer(Answer):
    """One thing that rehearsals came to, and how much power stands behind it."""

    result: HashHex = Field(description="Its digest, which attestations name.")
    passed: bool
    power: AmountText
    validators: Number
    value: ResultObject


class Rehearsals(Answer):
    """How far the rehearsals of a plan are, and what validators attested in the present round."""

    first: Height = Field(description="The height whose state is rehearsed on first.")
    second: Height
    gate: Height = Field(description="The height at whose end attestations are judged.")
    postponed: Number = Field(description="How often the plan was put off; attestations begin anew with each.")
    verdict: str = Field(description="Of the last gate; empty before it.")
    power: AmountText = Field(description="All power, as of the first height; 0 before it.")
    attestations: list[AttestationAnswer]
    results: list[RehearsalAnswer] = Field(description="The one with most power first.")


class ProposalAnswer(Answer):
    """A proposal: what was proposed, how far it has come, and what happened to it."""

    id: Number
    proposal: ProposalObject
    standing: StandingObject
    history: list[StepObject] = Field(default_factory=list, description="Only when one proposal is asked for.")
    rehearsals: Rehearsals | None = Field(None, description="Of an approved upgrade, when it alone is asked for.")


class Proposals(Answer):
    """A page of proposals, the newest first."""

    height: Height
    proposals: list[ProposalAnswer]
    next: Number | None = Field(description="Give it as `before` for the next page; null at the end.")


class DelegationAnswer(Answer):
    """What a delegator holds of one validator."""

    validator: AddressText
    shares: AmountText
    power: AmountText = Field(description="What they are worth, rounded down to a unit.")


class Elector(Answer):
    """An address and all that it can vote."""

    address: AddressText
    power: AmountText = Field(description="What is staked with it as a validator, its delegators' part included.")
    delegated: AmountText = Field(description="What it holds of validators, and votes itself if it votes.")
    delegations: list[DelegationAnswer]
    proxy: AddressText | None = Field(description="Who may cast its votes now.")


class Electorate(Answer):
    """A page of those who may vote."""

    height: Height = Field(description="The height as of whose end power is counted.")
    power: AmountText = Field(description="All power at that height.")
    validators: Number = Field(description="How many validators have any.")
    electors: list[Elector]
    next: str | None = Field(description="Give it as `after` for the next page; null at the end.")


class Count(Answer):
    """A count and what the close would make of it now. Shares are exact, such as `1/3`."""

    yes: AmountText
    no: AmountText
    abstain: AmountText
    veto: AmountText
    voters: Number
    least_voters: Number
    power: AmountText = Field(description="All power of the electorate.")
    turnout: str = Field(description="Of all power, by the votes that count for the quorum.")
    quorum: str
    yes_share: str = Field(description="Of yes, no and veto.")
    threshold: str
    veto_share: str = Field(description="Of all votes.")
    veto_limit: str
    verdict: str = Field(description="passed, rejected or vetoed.")
    reason: str


class CoalitionMember(Answer):
    """A voter of a coalition."""

    address: AddressText
    power: AmountText
    vote: str = Field(description="As it votes now; empty where it does not.")


class CoalitionAnswer(Answer):
    """A smallest set of voters that would turn the outcome, as `governance.coalition` states the problem."""

    members: list[CoalitionMember]
    vote: str = Field(description="What all of them would vote.")
    verdict: str
    reason: str
    exact: bool = Field(description="Whether it is known that no fewer could.")


class TallyAnswer(Answer):
    """The count of a proposal: as it is, and as it would be."""

    proposal: Number
    height: Height
    status: str
    closes: Height = Field(description="Last height at which votes count.")
    now: Count
    then: Count | None = Field(description="Under what is supposed; null where nothing is.")
    coalition: CoalitionAnswer | None = Field(description="If asked for; null where none is.")


class PartAnswer(Answer):
    """What somebody delegates to one validator, and how that votes."""

    validator: AddressText
    power: AmountText
    vote: str


class ShareAnswer(Answer):
    """One address in a count."""

    address: AddressText
    staked: AmountText = Field(description="With it as a validator, its own and its delegators'.")
    inherited: AmountText | None = Field(description="Its delegators' part of that; null where they are too many.")
    taken: AmountText = Field(description="What delegators vote themselves of it.")
    delegated: list[PartAnswer]
    vote: str = Field(description="Empty where it does not vote.")
    cast_by: AddressText | None = Field(description="The proxy that cast it.")
    power: AmountText = Field(description="What it votes, or would vote of what is staked with it.")
    uncounted: AmountText = Field(description="What of it lies beyond the cut of one voter's power.")
    parts: list[AmountText] = Field(description="What it adds to yes, no, abstain and veto.")


class SharesAnswer(Answer):
    """A page of the trace of a count."""

    height: Height
    shares: list[ShareAnswer]
    next: str | None = Field(description="Give it as `after` for the next page; null at the end.")


class VoteReceipt(Answer):
    """A vote and the count it is part of, both proven against one root."""

    height: Height
    app_root: HashHex
    vote: ProvenRow = Field(description="The row of governance.votes; its value is null where there is no vote.")
    standing: ProvenRow = Field(description="The row of governance.standings, with the tally.")


class Track(Answer):
    """A track: the rules of the proposals that take it."""

    name: str
    rules: dict[str, str] = Field(description="Each rule as written: a value, or the name of the parameter it follows.")
    in_force: dict[str, str] = Field(description="Each rule's value for a proposal made now.")
    open: Number = Field(description="Proposals on it that have not ended.")
    voting: Number = Field(description="Those of them whose votes count.")


class Tracks(Answer):
    """Every track, and which of them each kind of proposal may take."""

    height: Height
    tracks: list[Track]
    routes: dict[str, list[str]] = Field(description="By kind; the first is taken when a proposal names none.")
    meanings: dict[str, str] = Field(description="What each rule is about.")


class Growth(Answer):
    """How far this node is with the state of the next runtime, which it grows beside the chain."""

    phase: str = Field(description="migrating, counting or ready; waiting for data where this node lacks a backup.")
    done: Number = Field(description="Records looked at.")
    total: Number
    failing: Number = Field(description="Records that cannot migrate as things stand; any left would end the plan.")
    seconds_left: Number | None = Field(description="To look at the rest, by how fast it went lately; null: unknown.")


class PlanAnswer(Answer):
    """A plan of the coordinator."""

    id: Number
    plan: PlanObject
    rehearsals: Rehearsals | None = Field(None, description="Null where its turn has not come, or without a gate.")
    growth: Growth | None = Field(None, description="Of the pending plan.")


class Replay(Answer):
    """How far a rollback is that has returned and is on its way forward again; calls made meanwhile wait behind it."""

    plan: Number = Field(description="The plan of the upgrade that was undone.")
    returned: Height = Field(description="At which it returned to the state before the upgrade.")
    next: Height = Field(description="Whose transactions are run again next.")
    heights_left: Number = Field(description="Up to the present one; each block replays some and adds itself.")
    replayed: Number = Field(description="Transactions that were run again.")
    not_replayed: Number = Field(description="Transactions that could not be, and cost nothing.")


class Plans(Answer):
    """The runtime that runs, and what waits to replace it."""

    height: Height
    running: Runtime
    pending: PlanAnswer | None
    waiting: list[PlanAnswer] = Field(description="Approved ones behind it, in order of approval.")
    rollback_until: Height | None = Field(description="The last height at which a rollback may execute; null for none.")
    replay: Replay | None = Field(description="Of a rollback that is under way; null for none.")


class HistoryAnswer(Answer):
    """One thing that happened to a plan."""

    height: Height
    plan: Number
    entry: HistoryObject


class History(Answer):
    """A page of the upgrade history, the newest first."""

    height: Height
    entries: list[HistoryAnswer]
    next: Height | None = Field(description="Give it as `before` for the next page; null at the end.")


class Parameter(Answer):
    """A chain parameter in force; a ratio as `"667/1000"`."""

    name: str
    value: str = Field(pattern="^[0-9]+(/[0-9]+)?$")
    default: str
    least: str
    most: str
    meaning: str


class Parameters(Answer):
    """Every chain parameter and feature flag in force."""

    height: Height
    parameters: list[Parameter]
    flags: dict[str, bool]
