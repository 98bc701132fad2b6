"""Which checkpoints stay: the newest few, and those something still depends on. The rest are removed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.checkpoint import HIDDEN, Checkpoint, list_checkpoints, remove_hidden
from storage.durable import sync_directory
from storage.faults import fault_of
from storage.home import Home

_REMOVING = "removing-"
"""How the hidden name begins of a checkpoint that is on its way out; another hidden one may be in the making."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one checkpoint, and why."""

    checkpoint: Checkpoint
    keep: bool
    why: str


def judge(checkpoints: Sequence[Checkpoint], keep: int, pinned: Mapping[int, str]) -> tuple[Verdict, ...]:
    """A verdict on each checkpoint: the `keep` highest stay, and those at a pinned height, for its stated reason."""
    ordered = sorted(checkpoints, key=lambda one: (one.height, one.name))
    newest = {one.name for one in ordered[max(0, len(ordered) - keep) :]}
    return tuple(_judge_one(one, one.name in newest, keep, pinned) for one in ordered)


def prune(home: Home, keep: int, pinned: Mapping[int, str], *, dry_run: bool = False) -> tuple[Verdict, ...]:
    """Remove what `judge` does not keep; with `dry_run` only say so. Raises DiskError."""
    verdicts = judge(list_checkpoints(home), keep, pinned)
    if not dry_run:
        remove(home, *(verdict.checkpoint for verdict in verdicts if not verdict.keep))
    return verdicts


def remove(home: Home, *checkpoints: Checkpoint) -> None:
    """Remove checkpoints of a home; a crash leaves each whole, or hidden. Raises DiskError."""
    try:
        for path in (one.path for one in checkpoints):
            path.rename(path.with_name(f"{HIDDEN}{_REMOVING}{path.name}"))
        if home.checkpoints.is_dir():
            sync_directory(home.checkpoints)
            remove_hidden(home.checkpoints, _REMOVING)
    except OSError as error:
        raise fault_of(home.checkpoints, error) from error


def _judge_one(checkpoint: Checkpoint, newest: bool, keep: int, pinned: Mapping[int, str]) -> Verdict:
    if checkpoint.height in pinned:
        return Verdict(checkpoint, True, pinned[checkpoint.height])
    if newest:
        return Verdict(checkpoint, True, f"one of the newest {keep}")
    return Verdict(checkpoint, False, f"older than the newest {keep}, and nothing depends on it")
