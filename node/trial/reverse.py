"""Whether an upgrade can be gone back from: `down(up(S)) == S`, byte for byte, over every table that was there (N7).

Up is all that happens at the activation: migrations, `pre_upgrade` and `post_upgrade`. Down is the reverse that a
migrated table declares, record by record; a table that does not migrate must stand as it was, under whatever name.
Tables that are added go when one goes back, and aggregates are counted from the others, so neither is asked.

What validators then attest as `reversible` is proven, not claimed. An upgrade is *not* for two reasons, and in both a
higher threshold decides: it says so itself (a migration without a reverse, a table that goes or gets another key), so
its proposal takes the breaking track from the start; or its rehearsal finds it out. Then, if it is on another track,
the rehearsal fails (`not_reversible`); and so it does on any track where a declared reverse is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from governance.fitting import BREAKING
from node.trial.errors import TrialFailed
from node.trial.stage import Stage
from runtime.bundle.loader import LoadedRuntime
from runtime.invariants.counters import AGGREGATES
from runtime.migration import renames
from runtime.reverse import NOT_REVERSIBLE, RecordReverser, reverser_of
from storage.overlay import Overlay
from storage.tables import Table


def prove_reverse(stage: Stage, overlay: Overlay, new: LoadedRuntime) -> dict[str, int]:
    """Go back from every record, with the overlay right behind the flip, and note what that proves; how many records
    came back. Raises TrialFailed and ActivationFailed, both `not_reversible`."""
    steps = stage.coordinator(stage.state.overlay()).plan(stage.subject.plan).record_steps
    now = dict(renames(new))
    after = {one.name: one.root for one in stage.result.tables}
    lost, back = "", 0
    for was, root in stage.before.items():
        name = now.get(was, was)
        reverser = reverser_of(new, name, steps)
        if reverser is not None:
            back += _require_all(stage, overlay, was, new.tables[name], reverser)
        elif name != AGGREGATES.name and (name in stage.growth.migrators or after.get(name) != root):
            lost = lost or was
    if lost and not stage.proposal.breaking:
        raise TrialFailed(NOT_REVERSIBLE, f"{lost} cannot be had again: propose it on the {BREAKING} track")
    stage.result = stage.result.but(reversible=not lost)
    return {"reversed": back}


def _require_all(
    stage: Stage, overlay: Overlay, was: str, table: Table[Any], reverser: RecordReverser
) -> int:
    """Go back from every record of a table to just the rows it had."""
    old = stage.state.rows(was)
    count = 0
    for key, record in _rows(overlay, table):
        place, before = next(old, (b"", b""))
        if place != key:
            raise _astray(reverser, min(place or key, key))
        reverser.require(key, record, before)
        count += 1
    for place, _ in old:
        raise _astray(reverser, place)
    return count


def _rows(overlay: Overlay, table: Table[Any]) -> Iterator[tuple[bytes, Any]]:
    return ((table.pack(key), record) for key, record in overlay.scan(table))


def _astray(reverser: RecordReverser, key: bytes) -> TrialFailed:
    """A row that stands on one side only, because a hook wrote it or took it away."""
    made = reverser.declaration
    return TrialFailed(NOT_REVERSIBLE, f"{made.table_id} row {key.hex()} was not there, or went", made.file, made.line)
