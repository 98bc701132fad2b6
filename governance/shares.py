"""The trace of a count: whose power stands behind each vote, where it came from, and where it went.

For everyone who has voted, and every validator that has not, of an open vote's electorate:

- ``staked``: with a validator, its own and its delegators' units; ``taken``: what delegators vote themselves of it.
- ``delegated``: what a voter takes out of the validators he delegates to. It is his while he votes; while he does not,
  each part stands behind the vote of its validator.
- ``left``: the same of a validator where its track has such parts stay with the votes of those others.
- ``power`` = staked - taken + delegated is voted; what of it lies beyond the cut is uncounted; ``parts`` share out the
  rest.

So the parts of all voters add up to the tally, and their power with that of validators that have not voted to all
there is (where stake is in order: a bundle that gives out more delegations than shares may leave a voter less).

For a delegator who has not voted (`inheriting`), ``delegated`` says with which validators his units stand and how these
vote them. Of what delegators have with a validator, its ``taken`` and these parts are the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby, islice

from governance.ballots import Vote
from governance.electorate import stake_at, validator_at, worth
from governance.progress import proposal_at
from governance.reading import Reader
from governance.tables import OVERRIDES, POWER, STAKES, VOTES
from governance.tally import NOTHING, Parts
from governance.tracks import LEFT


@dataclass(frozen=True, slots=True)
class Part:
    """What somebody delegates to one validator."""

    validator: bytes
    power: int
    """What it is worth, in units."""
    says: Vote | None
    """How the validator votes, if it does: so the part is voted while its owner does not vote."""


@dataclass(frozen=True, slots=True)
class Share:
    """One address in a count."""

    address: bytes
    staked: int
    taken: int
    delegated: tuple[Part, ...]
    left: tuple[Part, ...]
    vote: Vote | None

    @property
    def power(self) -> int:
        """Units it votes, or would vote of what is staked with it."""
        return self.staked - self.taken if self.vote is None else self.vote.power

    @property
    def parts(self) -> Parts:
        """What it adds to each option."""
        return NOTHING if self.vote is None else self.vote.parts


def share_of(reader: Reader, proposal: int, snapshot: int, address: bytes) -> Share:
    """One address in the count of an open vote."""
    return _share(reader, proposal, snapshot, address, _leaves(reader, proposal))


def _leaves(reader: Reader, proposal: int) -> bool:
    """Whether what validators delegate stays with others' votes."""
    return proposal_at(reader, proposal)[0].track.validator_delegations == LEFT


def _share(reader: Reader, proposal: int, snapshot: int, address: bytes, leaves: bool) -> Share:
    staked = validator_at(reader, address, snapshot).power
    override = reader.get(OVERRIDES, (proposal, address))
    delegated = []
    for part in stake_at(reader, address, snapshot).parts:
        coins = worth(part.shares, validator_at(reader, part.validator, snapshot))
        delegated.append(Part(part.validator, coins, reader.get(VOTES, (proposal, part.validator))))
    return Share(
        address=address,
        staked=staked,
        taken=0 if override is None else override.taken,
        delegated=() if leaves and staked else tuple(delegated),
        left=tuple(delegated) if leaves and staked else (),
        vote=reader.get(VOTES, (proposal, address)),
    )


def shares(reader: Reader, proposal: int, snapshot: int, after: bytes = b"") -> Iterator[Share]:
    """Everyone behind ``after`` who has voted, and validators with power that have not, by address."""
    voted = (key[1] for key, _ in reader.scan(VOTES, (proposal,), start=(proposal, after) if after else None))
    known = (key[0] for key, _ in reader.scan(POWER, (), start=(after,) if after else None))
    leaves = _leaves(reader, proposal)
    for address, _ in groupby(merge(voted, known)):
        if address == after:
            continue
        share = _share(reader, proposal, snapshot, address, leaves)
        if share.vote is not None or share.staked:
            yield share


@dataclass(frozen=True, slots=True)
class Inheriting:
    """Some of the delegators whose validators vote for them."""

    shares: list[Share]
    last: bytes | None
    """The address to go on behind; None where nobody is left."""


def inheriting(reader: Reader, proposal: int, snapshot: int, after: bytes, most: int) -> Inheriting:
    """Delegators behind ``after`` who have not voted, of the next ``most`` there are; a validator's own delegations are
    told with it."""
    rows = reader.scan(STAKES, (), start=(after,) if after else None)
    owners = list(islice((key[0] for key, _ in rows if key[0] != after), most + 1))
    found, leaves = [], _leaves(reader, proposal)
    for owner in owners[:most]:
        share = _share(reader, proposal, snapshot, owner, leaves)
        if share.vote is None and not share.staked and any(part.power for part in share.delegated):
            found.append(share)
    return Inheriting(found, owners[most - 1] if len(owners) > most else None)


def inherited(reader: Reader, snapshot: int, validators: set[bytes], most: int) -> dict[bytes, int] | None:
    """What delegators have staked with each of these validators, in one walk through all of them; None where they are
    more than ``most``."""
    of = {validator: validator_at(reader, validator, snapshot) for validator in sorted(validators)}
    sums = dict.fromkeys(of, 0)
    for count, ((owner,), _) in enumerate(reader.scan(STAKES), 1):
        if count > most:
            return None
        for part in stake_at(reader, owner, snapshot).parts:
            if part.validator in sums:
                sums[part.validator] += worth(part.shares, of[part.validator])
    return sums
