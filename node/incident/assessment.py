"""What an incident means for the data, and what to do now: go on, or put this machine back.

A pure function of the incident and of whether its checkpoint is still there. What every node sees alike is the chain's
own affair and healed by it; only a fault of this machine's files is a reason to restore.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from node.incident.record import ROLLED_BACK, UPGRADE_FAILED, Incident, Upgrade

Advice = Literal["go_on", "mend_this_machine", "restore"]

OF_THIS_MACHINE = frozenset(
    {"disk_full", "disk_error", "engine_stopped", "checkpoint_unstable", "backup_missing", "backup_damaged"}
)
"""Stops after which the files are as they were."""
OF_ITS_FILES = frozenset(
    {
        "store_missing", "store_damaged", "head_missing", "head_damaged", "head_mismatch", "rollback_broken",
        "supply_broken",
    }
)  # fmt: skip
"""Stops after which this machine's state is not to be trusted."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """How the data is, and what to do."""

    data: str
    advice: Advice
    steps: str


def assess(incident: Incident, checkpoint_there: bool) -> Assessment:
    """What to make of an incident; ``checkpoint_there`` says whether the checkpoint it names is still in the home."""
    upgrade = incident.upgrade
    if incident.kind in OF_ITS_FILES or (incident.rules is not None and incident.rules.broken):
        return Assessment(_broken(incident), "restore", _back(incident, checkpoint_there))
    if upgrade is not None and incident.kind == UPGRADE_FAILED:
        data = f"no record was changed; the chain runs {upgrade.version_from}, and every rule holds that was counted"
        return Assessment(data, "go_on", _mended(incident))
    if upgrade is not None and incident.kind == ROLLED_BACK:
        return Assessment(_returned(upgrade), "go_on", _mended(incident))
    if incident.kind in OF_THIS_MACHINE:
        return Assessment("nothing committed is lost", "mend_this_machine", incident.message)
    return Assessment("nothing says that the data is harmed", "mend_this_machine", incident.message)


def _broken(incident: Incident) -> str:
    if incident.rules is not None and incident.rules.broken:
        return f"rules do not hold: {', '.join(incident.rules.broken)}"
    return "this machine's files are not what was committed"


def _back(incident: Incident, checkpoint_there: bool) -> str:
    if incident.checkpoint is None or not checkpoint_there:
        return "no checkpoint is here: copy one from another machine"
    return f"synod restore {incident.checkpoint.name}"


def _returned(upgrade: Upgrade) -> str:
    lost = f", {upgrade.not_replayed} could not be and cost nothing" if upgrade.not_replayed else ""
    return (
        f"the state of height {upgrade.activation - 1:,} is back under {upgrade.version_from}; "
        f"{upgrade.replayed} transactions were replayed{lost}"
    )


def _mended(incident: Incident) -> str:
    at = next((f" at {one.file}:{one.line}" for one in incident.faults if one.file), "")
    return f"mend the bundle{at} and propose it anew, when you like"
