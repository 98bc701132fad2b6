"""Making, copying and cutting whole files so that their bytes are on disk afterwards.

Their names are not, but for `write_document`'s: who made some in a folder syncs that once, when all are there
(`sync_directory`).
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from storage.faults import fault_of


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file that nobody changes a second name, or copy it where it cannot have one; raises OSError."""
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without hard links
        copy_file(source, target)


def copy_file(source: Path, target: Path) -> None:
    """Copy into a new file; raises OSError."""
    with source.open("rb") as reader, target.open("xb") as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)
        settle(writer)


def write_file(path: Path, content: bytes) -> None:
    """Write a file anew; raises OSError."""
    _write(path, "wb", content)


def write_new_file(path: Path, content: bytes) -> None:
    """Write a file that was not there; raises FileExistsError or another OSError."""
    _write(path, "xb", content)


def append_to_file(path: Path, content: bytes) -> None:
    """Write behind what a file holds; raises OSError."""
    _write(path, "ab", content)


def overwrite(path: Path, content: bytes, at: int = 0) -> None:
    """Write over a part of a file that is there; raises FileNotFoundError or another OSError. Faster than writing it
    anew: where the file does not grow, nothing but these bytes goes to the disk."""
    handle = os.open(path, os.O_WRONLY | os.O_DSYNC)
    try:
        os.pwrite(handle, content, at)
    finally:
        os.close(handle)


def settle(file: IO[Any]) -> None:
    """Bring to the disk what was written to an open file; raises OSError."""
    file.flush()
    os.fsync(file.fileno())


def sync_file(path: Path) -> None:
    """Make what was written to a file through any handle durable. Raises FileNotFoundError if it is not there,
    or another OSError."""
    _sync(path, 0)


def sync_directory(path: Path) -> None:
    """Make names made, moved or removed in a folder durable; raises OSError."""
    _sync(path, os.O_DIRECTORY)


def cut_file(file: Path, length: int) -> None:
    """Shorten a file, durably; a crash leaves it as it was or cut. Raises DiskFull, DiskError."""
    try:
        with file.open("r+b") as handle:
            handle.truncate(length)
            os.fsync(handle.fileno())
    except OSError as error:
        raise fault_of(file.parent, error) from error


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Put a JSON file in place, its name too; a reader sees the old one or the new one. Raises DiskFull, DiskError."""
    aside = path.with_name(f"{path.name}.new")
    try:
        write_file(aside, f"{json.dumps(document, indent=2)}\n".encode("ascii"))
        aside.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise fault_of(path, error) from error


def _write(path: Path, mode: str, content: bytes) -> None:
    with path.open(mode) as file:
        file.write(content)
        settle(file)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, os.O_RDONLY | flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
