"""Uploads: bundles on their way to the chain, chunk by chunk, and how long they may take.

A publisher has one upload at a time, of as many chunks as its first one said: the first chunk of another bundle drops
the upload before it. An upload ends `upload_lifetime` blocks after its first chunk, whatever follows, and is collected
from then on, the earliest first and a bounded number a block.

Publishing takes a validator's power, or the balance of the deposit to come. Publishers who are no validators share
`max_uploads` places, so that coins which go from hand to hand, or are delegated for it, fill no more than these, and a
validator always finds one. So all uploads together are at most `max_uploads` and one a validator, each of one bundle's
size.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from governance.agenda import pulse_of
from governance.electorate import power_at
from governance.errors import GovernanceRefused, need, refused
from governance.tables import COUNTERS, PULSE, UPLOAD_CHUNKS, UPLOAD_ENDS, UPLOADS, Counters, Mark, Upload
from runtime.bundle.archive import Bundle, from_chunks
from runtime.bundle.problems import BundleMalformed
from runtime.bundles import BUNDLES, CHUNK_BYTES, MOST_CHUNKS, Chunk
from runtime.host import HostContext
from storage.overlay import Overlay

COLLECTED_PER_BLOCK = 8
"""Ended uploads that one block collects; each has at most MOST_CHUNKS chunks."""


def receive(context: HostContext, code_hash: bytes, index: int, total: int, data: bytes) -> None:
    """Keep one chunk of the sender's upload, beginning it if need be; sending a chunk again replaces it.

    Raises HostRefused: publisher_unknown, chunk_total, chunk_size, already_published, too_many_uploads, other_total.
    """
    overlay, sender = context.overlay, context.sender
    least = context.parameters.integer("min_deposit")
    votes = power_at(overlay, sender, context.height) > 0
    need(votes or context.purse.balance(sender) >= least, "publisher_unknown", least=least)
    need(index < total <= MOST_CHUNKS, "chunk_total", index=index, total=total, most=MOST_CHUNKS)
    need(0 < len(data) <= CHUNK_BYTES, "chunk_size", most=CHUNK_BYTES)
    need(overlay.get(BUNDLES, (code_hash,)) is None, "already_published")
    upload = _present(context)
    if upload is None or upload.code_hash != code_hash:
        upload = _begin(context, Upload(code_hash=code_hash, total=total, ends=_end(context), shared=not votes))
    need(upload.total == total, "other_total", total=upload.total)
    overlay.put(UPLOAD_CHUNKS, (sender, index), Chunk(data=data))


def take(context: HostContext, code_hash: bytes) -> Bundle:
    """The sender's upload put together; it is an upload no longer.

    Raises HostRefused: bundle_missing, bundle_incomplete, bundle_malformed, wrong_hash.
    """
    upload = _present(context)
    if upload is None or upload.code_hash != code_hash:
        raise refused("bundle_missing", lifetime=context.parameters.integer("upload_lifetime"))
    pieces = [chunk.data for _, chunk in context.overlay.scan(UPLOAD_CHUNKS, (context.sender,))]
    need(len(pieces) == upload.total, "bundle_incomplete", have=len(pieces), total=upload.total)
    try:
        bundle = from_chunks(pieces)
    except BundleMalformed as malformed:
        raise GovernanceRefused(malformed.code, str(malformed)) from malformed
    need(bundle.code_hash == code_hash, "wrong_hash", found=bundle.code_hash.hex())
    _drop(context.overlay, context.sender, upload)
    return bundle


def collect(context: HostContext) -> None:
    """Drop uploads that have ended, within the block's bound."""
    overlay, height = context.overlay, context.height
    next_end = pulse_of(overlay).next_upload_end
    if not next_end or next_end > height:
        return
    for ends, publisher in list(islice(_ends(overlay), COLLECTED_PER_BLOCK)):
        if ends > height:
            break
        upload = overlay.get(UPLOADS, (publisher,))
        assert upload is not None, "an end stands beside its upload"
        _drop(overlay, publisher, upload)
    first = next((ends for ends, _ in _ends(overlay)), 0)
    overlay.put(PULSE, (), pulse_of(overlay).but(next_upload_end=first))


def _present(context: HostContext) -> Upload | None:
    """The sender's upload, unless it has ended and only waits to be collected."""
    upload = context.overlay.get(UPLOADS, (context.sender,))
    return upload if upload is not None and upload.ends >= context.height else None


def _end(context: HostContext) -> int:
    return context.height + context.parameters.integer("upload_lifetime")


def _begin(context: HostContext, upload: Upload) -> Upload:
    overlay, sender = context.overlay, context.sender
    before = overlay.get(UPLOADS, (sender,))
    if before is not None:
        _drop(overlay, sender, before)
    if upload.shared:
        most = context.parameters.integer("max_uploads")
        need(_count_shared(overlay, 1) <= most, "too_many_uploads", most=most)
    overlay.put(UPLOADS, (sender,), upload)
    overlay.put(UPLOAD_ENDS, (upload.ends, sender), Mark(since=context.height))
    pulse = pulse_of(overlay)
    if not pulse.next_upload_end or upload.ends < pulse.next_upload_end:
        overlay.put(PULSE, (), pulse.but(next_upload_end=upload.ends))
    return upload


def _drop(overlay: Overlay, publisher: bytes, upload: Upload) -> None:
    """Take an upload away; the pulse may keep its end, which costs one look for nothing."""
    for key, _ in list(overlay.scan(UPLOAD_CHUNKS, (publisher,))):
        overlay.delete(UPLOAD_CHUNKS, key)
    overlay.delete(UPLOADS, (publisher,))
    overlay.delete(UPLOAD_ENDS, (upload.ends, publisher))
    if upload.shared:
        _count_shared(overlay, -1)


def _count_shared(overlay: Overlay, change: int) -> int:
    """Count an upload of a publisher without power, or one less; how many there are then."""
    counters = overlay.get(COUNTERS, ()) or Counters()
    shared = counters.shared_uploads + change
    overlay.put(COUNTERS, (), counters.but(shared_uploads=shared))
    return shared


def _ends(overlay: Overlay) -> Iterator[tuple[int, bytes]]:
    """(last height, publisher) of every upload, the earliest first."""
    return ((key[0], key[1]) for key, _ in overlay.scan(UPLOAD_ENDS))
