"""Plans, what grows for them, and what became of earlier ones."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from node.http.answers.base import Answer, Height, Number
from node.http.answers.health import Runtime
from node.http.answers.proposals import Rehearsals
from node.http.values import json_schema
from runtime.plans import HistoryEntry, Plan
from storage.record import schema_of

PlanObject = Annotated[dict[str, Any], WithJsonSchema(json_schema(schema_of(Plan)))]
HistoryObject = Annotated[dict[str, Any], WithJsonSchema(json_schema(schema_of(HistoryEntry)))]


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
