"""Bundles on chain: uploaded in chunks, adopted whole once their hash is right, the same bytes on every node.

Uploads are keyed by their publisher, so nobody can spoil another's; adoption checks the archive against its hash and
stores it under that hash, where every later vote, plan and load finds it.
"""

from __future__ import annotations

from runtime.bundle.archive import MAX_ARCHIVE, Bundle, chunks, from_chunks
from runtime.bundle.problems import BundleMalformed
from runtime.errors import BundleUnavailable, HostRefused
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


UPLOADS: Table[Chunk] = host_table(
    "upgrade.uploads", Chunk, key=("address", "hash", "amount"), names=("publisher", "code_hash", "index")
)
BUNDLES: Table[StoredBundle] = host_table("upgrade.bundles", StoredBundle, key=("hash",), names=("code_hash",))
CHUNKS: Table[Chunk] = host_table("upgrade.chunks", Chunk, key=("hash", "amount"), names=("code_hash", "index"))


def upload_chunk(overlay: Overlay, publisher: bytes, code_hash: bytes, index: int, data: bytes) -> None:
    """Keep one chunk of an upload; sending it again replaces it."""
    if index >= MOST_CHUNKS:
        raise HostRefused("too_many_chunks", f"a bundle has at most {MOST_CHUNKS} chunks of {CHUNK_BYTES} bytes")
    if not 0 < len(data) <= CHUNK_BYTES:
        raise HostRefused("chunk_size", f"a chunk has 1 to {CHUNK_BYTES} bytes")
    if overlay.get(BUNDLES, (code_hash,)) is not None:
        raise HostRefused("already_published", "this bundle is on chain; propose it by its code hash")
    overlay.put(UPLOADS, (publisher, code_hash, index), Chunk(data=data))


def adopt(overlay: Overlay, publisher: bytes, code_hash: bytes, height: int) -> Bundle:
    """The bundle with this hash: already on chain, or put together now from the publisher's upload.

    Raises HostRefused: bundle_missing, wrong_hash (the chunks do not make an archive of that hash).
    """
    if overlay.get(BUNDLES, (code_hash,)) is not None:
        return stored_bundle(overlay, code_hash)
    pieces = [(key, chunk.data) for key, chunk in overlay.scan(UPLOADS, (publisher, code_hash))]
    if not pieces:
        raise HostRefused("bundle_missing", "publish the bundle's chunks before proposing it")
    try:
        bundle = from_chunks(tuple(data for _, data in pieces))
    except BundleMalformed as malformed:
        raise HostRefused("bundle_malformed", str(malformed)) from malformed
    if bundle.code_hash != code_hash:
        raise HostRefused("wrong_hash", f"the published chunks hash to {bundle.code_hash.hex()}")
    for key, _ in pieces:
        overlay.delete(UPLOADS, key)
    store_bundle(overlay, bundle, publisher, height)
    return bundle


def store_bundle(overlay: Overlay, bundle: Bundle, publisher: bytes, height: int) -> None:
    """Write an archive under its hash."""
    pieces = chunks(bundle, CHUNK_BYTES)
    for index, piece in enumerate(pieces):
        overlay.put(CHUNKS, (bundle.code_hash, index), Chunk(data=piece))
    meta = StoredBundle(publisher=publisher, chunks=len(pieces), bytes=len(bundle.archive), height=height)
    overlay.put(BUNDLES, (bundle.code_hash,), meta)


def stored_bundle(overlay: Overlay, code_hash: bytes) -> Bundle:
    """The adopted bundle of that hash; raises BundleUnavailable when its bytes are not all there."""
    meta = overlay.get(BUNDLES, (code_hash,))
    pieces = tuple(chunk.data for _, chunk in overlay.scan(CHUNKS, (code_hash,)))
    if meta is None or len(pieces) != meta.chunks:
        raise BundleUnavailable(code_hash, len(pieces), 0 if meta is None else meta.chunks)
    return from_chunks(pieces)
