"""What a trial found, as plain frozen values with JSON in and out.

`Report.result` is what validators attest: the same on every node, so no seconds and no bytes of memory stand in it.
Everything beside it is this machine's. The lines that a trial's process writes while it runs are values of this file
too (`Line`), so that a report can be made of a process that never came to its end.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from governance.attestations import RehearsalResult
from node.http.values import render, to_bytes
from storage.codec import Codec, codec_of
from storage.record import schema_of

OVER_TIME, OVER_MEMORY, CRASHED = "over_time", "over_memory", "crashed"
"""Codes of a trial that this machine's limits ended, or that ended without a word."""

_RESULTS: Codec[RehearsalResult] = codec_of(RehearsalResult)
_SCHEMA = schema_of(RehearsalResult)


def _result(given: object) -> RehearsalResult:
    if isinstance(given, RehearsalResult):
        return given
    if not isinstance(given, dict):
        raise ValueError("a result is an object by the fields of RehearsalResult")
    return _RESULTS.decode(to_bytes(_SCHEMA, given))


def _shown(result: RehearsalResult) -> dict[str, Any]:
    return render(_SCHEMA, result)


Result = Annotated[RehearsalResult, BeforeValidator(_result), PlainSerializer(_shown)]
HashHex = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Value(BaseModel):
    """A frozen value; a field that it does not have is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Subject(Value):
    """What is tried, and on which state."""

    proposal: int
    plan: int
    """The plan's id; of a proposal that has none yet, the one it would get."""
    version_from: str
    version_to: str
    code_hash: HashHex
    height: int
    runtime_root: HashHex


def first_result(subject: Subject) -> RehearsalResult:
    """A result that says what was tried, and nothing else yet."""
    return RehearsalResult(
        plan=subject.plan,
        code_hash=bytes.fromhex(subject.code_hash),
        height=subject.height,
        runtime_root=bytes.fromhex(subject.runtime_root),
    )


class Step(Value):
    """One named step, and how it ended."""

    name: str
    outcome: Literal["passed", "failed", "not_run"]
    milliseconds: int = 0
    code: str = ""
    """Why it failed; empty otherwise."""
    file: str = ""
    """The bundle's file that is at fault, where the chain knows it."""
    line: int = 0
    detail: str = ""
    counts: dict[str, int] = Field(default_factory=dict)
    """What was looked at, by name."""


class Report(Value):
    """A whole trial."""

    subject: Subject
    result: Result
    steps: tuple[Step, ...]
    milliseconds: int
    memory_bytes: int
    """The most that its process had in memory at once."""
    disk_bytes: int
    """What the trial wrote, beyond the files that it shares with the state it copied."""

    @property
    def passed(self) -> bool:
        """Whether the upgrade may be relied on, as far as a trial can tell."""
        return not self.result.code

    @property
    def failed_step(self) -> Step | None:
        """The step that failed, or in which the process ended; None when it passed."""
        return next((step for step in self.steps if step.outcome == "failed"), None)


class At(Value):
    """How far a step under way is; ``total`` is 0 where nobody knows."""

    step: str
    done: int
    total: int


class Impossible(Value):
    """Nothing can be said of the upgrade: this machine failed, or there is nothing to try."""

    code: str
    message: str
    machine: bool


class Line(Value):
    """One line of a trial's process: the most memory that it had up to here, and one more field."""

    memory_bytes: int = 0
    about: Subject | None = None
    at: At | None = None
    step: Step | None = None
    result: Result | None = None
    """The last line of a trial that came to its end."""
    impossible: Impossible | None = None
