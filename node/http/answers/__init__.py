"""What the HTTP face says, as types: the OpenAPI document is made from these, so it is true to the answers.

Amounts (coins, shares, nonces, parameters) are decimal *strings* everywhere: a state integer may have 256 bits, and a
JSON number above 2**53 is changed silently by most readers. Heights, places, counts, versions of formats and ids of
proposals and plans stay numbers; they cannot get there. Bytes are lower-case hex, addresses ``syn1...`` text, ratios
``"667/1000"``. Records of state are objects by field name, made from their schema (node.http.values).
"""

from node.http.answers.blocks import Account, Attribute, Block, Body, Event, Receipt, Submitted, Transaction
from node.http.answers.counting import (
    CoalitionAnswer,
    CoalitionMember,
    Count,
    DelegationAnswer,
    Elector,
    Electorate,
    PartAnswer,
    ShareAnswer,
    SharesAnswer,
    TallyAnswer,
    VoteReceipt,
)
from node.http.answers.health import ChainHealth, Health, HealthPart, ModuleHealth, Readiness, Runtime, Status, Stop
from node.http.answers.modules import (
    CallSchema,
    FieldSchema,
    KeyPart,
    Module,
    Modules,
    ProvenRow,
    QueryAnswer,
    QuerySchema,
    Row,
    Rows,
    TableSchema,
)
from node.http.answers.proposals import (
    AttestationAnswer,
    Parameter,
    Parameters,
    ProposalAnswer,
    Proposals,
    RehearsalAnswer,
    Rehearsals,
    Track,
    Tracks,
)
from node.http.answers.upgrades import Growth, History, HistoryAnswer, PlanAnswer, Plans, Replay

__all__ = [
    "Account",
    "AttestationAnswer",
    "Attribute",
    "Block",
    "Body",
    "CallSchema",
    "ChainHealth",
    "CoalitionAnswer",
    "CoalitionMember",
    "Count",
    "DelegationAnswer",
    "Elector",
    "Electorate",
    "Event",
    "FieldSchema",
    "Growth",
    "Health",
    "HealthPart",
    "History",
    "HistoryAnswer",
    "KeyPart",
    "Module",
    "ModuleHealth",
    "Modules",
    "Parameter",
    "Parameters",
    "PartAnswer",
    "PlanAnswer",
    "Plans",
    "ProposalAnswer",
    "Proposals",
    "ProvenRow",
    "QueryAnswer",
    "QuerySchema",
    "Readiness",
    "Receipt",
    "RehearsalAnswer",
    "Rehearsals",
    "Replay",
    "Row",
    "Rows",
    "Runtime",
    "ShareAnswer",
    "SharesAnswer",
    "Status",
    "Stop",
    "Submitted",
    "TableSchema",
    "TallyAnswer",
    "Track",
    "Tracks",
    "Transaction",
    "VoteReceipt",
]
