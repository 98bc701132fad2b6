"""The life of a proposal: every state, every event, and the one table of moves between them.

    deposit ──funded──> delay ──opened──> voting ──passed──> timelock ──done──> executed
       │                  │                 │                   │
       ├─unfunded─> expired                 ├─rejected─> rejected
       │                  │                 ├─vetoed──> vetoed  ├─refused───> failed
       │                  │                 │                   ├─timed_out─> expired
       └──────────────────┴────withdrawn────┴─> cancelled <─────┤ called_off
                                                                └─overtaken─> superseded

A proposer may withdraw until the close; what voters have approved only a vote can call off, or the guardian, who can
do so from the beginning on (not drawn). Final states are final: no row of the table leaves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """Where a proposal stands; the text is what state records and HTTP show."""

    DEPOSIT = "deposit"
    """A draft that waits for the rest of its deposit."""
    DELAY = "delay"
    """Announced; voting has not begun, and the electorate is not fixed yet."""
    VOTING = "voting"
    TIMELOCK = "timelock"
    """Approved; takes effect when its timelock ends."""
    EXECUTED = "executed"
    REJECTED = "rejected"
    VETOED = "vetoed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"
    SUPERSEDED = "superseded"

    @property
    def is_final(self) -> bool:
        """Whether nothing can move the proposal any more."""
        return self in FINAL


class Move(StrEnum):
    """What can happen to a proposal."""

    FUNDED = "funded"
    UNFUNDED = "unfunded"
    OPENED = "opened"
    PASSED = "passed"
    REJECTED = "rejected"
    VETOED = "vetoed"
    DONE = "done"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    WITHDRAWN = "withdrawn"
    CALLED_OFF = "called_off"
    OVERTAKEN = "overtaken"


MOVES: Mapping[tuple[Status, Move], Status] = MappingProxyType(
    {
        (Status.DEPOSIT, Move.FUNDED): Status.DELAY,
        (Status.DEPOSIT, Move.UNFUNDED): Status.EXPIRED,
        (Status.DEPOSIT, Move.WITHDRAWN): Status.CANCELLED,
        (Status.DEPOSIT, Move.CALLED_OFF): Status.CANCELLED,
        (Status.DELAY, Move.OPENED): Status.VOTING,
        (Status.DELAY, Move.WITHDRAWN): Status.CANCELLED,
        (Status.DELAY, Move.CALLED_OFF): Status.CANCELLED,
        (Status.VOTING, Move.PASSED): Status.TIMELOCK,
        (Status.VOTING, Move.REJECTED): Status.REJECTED,
        (Status.VOTING, Move.VETOED): Status.VETOED,
        (Status.VOTING, Move.WITHDRAWN): Status.CANCELLED,
        (Status.VOTING, Move.CALLED_OFF): Status.CANCELLED,
        (Status.TIMELOCK, Move.DONE): Status.EXECUTED,
        (Status.TIMELOCK, Move.REFUSED): Status.FAILED,
        (Status.TIMELOCK, Move.TIMED_OUT): Status.EXPIRED,
        (Status.TIMELOCK, Move.CALLED_OFF): Status.CANCELLED,
        (Status.TIMELOCK, Move.OVERTAKEN): Status.SUPERSEDED,
    }
)

FINAL: frozenset[Status] = frozenset(Status) - {before for before, _ in MOVES}

BURNS_DEPOSIT: frozenset[Status] = frozenset({Status.VETOED})
"""Every other end gives the deposit back."""


class NoSuchMove(Exception):
    """Governance tried a move that the table does not have: a defect of this release, never an input's fault."""

    code = "no_such_move"

    def __init__(self, status: Status, move: Move) -> None:
        super().__init__(f"a proposal in {status} cannot be {move}: report the block, this release has a defect")
        self.status = status
        self.move = move


def after(status: Status, move: Move) -> Status:
    """The state that ``move`` leads to from ``status``; raises NoSuchMove."""
    try:
        return MOVES[status, move]
    except KeyError:
        raise NoSuchMove(status, move) from None


def can(status: Status, move: Move) -> bool:
    """Whether the table has the move."""
    return (status, move) in MOVES
