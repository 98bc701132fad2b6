"""What a rehearsal found: plain values, from which the terminal report, the JSON and the HTML file are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from node.solo import MadeBlock

Outcome = Literal["executed", "failed", "rolled_back"]


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline."""

    height: int
    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the whole against the share it needed; all three exact, in units of power."""

    name: str
    part: int
    whole: int
    needed: str
    """The threshold as governance states it, such as ``334/1000``."""
    reached: bool


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that had to hold."""

    name: str
    holds: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CheckpointTaken:
    """The checkpoint of A-1."""

    name: str
    height: int
    bytes: int
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial of an upgrade on this machine."""

    height: int
    code: str
    """`passed`, or why it failed."""
    milliseconds: int
    memory_bytes: int
    failed: str = ""
    """The step that failed, where, and what it found."""


@dataclass(frozen=True, slots=True)
class Attested:
    """What validators said of an upgrade's rehearsals before its gate."""

    first: int
    second: int
    gate: int
    verdict: str
    validators: int
    """How many spoke."""
    power: int
    """Behind the result that most power stands behind."""
    all_power: int
    result: str
    """That result's digest."""
    code: str
    """Why it failed; empty when it passed."""
    reversible: bool
    results: int
    """How many different results there were."""
    trials: tuple[Tried, ...] = ()


@dataclass(frozen=True, slots=True)
class VoteRecord:
    """One vote on an upgrade; a track may ask for a second one, which is a proposal of its own."""

    proposal: int
    track: str
    opened: int
    confirming: int
    """Height at which it began to confirm; 0 where it did not have to."""
    closed: int
    """Height at which it was decided."""
    decided: str
    """`approved`, or why it was not."""
    shares: tuple[Share, ...]


@dataclass(slots=True)
class UpgradeRecord:
    """One upgrade, from its proposal to its end."""

    title: str
    proposal: int
    version_from: str
    version_to: str
    code_hash: str
    effect: str
    breaking: bool
    changes: tuple[tuple[str, str, str], ...]
    """What changes, where, detail: the effect's table."""
    submitted: int = 0
    votes: tuple[VoteRecord, ...] = ()
    """In order; the last decided."""
    activation: int = 0
    ended: int = 0
    """The height at which the plan took effect, or ended without."""
    attested: Attested | None = None
    checkpoint: CheckpointTaken | None = None
    pause_ms: float = 0.0
    """From the end of A-1 to A committed, the checkpoint included."""
    execution_ms: float = 0.0
    commit_ms: float = 0.0
    migrated: int = 0
    root_before: str = ""
    root_after: str = ""
    outcome: Outcome = "executed"
    reason: str = ""
    where: str = ""
    """File and line of what failed."""
    detail: str = ""
    """What failed there: which field of which record, or which invariants."""
    expected: Outcome = "executed"
    invariants: tuple[Check, ...] = ()

    def note_times(self, made: MadeBlock) -> None:
        """Keep what the block at A took, and its checkpoint."""
        parts = (made.checkpoint_ns, made.execution_ns, made.commit_ns)
        self.pause_ms, self.execution_ms, self.commit_ms = sum(parts) / 1e6, parts[1] / 1e6, parts[2] / 1e6
        self.migrated = made.prepared.opening.migrated
        if made.checkpoint is not None:
            taken = made.checkpoint
            self.checkpoint = CheckpointTaken(taken.name, taken.height, taken.size, parts[0] // 1_000_000)


@dataclass(frozen=True, slots=True)
class RollbackRecord:
    """A return to A-1 and the replay."""

    activation: int
    broke: int
    """Height at which the fault showed."""
    height: int
    reason: str
    base_root: str
    returned_root: str
    replayed: int
    not_replayed: int
    receipts: tuple[tuple[int, str, str, str], ...]
    """Height, transaction, first code, second code."""


@dataclass(slots=True)
class Rehearsal:
    """The whole of it."""

    chain_id: str
    chain_name: str
    source: str
    seed: str
    accounts: int
    validators: int
    bonded: int
    delegations: int
    supply: int
    substitute_keys: bool
    signatures: int
    """Keys that sign each block, all on this one machine."""
    notes: tuple[str, ...] = ()
    timeline: list[Moment] = field(default_factory=list)
    upgrades: list[UpgradeRecord] = field(default_factory=list)
    rollback: RollbackRecord | None = None
    checks: list[Check] = field(default_factory=list)
    blocks: int = 0
    seconds: float = 0.0
    app_root: str = ""
    runtime_root: str = ""
    host_root: str = ""

    @property
    def passed(self) -> bool:
        """Whether every check held and every upgrade ended as it had to."""
        return all(check.holds for check in self.checks) and all(
            upgrade.outcome == upgrade.expected for upgrade in self.upgrades
        )

    @property
    def failures(self) -> tuple[str, ...]:
        """The names of what did not hold."""
        return tuple(check.name for check in self.checks if not check.holds) + tuple(
            f"upgrade {upgrade.version_to}: {upgrade.outcome} ({upgrade.reason}), expected {upgrade.expected}"
            for upgrade in self.upgrades
            if upgrade.outcome != upgrade.expected
        )
