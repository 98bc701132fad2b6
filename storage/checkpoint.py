"""Checkpoints: the database of one moment, beside the running one, for this machine's own restore and rehearsal.

LevelDB never changes a sorted file once its MANIFEST lists it, so those are hard-linked; linking any other file
crashes the live database when LevelDB reuses its name. Logs, MANIFEST and CURRENT are copied. The MANIFEST is read
again afterwards, and all is done anew if it changed. Nothing counts until `checkpoint.json` is written and the
folder, made under a hidden name, is renamed: a crash leaves a hidden folder that the next checkpoint removes.

    checkpoints/000000014400-9f86d081/
        database/  head  genesis.json  checkpoint.json
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.engine import Engine
from storage.errors import (
    CheckpointDamaged,
    CheckpointExists,
    CheckpointFault,
    CheckpointMissing,
    CheckpointUnstable,
    HomeFormatTooNew,
    StoreDamaged,
)
from storage.faults import fault_of
from storage.headfile import Head, create_head, read_head
from storage.home import FORMAT, RELEASE, Home
from storage.levelfiles import Files, read_files, table_path
from storage.slots import sync_directory

ATTEMPTS = 20
"""A MANIFEST changes once per sorted file written, seconds apart; twenty changes in a row mean something else."""

HIDDEN = "."
"""Folders that begin so are unfinished or half removed."""

INFO = "checkpoint.json"

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


def create(home: Home, reason: str, engine: Engine | None = None) -> Checkpoint:
    """Checkpoint the durable head of a home while its database is open.

    Without `engine` this must run on the thread that commits; with it, commits of another thread wait meanwhile.
    Raises CheckpointExists, CheckpointUnstable, StoreDamaged, HeadDamaged, DiskFull, DiskError.
    """
    paused: AbstractContextManager[object] = engine.paused_writes() if engine else nullcontext()
    try:
        remove_hidden(home.checkpoints)
        with paused:
            head = read_head(home.head_file)
            final = home.checkpoints / f"{head.height:012}-{head.app_root.hex()[:8]}"
            if final.exists():
                raise CheckpointExists(final)
            aside = final.with_name(f"{HIDDEN}making-{final.name}")
            (aside / "database").mkdir(parents=True)
            place_stable(home.database, aside / "database")
        create_head(aside / "head", head)
        _write_info(home, aside, head, reason)
        aside.rename(final)
        sync_directory(home.checkpoints)
    except OSError as error:
        raise fault_of(home.checkpoints, error) from error
    return read_checkpoint(final)


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
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        made_at = (path / INFO).stat().st_mtime_ns
        head = _head_from(document["head"])
        return Checkpoint(path, head, str(document["genesis"]), str(document["reason"]), size, made_at)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise (CheckpointDamaged(path, f"no file {INFO}") if path.is_dir() else CheckpointMissing(path)) from error
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise CheckpointDamaged(path, f"{INFO}: {error!r}") from error


def place_database(files: Files, source: Path, target: Path) -> None:
    """Put the files of a database, as read from `source`, into the empty folder `target`, durably.

    Raises FileNotFoundError if a sorted file has gone since.
    """
    for number, _ in files.version.tables:
        table = table_path(source, number)
        _link(table, target / table.name)
    for log in files.logs:
        _copy(log, target / log.name)
    _write(target / files.manifest, files.manifest_bytes)
    _write(target / "CURRENT", f"{files.manifest}\n".encode())
    sync_directory(target)


def place_stable(source: Path, target: Path) -> None:
    """Put the files of a database that may be written meanwhile into the empty folder `target`, as of one moment.

    Raises CheckpointUnstable, StoreDamaged, StoreMissing, and OSError of the disk.
    """
    for _ in range(ATTEMPTS):
        files = read_files(source)
        try:
            place_database(files, source, target)
            if read_files(source) == files:
                return
        except FileNotFoundError as error:
            if read_files(source) == files:  # a compaction that removes a file changes the MANIFEST before
                raise StoreDamaged(source, f"{Path(error.filename).name} is missing") from error
        shutil.rmtree(target)
        target.mkdir()
    raise CheckpointUnstable(ATTEMPTS)


def remove_hidden(folder: Path) -> None:
    """Remove what a crash left unfinished or half removed."""
    folder.mkdir(exist_ok=True)
    for entry in folder.iterdir():
        if entry.name.startswith(HIDDEN):
            shutil.rmtree(entry)


def genesis_digest(path: Path) -> str:
    """SHA-256 of a genesis file in hex; empty if there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _write_info(home: Home, aside: Path, head: Head, reason: str) -> None:
    if home.genesis_file.exists():
        _copy(home.genesis_file, aside / "genesis.json")
    document = {
        "format": FORMAT,
        "release": RELEASE,
        "reason": reason,
        "genesis": genesis_digest(home.genesis_file),
        "head": _head_to(head),
    }
    _write(aside / INFO, json.dumps(document, indent=2).encode())
    sync_directory(aside)


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


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without hard links
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("xb") as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)
        writer.flush()
        os.fsync(writer.fileno())


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
