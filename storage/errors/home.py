"""Refusals about a home as a folder: what it is, what it may sign, and its checkpoints."""

from dataclasses import dataclass
from pathlib import Path

from storage.errors.base import StorageError


class HomeFault(StorageError):
    """The home folder is not what was asked for."""

    code = "home_fault"


@dataclass(eq=False)
class HomeMissing(HomeFault):
    code = "home_missing"
    says = "{path} is not a home ({detail}); name yours with --home, or make one with `synod init`"
    path: Path
    detail: str


@dataclass(eq=False)
class HomeNotEmpty(HomeFault):
    code = "home_not_empty"
    says = "{path} exists and is not empty; choose another folder"
    path: Path


@dataclass(eq=False)
class HomeFormatUnreadable(HomeFault):
    code = "home_format_unreadable"
    says = "{path} does not say which format the home has ({detail}); restore that file from a copy"
    path: Path
    detail: str


@dataclass(eq=False)
class HomeFormatTooNew(HomeFault):
    """`written_by` is the release that wrote the home, `readable` the newest format this release reads."""

    code = "home_format_too_new"
    says = "{path} has format {found}, this release reads up to {readable}; use release {written_by} or newer"
    path: Path
    found: int
    readable: int
    written_by: str


@dataclass(eq=False)
class SigningRefused(StorageError):
    """Signing here could contradict an earlier signature. `last` and `asked` are "height/round" texts."""

    code = "signing_refused"
    says = (
        "refused to sign {asked}: this home signed {last} already; go on above it, with the blocks of other machines, "
        "or as a new chain (`synod restore --as-new-chain`)"
    )
    asked: str
    last: str


class CheckpointFault(StorageError):
    """A checkpoint cannot be made, found or used."""

    code = "checkpoint_fault"


@dataclass(eq=False)
class CheckpointMissing(CheckpointFault):
    code = "checkpoint_missing"
    says = "no checkpoint at {path}; list them with `synod checkpoint list`"
    path: Path


@dataclass(eq=False)
class CheckpointExists(CheckpointFault):
    code = "checkpoint_exists"
    says = "a checkpoint is already at {path}; choose another name or remove it"
    path: Path


@dataclass(eq=False)
class CheckpointDamaged(CheckpointFault):
    code = "checkpoint_damaged"
    says = "checkpoint {path} is damaged ({detail}); use another one"
    path: Path
    detail: str


@dataclass(eq=False)
class CheckpointUnstable(CheckpointFault):
    """The database changed its files faster than they could be linked, `attempts` times in a row."""

    code = "checkpoint_unstable"
    says = "the database changed under {attempts} attempts to checkpoint it; try again when it writes less"
    attempts: int


@dataclass(eq=False)
class CheckpointForeign(CheckpointFault):
    code = "checkpoint_foreign"
    says = "checkpoint {path} belongs to chain {found}, this home to {expected}; use one of the same chain"
    path: Path
    found: str
    expected: str


@dataclass(eq=False)
class CheckpointLost(CheckpointFault):
    """Something depends on the checkpoint of a height, and there is none in the home, or no whole one."""

    code = "checkpoint_lost"
    says = (
        "{home} has no whole checkpoint of height {height}, though {why}: this machine alone cannot be put back there; "
        "copy it back into checkpoints/, or take one of the present height (`synod checkpoint create`)"
    )
    home: Path
    height: int
    why: str


class SealFault(StorageError):
    code = "seal_fault"


@dataclass(eq=False)
class SealMissing(SealFault):
    code = "seal_missing"
    says = "{path} is no sealed folder ({detail}); list those there are"
    path: Path
    detail: str


@dataclass(eq=False)
class SealBroken(SealFault):
    code = "seal_broken"
    says = "{path} is not what was sealed ({detail}); believe nothing in it that another record does not say as well"
    path: Path
    detail: str
