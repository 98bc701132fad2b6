"""What validators say of a rehearsed plan, and what the chain keeps of it."""

from __future__ import annotations

from hashlib import sha256

from governance.tally import Electors
from storage.codec import codec_of
from storage.record import Amount, Data, Flag, Hash, Record, Text, field

_RESULT_TAG = b"synod/result of rehearsal/"


class TableRoot(Record):
    """A table by its name, and its root."""

    name: Text = field(1)
    root: Hash = field(2)


class RehearsalResult(Record):
    """What a rehearsal came to. Two nodes that agree have equal bytes; seconds and memory are not among them."""

    plan: Amount = field(1)
    code_hash: Hash = field(2)
    height: Amount = field(3)
    """The height whose state was migrated."""
    runtime_root: Hash = field(4)
    """Before."""
    tables: tuple[TableRoot, ...] = field(5, default=())
    """Runtime tables after, by name; none when it failed."""
    catalogue: Data = field(6, default=b"")
    """Digest of the runtime half's catalogue row after."""
    invariants: Data = field(7, default=b"")
    """Root of the aggregates after."""
    within_limits: Flag = field(8, default=False)
    reversible: Flag = field(9, default=False)
    """Migrating back gave the state before."""
    code: Text = field(10, default="")
    """Why it failed; empty when it passed."""

    @property
    def digest(self) -> bytes:
        """What an attestation stands for."""
        return sha256(_RESULT_TAG + codec_of(RehearsalResult).encode(self)).digest()


class Readiness(Record):
    """How far a plan's rehearsals are. Heights are those of the present round."""

    proposal: Amount = field(1)
    first: Amount = field(2)
    second: Amount = field(3)
    gate: Amount = field(4)
    postponed: Amount = field(5, default=0)
    """How often the plan was put off."""
    electors: Electors = field(6)
    """All power at the first height; none before it."""
    verdict: Text = field(7, default="")
    """Of the last gate."""

    def due(self, height: int) -> int:
        """The first of the three heights after ``height``; 0 when all have passed."""
        return next((at for at in (self.first, self.second, self.gate) if at > height), 0)


class Attestation(Record):
    """A validator's latest word about a plan in the present round."""

    height: Amount = field(1)
    """Of the state that was rehearsed on."""
    result: Hash = field(2)
    """Digest; the result itself stands under it in ``governance.rehearsal_results``."""
    code: Text = field(3, default="")
    power: Amount = field(4)
    said: Amount = field(5, default=0)
    """Height of the block that holds it, whose receipt tells the seconds and bytes that came with it."""


class Attest(Record):
    """A validator's word about a rehearsal; seconds and bytes are for people and enter no root of their own."""

    result: RehearsalResult = field(1)
    milliseconds: Amount = field(2, default=0)
    memory_bytes: Amount = field(3, default=0)


def heights_of(now: int, activation: int, lead: int, again: int, gate: int) -> tuple[int, int, int]:
    """First, second and gate of a plan, in this order and all between now and the activation: as far before it as
    asked where there is room, and at a half, a quarter and an eighth of the way where there is not."""
    span = activation - now
    return (
        activation - min(lead, span // 2),
        activation - min(again, span // 4),
        activation - max(1, min(gate, span // 8)),
    )
