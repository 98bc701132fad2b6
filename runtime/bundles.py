"""Bundles on chain, in chunks under the hash of the whole: the same bytes on every node, for every vote, plan and load.

How they get here, and how long they stay, is for whoever stores and drops them.
"""

from __future__ import annotations

from runtime.bundle.archive import MAX_ARCHIVE, Bundle, chunks, from_chunks
from runtime.errors import BundleUnavailable
from storage.overlay import Overlay
from storage.record import Address, Amount, Data, Record, field
from storage.tables import Table, host_table

CHUNK_BYTES = 32 * 1024
MOST_CHUNKS = -(-MAX_ARCHIVE // CHUNK_BYTES)


class Chunk(Record):
    """A piece of an archive; every piece but the last is CHUNK_BYTES long."""

    data: Data = field(1)


class StoredBundle(Record):
    """An adopted bundle: who published it and how many chunks it has."""

    publisher: Address = field(1)
    chunks: Amount = field(2)
    bytes: Amount = field(3)
    height: Amount = field(4, default=0)


BUNDLES: Table[StoredBundle] = host_table("upgrade.bundles", StoredBundle, key=("hash",), names=("code_hash",))
CHUNKS: Table[Chunk] = host_table("upgrade.chunks", Chunk, key=("hash", "amount"), names=("code_hash", "index"))


def store_bundle(overlay: Overlay, bundle: Bundle, publisher: bytes, height: int) -> None:
    """Write an archive under its hash."""
    pieces = chunks(bundle, CHUNK_BYTES)
    for index, piece in enumerate(pieces):
        overlay.put(CHUNKS, (bundle.code_hash, index), Chunk(data=piece))
    meta = StoredBundle(publisher=publisher, chunks=len(pieces), bytes=len(bundle.archive), height=height)
    overlay.put(BUNDLES, (bundle.code_hash,), meta)


def drop_bundle(overlay: Overlay, code_hash: bytes) -> None:
    """Take an archive off the chain; one that is not there stays absent."""
    for key, _ in list(overlay.scan(CHUNKS, (code_hash,))):
        overlay.delete(CHUNKS, key)
    overlay.delete(BUNDLES, (code_hash,))


def stored_bundle(overlay: Overlay, code_hash: bytes) -> Bundle:
    """The adopted bundle of that hash; raises BundleUnavailable when its bytes are not all there."""
    meta = overlay.get(BUNDLES, (code_hash,))
    pieces = tuple(chunk.data for _, chunk in overlay.scan(CHUNKS, (code_hash,)))
    if meta is None or len(pieces) != meta.chunks:
        raise BundleUnavailable(code_hash, len(pieces), 0 if meta is None else meta.chunks)
    return from_chunks(pieces)
