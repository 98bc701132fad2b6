"""What is due when: one row a proposal, by height, in two lanes.

A block with nothing due reads one row (`Pulse`) and stops. Ordinary moves are bounded a block, and what does not fit
follows in the next blocks in the same order. Emergencies have a lane of their own without that bound, so that a crowd
of ordinary proposals cannot push a rollback out of its window; the floor of power bounds how many there can be. A third
lane holds the rehearsals of the pending plan, by the plan's id; a fourth the proposals whose votes have left rows that
nobody reads any more.
"""

from __future__ import annotations

from itertools import islice

from governance.tables import DUE, PULSE, Mark, Pulse
from storage.overlay import Overlay

URGENT, ORDINARY, REHEARSALS, LEFTOVERS = 0, 1, 2, 3


def pulse_of(overlay: Overlay) -> Pulse:
    """The row that tells whether anything waits."""
    return overlay.get(PULSE, ()) or Pulse()


def lane_of(urgent: bool) -> int:
    """The lane of a proposal's moves."""
    return URGENT if urgent else ORDINARY


def put_due(overlay: Overlay, lane: int, height: int, proposal: int, now: int) -> None:
    """Have ``proposal`` looked at when the block at ``height`` ends."""
    overlay.put(DUE, (lane, height, proposal), Mark(since=now))
    pulse = pulse_of(overlay)
    if not pulse.next_due or height < pulse.next_due:
        overlay.put(PULSE, (), pulse.but(next_due=height))


def drop_due(overlay: Overlay, lane: int, height: int, proposal: int) -> None:
    """Forget a due row; the pulse may keep its height, which costs one look for nothing."""
    overlay.delete(DUE, (lane, height, proposal))


def due_by(overlay: Overlay, height: int, most: int) -> tuple[int, ...]:
    """Proposals due at or before ``height``: every urgent one, then at most ``most`` others, oldest first."""
    return (*_lane(overlay, URGENT, height, None), *_lane(overlay, ORDINARY, height, most))


def rehearsals_due(overlay: Overlay, height: int) -> tuple[int, ...]:
    """Plans of whose rehearsals something is due at or before ``height``."""
    return tuple(_lane(overlay, REHEARSALS, height, None))


def leftovers_due(overlay: Overlay, height: int, most: int) -> tuple[tuple[int, int], ...]:
    """(height, proposal) of votes that have left something and ended before ``height``, at most ``most``, oldest
    first."""
    keys = (key for key, _ in islice(overlay.scan(DUE, (LEFTOVERS,)), most))
    return tuple((at, proposal) for _, at, proposal in keys if at <= height)


def refresh_pulse(overlay: Overlay) -> None:
    """Note the earliest due height that is left."""
    pulse = pulse_of(overlay)
    first = [_first(overlay, lane) for lane in (URGENT, ORDINARY, REHEARSALS, LEFTOVERS)]
    next_due = min((height for height in first if height), default=0)
    if next_due != pulse.next_due:
        overlay.put(PULSE, (), pulse.but(next_due=next_due))


def _lane(overlay: Overlay, lane: int, height: int, most: int | None) -> list[int]:
    found: list[int] = []
    for (_, at, proposal), _row in overlay.scan(DUE, (lane,)):
        if at > height or len(found) == most:
            break
        found.append(proposal)
    return found


def _first(overlay: Overlay, lane: int) -> int:
    return next((key[1] for key, _ in overlay.scan(DUE, (lane,))), 0)
