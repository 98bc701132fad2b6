"""A disk as a power loss would leave it: replays a record of changes and says what may have reached the platter.

Everything before the record lies safely on the disk. After that, a file's content is safe up to its last sync, and a
name (made, moved, removed) up to the last sync of its folder; the rest may be there or not. `Disk` keeps both sides,
and a `Loss` chooses between them:

- `ALL`: everything reached the disk, as after a process was killed;
- `SYNCED`: of files only what was synced; names as they were;
- `NAMES`: of names only what was synced with their folder, though files are complete;
- `STRICT`: neither;
- a seed: each file on its own keeps some of its unsynced writes, the last of them cut at a sector's border, or all of
  them but for sectors here and there, for a disk writes sectors in any order; of the unsynced names the first few are
  there, for file systems write names in order.

A sector is written whole or not at all. Where two losses lead to the same content they have the same `State.key`.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.crash.entries import NOTHING, Entry, File, Folder, Kept, draw
from tests.faults.crash.shim import CREATED, EMPTIED, FOLDER, Event

IGNORED = frozenset({"LOG", "LOG.old", "lock", "LOCK"})
"""LevelDB's notes for people, which it writes past libc, and files whose content means nothing."""
EVERYTHING = 1 << 62

ALL, SYNCED, NAMES, STRICT = "all", "synced", "names", "strict"
FIXED = (ALL, SYNCED, NAMES, STRICT)


class Unfollowed(Exception):
    """The record does something that this disk does not know."""


@dataclass(frozen=True)
class Loss:
    """What a power loss takes: names after a place, and of each file, by number, all but what is kept of it."""

    names_until: int
    kept: dict[int, Kept] | None
    """None keeps every write; a file that is not in it keeps none."""

    def of(self, file: File) -> Kept:
        if self.kept is None:
            return Kept(len(file.unsafe))
        return self.kept.get(file.number, NOTHING)


Identity = tuple[int, Kept]
"""A file by number, and what is kept of all that was ever written to it."""


@dataclass(frozen=True)
class State:
    """What is on the disk after a loss: files with their content's identity, and folders with None."""

    key: tuple[tuple[str, Identity | None], ...]
    files: dict[str, tuple[File, Kept]]

    def contents(self) -> Iterator[tuple[str, bytes | None]]:
        """Path and content of each file, None for a folder, outer ones first; valid until the disk goes on."""
        for path, identity in self.key:
            if identity is None:
                yield path, None
            else:
                file, kept = self.files[path]
                yield path, file.kept(kept)


class Disk:
    """The files below one folder, replayed."""

    def __init__(self, root: Path) -> None:
        self._root = str(root.resolve())
        self._numbers = 0
        self._names = 0
        self._names_safe = 0
        self._handles: dict[int, Entry] = {}
        self._digests: dict[Identity, bytes] = {}
        self._top = self._read(root)

    def play(self, event: Event) -> bool:
        """Do what the record says; whether that changed anything a loss could take or leave."""
        step = _STEPS.get(event.kind)
        if step is None:
            raise Unfollowed(f"a record of kind {event.kind}")
        return step(self, event)

    def digest(self, state: State, below: str = "") -> bytes:
        """What two states have in common that hold the same below a folder, or in all."""
        whole = hashlib.blake2b(digest_size=16)
        for path, identity in state.key:
            if not path.startswith(below):
                continue
            whole.update(path.encode() + b"\0")
            if identity is not None:
                known = self._digests.get(identity)
                if known is None:
                    file, kept = state.files[path]
                    known = hashlib.blake2b(file.kept(kept), digest_size=16).digest()
                    self._digests[identity] = known
                whole.update(known)
        return whole.digest()

    def after(self, model: str | int) -> State:
        """What is left by a loss of this model, or of this seed."""
        return self._state(self._loss(model))

    def _loss(self, model: str | int) -> Loss:
        if isinstance(model, int):
            return self._drawn(random.Random(model))
        return {
            ALL: Loss(EVERYTHING, None),
            SYNCED: Loss(EVERYTHING, {}),
            NAMES: Loss(0, None),
            STRICT: Loss(0, {}),
        }[model]

    def _drawn(self, chance: random.Random) -> Loss:
        until = chance.choice((EVERYTHING, self._names_safe, chance.randint(self._names_safe, self._names)))
        kept = {file.number: draw(chance, file) for _, file in self._walk(EVERYTHING) if isinstance(file, File)}
        return Loss(until, kept)

    def _state(self, loss: Loss) -> State:
        key: list[tuple[str, Identity | None]] = []
        files: dict[str, tuple[File, Kept]] = {}
        for path, entry in self._walk(loss.names_until):
            if isinstance(entry, Folder):
                key.append((path, None))
            else:
                kept = loss.of(entry)
                files[path] = (entry, kept)
                key.append((path, (entry.number, entry.ever(kept))))
        return State(tuple(key), files)

    def _walk(self, until: int) -> Iterator[tuple[str, Entry]]:
        waiting = [("", self._top)]
        while waiting:
            path, folder = waiting.pop()
            for name, entry in sorted(folder.kept(until).items()):
                if name in IGNORED:
                    continue
                yield path + name, entry
                if isinstance(entry, Folder):
                    waiting.append((f"{path}{name}/", entry))

    def _read(self, place: Path) -> Folder:
        folder = Folder(self._number())
        for entry in sorted(place.iterdir()):
            made = self._read(entry) if entry.is_dir() else File(self._number(), bytearray(entry.read_bytes()))
            folder.safe[entry.name] = made
        folder.now = dict(folder.safe)
        return folder

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _parts(self, path: str) -> list[str]:
        assert path.startswith(self._root), f"{path} is not below {self._root}"
        return [part for part in path[len(self._root) :].split("/") if part]

    def _place(self, path: str) -> tuple[Folder, str]:
        """The folder that a name is in, and the name."""
        *outer, name = self._parts(path)
        folder: Entry | None = self._top
        for part in outer:
            folder = folder.now.get(part) if isinstance(folder, Folder) else None
        if not isinstance(folder, Folder):
            raise Unfollowed(f"{path}: no such folder")
        return folder, name

    def _find(self, path: str) -> Entry | None:
        if not self._parts(path):
            return self._top
        folder, name = self._place(path)
        return folder.now.get(name)

    def _rename_in(self, path: str, entry: Entry | None) -> None:
        folder, name = self._place(path)
        folder.change(self._names, name, entry)

    def _open(self, event: Event) -> bool:
        if event.number & CREATED:
            self._names += 1
            self._rename_in(event.path, File(self._number(), bytearray()))
        found = self._find(event.path)
        if found is None:
            raise Unfollowed(f"{event.path} was opened and never made")
        self._handles[event.handle] = found
        if event.number & EMPTIED:
            _file(found).unsafe.append((0, None))
        return bool(event.number & ~FOLDER)

    def _close(self, event: Event) -> bool:
        del self._handles[event.handle]
        return False

    def _write(self, event: Event) -> bool:
        _file(self._handles[event.handle]).unsafe.append((event.number, event.content))
        return True

    def _sync(self, event: Event) -> bool:
        entry = self._handles[event.handle]
        if isinstance(entry, Folder):
            self._names_safe = max(self._names_safe, entry.sync())
        else:
            entry.sync()
        return True

    def _cut(self, event: Event) -> bool:
        _file(self._find(event.path)).unsafe.append((event.number, None))
        return True

    def _rename(self, event: Event) -> bool:
        moved = self._find(event.path)
        if moved is None:
            return _of_no_account(event)
        self._names += 1
        self._rename_in(event.path, None)
        self._rename_in(event.target, moved)
        return True

    def _link(self, event: Event) -> bool:
        self._names += 1
        self._rename_in(event.target, _file(self._find(event.path)))
        return True

    def _unlink(self, event: Event) -> bool:
        if self._find(event.path) is None:
            return _of_no_account(event)
        self._names += 1
        self._rename_in(event.path, None)
        return True

    def _mkdir(self, event: Event) -> bool:
        self._names += 1
        self._rename_in(event.path, Folder(self._number()))
        return True

    def _mark(self, event: Event) -> bool:
        return False


_STEPS = {
    "o": Disk._open,
    "c": Disk._close,
    "w": Disk._write,
    "s": Disk._sync,
    "t": Disk._cut,
    "r": Disk._rename,
    "l": Disk._link,
    "u": Disk._unlink,
    "d": Disk._unlink,
    "m": Disk._mkdir,
    "!": Disk._mark,
}


def _file(entry: Entry | None) -> File:
    if not isinstance(entry, File):
        raise Unfollowed("content of something that is no file")
    return entry


def _of_no_account(event: Event) -> bool:
    if event.path.rpartition("/")[2] not in IGNORED:
        raise Unfollowed(f"{event.path} was moved or removed and never made")
    return False
