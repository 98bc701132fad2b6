"""The roots of one half's tables with the root over them, so that a block pays for the tables it changes only.

Equal to ``hashing.half_root`` over the same tables; the parts of that hash are kept side by side, and a change
replaces the roots among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

from storage.catalogue import Catalogue
from storage.hashing import TAG_HALF, half_part
from storage.overlay import Places
from storage.tables import Half


class HalfRoots:
    """Table roots of one half, in ascending order of the names. Never changes once made."""

    __slots__ = ("_parts", "_places", "root")

    def __init__(self, parts: list[bytes], places: dict[str, int]) -> None:
        self._parts = parts
        self._places = places
        self.root = sha256(b"".join(parts)).digest()

    @classmethod
    def of(cls, tables: Iterable[tuple[str, bytes]]) -> HalfRoots:
        """From (name, root) in ascending order of the names."""
        parts, places = [TAG_HALF], {}
        for name, root in tables:
            parts += (half_part(name), root)
            places[name] = len(parts) - 1
        return cls(parts, places)

    def after(self, changed: Mapping[str, bytes]) -> HalfRoots:
        """With some tables' roots replaced; none is added."""
        if not changed:
            return self
        parts = self._parts[:]
        for name, root in changed.items():
            parts[self._places[name]] = root
        return HalfRoots(parts, self._places)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def __getitem__(self, name: str) -> bytes:
        return self._parts[self._places[name]]

    def items(self) -> Iterator[tuple[str, bytes]]:
        """(name, root) in order."""
        return ((name, self._parts[place]) for name, place in self._places.items())


def halves_of(catalogue: Catalogue, places: Places, changed: Mapping[str, bytes]) -> tuple[HalfRoots, HalfRoots]:
    """Host and runtime half of a catalogue, the changed roots in the place of the committed ones."""
    host, runtime = (
        HalfRoots.of((name, changed.get(name) or places[name].store.tree.root) for name in catalogue.names(half))
        for half in (Half.HOST, Half.RUNTIME)
    )
    return host, runtime
