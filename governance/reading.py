"""Reading governance from any view of the state: a block's overlay, or the committed view that other threads see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, TypeVar

from governance.judging import judge
from governance.lifecycle import Move
from governance.proposals import Proposal, Standing
from governance.tracks import Ratio
from storage.record import Record
from storage.tables import Table

R = TypeVar("R", bound=Record)


class Reader(Protocol):
    """What `Overlay` and `CommittedView` have in common."""

    def get(self, table: Table[R], key: tuple[Any, ...]) -> R | None: ...

    def scan(
        self, table: Table[R], prefix: tuple[Any, ...] = (), start: tuple[Any, ...] | None = None, reverse: bool = False
    ) -> Iterator[tuple[tuple[Any, ...], R]]: ...


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


def outlook(what: Proposal, standing: Standing) -> Outlook:
    """How a vote stands; shares are 0 while nothing is counted."""
    tally, electors, track = standing.tally, standing.electors, what.track
    verdict, reason = judge(tally, electors, track)
    return Outlook(
        turnout=_share(tally.counted, electors.power),
        quorum=_fraction(track.quorum),
        yes=_share(tally.yes, tally.yes + tally.no + tally.veto),
        threshold=_fraction(track.threshold),
        veto=_share(tally.veto, tally.counted),
        veto_limit=_fraction(track.veto),
        voters=tally.voters,
        least_voters=min(track.min_voters, electors.voters),
        verdict=verdict,
        reason=reason,
    )


def _fraction(ratio: Ratio) -> Fraction:
    return Fraction(ratio.part, ratio.whole)


def _share(part: int, whole: int) -> Fraction:
    return Fraction(part, whole) if whole else Fraction(0)
