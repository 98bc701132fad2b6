"""`synod verify`: whether a running deployment is what its chain's history says, and well.

Used by itself at any time, and by `synod upgrade` when the probation is over. It asks and changes nothing. Invariants
are held against the aggregates that every block keeps; `synod rehearse-upgrade` counts those anew from the rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from node.backups import lost, needs_told
from runtime.address import ADDRESS_BYTES, address_text
from runtime.bundle.declarations import ModuleDeclaration
from runtime.metering.limits import MAX_CODE
from runtime.plans import CLOSED, EXECUTED, ROLLED_BACK, VERIFIED
from storage.home import Home

from .client import Answered, Client, NodeProblem, asking, url_option
from .command import command, run
from .console import Answer
from .exits import Exit
from .findings import Finding, all_passed, findings_data, findings_text
from .options import home_option
from .runtimes import Shown

MOVED = frozenset({EXECUTED, VERIFIED, CLOSED, ROLLED_BACK})
"""Lines of the history whose `version_to` runs from then on."""
LINES = 100
"""Newest lines of the history that are looked at."""
SAMPLES: dict[str, Any] = {
    "address": address_text(bytes(ADDRESS_BYTES)),
    "amount": "0",
    "data": "",
    "flag": False,
    "hash": "00" * 32,
    "text": "",
}
"""Arguments by kind, to try a query with."""


@command("verify", examples=("synod verify", "synod verify --home my-home --json", "synod verify --url http://host:8650"))
@home_option
@url_option
def command_line(home: Path, url: str | None) -> Answer:
    """Check a running deployment: node, health and a basic query of every module, invariants, version, manifest.

    Exit 0: every check passed. 1: one failed. 3: no node answers.
    """
    with asking(home, url) as client:
        findings = list(checks_after(client, None if url is not None else Home(home)))
    data = {"passed": all_passed(findings), "checks": findings_data(findings)}
    return Answer(data, findings_text(findings), Exit.PASSED if data["passed"] else Exit.REFUSED)


def checks_after(client: Client, home: Home | None) -> Iterator[Finding]:
    """Every check, in order; those of the home's files only where the home is at hand."""
    status, health = client.status(), client.health()
    sick = "; ".join(f"{part['name']}: {part['detail']}" for part in health["parts"] if not part["healthy"])
    stands = f"{status['state']} at height {status['height']:,}, app root {status['app_root']}"
    yield Finding("node", health["healthy"] and status["state"] == "running", sick or stands)
    yield from chain_checks(client)
    runtime = Shown(client)
    for module in runtime.declaration.modules:
        yield _basic_call(client, module)
    yield _version(client)
    if home is None:
        yield Finding("manifest", None, "not looked at: it stands in the node's home")
    else:
        yield _manifest(home, client)


def chain_checks(client: Client) -> Iterator[Finding]:
    """Health of every module, and the invariants."""
    chain = client.chain_health()
    for one in chain["modules"]:
        where = f" at {one['file']}:{one['line']}" if one["file"] else ""
        said = f"{one['code']}{where}" if one["code"] else "well" if one["hooks"] else "declares no health hook"
        yield Finding(f"health of {one['module']}", one["healthy"], said)
    broken, names = chain["broken"], chain["invariants"]
    if not chain["looked_at"]:
        yield Finding("invariants", None, f"{len(names)} in force; too many groups to look at in one answer")
    else:
        said = f"broken: {', '.join(broken)}" if broken else f"{len(names)} hold at height {chain['height']:,}"
        yield Finding("invariants", not broken, said)


def _basic_call(client: Client, module: ModuleDeclaration) -> Finding:
    """The module's first query that can be asked with plain values; a row of its first table where it has none. That a
    query refuses a made-up argument is an answer; that it does not end well is none."""
    for query in module.queries:
        needed = [spec for spec in query.args.fields if not spec.has_default]
        if any(spec.type.kind not in SAMPLES for spec in needed):
            continue
        arguments = {spec.name: SAMPLES[spec.type.kind] for spec in needed}
        return _asked(client, module.name, query.name, arguments, bool(needed))
    for table in module.tables:
        rows = list(client.rows(f"{module.name}.{table.name}", limit=1))
        return Finding(f"call of {module.name}", True, f"table {table.name} answers, {len(rows) or 'no'} row read")
    return Finding(f"call of {module.name}", None, "it has no query and no table")


def _asked(client: Client, module: str, query: str, arguments: Answered, made_up: bool) -> Finding:
    try:
        found = client.query(module, query, arguments)
    except NodeProblem as no:
        if made_up and no.exit is Exit.REFUSED:
            return Finding(f"call of {module}", None, f"{query} refuses a made-up argument: {no.code}")
        return Finding(f"call of {module}", False, f"{query}: {no.detail}")
    return Finding(f"call of {module}", True, f"{query} answers {str(found['result'])[:MAX_CODE]}")


def _version(client: Client) -> Finding:
    """What runs against the history; asked again where it changed between the two."""
    runs, history = client.status()["runtime"], client.upgrades(LINES)
    while (after := client.status()["runtime"]) != runs:
        runs, history = after, client.upgrades(LINES)
    line = next((one for one in history if one["entry"]["kind"] in MOVED), None)
    if line is None:
        told = "no upgrade stands in the newest history" if history else "no upgrade yet"
        return Finding("version", None, f"{runs['version']} runs since height {runs['since']:,}; {told}")
    entry = line["entry"]
    said = f"{entry['kind'].replace('_', ' ')} at {line['height']:,}"
    agrees = runs["version"] == entry["version_to"]
    return Finding("version", agrees, f"{runs['version']} runs; history says {entry['version_to']} ({said})")


def _manifest(home: Home, client: Client) -> Finding:
    """The manifest against what the chain says of itself. The file is written after a block and before the next one, so
    it must tell all that happened below the height that there was before it was read."""
    height = int(client.status()["height"])
    try:
        document = json.loads(home.manifest_file.read_text("ascii"))
        running = document["running"]
        told = {(one["height"], upgrade["plan"]) for upgrade in document["upgrades"] for one in upgrade["events"]}
    except (OSError, ValueError) as wrong:
        return Finding("manifest", False, f"{home.manifest_file} cannot be read: {wrong}")
    except (KeyError, TypeError):
        return Finding("manifest", False, f"{home.manifest_file} is no manifest of an upgrade history")
    if gone := lost(home, needs_told(home)):
        return Finding("manifest", False, "; ".join(str(loss) for loss in gone))
    runs = client.status()["runtime"]
    lines = {(one["height"], one["plan"]) for one in client.upgrades(LINES) if one["entry"]["kind"] in MOVED}
    missing = sorted(line for line in lines - told if line[0] < height)
    later = any(at >= height for at, _ in lines)
    if missing or (running != runs and not later):
        what = f"lacks the history of height {missing[0][0]:,}" if missing else "names another running runtime"
        return Finding("manifest", False, f"{home.manifest_file.name} {what}")
    return Finding("manifest", True, f"agrees with the history: {len(told)} steps, nothing that it needs is lost")


if __name__ == "__main__":
    run(command_line)
