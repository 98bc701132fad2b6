"""Where records of a migration that rekeys stand: who comes to which new key, and who collides there.

A record *claims* its new key. Claimed once, the key has the row; claimed more often it has none, and every claimant
fails (`key_collision`) until all but one have gone. So what stands follows from the claims alone, in whatever order
they came. Claims and origins are side rows in the batch of their slice, and a crash loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Any, Protocol

from runtime.growth.tally import Tally
from storage.growing import GrowingGeneration
from storage.tables import Table

ORIGIN = b"o"
"""What each record claims: this letter, the old key; the value is the new one."""
CLAIM = b"c"
"""Who claims a key: this letter, the new key's digest, the old key; the value is the record that was made."""
_FEW = 2
"""Claimants that need telling apart: none, one, more."""


@dataclass(slots=True)
class Slice:
    """What one slice writes; a later value of a key takes the place of an earlier one."""

    changes: dict[bytes, bytes | None] = field(default_factory=dict)
    side: dict[bytes, bytes | None] = field(default_factory=dict)
    claims: dict[bytes, dict[bytes, bytes | None]] = field(default_factory=dict)
    """What of `side` are claims: by the new key's digest, then by the old key."""


class Failing(Protocol):
    """Who keeps which records fail."""

    def collide(self, work: Slice, key: bytes, place: bytes) -> None: ...

    def forget(self, work: Slice, key: bytes) -> None: ...


class Claims:
    """The claims on the keys of one growing table."""

    def __init__(self, growing: GrowingGeneration, target: Table[Any], tally: Tally, failing: Failing) -> None:
        self._growing = growing
        self._target = target
        self._tally = tally
        self._failing = failing
        self.moved: dict[bytes, None] = {}
        """Keys whose row came or went since somebody looked; whoever looks takes them out."""

    def claim(self, work: Slice, key: bytes, place: bytes, made: bytes) -> None:
        """A record that claims nothing yet claims a place."""
        others = self._claimants(work, place)
        work.side[ORIGIN + key] = place
        _note(work, place, key, made)
        if not others:
            self._stand(work, place, made)
            return
        self._stand(work, place, None)
        self._failing.collide(work, key, place)
        if len(others) == 1:  # until now it stood
            self._failing.collide(work, others[0][0], place)

    def withdraw(self, work: Slice, key: bytes) -> None:
        """A record claims nothing any longer, if it did."""
        name = ORIGIN + key
        place = work.side[name] if name in work.side else self._growing.side_row(name)
        if place is None:
            return
        work.side[name] = None
        _note(work, place, key, None)
        left = self._claimants(work, place)
        if not left:
            self._stand(work, place, None)
        elif len(left) == 1:
            self._failing.forget(work, left[0][0])
            self._stand(work, place, left[0][1])

    def _claimants(self, work: Slice, place: bytes) -> list[tuple[bytes, bytes]]:
        """The first few that claim a key, with what was made of them."""
        return list(islice(self._all_claimants(work, sha256(place).digest()), _FEW))

    def _all_claimants(self, work: Slice, digest: bytes) -> Iterator[tuple[bytes, bytes]]:
        fresh = work.claims.get(digest, {})
        for key, made in self._growing.side_rows(CLAIM + digest):
            if key not in fresh:
                yield key, made
        for key, claimed in fresh.items():
            if claimed is not None:
                yield key, claimed

    def _stand(self, work: Slice, place: bytes, made: bytes | None) -> None:
        """Let a key have this row, and count it; None where it has none."""
        name, decode = self._target.name, self._target.codec.decode
        before = work.changes[place] if place in work.changes else self._growing.read(place)
        if before is not None:
            self._tally.remove(name, place, decode(before))
        if made is not None:
            self._tally.add(name, place, decode(made))
        if (before is None) != (made is None):
            self.moved[place] = None
        work.changes[place] = made


def _note(work: Slice, place: bytes, key: bytes, made: bytes | None) -> None:
    digest = sha256(place).digest()
    work.side[CLAIM + digest + key] = made
    work.claims.setdefault(digest, {})[key] = made
