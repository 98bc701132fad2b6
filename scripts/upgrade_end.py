"""How an upgrade ended, as `synod upgrade` tells it, with what to do next."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

from governance.lifecycle import COOLS, Status
from node.incident import shelf
from node.pauses import Pause, pauses_told
from storage.home import Home

from .client import Answered
from .console import Answer, columns
from .exits import Exit
from .findings import all_passed, findings_data, findings_text
from .signing import POLL_FIRST, Desk
from .verify import checks_after

SEALED_WITHIN = 10
"""Seconds that a report may take, where no other block comes."""


def verified(desk: Desk, found: Answered, line: Answered) -> Answer:
    """An upgrade that its probation found good, and the checks after."""
    home = _home(desk)
    after = list(checks_after(desk.client, home))
    passed = all_passed(after)
    entry, checkpoint = line["entry"], _checkpoint(home, line["plan"])
    pause = _pause(home, int(entry["activation"]))
    rows = [
        ("upgrade", f"{entry['version_from']} to {entry['version_to']}, proposal {found['id']}"),
        ("activated", f"at height {int(entry['activation']):,}, probation passed"),
        ("checkpoint", checkpoint or f"none here; its snapshot is {entry['snapshot']}"),
        ("runtime root", f"{entry['root_before']} before, {entry['root_after']} after"),
        ("pause", f"{_pause_text(pause)}; {_asked_for(found)}"),
        ("verdict", "passed" if passed else "the upgrade stands, and a check failed: see below, then `synod rollback`"),
    ]
    data = {"verdict": "passed" if passed else "check_failed", "proposal": found, "history": line,
            "checkpoint": checkpoint, "pause": _pause_data(pause), "checks": findings_data(after)}  # fmt: skip
    return Answer(data, f"{columns(rows)}\n{findings_text(after)}", Exit.PASSED if passed else Exit.REFUSED)


def went_wrong(desk: Desk, found: Answered, line: Answered) -> Answer:
    """A plan that failed, went back or never had its turn, with what to do next."""
    entry, height = line["entry"], int(line["height"])
    kind = entry["kind"]
    home = _home(desk)
    incident = _incident(desk, home, height)
    pause = _pause(home, height)
    where = f" at {entry['file']}:{entry['line']}" if entry["file"] else ""
    rows = [
        ("upgrade", f"{kind.replace('_', ' ')} at height {height:,}: {entry['reason'] or 'no reason given'}{where}"),
        ("runs", f"{desk.client.status()['runtime']['version']}, as before"),
        *(() if pause is None else (("pause", _pause_text(pause)),)),
        ("incident", incident or "none at hand"),
        ("next", f"synod incident show {incident}" if incident else f"synod propose show {found['id']}"),
        ("then", "mend the bundle (synod rehearse --bundle shows file and line of what fails), synod upgrade again"),
    ]
    data = {"verdict": kind, "proposal": found, "history": line, "incident": incident, "pause": _pause_data(pause)}
    return Answer(data, columns(rows), Exit.REFUSED)


def ended(found: Answered) -> Answer:
    """A proposal that voters, the guardian or time ended before it had a plan."""
    standing = found["standing"]
    number, status, height = found["id"], standing["status"], int(standing["ended"])
    cooled = height + int(found["proposal"]["track"]["cooldown"]) if Status(status) in COOLS else height
    rows = [
        ("upgrade", f"proposal {number} is {status} ({standing['reason']}) at height {height:,}"),
        ("next", f"synod tally {number}: the count, and what it lacked"),
        ("then", f"from height {cooled:,} on, synod upgrade proposes the same bundle anew"),
    ]
    return Answer({"verdict": status, "proposal": found, "incident": ""}, columns(rows), Exit.REFUSED)


def _home(desk: Desk) -> Home | None:
    """The home of the node that is asked; None when the node may be anybody's."""
    return None if desk.asked.url is not None else Home(desk.asked.home)


def _checkpoint(home: Home | None, plan: int) -> str:
    """The checkpoint that the home's manifest names for an upgrade."""
    try:
        upgrades = json.loads(home.manifest_file.read_text("ascii"))["upgrades"] if home else ()
        return next((str(one["checkpoint"]) for one in upgrades if one["plan"] == plan), "")
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _pause(home: Home | None, height: int) -> Pause | None:
    """How long the block at a height kept the chain waiting, as the home's node measured it."""
    return None if home is None else pauses_told(home).get(height)


def _pause_text(pause: Pause | None) -> str:
    if pause is None:
        return "not measured here"
    parts = (
        ("checkpoint", pause.checkpoint_microseconds),
        ("block", pause.execution_microseconds),
        ("commit with the flip", pause.commit_microseconds),
    )
    shown = ", ".join(f"{name} {part / 1000:.1f}" for name, part in parts)
    return f"{pause.microseconds / 1000:.1f} ms ({shown})"


def _pause_data(pause: Pause | None) -> dict[str, int] | None:
    return None if pause is None else {**asdict(pause), "microseconds": pause.microseconds}


def _asked_for(found: Answered) -> str:
    """Whether work was left to the activating block."""
    asked = any(plan["requires_pause"] for plan in found["proposal"]["content"]["value"]["plan"])
    return "the bundle asked for one" if asked else "none asked for, that block only flips"


def _incident(desk: Desk, home: Home | None, height: int) -> str:
    """The report that the home's node sealed of a block; it does so before it makes the next one."""
    deadline = time.monotonic() + SEALED_WITHIN
    while home is not None:
        later = desk.client.status()["height"] > height or time.monotonic() > deadline
        found = next((one for one in shelf.ids(home) if one.startswith(shelf.id_of(height, ""))), "")
        if found or later:
            return found
        time.sleep(POLL_FIRST)
    return ""
