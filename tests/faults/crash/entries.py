"""Files and folders of a simulated disk: what of each is safe, and what a power loss may take."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

SECTOR = 512
"""Written whole or not at all."""


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

    def kept(self, whole: int, torn: int) -> bytes:
        """The content with so many unsafe writes, and so many bytes of the next one."""
        if not whole and not torn:
            return bytes(self.safe)
        made = bytearray(self.safe)
        for change in self.unsafe[:whole]:
            _apply(made, *change)
        if torn:
            offset, content = self.unsafe[whole]
            assert content is not None, "only a write can be torn"
            _apply(made, offset, content[:torn])
        return bytes(made)


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
Kept = tuple[int, int]
"""Of a file's unsafe writes: how many whole ones, and how many bytes of the next."""


def draw(chance: random.Random, file: File) -> Kept:
    """None, all, some, or some and a part of the next: a whole number of sectors of the disk."""
    count = len(file.unsafe)
    way = chance.randrange(6)
    if not count or way == 0:
        return 0, 0
    if way == 1:
        return count, 0
    whole = chance.randrange(count)
    offset, content = file.unsafe[whole]
    if content is None:
        return whole, 0
    first = SECTOR - offset % SECTOR
    borders = range(first, len(content), SECTOR)
    return whole, chance.choice(borders) if borders else 0


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
