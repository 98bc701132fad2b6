"""The committed view: what every thread but the executor sees of the state. It shows one durable height, whole.

A view is made at each durable commit and swapped in one assignment. It never changes; whoever holds one goes on
reading the same height. It reads LevelDB's snapshot directly, without any of the executor's caches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from storage.blocklog import BlockLog
from storage.catalogue import Catalogue, GenerationKey
from storage.engine import EngineSnapshot
from storage.errors import TableUnknown
from storage.headfile import Head
from storage.overlay import key_range
from storage.record import Record
from storage.rows import after_prefix, table_prefix
from storage.tables import Half, Table

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class CommittedView:
    """One durable height."""

    head: Head
    catalogue: Catalogue
    snapshot: EngineSnapshot
    """Rows as of this height; the block log reads it."""
    numbers: Mapping[GenerationKey, int]
    """Where each generation lies, in force or kept."""

    @property
    def height(self) -> int:
        """The height of this view."""
        return self.head.height

    @property
    def log(self) -> BlockLog:
        """The block log up to this height."""
        return BlockLog(self.snapshot)

    def get(self, table: Table[R], key: tuple[Any, ...]) -> R | None:
        """The row under a key, or None. Raises TableUnknown, TableMismatch, InvalidKey, and EngineStopped once the
        database is closed."""
        raw = self.snapshot.get(self._prefix(table) + table.pack(key))
        return None if raw is None else table.codec.decode(raw)

    def get_raw(self, table: Table[Any], key: bytes) -> bytes | None:
        """As ``Overlay.get_raw``."""
        return self.snapshot.get(self._prefix(table) + key)

    def scan(
        self, table: Table[R], prefix: tuple[Any, ...] = (), start: tuple[Any, ...] | None = None, reverse: bool = False
    ) -> Iterator[tuple[tuple[Any, ...], R]]:
        """As ``Overlay.scan``."""
        low, high = key_range(table, prefix, start, reverse)
        place = self._prefix(table)
        end = after_prefix(place) if high is None else place + high
        for key, raw in self.snapshot.iterate(place + low, end, reverse=reverse):
            yield table.unpack(key[len(place) :]), table.codec.decode(raw)

    def rows(self, half: Half, generation: int) -> Iterator[tuple[bytes, bytes]]:
        """All rows of a generation in key order, as bytes."""
        place = table_prefix(self.numbers[half, generation])
        return ((key[len(place) :], raw) for key, raw in self.snapshot.iterate(place, after_prefix(place)))

    def _prefix(self, table: Table[Any]) -> bytes:
        entry = self.catalogue.find(table.name)
        if entry is None:
            raise TableUnknown(table.name)
        table.require_stored_as(self.catalogue.half_of(table.name), entry.schema)
        return table_prefix(self.numbers[table.half, entry.generation])
