"""Reading governance from any view of the state: a block's overlay, or the committed view that other threads see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, TypeVar

from governance.bars import Bar, Moment, share_at
from governance.judging import judge, turnout
from governance.lifecycle import Move
from governance.proposals import Proposal, Standing, rules_of
from storage.record import Record
from storage.tables import Table

R = TypeVar("R", bound=Record)


class Reader(Protocol):
    """What `Overlay` and `CommittedView` have in common."""

    def get(self, table: Table[R], key: tuple[Any, ...]) -> R | None: ...

    def scan(
        self, table: Table[R], prefix: tuple[Any, ...] = (), start: tuple[Any, ...] | None = None, reverse: bool = False
    ) -> Iterator[tuple[tuple[Any, ...], R]]: ...


class Rows(Reader, Protocol):
    """A reader that also takes rows: a block's overlay, or a sketch that is thrown away."""

    def put(self, table: Table[R], key: tuple[Any, ...], record: R) -> object: ...


@dataclass(frozen=True, slots=True)
class Outlook:
    """A count against the rules it is judged by, as exact shares; what the close would say if it were now."""

    turnout: Fraction
    """Counted power of all power at the snapshot."""
    quorum: Fraction
    yes: Fraction
    """Yes of yes + no + veto."""
    threshold: Fraction
    veto: Fraction
    """Veto of all counted power."""
    veto_limit: Fraction
    voters: int
    least_voters: int
    verdict: Move
    reason: str


def moment_at(what: Proposal, standing: Standing, height: int) -> Moment:
    """The moment of a vote at the end of ``height``."""
    elapsed = max(0, height - standing.opened + 1)
    return Moment(elapsed, rules_of(what, standing).period, standing.participation)


def outlook(what: Proposal, standing: Standing, height: int | None = None) -> Outlook:
    """How a vote stands at the end of ``height``, by default of its close; shares are 0 while nothing is counted."""
    tally, electors, track = standing.tally, standing.electors, rules_of(what, standing)
    moment = moment_at(what, standing, standing.closes if height is None else height)
    verdict, reason = judge(tally, electors, track, moment)
    return Outlook(
        turnout=_share(turnout(tally, track), electors.power),
        quorum=_stands(track.quorum, moment),
        yes=_share(tally.yes, tally.yes + tally.no + tally.veto),
        threshold=_stands(track.threshold, moment),
        veto=_share(tally.veto, tally.counted),
        veto_limit=_stands(track.veto, moment),
        voters=tally.voters,
        least_voters=min(track.min_voters, electors.voters),
        verdict=verdict,
        reason=reason,
    )


def _stands(bar: Bar, moment: Moment) -> Fraction:
    share = share_at(bar, moment)
    return Fraction(share.part, share.whole)


def _share(part: int, whole: int) -> Fraction:
    return Fraction(part, whole) if whole else Fraction(0)
