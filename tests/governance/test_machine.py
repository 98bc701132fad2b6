"""The laws of governance against a plain model, in any order of calls and blocks.  # R1.6 R2.3

States are exclusive and final; a tally is the sum of the power that voted, as of the snapshot; deposits are conserved;
votes outside the voting period are refused; nothing but a stated operation moves a proposal.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from governance.calls import Cancel
from governance.electorate import power_at
from governance.lifecycle import MOVES, Status
from governance.proposals import NewValue, ParameterChange, TreasurySpend
from governance.tables import DEPOSITS, DUE, GUARDIAN, HISTORY, PINS, VOTES, Guardian
from governance.tally import Option
from runtime.purse import SUPPLY
from tests.governance.sizes import sized
from tests.governance.world import A_STATEMENT, World, person

GUARD = person(30)
PEOPLE = [person(number) for number in range(1, 8)]
OPTIONS = [option.value for option in Option]
MOSTLY_YES = ["yes", "yes", "yes", *OPTIONS, "veto"]
CONTENTS = [
    A_STATEMENT,
    TreasurySpend(recipient=person(9), amount=7),
    ParameterChange(values=(NewValue(name="min_deposit", number=900),)),
]
QUICK = {"voting_delay": 1, "voting_period": 6, "timelock_delay": 10, "deposit_period": 5, "grace_period": 10}
ALLOWED = {(before, following) for (before, _), following in MOVES.items()}


class Governed(RuleBasedStateMachine):
    """Seven people, five of them voters whose power moves; the model is what a clerk would write down."""

    proposals = Bundle("proposals")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name) / "home", powers=(50, 100, 150, 200, 250), parameters=QUICK)
        self.world.overlay.put(GUARDIAN, (), Guardian(address=GUARD))
        self.coins = {owner: self.world.balance(owner) for owner in PEOPLE}
        self.paid: dict[int, dict[bytes, int]] = {}
        self.initial: dict[int, int] = {}
        self.cast: dict[int, dict[bytes, str]] = {}
        self.seen: dict[int, Status] = {}
        self.power = {0: self._powers()}
        self.burned = 0

    def teardown(self) -> None:
        self.world.close_home()
        self.folder.cleanup()

    def _powers(self) -> dict[bytes, int]:
        return {voter: power_at(self.world.overlay, voter, self.world.height) for voter in PEOPLE}

    @precondition(lambda self: len(self.paid) < 4)
    @rule(
        target=proposals,
        sender=st.sampled_from(PEOPLE),
        content=st.sampled_from(CONTENTS),
        deposit=st.sampled_from([250, 1_000, 1_500]),
    )
    def propose(self, sender: bytes, content: object, deposit: int) -> int:
        if self.world.propose(sender, content, deposit=deposit) != "ok":
            return 0
        proposal = len(self.paid) + 1
        self.paid[proposal] = {sender: min(deposit, self.world.what(proposal).track.deposit)}
        self.initial[proposal] = self.paid[proposal][sender]
        self.cast[proposal] = {}
        return proposal

    @rule(proposal=proposals, sender=st.sampled_from(PEOPLE), amount=st.integers(1, 800))
    def deposit(self, proposal: int, sender: bytes, amount: int) -> None:
        was = self.seen.get(proposal)
        code = self.world.deposit(sender, proposal, amount)
        assert (code == "ok") == (was is Status.DEPOSIT)
        if code == "ok":
            paid = self.paid[proposal]
            missing = self.world.what(proposal).track.deposit - sum(paid.values())
            paid[sender] = paid.get(sender, 0) + min(amount, missing)

    @precondition(lambda self: self.paid)
    @rule(proposal=proposals, voter=st.sampled_from(PEOPLE), option=st.sampled_from(OPTIONS))
    def vote(self, proposal: int, voter: bytes, option: str) -> None:
        if not proposal:
            return
        standing = self.world.standing(proposal)
        is_open = standing.status == Status.VOTING
        may = is_open and self.power[standing.snapshot][voter] > 0 and self.cast[proposal].get(voter) != option
        assert (self.world.vote(voter, proposal, option) == "ok") == may
        if may:
            self.cast[proposal][voter] = option

    @precondition(lambda self: Status.VOTING in self.seen.values())
    @rule(pick=st.integers(0, 9), options=st.lists(st.sampled_from(MOSTLY_YES), min_size=5, max_size=7))
    def many_vote(self, pick: int, options: list[str]) -> None:
        """So that votes are decided more often than lone voters would decide them."""
        open_ones = [proposal for proposal, status in self.seen.items() if status is Status.VOTING]
        for voter, option in zip(PEOPLE, options, strict=False):
            self.vote(open_ones[pick % len(open_ones)], voter, option)

    @rule(proposal=proposals, sender=st.sampled_from(PEOPLE))
    def cancel(self, proposal: int, sender: bytes) -> None:
        if not proposal:
            return
        may = self.world.what(proposal).proposer == sender and self.seen[proposal] in (
            Status.DEPOSIT,
            Status.DELAY,
            Status.VOTING,
        )
        assert (self.world.cancel(sender, proposal) == "ok") == may

    @rule(proposal=proposals)
    def guard(self, proposal: int) -> None:
        if proposal:
            may = self.world.what(proposal).content.value != A_STATEMENT and not self.seen[proposal].is_final
            assert (self.world.call(GUARD, "guardian_cancel", Cancel(proposal=proposal)) == "ok") == may

    @rule(voter=st.sampled_from(PEOPLE), tokens=st.integers(0, 400))
    def stake(self, voter: bytes, tokens: int) -> None:
        self.world.bond(voter, tokens)

    @rule(blocks=st.integers(1, 9))
    def go_on(self, blocks: int) -> None:
        for _ in range(blocks):
            self.world.end_block()
            self.power[self.world.height - 1] = self._powers()
            self.only_stated_moves()

    @precondition(lambda self: self.paid)
    @invariant()
    def only_stated_moves(self) -> None:
        for proposal in self.paid:
            status = self.world.status(proposal)
            before = self.seen.get(proposal, Status.DEPOSIT)
            assert status is before or (before, status) in ALLOWED, (before, status)
            self.seen[proposal] = status

    @invariant()
    def tallies_are_the_power_that_voted_at_the_snapshot(self) -> None:
        for proposal, cast in self.cast.items():
            standing = self.world.standing(proposal)
            counts = dict.fromkeys(OPTIONS, 0)
            for voter, option in cast.items():
                counts[option] += self.power[standing.snapshot][voter]
            assert {option: getattr(standing.tally, option) for option in OPTIONS} == counts
            assert standing.tally.voters == len(cast)
            rows = self.world.overlay.scan(VOTES, (proposal,))
            assert {key[1]: row.option for key, row in rows} == cast

    @invariant()
    def no_deposit_is_made_or_lost(self) -> None:
        held = {key: row.amount for key, row in self.world.overlay.scan(DEPOSITS)}
        owed: dict[bytes, int] = dict.fromkeys(PEOPLE, 0)
        for proposal, paid in self.paid.items():
            ended = self.world.status(proposal).is_final
            assert {key[1]: amount for key, amount in held.items() if key[0] == proposal} == ({} if ended else paid)
            for owner, amount in paid.items():
                owed[owner] += self._lost(proposal, owner, amount) if ended else amount
        for owner in PEOPLE:
            assert self.world.balance(owner) == self.coins[owner] - owed[owner]
        ledger, supply = self.world.ledger(), self.world.overlay.get(SUPPLY, ())
        assert ledger.held == sum(held.values()) == supply.held
        assert ledger.taken == ledger.held + ledger.refunded + ledger.burned

    def _lost(self, proposal: int, owner: bytes, amount: int) -> int:
        """All of it by a veto, and of a draft that lapsed what came with it."""
        if self._burned(proposal):
            return amount
        lapsed = self.world.standing(proposal).reason == "deposit_not_gathered"
        return self.initial[proposal] if lapsed and owner == self.world.what(proposal).proposer else 0

    def _burned(self, proposal: int) -> bool:
        standing, what = self.world.standing(proposal), self.world.what(proposal)
        tally = standing.tally
        counted = tally.yes + tally.no + tally.abstain + tally.veto
        veto = what.track.veto.curve.value
        vetoed = tally.veto > 0 and tally.veto * veto.whole >= counted * veto.part
        return standing.status == Status.VETOED or (standing.status == Status.CANCELLED and vetoed)

    @invariant()
    def every_open_proposal_is_due_once_and_no_other_is(self) -> None:
        due = {key[2]: key[1] for key, _ in self.world.overlay.scan(DUE)}
        rows = sum(1 for _ in self.world.overlay.scan(DUE))
        open_ones = {p: self.world.standing(p).due for p in self.paid if not self.world.status(p).is_final}
        assert due == open_ones and rows == len(due)
        assert all(height >= self.world.height for height in due.values())

    @invariant()
    def votes_in_progress_pin_their_snapshots(self) -> None:
        standings = [self.world.standing(proposal) for proposal in self.paid]
        wanted = sorted(s.snapshot for s in standings if s.status == Status.VOTING)
        pins = self.world.overlay.get(PINS, ())
        assert list(() if pins is None else pins.heights) == wanted

    @invariant()
    def history_tells_the_present_state_last(self) -> None:
        for proposal in self.paid:
            steps = [row for _, row in self.world.overlay.scan(HISTORY, (proposal,))]
            standing = self.world.standing(proposal)
            assert len(steps) == standing.steps
            assert steps[-1].status == standing.status


Governed.TestCase.settings = sized()
test_governance_keeps_its_laws = pytest.mark.timeout(3_600)(Governed.TestCase)
