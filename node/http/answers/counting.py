"""Who may vote, how votes stand, and whose power that is."""

from __future__ import annotations

from pydantic import Field

from node.http.answers.base import AddressText, AmountText, Answer, HashHex, Height, Number
from node.http.answers.modules import ProvenRow


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
    delegated: list[PartAnswer] = Field(description="What it takes out of these validators' votes once it votes.")
    left: list[PartAnswer] = Field(description="The same of a validator, where the track leaves it with their votes.")
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
