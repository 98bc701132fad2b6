"""What only an open vote needs, and when it goes.

While votes count, the chain knows what delegators took out of each validator, and the votes that another cut counts
otherwise. Once a vote is over nothing reads that: the tally stands in the proposal's standing, and each voter's row
says what it counted for, which is what the receipt of a vote proves; these stay. So the rest is forgotten from the next
block on, the vote that ended first before the others and a bounded number of rows a block. A block with nothing to
forget reads one row (`Pulse`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from governance.agenda import LEFTOVERS, drop_due, leftovers_due, pulse_of, put_due
from governance.tables import LARGE_VOTES, OVERRIDES
from runtime.host import HostContext
from storage.overlay import Overlay
from storage.tables import Table

FORGOTTEN_PER_BLOCK = 1_000
"""Rows that one block forgets."""


def note_ended(overlay: Overlay, proposal: int, height: int) -> None:
    """Have forgotten what the vote on a proposal leaves, if it leaves anything."""
    if next(_left_by(overlay, proposal), None) is not None:
        put_due(overlay, LEFTOVERS, height + 1, proposal, height)


def forget(context: HostContext) -> None:
    """Delete what ended votes left, within the block's bound."""
    overlay, left = context.overlay, FORGOTTEN_PER_BLOCK
    next_due = pulse_of(overlay).next_due
    if not next_due or next_due > context.height:
        return
    for since, proposal in leftovers_due(overlay, context.height, left):
        rows = list(islice(_left_by(overlay, proposal), left))
        for table, row in rows:
            overlay.delete(table, row)
        left -= len(rows)
        if not left:
            return
        drop_due(overlay, LEFTOVERS, since, proposal)


def _left_by(overlay: Overlay, proposal: int) -> Iterator[tuple[Table[Any], tuple[Any, ...]]]:
    tables: tuple[Table[Any], ...] = (OVERRIDES, LARGE_VOTES)
    return chain.from_iterable(((table, key) for key, _ in overlay.scan(table, (proposal,))) for table in tables)
