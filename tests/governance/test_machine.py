"""The laws of governance against a registrar's books, step by step, in any order of calls and blocks.  # R1.6 R2.3 A7

Whatever is called, the chain answers as the books say, and every proposal then stands as they say: so only the stated
operation moves a state, time moves only what is due, and what has ended stays. A tally is the sum of the power that
voted, as of the snapshot; deposits are held, refunded or burned and none is lost; what is to come after another waits
for it; parameters, the delay among them, change by an executed vote alone, within their bounds, and a proposal keeps
those it began under.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from governance.calls import Cancel
from governance.lifecycle import Status
from governance.parameters import GOVERNANCE_PARAMETERS
from governance.proposals import NewValue, ParameterChange, Standing, TreasurySpend
from governance.tables import DEPOSITS, DUE, GUARDIAN, HISTORY, PINS, VOTES, Guardian
from runtime.address import module_address
from runtime.parameters import RUNTIME_PARAMETERS, Parameters
from runtime.purse import SUPPLY
from storage.record import Record
from tests.governance.registrar import BOUNDS, DEAREST, OVER, Act, Registrar
from tests.governance.sizes import sized
from tests.governance.world import A_STATEMENT, SMALL, World, person

GUARD, ANCHOR, PAYEE = person(30), person(31), person(9)
PEOPLE = [person(number) for number in range(1, 8)]
POWERS = (50, 100, 150, 200, 250)
TREASURY, IN_TREASURY = module_address("treasury"), 10
OPTIONS = ["yes", "no", "abstain", "veto"]
MOSTLY_YES = ["yes"] * 6 + OPTIONS
QUICK = {
    "voting_delay": 1,
    "voting_period": 6,
    "timelock_delay": 10,
    "deposit_period": 5,
    "grace_period": 10,
    "late_swing": Fraction(1, 2),
    "calls_per_block": 1_000,
}
ACTS: list[Act] = [
    ("say", "", Fraction(0)),
    ("say", "", Fraction(0)),
    ("pay", "", Fraction(7)),
    ("pay", "", Fraction(7)),
    ("set", "min_deposit", Fraction(900)),
    ("set", "min_deposit", Fraction(1_001)),
    ("set", "voting_period", Fraction(8)),
    ("set", "voting_period", Fraction(4)),
    ("set", "timelock_delay", Fraction(12)),
    ("set", "timelock_delay", Fraction(9)),
    ("set", "quorum_threshold", Fraction(1, 2)),
    ("set", "quorum_threshold", Fraction(1, 200)),
]
USUAL = {rule.name: Fraction(rule.default) for rule in (*RUNTIME_PARAMETERS, *GOVERNANCE_PARAMETERS)}
VALUES = {**USUAL, **{name: Fraction(value) for name, value in {**SMALL, **QUICK}.items()}}

BROUGHT = [200, 250, 1_000, 1_000, 1_500]

people = st.sampled_from(PEOPLE)
picks = st.integers(0, 5)


def content_of(act: Act) -> Record:
    kind, name, number = act
    if kind == "say":
        return A_STATEMENT
    if kind == "pay":
        return TreasurySpend(recipient=PAYEE, amount=int(number))
    per = number.denominator if name == "quorum_threshold" else 0
    return ParameterChange(values=(NewValue(name=name, number=number.numerator, per=per),))


class Governed(RuleBasedStateMachine):
    """Seven people, five of them voters whose power moves, a guardian, and up to four proposals."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(powers=POWERS, parameters=QUICK)
        self.world.overlay.put(GUARDIAN, (), Guardian(address=GUARD))
        bank = self.world.runtime.tables["bank.accounts"]
        self.world.overlay.put(bank, (TREASURY,), bank.record(balance=IN_TREASURY))
        self.books = Registrar(
            values=dict(VALUES),
            power=dict(zip(PEOPLE, POWERS, strict=False)),
            coins={owner: self.world.balance(owner) for owner in PEOPLE},
            treasury=IN_TREASURY,
        )
        self.now: dict[int, Standing] = {}
        self.stake(ANCHOR, 1)
        self.go_on(1)

    def picked(self, pick: int) -> int:
        return 1 + pick % len(self.books.filed)

    @precondition(lambda self: len(self.books.filed) < 4)
    @rule(sender=people, act=st.sampled_from(ACTS), deposit=st.sampled_from(BROUGHT), after=st.integers(0, 2))
    def propose(self, sender: bytes, act: Act, deposit: int, after: int) -> None:
        after = after if after in self.books.filed else 0
        expected = self.books.propose(sender, act, deposit, after)
        assert self.world.propose(sender, content_of(act), deposit=deposit, after=after) == expected

    @precondition(lambda self: self.books.filed)
    @rule(pick=picks, sender=people, amount=st.integers(1, 800))
    def deposit(self, pick: int, sender: bytes, amount: int) -> None:
        proposal = self.picked(pick)
        assert self.world.deposit(sender, proposal, amount) == self.books.deposit(proposal, sender, amount)

    @precondition(lambda self: self.books.filed)
    @rule(pick=picks, voter=people, option=st.sampled_from(OPTIONS))
    def vote(self, pick: int, voter: bytes, option: str) -> None:
        proposal = self.picked(pick)
        assert self.world.vote(voter, proposal, option) == self.books.vote(proposal, voter, option)

    def voting(self) -> list[int]:
        return [number for number, one in self.books.filed.items() if one.status == "voting"]

    @precondition(lambda self: self.voting())
    @rule(options=st.lists(st.sampled_from(MOSTLY_YES), min_size=5, max_size=7))
    def many_vote(self, options: list[str]) -> None:
        """So that votes are decided more often than lone voters would decide them."""
        for proposal in self.voting():
            for voter, option in zip(PEOPLE, options, strict=False):
                assert self.world.vote(voter, proposal, option) == self.books.vote(proposal, voter, option)

    @precondition(lambda self: self.books.filed)
    @rule(pick=picks, sender=people)
    def withdraw(self, pick: int, sender: bytes) -> None:
        proposal = self.picked(pick)
        assert self.world.cancel(sender, proposal) == self.books.withdraw(proposal, sender)

    @precondition(lambda self: self.books.filed)
    @rule(pick=st.integers(1, 60))
    def guard(self, pick: int) -> None:
        """Seldom enough that most proposals come to their own end."""
        if pick in self.books.filed:
            assert self.world.call(GUARD, "guardian_cancel", Cancel(proposal=pick)) == self.books.guard(pick)

    @rule(voter=people, tokens=st.integers(0, 400))
    def stake(self, voter: bytes, tokens: int) -> None:
        self.world.bond(voter, tokens)
        self.books.power[voter] = tokens

    @rule(blocks=st.integers(1, 9))
    def go_on(self, blocks: int) -> None:
        for _ in range(blocks):
            self.world.end_block()
            self.books.end_block()
            self.every_proposal_stands_as_the_books_say()

    @invariant()
    def the_chain_agrees_with_the_books(self) -> None:
        self.every_proposal_stands_as_the_books_say()
        self.no_vote_is_counted_that_was_not_cast()
        self.no_deposit_is_made_or_lost()
        self.a_parameter_is_what_an_executed_vote_made_it()
        self.parameters_are_within_bounds()
        self.every_open_proposal_is_due_once_and_no_other_is()
        self.votes_in_progress_pin_their_snapshots()
        self.history_tells_the_present_state_last()

    def every_proposal_stands_as_the_books_say(self) -> None:
        self.now = {number: self.world.standing(number) for number in self.books.filed}
        for number, one in self.books.filed.items():
            found, counts = self.now[number], one.counts()
            assert found.status == one.status
            assert {option: getattr(found.tally, option) for option in OPTIONS} == counts
            assert (found.tally.voters, found.gathered) == (len(one.cast), sum(one.paid.values()))
            assert (found.refunded, found.burned) == (one.refunded, one.burned)
            assert (found.snapshot, found.closes, found.extended) == (one.snapshot, one.closes, one.extended)
            assert found.effective == one.effective
            if one.snapshot:
                assert found.snapshot < found.opened == one.opens < found.closes
                assert found.electors.power == sum(one.electorate.values())

    def no_vote_is_counted_that_was_not_cast(self) -> None:
        rows = {key: row.option for key, row in self.world.overlay.scan(VOTES)}
        assert rows == {(n, voter): said for n, one in self.books.filed.items() for voter, said in one.cast.items()}

    def no_deposit_is_made_or_lost(self) -> None:
        held = {key: row.amount for key, row in self.world.overlay.scan(DEPOSITS)}
        paid = {(n, owner): part for n, one in self.books.filed.items() for owner, part in one.paid.items()}
        assert held == paid
        assert {owner: self.world.balance(owner) for owner in PEOPLE} == self.books.coins
        assert self.world.balance(TREASURY) == self.books.treasury
        ledger, supply = self.world.ledger(), self.world.overlay.get(SUPPLY, ())
        assert ledger.held == sum(held.values()) == supply.held
        assert ledger.taken == ledger.held + ledger.refunded + ledger.burned
        assert ledger.burned == sum(one.burned for one in self.books.filed.values())

    def a_parameter_is_what_an_executed_vote_made_it(self) -> None:
        found = Parameters(self.world.overlay, self.world.height)
        names = ("voting_period", "timelock_delay", "min_deposit", "quorum_threshold", "voting_delay", "grace_period")
        assert {name: found.ratio(name) for name in names} == {name: self.books.values[name] for name in names}

    def parameters_are_within_bounds(self) -> None:
        found = Parameters(self.world.overlay, self.world.height)
        assert all(BOUNDS[name][0] <= found.ratio(name) <= BOUNDS[name][1] for name in BOUNDS)
        assert found.integer("min_deposit") <= DEAREST

    def every_open_proposal_is_due_once_and_no_other_is(self) -> None:
        due = [(key[2], key[1]) for key, _ in self.world.overlay.scan(DUE)]
        wanted = [(number, self.now[number].due) for number, one in self.books.filed.items() if one.status not in OVER]
        assert sorted(due) == wanted
        assert all(height >= self.world.height for _, height in due)

    def votes_in_progress_pin_their_snapshots(self) -> None:
        wanted = sorted(one.snapshot for one in self.books.filed.values() if one.status == Status.VOTING)
        pins = self.world.overlay.get(PINS, ())
        assert list(() if pins is None else pins.heights) == wanted

    def history_tells_the_present_state_last(self) -> None:
        for number, standing in self.now.items():
            last = self.world.overlay.get(HISTORY, (number, standing.steps))
            assert last is not None and last.status == standing.status
            assert self.world.overlay.get(HISTORY, (number, standing.steps + 1)) is None


Governed.TestCase.settings = sized()
test_governance_keeps_its_laws = pytest.mark.timeout(3_600)(Governed.TestCase)
