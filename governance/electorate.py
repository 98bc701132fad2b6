"""Who may vote and for how much, as of any height that somebody still asks for.

Power comes from stake, and each unit of it is voted once. A bonded validator has all tokens staked with it. A delegator
who votes himself takes his part out of that: for each validator he delegates to, his shares of its tokens at the
validator's rate, rounded down to a whole unit; what nobody takes out, the rests of the roundings included, is the
validator's to vote. What a validator holds of itself is part of that and no delegation. A delegator counts for at most
`MOST_DELEGATIONS` validators, the first by address; what he has with others they vote for him.

The host keeps its own copy (see `governance.following`): a row for each validator and each delegator, with the height
since which it is so, and rows of earlier heights that an open vote counts by. So a look-up as of a kept height is one
read where nothing changed since, and else one seek.

A vote counts by the end of the block before its first vote. Whatever is moved, slashed, jailed or unbonded between then
and the close changes no weight in it, in either direction: as of that height every coin has one voter, so none counts
twice, and nobody can buy, lend or destroy power in a vote that runs. A validator that misbehaved keeps its say in votes
that had begun, and has none in the next.

Power belongs to addresses. Keys only sign for them: rotating the account's key or the consensus key changes no power.
"""

from __future__ import annotations

from itertools import islice
from typing import TypeVar

from governance.reading import Reader
from governance.tables import (
    ELECTORS,
    GUARDIAN,
    PINS,
    POWER,
    POWER_BEFORE,
    STAKES,
    STAKES_BEFORE,
    Override,
    Pins,
    Power,
    Stake,
)
from governance.tally import Electors
from runtime.plans import WINDOW
from storage.overlay import Overlay
from storage.record import Record
from storage.tables import Table

R = TypeVar("R", bound=Record)
MOST_POWER = 2**192
"""A validator's power is cut here, so that no sum of powers leaves 256 bits, whatever a bundle writes."""
MOST_DELEGATIONS = 100
"""Delegations of one owner that he can vote himself."""
RANKED_DELEGATIONS = 8
"""Delegations that are looked up to rank a call in the mempool, which anybody may ask for without paying."""
NO_POWER, NO_STAKE = Power(), Stake()


def validator_at(reader: Reader, validator: bytes, height: int) -> Power:
    """A validator's tokens and shares at the end of ``height``."""
    row = reader.get(POWER, (validator,))
    if row is not None and row.since > height:
        row = _before(reader, POWER_BEFORE, validator, height)
    return row or NO_POWER


def stake_at(reader: Reader, delegator: bytes, height: int) -> Stake:
    """What a delegator held of others at the end of ``height``."""
    row = reader.get(STAKES, (delegator,))
    if row is not None and row.since > height:
        row = _before(reader, STAKES_BEFORE, delegator, height)
    return row or NO_STAKE


def _before(reader: Reader, table: Table[R], address: bytes, height: int) -> R | None:
    rows = reader.scan(table, (address,), start=(address, height), reverse=True)
    return next((row for _, row in rows), None)


def power_at(reader: Reader, validator: bytes, height: int) -> int:
    """A validator's power in units at the end of ``height``."""
    return validator_at(reader, validator, height).power


def worth(shares: int, of: Power | Override) -> int:
    """Units that shares of a validator are worth, rounded down; never more than all it has."""
    return min(shares * of.power // of.shares, of.power) if of.shares else 0


def delegated_at(reader: Reader, delegator: bytes, height: int, most: int = MOST_DELEGATIONS) -> int:
    """What a delegator's first ``most`` delegations were worth at the end of ``height``."""
    parts = islice(stake_at(reader, delegator, height).parts, most)
    return sum(worth(part.shares, validator_at(reader, part.validator, height)) for part in parts)


def voting_power_at(reader: Reader, voter: bytes, height: int) -> int:
    """All that an address can vote at most by the electorate of ``height``: as a validator, and as a delegator."""
    return power_at(reader, voter, height) + delegated_at(reader, voter, height)


def standing_of(reader: Reader, voter: bytes, height: int) -> int:
    """What ranks a voter's host calls while they wait for a block: its power at the end of ``height``, or the power it
    had before an upgrade that can be rolled back if that is more, so that no new runtime makes voters stand behind. The
    guardian's rank like those of somebody who has all power: what stops things at once may not wait behind others."""
    window, guardian = reader.get(WINDOW, ()), reader.get(GUARDIAN, ())
    if guardian is not None and guardian.address == voter:
        return electors_at(reader, height).power
    power = _rank(reader, voter, height)
    return power if window is None else max(power, _rank(reader, voter, window.activation - 1))


def _rank(reader: Reader, voter: bytes, height: int) -> int:
    return power_at(reader, voter, height) + delegated_at(reader, voter, height, RANKED_DELEGATIONS)


def electors_at(reader: Reader, height: int) -> Electors:
    """The whole electorate at the end of ``height``."""
    rows = reader.scan(ELECTORS, (), start=(height,), reverse=True)
    return next((row for _, row in rows), Electors())


def pin(overlay: Overlay, height: int) -> None:
    """Keep the electorate of ``height`` until `unpin`."""
    pins = overlay.get(PINS, ()) or Pins()
    overlay.put(PINS, (), Pins(heights=tuple(sorted((*pins.heights, height)))))


def unpin(overlay: Overlay, height: int) -> None:
    """One vote less counts by the electorate of ``height``."""
    heights = list((overlay.get(PINS, ()) or Pins()).heights)
    heights.remove(height)
    overlay.put(PINS, (), Pins(heights=tuple(heights)))
