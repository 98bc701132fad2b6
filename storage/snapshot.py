"""Snapshots: the state of one height in chunks that are equal on every node, for joining and exporting.

The rows go in one order: by half, generation and key, the catalogue first because it is generation 1 of the host
half; kept generations are among them, so that a joining node can roll back as well; then the log rows of the asked
heights. A chunk ends with the row that brings it to ``CHUNK_BYTES``. Numbers, caches, trees and anything else that
is a node's own are left out, so content alone decides every byte.

Importing checks each chunk against the manifest, builds all trees, and compares the roots; an import that fails leaves
no database, and one that a crash cut short leaves a database without a head, which nothing opens. Log rows stand
outside the roots: whoever imports checks them against the digests in the host tables.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import msgspec

from storage.blocklog import log_rows_from
from storage.catalogue import CATALOGUE, Catalogue, CatalogueRow, GenerationKey, catalogue_key
from storage.durable import sync_directory
from storage.engine import Engine
from storage.errors import GenerationInvalid, NotCanonical, SnapshotDamaged, SnapshotMismatch
from storage.faults import fault_of
from storage.generations import Generations
from storage.growing import SLICE_ROWS
from storage.hashing import HASH_BYTES
from storage.headfile import Head, create_head
from storage.home import Home
from storage.pending import PendingRows
from storage.rows import LOG_PREFIX, META_KEY
from storage.startup import wrong_root
from storage.state import CACHED_ROWS, State
from storage.tables import Half, Table
from storage.tablestore import TableStore
from storage.view import CommittedView

FORMAT = 1
"""Of chunks and manifest; raised when an older release could misread them."""

CHUNK_BYTES = 1 << 20
"""Keys and values after which a chunk ends. Part of the format: another value gives other chunks."""

CHUNK_LIMIT = 1 << 26
"""No chunk that is worth reading is larger, in bytes."""

LOG_SECTION = 2
"""Stands in the place of the half for log rows."""

Entry = tuple[int, int, bytes, bytes]
"""Half (0 host, 1 runtime, 2 log), generation, key, value."""

_SECTIONS = (Half.HOST, Half.RUNTIME)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Entry]).decode


@dataclass(frozen=True, slots=True)
class SnapshotManifest:
    """What a snapshot is of, and the SHA-256 of each chunk in order."""

    format: int
    height: int
    app_root: str
    host_root: str
    runtime_root: str
    chunks: tuple[str, ...]

    @property
    def name(self) -> str:
        """The folder's name: height and root."""
        return f"{self.height}-{self.app_root[:16]}"

    def to_json(self) -> str:
        """The manifest as text."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> SnapshotManifest:
        """Raises SnapshotDamaged. That height and root belong together, a signed header must say."""
        try:
            manifest = msgspec.json.decode(text.encode(), type=cls)
        except (msgspec.MsgspecError, UnicodeEncodeError) as error:
            raise SnapshotDamaged(f"manifest: {error}") from error
        if manifest.format != FORMAT:
            raise SnapshotDamaged(f"format {manifest.format} is not the one this release reads, {FORMAT}")
        if not 0 <= manifest.height < 1 << 63:
            raise SnapshotDamaged(f"manifest: {manifest.height} is no height")
        return manifest


def chunks_of(view: CommittedView, log_heights: range = range(0)) -> Iterator[bytes]:
    """The chunks of a view, with the log rows of these heights."""
    return chunked(_entries(view, log_heights))


def chunked(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Entries as chunks, each of whole entries."""
    chunk: list[Entry] = []
    size = 0
    for entry in entries:
        chunk.append(entry)
        size += len(entry[2]) + len(entry[3])
        if size >= CHUNK_BYTES:
            yield _encode(chunk)
            chunk, size = [], 0
    if chunk:
        yield _encode(chunk)


def entries_of(chunk: bytes) -> list[Entry]:
    """The entries of a chunk; raises msgspec.MsgspecError."""
    return _decode(chunk)


def export(view: CommittedView, folder: Path, log_heights: range = range(0)) -> SnapshotManifest:
    """Write a snapshot under ``folder`` in a folder of its own name; the manifest is written last. Raises DiskFull,
    DiskError, StoreDamaged."""
    aside = folder / f"{view.height}-{view.head.app_root.hex()[:16]}.part"
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        manifest = _write_snapshot(view, aside, log_heights)
        final = folder / manifest.name
        shutil.rmtree(final, ignore_errors=True)
        aside.rename(final)
        sync_directory(folder)
    except OSError as error:
        raise fault_of(folder, error) from error
    return manifest


def _write_snapshot(view: CommittedView, folder: Path, log_heights: range) -> SnapshotManifest:
    digests = []
    for place, chunk in enumerate(chunks_of(view, log_heights)):
        (folder / chunk_name(place)).write_bytes(chunk)
        digests.append(hashlib.sha256(chunk).hexdigest())
    head = view.head
    manifest = SnapshotManifest(
        FORMAT, head.height, head.app_root.hex(), head.host_root.hex(), head.runtime_root.hex(), tuple(digests)
    )
    (folder / "manifest.json").write_text(manifest.to_json(), "utf-8")
    return manifest


def chunk_name(place: int) -> str:
    """The file of a chunk by its place, counted from 0."""
    return f"chunk-{place:06d}"


def read_folder(folder: Path) -> tuple[SnapshotManifest, Iterator[bytes]]:
    """Manifest and chunks of an exported snapshot, each read when it is asked for. Raises SnapshotDamaged, for a chunk
    that cannot be read too."""
    try:
        manifest = SnapshotManifest.from_json((folder / "manifest.json").read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotDamaged(f"{folder} has no readable manifest") from error
    return manifest, (_read_chunk(folder / chunk_name(place)) for place in range(len(manifest.chunks)))


def _read_chunk(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SnapshotDamaged(f"{path} cannot be read") from error


def import_chunks(
    home: Home,
    manifest: SnapshotManifest,
    chunks: Iterable[bytes],
    tables: Iterable[Table[Any]] = (),
    cached_rows: int = CACHED_ROWS,
) -> State:
    """Fill a home that has no database from chunks, which may come from a stranger.
    Raises SnapshotDamaged or SnapshotMismatch, and leaves no database then."""
    engine = Engine.create(home.database)
    try:
        head = _fill(engine, manifest, chunks)
    except BaseException:
        engine.close()
        shutil.rmtree(home.database)
        raise
    engine.close()
    create_head(home.head_file, head)
    return State.open(home, tables, cached_rows)


def _fill(engine: Engine, manifest: SnapshotManifest, chunks: Iterable[bytes]) -> Head:
    """Write rows, log, notes, and at last the head, when the rows have given its roots; returns it."""
    head = _head_of(manifest)
    generations = Generations(PendingRows(engine, 0))
    stores: dict[GenerationKey, TableStore] = {}
    for (section, generation), entries in groupby(_checked(manifest, chunks), key=lambda entry: entry[:2]):
        if section == LOG_SECTION:
            _write_log(engine, entries)
        else:
            stores[_SECTIONS[section], generation] = _build(generations, section, generation, entries)
    catalogue = _catalogue_in(stores)
    for key in catalogue.references():
        if key not in stores:
            stores[key] = generations.empty_store()
    _require_roots(head, catalogue, stores)
    engine.barrier()
    engine.write([*generations.bind(stores), (META_KEY, head.to_bytes())], sync=True)
    return head


def _entries(view: CommittedView, log_heights: range) -> Iterator[Entry]:
    for half, generation in sorted(view.numbers, key=lambda key: (_SECTIONS.index(key[0]), key[1])):
        section = _SECTIONS.index(half)
        for key, value in view.rows(half, generation):
            yield section, generation, key, value
    if log_heights:
        for key, value in log_rows_from(view.snapshot, log_heights[0], log_heights[-1]):
            yield LOG_SECTION, 0, key, value


def _checked(manifest: SnapshotManifest, chunks: Iterable[bytes]) -> Iterator[Entry]:
    """Entries of chunks that are those of the manifest, in strictly ascending sections."""
    expected = iter(manifest.chunks)
    before = (0, 0)
    for place, chunk in enumerate(chunks):
        if len(chunk) > CHUNK_LIMIT or hashlib.sha256(chunk).hexdigest() != next(expected, None):
            raise SnapshotDamaged(f"chunk {place} is not the one in the manifest")
        try:
            entries = entries_of(chunk)
        except msgspec.MsgspecError as error:
            raise SnapshotDamaged(f"chunk {place}: {error}") from error
        for entry in entries:
            if entry[:2] < before or not 0 <= entry[0] <= LOG_SECTION or not 0 <= entry[1] < 1 << 63:
                raise SnapshotDamaged(f"chunk {place} is out of order")
            before = entry[:2]
            yield entry
    if next(expected, None) is not None:
        raise SnapshotDamaged("chunks are missing")


def _build(generations: Generations, section: int, generation: int, entries: Iterable[Entry]) -> TableStore:
    builder = generations.build(f"{section}/{generation}", b"%d/%d" % (section, generation))
    try:
        builder.put_many((key, value) for _, _, key, value in entries)
    except GenerationInvalid as error:
        raise SnapshotDamaged(str(error)) from error
    return builder.finish().store


def _write_log(engine: Engine, entries: Iterator[Entry]) -> None:
    while chunk := [entry[2:] for entry in islice(entries, SLICE_ROWS)]:
        if not all(key.startswith(LOG_PREFIX) for key, _ in chunk):
            raise SnapshotDamaged("a log row lies outside the log")
        engine.write(chunk, sync=False)


def _catalogue_in(stores: dict[GenerationKey, TableStore]) -> Catalogue:
    store = stores.get((Half.HOST, 1))
    rows: list[CatalogueRow] = []
    for half in _SECTIONS:
        raw = None if store is None else store.read(CATALOGUE.pack(catalogue_key(half)))
        if raw is None:
            raise SnapshotDamaged("the catalogue is missing")
        try:
            rows.append(CATALOGUE.codec.decode_canonical(raw))
        except NotCanonical as error:
            raise SnapshotDamaged(str(error)) from error
    return Catalogue(*rows)


def _head_of(manifest: SnapshotManifest) -> Head:
    """The head of a home that is filled from this snapshot."""
    texts = (manifest.app_root, manifest.host_root, manifest.runtime_root)
    try:
        roots = [bytes.fromhex(text) for text in texts]
    except ValueError:
        roots = []
    if [root.hex() for root in roots] != [*texts] or any(len(root) != HASH_BYTES for root in roots):
        raise SnapshotDamaged("manifest: a root is 32 bytes in lower-case hex")
    return Head(1, manifest.height, *roots)


def _require_roots(head: Head, catalogue: Catalogue, stores: dict[GenerationKey, TableStore]) -> None:
    """The rows must give the manifest's roots and those of kept generations, and be no more than these cover."""
    try:
        wrong = wrong_root(catalogue, stores, head)
    except ValueError as error:
        raise SnapshotDamaged(str(error)) from error
    if wrong is not None:
        raise SnapshotMismatch(wrong[0].hex(), wrong[1].hex())
    if len(stores) != len(catalogue.references()):
        raise SnapshotDamaged("it has rows that no table refers to")
