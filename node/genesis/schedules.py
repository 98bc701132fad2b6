"""Cosmos time into heights, and its vesting schedules into those of the bank.

A rehearsal has no clock but its height, so a time becomes the first height at or after it, `BLOCK_SECONDS` a block,
counted from the genesis time. On Cosmos, delegated coins count as the locked ones first: locked in the purse is
max(0, still vesting - delegated while vesting). For a schedule in equal parts that difference is again a line, which
falls to zero earlier; so it is kept exactly, as a schedule over what the purse holds locked.
"""

from __future__ import annotations

from dataclasses import dataclass

from node.genesis.document import Vesting

BLOCK_SECONDS = 6
NEVER = 2**40
"""A height no rehearsal reaches: for coins locked for good."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A Cosmos vesting account: coins, and seconds since 1970; a start of None frees everything at the end."""

    original: int
    delegated: int
    start: int | None
    end: int


def height_at(moment: int, genesis: int) -> int:
    """The first height, 1 at least, whose block stands at or after a moment."""
    return max(1, -((genesis - moment) // BLOCK_SECONDS))


def locked_part(owner: bytes, coins: int, schedule: Schedule, genesis: int) -> Vesting | None:
    """The locked part of a purse of `coins` at genesis; None if all of it can be spent."""
    vesting = still_vesting(schedule, genesis)
    locked = min(coins, max(0, vesting - schedule.delegated))
    if locked == 0:
        return None
    end = height_at(schedule.end, genesis) if schedule.end < NEVER else NEVER
    if schedule.start is None:
        return Vesting(owner=owner, locked=locked, original=locked, start=end - 1, end=end)
    start = height_at(schedule.start, genesis) if schedule.start > genesis else 0
    reached = start - (start - end) * locked // vesting
    return Vesting(owner=owner, locked=locked, original=locked, start=start, end=max(reached, start + 1))


def still_vesting(schedule: Schedule, moment: int) -> int:
    """Of the original coins, those that a moment has not freed yet."""
    if moment >= schedule.end:
        return 0
    if schedule.start is None or moment <= schedule.start:
        return schedule.original
    freed = schedule.original * (moment - schedule.start) // (schedule.end - schedule.start)
    return schedule.original - freed
