"""What a clerk would write down of a vote: the reference that the implementation is held against.

Plain Python of its own: it knows nothing of the project, keeps whole books instead of sums, and counts anew each time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

OPTIONS = ("yes", "no", "abstain", "veto")
Ballot = tuple[tuple[str, Fraction], ...]


@dataclass
class Books:
    """Who has staked what: tokens and shares of each bonded validator, shares of each delegator."""

    tokens: dict[bytes, int] = field(default_factory=dict)
    shares: dict[bytes, int] = field(default_factory=dict)
    delegations: dict[tuple[bytes, bytes], int] = field(default_factory=dict)

    def copy(self) -> Books:
        return Books(dict(self.tokens), dict(self.shares), dict(self.delegations))

    def worth(self, owner: bytes, validator: bytes) -> int:
        """The whole units that a delegation is worth."""
        held, tokens = self.delegations.get((owner, validator), 0), self.tokens.get(validator, 0)
        return floor(Fraction(held, self.shares[validator]) * tokens) if held and tokens else 0

    def has_a_say(self, person: bytes) -> bool:
        owned = sum(self.worth(*pair) for pair in self.delegations if pair[0] == person and pair[1] != person)
        return self.tokens.get(person, 0) + owned > 0

    def total(self) -> int:
        return sum(self.tokens.values())


@dataclass
class Vote:
    """One proposal's vote; ``books`` are those of the height that it counts by, and nobody writes in them any more."""

    books: Books
    most_percent: int = 100
    leaves: bool = False
    """Whether what validators have delegated to others stays with the votes of these."""
    cast: dict[bytes, Ballot] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parts = [
            (owner, validator, self.books.worth(owner, validator))
            for owner, validator in self.books.delegations
            if owner != validator and not (self.leaves and self.books.tokens.get(owner, 0))
        ]

    def powers(self) -> dict[bytes, int]:
        """The power behind each vote: every unit is counted for the person it belongs to if that one voted, else for
        the validator it is staked with if that one voted, else for nobody."""
        powers = dict.fromkeys(self.cast, 0)
        for validator, tokens in self.books.tokens.items():
            left = tokens
            for owner, of, part in self.parts:
                if of == validator and owner in self.cast:
                    powers[owner] += part
                    left -= part
            if validator in self.cast:
                powers[validator] += left
        return powers

    def weights(self) -> dict[bytes, int]:
        """What of it counts under the limit for one voter."""
        limit = ceil(Fraction(self.books.total() * self.most_percent, 100))
        return {voter: min(power, limit) for voter, power in self.powers().items()}

    def tally(self) -> dict[str, int]:
        """All votes counted from nothing."""
        counts = dict.fromkeys(OPTIONS, 0)
        for voter, weight in self.weights().items():
            so_far, given = Fraction(0), 0
            for option, share in self.cast[voter]:
                so_far += share
                upto = floor(so_far * weight)
                counts[option] += upto - given
                given = upto
        return counts


def plain(option: str) -> Ballot:
    return ((option, Fraction(1)),)
