"""The report for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from node.rehearsal.record import Attested, Check, Rehearsal, RollbackRecord, UpgradeRecord


def report(record: Rehearsal) -> str:
    """The whole report as lines of text."""
    return "\n".join(_lines(record))


def _lines(record: Rehearsal) -> Iterator[str]:
    yield f"Rehearsal of {record.chain_name} as {record.chain_id} (from {record.source}, seed {record.seed})"
    yield (
        f"  {record.accounts:,} accounts, {record.validators} validators ({record.bonded} bonded), "
        f"{record.delegations:,} delegations, supply {record.supply:,} units"
    )
    yield f"  1 machine, {record.signatures} signatures{', all keys substitutes' if record.substitute_keys else ''}"
    yield from (f"  note: {note}" for note in record.notes)
    yield ""
    yield "Timeline"
    width = max((len(moment.what) for moment in record.timeline), default=0)
    for moment in record.timeline:
        yield f"  {moment.height:>9,}  {moment.what:<{width}}  {moment.detail}".rstrip()
    for upgrade in record.upgrades:
        yield ""
        yield from _upgrade(upgrade)
    if record.rollback is not None:
        yield ""
        yield from _rollback(record.rollback)
    yield ""
    yield "Checks"
    yield from (_check(check) for check in record.checks)
    yield ""
    yield f"{record.blocks:,} blocks in {record.seconds:.1f} s, app root {record.app_root}"
    yield "PASSED" if record.passed else f"FAILED: {'; '.join(record.failures)}"


def _upgrade(one: UpgradeRecord) -> Iterator[str]:
    ended = one.outcome.replace("_", " ") + (f": {one.reason}" if one.reason else "")
    wanted = "" if one.outcome == one.expected else f", expected {one.expected.replace('_', ' ')}"
    yield f"Proposal {one.proposal}: {one.title} ({one.version_from} -> {one.version_to}) {ended}{wanted}"
    yield f"  code hash {one.code_hash}"
    yield f"  effect    {one.effect} ({'breaking' if one.breaking else 'safe'})"
    yield from (f"    {kind:<9} {change:<18} {subject}" for kind, change, subject in one.changes)
    for vote in one.votes:
        if len(one.votes) > 1:
            yield f"  vote on proposal {vote.proposal} on track {vote.track}: {vote.decided}"
        for share in vote.shares:
            mark = "ok" if share.reached else "NOT HELD"
            yield f"  {share.name:<9} {share.part:,} of {share.whole:,}, needs {share.needed}: {mark}"
    if one.attested is not None:
        yield from _attested(one.attested)
    if one.checkpoint is not None:
        taken = one.checkpoint
        yield f"  checkpoint of {taken.height:,}: {taken.bytes:,} bytes in {taken.milliseconds} ms ({taken.name})"
        yield (
            f"  pause at {one.activation:,}: {one.pause_ms:.0f} ms ({one.migrated:,} records migrated; "
            f"executing {one.execution_ms:.0f} ms, committing {one.commit_ms:.0f} ms)"
        )
    if one.root_before:
        yield f"  runtime root before {one.root_before}"
        yield f"               after  {one.root_after}"
    if one.where or one.detail:
        yield "  failed" + (f" at {one.where}" if one.where else "") + (f": {one.detail}" if one.detail else "")
    yield from (_check(check) for check in one.invariants)


def _attested(one: Attested) -> Iterator[str]:
    for trial in one.trials:
        failed = f" in {trial.failed}" if trial.failed else ""
        yield (
            f"  rehearsed at {trial.height:,}: {trial.code}{failed} ({trial.milliseconds / 1000:.1f} s, "
            f"{trial.memory_bytes // 2**20} MiB)"
        )
    reversible = ", reversible" if one.reversible else ""
    yield (
        f"  attested by {one.validators} validators, {one.power:,} of {one.all_power:,} power on one of {one.results} "
        f"results: {one.code or 'passed'}{reversible}"
    )
    yield f"  gate at {one.gate:,}: {one.verdict} on {one.result}"


def _rollback(one: RollbackRecord) -> Iterator[str]:
    yield f"Rollback at {one.height:,}: {one.reason}"
    yield f"  activated at {one.activation:,}, broke at {one.broke:,}"
    yield f"  runtime root of {one.activation - 1:,}    {one.base_root}"
    yield f"  after the return, before replay  {one.returned_root}"
    yield f"  {one.replayed} transactions replayed, {one.not_replayed} not replayable, all with a second receipt"
    for height, transaction, first, second in one.receipts:
        if first != second:
            yield f"    {height:,} {transaction[:16]}  first {first}, second {second}"


def _check(check: Check) -> str:
    return f"  {'ok  ' if check.holds else 'FAIL'}  {check.name}{' (' + check.detail + ')' if check.detail else ''}"
