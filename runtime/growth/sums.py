"""The next runtime's aggregates as rows: those that stay are copied, the others come from the tally.

Where every aggregate stays, the table stays too. Otherwise it gets a generation of its own, whatever its size, so
that activation never costs one write a group. It is begun once everything is counted, and begun anew after a restart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from runtime.growth.tally import Slot, Tally
from runtime.invariants.counters import AGGREGATES, AggregateValue
from storage.blockview import Change
from storage.errors import InvalidRecord
from storage.growing import Generation, GrowingGeneration
from storage.state import State


class SumsGrowth:
    """The aggregates at A. ``settled`` hears of every slot whose value is, or may be, another."""

    def __init__(self, state: State, tally: Tally, kept: frozenset[str], anew: bool) -> None:
        self._state = state
        self._tally = tally
        self._kept = kept
        self._anew = anew
        self._growing: GrowingGeneration | None = None
        self._dirty: dict[bytes, None] = {}
        """Keys of copied rows that have changed since."""
        self._overflown: set[Slot] = set()
        self.moved: dict[Slot, None] = {}
        """Slots that moved since somebody looked; whoever looks takes them out."""

    @property
    def ready(self) -> bool:
        """Whether the rows show everything that is counted."""
        if not self._anew:
            return True
        growing = self._growing
        return growing is not None and growing.has_tree and not self._dirty and not self._tally.moved

    @property
    def overflown(self) -> bool:
        """Whether a sum is more than an amount can hold."""
        return bool(self._overflown)

    def step(self, limit: int) -> bool:
        """Do a slice of what is due; returns whether anything was."""
        if self.ready:
            return False
        if self._growing is None:
            self._growing = self._state.build_generation(AGGREGATES)
        if not self._growing.complete:
            self._copy(self._growing, limit)
        elif self._dirty or self._tally.moved:
            self._write(self._growing, limit)
        else:
            self._growing.build_tree()
        return True

    def follow(self, changes: Mapping[str, Mapping[bytes, Change]]) -> None:
        """Note what a committed block has changed."""
        for key in changes.get(AGGREGATES.name, ()):
            slot = AGGREGATES.unpack(key)
            if slot[0] not in self._kept:
                continue
            if not self._anew:
                self.moved[slot[0], slot[1]] = None
            elif self._growing is not None and self._growing.covers(key):
                self._dirty[key] = None

    def rows(self, after: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """The aggregates above a key, in order."""
        if self._growing is None:
            return self._state.rows(AGGREGATES.name, after)
        return self._growing.scan(after)

    def value(self, slot: Slot) -> int:
        """The value of one group."""
        key = AGGREGATES.pack(slot)
        raw = self._state.row(AGGREGATES.name, key) if self._growing is None else self._growing.read(key)
        return 0 if raw is None else AGGREGATES.codec.decode(raw).value

    def finish(self) -> Generation | None:
        """The generation, once it is ready; None when the present one stays."""
        return None if self._growing is None else self._growing.finish()

    def discard(self) -> None:
        """Give the generation up."""
        if self._growing is not None:
            self._state.discard_generation(self._growing.number)

    def _copy(self, growing: GrowingGeneration, limit: int) -> None:
        rows = list(islice(self._state.rows(AGGREGATES.name, growing.cursor), limit))
        kept = [(key, raw) for key, raw in rows if AGGREGATES.unpack(key)[0] in self._kept]
        growing.extend(kept, rows[-1][0] if rows else None, complete=len(rows) < limit)

    def _write(self, growing: GrowingGeneration, limit: int) -> None:
        changes: dict[bytes, bytes | None] = {}
        for key in list(islice(self._dirty, limit)):
            del self._dirty[key]
            changes[key] = self._state.row(AGGREGATES.name, key)
        for slot in list(islice(self._tally.moved, limit)):
            del self._tally.moved[slot]
            changes[AGGREGATES.pack(slot)] = self._counted(slot)
        growing.amend(changes)
        for key in changes:
            aggregate, group = AGGREGATES.unpack(key)
            self.moved[aggregate, group] = None

    def _counted(self, slot: Slot) -> bytes | None:
        value = self._tally.value(slot)
        assert value >= 0, "what is counted out was counted in"
        self._overflown.discard(slot)
        try:
            return AGGREGATES.codec.encode(AggregateValue(value=value)) if value else None
        except InvalidRecord:
            self._overflown.add(slot)
            return None
