"""What a trial looks at, in this order; the first step that fails is what validators attest.

| step      | what it shows                                                                                    |
|-----------|--------------------------------------------------------------------------------------------------|
| load      | the bundle's bytes are there, load, and may follow the runtime that runs                         |
| tests     | the bundle's own tests pass                                                                      |
| migrate   | every record migrates, every migration changes something, and one input row has few readers      |
| activate  | hooks, health and every rule hold at the flip, each declared reverse gives every old record again |
|           | (`reverse`), and the activating block executes                                                   |
| decode    | every record of every table, host and runtime, and every receipt and journal of the log decodes  |
| recount   | all aggregates, counted from the rows, are those kept incrementally; every rule and the supply    |
| modules   | every module and call that a module relies on is there; every module is in health                |
| blocks    | blocks past the activation, the most recent real calls among them; then `recount` again           |
| rollback  | going back gives the root of before, what came since is replayed, and blocks go on               |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from governance.admission import requires_pause
from governance.tables import TABLES as GOVERNANCE_TABLES
from node.trial.errors import TrialFailed
from node.trial.reverse import prove_reverse
from node.trial.stage import Stage
from node.trial.traffic import recent_calls, signed_again
from node.trial.vectors import write_vectors
from runtime.block_run import UNFORGIVEN
from runtime.bundle.declarations import HOOK_KINDS
from runtime.bundle.owntests import run_tests
from runtime.bundles import stored_bundle
from runtime.chain import RUNTIME_ROOM_TABLES, PreparedBlock
from runtime.growth.growth import FINISH_ROWS
from runtime.hooks import hook_item, run_hooks
from runtime.invariants.recount import broken_rules, count_rows, stored
from runtime.journal import JOURNALS
from runtime.parameters import Parameters
from runtime.plans import EXECUTED, ROLLED_BACK
from runtime.receipts import INVARIANT_BROKEN, OK
from runtime.sealing import RECEIPTS
from runtime.transaction import decode_transaction
from storage.blocklog import JOURNAL, SECOND
from storage.blocklog import RECEIPTS as RECEIPT_ROWS
from storage.catalogue import CATALOGUE
from storage.errors import RecordFault
from storage.tables import Half, Table

Counts = Mapping[str, int]
Told = Callable[[int, int], None]
"""(done, total) of the step under way."""
Check = Callable[[Stage, Told], Counts]

BLOCKS = 20
"""Blocks past the activation: the first half empty, the rest with calls."""
MOST_CALLS = 300
MOST_RETURNING = 100
"""Blocks in which the return and its replay must end."""
TICK_ROWS = 1024


def load(stage: Stage, told: Told) -> Counts:
    """Load the bundle, and hold it against the running one."""
    stage.begin()
    return {"migrations": len(stage.growth.migrators)}


def tests(stage: Stage, told: Told) -> Counts:
    """Run the bundle's own tests."""
    overlay, code_hash = stage.state.overlay(), bytes.fromhex(stage.subject.code_hash)
    bundle, loaded = stored_bundle(overlay, code_hash), stage.chain.library.get(overlay, code_hash)
    steps = Parameters(overlay, stage.state.height).integer("call_steps")
    passed = 0
    for failed in run_tests(bundle, loaded, steps):
        if failed is not None:
            raise TrialFailed("test_failed", str(failed), failed.file, failed.line)
        passed += 1
    return {"tests": passed}


def migrate(stage: Stage, told: Told) -> Counts:
    """Grow the next runtime's state to its end."""
    growth = stage.growth
    while growth.grow(FINISH_ROWS):
        progress = growth.progress()
        told(progress.done, progress.total)
    grown = growth.finish()
    fanouts = growth.fanouts()
    _require_small_fanouts(stage, fanouts)
    counts = {"records": grown.records, "most_readers_of_a_row": max(fanouts.values(), default=0)}
    return {**counts, **_left_behind(stage)}


def _left_behind(stage: Stage) -> dict[str, int]:
    """Rows and coins of each table whose rows a reinstall leaves behind."""
    counts = {}
    reinstalled = stage.growth.new.declaration.manifest.reinstalled
    for table in (one for one in stage.chain.loaded.declaration.tables() if one.module in reinstalled):
        counts[f"rows_left_in_{table.id}"] = stage.state.count(table.id)
        if coins := [spec.name for spec in table.record.fields if spec.value]:
            rows = _records(stage, stage.chain.loaded.tables[table.id])
            counts[f"coins_left_in_{table.id}"] = sum(getattr(record, name) for _, record in rows for name in coins)
    return counts


def _require_small_fanouts(stage: Stage, fanouts: Mapping[str, int]) -> None:
    """Raise TrialFailed when a write to one row, just before A, would leave too many records to the activating block
    though the proposal says nothing of a pause."""
    most = Parameters(stage.state.overlay(), stage.state.height).integer("max_fanout")
    for name, readers in sorted(fanouts.items()):
        if readers > most and not requires_pause(stage.proposal.content.value):
            made = stage.growth.migrators[name].declaration
            what = f"{readers} records of {name} read one row, more than max_fanout ({most}): say requires_pause"
            raise TrialFailed("pause_not_declared", what, made.file, made.line)


def activate(stage: Stage, told: Told) -> Counts:
    """Flip, keep what stands right then, and make the activating block."""
    overlay, _ = stage.chain.opened()
    stage.note_after(overlay)
    if stage.export is not None:
        write_vectors(stage, overlay, stage.growth.new, stage.export)
    counts = prove_reverse(stage, overlay, stage.growth.new)
    prepared = stage.block()
    ended = stage.ended()
    if ended is None or ended.kind != EXECUTED:
        reason, file, line = ("not_activated", "", 0) if ended is None else (ended.reason, ended.file, ended.line)
        raise TrialFailed(reason, prepared.opening.failure, file, line)
    return {"tables": len(stage.result.tables), **counts}


def decode(stage: Stage, told: Told) -> Counts:
    """Read every record as the runtime that runs now understands it, and what the log holds."""
    rows = 0
    state, declared = stage.state, _declared(stage)
    total = sum(state.count(name) for half in Half for name in state.catalogue.names(half))
    for name in (name for half in Half for name in state.catalogue.names(half)):
        table = declared.get(name)
        if table is None or table.schema_digest != state.catalogue.entry(name).schema:
            raise TrialFailed("table_not_declared", f"{name} is kept in a schema that nothing declares")
        for key, raw in state.rows(name):
            _decoded(table, key, raw)
            rows += 1
            if rows % TICK_ROWS == 0:
                told(rows, total)
    return {"rows": rows, **_log_decodes(stage)}


def recount(stage: Stage, told: Told) -> Counts:
    """Count every aggregate from the rows, and look at every rule in every group."""
    chain, overlay = stage.chain, stage.state.overlay()
    counters, tables = chain.counters(chain.loaded), chain.loaded.tables
    counted = count_rows(counters, lambda name: _records(stage, tables[name]))
    kept = stored(overlay)
    if counted != kept:
        aggregate, group = min(slot for slot in counted.keys() | kept.keys() if counted.get(slot) != kept.get(slot))
        raise TrialFailed("aggregates_differ", f"{aggregate}, group {group.hex() or 'all'}")
    broken = broken_rules(overlay, counters, tables)
    if broken:
        raise TrialFailed(INVARIANT_BROKEN, ", ".join(broken))
    return {"groups": len(counted), "rules": len(counters.rules) + 1}


def modules(stage: Stage, told: Told) -> Counts:
    """What modules rely on resolves, and each says that it is well."""
    chain = stage.chain
    manifest, loaded = chain.loaded.declaration.manifest, chain.loaded
    uses = 0
    for entry in manifest.modules:
        missing = [need for need in entry.needs if manifest.module(need) is None]
        missing += [use for use in entry.uses if tuple(use.split(".", 1)) not in loaded.calls]
        if missing:
            raise TrialFailed("module_call_broken", f"{entry.name} relies on {', '.join(missing)}", entry.source)
        uses += len(entry.uses)
    execution = chain.execution(stage.state.overlay(), loaded, stage.state.height + 1, False)
    health = run_hooks(execution, "health")
    for receipt in health:
        if receipt.code != OK:
            raise TrialFailed(f"health_{receipt.code}", "", receipt.file, receipt.line)
    return {"modules": len(manifest.modules), "uses": uses, "health": len(health)}


def blocks(stage: Stage, told: Told) -> Counts:
    """Live on under the new runtime; what would roll it back by itself fails the trial."""
    calls = recent_calls(stage.chain, MOST_CALLS)
    busy = BLOCKS // 2
    share = -(-len(calls) // busy)
    codes: Counter[str] = Counter()
    for number in range(BLOCKS):
        place = (number - busy) * share
        again = calls[place : place + share] if place >= 0 else []
        prepared = stage.block(tuple(signed_again(stage.chain, again)))
        _require_unharmed(stage, prepared)
        codes.update(receipt.code for receipt in prepared.receipts[: len(again)])
        told(number + 1, BLOCKS)
    recount(stage, told)
    return {"blocks": BLOCKS, "calls": len(calls), **{f"calls_{code}": codes[code] for code in sorted(codes)}}


def rollback(stage: Stage, told: Told) -> Counts:
    """Go back, replay, and go on under the old runtime."""
    stage.decide_rollback()
    for _ in range(MOST_RETURNING):
        stage.block()
        ended = stage.ended()
        if ended is not None:
            break
    else:
        raise TrialFailed("rollback_not_done", f"{MOST_RETURNING} blocks on the chain has not gone back")
    if ended.kind != ROLLED_BACK or ended.root_after != stage.result.runtime_root:
        raise TrialFailed("rollback_broken", "the runtime root of before the activation did not come back")
    recount(stage, told)
    stage.block()
    return {"replayed": ended.replayed, "not_replayable": ended.not_replayed}


STEPS: tuple[tuple[str, Check], ...] = (
    ("load", load),
    ("tests", tests),
    ("migrate", migrate),
    ("activate", activate),
    ("decode", decode),
    ("recount", recount),
    ("modules", modules),
    ("blocks", blocks),
    ("rollback", rollback),
)
"""Every step by its name, in order."""


def _declared(stage: Stage) -> dict[str, Table[Any]]:
    """Every table that host and runtime declare, by name."""
    host: tuple[Table[Any], ...] = (CATALOGUE, *RUNTIME_ROOM_TABLES, *GOVERNANCE_TABLES)
    return {**stage.chain.loaded.tables, **{table.name: table for table in host}}


def _decoded(table: Table[Any], key: bytes, raw: bytes) -> Any:
    try:
        table.unpack(key)
        return table.codec.decode_canonical(raw)
    except RecordFault as fault:
        raise TrialFailed("undecodable_record", f"{table.name} row {key.hex()}: {fault}") from fault


def _log_decodes(stage: Stage) -> Counts:
    """Receipts, first and second, and journals of every height that the log holds."""
    log = stage.state.log()
    counts = {"receipts": 0, "journals": 0}
    height = 0
    try:
        for height in log.heights(RECEIPT_ROWS):
            counts["receipts"] += len([RECEIPTS.decode(raw) for raw in log.receipts(height)])
        for height in sorted(set(log.heights(SECOND))):
            counts["receipts"] += len([RECEIPTS.decode(raw) for raw in log.second_receipts(height).values()])
        for height in log.heights(JOURNAL):
            journal = log.journal(height)
            counts["journals"] += journal is not None and JOURNALS.decode(journal) is not None
    except RecordFault as fault:
        raise TrialFailed("undecodable_record", f"the log of height {height}: {fault}") from fault
    return counts


def _records(stage: Stage, table: Table[Any]) -> Iterator[tuple[bytes, Any]]:
    return ((key, table.codec.decode(raw)) for key, raw in stage.state.rows(table.name))


def _require_unharmed(stage: Stage, prepared: PreparedBlock) -> None:
    """Raise TrialFailed when the block would roll the upgrade back, in probation or beyond it."""
    hooks = {hook_item(hook): hook for kind in HOOK_KINDS for hook in prepared.loaded.declaration.hooks(kind)}
    for place, receipt in enumerate(prepared.receipts):
        hook = hooks.get(receipt.item)
        if hook is not None and receipt.code in UNFORGIVEN:
            raise TrialFailed(f"{hook.kind}_{receipt.code}", "", receipt.file, receipt.line)
        if receipt.code == INVARIANT_BROKEN:
            what = _call_at(prepared, place) if hook is None else f"the {hook.kind} hook of {hook.module}"
            raise TrialFailed(INVARIANT_BROKEN, f"by {what}")
    window = stage.window()
    if window is not None and window.rollback_at:
        raise TrialFailed("rolled_back_in_probation", window.rollback_reason)


def _call_at(prepared: PreparedBlock, place: int) -> str:
    raw = prepared.block.transactions[place]
    call = decode_transaction(raw, len(raw)).body.call
    return f"a call of {call.module}.{call.name}"
