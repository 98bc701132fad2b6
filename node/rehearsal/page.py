"""The report as one HTML file: no script, no outside host, readable in any browser and in print."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from node.rehearsal.record import Attested, Check, Rehearsal, RollbackRecord, Share, UpgradeRecord

STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --soft: #667; --line: #d5d9e2; --ok: #1a7f4b; --bad: #b3261e;
  --bar: #4866c8; --paper: #fff; --card: #f6f7fa }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9f0; --soft: #9aa3b5; --line: #39404f; --ok: #58c48b;
  --bad: #ff8a80; --bar: #8ea6ff; --paper: #14181f; --card: #1d232d } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 62rem; padding: 2rem 1.25rem 4rem }
h1 { font-size: 1.7rem; margin: 0 } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem }
p.sub { color: var(--soft); margin: .25rem 0 0 }
.verdict { display: inline-block; margin: 1rem 0 0; padding: .3rem .9rem; border-radius: 99px; color: #fff;
  font-weight: 600; background: var(--ok) } .verdict.failed { background: var(--bad) }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.25rem;
  margin: 1rem 0; overflow-x: auto }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .25rem .8rem .25rem 0;
  vertical-align: top; border-bottom: 1px solid var(--line) } tr:last-child td { border-bottom: 0 }
* + table { margin-top: 1.25rem }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
code { font: .82em ui-monospace, monospace; overflow-wrap: anywhere }
.ok { color: var(--ok); font-weight: 600 } .bad { color: var(--bad); font-weight: 600 }
.bar { background: var(--line); border-radius: 99px; height: .6rem; position: relative; min-width: 9rem }
.bar i { display: block; height: 100%; border-radius: 99px; background: var(--bar) }
.bar b { position: absolute; top: -.2rem; width: 2px; height: 1rem; background: var(--ink) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: .5rem 0 }
dt { color: var(--soft) } dd { margin: 0 }
"""

NUMBER = re.compile(r"[0-9][0-9,]*( of [0-9,]+)?")


def page(record: Rehearsal) -> str:
    """The whole document."""
    verdict = "passed" if record.passed else "failed"
    keys = "; every key is a substitute derived from the seed" if record.substitute_keys else ""
    parts = [
        f"<h1>Rehearsal of {escape(record.chain_name)}</h1>",
        f'<p class="sub">{escape(record.chain_id)}, from {escape(record.source)}, seed {escape(record.seed)}. '
        f"1 machine, {record.signatures} signatures{keys}.</p>",
        f'<p class="verdict {verdict}">{verdict}</p>',
        *(f'<p class="bad">{escape(failure)}</p>' for failure in record.failures),
        "<h2>The chain</h2>" + _section(_facts(_chain(record))),
        "<h2>Timeline</h2>" + _section(_timeline(record)),
        *(_upgrade(upgrade) for upgrade in record.upgrades),
        *((_rollback(record.rollback),) if record.rollback is not None else ()),
        "<h2>Checks</h2>" + _section(_checks(record.checks)),
        *(f'<p class="sub">{escape(note)}</p>' for note in record.notes),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Rehearsal of {escape(record.chain_name)}: {verdict}</title><style>{STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _section(content: str) -> str:
    return f"<section>{content}</section>"


def _facts(rows: Iterable[tuple[str, str]]) -> str:
    """Name and value pairs; values are HTML already."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in rows) + "</dl>"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML already; a plain number, or one number of another, stands to the right."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(
        "<tr>" + "".join(f"<td{' class=n' if NUMBER.fullmatch(cell) else ''}>{cell}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _chain(record: Rehearsal) -> list[tuple[str, str]]:
    return [
        ("accounts", f"{record.accounts:,}"),
        ("validators", f"{record.validators:,}, {record.bonded:,} of them bonded"),
        ("delegations", f"{record.delegations:,}"),
        ("supply", f"{record.supply:,} units"),
        ("blocks", f"{record.blocks:,} in {record.seconds:.1f} s"),
        ("app root", _code(record.app_root)),
        ("runtime root", _code(record.runtime_root)),
        ("host root", _code(record.host_root)),
    ]


def _timeline(record: Rehearsal) -> str:
    rows = [(f"{moment.height:,}", escape(moment.what), escape(moment.detail)) for moment in record.timeline]
    return _table(("height", "what", ""), rows)


def _upgrade(one: UpgradeRecord) -> str:
    well = one.outcome == one.expected
    meant = ", as was meant to happen" if well and one.outcome != "executed" else ""
    ended = f'<span class="{"ok" if well else "bad"}">{escape(one.outcome.replace("_", " "))}{meant}</span>'
    reason = f" ({escape(one.reason)}{' at ' + escape(one.where) if one.where else ''})" if one.reason else ""
    facts = [
        ("outcome", ended + reason + ("" if well else f", expected {escape(one.expected)}")),
        ("code hash", _code(one.code_hash)),
        ("effect", _code(one.effect) + (" breaking" if one.breaking else " safe")),
    ]
    if one.attested is not None:
        facts += _attested(one.attested)
    if one.checkpoint is not None:
        taken = one.checkpoint
        pause = (
            f"{one.pause_ms:.0f} ms at height {one.activation:,}: {one.migrated:,} records migrated, executing "
            f"{one.execution_ms:.0f} ms, committing {one.commit_ms:.0f} ms"
        )
        facts.append(("checkpoint", f"of height {taken.height:,}: {taken.bytes:,} bytes in {taken.milliseconds} ms"))
        facts.append(("pause", pause))
    if one.detail:
        facts.append(("failed", escape(one.detail)))
    if one.root_before:
        facts += [("root before", _code(one.root_before)), ("root after", _code(one.root_after))]
    changes = _table(("class", "change", "of"), [tuple(map(escape, change)) for change in one.changes])
    votes = "".join(
        _table((f"vote on {vote.track}", "", "counted", "needed"), [_share(share) for share in vote.shares])
        for vote in one.votes
    )
    title = f"Proposal {one.proposal}: {one.title}, {one.version_from} to {one.version_to}"
    invariants = _checks(one.invariants) if one.invariants else ""
    return f"<h2>{escape(title)}</h2>" + _section(_facts(facts) + votes + changes + invariants)


def _attested(one: Attested) -> list[tuple[str, str]]:
    heights = [f"rehearsed at {trial.height:,}" for trial in one.trials]
    ends = [f"{escape(trial.code)}{' in ' + escape(trial.failed) if trial.failed else ''}" for trial in one.trials]
    took = [f"{trial.milliseconds / 1000:.1f} s, {trial.memory_bytes // 2**20} MiB" for trial in one.trials]
    word = f"{one.validators} validators, {one.power:,} of {one.all_power:,} power on one of {one.results} results"
    return [
        *zip(heights, map(": ".join, zip(ends, took, strict=True)), strict=True),
        ("attested", f"{word}: {escape(one.code or 'passed')}{', reversible' if one.reversible else ''}"),
        (f"gate at {one.gate:,}", f"{escape(one.verdict.replace('_', ' '))} on {_code(one.result)}"),
    ]


def _share(share: Share) -> tuple[str, str, str, str]:
    part = 100 * share.part // share.whole if share.whole else 0
    above, _, below = share.needed.rpartition(" ")[2].partition("/")
    needed = 100 * int(above) // int(below) if below else None
    line = "" if needed is None else f'<b style="left:{needed}%"></b>'
    mark = '<span class="ok">held</span>' if share.reached else '<span class="bad">not held</span>'
    bar = f'<div class="bar"><i style="width:{min(part, 100)}%"></i>{line}</div>'
    return escape(share.name), bar, f"{share.part:,} of {share.whole:,}", f"<span>{escape(share.needed)}</span> {mark}"


def _rollback(one: RollbackRecord) -> str:
    same = one.base_root == one.returned_root
    facts = [
        ("why", escape(one.reason)),
        ("heights", f"activated {one.activation:,}, broke {one.broke:,}, returned {one.height:,}"),
        ("root of A-1", _code(one.base_root)),
        ("root after return", _code(one.returned_root) + (' <span class="ok">equal</span>' if same else "")),
        ("replay", f"{one.replayed:,} replayed, {one.not_replayed:,} not replayable; each has its second receipt"),
    ]
    rows = [
        (f"{height:,}", _code(tx[:16]), escape(first), escape(second)) for height, tx, first, second in one.receipts
    ]
    return "<h2>Rollback</h2>" + _section(
        _facts(facts) + _table(("height", "transaction", "first receipt", "second receipt"), rows)
    )


def _checks(checks: Iterable[Check]) -> str:
    rows = [
        (
            '<span class="ok">holds</span>' if check.holds else '<span class="bad">broken</span>',
            escape(check.name),
            escape(check.detail),
        )
        for check in checks
    ]
    return _table(("", "check", ""), rows)
