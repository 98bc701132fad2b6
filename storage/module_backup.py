"""The backups of modules that a home holds (``storage/backup_file.py``), each under the name of its data.

    backups/9f86d081....backup

A file is written aside and renamed when it is whole and on disk; what a crash leaves begins with a dot and is written
anew.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from storage.backup_file import BackupContent, ModuleBackup, read_backup, verify_backup, written
from storage.durable import link_or_copy, settle, sync_directory
from storage.errors import BackupDamaged, BackupMissing
from storage.faults import fault_of
from storage.home import Home
from storage.scan import Row

SUFFIX = ".backup"
_NAME = re.compile(rf"[0-9a-f]{{64}}{re.escape(SUFFIX)}")


def path_of(home: Home, digest: bytes) -> Path:
    """Where a backup of this name is kept, if it is."""
    return home.backups / f"{digest.hex()}{SUFFIX}"


def is_held(home: Home, digest: bytes) -> bool:
    """Whether a home has a file of this name."""
    return path_of(home, digest).is_file()


def list_backups(home: Home) -> tuple[Path, ...]:
    """The backups of a home, by name; what else lies in the folder is none."""
    if not home.backups.is_dir():
        return ()
    return tuple(sorted(path for path in home.backups.iterdir() if _NAME.fullmatch(path.name) and path.is_file()))


def find_backup(home: Home, digest: bytes) -> ModuleBackup:
    """The backup of this name; raises BackupMissing, BackupDamaged for a file that says something else, and faults
    of the disk."""
    path = path_of(home, digest)
    if not path.is_file():
        raise BackupMissing(digest.hex())
    backup = read_backup(path)
    if backup.content.digest != digest:
        raise BackupDamaged(path, "it is another one than its name says")
    return backup


def adopt(home: Home, path: Path, progress: Callable[[int], None] = lambda _: None) -> ModuleBackup:
    """Verify a file and bring it into a home, under the name of its data. Raises BackupDamaged, DiskFull,
    DiskError."""
    backup = verify_backup(path, progress)
    target = path_of(home, backup.content.digest)
    aside = target.with_name(f".importing-{target.name}")  # a node may be writing the same
    try:
        home.backups.mkdir(exist_ok=True)
        with path.open("rb") as source, aside.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
            settle(file)
        verify_backup(aside)  # what was read is what is kept
        _put_in_place(aside, target)
    except OSError as error:
        raise fault_of(home.backups, error) from error
    finally:
        aside.unlink(missing_ok=True)  # a full disk must not stay full of it
    return ModuleBackup(target, backup.content)


def share(home: Home, other: Home) -> None:
    """Let another home on the same disk have every backup of this one; a file of that name stays as it is.
    Raises DiskFull, DiskError."""
    try:
        for path in list_backups(home):
            other.backups.mkdir(exist_ok=True)
            if not (other.backups / path.name).exists():
                link_or_copy(path, other.backups / path.name)
        if other.backups.is_dir():
            sync_directory(other.backups)
    except OSError as error:
        raise fault_of(other.backups, error) from error


class BackupWriter:
    """Writes a backup into a home, a chunk at a time. ``rows`` gives those of a table in key order, which do not change
    while it writes."""

    def __init__(self, home: Home, content: BackupContent, rows: Callable[[str], Iterator[Row]]) -> None:
        self.target = path_of(home, content.digest)
        """Where the file is once it is whole."""
        self._folder = home.backups
        self._aside = self.target.with_name(f".{self.target.name}")
        self._file: BinaryIO | None = None
        self._pieces = written(content, rows)

    def step(self) -> bool:
        """Write the next chunk; returns whether there is more to do. Raises DiskFull, DiskError."""
        try:
            if self._file is None:
                self._folder.mkdir(exist_ok=True)
                self._file = self._aside.open("wb")
            piece = next(self._pieces, None)
            if piece is not None:
                self._file.write(piece)
                return True
            settle(self._file)
            self._file.close()
            _put_in_place(self._aside, self.target)
            self._file = None
        except OSError as error:
            raise fault_of(self._folder, error) from error
        return False

    def close(self) -> None:
        """Stop, and take away what is not whole; another writes it anew."""
        if self._file is not None:
            with suppress(OSError):  # after a full disk it tries again to write what is left; it is not wanted
                self._file.close()
            self._file = None
            self._aside.unlink(missing_ok=True)


def _put_in_place(aside: Path, target: Path) -> None:
    aside.replace(target)
    sync_directory(target.parent)
    sync_directory(target.parent.parent)
