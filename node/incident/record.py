"""What an incident's folder says, as plain frozen values with JSON in and out.

    incident.json   the values of this file: what happened, where, roots, invariants, versions, checkpoint
    block.json      what the block told, and receipts of what failed in it, with the bundle's file and line
    rehearsals.json what validators attested of the upgrade beforehand
    history.json    the upgrade's lines in the chain's history
    not_replayed.json  after a rollback, the transactions that could not be run again, with who called what; at most
                    a thousand, and how many there are
    manifest.json   the home's migration_manifest.json as it was
    settings.json   this node's settings, without secrets
    log.jsonl       the newest events of the node's log

All but the first are there where there was something to say. No key is ever among them.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

FORMAT = 1
UPGRADE_FAILED, ROLLED_BACK = "upgrade_failed", "rolled_back"
"""Kinds beside those of a stop, whose kind is the code of what stopped the node."""


class Value(BaseModel):
    """A frozen value; a field that it does not have is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Fault(Value):
    """Where a bundle failed."""

    code: str
    file: str = ""
    line: int = 0
    """The last line that the host counted; 0 where it counted none."""
    source: tuple[str, ...] = ()
    """That line of the bundle's own bytes with its neighbours, each with its number."""
    detail: str = ""


class Upgrade(Value):
    """The plan, as the chain has it; amounts are decimal text, bytes lower-case hex."""

    plan: int
    proposal: int
    decided_by: int = 0
    """The proposal that rolled it back; 0 where it went back by itself, or not at all."""
    version_from: str
    version_to: str
    code_hash: str
    base_code_hash: str
    effect: str
    migrations: tuple[str, ...]
    supply_change: str
    scheduled_at: int
    activation: int
    returned: int = 0
    """Height of the return to A-1."""
    reason: str
    runtime_before: str = ""
    runtime_after: str = ""
    """Runtime roots before and right after the flip or the return; empty where none happened."""
    replayed: int = 0
    not_replayed: int = 0


class Rules(Value):
    """The invariants in force after the block."""

    in_force: tuple[str, ...]
    broken: tuple[str, ...]
    counted: bool
    """Whether every group was looked at again for this report. Each block looks at all that it moves anyway."""


class Roots(Value):
    """Of the last block on disk."""

    app_root: str
    host_root: str
    runtime_root: str


class NamedCheckpoint(Value):
    """The checkpoint of this node that leads furthest back without losing what does not have to be lost."""

    name: str
    height: int
    app_root: str


class Versions(Value):
    """What ran."""

    synod: str
    runtime: str = ""
    home_format: int
    python: str
    leveldb: str
    plyvel: str
    system: str


class Incident(Value):
    """One incident."""

    format: int = FORMAT
    id: str
    kind: str
    code: str
    message: str
    chain_id: str = ""
    height: int
    """Of the last block on disk; where no head can be read, that which was signed last."""
    made_at: str
    """By this machine's clock, UTC."""
    upgrade: Upgrade | None = None
    faults: tuple[Fault, ...] = ()
    rules: Rules | None = None
    roots: Roots | None = None
    checkpoint: NamedCheckpoint | None = None
    versions: Versions
    removed: tuple[str, ...] = ()
    """Older incidents that had to make room for this one, with whether anybody had looked at them."""


class Note(Value):
    """What people did with an incident, outside its seal."""

    at: str
    text: str = ""
    """Empty for a look."""
