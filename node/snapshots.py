"""Snapshots between nodes: the ones a home offers, and a home that fills itself from one (ABCI's snapshot calls).

A snapshot is named by its height and application root, and its chunks are equal on all nodes. Whoever joins checks
every chunk against the manifest, builds the trees, and compares the roots; that the manifest's root is the chain's at
that height is for the caller to know, from a block that validators signed. The snapshot names the chain it is of, and
a home made from it has signed nothing yet.
"""

from __future__ import annotations

from node.errors import NotFound
from storage.errors import SnapshotDamaged
from storage.home import Home
from storage.signing import LastSigned
from storage.snapshot import SnapshotManifest, chunk_name, import_chunks, read_folder


def listed(home: Home) -> tuple[SnapshotManifest, ...]:
    """The whole snapshots of a home, lowest height first; damaged ones are passed over."""
    found = []
    for folder in sorted(home.snapshots.iterdir()):
        try:
            found.append(read_folder(folder)[0])
        except SnapshotDamaged:
            continue
    return tuple(sorted(found, key=lambda manifest: (manifest.height, manifest.app_root)))


def chunk(home: Home, name: str, place: int) -> bytes:
    """A chunk of a listed snapshot; raises NotFound for a name or place that no listed snapshot has."""
    manifest = next((one for one in listed(home) if one.name == name), None)
    if manifest is None or not 0 <= place < len(manifest.chunks):
        raise NotFound("no_such_chunk", f"no snapshot {name} with a chunk {place} is here; list the snapshots first")
    return (home.snapshots / name / chunk_name(place)).read_bytes()


class Joining:
    """A home that fills itself from the chunks of one snapshot, in their order."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._offered: SnapshotManifest | None = None
        self._chunks: list[bytes] = []

    def offer_snapshot(self, manifest: SnapshotManifest, trusted_root: bytes) -> bool:
        """Whether to fetch this snapshot: its root must be the one that a signed block vouches for."""
        accepted = manifest.app_root == trusted_root.hex()
        if accepted:
            self._offered, self._chunks = manifest, []
        return accepted

    def apply_snapshot_chunk(self, place: int, raw: bytes) -> bool:
        """Take the next chunk; True when it was the last and the home holds the state. Raises SnapshotDamaged or
        SnapshotMismatch, and the home then holds no database."""
        if self._offered is None or place != len(self._chunks):
            raise SnapshotDamaged(f"chunk {place} was not asked for; begin with offer_snapshot, then chunk 0")
        self._chunks.append(raw)
        if len(self._chunks) < len(self._offered.chunks):
            return False
        import_chunks(self._home, self._offered, self._chunks).close()
        LastSigned.create(self._home.last_signed_file)
        return True
