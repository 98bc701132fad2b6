"""Generations of tables on this node: built beside the chain, bound by one catalogue row, collected in slices.

- A *number* names the place of one generation on disk; a note under ``g`` says what it is for. Numbers are local, and
  none is given out while anything lies under it, so a dropped or repeated build can never meet rows of another.
- A build (``storage/growing.py``) writes in slices while the chain runs. Nothing of it is in a root before a block
  flips to it.
- A build that was interrupted is taken up again by whoever asks for the same label before the first commit after the
  start: from then on nobody would have followed what changes in its source. So the note of a build that is given up,
  or that nobody asks for, is off the disk before anything that comes after is on it.
- What neither catalogue nor a build refers to is condemned, at the start and at each flip, and deleted by
  ``collect`` in slices of bounded length; so is what a build kept beside its rows once it is in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from storage.catalogue import GenerationKey
from storage.engine import Engine
from storage.errors import GenerationInvalid
from storage.growing import NOTES, GrowingGeneration, Note
from storage.merkle import Tree
from storage.pending import PendingRows
from storage.readprogress import ReadProgress, Told, untold
from storage.rows import (
    GENERATION_PREFIX,
    SIDE_PREFIX,
    TABLE_PREFIX,
    after_prefix,
    generation_key,
    side_prefix,
    table_prefix,
)
from storage.tables import Half
from storage.tablestore import TableStore


class Generations:
    """Every number in use on this node, and what it is used for."""

    def __init__(self, rows: PendingRows) -> None:
        self._rows = rows
        self._stores: dict[GenerationKey, TableStore] = {}
        self._building: dict[bytes, int] = {}
        self._interrupted: dict[bytes, tuple[int, Note]] = {}
        self._condemned: list[tuple[bytes, bytes]] = []
        """Ranges whose rows are to be deleted, in this order: from a key, and up to but without one."""
        self._next = 1

    @classmethod
    def load(cls, rows: PendingRows, references: Iterable[GenerationKey], told: Told = untold) -> Generations:
        """Read the notes, load what is referred to, set interrupted builds aside and condemn the rest; ``told`` hears
        how far the rows are read. Raises GenerationInvalid when something referred to is not here."""
        made = cls(rows)
        notes = dict(_notes(rows.engine))
        numbers = {_key(note): number for number, note in notes.items() if note.generation}
        wanted = list(references)
        for half, generation in wanted:
            if (half, generation) not in numbers:
                raise GenerationInvalid(f"the {half.value} half", generation, "it is in the catalogue and not on disk")
        prefixes_read = [table_prefix(numbers[key]) for key in wanted]
        progress = ReadProgress(rows.engine, ((one, after_prefix(one)) for one in prefixes_read), told)
        for key in wanted:
            made._stores[key] = TableStore.load(rows, numbers[key], progress)
        loaded = {store.number for store in made._stores.values()}
        prefixes = (TABLE_PREFIX, SIDE_PREFIX)
        used = sorted({*notes, *(number for prefix in prefixes for number in _numbers(rows.engine, prefix))})
        for number in used:
            note = notes.get(number)
            if note is not None and not note.generation and note.label and note.label not in made._interrupted:
                made._interrupted[note.label] = (number, note)
            else:
                made._condemn(number, in_force=number in loaded)
        made._next = max(used, default=0) + 1
        return made

    def store(self, half: Half, generation: int) -> TableStore:
        """The store of a generation in force or kept."""
        return self._stores[half, generation]

    def numbers(self) -> dict[GenerationKey, int]:
        """Where every generation in force or kept lies."""
        return {key: store.number for key, store in self._stores.items()}

    def empty_store(self) -> TableStore:
        """A store of no rows under a fresh number."""
        return TableStore(self._rows, self._take_number(), Tree())

    def build(self, name: str, label: bytes) -> GrowingGeneration:
        """Begin a build, or take up the one of this label that the last run left; one of this run is begun anew.
        One without a label is never taken up."""
        if label in self._building:
            self.discard(self._building[label])
        number, note = self._interrupted.pop(label, (0, Note()))
        if not number:
            number, note = self._take_number(), Note(label=label)
        if label:
            self._building[label] = number
        return GrowingGeneration(self._rows, name, number, note)

    def discard(self, number: int) -> None:
        """Condemn a build, finished or not, that will not be flipped to."""
        assert all(store.number != number for store in self._stores.values()), "what is in force or kept is no build"
        self._building = {label: other for label, other in self._building.items() if other != number}
        self._give_up([number])

    def give_up_interrupted(self) -> None:
        """Interrupted builds that nobody asked for by now are condemned."""
        if self._interrupted:
            self._give_up([number for number, _ in self._interrupted.values()])
            self._interrupted = {}

    def bind(self, bound: Mapping[GenerationKey, TableStore]) -> list[tuple[bytes, bytes | None]]:
        """The notes that say which generation lies where; they belong into the batch of the flip."""
        return [
            (generation_key(store.number), NOTES.encode(Note(runtime=half is Half.RUNTIME, generation=generation)))
            for (half, generation), store in bound.items()
        ]

    def adopt(self, bound: Mapping[GenerationKey, TableStore], references: Iterable[GenerationKey]) -> None:
        """After a flip is on disk: hold exactly what the catalogue refers to and condemn the rest."""
        stores = {**self._stores, **bound}
        self._stores = {key: stores.pop(key) for key in references}
        for number in sorted(store.number for store in stores.values()):
            self._condemn(number)
        flipped = {store.number for store in bound.values()}
        for number in sorted(flipped):
            self._condemn(number, in_force=True)
        self._building = {label: number for label, number in self._building.items() if number not in flipped}

    def collect(self, limit: int) -> int:
        """Delete up to ``limit`` rows of what is condemned; returns how many, 0 when nothing is left."""
        self.give_up_interrupted()
        deleted = 0
        while self._condemned and deleted < limit:
            start, stop = self._condemned[0]
            keys = self._rows.engine.delete_range(start, stop, limit - deleted)
            deleted += len(keys)
            if deleted < limit:
                self._condemned.pop(0)
            else:
                self._condemned[0] = (keys[-1] + b"\0", stop)
        return deleted

    def _give_up(self, builds: Iterable[int]) -> None:
        """Condemn builds, and forget at once what they were for."""
        self._rows.engine.write([(generation_key(number), None) for number in builds], sync=True)
        for number in builds:
            self._condemn(number)

    def _condemn(self, number: int, in_force: bool = False) -> None:
        """Let everything under a number go, its note last; of one in force only what its build kept beside it."""
        prefixes = [side_prefix(number)]
        if not in_force:
            prefixes += [table_prefix(number), generation_key(number)]
        self._condemned += [(prefix, after_prefix(prefix)) for prefix in prefixes]

    def _take_number(self) -> int:
        number, self._next = self._next, self._next + 1
        return number


def _key(note: Note) -> GenerationKey:
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
