"""Files and folders of a simulated disk: what of each is safe, and what a power loss may take."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import NamedTuple

SECTOR = 512
"""Written whole or not at all."""


class Kept(NamedTuple):
    """What is kept of a file's unsafe writes: so many whole ones, so many bytes of the next, and for the sectors that
    stayed behind, by their place in the file, how many of the writes each had seen."""

    whole: int
    torn: int = 0
    behind: tuple[tuple[int, int], ...] = ()


NOTHING = Kept(0)


@dataclass(eq=False)
class File:
    """Content: what is safe, and the writes since; a write of None cuts or stretches the file to its offset."""

    number: int
    safe: bytearray
    version: int = 0
    """Writes that are safe."""
    unsafe: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        for change in self.unsafe:
            _apply(self.safe, *change)
        self.version += len(self.unsafe)
        self.unsafe = []

    def kept(self, kept: Kept) -> bytes:
        """The content with a part of the unsafe writes. It is as long as they make it: of a sector that stayed behind
        the rest is zeros."""
        made = self._after(kept.whole)
        if kept.torn:
            offset, content = self.unsafe[kept.whole]
            assert content is not None, "only a write can be torn"
            _apply(made, offset, content[: kept.torn])
        before = {seen: self._after(seen) for seen in {seen for _, seen in kept.behind}}
        for sector, seen in kept.behind:
            place = slice(sector * SECTOR, min((sector + 1) * SECTOR, len(made)))
            made[place] = before[seen][place].ljust(place.stop - place.start, b"\0")
        return bytes(made)

    def ever(self, kept: Kept) -> Kept:
        """The same, counted from the file's first write."""
        behind = tuple((sector, self.version + seen) for sector, seen in kept.behind)
        return Kept(self.version + kept.whole, kept.torn, behind)

    def _after(self, writes: int) -> bytearray:
        made = bytearray(self.safe)
        for change in self.unsafe[:writes]:
            _apply(made, *change)
        return made


@dataclass(eq=False)
class Folder:
    """Names: those that are safe, those as they are, and the changes between by their place in the disk's order."""

    number: int
    safe: dict[str, Entry] = field(default_factory=dict)
    now: dict[str, Entry] = field(default_factory=dict)
    unsafe: list[tuple[int, str, Entry | None]] = field(default_factory=list)

    def change(self, place: int, name: str, entry: Entry | None) -> None:
        self.unsafe.append((place, name, entry))
        _enter(self.now, name, entry)

    def sync(self) -> int:
        """Make all names safe; the place of the last change."""
        self.safe = dict(self.now)
        last = self.unsafe[-1][0] if self.unsafe else 0
        self.unsafe = []
        return last

    def kept(self, until: int) -> dict[str, Entry]:
        """The names with the changes up to a place."""
        if not self.unsafe or until >= self.unsafe[-1][0]:
            return self.now
        names = dict(self.safe)
        for place, name, entry in self.unsafe:
            if place <= until:
                _enter(names, name, entry)
        return names


Entry = File | Folder


def draw(chance: random.Random, file: File) -> Kept:
    """None, all, some, some and a part of the next, or all but some sectors: these reach the disk in any order."""
    count = len(file.unsafe)
    way = chance.randrange(8)
    if not count or way == 0:
        return NOTHING
    if way == 1:
        return Kept(count)
    whole = chance.randrange(count)
    if way > 5:
        return Kept(whole + 1, behind=_stay_behind(chance, file, whole + 1))
    offset, content = file.unsafe[whole]
    if content is None:
        return Kept(whole)
    first = SECTOR - offset % SECTOR
    borders = range(first, len(content), SECTOR)
    return Kept(whole, chance.choice(borders) if borders else 0)


def _stay_behind(chance: random.Random, file: File, writes: int) -> tuple[tuple[int, int], ...]:
    """Sectors that had not seen all of so many writes, each for itself: one in two or one in eight."""
    touched = {
        sector
        for offset, content in file.unsafe[:writes]
        if content is not None
        for sector in range(offset // SECTOR, (offset + len(content) - 1) // SECTOR + 1)
    }
    rarely = chance.choice((2, 8))
    return tuple((sector, chance.randrange(writes)) for sector in sorted(touched) if chance.randrange(rarely) == 0)


def _apply(content: bytearray, offset: int, written: bytes | None) -> None:
    if written is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(written)] = written


def _enter(names: dict[str, Entry], name: str, entry: Entry | None) -> None:
    if entry is None:
        names.pop(name, None)
    else:
        names[name] = entry
