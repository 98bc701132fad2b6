"""What a registrar would write down of proposals: the reference that their lives are held against.

Plain Python of its own; it knows nothing of the project. Told of every call and of every block's end, it says what the
chain must answer and how each proposal then stands: its state, heights, count, deposit and what it did.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

OVER = frozenset({"executed", "rejected", "vetoed", "expired", "cancelled", "failed"})
WITHDRAWABLE = frozenset({"deposit", "delay", "voting"})
BOUNDS = {
    "voting_period": (5, 1_000_000),
    "timelock_delay": (10, 10_000_000),
    "min_deposit": (0, 10**30),
    "quorum_threshold": (Fraction(1, 100), Fraction(2, 3)),
}
"""Within which a vote may set a value."""
DEAREST = 1_000
"""The highest deposit that a vote may ask for on a chain this small."""

Act = tuple[str, str, Fraction]
"""A kind (say, pay, set), a name, and a number."""


@dataclass
class Filed:
    """One proposal, and the rules of the day on which it came in."""

    proposer: bytes
    act: Act
    rules: dict[str, Fraction]
    after: int
    initial: int
    lapses: int
    status: str = "deposit"
    paid: dict[bytes, int] = field(default_factory=dict)
    opens: int = 0
    snapshot: int = 0
    closes: int = 0
    extended: bool = False
    electorate: dict[bytes, int] = field(default_factory=dict)
    cast: dict[bytes, str] = field(default_factory=dict)
    effective: int = 0
    refunded: int = 0
    burned: int = 0

    @property
    def timelock(self) -> int:
        return 1 if self.act[0] == "say" else int(self.rules["timelock_delay"])

    @property
    def late(self) -> int:
        return floor(self.rules["voting_period"] * self.rules["late_swing"])

    def counts(self) -> dict[str, int]:
        counts = dict.fromkeys(("yes", "no", "abstain", "veto"), 0)
        for voter, option in self.cast.items():
            counts[option] += self.electorate[voter]
        return counts

    def is_vetoed(self) -> bool:
        counts = self.counts()
        return counts["veto"] > 0 and counts["veto"] >= self.rules["veto_threshold"] * sum(counts.values())

    def outcome(self) -> str:
        """Where the count leads if it is the last one."""
        counts, rules = self.counts(), self.rules
        voters = sum(1 for power in self.electorate.values() if power)
        decided = counts["yes"] + counts["no"] + counts["veto"]
        if len(self.cast) < max(1, min(rules["min_voters"], voters)):
            return "rejected"
        if sum(counts.values()) < rules["quorum_threshold"] * sum(self.electorate.values()):
            return "rejected"
        if self.is_vetoed():
            return "vetoed"
        return "timelock" if decided and counts["yes"] >= rules["approval_threshold"] * decided else "rejected"


@dataclass
class Registrar:
    """The books of a chain: present values, power, purses, and every proposal that was ever filed."""

    values: dict[str, Fraction]
    power: dict[bytes, int]
    coins: dict[bytes, int]
    treasury: int
    height: int = 1
    filed: dict[int, Filed] = field(default_factory=dict)
    coming: dict[str, Fraction] = field(default_factory=dict)

    # -- what people ask for, and what they must be told

    def propose(self, proposer: bytes, act: Act, deposit: int, after: int) -> str:
        kind, name, number = act
        whole = int(self.values["min_deposit"])
        if after and self.filed[after].status in OVER - {"executed"}:
            return "predecessor_over"
        if deposit < ceil(Fraction(whole, 4)):
            return "deposit_too_small"
        if kind == "set":
            if not BOUNDS[name][0] <= number <= BOUNDS[name][1]:
                return "out_of_bounds"
            if name == "min_deposit" and number > DEAREST:
                return "deposit_unaffordable"
            if self.values[name] == number:
                return "nothing_changes"
        lapses = self.height + int(self.values["deposit_period"])
        one = Filed(proposer, act, dict(self.values), after, min(deposit, whole), lapses)
        self.filed[len(self.filed) + 1] = one
        self._pay(one, proposer, one.initial)
        return "ok"

    def deposit(self, proposal: int, depositor: bytes, amount: int) -> str:
        one = self.filed[proposal]
        if one.status != "deposit":
            return "not_in_deposit"
        self._pay(one, depositor, min(amount, int(one.rules["min_deposit"]) - sum(one.paid.values())))
        return "ok"

    def _pay(self, one: Filed, depositor: bytes, amount: int) -> None:
        self.coins[depositor] -= amount
        one.paid[depositor] = one.paid.get(depositor, 0) + amount
        if sum(one.paid.values()) == one.rules["min_deposit"]:
            one.status, one.opens = "delay", self.height + int(one.rules["voting_delay"]) + 1

    def vote(self, proposal: int, voter: bytes, option: str) -> str:
        one = self.filed[proposal]
        if one.status != "voting":
            return "voting_not_open" if one.status in ("deposit", "delay") else "voting_closed"
        if not one.electorate.get(voter):
            return "no_power"
        if one.cast.get(voter) == option:
            return "same_vote"
        passed = one.outcome() == "timelock"
        one.cast[voter] = option
        turned = passed != (one.outcome() == "timelock")
        if turned and not one.extended and self.height > one.closes - one.late:
            one.closes, one.extended = self.height + one.late, True
        return "ok"

    def withdraw(self, proposal: int, who: bytes) -> str:
        one = self.filed[proposal]
        if one.proposer != who:
            return "not_the_proposer"
        if one.status not in WITHDRAWABLE:
            return "too_late_to_cancel"
        self._end(one, "cancelled")
        return "ok"

    def guard(self, proposal: int) -> str:
        one = self.filed[proposal]
        if one.act[0] == "say":
            return "not_the_guardians"
        if one.status in OVER:
            return "already_ended"
        self._end(one, "cancelled")
        return "ok"

    # -- what time does

    def end_block(self) -> None:
        for one in self.filed.values():
            self._in_time(one)
        self.values, self.coming = {**self.values, **self.coming}, {}
        self.height += 1

    def _in_time(self, one: Filed) -> None:
        if one.status == "deposit" and self.height == one.lapses:
            self._end(one, "expired", lapsed=True)
        elif one.status == "delay" and self.height == one.opens - 1:
            one.status, one.snapshot, one.electorate = "voting", self.height, dict(self.power)
            one.closes = self.height + int(one.rules["voting_period"])
        elif one.status == "voting" and self.height == one.closes:
            outcome = one.outcome()
            if outcome == "timelock":
                one.status, one.effective = outcome, self.height + one.timelock
            else:
                self._end(one, outcome)
        elif one.status == "timelock" and self.height >= one.effective:
            self._take_effect(one)

    def _take_effect(self, one: Filed) -> None:
        kind, name, number = one.act
        before = self.filed[one.after].status if one.after else "executed"
        if before in OVER - {"executed"}:
            self._end(one, "failed")
        elif before != "executed" or (kind == "pay" and self.treasury < number):
            if self.height == one.effective + one.rules["grace_period"]:
                self._end(one, "expired")
        else:
            if kind == "pay":
                self.treasury -= int(number)
            elif kind == "set":
                self.coming[name] = number
            self._end(one, "executed")

    def _end(self, one: Filed, status: str, lapsed: bool = False) -> None:
        """A veto burns everything, though somebody calls it off; a draft that lapsed loses what came with it."""
        whole = status == "vetoed" or (status == "cancelled" and one.is_vetoed())
        for depositor, amount in one.paid.items():
            lost = amount if whole else one.initial if lapsed and depositor == one.proposer else 0
            one.burned += lost
            one.refunded += amount - lost
            self.coins[depositor] += amount - lost
        one.paid, one.status = {}, status
