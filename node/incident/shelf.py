"""The folder of incidents in a home: written once, sealed, looked at, noted on, and never more than `MOST` of them.

Beside each sealed folder stands, once somebody looked at it, a file with the looks and the notes of its operators. The
oldest one that was looked at makes room for a new one; where nobody looked at any, the oldest goes all the same, and
the new one says so. A running node keeps some room in reserve, so that a full disk still takes the report of itself.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from node.incident.record import Incident, Note
from storage.checkpoint import HIDDEN
from storage.durable import append_to_file, sync_directory
from storage.errors import DiskFull, SealBroken, SealMissing
from storage.faults import fault_of
from storage.home import Home
from storage.sealed import open_sealed, seal_folder

MOST = 20
RECORD = "incident.json"
NOTES = ".notes.jsonl"
RESERVE = 512 * 1024
"""Bytes kept for a report; one has some tens of thousands, most of them of the log."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An incident whose seal holds."""

    incident: Incident
    files: Mapping[str, bytes]
    mark: str
    """SHA-256 of its seal; the node's log told it when the incident was written."""


@dataclass(frozen=True, slots=True)
class Shelved:
    """An incident that was written."""

    id: str
    mark: str
    removed: tuple[str, ...]
    """Those that went for it, each with whether anybody had looked at it."""


def id_of(height: int, kind: str) -> str:
    """What an incident is called; one height has one of a kind."""
    return f"{height:012}-{kind}"


def now() -> str:
    """This machine's time, for people."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def ids(home: Home) -> tuple[str, ...]:
    """All incidents of a home, the oldest first."""
    place = home.incidents
    found = place.iterdir() if place.is_dir() else ()
    return tuple(sorted(one.name for one in found if one.is_dir() and not one.name.startswith(HIDDEN)))


def write(home: Home, incident: Incident, files: Mapping[str, bytes]) -> Shelved:
    """Seal an incident, then let older ones go that had to make room. Raises DiskFull, DiskError."""
    going = _in_the_way(home)
    removed = tuple(f"{one} ({'seen' if seen(home, one) else 'unseen'})" for one in going)
    record = incident.model_copy(update={"removed": removed}).model_dump_json(indent=2) + "\n"
    place, content = home.incidents / incident.id, {**files, RECORD: record.encode()}
    try:
        mark = seal_folder(place, content)
    except DiskFull:
        if not home.reserve_file.exists():
            raise
        home.reserve_file.unlink()
        mark = seal_folder(place, content)
    for one in going:
        _remove(home, one)
    return Shelved(incident.id, mark, removed)


def reserve(home: Home) -> None:
    """Lay the reserve in, unless it is there; a disk without room for it has none. Raises DiskError."""
    path = home.reserve_file
    try:
        if not path.exists():
            path.write_bytes(os.urandom(RESERVE))  # zeros might take no room
    except OSError as error:
        path.unlink(missing_ok=True)
        if not isinstance(fault := fault_of(path, error), DiskFull):
            raise fault from error


def open_incident(home: Home, name: str) -> Opened:
    """Read an incident and hold it against its seal. Raises SealMissing, SealBroken."""
    path = home.incidents / name
    if name not in ids(home):
        raise SealMissing(path, f"there are {', '.join(ids(home)) or 'none'}")
    sealed = open_sealed(path)
    try:
        incident = Incident.model_validate_json(sealed.files.get(RECORD, b""))
    except ValidationError as wrong:
        raise SealBroken(path, f"{RECORD} was not written by this release: {wrong.error_count()} problems") from wrong
    return Opened(incident, sealed.files, sealed.mark)


def notes(home: Home, name: str) -> tuple[Note, ...]:
    """Looks at an incident and notes on it, the oldest first; a line that was cut short is passed over."""
    found = []
    path = _notes_of(home, name)
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            found.append(Note.model_validate_json(line))
        except ValidationError:
            continue
    return tuple(found)


def seen(home: Home, name: str) -> bool:
    """Whether anybody looked at it."""
    return bool(notes(home, name))


def note(home: Home, name: str, text: str = "") -> None:
    """Keep a look, or what somebody has to say. Raises DiskFull, DiskError."""
    path = _notes_of(home, name)
    try:
        append_to_file(path, f"{Note(at=now(), text=text).model_dump_json()}\n".encode())
    except OSError as error:
        raise fault_of(path, error) from error


def _in_the_way(home: Home) -> tuple[str, ...]:
    """The incidents that go, so that one more makes at most `MOST`."""
    there = list(ids(home))
    gone = []
    while len(there) >= MOST:
        oldest = next((one for one in there if seen(home, one)), there[0])
        there.remove(oldest)
        gone.append(oldest)
    return tuple(gone)


def _notes_of(home: Home, name: str) -> Path:
    return home.incidents / f"{name}{NOTES}"


def _remove(home: Home, name: str) -> None:
    """Remove an incident and its notes; a crash leaves it whole, or hidden. Raises DiskError."""
    path = home.incidents / name
    try:
        path.rename(path.with_name(f"{HIDDEN}removing-{name}"))
        _notes_of(home, name).unlink(missing_ok=True)
        sync_directory(home.incidents)
        shutil.rmtree(path.with_name(f"{HIDDEN}removing-{name}"))
    except OSError as error:
        raise fault_of(path, error) from error
