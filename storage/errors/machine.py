"""Failures of this machine's files and disk. The node stops with the reason; none of them is a part of consensus."""

from dataclasses import dataclass
from pathlib import Path

from storage.errors.base import StorageError


class StoreFault(StorageError):
    """A failure of this machine. The node stops with the reason; it never decides anything alone."""

    code = "store_fault"


@dataclass(eq=False)
class StoreMissing(StoreFault):
    code = "store_missing"
    says = "no complete database at {path} ({detail}); restore a checkpoint, `synod restore latest`"
    path: Path
    detail: str


@dataclass(eq=False)
class StoreDamaged(StoreFault):
    code = "store_damaged"
    says = "database at {path} is damaged ({detail}); restore a checkpoint, `synod restore latest`"
    path: Path
    detail: str


@dataclass(eq=False)
class StoreExists(StoreFault):
    code = "store_exists"
    says = "a database is already at {path}; open it, or choose another folder"
    path: Path


@dataclass(eq=False)
class StoreLocked(StoreFault):
    """`pid` is the holder's process id, 0 if it is not known."""

    code = "store_locked"
    path: Path
    pid: int

    def __str__(self) -> str:
        holder = f"process {self.pid}" if self.pid else "another process"
        return f"{self.path} is in use by {holder}; stop that process first"


@dataclass(eq=False)
class DiskFull(StoreFault):
    code = "disk_full"
    says = "no space left for {path} ({detail}); free space and start again, nothing committed is lost"
    path: Path
    detail: str


@dataclass(eq=False)
class DiskError(StoreFault):
    code = "disk_error"
    says = "the disk under {path} failed ({detail}); check the disk, then start again"
    path: Path
    detail: str


@dataclass(eq=False)
class EngineStopped(StoreFault):
    """The handle met an I/O error before, or was closed; only opening anew tells what is on disk."""

    code = "engine_stopped"
    says = "the database at {path} stopped ({reason}); close it and start again"
    path: Path
    reason: str


@dataclass(eq=False)
class HeadMissing(StoreFault):
    code = "head_missing"
    says = "head file {path} is missing; restore a checkpoint, `synod restore latest`"
    path: Path


@dataclass(eq=False)
class HeadDamaged(StoreFault):
    code = "head_damaged"
    says = "head file {path} is damaged ({detail}); restore a checkpoint, `synod restore latest`"
    path: Path
    detail: str


@dataclass(eq=False)
class HeadMismatch(StoreFault):
    """Database and head file disagree: committed blocks were lost, or one of the two was replaced."""

    code = "head_mismatch"
    says = "head file says {expected}, database says {found}; restore a checkpoint, `synod restore latest`"
    expected: str
    found: str


@dataclass(eq=False)
class LastSignedMissing(StoreFault):
    code = "last_signed_missing"
    says = "{path} is missing, so a second signature for one height cannot be ruled out; do not sign with these keys"
    path: Path


@dataclass(eq=False)
class LastSignedDamaged(StoreFault):
    code = "last_signed_damaged"
    says = "{path} is damaged ({detail}), so a second signature cannot be ruled out; do not sign with these keys"
    path: Path
    detail: str


@dataclass(eq=False)
class BackupMissing(StoreFault):
    """The chain needs a module's data that this node does not hold."""

    code = "backup_missing"
    says = (
        "this node has no backup {digest}: `synod backup export` it on another node, `synod backup import FILE` here, "
        "and start again"
    )
    digest: str


@dataclass(eq=False)
class BackupDamaged(StoreFault):
    code = "backup_damaged"
    says = "{path} is no whole backup of a module ({detail}); `synod backup import` a whole one in its place"
    path: Path
    detail: str
