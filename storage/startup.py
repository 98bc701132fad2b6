"""How a state's database is made and opened, what is read at a start, and the errors raised instead of guessing.

The database must be at the head file's commit or one above it (the crash fell between the two; then the head file is
written again). Its catalogue must be there, and every generation that it refers to as well. Every row is read: the
trees are made of them, and must give the head's roots; those of kept generations the roots that the catalogue names,
or a rollback would return to other rows than every other node's. Anything else is refused with an error that says what
to do. A tail that the last writes left torn is not damage: it is cut (`storage/torntail.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from storage.catalogue import CATALOGUE, Catalogue, CatalogueRow, GenerationKey, catalogue_key
from storage.engine import Engine
from storage.errors import GenerationInvalid, RecordFault, StoreDamaged
from storage.generations import Generations
from storage.hashing import app_root, half_root
from storage.headfile import Head, settle_head
from storage.home import Home
from storage.pending import PendingRows
from storage.readprogress import Told, untold
from storage.rows import CATALOGUE_NUMBER, META_KEY, table_prefix
from storage.tables import Half
from storage.tablestore import TableStore
from storage.torntail import open_database

DATABASE_CACHE = 64 << 20
"""Bytes of LevelDB's own cache."""

DATABASE_BUFFER = 16 << 20
"""Bytes that LevelDB gathers before it writes a sorted file. More of them compact at less cost, and a checkpoint, which
copies the log, takes no noticeable time longer."""


def create_rows(home: Home, cached_rows: int) -> PendingRows:
    """The rows of a new database. Raises StoreExists, DiskFull, DiskError."""
    engine = Engine.create(home.database, cache_bytes=DATABASE_CACHE, buffer_bytes=DATABASE_BUFFER)
    return PendingRows(engine, cached_rows)


def open_rows(home: Home, cached_rows: int) -> PendingRows:
    """The rows of a database that is there. Raises StoreMissing, StoreDamaged, StoreLocked, DiskFull, DiskError."""
    engine = open_database(home, _stands, cache_bytes=DATABASE_CACHE, buffer_bytes=DATABASE_BUFFER)
    return PendingRows(engine, cached_rows)


def _stands(home: Home, engine: Engine) -> None:
    read_whole(home, PendingRows(engine, cached_rows=0))


@contextmanager
def closed_on_failure(engine: Engine) -> Iterator[None]:
    """Let go of a database that a state could not be made of, so that the next attempt finds it unlocked."""
    try:
        yield
    except BaseException:
        engine.close()
        raise


def read_whole(home: Home, rows: PendingRows, told: Told = untold) -> tuple[Head, Catalogue, Generations]:
    """Head, catalogue and the loaded generations; ``told`` hears how far that is. Raises StoreDamaged, HeadMissing,
    HeadDamaged or HeadMismatch when they are not whole, DiskFull or DiskError when the disk fails."""
    raw = rows.peek(META_KEY)
    if raw is None:
        raise StoreDamaged(home.database, "it holds no head")
    try:
        head = settle_head(home.head_file, Head.from_bytes(raw))
        catalogue = _read_catalogue(rows)
        generations = Generations.load(rows, catalogue.references(), told)
        wrong = wrong_root(catalogue, {key: generations.store(*key) for key in catalogue.references()}, head)
    except (GenerationInvalid, LookupError, RecordFault, ValueError) as error:
        raise StoreDamaged(home.database, str(error)) from error
    if wrong is not None:
        raise StoreDamaged(home.database, f"its rows do not give the roots of height {head.height}")
    return head, catalogue, generations


def wrong_root(
    catalogue: Catalogue, stores: Mapping[GenerationKey, TableStore], head: Head
) -> tuple[bytes, bytes] | None:
    """The first root that the rows do not give, as expected and as found: of the head's three, then of the kept
    generations'. None when all hold. Raises ValueError for a table's name that no root can cover."""
    host, runtime = (
        half_root((entry.name, stores[half, entry.generation].tree.root) for entry in catalogue.row(half).entries)
        for half in (Half.HOST, Half.RUNTIME)
    )
    roots = [(head.app_root, app_root(host, runtime)), (head.host_root, host), (head.runtime_root, runtime)]
    for half in Half:
        roots += [(kept.root, stores[half, kept.generation].tree.root) for kept in catalogue.row(half).kept]
    return next((pair for pair in roots if pair[0] != pair[1]), None)


def _read_catalogue(rows: PendingRows) -> Catalogue:
    place = table_prefix(CATALOGUE_NUMBER)
    found: list[CatalogueRow] = []
    for half in Half:
        raw = rows.peek(place + CATALOGUE.pack(catalogue_key(half)))
        if raw is None:
            raise LookupError(f"the {half.value} half of the catalogue is missing")
        found.append(CATALOGUE.codec.decode(raw))
    return Catalogue(*found)
