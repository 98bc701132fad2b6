"""`synod incident`: the sealed reports of upgrades that failed or went back, and of faults that stopped the node.

Each is held against its seal before anything of it is shown. What people do with one, looks and notes, is kept beside
the sealed folder, never in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from node.incident import shelf
from node.incident.assessment import Assessment, assess
from node.incident.record import Incident, Upgrade
from node.incident.shelf import Opened
from storage.checkpoint import list_checkpoints
from storage.errors import SealFault
from storage.home import Home

from .command import group, run
from .console import Answer, columns
from .exits import Exit
from .options import home_option

LOG_LINES = 10
LISTED = 10
"""Transactions that could not be run again which are shown."""


class NoIncident(Exception):
    """The home has none, or none that is called so."""

    code = "incident_unknown"
    exit = Exit.REFUSED

    def __init__(self, which: str, known: tuple[str, ...]) -> None:
        there = f"no incident is called {which}: there are {', '.join(known)}"
        super().__init__(there if known else "this home keeps no incident: nothing that leaves one has happened")
        self.which = which


@group("incident", examples=("synod incident list", "synod incident show", "synod incident show latest --json"))
def command_line() -> None:
    """What went wrong, as it was sealed at the time."""


@command_line.command("list", examples=("synod incident list --home my-home",))
@home_option
def list_command(home: Path) -> Answer:
    """Show the incidents of a home, the oldest first, and whether each is still as it was sealed.

    Exit 1: one of them is not.
    """
    place = Home.open(home)
    found = [_listed(place, name) for name in shelf.ids(place)]
    rows = [(one["id"], one["state"], "seen" if one["seen"] else "not seen", one["message"]) for one in found]
    altered = any(one["state"] != "sealed" for one in found)
    text = columns(rows, ("incident", "seal", "looked at", "what")) if rows else "no incidents"
    return Answer({"incidents": found}, text, Exit.REFUSED if altered else Exit.PASSED)


def _listed(home: Home, name: str) -> dict[str, Any]:
    common = {"id": name, "seen": shelf.seen(home, name)}
    try:
        incident = shelf.open_incident(home, name).incident
    except SealFault as fault:
        return {**common, "state": fault.code, "message": str(fault)}
    return {**common, "state": "sealed", "kind": incident.kind, "height": incident.height, "message": incident.message}


@command_line.command(
    "show",
    examples=("synod incident show", "synod incident show 000000014400-upgrade_failed --json",
              "synod incident show latest --note 'the disk was replaced'"),
)  # fmt: skip
@click.argument("which", metavar="[ID|latest]", default="latest")
@click.option("--note", "text", help="Keep what you have to say about it.")
@home_option
def show(which: str, text: str | None, home: Path) -> Answer:
    """Hold an incident against its seal, print it, and say how the data is and what to do now.

    Exit 1: there is none of that name, or it is not what was sealed.
    """
    place = Home.open(home)
    name = _named(place, which)
    opened = shelf.open_incident(place, name)
    shelf.note(place, name, text or "")
    incident = opened.incident
    there = {one.name for one in list_checkpoints(place)}
    found = assess(incident, incident.checkpoint is not None and incident.checkpoint.name in there)
    notes = [one for one in shelf.notes(place, name) if one.text]
    data = {
        **incident.model_dump(mode="json"),
        "seal": opened.mark,
        "assessment": {"data": found.data, "advice": found.advice, "steps": found.steps},
        "notes": [one.model_dump(mode="json") for one in notes],
        "files": {file: _content(content) for file, content in opened.files.items() if file != shelf.RECORD},
    }
    told = (f"note of {one.at}: {one.text}" for one in notes)
    lines = [*_told(opened, found), *_not_replayed(opened), *told, *_log_end(opened)]
    return Answer(data, "\n".join(lines))


def _named(home: Home, which: str) -> str:
    known = shelf.ids(home)
    if which == "latest" and known:
        return known[-1]
    if which not in known:
        raise NoIncident(which, known)
    return which


def _told(opened: Opened, found: Assessment) -> Iterator[str]:
    incident = opened.incident
    yield incident.message
    yield columns(
        [
            ("incident", f"{incident.id}, made {incident.made_at}"),
            ("seal", f"holds, {opened.mark}"),
            ("chain", f"{incident.chain_id or 'not read'}, height {incident.height:,}"),
            *(() if incident.upgrade is None else _upgrade(incident.upgrade)),
            *_state(incident),
            ("software", ", ".join(f"{name} {value}" for name, value in incident.versions if value)),
            ("the data", found.data),
            ("advice", f"{found.advice.replace('_', ' ')}: {found.steps}"),
        ]
    )
    for fault in incident.faults:
        where = f" at {fault.file}:{fault.line}" if fault.file else ""
        yield "\n".join([f"{fault.code}{where}{': ' if fault.detail else ''}{fault.detail}", *fault.source])
    for one in incident.removed:
        yield f"for this report an older one had to go: {one}"


def _upgrade(upgrade: Upgrade) -> Iterator[tuple[str, str]]:
    yield "upgrade", f"{upgrade.version_from} to {upgrade.version_to}, proposal {upgrade.proposal}, plan {upgrade.plan}"
    yield "bundle", upgrade.code_hash
    yield "activation", f"{upgrade.activation:,}"
    if upgrade.returned:
        by = f"by proposal {upgrade.decided_by}" if upgrade.decided_by else "by itself"
        yield "returned", f"{upgrade.returned:,}, {by}; {upgrade.replayed} replayed, {upgrade.not_replayed} not"
    if upgrade.runtime_before:
        yield "runtime root", f"{upgrade.runtime_before} before, {upgrade.runtime_after or 'unchanged'} after"


def _state(incident: Incident) -> Iterator[tuple[str, str]]:
    rules, checkpoint = incident.rules, incident.checkpoint
    if incident.roots is not None:
        yield "app root", incident.roots.app_root
    if rules is not None:
        state = f"{len(rules.in_force)} in force, broken: {', '.join(rules.broken) or 'none'}"
        yield "invariants", state if rules.counted else f"{len(rules.in_force)} in force, not counted again"
    yield "checkpoint", "none" if checkpoint is None else checkpoint.name


def _not_replayed(opened: Opened) -> Iterator[str]:
    """The first transactions that a rollback could not run again."""
    if "not_replayed.json" not in opened.files:
        return
    told = json.loads(opened.files["not_replayed.json"])
    listed = told["listed"][:LISTED]
    yield f"not run again, {len(listed)} of {told['total']:,} (--json shows more):"
    yield columns([(f"  {one['height']:,}", one["call"], one["sender"], one["transaction"]) for one in listed])


def _log_end(opened: Opened) -> list[str]:
    lines = opened.files.get("log.jsonl", b"").decode("utf-8", "replace").splitlines()
    shown = [f"  {line}" for line in lines[-LOG_LINES:]]
    return ["", f"the last {len(shown)} of {len(lines)} lines of its log:", *shown] if shown else []


def _content(content: bytes) -> Any:
    """A file's JSON, or its lines where it is none."""
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace").splitlines()


if __name__ == "__main__":
    run(command_line)
