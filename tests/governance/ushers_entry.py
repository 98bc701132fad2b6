"""One proposal in an usher's books; plain Python of its own, which knows nothing of the project."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from tests.governance.ushers_rules import Rules

OVER = frozenset({"executed", "rejected", "vetoed", "expired", "cancelled", "failed"})
HEARING = frozenset({"voting", "confirm"})
OPTIONS = ("yes", "no", "abstain", "veto")

Act = tuple[str, int]
"""``pay`` so many units, ``say`` the words of that number, or ``rule`` by the set of rules of that number."""


@dataclass
class Entry:
    """One proposal. Heights are 0 until they are known."""

    number: int
    proposer: bytes
    act: Act
    first: Rules
    """Those it began under."""
    regular: Rules | None
    """Those that take their place where its expedited vote fails."""
    after: int
    since: int
    initial: int = 0
    status: str = "deposit"
    reason: str = ""
    story: list[tuple[int, str, str]] = field(default_factory=list)
    paid: dict[bytes, int] = field(default_factory=dict)
    ready: int = 0
    """At whose end its delay is over, or the place that was kept for it is taken."""
    queued: int = 0
    placed: bool = False
    opened: int = 0
    closes: int = 0
    snapshot: int = 0
    electorate: dict[bytes, int] = field(default_factory=dict)
    participation: int = 0
    cast: dict[bytes, str] = field(default_factory=dict)
    confirms: int = 0
    extended: bool = False
    turned: bool = False
    gate: int = 0
    """At whose end the present gate closes."""
    reviewers: set[bytes] = field(default_factory=set)
    approvers: set[bytes] = field(default_factory=set)
    effective: int = 0
    expires: int = 0
    tried: int = 0
    """At whose end it is tried next."""
    goes_on: int = 0
    ended: int = 0
    done: int = 0
    refunded: int = 0
    burned: int = 0

    @property
    def rules(self) -> Rules:
        return self.regular if self.turned and self.regular is not None else self.first

    @property
    def implemented(self) -> int:
        return sum(self.electorate[voter] for voter in self.approvers)

    def counts(self) -> dict[str, int]:
        counts = dict.fromkeys(OPTIONS, 0)
        for voter, option in self.cast.items():
            counts[option] += self.electorate[voter]
        return counts

    def at(self, height: int) -> tuple[Fraction, int]:
        """The part of the period that is over at the end of a block, and the participation to go by."""
        period = self.rules.blocks("period")
        return Fraction(min(period, max(0, height - self.opened + 1)), period), self.participation

    def outcome(self, height: int) -> str:
        return self.rules.outcome(self.counts(), len(self.cast), self.electorate, self.at(height))

    def shown(self) -> dict[str, object]:
        """What is to be seen of it, but for its count, under the names that the chain gives it."""
        return {
            "status": self.status,
            "reason": self.reason,
            "steps": len(self.story),
            "initial": self.initial,
            "gathered": sum(self.paid.values()),
            "depositors": len(self.paid),
            "refunded": self.refunded,
            "burned": self.burned,
            "queued": self.queued,
            "placed": self.placed,
            "opened": self.opened,
            "closes": self.closes,
            "snapshot": self.snapshot,
            "participation": self.participation,
            "extended": self.extended,
            "turned": self.turned,
            "confirms": self.confirms,
            "reviews": len(self.reviewers),
            "implemented": self.implemented,
            "effective": self.effective,
            "expires": self.expires,
            "ended": self.ended,
            "verified": self.done,
            "closed": self.done,
            "goes_on": self.goes_on,
            **({"due": self.due()} if self.status in ("deposit", "delay", "timelock") else {}),
        }

    def due(self) -> int:
        """When something is to happen to one that takes no votes, whatever people do."""
        if self.status == "deposit":
            return self.since + self.first.blocks("deposit_period")
        return self.tried if self.status == "timelock" else 0 if self.queued else self.ready

    def electors(self) -> tuple[int, int]:
        """All power of its electorate, and how many have any."""
        return sum(self.electorate.values()), sum(power > 0 for power in self.electorate.values())
