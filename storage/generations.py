"""Generations of tables on this node: built beside the chain, bound by one catalogue row, collected in slices.

- A *number* names the place of one generation on disk; a note under ``g`` says what it is for. Numbers are local
  and never used twice, so a dropped or repeated build can never meet rows of another.
- A build writes rows of its table in ascending key order, slice by slice, each slice one synced batch together with
  its cursor, so that a crash leaves a beginning of the work and never a gap. Its tree grows in memory, in strides
  because many rows at once cost a third of as many one by one; the buckets are written by ``finish``. Nothing of it
  is in a root before a block flips to it.
- A build that was interrupted is taken up again by whoever asks for the same label on the same runtime root before
  the first durable commit after the start; rows up to ``cursor`` are there already. On any other root its rows could
  be of other sources, and it is begun anew.
- What neither catalogue nor a build refers to is condemned, at the start and at each flip, and deleted by
  ``collect`` in slices of bounded length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from storage.codec import codec_of
from storage.engine import Engine
from storage.errors import GenerationInvalid
from storage.merkle import Tree
from storage.pending import PendingRows
from storage.record import Amount, Data, Flag, Record, field
from storage.rows import (
    BUCKET_PREFIX,
    GENERATION_PREFIX,
    TABLE_PREFIX,
    after_prefix,
    bucket_prefix,
    generation_key,
    table_prefix,
)
from storage.tables import Half
from storage.tablestore import TableStore

SLICE_ROWS = 4096
"""Rows of a build that share one synced batch."""

STRIDE_ROWS = 1 << 18
"""Rows that a build lets gather before its tree takes them in: about a second of work and 60 MB."""

StoreKey = tuple[Half, int]
"""The identity of a generation: its half and its number in that half's catalogue row."""

Row = tuple[bytes, bytes]


class Note(Record):
    """What this node keeps under a number. ``generation`` 0 is a build; else the generation it fills."""

    runtime: Flag = field(1, default=False)
    generation: Amount = field(2, default=0)
    label: Data = field(3, default=b"")
    cursor: Data = field(4, default=b"")
    begun: Flag = field(5, default=False)
    """A slice is written, so that ``cursor`` means something."""
    base: Data = field(6, default=b"")
    """Root of the state that a build reads."""


NOTES = codec_of(Note)


@dataclass(frozen=True, slots=True)
class Generation:
    """A finished build, ready for ``Overlay.flip``."""

    name: str
    store: TableStore

    @property
    def number(self) -> int:
        """Its place on this node."""
        return self.store.number

    @property
    def root(self) -> bytes:
        """The root of its tree."""
        return self.store.tree.root

    @property
    def count(self) -> int:
        """How many rows it has."""
        return self.store.tree.count


class GenerationBuilder:
    """One generation being built. Rows come in ascending order of their key bytes, each once."""

    def __init__(self, rows: PendingRows, name: str, number: int, note: Note) -> None:
        self.name = name
        self.number = number
        self._rows = rows
        self._note = note
        self._tree = Tree.load(iter(()))
        self._buckets: dict[bytes, bytes] = {}
        self._gathered: dict[bytes, bytes] = {}
        self._resumed = note.begun
        if note.begun:
            self._regrow()

    @property
    def cursor(self) -> bytes | None:
        """The key of the last row that is written, or None."""
        return self._note.cursor if self._note.begun else None

    def put_many(self, items: Iterable[Row]) -> None:
        """Add rows. Those of full slices are on disk when this returns, and so is the rest."""
        source = iter(items)
        while chunk := list(islice(source, SLICE_ROWS)):
            self._require_ascending(chunk)
            self._write(chunk)
            self._gather(chunk)

    def finish(self) -> Generation:
        """Write the buckets; the generation can be flipped to."""
        self._grow()
        prefix = bucket_prefix(self.number)
        while self._resumed and self._rows.engine.delete_range(prefix, after_prefix(prefix), SLICE_ROWS):
            continue
        source = iter(sorted(self._buckets.items()))
        while chunk := list(islice(source, SLICE_ROWS)):
            self._rows.engine.write([(prefix + path, bucket) for path, bucket in chunk], sync=True)
        self._buckets = {}
        return Generation(self.name, TableStore(self._rows, self.number, self._tree))

    def _write(self, chunk: list[Row]) -> None:
        prefix = table_prefix(self.number)
        self._note = self._note.but(cursor=chunk[-1][0], begun=True)
        batch: list[tuple[bytes, bytes | None]] = [(prefix + key, value) for key, value in chunk]
        batch.append((generation_key(self.number), NOTES.encode(self._note)))
        self._rows.engine.write(batch, sync=True)

    def _gather(self, chunk: list[Row]) -> None:
        self._gathered.update(chunk)
        if len(self._gathered) >= STRIDE_ROWS:
            self._grow()

    def _grow(self) -> None:
        patch = self._tree.prepare(self._gathered, self._buckets.get)
        self._tree.apply(patch)
        self._gathered = {}
        for path, bucket in patch.buckets.items():
            if bucket is None:
                self._buckets.pop(path, None)
            else:
                self._buckets[path] = bucket

    def _regrow(self) -> None:
        """Grow the tree over the rows that an interrupted build left."""
        prefix = table_prefix(self.number)
        stored = self._rows.engine.iterate(prefix, after_prefix(prefix))
        source = ((key[len(prefix) :], value) for key, value in stored)
        while chunk := list(islice(source, SLICE_ROWS)):
            self._gather(chunk)

    def _require_ascending(self, chunk: list[Row]) -> None:
        before = self.cursor
        for key, _ in chunk:
            if before is not None and key <= before:
                raise GenerationInvalid(self.name, self.number, f"key {key.hex()} does not follow {before.hex()}")
            before = key


class Generations:
    """Every number in use on this node, and what it is used for."""

    def __init__(self, rows: PendingRows) -> None:
        self._rows = rows
        self._stores: dict[StoreKey, TableStore] = {}
        self._building: dict[bytes, int] = {}
        self._dormant: dict[bytes, tuple[int, Note]] = {}
        self._condemned: list[int] = []
        self._next = 1

    @classmethod
    def load(cls, rows: PendingRows, references: Iterable[StoreKey]) -> Generations:
        """Read the notes, load what is referred to, set interrupted builds aside and condemn the rest.
        Raises GenerationInvalid when something referred to is not here."""
        made = cls(rows)
        notes = dict(_notes(rows.engine))
        numbers = {_key(note): number for number, note in notes.items() if note.generation}
        wanted = list(references)
        for half, generation in wanted:
            if (half, generation) not in numbers:
                raise GenerationInvalid(f"the {half.value} half", generation, "it is in the catalogue and not on disk")
            made._stores[half, generation] = TableStore.load(rows, numbers[half, generation])
        loaded = {store.number for store in made._stores.values()}
        used = sorted({*notes, *_numbers(rows.engine, TABLE_PREFIX), *_numbers(rows.engine, BUCKET_PREFIX)})
        for number in used:
            note = notes.get(number)
            if note is not None and not note.generation and note.label not in made._dormant:
                made._dormant[note.label] = (number, note)
            elif number not in loaded:
                made._condemned.append(number)
        made._next = max(used, default=0) + 1
        return made

    def store(self, half: Half, generation: int) -> TableStore:
        """The store of a generation in force or kept."""
        return self._stores[half, generation]

    def numbers(self) -> dict[StoreKey, int]:
        """Where every generation in force or kept lies."""
        return {key: store.number for key, store in self._stores.items()}

    def empty_store(self) -> TableStore:
        """A store of no rows under a fresh number."""
        return TableStore(self._rows, self._take_number(), Tree.load(iter(())))

    def build(self, name: str, label: bytes, base: bytes) -> GenerationBuilder:
        """Begin a build, or take up the one of this label that the last run left; one of this run is begun anew."""
        if label in self._building:
            self.discard(self._building[label])
        number, note = self._dormant.pop(label, (0, Note()))
        if number and note.base != base:
            self._condemned.append(number)
            number = 0
        if not number:
            number, note = self._take_number(), Note(label=label, base=base)
        self._building[label] = number
        return GenerationBuilder(self._rows, name, number, note)

    def discard(self, number: int) -> None:
        """Condemn a build, finished or not, that will not be flipped to."""
        self._building = {label: other for label, other in self._building.items() if other != number}
        self._condemned.append(number)

    def bind(self, bound: Mapping[StoreKey, TableStore]) -> list[tuple[bytes, bytes | None]]:
        """The notes that say which generation lies where; they belong into the batch of the flip."""
        return [
            (generation_key(store.number), NOTES.encode(Note(runtime=half is Half.RUNTIME, generation=generation)))
            for (half, generation), store in bound.items()
        ]

    def adopt(self, bound: Mapping[StoreKey, TableStore], references: Iterable[StoreKey]) -> None:
        """After a flip is on disk: hold exactly what the catalogue refers to and condemn the rest."""
        self._wake_none()
        stores = {**self._stores, **bound}
        self._stores = {key: stores.pop(key) for key in references}
        self._condemned += sorted(store.number for store in stores.values())
        flipped = {store.number for store in bound.values()}
        self._building = {label: number for label, number in self._building.items() if number not in flipped}

    def collect(self, limit: int) -> int:
        """Delete up to ``limit`` rows of what is condemned; returns how many, 0 when nothing is left."""
        self._wake_none()
        deleted = 0
        while self._condemned and deleted < limit:
            number = self._condemned[0]
            for prefix in (table_prefix(number), bucket_prefix(number)):
                if deleted < limit:
                    deleted += self._rows.engine.delete_range(prefix, after_prefix(prefix), limit - deleted)
            if deleted < limit:
                self._rows.engine.write([(generation_key(number), None)], sync=False)
                self._condemned.pop(0)
        return deleted

    def _wake_none(self) -> None:
        """Interrupted builds that nobody asked for by now are condemned."""
        self._condemned += [number for number, _ in self._dormant.values()]
        self._dormant = {}

    def _take_number(self) -> int:
        number, self._next = self._next, self._next + 1
        return number


def _key(note: Note) -> StoreKey:
    return (Half.RUNTIME if note.runtime else Half.HOST, note.generation)


def _notes(engine: Engine) -> Iterator[tuple[int, Note]]:
    for key, raw in engine.iterate(GENERATION_PREFIX, after_prefix(GENERATION_PREFIX)):
        yield int.from_bytes(key[1:], "big"), NOTES.decode(raw)


def _numbers(engine: Engine, prefix: bytes) -> Iterator[int]:
    """The numbers that have rows under a prefix, one seek each."""
    at, end = prefix, after_prefix(prefix)
    while found := next(iter(engine.iterate(at, end)), None):
        head = found[0][: len(prefix) + 4]
        yield int.from_bytes(head[len(prefix) :], "big")
        at = after_prefix(head)
