"""`synod backup`: what a reinstalled module left behind, as a file that any node can hold, and the way back for it.

A node writes its files by itself while the reinstall can still be rolled back. A file is as good as any other node's:
its name is a digest that the chain knows, and its rows must give the roots behind it. The chain's knowledge is read
from the home's manifest, so a node may run or not; `restore` speaks to a running one.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from governance.lifecycle import Status
from governance.proposals import RestoreModule
from node.module_backups import known_backups
from storage.backup_file import ModuleBackup, verify_backup
from storage.errors import BackupDamaged
from storage.home import Home
from storage.module_backup import adopt, find_backup, list_backups, path_of

from .client import Answered
from .command import group, run
from .console import Answer, Progress, columns, note, span_text
from .exits import Exit
from .options import home_option
from .proposing import propose
from .signing import Asked, Desk, StillWaiting, desk_of, signing_options
from .voting import POLL, opened, strongest, vote_yes

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEWEST = 200
"""Proposals looked through for one that is open already."""
SHOWN = 16
"""Digits of a backup's name in tables; as many name it to a command, or fewer that no other begins with."""
KNOWN = "a vote may bring it back, and a node without it stops then"
FOREIGN = "imported by hand: nothing of this chain needs it"
"""Why a file stays: none is ever removed by Synod, as a chain that returns to the data needs it from every node."""


class BackupUnknown(Exception):
    """No backup, or more than one, is meant by what was typed."""

    code = "backup_unknown"
    exit = Exit.REFUSED

    def __init__(self, which: str, known: list[str]) -> None:
        super().__init__(f"{which} names no single backup: there are {', '.join(known) or 'none'}")
        self.which = which


class FileThere(Exception):
    """What was to be written is there already."""

    code = "file_there"
    exit = Exit.REFUSED

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is there already: name another file, or remove it")
        self.path = path


@group(
    "backup",
    examples=(
        "synod backup list",
        "synod backup export 9f86d081 --to shelf.backup",
        "synod backup import shelf.backup --home other",
        "synod backup restore 9f86d081",
    ),
)
def command_line() -> None:
    """What reinstalled modules left behind: list, verify, hand on, take over, and bring back by vote."""


@command_line.command("list", examples=("synod backup list --json",))
@home_option
def list_command(home: Path) -> Answer:
    """Show every backup that the chain knows or this home holds, and which of them this node lacks."""
    place = Home.open(home)
    known = known_backups(place)
    here = {path.stem: path for path in list_backups(place)}
    shown = [_line(place, digest, known.get(digest)) for digest in sorted(known.keys() | here.keys())]
    rows = [
        (one["backup"][:SHOWN], one["module"], one["height"], f"{one['rows']:,}", f"{one['bytes']:,}", _age(one),
         one["state"], one["why"])
        for one in shown
    ]  # fmt: skip
    header = ("backup", "module", "height", "rows", "bytes", "age", "here", "why kept")
    return Answer({"backups": shown}, columns(rows, header) if rows else "no module was reinstalled")


def _line(home: Home, digest: str, known: dict[str, Any] | None) -> dict[str, Any]:
    path = path_of(home, bytes.fromhex(digest))
    there, content = path.is_file(), None
    state = "here" if there else "missing: import another node's, unless it is being written"
    try:
        content = find_backup(home, bytes.fromhex(digest)).content if there else None
    except BackupDamaged:
        state = "damaged: remove it and import a whole one"
    age = max(0, int(time.time() - path.stat().st_mtime)) if there else None
    return {
        "backup": digest,
        "module": known["module"] if known else content.module if content else "",
        "height": known["height"] if known else "unknown to the chain",
        "rows": known["rows"] if known else content.rows if content else 0,
        "bytes": path.stat().st_size if there else 0,
        "age_seconds": age,
        "why": KNOWN if known else FOREIGN,
        "held": there,
        "known": known is not None,
        "state": state,
    }


def _age(line: dict[str, Any]) -> str:
    return "" if line["age_seconds"] is None else span_text(line["age_seconds"])


@command_line.command("verify", examples=("synod backup verify 9f86d081", "synod backup verify shelf.backup"))
@click.argument("which", metavar="BACKUP|FILE")
@home_option
def verify(which: str, home: Path) -> Answer:
    """Read every row of a backup and count the root of each table again.

    Exit 0: whole. 1: there is no such backup. 3: it is damaged, or this machine cannot read it.
    """
    path = Path(which)
    if path.is_file():
        found = _verified(path, lambda told: verify_backup(path, told))
    else:
        place = Home.open(home)
        found = _whole(place, _named(place, which))
    return Answer(described(found), f"{found.path} is whole: {_said(found)}")


@command_line.command("export", examples=("synod backup export 9f86d081 --to shelf.backup",))
@click.argument("which", metavar="BACKUP")
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), required=True, help="A new file.")
@home_option
def export(which: str, target: Path, home: Path) -> Answer:
    """Copy a backup out of a home, for another node to import."""
    place = Home.open(home)
    digest = _named(place, which)
    source = find_backup(place, digest).path
    if target.exists():
        raise FileThere(target)
    shutil.copyfile(source, target)
    found = _verified(target, lambda told: verify_backup(target, told))
    return Answer({**described(found), "path": str(target)}, f"{target}: {_said(found)}")


@command_line.command("import", examples=("synod backup import shelf.backup --home my-home",))
@click.argument("file", type=FILE)
@home_option
def import_command(file: Path, home: Path) -> Answer:
    """Verify a FILE, row by row, and keep it in a home under the name of its data; its node may run meanwhile."""
    place = Home.open(home)
    found = _imported(place, file)
    return Answer(described(found), f"{found.path}: {_said(found)}")


@command_line.command(
    "restore",
    examples=(
        "synod backup restore 9f86d081                  # a rehearsal's home: all its validators vote",
        "synod backup restore 9f86d081 --file shelf.backup --timeout 3600",
        "synod backup restore 9f86d081 --no-wait        # propose only; others vote with synod vote",
    ),
)
@click.argument("which", metavar="BACKUP")
@click.option("--file", type=FILE, help="Import it from this file first.")
@signing_options
def restore(which: str, file: Path | None, asked: Asked) -> Answer:
    """Bring a module's data back: propose it, vote yes with every key at hand, and wait until it has taken effect.

    What the module holds then is replaced by the backup, table by table. Every node must hold the data when its height
    comes; one that does not stops there. So this refuses to propose what this home does not hold whole.

    A proposal that is open already is gone on with, so the command may be repeated. With --no-wait it only proposes.
    --timeout bounds each wait.

    Exit 0: the data is back, or proposed (--no-wait). 1: refused, or the proposal ended otherwise. 3: the time is up.
    """
    place = Home.open(asked.home)
    if file is not None:
        _imported(place, file)
    digest = _named(place, which)
    module = _whole(place, digest).content.module
    with desk_of(asked) as desk:
        voters = list(desk.identities.everybody())
        open_already = _proposed(desk, digest)
        if open_already is None:
            words = {"title": f"Bring back the data of {module}", "description": "", "track": ""}
            content = RestoreModule(module=module, backup=digest)
            answer = propose(desk, strongest(desk, voters), words, content, None)
            if answer.exit or not asked.wait:
                return answer
            open_already = answer.data["proposal"]
            note(answer.text)
        return _carried(desk, voters, int(open_already["id"]))


def _carried(desk: Desk, voters: list[Any], number: int) -> Answer:
    """Vote a proposal through and see it to its end."""
    found = opened(desk, number)
    votes = vote_yes(desk, voters, found) if Status(found["standing"]["status"]).takes_votes else []
    if votes:
        note(columns(votes, ("voter", "vote")))
    after = _ended(desk, number)
    standing = after["standing"]
    done = standing["status"] == Status.EXECUTED
    text = f"proposal {number} is {standing['status']} ({standing['reason']}) at height {int(standing['ended']):,}"
    data = {"proposal": after, "votes": [{"voter": who, "code": code} for who, code in votes]}
    return Answer(data, text, Exit.PASSED if done else Exit.REFUSED)


def _ended(desk: Desk, number: int) -> Answered:
    """The proposal once it has come to an end; raises StillWaiting when the time is up."""
    progress, deadline = Progress("waiting for its effect, height"), time.monotonic() + desk.asked.timeout
    try:
        while not Status((found := desk.client.proposal(number))["standing"]["status"]).is_final:
            due = found["standing"]["due"]
            if time.monotonic() >= deadline:
                raise StillWaiting(f"proposal {number} waits for height {due}", desk.asked.timeout)
            progress.at(desk.client.status()["height"], f"of {due}")
            time.sleep(POLL)
    finally:
        progress.end()
    return found


def _proposed(desk: Desk, digest: bytes) -> Answered | None:
    """The proposal to bring this backup back that is open already, if one is."""
    for found in desk.client.proposals("", NEWEST):
        content = found["proposal"]["content"]
        mine = content["name"] == "restore_module" and content["value"]["backup"] == digest.hex()
        if mine and not Status(found["standing"]["status"]).is_final:
            return found
    return None


def _named(home: Home, which: str) -> bytes:
    """The digest that begins so, of those that the chain knows or the home holds; raises BackupUnknown."""
    names = sorted({*known_backups(home), *(path.stem for path in list_backups(home))})
    meant = [name for name in names if name.startswith(which.lower())]
    if len(meant) != 1:
        raise BackupUnknown(which, [name[:SHOWN] for name in names])
    return bytes.fromhex(meant[0])


def _imported(home: Home, file: Path) -> ModuleBackup:
    found = _verified(file, lambda told: adopt(home, file, told))
    if found.content.digest.hex() not in known_backups(home):
        note("the chain of this home knows no backup of that name, so far as its manifest says")
    return found


def _whole(home: Home, digest: bytes) -> ModuleBackup:
    """The home's backup of this name, every row of it read; raises BackupMissing and BackupDamaged."""
    path = find_backup(home, digest).path
    return _verified(path, lambda told: verify_backup(path, told))


def _verified(path: Path, work: Callable[[Callable[[int], None]], ModuleBackup]) -> ModuleBackup:
    progress = Progress(f"verifying {path.name}, rows")
    try:
        return work(progress.at)
    finally:
        progress.end()


def described(found: ModuleBackup) -> dict[str, Any]:
    """A backup for programs."""
    tables = [{"name": one.name, "rows": one.rows, "root": one.root.hex()} for one in found.content.tables]
    return {
        "backup": found.content.digest.hex(),
        "module": found.content.module,
        "rows": found.content.rows,
        "tables": tables,
        "path": str(found.path),
    }


def _said(found: ModuleBackup) -> str:
    content = found.content
    return f"{content.module}, {content.rows:,} rows in {len(content.tables)} tables, backup {content.digest.hex()}"


if __name__ == "__main__":
    run(command_line)
