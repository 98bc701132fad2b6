"""Places in voting: how many votes of a track are open at once, who has a place and who waits for one.

Places are the track's, and how many there are its row says now; a track that is gone has as many as it had when the
proposal was made, and a proposal that began under no limit waits for no place. A proposal keeps its place until its
vote is over. Then the place goes to the first that waits, unless the track has fewer by now. Where a change of rules
brings more, those who wait get them in their order, the first in the block after the change and a bounded number a
block; until they have theirs, nobody who needs a place steps in before them.
"""

from __future__ import annotations

from governance.agenda import pulse_of
from governance.ruletext import value_of
from governance.tables import PULSE, TRACK_STATES, TRACKS, WAITING, Mark
from governance.tracks import Track
from governance.tracktable import reading, state_of
from runtime.host import HostContext
from storage.overlay import Overlay


def take_place(context: HostContext, track: Track) -> bool:
    """Take a place on a track, if the proposal needs none to be free, or one is and nobody waits for it."""
    if track.limit and not (_is_free(context, track) and _first_waiting(context.overlay, track.name) is None):
        return False
    _count(context.overlay, track.name, 1)
    return True


def leave_place(context: HostContext, track: Track) -> int | None:
    """Give up a place; returns the proposal that has it from now on, None where nobody has."""
    _count(context.overlay, track.name, -1)
    return _give(context.overlay, track.name) if _is_free(context, track) else None


def wait(overlay: Overlay, track: str, since: int, proposal: int) -> None:
    """Stand in a track's queue."""
    overlay.put(WAITING, (track, since, proposal), Mark(since=since))


def stop_waiting(overlay: Overlay, track: str, since: int, proposal: int) -> None:
    """Leave a track's queue."""
    overlay.delete(WAITING, (track, since, proposal))


def note_rules_changed(context: HostContext) -> None:
    """Have the next block, where the change is in force, look for places that it brings."""
    overlay = context.overlay
    overlay.put(PULSE, (), pulse_of(overlay).but(places_from=context.height + 1))


def places_brought(context: HostContext) -> list[int]:
    """The proposals that get a place now because of a change of rules, within the block's bound."""
    overlay, given = context.overlay, list[int]()
    pulse = pulse_of(overlay)
    if not 0 < pulse.places_from <= context.height:
        return given
    most, read = context.parameters.integer("closings_per_block"), reading(context.parameters)
    for name, limit in [(key[0], value_of(row, "limit", read)) for key, row in overlay.scan(TRACKS)]:
        while len(given) < most and _has_free(overlay, name, limit):
            first = _give(overlay, name)
            if first is None:
                break
            given.append(first)
    if len(given) < most:
        overlay.put(PULSE, (), pulse.but(places_from=0))
    return given


def _is_free(context: HostContext, track: Track) -> bool:
    row = context.overlay.get(TRACKS, (track.name,))
    limit = track.limit if row is None else value_of(row, "limit", reading(context.parameters))
    return _has_free(context.overlay, track.name, limit)


def _has_free(overlay: Overlay, track: str, limit: int) -> bool:
    return not limit or state_of(overlay, track).voting < limit


def _give(overlay: Overlay, track: str) -> int | None:
    """Give a free place to the first that waits, if anybody does."""
    first = _first_waiting(overlay, track)
    if first is None:
        return None
    stop_waiting(overlay, *first)
    _count(overlay, track, 1)
    return first[2]


def _first_waiting(overlay: Overlay, track: str) -> tuple[str, int, int] | None:
    key = next((key for key, _ in overlay.scan(WAITING, (track,))), None)
    return None if key is None else (key[0], key[1], key[2])


def _count(overlay: Overlay, track: str, change: int) -> None:
    state = state_of(overlay, track)
    overlay.put(TRACK_STATES, (track,), state.but(voting=state.voting + change))
