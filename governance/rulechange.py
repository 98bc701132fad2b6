"""What a change of parameters or tracks would leave: every value in its bounds, and all of them fitting together.

Both are judged beside the values of the next height, where changes of this very block are in force, when they are
proposed and again when they take effect. So two changes that fit alone but not together do not both happen. And neither
makes proposing dearer than somebody is sure to be able to pay, in coins or in power.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from governance.bars import Ratio, reaches
from governance.electorate import electors_at
from governance.errors import need
from governance.fitting import conflict_in
from governance.parameters import affordable_deposit
from governance.proposals import ROUTED_KINDS, NewValue, ParameterChange
from governance.ruletext import Read, resolve
from governance.targets import require_parameter
from governance.tracks import ChangeTracks, Track, TrackRow
from governance.tracktable import reading, routes_of, rows_of
from runtime.host import HostContext
from runtime.parameters import Parameters, check_bounds


def new_values(context: HostContext, content: ParameterChange) -> dict[str, int | Fraction]:
    """The values of a parameter change, each in its bounds and all fitting together."""
    coming = Parameters(context.overlay, context.height + 1)
    values = {value.name: _value(value) for value in content.values}
    need(len(values) == len(content.values), "nothing_changes", what="a parameter is named twice")
    for name, value in values.items():
        require_parameter(context.overlay, name)
        check_bounds(context.rules, name, value)
    rows, read = rows_of(context.overlay), reading(coming, values)
    why = conflict_in(read, rows, routes_of(context.overlay), ROUTED_KINDS)
    need(not why, "rules_conflict", why=why)
    _require_within_reach(context, _resolved(rows, reading(coming)), _resolved(rows, read))
    return values


def new_tracks(context: HostContext, content: ChangeTracks) -> tuple[dict[str, TrackRow], dict[str, tuple[str, ...]]]:
    """All tracks and routes as a change would leave them, fitting together under the values of the next height."""
    present, routes = rows_of(context.overlay), routes_of(context.overlay)
    rows = dict(present)
    for change in content.tracks:
        known = change.name in rows or not change.remove
        need(known, "unknown_track", track=change.name, known=", ".join(rows))
        rows[change.name] = change.row
        if change.remove:
            del rows[change.name]
    routes |= {change.kind: change.tracks for change in content.routes}
    read = reading(Parameters(context.overlay, context.height + 1))
    why = conflict_in(read, rows, routes, ROUTED_KINDS)
    need(not why, "rules_conflict", why=why)
    _require_within_reach(context, _resolved(present, read), _resolved(rows, read))
    return rows, routes


def _resolved(rows: Mapping[str, TrackRow], read: Read) -> dict[str, Track]:
    return {name: resolve(name, row, read) for name, row in rows.items()}


def _require_within_reach(context: HostContext, before: Mapping[str, Track], after: Mapping[str, Track]) -> None:
    """Refuse a higher deposit, or floor of power, than somebody is sure to have: nobody could propose any more.

    Of so many validators the largest has at least its even part of all power, however it is spread."""
    electors = electors_at(context.overlay, context.height)
    most, even = affordable_deposit(electors.power), Ratio(part=1, whole=max(1, electors.voters))
    for name, track in after.items():
        was = before.get(name)
        if was is None or track.deposit > was.deposit:
            need(track.deposit <= most, "deposit_unaffordable", most=most)
        floor = track.power_floor
        if was is None or not reaches(was.power_floor.part, was.power_floor.whole, floor):
            need(reaches(even.part, even.whole, floor), "floor_out_of_reach", voters=even.whole)


def _value(given: NewValue) -> int | Fraction:
    return Fraction(given.number, given.per) if given.per else given.number
