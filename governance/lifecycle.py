"""The life of a proposal: every state, every event, and the one table of moves between them.

    deposit ──funded──> delay ──opened──> voting <──confirming / fell──> confirm
       │                  │                 │ │                            │
       ├─unfunded─> expired                 │ └───────────passed───────────┤
       │                  │                 │                              v
       │                  │                 │    review ──to_voters──> implementation ──passed──> timelock ──done──> executed
       │                  │                 │      └───timed_out──> expired <──timed_out──┘          │
       │                  │                 ├─rejected─> rejected                                    ├─refused───> failed
       │                  │                 ├─vetoed──> vetoed                                       ├─timed_out─> expired
       └──────────────────┴────withdrawn────┴─> cancelled <────────────────────────called_off────────┤
                                                                                                     └─overtaken─> superseded

Which of confirm, review and implementation a proposal goes through, its track says; from voting or confirm `passed`
leads to the timelock where there is no gate, `to_review` and `to_voters` to the first gate there is. Votes count in
voting and in confirm. A vote that fails on an expedited track is `turned`: it stays in voting, or returns there from
confirm, under the regular track's rules. A proposer may withdraw until the close; what voters have approved only a vote can call off, or the
guardian, who can do so from the beginning on (not drawn). Final states are final: no row of the table leaves them.
What comes after an upgrade took effect (verified, closed, rolled back) is noted in its history and moves nothing.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """Where a proposal stands; the text is what state records and HTTP show."""

    DEPOSIT = "deposit"
    """A draft that waits for the rest of its deposit."""
    DELAY = "delay"
    """Announced; voting has not begun, and the electorate is not fixed yet. Where its track has no place free, it
    waits for one."""
    VOTING = "voting"
    CONFIRM = "confirm"
    """It passes, and has to go on passing for a while; votes still count."""
    REVIEW = "review"
    """Voted for; waits for reviewers to approve exactly what was voted for."""
    IMPLEMENTATION = "implementation"
    """Reviewed; waits for those who voted yes to approve it once more."""
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

    @property
    def takes_votes(self) -> bool:
        """Whether votes count in it."""
        return self in TAKES_VOTES


class Move(StrEnum):
    """What can happen to a proposal."""

    FUNDED = "funded"
    UNFUNDED = "unfunded"
    OPENED = "opened"
    CONFIRMING = "confirming"
    FELL = "fell"
    TURNED = "turned"
    PASSED = "passed"
    TO_REVIEW = "to_review"
    TO_VOTERS = "to_voters"
    REJECTED = "rejected"
    VETOED = "vetoed"
    DONE = "done"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    WITHDRAWN = "withdrawn"
    CALLED_OFF = "called_off"
    OVERTAKEN = "overtaken"


TAKES_VOTES = frozenset({Status.VOTING, Status.CONFIRM})

_VOTES: Mapping[Move, Status] = {
    Move.PASSED: Status.TIMELOCK,
    Move.TO_REVIEW: Status.REVIEW,
    Move.TO_VOTERS: Status.IMPLEMENTATION,
    Move.REJECTED: Status.REJECTED,
    Move.VETOED: Status.VETOED,
    Move.WITHDRAWN: Status.CANCELLED,
    Move.CALLED_OFF: Status.CANCELLED,
}
"""What voting and confirm have in common."""

MOVES: Mapping[tuple[Status, Move], Status] = MappingProxyType(
    {
        (Status.DEPOSIT, Move.FUNDED): Status.DELAY,
        (Status.DEPOSIT, Move.UNFUNDED): Status.EXPIRED,
        (Status.DEPOSIT, Move.WITHDRAWN): Status.CANCELLED,
        (Status.DEPOSIT, Move.CALLED_OFF): Status.CANCELLED,
        (Status.DELAY, Move.OPENED): Status.VOTING,
        (Status.DELAY, Move.WITHDRAWN): Status.CANCELLED,
        (Status.DELAY, Move.CALLED_OFF): Status.CANCELLED,
        (Status.VOTING, Move.CONFIRMING): Status.CONFIRM,
        (Status.VOTING, Move.TURNED): Status.VOTING,
        **{(Status.VOTING, move): status for move, status in _VOTES.items()},
        (Status.CONFIRM, Move.FELL): Status.VOTING,
        (Status.CONFIRM, Move.TURNED): Status.VOTING,
        **{(Status.CONFIRM, move): status for move, status in _VOTES.items()},
        (Status.REVIEW, Move.PASSED): Status.TIMELOCK,
        (Status.REVIEW, Move.TO_VOTERS): Status.IMPLEMENTATION,
        (Status.REVIEW, Move.TIMED_OUT): Status.EXPIRED,
        (Status.REVIEW, Move.CALLED_OFF): Status.CANCELLED,
        (Status.IMPLEMENTATION, Move.PASSED): Status.TIMELOCK,
        (Status.IMPLEMENTATION, Move.TIMED_OUT): Status.EXPIRED,
        (Status.IMPLEMENTATION, Move.CALLED_OFF): Status.CANCELLED,
        (Status.TIMELOCK, Move.DONE): Status.EXECUTED,
        (Status.TIMELOCK, Move.REFUSED): Status.FAILED,
        (Status.TIMELOCK, Move.TIMED_OUT): Status.EXPIRED,
        (Status.TIMELOCK, Move.CALLED_OFF): Status.CANCELLED,
        (Status.TIMELOCK, Move.OVERTAKEN): Status.SUPERSEDED,
    }
)

FINAL: frozenset[Status] = frozenset(Status) - {before for before, _ in MOVES}

COOLS: frozenset[Status] = frozenset({Status.REJECTED, Status.VETOED})
"""Ends after which the same content may be proposed again only when its track's cooldown is over: those that a vote
made. A draft that lapsed, or was withdrawn, keeps nobody from proposing the same."""


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
