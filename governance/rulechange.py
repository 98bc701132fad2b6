"""What a change of parameters or tracks would leave: every value in its bounds, and all of them fitting together.

Both are judged beside the values of the next height, where changes of this very block are in force, when they are
proposed and again when they take effect. So two changes that fit alone but not together do not both happen.
"""

from __future__ import annotations

from fractions import Fraction

from governance.electorate import electors_at
from governance.errors import need
from governance.fitting import conflict_in
from governance.parameters import affordable_deposit
from governance.proposals import ROUTED_KINDS, NewValue, ParameterChange
from governance.ruletext import resolve
from governance.targets import require_parameter
from governance.tracks import ChangeTracks, TrackRow
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
    overlay = context.overlay
    why = conflict_in(reading(coming, values), rows_of(overlay), routes_of(overlay), ROUTED_KINDS)
    need(not why, "rules_conflict", why=why)
    most = affordable_deposit(electors_at(context.overlay, context.height).power)
    need(values.get("min_deposit", 0) <= most, "deposit_unaffordable", most=most)
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
    most = affordable_deposit(electors_at(context.overlay, context.height).power)
    for name, row in rows.items():
        before = present.get(name)
        raised = before is None or row.deposit != before.deposit
        need(not raised or resolve(name, row, read).deposit <= most, "deposit_unaffordable", most=most)
    return rows, routes


def _value(given: NewValue) -> int | Fraction:
    return Fraction(given.number, given.per) if given.per else given.number
