"""Reading an incident together: from the state after a block, or from a home's files when the node stops.

A stop may come from the database itself, so its report opens none; it takes what files say, and leaves out what cannot
be read. Nothing here changes the state, and keys are never read.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import plyvel

from node.incident.record import (
    ROLLED_BACK,
    UPGRADE_FAILED,
    Fault,
    Incident,
    NamedCheckpoint,
    Roots,
    Rules,
    Upgrade,
    Versions,
)
from node.incident.shelf import id_of, now
from node.logs import blank_secrets, recent_events
from node.reading import receipt_answer
from node.rehearsals_shown import rehearsals_of
from node.settings import Settings
from runtime.address import address_text
from runtime.bundles import stored_bundle
from runtime.chain import Chain
from runtime.errors import BundleUnavailable
from runtime.invariants.counters import AGGREGATES
from runtime.invariants.recount import broken_rules
from runtime.invariants.settle import SUPPLY_RULE
from runtime.plans import FAILED, HISTORY, PLANS, HistoryEntry, Plan
from runtime.plans import ROLLED_BACK as BACK
from runtime.receipts import INVARIANT_BROKEN, NOT_REPLAYABLE, OK, Event, Receipt
from runtime.sealing import RECEIPTS, block_of
from runtime.transaction import decode_transaction, transaction_id
from storage.checkpoint import Checkpoint, list_checkpoints
from storage.errors import StorageError
from storage.headfile import Head, read_head
from storage.home import FORMAT, RELEASE, Home
from storage.overlay import Overlay
from storage.signing import LastSigned

KINDS = {FAILED: UPGRADE_FAILED, BACK: ROLLED_BACK}
"""What of an upgrade's history is an incident."""
MOST_COUNTED = 100_000
"""Groups of aggregates that a report looks at again; a tenth of a second or so."""
MOST_LISTED = 1_000
"""Transactions that could not be replayed which a report names."""
AROUND = 2
"""Lines of source shown before and behind one that failed."""


class OfUpgrade:
    """What a block did to an upgrade, read right after it. ``events`` and ``detail`` are the block's, where the node
    made it just now."""

    def __init__(
        self, home: Home, chain: Chain, height: int, plan: int, events: tuple[Event, ...] = (), detail: str = ""
    ) -> None:
        self._home = home
        self._chain = chain
        self._overlay: Overlay = chain.state.overlay()
        self._height = height
        self._plan_id = plan
        self._events = events
        self._detail = detail
        entry, row = self._overlay.get(HISTORY, (height, plan)), self._overlay.get(PLANS, (plan,))
        assert entry is not None and row is not None, "the history names plans that exist"
        self._entry: HistoryEntry = entry
        self._plan: Plan = row

    def incident(self) -> Incident:
        """The report."""
        kind, entry = KINDS[self._entry.kind], self._entry
        what = "failed" if kind == UPGRADE_FAILED else "was rolled back"
        return Incident(
            id=id_of(self._height, kind),
            kind=kind,
            code=entry.reason if kind == UPGRADE_FAILED else kind,
            message=f"{self._planned()} (proposal {self._plan.proposal}) {what}: {entry.reason}",
            chain_id=self._chain.identity.chain_id,
            height=self._height,
            made_at=now(),
            upgrade=self._upgrade(),
            faults=tuple(self._faults()),
            rules=self._rules(),
            roots=_roots(self._chain.state.head),
            checkpoint=_named(_leading_back(self._home, entry.snapshot)),
            versions=versions(str(self._chain.loaded.version)),
        )

    def _planned(self) -> str:
        backup = self._plan.backup.hex()
        return f"the return of the backup {backup}" if backup else f"the upgrade to {self._plan.version}"

    def files(self, settings: Settings | None) -> dict[str, bytes]:
        """What goes beside the report."""
        failed = [receipt_answer(one).model_dump(mode="json") for one in self._failed()]
        told = [{"kind": one.kind, **{part.name: part.value for part in one.attributes}} for one in self._events]
        rehearsals = rehearsals_of(self._overlay, self._plan_id, self._chain.state.log())
        return {
            **_common_files(self._home, settings),
            "block.json": _json({"height": self._decisive(), "events": told, "failed": failed}),
            "history.json": _json([_line(key[0], one) for key, one in self._lines()]),
            **({} if rehearsals is None else {"rehearsals.json": _json(rehearsals.model_dump(mode="json"))}),
            **({"not_replayed.json": _json(self._not_replayed())} if self._entry.not_replayed else {}),
        }

    def _not_replayed(self) -> dict[str, Any]:
        """Whose second receipt says that it could not be run again; it cost nothing, and may be sent anew."""
        total = self._entry.not_replayed
        return {"total": total, "listed": list(islice(self._lost_calls(), min(total, MOST_LISTED)))}

    def _lost_calls(self) -> Iterator[dict[str, Any]]:
        log, code = self._chain.state.log(), NOT_REPLAYABLE.encode()
        for height in range(self._entry.activation, self._height):
            seconds = log.second_receipts(height)
            maybe = [place for place, raw in seconds.items() if code in raw]
            lost = [place for place in maybe if RECEIPTS.decode(seconds[place]).code == NOT_REPLAYABLE]
            transactions = block_of(log.block(height)).transactions if lost else ()
            yield from (_call(height, transactions[place]) for place in lost)

    def _decisive(self) -> int:
        """The height whose block shows the fault: a rollback is decided at the end of the one before the return."""
        return self._entry.returned - 1 if self._entry.returned else self._height

    def _failed(self) -> list[Receipt]:
        receipts = [RECEIPTS.decode(raw) for raw in self._chain.state.log().receipts(self._decisive())]
        return [one for one in receipts if one.code != OK]

    def _lines(self) -> Iterable[tuple[tuple[Any, ...], HistoryEntry]]:
        return ((key, one) for key, one in self._overlay.scan(HISTORY) if key[1] == self._plan_id)

    def _faults(self) -> Iterator[Fault]:
        """Where the bundle is at fault: as the history says it, or as the receipts of the decisive block do."""
        entry = self._entry
        if entry.kind == FAILED:
            yield self._fault(entry.reason, entry.file, entry.line, self._detail)
            return
        for one in self._failed():
            if one.file or one.code == INVARIANT_BROKEN:
                yield self._fault(one.code, one.file, one.line)

    def _fault(self, code: str, file: str, line: int, detail: str = "") -> Fault:
        return Fault(code=code, file=file, line=line, source=self._source(file, line), detail=detail)

    def _source(self, file: str, line: int) -> tuple[str, ...]:
        try:
            content = stored_bundle(self._overlay, self._plan.code_hash).file(file)
        except BundleUnavailable:
            return ()
        lines = (content or b"").decode("ascii", "replace").splitlines()
        first, last = max(line - AROUND, 1), min(line + AROUND, len(lines))
        return tuple(f"{at:>5}  {lines[at - 1]}" for at in range(first, last + 1)) if line else ()

    def _upgrade(self) -> Upgrade:
        plan, entry = self._plan, self._entry
        change = -plan.supply_change if plan.supply_shrinks else plan.supply_change
        voted = entry.kind == BACK and entry.proposal != plan.proposal
        return Upgrade(
            plan=self._plan_id,
            proposal=plan.proposal,
            decided_by=entry.proposal if voted else 0,
            version_from=entry.version_to if entry.kind == BACK else entry.version_from,
            version_to=plan.version,
            code_hash=plan.code_hash.hex(),
            base_code_hash=plan.base.hex(),
            effect=plan.effect.hex(),
            migrations=plan.migrations,
            supply_change=str(change),
            scheduled_at=plan.scheduled_at,
            activation=entry.activation or plan.activation,
            returned=entry.returned,
            reason=entry.reason,
            runtime_before=entry.root_before.hex(),
            runtime_after=entry.root_after.hex(),
            replayed=entry.replayed,
            not_replayed=entry.not_replayed,
        )

    def _rules(self) -> Rules:
        chain = self._chain
        counters = chain.counters(chain.loaded)
        counted = chain.state.count(AGGREGATES.name) <= MOST_COUNTED
        broken = broken_rules(self._overlay, counters, chain.loaded.tables) if counted else ()
        names = (*(rule.name for rule in counters.rules), SUPPLY_RULE)
        return Rules(in_force=names, broken=broken, counted=counted)


def of_stop(home: Home, code: str, message: str) -> Incident:
    """The report of a stop, from the home's files alone."""
    head = _head(home)
    height = _last_signed(home) if head is None else head.height
    newest = max(list_checkpoints(home), key=lambda one: one.height, default=None)
    return Incident(
        id=id_of(height, code),
        kind=code,
        code=code,
        message=message,
        height=height,
        made_at=now(),
        roots=None if head is None else _roots(head),
        checkpoint=_named(newest),
        versions=versions(),
    )


def files_of_stop(home: Home, settings: Settings) -> dict[str, bytes]:
    """What goes beside the report of a stop."""
    return _common_files(home, settings)


def versions(runtime: str = "") -> Versions:
    """What runs here."""
    return Versions(
        synod=RELEASE,
        runtime=runtime,
        home_format=FORMAT,
        python=platform.python_version(),
        leveldb=str(plyvel.__leveldb_version__),
        plyvel=str(plyvel.__version__),
        system=platform.platform(),
    )


def _common_files(home: Home, settings: Settings | None) -> dict[str, bytes]:
    files = {"log.jsonl": "".join(f"{line}\n" for line in recent_events()).encode("utf-8", "replace")}
    if settings is not None:
        files["settings.json"] = _json(_shown(settings))
    with suppress(OSError):
        files["manifest.json"] = home.manifest_file.read_bytes()
    return files


def _shown(settings: Settings) -> dict[str, Any]:
    parameters = {name: str(value) for name, value in settings.parameters.items()}
    chain = settings.chain.model_dump(include={"name", "block_interval_ms"})
    sections = {"node": settings.node.model_dump(mode="json"), "chain": chain, "parameters": parameters}
    return {name: dict(blank_secrets(None, "", dict(section))) for name, section in sections.items()}


def _call(height: int, raw: bytes) -> dict[str, Any]:
    body = decode_transaction(raw, len(raw)).body
    return {
        "height": height, "transaction": transaction_id(raw).hex(), "sender": address_text(body.sender),
        "call": f"{body.call.module}.{body.call.name}",
    }  # fmt: skip


def _line(height: int, entry: HistoryEntry) -> dict[str, Any]:
    return {
        "height": height, "kind": entry.kind, "reason": entry.reason, "file": entry.file, "line": entry.line,
        "root_before": entry.root_before.hex(), "root_after": entry.root_after.hex(), "snapshot": entry.snapshot.hex(),
    }  # fmt: skip


def _leading_back(home: Home, snapshot: bytes) -> Checkpoint | None:
    """The checkpoint of A-1, else the newest."""
    known = list_checkpoints(home)
    of_root = next((one for one in known if snapshot and one.head.app_root == snapshot), None)
    return of_root or max(known, key=lambda one: one.height, default=None)


def _named(checkpoint: Checkpoint | None) -> NamedCheckpoint | None:
    if checkpoint is None:
        return None
    root = checkpoint.head.app_root.hex()
    return NamedCheckpoint(name=checkpoint.name, height=checkpoint.height, app_root=root)


def _head(home: Home) -> Head | None:
    try:
        return read_head(home.head_file)
    except StorageError:
        return None


def _last_signed(home: Home) -> int:
    """The height that this home signed last, 0 where that cannot be read either."""
    try:
        return LastSigned.open(home.last_signed_file).last.height
    except StorageError:
        return 0


def _roots(head: Head) -> Roots:
    return Roots(app_root=head.app_root.hex(), host_root=head.host_root.hex(), runtime_root=head.runtime_root.hex())


def _json(document: Any) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()
