"""The laws of a proposal's life under tracks of any rules, against an usher's books, step by step.  # R1.6 R2.3 A4 A7

Whatever is called, the chain answers as the usher says, and every proposal then stands as he says, in all that can be
seen of it: state, reason and history, heights, place and queue, count, gates, deposit, and what it did. And whatever he
says: only the stated moves happen, and only time or the stated call makes them; what has ended stays as it ended; a
deadline never comes nearer and is put off at most once but for the turn of an expedited vote; no track has more votes
open than places; what takes effect was approved and its timelock is over.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from governance.calls import Cancel
from governance.fitting import POSTS
from governance.gates import Approve
from governance.lifecycle import Status
from governance.proposals import Standing, TreasurySpend
from governance.tables import (
    DEPOSITS,
    DUE,
    GUARDIAN,
    HISTORY,
    PARTICIPATION,
    PINS,
    REVIEWERS,
    ROUTES,
    TRACK_STATES,
    TRACKS,
    WAITING,
    Guardian,
    Mark,
    Route,
)
from governance.tracks import ChangeTracks, Track, TrackChange, TrackRow
from runtime.address import module_address
from storage.record import Record
from tests.governance.drawn_tracks import row, rows
from tests.governance.sizes import sized
from tests.governance.usher import WITHDRAWABLE, Usher
from tests.governance.ushers_entry import HEARING, OPTIONS, OVER, Act
from tests.governance.ushers_rules import Texts
from tests.governance.world import A_STATEMENT, World, person

VOTERS = [person(number) for number in range(1, 6)]
POWERS = (50, 100, 150, 200, 250)
JURY, GUARD, ANCHOR, PAYEE = (person(20), person(21)), person(30), person(31), person(9)
PEOPLE = [*VOTERS, JURY[0]]
COINS, MOST_OPEN, MOST_CALLS = 3_000, 4, 1_000
TREASURY, IN_TREASURY = module_address("treasury"), 6
BLOCKS = st.sampled_from([1, 1, 2, 3, 5, 9])
MOSTLY_YES = ("yes",) * 6 + OPTIONS
RULED = "ordinary"
"""The track whose rules votes replace, those on this track and on another."""
ACTS: list[Act] = [*(("pay", units) for units in (1, 6, 12)), ("say", 1), ("say", 2)]
ACTS += [("rule", number) for number in (0, 1, 1, 2)]
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

BROUGHT = {
    "sender": st.sampled_from(PEOPLE),
    "act": st.sampled_from(ACTS),
    "aside": st.booleans(),
    "deposit": st.sampled_from([200, 250, 375, *(1_500,) * 6]),
    "after": st.integers(0, 4),
}
BALLOTS = st.tuples(st.integers(0, 5), st.integers(0, 4), st.lists(st.sampled_from(MOSTLY_YES), min_size=1, max_size=5))


def content_of(act: Act, sets: tuple[Texts, ...]) -> Record:
    kind, number = act
    if kind == "say":
        return A_STATEMENT
    if kind == "pay":
        return TreasurySpend(recipient=PAYEE, amount=number)
    return ChangeTracks(tracks=(TrackChange(name=RULED, row=TrackRow(**sets[number])),))


class Lives(RuleBasedStateMachine):
    """Five voters whose power moves, one reviewer, a guardian, and up to seven proposals on tracks of drawn rules."""

    def __init__(self) -> None:
        super().__init__()
        parameters = {"max_open_per_proposer": MOST_OPEN, "calls_per_block": MOST_CALLS}
        self.world = World(powers=POWERS, parameters=parameters, coins=COINS)
        self.seen: dict[int, Standing] = {}
        self.began_under: dict[int, Track] = {}
        self.put_off: set[int] = set()

    @initialize(
        sets=st.tuples(rows(), rows(timelock="9")),
        opinion=rows(),
        slow=rows("confirm", "early", "late", "late_on", "quorum", period="16", threshold=">= 1/2"),
        second=rows("limit", deposit="0", power_floor="1/100"),
        proposals=st.lists(st.fixed_dictionaries(BROUGHT), min_size=2, max_size=5),
    )
    def begin(
        self,
        sets: tuple[Texts, Texts],
        opinion: Texts,
        slow: Texts,
        second: Texts,
        proposals: list[dict[str, Any]],
    ) -> None:
        self.usher = Usher(
            tracks={"ordinary": sets[0], "opinion": opinion, "slow": slow, "second": second},
            ruled=RULED,
            sets=(*sets, row(threshold=">= 49/100")),
            power=dict(zip(VOTERS, POWERS, strict=True)),
            coins=dict.fromkeys(PEOPLE, COINS),
            treasury=0,
            reviewers=frozenset(JURY),
            most_open=MOST_OPEN,
        )
        for name, texts in self.usher.tracks.items():
            self.world.track(name, **texts)
        self.world.overlay.put(ROUTES, ("tracks",), Route(tracks=("ordinary", "opinion")))
        for kind in POSTS:
            self.world.overlay.put(ROUTES, (kind,), Route(tracks=("upgrade",)))
        for reviewer in JURY:
            self.world.overlay.put(REVIEWERS, (reviewer,), Mark())
        self.world.overlay.put(GUARDIAN, (), Guardian(address=GUARD))
        self.endow(IN_TREASURY)
        self.stake(ANCHOR, 1)
        self.go_on(1)
        for given in proposals:
            self.propose(**given)

    def in_state(self, *states: str) -> list[int]:
        return [number for number, one in self.usher.entries.items() if one.status in states]

    # -- what people do

    @precondition(lambda self: len(self.usher.entries) < 7)
    @rule(given=st.fixed_dictionaries(BROUGHT))
    def propose_one(self, given: dict[str, Any]) -> None:
        self.propose(**given)

    def propose(self, sender: bytes, act: Act, aside: bool, deposit: int, after: int) -> None:
        after = after if after in self.usher.entries else 0
        track = "opinion" if act[0] == "say" or (act[0] == "rule" and aside) else "ordinary"
        expected = self.usher.propose(sender, act, track, deposit, after)
        details = {"deposit": deposit, "after": after, "track": track, "title": f"The {act[0]} of {act[1]}"}
        assert self.world.propose(sender, content_of(act, self.usher.sets), **details) == expected

    @precondition(lambda self: self.in_state("deposit"))
    @rule(pick=st.integers(0, 5), sender=st.sampled_from(PEOPLE), amount=st.sampled_from([1, 249, 500, 1_500]))
    def deposit(self, pick: int, sender: bytes, amount: int) -> None:
        drafts = self.in_state("deposit")
        number = drafts[pick % len(drafts)]
        assert self.world.deposit(sender, number, amount) == self.usher.deposit(number, sender, amount)

    @precondition(lambda self: self.in_state(*HEARING))
    @rule(ballots=BALLOTS)
    def vote(self, ballots: tuple[int, int, list[str]]) -> None:
        """On one proposal, or on all that take votes; so many ballots, beginning with that voter."""
        pick, first, options = ballots
        open_ones = self.in_state(*HEARING)
        for number in open_ones if pick > 2 else [open_ones[pick % len(open_ones)]]:
            self.cast(number, first, options)
        self.leave_room()

    def leave_room(self) -> None:
        """Let a block pass before somebody has made as many calls as one may in a block."""
        if max(self.world.efforts.values(), default=0) > MOST_CALLS // 2:
            self.go_on(1)

    def cast(self, number: int, first: int, options: list[str]) -> None:
        for place, option in enumerate(options, first):
            voter, before = VOTERS[place % len(VOTERS)], self.world.standing(number)
            assert self.world.vote(voter, number, option) == self.usher.vote(number, voter, option)
            closes = self.world.standing(number).closes
            assert closes >= before.closes, "a deadline never comes nearer"
            if closes != before.closes:
                assert number not in self.put_off, "a vote puts it off at most once"
                self.put_off.add(number)

    @precondition(lambda self: self.in_state("review", "implementation"))
    @rule(pick=st.integers(0, 5), who=st.sampled_from([*PEOPLE, *JURY]))
    def approve(self, pick: int, who: bytes) -> None:
        waiting = self.in_state("review", "implementation")
        number = waiting[pick % len(waiting)]
        self.sign(number, who, reviewing=self.usher.entries[number].status == "review")

    def sign(self, number: int, who: bytes, reviewing: bool) -> None:
        args = Approve(proposal=number, effect=self.world.what(number).effect)
        call, said = ("review", self.usher.review) if reviewing else ("approve_implementation", self.usher.implement)
        given, expected = self.world.call(who, call, args), said(number, who)
        assert given == expected

    @rule(number=st.integers(1, 25), by_guardian=st.booleans(), who=st.sampled_from(PEOPLE))
    def disturb(self, number: int, by_guardian: bool, who: bytes) -> None:
        """Somebody comes too late for anything, or a proposal is called off; that seldom enough that most live on."""
        if number in self.usher.entries:
            self.cancel(number, by_guardian)
        else:
            self.come_too_late(who)
            self.leave_room()

    def cancel(self, number: int, by_guardian: bool) -> None:
        if by_guardian:
            given = self.world.call(GUARD, "guardian_cancel", Cancel(proposal=number))
            assert given == self.usher.call_off(number)
        else:
            proposer = self.usher.entries[number].proposer
            assert self.world.cancel(proposer, number) == self.usher.withdraw(number, proposer)

    def come_too_late(self, who: bytes) -> None:
        """Whatever a proposal's state does not allow, or not this person."""
        for number, one in self.usher.entries.items():
            if one.status not in HEARING:
                assert self.world.vote(who, number, "no") == self.usher.vote(number, who, "no") != "ok"
            if one.status != "deposit":
                assert self.world.deposit(who, number, 3) == self.usher.deposit(number, who, 3) != "ok"
            if one.status not in WITHDRAWABLE:
                self.cancel(number, by_guardian=False)
            if one.status in OVER:
                self.cancel(number, by_guardian=True)
            if who != one.proposer:
                assert self.world.cancel(who, number) == self.usher.withdraw(number, who) == "not_the_proposer"
            for reviewing in (True, False):
                if one.status != ("review" if reviewing else "implementation"):
                    self.sign(number, who, reviewing)

    @rule(voter=st.sampled_from(VOTERS), tokens=st.integers(0, 400), coins=st.integers(0, 2))
    def move_coins(self, voter: bytes, tokens: int, coins: int) -> None:
        """A voter's stake changes, and somebody gives to the treasury, so that what could not happen can."""
        self.stake(voter, tokens)
        self.endow(coins)

    def stake(self, voter: bytes, tokens: int) -> None:
        self.world.bond(voter, tokens)
        self.usher.power[voter] = tokens

    def endow(self, coins: int) -> None:
        bank = self.world.runtime.tables["bank.accounts"]
        self.usher.treasury += coins
        self.world.overlay.put(bank, (TREASURY,), bank.record(balance=self.usher.treasury))

    @rule(ballots=st.none() | BALLOTS | BALLOTS, signing=st.integers(0, 7), blocks=BLOCKS)
    def live_on(self, ballots: tuple[int, int, list[str]] | None, signing: int, blocks: int) -> None:
        """Blocks pass, mostly with people who vote and sign what they wanted."""
        if ballots is not None and self.in_state(*HEARING):
            self.vote(ballots)
        for number in self.in_state("review", "implementation"):
            for who in [*JURY, *VOTERS][:signing]:
                self.sign(number, who, reviewing=self.usher.entries[number].status == "review")
        self.go_on(blocks)

    @rule(blocks=BLOCKS)
    def wait(self, blocks: int) -> None:
        self.go_on(blocks)

    def go_on(self, blocks: int) -> None:
        self.every_proposal_stands_as_the_usher_says()
        for _ in range(blocks):
            self.world.end_block()
            self.usher.end_block()
            for number, before in self.seen.items():
                self.time_keeps_its_laws(number, before, self.world.standing(number))
            self.every_proposal_stands_as_the_usher_says()

    # -- what must be so, by the usher's books

    @invariant()
    def the_chain_agrees_with_the_usher(self) -> None:
        self.every_proposal_stands_as_the_usher_says()
        self.no_unit_is_made_or_lost()
        self.rules_are_what_an_executed_vote_made_them()
        self.places_and_queues_are_his()
        self.every_open_proposal_is_due_once_and_no_other_is()

    def every_proposal_stands_as_the_usher_says(self) -> None:
        for number, one in self.usher.entries.items():
            found, known = self.world.standing(number), self.seen.get(number)
            expected = one.shown()
            shown = {name: getattr(found, name) for name in expected}
            assert shown == expected, {
                name: (shown[name], expected[name]) for name in shown if shown[name] != expected[name]
            }
            assert {option: getattr(found.tally, option) for option in OPTIONS} == one.counts()
            assert found.tally.voters == len(one.cast)
            assert (found.electors.power, found.electors.voters) == one.electors()
            if known is None or known.steps != found.steps:
                history = self.world.overlay.scan(HISTORY, (number,))
                assert [(step.height, step.status, step.reason) for _, step in history] == one.story
            what = self.world.what(number)
            assert what.track == self.began_under.setdefault(number, what.track), "it keeps the rules it began under"
            assert what.track.name == one.first.track
            self.seen[number] = found

    def no_unit_is_made_or_lost(self) -> None:
        held = {key: found.amount for key, found in self.world.overlay.scan(DEPOSITS)}
        entries = self.usher.entries
        assert held == {(n, owner): part for n, one in entries.items() for owner, part in one.paid.items()}
        assert {owner: self.world.balance(owner) for owner in PEOPLE} == self.usher.coins
        assert self.world.balance(TREASURY) == self.usher.treasury
        ledger = self.world.ledger()
        assert ledger.held == sum(held.values())
        assert ledger.burned == sum(one.burned for one in entries.values())
        assert ledger.taken == ledger.held + ledger.refunded + ledger.burned

    def rules_are_what_an_executed_vote_made_them(self) -> None:
        for name, texts in self.usher.tracks.items():
            assert self.world.overlay.get(TRACKS, (name,)) == TrackRow(**texts)
        moved = self.world.overlay.get(PARTICIPATION, ())
        assert (None if moved is None else moved.average) == self.usher.participation

    def places_and_queues_are_his(self) -> None:
        for name, texts in self.usher.tracks.items():
            state = self.world.overlay.get(TRACK_STATES, (name,))
            taken, limit = self.usher.hearing_on(name), int(texts["limit"])
            assert ((0, 0) if state is None else (state.open, state.voting)) == (len(self.usher.open_on(name)), taken)
            waiting = [key[2] for key, _ in self.world.overlay.scan(WAITING, (name,))]
            assert waiting == self.usher.queue(name)
            if name != RULED:  # on which a vote may change how many places there are
                assert not limit or taken <= limit
                assert not waiting or taken == limit, "nobody waits while a place is free"

    def every_open_proposal_is_due_once_and_no_other_is(self) -> None:
        due = {key[2]: key[1] for key, _ in self.world.overlay.scan(DUE)}
        assert due == {number: one.due for number, one in self.seen.items() if one.due}
        open_ones = {number for number, one in self.usher.entries.items() if one.status not in OVER and not one.queued}
        assert set(due) == open_ones
        assert all(height >= self.world.height for height in due.values())
        pins = self.world.overlay.get(PINS, ())
        snapshots = sorted(one.snapshot for one in self.usher.entries.values() if one.status in HEARING)
        assert list(() if pins is None else pins.heights) == snapshots

    # -- and whatever he says

    def time_keeps_its_laws(self, number: int, before: Standing, now: Standing) -> None:
        """What the end of one block may do to a proposal."""
        was, status = Status(before.status), Status(now.status)
        assert status is was or status in WAYS.get(was, "").split(), (was, status)
        if was.is_final:
            assert now == before, "what has ended stays as it ended"
        assert now.tally == before.tally, "time casts no vote"
        if status is Status.VOTING and was is Status.DELAY:
            assert now.snapshot < now.opened == self.world.height <= now.closes
        if was.takes_votes:
            assert (now.opened, now.snapshot, now.electors) == (before.opened, before.snapshot, before.electors)
            assert now.closes == before.closes or (now.turned and not before.turned and now.closes > before.closes)
        if status is Status.TIMELOCK and was is not status:
            what = self.world.what(number)
            early = (what.fallback[0] if now.turned else what.track).early
            assert early or self.world.height > now.closes, "nothing is approved before its deadline"
        if status is Status.EXECUTED and was is not status:
            assert was is Status.TIMELOCK and now.ended >= now.effective > max(before.opened, before.confirms)
            self.what_is_to_come_before_has_come(number)

    def what_is_to_come_before_has_come(self, number: int) -> None:
        before = self.world.what(number).after
        while before:
            standing = self.world.standing(before)
            assert standing.status == Status.EXECUTED, "a predecessor is done before"
            before = standing.goes_on


Lives.TestCase.settings = sized()
test_every_life_keeps_its_laws = pytest.mark.timeout(3_600)(Lives.TestCase)
