"""Files of a whole chain, damaged: what opens holds every row, or says what is wrong."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from storage.engine import Engine
from storage.errors import StorageError
from storage.home import Home
from storage.levelfiles import log_paths, read_files, table_path
from tests.faults.crash.subjects import NodeSubject

KINDS = ("table", "log", "manifest", "current", "head")
WAYS = ("flip", "truncate", "zero", "delete")
PAGE = 4096
UNTIL = 80
"""The height up to which the story is lived: in an upgrade's window, with the generation that a rollback needs."""


class Damager:
    """One chain of the story, copies of which are damaged. ``noticed`` and ``harmless`` count by kind and way."""

    def __init__(self, seed: int, folder: Path) -> None:
        self._chance = random.Random(seed)
        self._subject = NodeSubject(seed)
        self._whole = folder / "whole"
        self._copy = folder / "copy"
        self._subject.begin(self._whole)
        self._subject.live(self._whole, lambda height: None, UNTIL)
        shutil.rmtree(Home(self._whole).checkpoints)
        shutil.copytree(self._whole, self._copy)  # opening moves the log's rows into a sorted file
        self._height = self._subject.inspect(self._copy, 0)
        self.noticed: Counter[tuple[str, str]] = Counter()
        self.harmless: Counter[tuple[str, str]] = Counter()

    def damage(self, number: int) -> str:
        """Damage a copy, the next kind and way in turn, and open it; what was wrong in silence, or nothing."""
        kind, way = KINDS[number % len(KINDS)], WAYS[number // len(KINDS) % len(WAYS)]
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._whole, self._copy)
        victim = self._victim(kind)
        before = victim.read_bytes()
        _DAMAGES[way](victim, self._chance)
        if victim.exists() and victim.read_bytes() == before:
            return ""
        try:
            height = self._subject.inspect(self._copy, 0)
            self._read_all()
        except StorageError:
            self.noticed[kind, way] += 1
            return ""
        except Exception as error:
            return f"{way} of {victim.name}: {type(error).__name__}: {error}"
        if height != self._height:
            return f"{way} of {victim.name}: it opened at {height}, not at {self._height}"
        self.harmless[kind, way] += 1
        return ""

    def _victim(self, kind: str) -> Path:
        home = Home(self._copy)
        files = read_files(home.database)
        choices = {
            "table": [table_path(home.database, number) for number, _ in files.version.tables],
            "log": log_paths(home.database),
            "manifest": [home.database / files.manifest],
            "current": [home.database / "CURRENT"],
            "head": [home.head_file],
        }
        return self._chance.choice(choices[kind])

    def _read_all(self) -> None:
        engine = Engine.open(self._copy / "database")
        try:
            for _ in engine.iterate(None, None):
                pass
        finally:
            engine.close()


def _flip(path: Path, chance: random.Random) -> None:
    raw = bytearray(path.read_bytes())
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    path.write_bytes(raw)


def _truncate(path: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])


def _zero(path: Path, chance: random.Random) -> None:
    raw = bytearray(path.read_bytes())
    at = chance.randrange(0, len(raw), PAGE)
    raw[at : at + PAGE] = bytes(len(raw[at : at + PAGE]))
    path.write_bytes(raw)


def _delete(path: Path, chance: random.Random) -> None:
    path.unlink()


_DAMAGES: dict[str, Callable[[Path, random.Random], None]] = {
    "flip": _flip,
    "truncate": _truncate,
    "zero": _zero,
    "delete": _delete,
}
