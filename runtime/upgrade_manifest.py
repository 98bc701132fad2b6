"""What `migration_manifest.json` says: every upgrade that took effect, failed or was rolled back, and where a rollback
leads. A pure function of the upgrade tables at one height, so any node writes the same but for its own checkpoints.

Bytes are lower-case hex. `snapshot` is the application root of A-1: the hash that names the snapshot and the local
checkpoint which a rollback restores. An upgrade is `verified` once it has passed its probation, and `closed` once its
rollback window is over; until then, nothing that the manifest names may be removed. `needs` lists those states, with
why: each is that of a checkpoint of this node, or of none (`checkpoint` empty), which is a loss to be told of.
`backups` lists what reinstalled modules left behind, by the digest that a proposal names it by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runtime.module_backups import BACKUPS, KeptBackup
from runtime.plans import (
    CLOSED,
    EXECUTED,
    FAILED,
    HISTORY,
    PLANS,
    QUEUE,
    ROLLED_BACK,
    RUNNING,
    VERIFIED,
    WINDOW,
    HistoryEntry,
    Plan,
    Queue,
    Reader,
    Running,
    Window,
)

FORMAT = 1
OUTCOMES = frozenset({EXECUTED, FAILED, ROLLED_BACK})
RECORDED = OUTCOMES | {VERIFIED, CLOSED}
"""What the manifest tells of a plan; what was never tried is in the history only."""


def upgrade_manifest(
    reader: Reader,
    height: int,
    app_root: bytes,
    checkpoints: Mapping[bytes, str],
    needs: Iterable[Mapping[str, Any]],
    release: str,
    home_format: int,
) -> dict[str, Any]:
    """The document at a height; ``checkpoints`` are this node's, names by application root, and ``needs`` the states
    that something depends on, as this node has them."""
    window: Window | None = reader.get(WINDOW, ())
    running: Running = reader.get(RUNNING, ())
    return {
        "format": FORMAT,
        "release": release,
        "home_format": home_format,
        "height": height,
        "app_root": app_root.hex(),
        "running": _running(running),
        "upgrades": _upgrades(reader, checkpoints),
        "pending": [_pending(plan_id, reader.get(PLANS, (plan_id,))) for plan_id in _queue(reader)],
        "rollback": None if window is None else _rollback(window, checkpoints),
        "needs": [dict(need) for need in needs],
        "backups": [_backup(key[0], kept) for key, kept in reader.scan(BACKUPS)],
    }


def _backup(digest: bytes, kept: KeptBackup) -> dict[str, Any]:
    return {
        "backup": digest.hex(),
        "module": kept.content.module,
        "height": kept.height,
        "rows": kept.content.rows,
        "plan": kept.plan,
        "code_hash": kept.code_hash.hex(),
    }


def _queue(reader: Reader) -> Iterable[int]:
    queue: Queue = reader.get(QUEUE, ()) or Queue()
    return queue.plans


def _running(running: Running) -> dict[str, Any]:
    return {"version": running.version, "code_hash": running.code_hash.hex(), "since": running.since}


def _pending(plan_id: int, plan: Plan) -> dict[str, Any]:
    return {
        "plan": plan_id,
        "proposal": plan.proposal,
        "version": plan.version,
        "code_hash": plan.code_hash.hex(),
        "activation": plan.activation,
        "state": plan.state,
        "backup": plan.backup.hex(),
    }


def _upgrades(reader: Reader, checkpoints: Mapping[bytes, str]) -> list[dict[str, Any]]:
    """One entry a plan, in the order in which they came to an end, each with all that happened to it."""
    found: dict[int, dict[str, Any]] = {}
    for (height, plan_id), entry in reader.scan(HISTORY):
        if entry.kind not in RECORDED:
            continue
        if plan_id not in found:
            found[plan_id] = _upgrade(plan_id, reader.get(PLANS, (plan_id,)), height, entry, checkpoints)
        upgrade = found[plan_id]
        if entry.kind in OUTCOMES:
            upgrade["outcome"] = entry.kind
        upgrade["events"].append(_event(height, entry))
        upgrade["verified"] = entry.kind in (VERIFIED, CLOSED)
        upgrade["closed"] = entry.kind == CLOSED
    return list(found.values())


def _upgrade(
    plan_id: int, plan: Plan, height: int, entry: HistoryEntry, checkpoints: Mapping[bytes, str]
) -> dict[str, Any]:
    executed = entry.kind == EXECUTED
    return {
        "plan": plan_id,
        "proposal": plan.proposal,
        "outcome": entry.kind,
        "from_version": entry.version_from,
        "to_version": entry.version_to,
        "code_hash": plan.code_hash.hex(),
        "base_code_hash": plan.base.hex(),
        "effect": plan.effect.hex(),
        "scheduled_at": plan.scheduled_at,
        "activation": plan.activation,
        "migrations": list(entry.migrations) if executed else [],
        "supply_change": str(-plan.supply_change if plan.supply_shrinks else plan.supply_change),
        "height": height,
        "root_before": entry.root_before.hex(),
        "root_after": entry.root_after.hex(),
        "snapshot": entry.snapshot.hex(),
        "checkpoint": checkpoints.get(entry.snapshot, "") if executed else "",
        "verified": False,
        "closed": False,
        "events": [],
    }


def _event(height: int, entry: HistoryEntry) -> dict[str, Any]:
    return {
        "height": height,
        "kind": entry.kind,
        "proposal": entry.proposal,
        "reason": entry.reason,
        "file": entry.file,
        "line": entry.line,
        "root_before": entry.root_before.hex(),
        "root_after": entry.root_after.hex(),
        "replayed": entry.replayed,
        "not_replayed": entry.not_replayed,
        "backups": [one.hex() for one in entry.backups],
        "restored": entry.restored.hex(),
    }


def _rollback(window: Window, checkpoints: Mapping[bytes, str]) -> dict[str, Any]:
    return {
        "plan": window.plan,
        "proposal": window.proposal,
        "to_height": window.activation - 1,
        "to_version": window.previous.version,
        "to_code_hash": window.previous.code_hash.hex(),
        "snapshot": window.app_root.hex(),
        "runtime_root": window.runtime_root.hex(),
        "checkpoint": checkpoints.get(window.app_root, ""),
        "probation_until": window.probation_until,
        "until": window.closes,
        "decided_for": window.rollback_at,
    }
