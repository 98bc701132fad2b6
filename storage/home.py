"""A home: the folder that holds one node's chain, and the one place that knows the names inside it.

A home says which format it has, and which release wrote it, in its `format` file, written last and in one step: a
folder without that file is no home, whatever else it holds. A format newer than this release reads is refused with
the name of the release to use. One process works on a home at a time; it holds the lock from start to end.
"""

import fcntl
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from storage.durable import sync_directory, write_file
from storage.errors import HomeFormatTooNew, HomeFormatUnreadable, HomeMissing, HomeNotEmpty, StoreLocked
from storage.faults import fault_of

RELEASE = "0.1.0"
"""This release of the software, as homes and reports name it."""

FORMAT = 1
"""Layout of a home: rows, files and folders. Raised when an older release could misread it."""


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one home; making this value touches no disk, use `create` or `open`."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "database"

    @property
    def head_file(self) -> Path:
        return self.root / "head"

    @property
    def last_signed_file(self) -> Path:
        return self.root / "last-signed"

    @property
    def format_file(self) -> Path:
        return self.root / "format"

    @property
    def lock_file(self) -> Path:
        return self.root / "lock"

    @property
    def settings_file(self) -> Path:
        return self.root / "synod.toml"

    @property
    def genesis_file(self) -> Path:
        return self.root / "genesis.json"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def bundles(self) -> Path:
        return self.root / "bundles"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    @property
    def backups(self) -> Path:
        """Backups of reinstalled modules; made with the first."""
        return self.root / "backups"

    @property
    def manifest_file(self) -> Path:
        """What happened to upgrades, and where a rollback leads; written by the node as the chain goes on."""
        return self.root / "migration_manifest.json"

    @property
    def restored(self) -> Path:
        """A restore that is complete but for moving it into place."""
        return self.root / "restored"

    @property
    def replaced(self) -> Path:
        """What the last restore replaced."""
        return self.root / "replaced"

    @property
    def mending(self) -> Path:
        """A copy of a database that does not open, to try whether it would without its torn tail."""
        return self.root / "mending"

    @property
    def incidents(self) -> Path:
        """Sealed reports of what went wrong; made when the first is written."""
        return self.root / "incidents"

    @property
    def reserve_file(self) -> Path:
        """Room on the disk that is given up for the report of a full one."""
        return self.root / "reserve"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @classmethod
    def create(cls, root: Path) -> "Home":
        """Make an empty home in a new or empty folder. Raises HomeNotEmpty, DiskFull, DiskError."""
        home = cls(root)
        try:
            if root.exists() and (not root.is_dir() or any(root.iterdir())):
                raise HomeNotEmpty(root)
            try:
                _make(home)
            except OSError:
                _empty(root)
                raise
        except OSError as error:
            raise fault_of(root, error) from error
        return home

    @classmethod
    def open(cls, root: Path) -> "Home":
        """The home in a folder. Raises HomeMissing, HomeFormatUnreadable, HomeFormatTooNew."""
        home = cls(root)
        check_format(home.format_file)
        return home

    def lock(self) -> "HomeLock":
        """Claim the home for this process until the lock is closed, and finish a restore that a crash cut short.

        Raises StoreLocked with the holder's id, DiskFull, DiskError.
        """
        try:
            lock = HomeLock(self.lock_file)
        except OSError as error:
            raise fault_of(self.root, error) from error
        try:
            self.finish_restore()
        except BaseException:
            lock.close()
            raise
        return lock

    def finish_restore(self) -> None:
        """Move a complete restored database and head into place, keeping what they replace; again is harmless.

        Call with the home locked. Each step can be repeated: a piece is moved only while it still waits.
        """
        if not self.restored.is_dir():
            return
        try:
            self.replaced.mkdir(exist_ok=True)
            for here in (self.database, self.head_file):
                _replace(here, self.restored / here.name, self.replaced / here.name)
            sync_directory(self.replaced)
            sync_directory(self.root)
            self.restored.rmdir()
        except OSError as error:
            raise fault_of(self.root, error) from error


def check_format(path: Path) -> None:
    """Refuse a `format` file (of a home or checkpoint) that this release cannot work on."""
    try:
        document = json.loads(path.read_text("utf-8"))
        found, release = int(document["format"]), str(document["release"])
    except FileNotFoundError as error:
        raise HomeMissing(path.parent, f"it has no file `{path.name}`") from error
    except NotADirectoryError as error:
        raise HomeMissing(path.parent, "it is not a folder") from error
    except OSError as error:
        raise HomeFormatUnreadable(path, error.strerror or "it cannot be read") from error
    except (ValueError, KeyError, TypeError) as error:
        raise HomeFormatUnreadable(path, "it is no JSON object with a format and a release") from error
    if found > FORMAT:
        raise HomeFormatTooNew(path.parent, found, FORMAT, release)
    if found < 1:
        raise HomeFormatUnreadable(path, f"format {found} was never written")


def _replace(here: Path, new: Path, old: Path) -> None:
    """Put `new` in the place of `here`, which becomes `old`; whatever of this was done before is not done again."""
    if not new.exists():
        return
    if here.exists():
        if old.is_dir():
            shutil.rmtree(old)
        here.rename(old)
    new.rename(here)


def _make(home: Home) -> None:
    for folder in (home.keys, home.bundles, home.checkpoints, home.snapshots, home.logs):
        folder.mkdir(parents=True)
    home.keys.chmod(0o700)
    _write_format(home)


def _empty(root: Path) -> None:
    """Take back a home that could not be made, so that the next attempt finds an empty folder."""
    for entry in root.iterdir():
        if entry.is_dir():
            entry.rmdir()
        else:
            entry.unlink()


def _write_format(home: Home) -> None:
    aside = home.root / "format.new"
    write_file(aside, json.dumps({"format": FORMAT, "release": RELEASE}).encode("ascii"))
    aside.replace(home.format_file)
    sync_directory(home.root)
    sync_directory(home.root.parent)


class HomeLock:
    """A claim on a home; released by `close`, by leaving a `with` block, or by the end of the process."""

    def __init__(self, path: Path) -> None:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.truncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        except BlockingIOError as error:
            holder = os.pread(handle, 20, 0)
            os.close(handle)
            raise StoreLocked(path.parent, int(holder) if holder.isdigit() else 0) from error
        except OSError:
            os.close(handle)
            raise
        self._handle: int | None = handle

    def close(self) -> None:
        """Release the claim; again is harmless."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> "HomeLock":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
