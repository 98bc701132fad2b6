"""The committed state of a chain: tables in two halves, their trees, and the one way in which a block changes them.

``prepare`` computes what a block would change and the roots it would have; it touches no disk and nothing here, may
be repeated and dropped. ``commit`` makes it so, in this order: one synced batch (rows, log rows, a copy of the
head) -> head file -> trees and committed view. If the batch fails, nothing here has changed.

``commit(durable=False)`` does all but the disk: the rows wait, at most ``WAITING_BLOCKS`` blocks of them, until a
durable commit or ``flush`` writes them in one batch. A crash loses exactly those blocks; ``view`` never shows them.

Each durable commit also deletes up to ``COLLECTED_ROWS`` rows of generations that nothing refers to any more, so that
an old generation goes in slices while the chain runs.

At start (``storage/startup.py``) database and head file must agree, and the rows give the head's roots.

All methods but ``view`` belong to the executor thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from storage.blocklog import BlockLog
from storage.catalogue import CATALOGUE, Catalogue, catalogue_key
from storage.checkpoint import Checkpoint, Making, remove_unfinished
from storage.errors import HeightOutOfOrder, NotDurable, PreparedStale, TableUnknown
from storage.generations import Generations
from storage.growing import GrowingGeneration
from storage.halfroots import halves_of
from storage.headfile import Head, create_head, write_head
from storage.home import Home
from storage.overlay import Overlay, Place, places_of
from storage.pending import LogRows, PendingRows
from storage.prepared import PreparedState, prepared_from
from storage.proofs import Proof, make_proof
from storage.readprogress import Told, untold
from storage.rows import META_KEY
from storage.startup import closed_on_failure, create_rows, open_rows, read_whole
from storage.tables import Half, Table
from storage.view import CommittedView

WAITING_BLOCKS = 256
"""Blocks that may share one sync."""

COLLECTED_ROWS = 512
"""Rows deleted beside a commit: about a millisecond."""

CACHED_ROWS = 1 << 20
"""Rows of each table that are cached by default, 200 bytes or so a row."""


class State:
    """The executor's handle on one home's state."""

    def __init__(
        self, home: Home, rows: PendingRows, generations: Generations, catalogue: Catalogue, head: Head
    ) -> None:
        self.making = Making(home)
        """The checkpoint that `checkpoint` takes next; what it will share may be put in place ahead."""
        self._home = home
        self._rows = rows
        self._generations = generations
        self._catalogue = catalogue
        self._head = self._durable = head
        self._sequence = 0
        self._waiting_blocks = 0
        self._tables: dict[str, Table[Any]] = {CATALOGUE.name: CATALOGUE}
        self._places = places_of(catalogue, generations, {})
        self._host, self._runtime = halves_of(catalogue, self._places, {})
        self._numbers = generations.numbers()
        self._view = self._make_view()

    @classmethod
    def create(cls, home: Home, tables: Iterable[Table[Any]] = (), cached_rows: int = CACHED_ROWS) -> State:
        """Make the database of a new chain with these tables, all empty, at height 0.
        The first block committed then chooses its height. Raises StoreExists, TableExists, DiskFull, DiskError."""
        rows = create_rows(home, cached_rows)
        with closed_on_failure(rows.engine):
            create_head(home.head_file, _NOTHING)
            generations = Generations(rows)
            catalogue = Catalogue.empty()
            (itself,) = catalogue.references()
            generations.adopt({itself: generations.empty_store()}, [itself])
            state = cls(home, rows, generations, catalogue, _NOTHING)
            overlay = state.overlay()
            for table in tables:
                state.register(table)
                catalogue = catalogue.with_table(table)
            overlay.flip(catalogue)
            for half in Half:
                overlay.put(CATALOGUE, catalogue_key(half), catalogue.row(half))
            overlay.bound[itself] = generations.store(*itself)
            state.commit(state.prepare(overlay), 0)
            return state

    @classmethod
    def open(
        cls, home: Home, tables: Iterable[Table[Any]] = (), cached_rows: int = CACHED_ROWS, told: Told = untold
    ) -> State:
        """Open what was committed; ``told`` hears how far its rows are read. Raises TableMismatch for a table declared
        otherwise than it is stored, and a StoreFault that says what to do when the database and the head file are not
        whole."""
        rows = open_rows(home, cached_rows)
        with closed_on_failure(rows.engine):
            remove_unfinished(home)
            head, catalogue, generations = read_whole(home, rows, told)
            state = cls(home, rows, generations, catalogue, head)
            for table in tables:
                state.register(table)
            return state

    @property
    def home(self) -> Home:
        """The folder it lies in."""
        return self._home

    @property
    def head(self) -> Head:
        """The last committed block, durable or not."""
        return self._head

    @property
    def height(self) -> int:
        """The height of the last committed block, durable or not."""
        return self._head.height

    @property
    def durable_height(self) -> int:
        """The height that a crash would leave."""
        return self._durable.height

    @property
    def commit_number(self) -> int:
        """How many synced batches there were."""
        return self._durable.commit

    @property
    def catalogue(self) -> Catalogue:
        """The tables in force and kept."""
        return self._catalogue

    def rows(self, name: str, after: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Key and value bytes of a table in force, in key order, those above ``after``; raises TableUnknown."""
        return self._place(name).store.scan(b"" if after is None else after + b"\0", None, False)

    def row(self, name: str, key: bytes) -> bytes | None:
        """The value bytes of one row of a table in force, or None; raises TableUnknown."""
        return self._place(name).store.read(key)

    def count(self, name: str) -> int:
        """How many rows a table in force has; raises TableUnknown."""
        return self._place(name).store.tree.count

    def register(self, table: Table[Any]) -> None:
        """Make a declaration findable by name; raises TableMismatch when the table is stored in another half or
        schema."""
        place = self._places.get(table.name)
        if place is not None:
            table.require_stored_as(place.half, place.schema)
        self._tables[table.name] = table

    def tables(self, half: Half) -> tuple[Table[Any], ...]:
        """The registered declarations of a half's tables in force, by name."""
        return tuple(self._tables[name] for name in self._catalogue.names(half) if name in self._tables)

    def table_root(self, name: str) -> bytes:
        """The root of a table in force; raises TableUnknown."""
        return self._place(name).store.tree.root

    def overlay(self) -> Overlay:
        """A fresh overlay on the last committed block."""
        return Overlay(self._generations, self._catalogue, self._places, self._sequence)

    def prepare(self, overlay: Overlay) -> PreparedState:
        """The roots the overlay's writes would give; pure, so it may be called again as the block goes on. Raises
        PreparedStale for the overlay of an earlier commit."""
        if overlay.sequence != self._sequence:
            raise PreparedStale(overlay.sequence, self._sequence)
        return prepared_from(overlay, self._catalogue, self._host, self._runtime)

    def commit(
        self,
        prepared: PreparedState,
        height: int,
        log_rows: LogRows = (),
        durable: bool = True,
        barrier: bool = False,
        amends: bool = False,
    ) -> Head:
        """Make a prepared block the head. A block that flips generations, and the last of ``WAITING_BLOCKS`` waiting
        ones, is durable whatever is asked; one that flips goes behind a barrier. ``amends``: a change at the present
        height beside any block, which founds a chain on another's state. Raises PreparedStale and HeightOutOfOrder,
        which change nothing, and StoreFaults of the disk."""
        if prepared.sequence != self._sequence:
            raise PreparedStale(prepared.sequence, self._sequence)
        self._require_next(height, amends)
        self._generations.give_up_interrupted()
        flips = prepared.catalogue is not self._catalogue
        head = Head(self._durable.commit + 1, height, prepared.app_root, prepared.host_root, prepared.runtime_root)
        rows = prepared.rows()
        if durable or flips or self._waiting_blocks + 1 >= WAITING_BLOCKS:
            if barrier or flips:
                self._rows.engine.barrier()
            self._write(head, chain(rows, log_rows, self._generations.bind(prepared.bound)))
        else:
            self._rows.hold(chain(rows, log_rows))
            self._waiting_blocks += 1
        self._apply(prepared, head)
        if self._durable is head:
            self._view = self._make_view()
            self._generations.collect(COLLECTED_ROWS)
        return head

    def flush(self) -> Head:
        """Make every waiting block durable in one synced batch; returns the durable head."""
        if self._waiting_blocks:
            self._write(self._head, ())
            self._view = self._make_view()
        return self._durable

    def settle(self) -> None:
        """Bring all that was written into sorted files, so that the barrier of a flip soon after finds little to do."""
        self._rows.engine.barrier()

    def view(self) -> CommittedView:
        """The last durable height, for any thread."""
        return self._view

    def prove(self, table: Table[Any], key: tuple[Any, ...]) -> Proof:
        """A proof that a row is, or is not, in the durable head's root. Raises NotDurable while blocks wait,
        TableUnknown, TableMismatch, InvalidKey."""
        if self._waiting_blocks:
            raise NotDurable(self.durable_height, self.height)
        place = self._place(table.name)
        table.require_stored_as(place.half, place.schema)
        packed = table.pack(key)
        tree_proof = place.store.tree.prove(packed)
        mine, other = (self._host, self._runtime) if place.half is Half.HOST else (self._runtime, self._host)
        return make_proof(
            place.half, table.name, packed, place.store.read(packed), tree_proof, dict(mine.items()), other.root
        )

    def log(self) -> BlockLog:
        """The block log with the blocks that wait for a sync; the view's log shows durable ones only."""
        return BlockLog(self._rows.log_source())

    def checkpoint(self, reason: str) -> Checkpoint:
        """A copy of the last committed block's database among this home's checkpoints; blocks that wait are flushed."""
        self.flush()
        return self.making.take(reason, self._rows.engine)

    def build_generation(self, table: Table[Any], label: bytes = b"") -> GrowingGeneration:
        """Begin to fill a new generation of a table beside the chain, or go on with the one of this label that the last
        run left; without a label it is never taken up again. A slice is written only while no block waits for a sync,
        so ``flush`` before each."""
        return self._generations.build(table.name, label)

    def discard_generation(self, number: int) -> None:
        """Give up a build; ``collect`` deletes its rows."""
        self._generations.discard(number)

    def collect(self, limit: int) -> int:
        """Delete up to ``limit`` rows that nothing refers to; returns how many, 0 when none is left. While blocks wait
        for a sync nothing is deleted, since their rows may yet come to lie where a build was given up meanwhile."""
        return 0 if self._waiting_blocks else self._generations.collect(limit)

    def close(self) -> None:
        """Let go of the database. Blocks that wait for a sync are lost, as by a crash; ``flush`` first to keep them."""
        self._rows.engine.close()

    def _write(self, head: Head, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Batch, then head file. A head file that cannot be written stops the engine: what is on disk is then above
        what this object knows, and only opening anew tells."""
        self._rows.write(chain(rows, ((META_KEY, head.to_bytes()),)))
        try:
            write_head(self._home.head_file, head)
        except BaseException as error:
            self._rows.engine.stop(f"the head file was not written: {error}")
            raise
        self._durable = self._head = head
        self._waiting_blocks = 0

    def _apply(self, prepared: PreparedState, head: Head) -> None:
        for store, rows, patch in prepared.tables:
            store.apply(rows, patch)
        self._head = head
        self._host, self._runtime = prepared.host, prepared.runtime
        self._sequence += 1
        if prepared.catalogue is not self._catalogue:
            self._generations.adopt(prepared.bound, prepared.catalogue.references())
            self._catalogue, self._places = prepared.catalogue, prepared.places
            self._numbers = self._generations.numbers()

    def _place(self, name: str) -> Place:
        place = self._places.get(name)
        if place is None:
            raise TableUnknown(name)
        return place

    def _require_next(self, height: int, amends: bool) -> None:
        begun = self._durable.commit > 1 or self._waiting_blocks
        if begun and height != self._head.height + (not amends):
            raise HeightOutOfOrder(self._head.height, height)

    def _make_view(self) -> CommittedView:
        return CommittedView(self._durable, self._catalogue, self._rows.engine.snapshot(), self._numbers)


_NOTHING = Head(0, 0, bytes(32), bytes(32), bytes(32))
"""What stands before the first commit."""
