"""The laws of counting, whatever people do in whatever order, against a clerk's books.  # R1.6 R2.3 A1 A6

A tally equals the power that voted; each unit counts once across delegation, change of vote, proxies and relaying; its
weight is that of the snapshot, whatever is staked, slashed or moved afterwards. A voter's power is cut as the track
says that the proposal is on, which an expedited one leaves for another.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from governance.ballots import WHOLE, Share
from governance.lifecycle import Status
from governance.proxies import MOST_STEPS, NameProxy, VoteFor
from governance.relaying import RelayedVote, VoteStatement, sign_vote
from governance.tables import OVERRIDES, VOTES
from runtime.address import address_of
from runtime.keys import PrivateKey
from tests.governance.clerk import Ballot, Books, Vote, plain
from tests.governance.sizes import sized
from tests.governance.world import A_STATEMENT, CHAIN_NAME, World

KEYS = [PrivateKey.from_seed(bytes([number]) * 32) for number in range(1, 9)]
PEOPLE = [address_of(key.public) for key in KEYS]
VALIDATORS, OTHERS = PEOPLE[:3], PEOPLE[3:]
KEY_OF = dict(zip(PEOPLE, KEYS, strict=True))
SHARE = 10**18
QUICK = {"voting_delay": 1, "voting_period": 40, "calls_per_block": 1_000, "max_individual_power_percent": 67}
CUT, REGULAR_CUT = QUICK["max_individual_power_percent"], 40

UNHURRIED = {"turns_into": "", "period": ""}
TRACKS = {
    "expedited": {"turns_into": "regular", "period": "8"},
    "unhurried": UNHURRIED,
    "leaving": {**UNHURRIED, "validator_delegations": "left"},
}

people = st.sampled_from(PEOPLE)
validators = st.sampled_from(VALIDATORS)
ballots = st.one_of(
    st.sampled_from(["yes", "no", "abstain", "veto"]).map(plain),
    st.tuples(st.sampled_from([("yes", "no"), ("no", "veto"), ("yes", "veto")]), st.integers(1, WHOLE - 1)).map(
        lambda drawn: ((drawn[0][0], Fraction(drawn[1], WHOLE)), (drawn[0][1], Fraction(WHOLE - drawn[1], WHOLE)))
    ),
)


def written(ballot: Ballot) -> dict[str, object]:
    """A ballot as a vote's arguments."""
    if len(ballot) == 1:
        return {"option": ballot[0][0]}
    return {"option": "", "split": tuple(Share(option=o, weight=int(share * WHOLE)) for o, share in ballot)}


class Voting(RuleBasedStateMachine):
    """Three validators, five others who delegate among them, up to three proposals."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(powers=(1,), parameters=QUICK)
        self.world.track("regular", max_individual_power_percent=str(REGULAR_CUT))
        self.books = Books()
        self.proxies: dict[bytes, bytes] = {}
        self.votes: dict[int, Vote] = {}
        self.steps: dict[tuple[int, bytes], int] = {}
        self.own: dict[tuple[int, bytes], int] = {}
        self.signed: list[tuple[RelayedVote, Ballot]] = []
        self.bond(self.world.voters[0], 0, 0)
        for number, validator in enumerate(VALIDATORS):
            self.bond(validator, 1_000 + 500 * number, (1_000 + 500 * number) * SHARE)
        for number, owner in enumerate(PEOPLE):
            self.hold(owner, VALIDATORS[number % 3], 77 * SHARE + number)
            self.hold(owner, VALIDATORS[number % 2], 50 * SHARE + number)
        self.world.end_block()

    def bond(self, validator: bytes, tokens: int, shares: int) -> None:
        table = self.world.runtime.tables["staking.validators"]
        self.world.overlay.put(table, (validator,), table.record(tokens=tokens, shares=shares, bonded=tokens > 0))
        self.books.tokens[validator], self.books.shares[validator] = tokens, shares

    # -- what people do with their stake

    @rule(owner=people, validator=validators, part=st.integers(0, 700 * SHARE))
    def delegate(self, owner: bytes, validator: bytes, part: int) -> None:
        others = sum(s for (of, to), s in self.books.delegations.items() if to == validator and of != owner)
        self.hold(owner, validator, min(part, self.books.shares[validator] - others))

    def hold(self, owner: bytes, validator: bytes, part: int) -> None:
        table = self.world.runtime.tables["staking.delegations"]
        if part:
            self.world.overlay.put(table, (owner, validator), table.record(shares=part))
        else:
            self.world.overlay.delete(table, (owner, validator))
        self.books.delegations[owner, validator] = part

    @rule(validator=validators, percent=st.integers(1, 60))
    def slash(self, validator: bytes, percent: int) -> None:
        left = self.books.tokens[validator] * (100 - percent) // 100
        if left:
            self.bond(validator, left, self.books.shares[validator])

    @rule(validator=validators, more=st.integers(1, 10**6))
    def grow(self, validator: bytes, more: int) -> None:
        """More tokens behind the same shares, or a validator bought large within a vote."""
        self.bond(validator, self.books.tokens[validator] + more, self.books.shares[validator])

    # -- what people vote

    @precondition(lambda self: len(self.votes) < 3)
    @rule(kind=st.sampled_from(["expedited", "unhurried", "leaving"]))
    def propose(self, kind: str) -> None:
        self.world.track("opinion", **{"validator_delegations": "voted", **TRACKS[kind]})
        bank = self.world.runtime.tables["bank.accounts"]
        self.world.overlay.put(bank, (PEOPLE[0],), bank.record(balance=5_000))
        self.world.proposed(PEOPLE[0], A_STATEMENT)
        self.end_block()
        books = self.books.copy()
        self.end_block()
        self.votes[len(self.votes) + 1] = Vote(books, CUT, leaves=kind == "leaving")

    def open_one(self, pick: int) -> int:
        return list(self.votes)[pick % len(self.votes)]

    def expected(self, proposal: int, voter: bytes, ballot: Ballot, steps: int = 0) -> str:
        """What the chain must say to a vote."""
        vote = self.votes[proposal]
        if self.world.status(proposal) is not Status.VOTING:
            return "voting_closed"
        if voter not in vote.cast:
            return "ok" if vote.books.has_a_say(voter) else "no_power"
        before = self.steps[proposal, voter]
        if steps > before:
            return "nearer_vote"
        return "same_vote" if (vote.cast[voter], before) == (ballot, steps) else "ok"

    def note(self, proposal: int, voter: bytes, ballot: Ballot, steps: int = 0) -> None:
        self.votes[proposal].cast[voter] = ballot
        self.steps[proposal, voter] = steps
        if not steps:
            self.own[proposal, voter] = self.own.get((proposal, voter), 0) + 1

    @precondition(lambda self: self.votes)
    @rule(pick=st.integers(0, 9), voter=people, ballot=ballots)
    def vote(self, pick: int, voter: bytes, ballot: Ballot) -> None:
        proposal = self.open_one(pick)
        expected = self.expected(proposal, voter, ballot)
        given = written(ballot)
        assert self.world.vote(voter, proposal, given.pop("option"), **given) == expected
        if expected == "ok":
            self.note(proposal, voter, ballot)

    @precondition(lambda self: self.votes)
    @rule(pick=st.integers(0, 9), cast=st.lists(st.tuples(people, ballots), min_size=4, max_size=8))
    def many_vote(self, pick: int, cast: list[tuple[bytes, Ballot]]) -> None:
        """In long runs a block passes before somebody has made as many calls as one may in a block."""
        for voter, ballot in cast:
            self.vote(pick, voter, ballot)
        if max(self.world.efforts.values(), default=0) > QUICK["calls_per_block"] // 2:
            self.go_on(1)

    @rule(account=people, proxy=people)
    def name(self, account: bytes, proxy: bytes) -> None:
        chain, here = [account], proxy
        while here != account and here in self.proxies and len(chain) < 20:
            chain.append(here)
            here = self.proxies[here]
        code = self.world.call(account, "name_proxy", NameProxy(proxy=(proxy,)))
        if here == account:
            assert code in ("proxy_cycle", "proxy_chain_too_long", "no_power")
        elif len(chain) > MOST_STEPS:
            assert code in ("proxy_chain_too_long", "no_power")
        else:
            assert code in ("ok", "no_power")
        if code == "ok":
            self.proxies[account] = proxy

    @precondition(lambda self: self.votes and self.proxies)
    @rule(pick=st.integers(0, 9), account=people, proxy=people, ballot=ballots)
    def vote_for(self, pick: int, account: bytes, proxy: bytes, ballot: Ballot) -> None:
        proposal, steps, here = self.open_one(pick), 0, account
        while here in self.proxies and steps < MOST_STEPS:
            here, steps = self.proxies[here], steps + 1
            if here == proxy:
                break
        named = steps > 0 and here == proxy
        expected = self.expected(proposal, account, ballot, steps) if named else "not_the_proxy"
        what = self.world.what(proposal)
        args = VoteFor(voter=account, proposal=proposal, effect=what.effect, **written(ballot))
        assert self.world.call(proxy, "vote_for", args) == expected
        if expected == "ok":
            self.note(proposal, account, ballot, steps)

    @precondition(lambda self: self.votes)
    @rule(pick=st.integers(0, 9), voter=people, ballot=ballots, ahead=st.sampled_from([0, 0, 0, 1]))
    def sign(self, pick: int, voter: bytes, ballot: Ballot, ahead: int) -> None:
        """Somebody signs a vote and gives it away; it may arrive late, twice or never."""
        proposal = self.open_one(pick)
        statement = VoteStatement(
            chain=CHAIN_NAME,
            voter=voter,
            number=self.own.get((proposal, voter), 0) + ahead,
            proposal=proposal,
            effect=self.world.what(proposal).effect,
            **written(ballot),
        )
        self.signed.append((sign_vote(statement, KEY_OF[voter]), ballot))

    @precondition(lambda self: self.signed)
    @rule(pick=st.integers(0, 99), relayer=people)
    def relay(self, pick: int, relayer: bytes) -> None:
        relayed, ballot = self.signed[pick % len(self.signed)]
        said = relayed.statement
        expected = self.expected(said.proposal, said.voter, ballot)
        if expected != "voting_closed" and said.number != self.own.get((said.proposal, said.voter), 0):
            expected = "vote_used"
        assert self.world.call(relayer, "relay_vote", relayed) == expected
        if expected == "ok":
            self.note(said.proposal, said.voter, ballot)

    @rule(blocks=st.integers(1, 4))
    def go_on(self, blocks: int) -> None:
        for _ in range(blocks):
            self.end_block()

    def end_block(self) -> None:
        self.world.end_block()
        for proposal, vote in self.votes.items():
            vote.most_percent = REGULAR_CUT if self.world.standing(proposal).turned else CUT

    # -- what must be so

    @invariant()
    def a_tally_is_the_power_that_voted_at_the_snapshot(self) -> None:
        for proposal, vote in self.votes.items():
            tally, counted = self.world.standing(proposal).tally, vote.tally()
            assert {option: getattr(tally, option) for option in counted} == counted
            assert tally.voters == len(vote.cast)

    @invariant()
    def every_vote_says_what_it_counts_for(self) -> None:
        for proposal, vote in self.votes.items():
            rows = {key[1]: row for key, row in self.world.overlay.scan(VOTES, (proposal,))}
            assert {voter: row.weight for voter, row in rows.items()} == vote.weights()
            assert {voter: row.power for voter, row in rows.items()} == vote.powers()
            assert {voter: row.own for voter, row in rows.items() if row.own} == {
                voter: count for (of, voter), count in self.own.items() if of == proposal
            }

    @invariant()
    def no_unit_is_counted_twice(self) -> None:
        for proposal, vote in self.votes.items():
            assert self.world.standing(proposal).electors.power == vote.books.total()
            assert sum(vote.powers().values()) <= vote.books.total()
            for _, row in self.world.overlay.scan(OVERRIDES, (proposal,)):
                assert 0 < row.taken <= row.power


Voting.TestCase.settings = sized()
test_counting_keeps_its_laws = pytest.mark.timeout(3_600)(Voting.TestCase)
