"""What an usher would write down of proposals on tracks of any rules: the reference that whole lives are held against.

Plain Python of its own; it knows nothing of the project. The usher has no diary of what is due when: at the end of
every block it looks at every proposal, in their order, counts its votes anew and asks its rules what is to happen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from tests.governance.ushers_entry import HEARING, OVER, Act, Entry
from tests.governance.ushers_rules import TEN_THOUSAND, Rules, Texts, fits

WITHDRAWABLE = frozenset({"deposit", "delay"}) | HEARING
MOST_TRIES = 16


@dataclass
class Usher:
    """The books of a chain: the rules of today, power, purses, and every proposal there ever was."""

    tracks: dict[str, Texts]
    ruled: str
    """The track whose rules a vote may replace."""
    sets: tuple[Texts, ...]
    """Sets of rules that it may put in their place."""
    power: dict[bytes, int]
    coins: dict[bytes, int]
    treasury: int
    reviewers: frozenset[bytes]
    most_open: int
    height: int = 1
    entries: dict[int, Entry] = field(default_factory=dict)
    failed: dict[Act, int] = field(default_factory=dict)
    participation: int | None = None
    """The moving average of turnouts; none before the first vote that moves it."""

    # -- what people ask for, and what they must be told

    def today(self, track: str) -> Rules:
        """A track's rules, its deposit as grown by what is open on it."""
        texts = self.tracks[track]
        more = int(texts["deposit_growth_percent"]) * len(self.open_on(track))
        return Rules(track, texts, floor(Fraction(int(texts["deposit"]) * (100 + more), 100)))

    def open_on(self, track: str) -> list[Entry]:
        return [one for one in self.entries.values() if one.first.track == track and one.status not in OVER]

    def hearing_on(self, track: str) -> int:
        """Places in voting that are taken or kept."""
        return sum(one.placed for one in self.entries.values() if one.first.track == track)

    def is_full(self, track: str) -> bool:
        """Whether no place is free; how many there are, the rules of today say."""
        limit = int(self.tracks[track]["limit"])
        return limit > 0 and self.hearing_on(track) >= limit

    def queue(self, track: str) -> list[int]:
        """Who waits for a place, the first first."""
        waiting = [one for one in self.entries.values() if one.queued and one.first.track == track]
        return [one.number for one in sorted(waiting, key=lambda one: (one.queued, one.number))]

    def propose(self, proposer: bytes, act: Act, track: str, deposit: int, after: int) -> str:
        rules = self.today(track)
        own = [one for one in self.entries.values() if one.proposer == proposer and one.status not in OVER]
        if len(own) >= self.most_open:
            return "too_many_open"
        if after and not self._may_come(after):
            return "predecessor_over"
        if deposit < rules.initial:
            return "deposit_too_small"
        taken = min(deposit, rules.whole)
        if self.coins[proposer] < taken:
            return "insufficient_funds"
        if act[0] == "rule" and not fits(self.sets[act[1]]):
            return "rules_conflict"
        if act[0] == "rule" and self.sets[act[1]] == self.tracks[self.ruled]:
            return "nothing_changes"
        if act in self.failed and self.height < self.failed[act] + rules.blocks("cooldown"):
            return "failed_lately"
        turns_into = rules.texts["turns_into"]
        regular = self.today(turns_into) if turns_into else None
        one = self._enter(proposer, act, rules, regular, after)
        one.initial = taken
        self._pay(one, proposer, taken)
        return "ok"

    def _enter(self, proposer: bytes, act: Act, rules: Rules, regular: Rules | None, after: int) -> Entry:
        one = Entry(len(self.entries) + 1, proposer, act, rules, regular, after, self.height)
        one.story.append((self.height, "deposit", "submitted"))
        self.entries[one.number] = one
        return one

    def deposit(self, number: int, depositor: bytes, amount: int) -> str:
        one = self.entries[number]
        if one.status != "deposit":
            return "not_in_deposit"
        taken = min(amount, one.first.whole - sum(one.paid.values()))
        if self.coins[depositor] < taken:
            return "insufficient_funds"
        self._pay(one, depositor, taken)
        return "ok"

    def _pay(self, one: Entry, depositor: bytes, amount: int) -> None:
        self.coins[depositor] -= amount
        one.paid[depositor] = one.paid.get(depositor, 0) + amount
        if sum(one.paid.values()) == one.first.whole:
            self._announce(one, "funded")

    def _announce(self, one: Entry, reason: str) -> None:
        one.ready = self.height + one.first.blocks("delay")
        self._move(one, "delay", reason)

    def vote(self, number: int, voter: bytes, option: str) -> str:
        one, rules = self.entries[number], self.entries[number].rules
        if one.status not in HEARING:
            return "voting_not_open" if one.status in ("deposit", "delay") else "voting_closed"
        if not one.electorate.get(voter):
            return "no_power"
        if one.cast.get(voter) == option:
            return "same_vote"
        passed = one.outcome(self.height) == "passed"
        one.cast[voter] = option
        if one.status == "voting" and rules.late and not one.extended:
            closes = max(one.closes, self.height + rules.late)
            if rules.texts["late_on"] == "quorum":
                one.extended = rules.is_quorate(one.counts(), sum(one.electorate.values()), one.at(self.height))
            else:
                in_last_part = self.height > one.closes - rules.late
                one.extended = in_last_part and passed != (one.outcome(self.height) == "passed")
            if one.extended and closes != one.closes:
                one.closes = closes
                one.story.append((self.height, one.status, "extended"))
        return "ok"

    def review(self, number: int, who: bytes) -> str:
        one = self.entries[number]
        if one.status != "review":
            return "not_in_review"
        if who not in self.reviewers:
            return "not_a_reviewer"
        return self._sign(one.reviewers, who)

    def implement(self, number: int, who: bytes) -> str:
        """The approval of one who voted yes."""
        one = self.entries[number]
        if one.status != "implementation":
            return "not_in_implementation"
        if one.cast.get(who) != "yes":
            return "no_yes_vote"
        return self._sign(one.approvers, who)

    @staticmethod
    def _sign(signed: set[bytes], who: bytes) -> str:
        if who in signed:
            return "approved_already"
        signed.add(who)
        return "ok"

    def withdraw(self, number: int, who: bytes) -> str:
        one = self.entries[number]
        if one.proposer != who:
            return "not_the_proposer"
        if one.status not in WITHDRAWABLE:
            return "too_late_to_cancel"
        self._end(one, "cancelled", "withdrawn", "withdrawn")
        return "ok"

    def call_off(self, number: int) -> str:
        """What the guardian may do, but with words."""
        one = self.entries[number]
        if one.act[0] == "say":
            return "not_the_guardians"
        if one.status in OVER:
            return "already_ended"
        self._end(one, "cancelled", "cancelled_by_guardian", "called_off")
        return "ok"

    # -- what time does

    def end_block(self) -> None:
        for track in self.tracks:
            while not self.is_full(track) and self.queue(track):
                self._keep_a_place(track, self.height)
        for one in list(self.entries.values()):
            match one.status:
                case "deposit" if self.height == one.since + one.first.blocks("deposit_period"):
                    self._end(one, "expired", "deposit_not_gathered", "unfunded")
                case "delay" if not one.queued and self.height == one.ready:
                    self._seek_a_place(one)
                case "voting" | "confirm":
                    self._look_at_the_count(one)
                case "review" | "implementation":
                    self._through_the_gates(one)
                case "timelock" if self.height == one.tried:
                    self._take_effect(one)
        self.height += 1

    def _seek_a_place(self, one: Entry) -> None:
        track, waits = one.first.track, one.first.blocks("limit") > 0
        if not one.placed and waits and (self.is_full(track) or self.queue(track)):
            one.queued = self.height
            return
        one.placed, one.snapshot, one.electorate = True, self.height, dict(self.power)
        one.opened, one.closes = self.height + 1, self.height + one.first.blocks("period")
        moving = next((rules for rules in (one.first, one.regular) if rules is not None and rules.moves), None)
        if moving is not None:
            most = moving.bar("quorum").numbers[1]
            one.participation = most if self.participation is None else self.participation
        self._move(one, "voting", "voting_opened")

    def _look_at_the_count(self, one: Entry) -> None:
        rules, reason, over = one.rules, one.outcome(self.height), self.height >= one.closes
        confirming = one.status == "confirm"
        if reason == "passed":
            if confirming and self.height < one.confirms:
                return
            if not confirming and rules.blocks("confirm") and (over or rules.says("early")):
                one.confirms = self.height + rules.blocks("confirm")
                self._move(one, "confirm", reason)
            elif confirming or over:
                self._note_turnout(one)
                self._through_the_gates(one)
        elif over and one.regular is not None and not one.turned:
            one.turned, one.confirms = True, 0
            one.closes = max(one.opened - 1 + one.regular.blocks("period"), self.height + 1)
            self._move(one, "voting", reason)
        elif over:
            self._note_turnout(one)
            end = "vetoed" if reason == "vetoed" else "rejected"
            self._end(one, end, reason, end)
        elif confirming:
            one.confirms = 0
            self._move(one, "voting", reason)

    def _note_turnout(self, one: Entry) -> None:
        if one.rules.moves:
            before = one.participation if self.participation is None else self.participation
            this = floor(Fraction(one.rules.turnout(one.counts()) * TEN_THOUSAND, sum(one.electorate.values())))
            self.participation = floor(Fraction(8 * before + 2 * this, 10))

    def _through_the_gates(self, one: Entry) -> None:
        rules = one.rules
        if len(one.reviewers) < rules.blocks("reviews"):
            self._wait_at(one, "review", "passed", rules.blocks("review_period"), "not_reviewed")
        elif not rules.bar("implementation").is_cleared(one.implemented, one.counts()["yes"]):
            blocks = rules.blocks("implementation_period")
            self._wait_at(one, "implementation", "reviewed", blocks, "not_implemented")
        else:
            one.effective = one.tried = self.height + max(1, rules.blocks("timelock"))
            one.expires = one.effective + rules.blocks("grace")
            self._move(one, "timelock", "passed")

    def _wait_at(self, one: Entry, gate: str, reason: str, blocks: int, late: str) -> None:
        if one.status != gate:
            one.gate = self.height + blocks
            self._move(one, gate, reason)
        elif self.height == one.gate:
            self._end(one, "expired", late, "timed_out")

    def _take_effect(self, one: Entry) -> None:
        second = one.rules.texts["then"]
        if one.after and not self._may_come(one.after):
            self._end(one, "failed", "predecessor_over", "refused")
        elif one.after and not self._has_come(one.after):
            self._try_later(one, "predecessor_waits")
        elif second:
            following = self._enter(one.proposer, one.act, Rules(second, self.tracks[second], 0), None, one.after)
            self._announce(following, f"follows_{one.number}")
            one.goes_on = following.number
            self._finish(one, f"goes_on_in_{second}")
        elif one.act[0] == "pay" and self.treasury < one.act[1]:
            self._try_later(one, "insufficient_funds")
        else:
            if one.act[0] == "pay":
                self.treasury -= one.act[1]
            if one.act[0] == "rule":
                self.tracks[self.ruled] = self.sets[one.act[1]]
            self._finish(one, "executed")

    def _finish(self, one: Entry, reason: str) -> None:
        one.done = self.height
        self._end(one, "executed", reason, "done")

    def _try_later(self, one: Entry, reason: str) -> None:
        if self.height == one.expires:
            self._end(one, "expired", reason, "timed_out")
        else:
            one.reason = reason
            one.tried = min(one.expires, self.height + max(1, one.rules.blocks("grace") // MOST_TRIES))

    def _has_come(self, number: int) -> bool:
        """Whether what a proposal is about has happened, by its own vote or by the one that it went on to."""
        one = self.entries[number]
        return one.status == "executed" and (not one.goes_on or self._has_come(one.goes_on))

    def _may_come(self, number: int) -> bool:
        one = self.entries[number]
        if one.goes_on:
            return self._may_come(one.goes_on)
        return one.status == "executed" or one.status not in OVER

    # -- what both have in common

    def _move(self, one: Entry, status: str, reason: str) -> None:
        one.status, one.reason = status, reason
        one.story.append((self.height, status, reason))
        if status not in HEARING:
            self._leave_place(one)

    def _leave_place(self, one: Entry) -> None:
        track = one.first.track
        had, one.placed, one.queued = one.placed, False, 0
        if had and not self.is_full(track) and self.queue(track):
            self._keep_a_place(track, self.height + 1)

    def _keep_a_place(self, track: str, ready: int) -> None:
        """For the first that waits, which takes it at the end of the block ``ready``."""
        following = self.entries[self.queue(track)[0]]
        following.placed, following.queued, following.ready = True, 0, ready

    def _end(self, one: Entry, status: str, reason: str, kind: str) -> None:
        """The end of a proposal, and what it burns: a veto's burn is not evaded by calling the proposal off."""
        rules, ends = one.rules, {kind, reason}
        if status == "cancelled" and rules.is_vetoed(one.counts()):
            ends.add("vetoed")
        for depositor, amount in one.paid.items():
            lost = floor(rules.share("cancel_burn") * amount) if kind == "withdrawn" else 0
            if ends & rules.ends("burns_initial") and depositor == one.proposer:
                lost = max(lost, min(one.initial, amount))
            if ends & rules.ends("burns"):
                lost = amount
            one.burned += lost
            one.refunded += amount - lost
            self.coins[depositor] += amount - lost
        one.paid, one.ended = {}, self.height
        if status in ("rejected", "vetoed"):
            self.failed[one.act] = self.height
        self._move(one, status, reason)
