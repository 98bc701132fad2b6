"""The laws of a proposal's life under tracks of any rules, against what a clerk would say.  # R1.6

Only the stated moves happen, and only time or the stated call makes them; what has ended stays as it ended; a deadline
never comes nearer and is put off at most once but for the turn of an expedited vote; no track has more votes open than
places; what took effect had passed, by plain fractions, and its timelock was over.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from governance.bars import BILLION
from governance.gates import Approve
from governance.lifecycle import Status
from governance.proposals import Proposal, Standing, TreasurySpend
from governance.tables import PROPOSALS, REVIEWERS, TRACK_STATES, WAITING, Mark
from governance.tracks import Track
from runtime.address import module_address
from tests.governance.sizes import sized
from tests.governance.world import World, person

PEOPLE = [person(number) for number in range(1, 6)]
REVIEWER = person(20)
OPTIONS = ("yes", "yes", "yes", "no", "abstain", "veto")
WAYS: dict[str, str] = {
    "deposit": "delay expired",
    "delay": "voting",
    "voting": "confirm review implementation timelock rejected vetoed",
    "confirm": "voting review implementation timelock rejected vetoed",
    "review": "implementation timelock expired",
    "implementation": "timelock expired",
    "timelock": "executed failed expired",
}
"""Where time alone may lead from each state; from every other one it leads nowhere."""
QUICK = {"voting_delay": 1, "voting_period": 8, "timelock_delay": 10, "grace_period": 10}
FALLING = f">= linear {BILLION} {BILLION // 2} {BILLION}"

rules_of_a_track = st.fixed_dictionaries(
    {
        "confirm": st.sampled_from(["0", "3"]),
        "early": st.sampled_from(["no", "yes"]),
        "limit": st.sampled_from(["0", "1", "2"]),
        "late": st.sampled_from(["0", "1/4", "1/2"]),
        "late_on": st.sampled_from(["swing", "quorum"]),
        "turns_into": st.sampled_from(["", "slow"]),
        "then": st.sampled_from(["", "second"]),
        "reviews": st.sampled_from(["0", "0", "1"]),
        "review_period": st.just("4"),
        "implementation": st.sampled_from([">= 0/1", ">= 0/1", ">= 1/2"]),
        "implementation_period": st.just("4"),
        "quorum": st.sampled_from([">= 334/1000", "> 1/2"]),
        "turnout": st.sampled_from(["all", "yes_and_abstain"]),
        "threshold": st.sampled_from([">= 667/1000", FALLING]),
        "timelock": st.sampled_from(["0", "5"]),
    }
)


def rules(what: Proposal, now: Standing) -> Track:
    """Those it began under, or those that its expedited vote turned into."""
    return what.fallback[0] if now.turned else what.track


class Lives(RuleBasedStateMachine):
    """Five voters of equal power, one of them reviewing too, and up to six proposals on tracks of drawn rules."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(powers=(100,) * 5, parameters=QUICK)
        self.seen: dict[int, Standing] = {}
        self.track: dict[int, Track] = {}
        self.put_off: dict[int, int] = {}

    @initialize(drawn=rules_of_a_track)
    def begin(self, drawn: dict[str, str]) -> None:
        early = "no" if drawn["confirm"] == "0" else drawn["early"]
        self.world.track("ordinary", **{**drawn, "early": early})
        self.world.track("slow", period="16", threshold=">= 1/2")
        self.world.track("second", deposit="0", delay="1")
        self.world.overlay.put(REVIEWERS, (REVIEWER,), Mark())
        bank = self.world.runtime.tables["bank.accounts"]
        self.world.overlay.put(bank, (module_address("treasury"),), bank.record(balance=10))

    @property
    def known(self) -> range:
        return range(1, len(self.seen) + 1)

    def in_state(self, *states: Status) -> list[int]:
        return [number for number in self.known if self.seen[number].status in states]

    def kept(self, number: int) -> tuple[Proposal, Standing]:
        return self.world.what(number), self.world.standing(number)

    @precondition(lambda self: len(self.seen) < 6)
    @rule(who=st.sampled_from(PEOPLE), amount=st.sampled_from([1, 6]))
    def propose(self, who: bytes, amount: int) -> None:
        number = self.world.proposed(who, TreasurySpend(recipient=person(9), amount=amount))
        self.note(number)

    @precondition(lambda self: self.in_state(Status.VOTING, Status.CONFIRM))
    @rule(pick=st.integers(0, 5), options=st.lists(st.sampled_from(OPTIONS), min_size=1, max_size=5))
    def vote(self, pick: int, options: list[str]) -> None:
        numbers = self.in_state(Status.VOTING, Status.CONFIRM)
        number = numbers[pick % len(numbers)]
        for voter, option in zip(PEOPLE, options, strict=False):
            before = self.world.standing(number)
            code = self.world.vote(voter, number, option)
            assert code in ("ok", "same_vote", "voting_closed")
            assert (code == "voting_closed") == (not before.is_open(self.world.height))

    @precondition(lambda self: self.in_state(Status.REVIEW, Status.IMPLEMENTATION))
    @rule(pick=st.integers(0, 5), voter=st.sampled_from(PEOPLE))
    def approve(self, pick: int, voter: bytes) -> None:
        numbers = self.in_state(Status.REVIEW, Status.IMPLEMENTATION)
        number = numbers[pick % len(numbers)]
        what, before = self.kept(number)
        args = Approve(proposal=number, effect=what.effect)
        reviewing = before.status == Status.REVIEW
        code = self.world.call(*((REVIEWER, "review") if reviewing else (voter, "approve_implementation")), args)
        assert code in (("ok", "approved_already") if reviewing else ("ok", "approved_already", "no_yes_vote"))

    @precondition(lambda self: self.seen)
    @rule(number=st.integers(1, 20))
    def withdraw(self, number: int) -> None:
        """Seldom enough that most proposals come to their own end."""
        if number not in self.seen:
            return
        what, before = self.kept(number)
        may = before.status in (Status.DEPOSIT, Status.DELAY, Status.VOTING, Status.CONFIRM)
        assert (self.world.cancel(what.proposer, number) == "ok") == may
        if may:
            self.seen[number] = self.world.standing(number)
            assert self.seen[number].status == Status.CANCELLED

    @rule(blocks=st.integers(1, 6))
    def go_on(self, blocks: int) -> None:
        for _ in range(blocks):
            self.world.end_block()
            for number in (*self.known, *self._followers()):
                self.note(number)

    def _followers(self) -> list[int]:
        last = len(self.seen)
        found = []
        while self.world.overlay.get(PROPOSALS, (last + 1,)) is not None:
            last += 1
            found.append(last)
        return found

    def note(self, number: int) -> None:
        """Compare a proposal with what was known of it, and remember it."""
        what, now = self.kept(number)
        before = self.seen.get(number)
        self.seen[number] = now
        if before is None:
            self.track[number] = what.track
            return
        assert what.track == self.track[number], "it keeps the rules it began under"
        was, status = Status(before.status), Status(now.status)
        assert status is was or status in WAYS.get(was, "").split(), (was, status)
        if was.is_final:
            assert now == before, "what has ended stays as it ended"
        if status is Status.VOTING and was is Status.DELAY:
            assert now.snapshot < now.opened == self.world.height <= now.closes
        if before.opened and was.takes_votes:
            assert (now.opened, now.snapshot, now.electors) == (before.opened, before.snapshot, before.electors)
            assert now.closes >= before.closes, "a deadline never comes nearer"
            if now.closes > before.closes and now.turned == before.turned:
                self.put_off[number] = self.put_off.get(number, 0) + 1
                assert self.put_off[number] == 1 and now.extended
        if status is Status.TIMELOCK and was is not status:
            assert self.passed(what, before, now), "what is approved has passed"
            track = rules(what, now)
            assert now.effective == self.world.height - 1 + max(1, track.timelock)
            assert track.early or self.world.height > now.closes, "nothing is approved before its deadline"
        if status is Status.EXECUTED and was is not status:
            assert was is Status.TIMELOCK and now.ended >= now.effective

    def passed(self, what: Proposal, before: Standing, now: Standing) -> bool:
        """Whether the count passes at the last moment it may have been judged, by plain fractions."""
        track, tally = rules(what, now), now.tally
        elapsed = min(track.period, self.world.height - 1 - now.opened + 1)
        falls = track.threshold.curve.case == "linear"
        asked = 1 - Fraction(elapsed, 2 * track.period) if falls else self.share(track.threshold)
        turnout = tally.yes + tally.abstain + (tally.no + tally.veto if track.turnout == "all" else 0)
        quorum = Fraction(turnout, now.electors.power)
        enough = quorum > Fraction(1, 2) if track.quorum.test == ">" else quorum >= self.share(track.quorum)
        decided = tally.yes + tally.no + tally.veto
        voted = decided + tally.abstain
        vetoed = tally.veto > 0 and Fraction(tally.veto, voted) >= Fraction(334, 1000)
        return tally.voters >= 3 and enough and not vetoed and decided > 0 and Fraction(tally.yes, decided) >= asked

    @staticmethod
    def share(bar: object) -> Fraction:
        return Fraction(bar.curve.value.part, bar.curve.value.whole)

    @invariant()
    def nothing_moves_but_by_time_and_withdrawal(self) -> None:
        now = {number: self.world.standing(number) for number in self.seen}
        assert {n: one.status for n, one in now.items()} == {n: one.status for n, one in self.seen.items()}
        for name in ("ordinary", "second"):
            self.places_are_counted_and_never_more_than_there_are(name, now)

    def places_are_counted_and_never_more_than_there_are(self, name: str, now: dict[int, Standing]) -> None:
        mine = {number: one for number, one in now.items() if self.track[number].name == name}
        row = self.world.overlay.get(TRACK_STATES, (name,))
        found = (0, 0) if row is None else (row.open, row.voting)
        placed = [one for one in mine.values() if one.placed]
        assert found == (sum(not Status(one.status).is_final for one in mine.values()), len(placed))
        assert all(one.placed for one in mine.values() if Status(one.status).takes_votes)
        limit = self.track[min(mine)].limit if mine else 0
        assert not limit or len(placed) <= limit
        waiting = {key[2] for key, _ in self.world.overlay.scan(WAITING, (name,))}
        assert waiting == {number for number, one in mine.items() if one.queued}
        assert not waiting or len(placed) == limit, "nobody waits while a place is free"


Lives.TestCase.settings = sized()
test_every_life_keeps_its_laws = pytest.mark.timeout(3_600)(Lives.TestCase)
