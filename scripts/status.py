"""`synod status`: where a chain stands, asked from its node, or read from a home whose node does not run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from node.address import NodeAddress
from node.backups import lost, needs_told
from node.errors import NodeUnreachable
from node.incident import shelf
from storage.checkpoint import list_checkpoints
from storage.headfile import read_head
from storage.home import Home
from storage.signing import LastSigned

from .client import Client, NodeStrange, url_option
from .command import command, run
from .console import Answer, columns, span_text
from .options import home_option
from .proposing import rehearsals_text

Rows = list[tuple[str, str]]


@command(
    "status",
    examples=("synod status", "synod status --home /tmp/node", "synod status --url http://127.0.0.1:8650 --json"),
)
@home_option
@url_option
def command_line(home: Path, url: str | None) -> Answer:
    """Height, roots, running runtime and mempool of a node; of a home that is not running, what its files say."""
    if url is not None:
        return of_node(url)
    opened = Home.open(home)
    running = NodeAddress.of(opened)
    if running is None:
        return of_files(opened)
    try:
        return of_node(running.url, opened)
    except (NodeUnreachable, NodeStrange):  # killed, and its process id or port is another's now
        return of_files(opened)


def of_node(url: str, home: Home | None = None) -> Answer:
    """What a node says of itself, and what its home says, where that is at hand; raises NodeUnreachable, NodeStrange,
    NodeProblem."""
    with Client(url) as client:
        said = client.status()
        try:
            health, upgrade, history = client.health(), client.upgrade(), client.upgrades(1)
            kept = {} if home is None else _kept(home)
            rows = [*_told(url, said, health, upgrade, history), *_kept_rows(kept)]
        except KeyError as missing:
            raise NodeStrange(url, f"no {missing} in what it answers") from None
    chain = {"health": health, "upgrade": upgrade, "history": history}
    return Answer({"running": True, "url": url, **said, **chain, **kept}, columns(rows))


def _told(
    url: str, said: dict[str, Any], health: dict[str, Any], upgrade: dict[str, Any], history: list[dict[str, Any]]
) -> Rows:
    runtime, until = said["runtime"], upgrade["rollback_until"]
    sick = ", ".join(f"{part['name']}: {part['detail']}" for part in health["parts"] if not part["healthy"])
    return [
        ("chain", said["chain_id"]),
        ("node", f"{url}, {said['state']}, release {said['release']}, {said['driver']}"),
        ("health", sick or "good"),
        ("height", f"{said['height']:,}"),
        ("runtime", f"{runtime['version']} since {runtime['since']:,}, code hash {runtime['code_hash']}"),
        ("upgrade", _planned(upgrade["pending"])),
        *_prepared(upgrade["pending"]),
        *((("rollback", f"possible until height {int(until):,}"),) if until is not None else ()),
        *((("replay", _replayed(upgrade["replay"])),) if upgrade["replay"] is not None else ()),
        *(("last upgrade", _happened(one)) for one in history[:1]),
        ("safe mode", "; ".join(map(_stopped, said["stops"])) or "off"),
        ("mempool", f"{said['mempool_transactions']:,} transactions, {said['mempool_bytes']:,} bytes"),
        ("app root", said["app_root"]),
        ("runtime root", said["runtime_root"]),
        ("host root", said["host_root"]),
    ]


def _happened(line: dict[str, Any]) -> str:
    """The newest line of the upgrade history."""
    entry = line["entry"]
    why = f" ({entry['reason']})" if entry["reason"] else ""
    upgrade = f"{entry['version_from']} to {entry['version_to']}"
    way = f"the backup {entry['restored'][:16]}" if entry["restored"] else upgrade
    return f"{entry['kind'].replace('_', ' ')} at {line['height']:,}: {way}, proposal {entry['proposal']}{why}"


def _kept(home: Home) -> dict[str, Any]:
    """What a home's folders say that the chain does not: reports of what went wrong, and checkpoints that are lost."""
    incidents = [{"id": name, "seen": shelf.seen(home, name)} for name in shelf.ids(home)]
    return {"incidents": incidents, "checkpoints_lost": [str(loss) for loss in lost(home, needs_told(home))]}


def _kept_rows(kept: dict[str, Any]) -> Rows:
    """Nothing of what is in order."""
    incidents = kept.get("incidents", [])
    unseen = sum(not one["seen"] for one in incidents)
    rows = [("incidents", f"{len(incidents)}, {unseen} not looked at: synod incident list")] if incidents else []
    return [*rows, *(("lost", loss) for loss in kept.get("checkpoints_lost", []))]


def _stopped(stop: dict[str, Any]) -> str:
    what = f"module {stop['module']} is isolated" if stop["module"] else "on: runtime calls wait"
    end = f"to height {stop['until']:,}" if stop["until"] else "until a vote"
    return f"{what}, since height {stop['since']:,} {end} ({stop['reason']})"


def _replayed(replay: dict[str, Any]) -> str:
    """How far a rollback is that is under way."""
    left = f"{replay['heights_left']:,} heights left from {replay['next']:,} on, calls wait behind them"
    return f"since {replay['returned']:,}: {replay['replayed']:,} run again, {replay['not_replayed']:,} not; {left}"


def _planned(pending: dict[str, Any] | None) -> str:
    if pending is None:
        return "none approved"
    plan = pending["plan"]
    what = f"the backup {plan['backup'][:16]} returns" if plan["backup"] else f"to {plan['version']}"
    return f"{what} at height {int(plan['activation']):,}, proposal {plan['proposal']}"


def _prepared(pending: dict[str, Any] | None) -> list[tuple[str, str]]:
    """How far the pending upgrade's rehearsals and growth are."""
    if pending is None:
        return []
    growth, rehearsals = pending["growth"], pending["rehearsals"]
    told = [] if rehearsals is None else [("rehearsals", rehearsals_text(rehearsals))]
    if growth is not None:
        failing = f", {growth['failing']:,} failing" if growth["failing"] else ""
        left = f", about {span_text(growth['seconds_left'])} left" if growth["seconds_left"] else ""
        told.append(("growth", f"{growth['phase']}, {growth['done']:,} of {growth['total']:,} records{failing}{left}"))
    return told


def of_files(home: Home) -> Answer:
    """What the files of a home say without opening its database; raises what storage finds broken."""
    head = read_head(home.head_file)
    signed = LastSigned.open(home.last_signed_file).last
    checkpoints = [one.name for one in list_checkpoints(home)]
    kept = _kept(home)
    data = {
        "running": False,
        "home": str(home.root),
        "height": head.height,
        "app_root": head.app_root,
        "host_root": head.host_root,
        "runtime_root": head.runtime_root,
        "last_signed": signed.height,
        "checkpoints": checkpoints,
        **kept,
    }
    rows = [
        ("home", f"{home.root}, not running"),
        ("height", f"{head.height:,}"),
        ("last signed", f"{signed.height:,}"),
        ("checkpoints", ", ".join(checkpoints) or "none"),
        ("app root", head.app_root.hex()),
        ("runtime root", head.runtime_root.hex()),
        ("host root", head.host_root.hex()),
        *_kept_rows(kept),
    ]
    return Answer(data, columns(rows))


if __name__ == "__main__":
    run(command_line)
