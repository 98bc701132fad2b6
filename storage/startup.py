"""What a state reads at its start, and the errors it raises instead of guessing.

The database must be at the head file's commit or one above it (the crash fell between the two; then the head file is
written again). Its catalogue must be there, and every generation that it refers to as well; anything else is
StoreDamaged or a HeadFault, which say what to do. Every row is read: the trees are made of them.
"""

from __future__ import annotations

from storage.catalogue import CATALOGUE, Catalogue, CatalogueRow, catalogue_key
from storage.errors import GenerationInvalid, RecordFault, StoreDamaged
from storage.generations import Generations
from storage.headfile import Head, settle_head
from storage.home import Home
from storage.pending import PendingRows
from storage.rows import CATALOGUE_NUMBER, META_KEY, table_prefix
from storage.tables import Half


def read_whole(home: Home, rows: PendingRows) -> tuple[Head, Catalogue, Generations]:
    """Head, catalogue and the loaded generations; raises a StoreFault when they are not whole."""
    raw = rows.peek(META_KEY)
    if raw is None:
        raise StoreDamaged(home.database, "it holds no head")
    try:
        head = settle_head(home.head_file, Head.from_bytes(raw))
        catalogue = _read_catalogue(rows)
        return head, catalogue, Generations.load(rows, catalogue.references())
    except (GenerationInvalid, LookupError, RecordFault, ValueError) as error:
        raise StoreDamaged(home.database, str(error)) from error


def _read_catalogue(rows: PendingRows) -> Catalogue:
    place = table_prefix(CATALOGUE_NUMBER)
    found: list[CatalogueRow] = []
    for half in Half:
        raw = rows.peek(place + CATALOGUE.pack(catalogue_key(half)))
        if raw is None:
            raise LookupError(f"the {half.value} half of the catalogue is missing")
        found.append(CATALOGUE.codec.decode(raw))
    return Catalogue(*found)
