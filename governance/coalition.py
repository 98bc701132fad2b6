"""How stable a count is: the fewest voters who could turn its outcome if they voted otherwise.

*The problem that is solved.* The parties are everyone who has voted and every validator of the electorate that has not,
each with the power that it votes or would vote of what is staked with it. Delegators who have not voted stay with their
validators: with them the problem is one of covering, where no fast exact way is known. Wanted is a smallest set of
parties whose votes, cast together by the close while all others stand, turn passing into not passing, or the reverse.

*What they vote.* Everybody yes makes a count pass if any votes of theirs do, and everybody veto makes it fail: next to
any other vote, yes gives no less to yes and to either turnout and leaves no more to no and veto; veto gives no less to
veto, leaves no more to yes and to the turnout of yes and abstain, and is in the threshold all that no is. Every test of
`bars.clears` keeps its answer along these ways, as no share is above 1. Nobody can take a vote back, so a count that
passes cannot lose voters.

*Why it is exact.* A party is worth a few numbers (`_worth`), and one that has no less of each can stand in for another
in every such set. Parties fall into chains along which that holds; of each chain a best set takes the first ones. So
of every size only the ways to draw it from the chains are tried, each by `judging.judge`. With one way of voting there
is one chain, and this is the choice by power; quorum, veto and least voters make it two to four.

It is no longer exact, and says so, where splits make more than `MOST_CHAINS` chains or more than `MOST_TRIED` ways
would have to be tried (then it may stay with the strongest first); where a validator that has not voted delegates to
others, because its vote would take that out of them as well; and under a threshold rounded down to a unit, which no yes
at all may clear. What is found turns the outcome in any case: the votes are cast in a sketch and judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from governance.ballots import shared_out
from governance.bars import FLOORED
from governance.judging import judge
from governance.lifecycle import Move
from governance.proposals import rules_of
from governance.reading import moment_at
from governance.shares import Share, shares
from governance.tally import NOTHING, Option, Parts, Tally, counted_power
from governance.whatif import Supposed, SupposedVote, suppose

MOST_TRIED = 100_000
"""Ways to draw a coalition that are tried at most."""
MOST_CHAINS = 8


@dataclass(frozen=True, slots=True)
class Coalition:
    """Voters who turn an outcome together."""

    members: tuple[Share, ...]
    option: str
    """What all of them vote."""
    outcome: Move
    reason: str
    """What the close makes of it then."""
    exact: bool
    """No fewer parties could."""


_Change = tuple[int, int, int, int, int]
"""What is added to yes, no, abstain, veto and voters."""
NO_CHANGE: _Change = (0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Party:
    share: Share
    before: Parts
    weight: int
    new: int
    """1 where it has not voted."""

    def change(self, option: str) -> _Change:
        """What its vote on that option adds to the count."""
        after = shared_out(option, (), self.weight)
        yes, no, abstain, veto = (new - old for new, old in zip(after, self.before, strict=True))
        return (yes, no, abstain, veto, self.new)


def smallest_coalition(supposed: Supposed) -> Coalition | None:
    """A smallest set of parties that turns the outcome of an open vote; None where all of them together could not."""
    return _Search(supposed).found()


class _Search:
    """One count, its parties in chains, and the ways that have been tried."""

    def __init__(self, supposed: Supposed) -> None:
        self._supposed = supposed
        self._rules = rules_of(supposed.what, supposed.standing)
        self._moment = moment_at(supposed.what, supposed.standing, supposed.standing.closes)
        self._passes = self._outcome(supposed.standing.tally)[0] is Move.PASSED
        self._option = Option.VETO.value if self._passes else Option.YES.value
        everyone = list(shares(supposed.rows, supposed.proposal, supposed.standing.snapshot))
        two_ways = any(share.vote is None and share.delegated for share in everyone)
        self._exact = not two_ways and self._rules.threshold.test != FLOORED
        parties = [party for party in map(self._party, everyone) if any(self._worth(party))]
        parties.sort(key=lambda party: (self._worth(party), party.share.address), reverse=True)
        self._parties = parties
        self._chains = self._in_chains(parties)
        self._sums = [self._summed(chain) for chain in self._chains]
        self._tried = 0

    def found(self) -> Coalition | None:
        """The answer. A larger set never does less, so the least size is found by halving."""
        best = self._strongest_first()
        if best is None or len(self._chains) > MOST_CHAINS:
            self._exact = False
            return None if best is None else self._told(best)
        first, last = 1, len(best)
        while first < last and self._tried <= MOST_TRIED:
            middle = (first + last) // 2
            members = next((one for one in self._draws(middle, 0, NO_CHANGE, ()) if self._told(one)), None)
            if members is None:
                first = middle + 1
            else:
                best, last = members, middle
        self._exact = self._exact and self._tried <= MOST_TRIED
        return self._told(best)

    def _strongest_first(self) -> tuple[_Party, ...] | None:
        """A set that turns the outcome, though maybe no smallest one."""
        change = NO_CHANGE
        for taken, party in enumerate(self._parties, 1):
            change = _sum(change, party.change(self._option))
            if self._turned(change) and self._told(self._parties[:taken]) is not None:
                return tuple(self._parties[:taken])
        return None

    def _draws(
        self, size: int, chain: int, change: _Change, members: tuple[_Party, ...]
    ) -> Iterator[tuple[_Party, ...]]:
        """Sets that would turn the outcome: ``members`` and the first parties of this chain and those behind it."""
        parties, sums = self._chains[chain], self._sums[chain]
        if chain == len(self._chains) - 1:
            self._tried += 1
            if size <= len(parties) and self._turned(_sum(change, sums[size])):
                yield (*members, *parties[:size])
            return
        for count in range(min(size, len(parties)) + 1):
            if self._tried > MOST_TRIED:
                return
            yield from self._draws(size - count, chain + 1, _sum(change, sums[count]), (*members, *parties[:count]))

    def _told(self, members: tuple[_Party, ...] | list[_Party]) -> Coalition | None:
        """The coalition, if its votes, cast, turn the outcome."""
        here, addresses = self._supposed, sorted(party.share.address for party in members)
        votes = [SupposedVote(address, self._option) for address in addresses]
        after = suppose(here.rows, here.proposal, here.what, here.standing, votes)
        outcome, reason = self._outcome(after.standing.tally)
        if (outcome is Move.PASSED) == self._passes:
            return None
        ordered = tuple(sorted((party.share for party in members), key=lambda one: (-one.power, one.address)))
        return Coalition(ordered, self._option, outcome, reason, self._exact)

    def _outcome(self, tally: Tally) -> tuple[Move, str]:
        return judge(tally, self._supposed.standing.electors, self._rules, self._moment)

    def _turned(self, change: _Change) -> bool:
        now = self._supposed.standing.tally
        parts = _sum((now.yes, now.no, now.abstain, now.veto, now.voters), change)
        tally = Tally(yes=parts[0], no=parts[1], abstain=parts[2], veto=parts[3], voters=parts[4])
        return (self._outcome(tally)[0] is Move.PASSED) != self._passes

    def _summed(self, chain: list[_Party]) -> list[_Change]:
        """What the first 0, 1, 2, ... of a chain add together."""
        return list(accumulate((party.change(self._option) for party in chain), _sum, initial=NO_CHANGE))

    def _party(self, share: Share) -> _Party:
        if share.vote is not None:
            return _Party(share, share.parts, share.vote.weight, 0)
        weight = counted_power(share.power, self._supposed.standing.electors, self._rules)
        return _Party(share, NOTHING, weight, 1)

    def _worth(self, party: _Party) -> tuple[int, ...]:
        """What a party can bring about by its vote; more of each is never worse."""
        yes, no, abstain, veto = party.before
        added = party.weight * party.new
        if self._passes:
            return (party.weight - veto, yes, abstain + added, yes + no + abstain, yes + abstain)
        return (party.weight - yes, no + veto, veto, added, party.new)

    def _in_chains(self, parties: list[_Party]) -> list[list[_Party]]:
        """The parties in chains, in each of which the one before is worth no less than the one after."""
        chains: list[list[_Party]] = [[]]
        for party in parties:
            mine = self._worth(party)
            for chain in chains:
                if not chain or all(a >= b for a, b in zip(self._worth(chain[-1]), mine, strict=True)):
                    chain.append(party)
                    break
            else:
                chains.append([party])
        return chains


def _sum(one: _Change, other: _Change) -> _Change:
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3], one[4] + other[4])
