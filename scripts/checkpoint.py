"""`synod checkpoint`: copies of a home's database as of one height, for this machine's own restore.

A running node takes the ones that upgrades need by itself. Others are taken by hand: here of a stopped home, and by the
node itself while it runs, because the home is its own then. Only a stopped home is pruned by hand; `list` and `verify`
look at any, and go by the home's manifest for what an upgrade still needs.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click

from node.address import NodeAddress
from node.application import Application
from node.backups import lost, needs_told, verdicts_told
from node.upkeep import checkpoints_to_keep
from node.verification import Verifier
from storage import checkpoint, retention
from storage.checkpoint import REASON_CHARACTERS, Checkpoint
from storage.errors import StoreLocked
from storage.home import Home
from storage.verifying import verify_roots

from .client import as_operator
from .command import group, run
from .console import Answer, Progress, columns
from .exits import Exit
from .options import home_option

BY_HAND = "by hand"


def _reason(_: click.Context, __: click.Parameter, given: str) -> str:
    if len(given) > REASON_CHARACTERS or not given.isprintable():
        raise click.BadParameter(f"a reason is one line of at most {REASON_CHARACTERS} characters")
    return given


@group(
    "checkpoint",
    examples=("synod checkpoint create", "synod checkpoint list", "synod checkpoint verify latest"),
)
def command_line() -> None:
    """Copies of the database as of one height: make, list, verify and remove them."""


@command_line.command("create", examples=("synod checkpoint create --home my-home --reason 'before the test'",))
@click.option("--reason", default=BY_HAND, show_default=True, callback=_reason, help="Why, as `list` will show it.")
@home_option
def create(reason: str, home: Path) -> Answer:
    """Take a checkpoint; a running node takes it between two blocks. It shares the database's sorted files, so it costs
    little time and room.

    Where there is one of this height already, that one is shown. Exit 2: the folder is no home. 3: a command is at
    work on it, its node may not be asked, or the disk failed.
    """
    place = Home.open(home)
    try:
        lock = place.lock()
    except StoreLocked:
        if NodeAddress.of(place) is None:
            raise
        made = _by_its_node(place, reason)
    else:
        with lock:
            made = _here(place, reason)
    return Answer(described(made), f"{made.name}: height {made.height:,}, {made.size:,} bytes\n{made.path}")


def _by_its_node(home: Home, reason: str) -> Checkpoint:
    with as_operator(home) as client:
        return checkpoint.read_checkpoint(home.checkpoints / client.checkpoint(reason)["name"])


def _here(home: Home, reason: str) -> Checkpoint:
    with Verifier() as verifier:
        application = Application.open(home, verifier)
        try:
            return application.checkpoint(reason)
        finally:
            application.close()


@command_line.command("list", examples=("synod checkpoint list --json",))
@home_option
def list_command(home: Path) -> Answer:
    """Show the checkpoints of a home and why each is kept, those folders that are none any more, and those that are
    needed and gone."""
    place = Home.open(home)
    found, damaged = checkpoint.list_checkpoints(place), checkpoint.damaged_checkpoints(place)
    needs = needs_told(place)
    whys, kept = {need.checkpoint: need.why for need in needs}, verdicts_told(place)
    rows = [
        (one.name, f"{one.height:,}", f"{one.size:,}", _age(one), one.head.app_root.hex()[:16], one.reason,
         kept.get(one.name, ""))
        for one in found
    ]  # fmt: skip
    header = ("name", "height", "bytes", "age", "app root", "made for", "verdict")
    text = columns(rows, header) if rows else "no checkpoints"
    bad = [{"code": fault.code, "message": str(fault)} for fault in damaged]
    gone = [{"code": loss.code, "height": loss.height, "message": str(loss)} for loss in lost(place, needs)]
    lines = [text, *(f"damaged: {one['message']}" for one in bad), *(f"lost: {one['message']}" for one in gone)]
    shown = [
        {**described(one), "needed": whys.get(one.name, ""), "kept": kept.get(one.name, "")} for one in found
    ]
    return Answer({"checkpoints": shown, "damaged": bad, "lost": gone}, "\n".join(lines))


@command_line.command("verify", examples=("synod checkpoint verify latest", "synod checkpoint verify needed"))
@click.argument("which", metavar="NAME|HEIGHT|latest|needed")
@home_option
def verify(which: str, home: Path) -> Answer:
    """Open a copy of a checkpoint, read every row of it, count the roots of all tables again and compare them with the
    head; `needed` does so with each one that an upgrade still needs.

    Exit 0: whole. 1: there is no such checkpoint. 3: it is damaged or, of those needed, lost; or this machine cannot
    read it.
    """
    place = Home.open(home)
    if which != "needed":
        found = found_checkpoint(place, which)
        return Answer({**described(found), "verified": True}, _verified(place, found))
    needs = needs_told(place)
    for loss in lost(place, needs):
        raise loss
    known = {one.name: one for one in checkpoint.list_checkpoints(place)}
    there = [known[need.checkpoint] for need in needs if need.checkpoint]
    told = [_verified(place, one) for one in there]
    data = {"checkpoints": [{**described(one), "verified": True} for one in there]}
    return Answer(data, "\n".join(told) or "no upgrade needs one now")


def _verified(home: Home, found: Checkpoint) -> str:
    """That a checkpoint is whole; raises what is wrong with it."""
    progress = Progress(f"verifying {found.name}")
    head = verify_roots(found, home.root / f"verifying-{os.getpid()}", progress.of)
    progress.end()
    return f"{found.name} is whole: height {head.height:,}, app root {head.app_root.hex()}"


@command_line.command(
    "prune", examples=("synod checkpoint prune --dry-run", "synod checkpoint prune --keep 3")
)
@click.option("--keep", type=click.IntRange(0), help="How many of the newest stay.  [default: as the chain says]")
@click.option("--dry-run", is_flag=True, help="Only say what would become of each.")
@home_option
def prune(keep: int | None, dry_run: bool, home: Path) -> Answer:
    """Remove old checkpoints of a stopped home, and say of each why it stays or goes.

    One that an open rollback window leads back to, or that a plan is rehearsed on, always stays.
    """
    place = Home.open(home)
    with place.lock(), Verifier() as verifier:
        least, pinned = _kept(place, verifier)
        verdicts = retention.prune(place, least if keep is None else keep, pinned, dry_run=dry_run)
    gone = "would go" if dry_run else "removed"
    rows = [
        (one.checkpoint.name, f"{one.checkpoint.size:,}", _age(one.checkpoint), "stays" if one.keep else gone, one.why)
        for one in verdicts
    ]
    header = ("name", "bytes", "age", "verdict", "why")
    data = [{**described(one.checkpoint), "keep": one.keep, "why": one.why} for one in verdicts]
    return Answer({"dry_run": dry_run, "checkpoints": data}, columns(rows, header) if rows else "no checkpoints")


def _kept(home: Home, verifier: Verifier) -> tuple[int, dict[int, str]]:
    """How many the chain wants kept, and the heights that something depends on."""
    application = Application.open(home, verifier)
    try:
        return checkpoints_to_keep(application.state)
    finally:
        application.close()


class CheckpointUnknown(Exception):
    """No checkpoint of the home is meant by what was typed."""

    code = "checkpoint_unknown"
    exit = Exit.REFUSED

    def __init__(self, which: str, known: tuple[Checkpoint, ...]) -> None:
        there = ", ".join(one.name for one in known) or "none; `synod checkpoint create` makes one"
        super().__init__(f"no checkpoint is called {which}: there are {there}")
        self.which = which


def found_checkpoint(home: Home, which: str) -> Checkpoint:
    """A checkpoint by its name, height, folder, or as `latest`; raises CheckpointUnknown, or what is wrong with it."""
    known = checkpoint.list_checkpoints(home)
    if which == "latest" and known:
        return known[-1]
    for one in known:
        if which in (one.name, str(one.height)):
            return one
    folder = Path(which)
    if folder.is_dir():
        return checkpoint.read_checkpoint(folder)
    if (home.checkpoints / folder.name).is_dir() and which == folder.name:
        return checkpoint.read_checkpoint(home.checkpoints / which)
    raise CheckpointUnknown(which, known)


def described(found: Checkpoint) -> dict[str, Any]:
    """A checkpoint for programs."""
    return {
        "name": found.name,
        "height": found.height,
        "app_root": found.head.app_root.hex(),
        "bytes": found.size,
        "age_seconds": int(time.time()) - found.made_at // 10**9,
        "reason": found.reason,
        "path": str(found.path),
    }


def _age(found: Checkpoint) -> str:
    seconds = max(0, int(time.time()) - found.made_at // 10**9)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


if __name__ == "__main__":
    run(command_line)
