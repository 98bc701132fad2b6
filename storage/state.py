"""The committed state of a chain: tables in two halves, their trees, and the one way in which a block changes them.

``prepare`` computes what a block would change and the roots it would have; it touches no disk and nothing here, may
be repeated and dropped. ``commit`` makes it so, in this order: one synced batch (rows, buckets, log rows, a copy of
the head) -> head file -> trees and committed view. If the batch fails, nothing here has changed.

``commit(durable=False)`` does all but the disk: the rows wait, at most ``WAITING_BLOCKS`` blocks of them, until a
durable commit or ``flush`` writes them in one batch. A crash loses exactly those blocks; ``view`` never shows them.

At start the database must be at the head file's commit or one above it (the crash fell between the two; then the
head file is written again), and the trees must give the head's roots; anything else is a typed error.

All methods but ``view`` belong to the executor thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from storage.blocklog import BlockLog
from storage.catalogue import CATALOGUE, Catalogue, CatalogueRow, catalogue_key
from storage.engine import Engine
from storage.errors import HeightOutOfOrder, NotDurable, PreparedStale, StoreDamaged, TableMismatch
from storage.generations import GenerationBuilder, Generations
from storage.hashing import app_root, half_root
from storage.headfile import Head, create_head, settle_head, write_head
from storage.home import Home
from storage.merkle import TreePatch
from storage.overlay import Overlay
from storage.pending import PendingRows
from storage.prepared import PreparedState
from storage.proofs import Proof, make_proof
from storage.rows import CATALOGUE_NUMBER, META_KEY, table_prefix
from storage.tables import Half, Table
from storage.tablestore import TableStore
from storage.view import CommittedView

LogRows = Sequence[tuple[bytes, bytes | None]]
"""Rows outside the trees, written with a block."""

WAITING_BLOCKS = 256
"""Blocks that may share one sync."""

CACHED_ROWS = 1 << 20
"""Rows and buckets cached by default; a cached row of a large table takes about 200 bytes."""

class State:
    """The executor's handle on one home's state."""

    def __init__(
        self, home: Home, rows: PendingRows, generations: Generations, catalogue: Catalogue, head: Head
    ) -> None:
        self._home = home
        self._rows = rows
        self._generations = generations
        self._catalogue = catalogue
        self._head = self._durable = head
        self._sequence = 0
        self._waiting_blocks = 0
        self._tables: dict[str, Table[Any]] = {CATALOGUE.name: CATALOGUE}
        self._roots: Mapping[Half, dict[str, bytes]] = {half: self._roots_of(half) for half in Half}
        self._view = self._make_view()

    @classmethod
    def create(cls, home: Home, tables: Iterable[Table[Any]] = (), cached_rows: int = CACHED_ROWS) -> State:
        """Make the database of a new chain with these tables, all empty, at height 0.
        The first block committed then chooses its height."""
        rows = PendingRows(Engine.create(home.database), cached_rows)
        create_head(home.head_file, _NOTHING)
        generations = Generations(rows)
        catalogue = Catalogue.empty()
        generations.adopt({key: generations.empty_store() for key in catalogue.references()}, catalogue.references())
        state = cls(home, rows, generations, catalogue, _NOTHING)
        overlay = state.overlay()
        for table in tables:
            state.register(table)
            catalogue = catalogue.with_table(table)
        overlay.flip(catalogue)
        for half in Half:
            overlay.put(CATALOGUE, catalogue_key(half), catalogue.row(half))
        overlay.bound[Half.HOST, 1] = generations.store(Half.HOST, 1)
        state.commit(state.prepare(overlay), 0)
        return state

    @classmethod
    def open(cls, home: Home, tables: Iterable[Table[Any]] = (), cached_rows: int = CACHED_ROWS) -> State:
        """Open what was committed; raises a StoreFault that says what to do when it is not whole."""
        engine = Engine.open(home.database)
        try:
            return cls._opened(home, PendingRows(engine, cached_rows), tables)
        except BaseException:
            engine.close()
            raise

    @classmethod
    def _opened(cls, home: Home, rows: PendingRows, tables: Iterable[Table[Any]]) -> State:
        head = _settled_head(home, rows.engine)
        catalogue = _read_catalogue(home, rows)
        state = cls(home, rows, Generations.load(rows, catalogue.references()), catalogue, head)
        found = [half_root(list(state._roots[half].items())) for half in Half]
        if found != [head.host_root, head.runtime_root] or app_root(*found) != head.app_root:
            raise StoreDamaged(home.database, f"its rows do not give the roots of height {head.height}")
        for table in tables:
            state.register(table)
        return state

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

    def rows(self, name: str) -> Iterator[tuple[bytes, bytes]]:
        """Key and value bytes of a table in force, in key order."""
        half, entry = self._catalogue.half_of(name), self._catalogue.entry(name)
        return self._generations.store(half, entry.generation).scan(b"", None, False)

    def register(self, table: Table[Any]) -> None:
        """Make a declaration findable by name; raises TableMismatch when the stored table has another schema."""
        entry = self._catalogue.find(table.name)
        if entry is not None and entry.schema != table.schema_digest:
            stored, declared = entry.schema.hex()[:16], table.schema_digest.hex()[:16]
            raise TableMismatch(table.name, f"stored {stored}, declared {declared}")
        self._tables[table.name] = table

    def tables(self, half: Half) -> tuple[Table[Any], ...]:
        """The registered declarations of a half's tables in force, by name."""
        return tuple(self._tables[name] for name in self._catalogue.names(half) if name in self._tables)

    def table_root(self, name: str) -> bytes:
        """The root of a table in force; raises TableUnknown."""
        return self._roots[self._catalogue.half_of(name)][name]

    def overlay(self) -> Overlay:
        """A fresh overlay on the last committed block."""
        return Overlay(self._generations, self._catalogue, self._sequence)

    def prepare(self, overlay: Overlay) -> PreparedState:
        """The roots the overlay's writes would give; pure, so it may be called again as the block goes on."""
        if overlay.sequence != self._sequence:
            raise PreparedStale(overlay.sequence, self._sequence)
        changes = overlay.changes()
        patches = []
        for name, rows in changes.items():
            store = overlay.store(name)
            patch = store.tree.prepare({key: change.new for key, change in rows.items()}, store.read_bucket)
            patches.append((store, name, patch))
        roots = self._roots_after(overlay, patches)
        host, runtime = self._top_roots(roots)
        return PreparedState(
            self._sequence, overlay.catalogue, changes, tuple(patches), roots, overlay.bound, host, runtime,
            app_root(host, runtime),
        )  # fmt: skip

    def commit(
        self, prepared: PreparedState, height: int, log_rows: LogRows = (), durable: bool = True, barrier: bool = False
    ) -> Head:
        """Make a prepared block the head. A block that flips generations, and the last of ``WAITING_BLOCKS`` waiting
        ones, is durable whatever is asked; one that flips goes behind a barrier."""
        if prepared.sequence != self._sequence:
            raise PreparedStale(prepared.sequence, self._sequence)
        self._require_next(height)
        flips = prepared.catalogue is not self._catalogue
        head = Head(self._durable.commit + 1, height, prepared.app_root, prepared.host_root, prepared.runtime_root)
        rows = prepared.rows()
        if durable or flips or self._waiting_blocks + 1 >= WAITING_BLOCKS:
            if barrier or flips:
                self._rows.engine.barrier()
            self._write(head, rows, [*log_rows, *self._generations.bind(prepared.bound)])
        else:
            self._rows.hold(rows, log_rows)
            self._waiting_blocks += 1
        self._apply(prepared, head)
        if self._durable is head:
            self._view = self._make_view()
        return head

    def flush(self) -> Head:
        """Make every waiting block durable in one synced batch; returns the durable head."""
        if self._waiting_blocks:
            self._write(self._head, {}, ())
            self._view = self._make_view()
        return self._durable

    def view(self) -> CommittedView:
        """The last durable height, for any thread."""
        return self._view

    def prove(self, table: Table[Any], key: tuple[Any, ...]) -> Proof:
        """A proof that a row is, or is not, in the durable head's root; raises NotDurable while blocks wait."""
        if self._waiting_blocks:
            raise NotDurable(self.durable_height, self.height)
        entry = self._catalogue.entry(table.name)
        store = self._generations.store(table.half, entry.generation)
        packed = table.pack(key)
        other = self._head.runtime_root if table.half is Half.HOST else self._head.host_root
        return make_proof(
            table.half, table.name, packed, store.read(packed),
            store.tree.prove(packed, store.read_bucket), self._roots[table.half], other,
        )  # fmt: skip

    def log(self) -> BlockLog:
        """The block log with the blocks that wait for a sync; the view's log shows durable ones only."""
        return BlockLog(self._rows.log_source())

    def build_generation(self, table: Table[Any], label: bytes) -> GenerationBuilder:
        """Begin to fill a new generation of a table beside the chain, or go on with the one of this label."""
        return self._generations.build(table.name, label)

    def discard_generation(self, number: int) -> None:
        """Give up a build; ``collect`` deletes its rows."""
        self._generations.discard(number)

    def collect(self, limit: int) -> int:
        """Delete up to ``limit`` rows that nothing refers to; returns how many, 0 when none is left."""
        return self._generations.collect(limit)

    def close(self) -> None:
        """Let go of the database. Blocks that wait for a sync are lost, as by a crash; ``flush`` first to keep them."""
        self._rows.engine.close()

    def _write(self, head: Head, rows: Mapping[bytes, bytes | None], log_rows: LogRows) -> None:
        """Batch, then head file. A head file that cannot be written stops the engine: what is on disk is then above
        what this object knows, and only opening anew tells."""
        self._rows.write(rows, [*log_rows, (META_KEY, head.to_bytes())])
        try:
            write_head(self._home.head_file, head)
        except BaseException as error:
            self._rows.engine.stop(f"the head file was not written: {error}")
            raise
        self._durable = self._head = head
        self._waiting_blocks = 0

    def _apply(self, prepared: PreparedState, head: Head) -> None:
        for store, _, patch in prepared.patches:
            store.tree.apply(patch)
        self._head = head
        self._roots = prepared.roots
        self._sequence += 1
        if prepared.catalogue is not self._catalogue:
            self._generations.adopt(prepared.bound, prepared.catalogue.references())
            self._catalogue = prepared.catalogue

    def _roots_of(self, half: Half) -> dict[str, bytes]:
        return {
            entry.name: self._generations.store(half, entry.generation).tree.root
            for entry in self._catalogue.row(half).entries
        }

    def _roots_after(
        self, overlay: Overlay, patches: Sequence[tuple[TableStore, str, TreePatch]]
    ) -> dict[Half, dict[str, bytes]]:
        """Every table's root after the block; a half in which nothing changes keeps its very dict."""
        changed = {name: patch.root for _, name, patch in patches}
        catalogue = overlay.catalogue
        if catalogue is not self._catalogue:
            return {
                half: {name: changed.get(name) or overlay.store(name).tree.root for name in catalogue.names(half)}
                for half in Half
            }
        after = dict(self._roots)
        for half, roots in self._roots.items():
            if mine := {name: root for name, root in changed.items() if name in roots}:
                after[half] = {**roots, **mine}
        return after

    def _top_roots(self, roots: Mapping[Half, dict[str, bytes]]) -> tuple[bytes, bytes]:
        """The roots of both halves; one that did not change is not hashed again."""
        host, runtime = roots[Half.HOST], roots[Half.RUNTIME]
        return (
            self._head.host_root if host is self._roots[Half.HOST] else half_root(list(host.items())),
            self._head.runtime_root if runtime is self._roots[Half.RUNTIME] else half_root(list(runtime.items())),
        )

    def _require_next(self, height: int) -> None:
        if (self._durable.commit > 1 or self._waiting_blocks) and height != self._head.height + 1:
            raise HeightOutOfOrder(self._head.height, height)

    def _make_view(self) -> CommittedView:
        return CommittedView(self._durable, self._catalogue, self._rows.engine.snapshot(), self._generations.numbers())


_NOTHING = Head(0, 0, bytes(32), bytes(32), bytes(32))
"""What stands before the first commit."""


def _settled_head(home: Home, engine: Engine) -> Head:
    raw = engine.get(META_KEY)
    if raw is None:
        raise StoreDamaged(home.database, "it holds no head")
    return settle_head(home.head_file, Head.from_bytes(raw))


def _read_catalogue(home: Home, rows: PendingRows) -> Catalogue:
    place = table_prefix(CATALOGUE_NUMBER)
    found: list[CatalogueRow] = []
    for half in Half:
        raw = rows.peek(place + CATALOGUE.pack(catalogue_key(half)))
        if raw is None:
            raise StoreDamaged(home.database, f"the {half.name.lower()} half of the catalogue is missing")
        found.append(CATALOGUE.codec.decode(raw))
    return Catalogue(*found)
