"""Proposals, their rehearsals, and the rules they are decided by."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from governance.attestations import RehearsalResult
from governance.proposals import Proposal, Standing, Step
from node.http.answers.base import AddressText, AmountText, Answer, HashHex, Height, Number
from node.http.values import json_schema
from storage.record import schema_of

ProposalObject = Annotated[dict[str, Any], WithJsonSchema(json_schema(schema_of(Proposal)))]
StandingObject = Annotated[dict[str, Any], WithJsonSchema(json_schema(schema_of(Standing)))]
StepObject = Annotated[dict[str, Any], WithJsonSchema(json_schema(schema_of(Step)))]
ResultObject = Annotated[dict[str, Any], WithJsonSchema(json_schema(schema_of(RehearsalResult)))]


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
