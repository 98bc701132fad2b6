"""Checkpoints: the database of one moment, beside the running one, for this machine's own restore and rehearsal.

A checkpoint shares its sorted files with the database (`storage.placing`). It is made under a hidden name, and counts
once `checkpoint.json` is written and the folder renamed: a crash leaves a hidden folder, which goes at the next start.
One that is awaited can be begun ahead: every file is there then, and taking it costs a few small writes, however large
the database is.

    checkpoints/000000014400-9f86d081/
        database/  head  genesis.json  checkpoint.json
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.durable import copy_file, overwrite, sync_directory, write_new_file
from storage.engine import Engine
from storage.errors import (
    CheckpointDamaged,
    CheckpointExists,
    CheckpointFault,
    CheckpointMissing,
    HomeFormatTooNew,
    StoreFault,
)
from storage.faults import fault_of
from storage.headfile import Head, head_file_bytes, read_head
from storage.home import FORMAT, RELEASE, Home
from storage.levelfiles import Files
from storage.placing import Placing

HIDDEN = "."
"""Folders that begin so are unfinished or half removed."""

INFO = "checkpoint.json"
INFO_BYTES = 1_024
"""What it takes at least, with spaces behind the document: so it can be made ahead and written over."""

REASON_CHARACTERS = 1_000
"""Most characters of a reason that a person gives."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint. `made_at` is nanoseconds since 1970 by this machine's file system, `size` bytes in all files,
    `genesis` the SHA-256 of the home's genesis file in hex (empty if it had none), `reason` why it was made."""

    path: Path
    head: Head
    genesis: str
    reason: str
    size: int
    made_at: int

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def height(self) -> int:
        return self.head.height

    @property
    def database(self) -> Path:
        return self.path / "database"

    @property
    def head_file(self) -> Path:
        return self.path / "head"

    @property
    def genesis_file(self) -> Path:
        return self.path / "genesis.json"


class Making:
    """The next checkpoint of a home, in the making. After an error nothing is left of it, and it may be begun again."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._aside = home.checkpoints / f"{HIDDEN}making"
        self._placing: Placing | None = None
        self._genesis = ""

    def advance(self, files: int) -> bool:
        """While the chain goes on, put at most so many sorted files in place that the checkpoint would have if it were
        taken now; returns whether there is more to do. Raises StoreDamaged, StoreMissing, DiskFull, DiskError."""
        with self._whole_or_dropped():
            return self._begun().advance(files)

    def take(self, reason: str, engine: Engine | None = None) -> Checkpoint:
        """Checkpoint the durable head of the home while its database is open.

        Without `engine` this must run on the thread that commits; with it, commits of another thread wait meanwhile.
        Raises CheckpointExists, CheckpointUnstable, StoreDamaged, StoreMissing, HeadMissing, HeadDamaged, DiskFull,
        DiskError.
        """
        paused: AbstractContextManager[object] = engine.paused_writes() if engine else nullcontext()
        with self._whole_or_dropped():
            placing = self._begun()
            with paused:
                head = read_head(self._home.head_file)
                final = self._home.checkpoints / f"{head.height:012}-{head.app_root.hex()[:8]}"
                if final.exists():
                    raise CheckpointExists(final)
                files = placing.complete()
            self._write_info(head, reason)
            overwrite(self._aside / "head", head_file_bytes(head))
            made = Checkpoint(final, head, self._genesis, reason, self._size(files), self._made_at())
            self._aside.rename(final)
            sync_directory(final.parent)
        self._placing = None
        return made

    def drop(self) -> None:
        """Remove what is in place, if anything is. Raises DiskError."""
        self._placing = None
        try:
            if self._aside.exists():
                shutil.rmtree(self._aside)
        except OSError as error:
            raise fault_of(self._aside, error) from error

    @contextmanager
    def _whole_or_dropped(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            with suppress(StoreFault):
                self.drop()
            if isinstance(error, OSError):
                raise fault_of(self._home.checkpoints, error) from error
            raise

    def _begun(self) -> Placing:
        if self._placing is None:
            remove_hidden(self._home.checkpoints)
            database = self._aside / "database"
            database.mkdir(parents=True)
            if self._home.genesis_file.exists():
                copy_file(self._home.genesis_file, self._aside / "genesis.json")
            self._genesis = genesis_digest(self._home.genesis_file)
            write_new_file(self._aside / "head", head_file_bytes(read_head(self._home.head_file)))
            write_new_file(self._aside / INFO, b" " * INFO_BYTES)
            sync_directory(self._aside)
            self._placing = Placing(self._home.database, database)
        return self._placing

    def _write_info(self, head: Head, reason: str) -> None:
        document = {
            "format": FORMAT,
            "release": RELEASE,
            "reason": reason,
            "genesis": self._genesis,
            "head": _head_to(head),
        }
        overwrite(self._aside / INFO, json.dumps(document, indent=2).encode().ljust(INFO_BYTES))

    def _made_at(self) -> int:
        return (self._aside / INFO).stat().st_mtime_ns

    def _size(self, files: Files) -> int:
        """Bytes in all files. Sorted files are many, so their sizes are taken from the MANIFEST."""
        names = ("CURRENT", files.manifest, *(log.name for log in files.logs))
        few = [*self._aside.iterdir(), *(self._aside / "database" / name for name in names)]
        shared = sum(size for _, size in files.version.tables)
        return shared + sum(file.stat().st_size for file in few if file.is_file())


def create(home: Home, reason: str, engine: Engine | None = None) -> Checkpoint:
    """A checkpoint for which nothing was done ahead, as `Making.take`."""
    return Making(home).take(reason, engine)


def list_checkpoints(home: Home) -> tuple[Checkpoint, ...]:
    """The readable checkpoints of a home, lowest first; `damaged_checkpoints` gives the others."""
    return tuple(found for found in _look_through(home) if isinstance(found, Checkpoint))


def damaged_checkpoints(home: Home) -> tuple[CheckpointFault, ...]:
    """What is wrong with each folder that `list_checkpoints` leaves out."""
    return tuple(found for found in _look_through(home) if isinstance(found, CheckpointFault))


def read_checkpoint(path: Path) -> Checkpoint:
    """One checkpoint by its folder. Raises CheckpointMissing, CheckpointDamaged, HomeFormatTooNew."""
    try:
        document = json.loads((path / INFO).read_text("utf-8"))
        if int(document["format"]) > FORMAT:
            raise HomeFormatTooNew(path, int(document["format"]), FORMAT, str(document["release"]))
        size = bytes_below(path)
        made_at = (path / INFO).stat().st_mtime_ns
        head = _head_from(document["head"])
        return Checkpoint(path, head, str(document["genesis"]), str(document["reason"]), size, made_at)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise (CheckpointDamaged(path, f"no file {INFO}") if path.is_dir() else CheckpointMissing(path)) from error
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise CheckpointDamaged(path, f"{INFO}: {error!r}") from error


def remove_unfinished(home: Home) -> None:
    """At a start: remove what the last run left of checkpoints that it was making or removing. Raises DiskError."""
    try:
        remove_hidden(home.checkpoints)
    except OSError as error:
        raise fault_of(home.checkpoints, error) from error


def remove_hidden(folder: Path, kind: str = "") -> None:
    """Remove what a crash left unfinished or half removed: names that begin with ``kind``, or all. Raises OSError."""
    folder.mkdir(exist_ok=True)
    for entry in folder.iterdir():
        if entry.name.startswith(HIDDEN + kind):
            shutil.rmtree(entry)


def genesis_digest(path: Path) -> str:
    """SHA-256 of a genesis file in hex; empty if there is none. Raises OSError."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bytes_below(folder: Path) -> int:
    """Bytes of all files in a folder and those in it; raises OSError."""
    with os.scandir(folder) as entries:
        return sum(bytes_below(Path(one)) if one.is_dir() else one.stat().st_size for one in entries)


def _look_through(home: Home) -> list[Checkpoint | CheckpointFault]:
    found: list[Checkpoint | CheckpointFault] = []
    names = sorted(entry.name for entry in home.checkpoints.iterdir()) if home.checkpoints.is_dir() else []
    for name in names:
        if name.startswith(HIDDEN):
            continue
        try:
            found.append(read_checkpoint(home.checkpoints / name))
        except CheckpointFault as fault:
            found.append(fault)
        except HomeFormatTooNew as error:
            found.append(CheckpointDamaged(home.checkpoints / name, str(error)))
    return found


def _head_to(head: Head) -> dict[str, Any]:
    return {
        "commit": head.commit,
        "height": head.height,
        "app_root": head.app_root.hex(),
        "host_root": head.host_root.hex(),
        "runtime_root": head.runtime_root.hex(),
    }


def _head_from(document: Mapping[str, Any]) -> Head:
    roots = (bytes.fromhex(document[name]) for name in ("app_root", "host_root", "runtime_root"))
    return Head(int(document["commit"]), int(document["height"]), *roots)
