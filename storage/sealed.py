"""Sealed folders: a few files that were written at once and must be what they were, or say that they are not.

The folder is made aside under a hidden name, every file in it synced, then the seal, which names each file with its
SHA-256, and only then is it renamed: a crash leaves the whole folder or a hidden one, which the next writer removes.
A seal shows that a file was changed, lost or added. Whoever can write here could seal anew, so its own hash, `mark`,
is told elsewhere too when it is made.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from storage.checkpoint import HIDDEN, remove_hidden
from storage.durable import sync_directory, write_new_file
from storage.errors import SealBroken, SealMissing
from storage.faults import fault_of

SEAL = "seal.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Sealed:
    """A folder whose seal holds."""

    path: Path
    files: Mapping[str, bytes]
    mark: str
    """SHA-256 of the seal, in hex."""


def seal_folder(final: Path, files: Mapping[str, bytes]) -> str:
    """Write a sealed folder that is not there yet; returns its mark. A failure leaves nothing behind.

    Raises DiskFull, DiskError.
    """
    aside = final.with_name(f"{HIDDEN}making-{final.name}")
    document = {"format": _FORMAT, "files": {name: _digest(files[name]) for name in sorted(files)}}
    seal = (json.dumps(document, indent=2) + "\n").encode()
    try:
        final.parent.mkdir(exist_ok=True)
        remove_hidden(final.parent)
        aside.mkdir()
        for name, content in (*sorted(files.items()), (SEAL, seal)):
            write_new_file(aside / name, content)
        sync_directory(aside)
        aside.rename(final)
        sync_directory(final.parent)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise fault_of(final, error) from error
    return _digest(seal)


def open_sealed(path: Path) -> Sealed:
    """The files of a sealed folder, each held against the seal. Raises SealMissing, SealBroken."""
    if not path.is_dir():
        raise SealMissing(path, "there is no such folder")
    try:
        seal = (path / SEAL).read_bytes()
        named = {str(name): str(digest) for name, digest in json.loads(seal)["files"].items()}
    except OSError as error:
        raise SealBroken(path, f"{SEAL} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SealBroken(path, f"{SEAL} is no seal: {error!r}") from error
    there = {entry.name for entry in path.iterdir()} - {SEAL}
    for name in sorted(there ^ named.keys()):
        raise SealBroken(path, f"{name} was {'added' if name in there else 'removed'}")
    files = {}
    for name, digest in sorted(named.items()):
        try:
            files[name] = (path / name).read_bytes()
        except OSError as error:
            raise SealBroken(path, f"{name} cannot be read: {error.strerror}") from error
        if _digest(files[name]) != digest:
            raise SealBroken(path, f"{name} was changed")
    return Sealed(path, files, _digest(seal))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
