"""One generation being built while the chain runs: rows in slices, its tree at the end, nothing of it in a root.

- Rows come from a source that is read in key order. The *cursor* is how far the source was read; what lies above it is
  still to come, and rows at or below it may be written again, or taken away, at any time.
- Each slice is one synced batch with the cursor and with what its builder keeps beside the rows, so that a crash
  leaves the beginning of the work and never a gap.
- While rows come, the tree is only a heap of entries in memory (``storage/bulkload.py``). ``build_tree`` lays it out, a
  slice a call; from then on it grows like that of any table. A build that was interrupted reads its own rows once
  more, again in slices (``reread``).
- ``finish`` hands the rows over: blocks that flip to them may be prepared, and the row cache filled, so nothing is
  written here any more.
- Whoever writes here has flushed the blocks that wait for a sync: a slice must never be on disk before its source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from storage.bulkload import Entries
from storage.codec import codec_of
from storage.errors import GenerationInvalid
from storage.merkle import Tree
from storage.pending import PendingRows
from storage.record import Amount, Data, Flag, Record, field
from storage.rows import after_prefix, generation_key, side_prefix, table_prefix
from storage.scan import Row
from storage.tablestore import TableStore

SLICE_ROWS = 4096
"""Rows of a build that share one synced batch."""

SideRows = Iterable[tuple[bytes, bytes | None]]
"""Rows beside those of the table, by what follows the number; None deletes."""


class Note(Record):
    """What this node keeps under a number. ``generation`` 0 is a build; else the generation it fills."""

    runtime: Flag = field(1, default=False)
    generation: Amount = field(2, default=0)
    label: Data = field(3, default=b"")
    cursor: Data = field(4, default=b"")
    begun: Flag = field(5, default=False)
    """A slice is written, so that ``cursor`` means something; it stays empty where the source was."""
    complete: Flag = field(7, default=False)
    """The source was read to its end."""


NOTES = codec_of(Note)


class Generation:
    """A finished build, ready for ``Overlay.flip``."""

    __slots__ = ("name", "store")

    def __init__(self, name: str, store: TableStore) -> None:
        self.name = name
        self.store = store

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


class GrowingGeneration:
    """A generation that is not in force yet. Belongs to the executor thread."""

    def __init__(self, rows: PendingRows, name: str, number: int, note: Note) -> None:
        self.name = name
        self.number = number
        self._rows = rows
        self._note = note
        self._prefix = table_prefix(number)
        self._entries = Entries()
        self._building: Iterator[Tree | None] | None = None
        self._late: dict[bytes, bytes | None] = {}
        """Changes that came while the tree was laid out."""
        self._store: TableStore | None = None
        self._unread = note.begun
        """Rows of before an interruption have not all been read again."""
        self._reread: bytes | None = None
        self._finished = False

    @property
    def cursor(self) -> bytes | None:
        """How far the source was read, or None before the first slice."""
        return self._note.cursor if self._note.begun else None

    @property
    def complete(self) -> bool:
        """Whether the source was read to its end."""
        return self._note.complete

    @property
    def has_tree(self) -> bool:
        """Whether the tree stands."""
        return self._store is not None

    def covers(self, key: bytes) -> bool:
        """Whether the source was read past this key, so that a change to it must be followed."""
        return self._note.complete or (self._note.begun and key <= self._note.cursor)

    def read(self, key: bytes) -> bytes | None:
        """The bytes of a row, or None; past the row cache, which nothing written here would reach."""
        return self._rows.peek(self._prefix + key)

    def scan(self, after: bytes | None = None) -> Iterator[Row]:
        """Rows in key order, those above ``after``."""
        return self._under(self._prefix, after)

    def side_key(self, key: bytes) -> bytes:
        """Where a row beside the table's lies, for a batch that is written elsewhere."""
        return side_prefix(self.number) + key

    def side_row(self, key: bytes) -> bytes | None:
        """A row kept beside the table's, or None."""
        return self._rows.peek(self.side_key(key))

    def side_rows(self, prefix: bytes, after: bytes | None = None) -> Iterator[Row]:
        """Rows kept beside the table's whose key begins with ``prefix``: what follows it, above ``after``, and the
        value."""
        return self._under(self.side_key(prefix), after)

    def extend(self, rows: list[Row], cursor: bytes | None, complete: bool = False, side: SideRows = ()) -> None:
        """Add rows above the cursor, in key order, and move it; the batch is on disk when this returns. A cursor of
        None leaves it where it is. Raises GenerationInvalid for rows out of order, and after ``finish``."""
        self._require_unfinished()
        self._require_ascending(rows)
        self._advance(cursor, complete)
        self._write(dict(rows), side)

    def place(
        self, changes: Mapping[bytes, bytes | None], cursor: bytes | None, complete: bool, side: SideRows
    ) -> None:
        """As ``extend``, for rows whose keys are not those of the source: they come anywhere, once or again."""
        self._require_unfinished()
        self._advance(cursor, complete)
        self._write(changes, side)

    def amend(self, changes: Mapping[bytes, bytes | None], side: SideRows = ()) -> None:
        """Write rows at or below the cursor again, None to take one away; the batch is on disk when this returns.
        Raises GenerationInvalid after ``finish``."""
        self._write(changes, side)

    def put_many(self, items: Iterable[Row]) -> None:
        """Add rows whose keys are those of the source, in slices. All are on disk when this returns."""
        source = iter(items)
        while chunk := list(islice(source, SLICE_ROWS)):
            self.extend(chunk, chunk[-1][0])

    def reread(self, limit: int) -> list[Row]:
        """The next rows that were there before an interruption, at most ``limit``; none when all were read."""
        if not self._unread:
            return []
        found = list(islice(self.scan(self._reread), limit))
        self._entries.put(found)
        self._unread = len(found) == limit
        self._reread = found[-1][0] if found else None
        return found

    def build_tree(self) -> bool:
        """Do a slice of laying the tree out; returns whether there is more to do."""
        if self._store is not None:
            return False
        assert not self._unread, "rows of before an interruption are read first"
        if self._building is None:
            self._building = self._entries.build()
        tree = next(self._building)
        if tree is not None:
            self._stand(tree)
        return tree is None

    def finish(self) -> Generation:
        """Do all that is left; the generation can be flipped to, and takes no more rows. Again is harmless."""
        while self.reread(SLICE_ROWS):
            continue
        while self.build_tree():
            continue
        assert self._store is not None, "a tree that was built stands"
        self._finished = True
        return Generation(self.name, self._store)

    def _advance(self, cursor: bytes | None, complete: bool) -> None:
        if cursor is not None:
            self._note = self._note.but(cursor=cursor, begun=True)
        if complete:
            self._note = self._note.but(complete=True, begun=True)

    def _write(self, changes: Mapping[bytes, bytes | None], side: SideRows) -> None:
        self._require_unfinished()
        assert not len(self._rows), "blocks that wait are flushed before a slice is written"
        if self._store is not None:
            self._store.tree.apply(self._store.tree.prepare(changes))
        else:
            self._gather(changes)
        rows = [(self._prefix + key, value) for key, value in changes.items()]
        self._rows.write([*rows, *self._beside(side)])

    def _gather(self, changes: Mapping[bytes, bytes | None]) -> None:
        """What a tree that does not stand yet will be made of."""
        if self._building is not None:
            self._late.update(changes)
        else:
            self._entries.put(changes.items())

    def _beside(self, side: SideRows) -> list[tuple[bytes, bytes | None]]:
        """What goes with a slice: rows beside the table's, and the note."""
        note = (generation_key(self.number), NOTES.encode(self._note))
        return [*((self.side_key(key), value) for key, value in side), note]

    def _stand(self, tree: Tree) -> None:
        """Take in what came while the tree was laid out."""
        tree.apply(tree.prepare(self._late))
        self._store = TableStore(self._rows, self.number, tree)
        self._entries, self._building, self._late = Entries(), None, {}

    def _under(self, prefix: bytes, after: bytes | None) -> Iterator[Row]:
        start = prefix if after is None else prefix + after + b"\0"
        skip = len(prefix)
        return ((key[skip:], value) for key, value in self._rows.iterate(start, after_prefix(prefix)))

    def _require_unfinished(self) -> None:
        if self._finished:
            raise GenerationInvalid(self.name, self.number, "it is finished and takes no more rows; build another")

    def _require_ascending(self, rows: list[Row]) -> None:
        before = self.cursor
        for key, _ in rows:
            if before is not None and key <= before:
                raise GenerationInvalid(self.name, self.number, f"key {key.hex()} does not follow {before.hex()}")
            before = key
