"""The runtime tables before and after an upgrade, written down for other implementations to hold theirs against.

A folder holds `vectors.json` and one file for each table that stands before or after, named for it. Before is the
height that was tried, after is right behind the flip: what migrations, `pre_upgrade` and `post_upgrade` made, and no
transaction yet.

`vectors.json` is one object:

    format                       1
    chain_id chain_name          whose state it is
    proposal plan height         what was tried, and on which height
    base code_hash               SHA-256 of the bundles that ran before and run after, hex
    record_steps frozen          what a migration of one record may use; parameters that migrations are given, by name
    runtime_root_before _after   over all tables, hex
    tables                       in the order of their names; each an object:
        name was                 its name after, and before; null where it does not stand
        key                      kinds of the parts of its key, after where it stands then
        migrated                 whether a migration makes its records
        schema_before _after     digest of record and key, hex, null where it does not stand
        root_before _after       of its tree, hex, null where it does not stand
        rows file                lines in its file, and the file's name

A table's file has a line for each key that stands before or after, in ascending order of the key's bytes. A line is an
object of three: `key`, and `old` and `new`, the canonical bytes of the record before and after; all hex, null where
there is no record.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.trial.stage import Stage
from runtime.bundle.loader import LoadedRuntime
from runtime.invariants.counters import AGGREGATES
from runtime.migration import renames
from storage.overlay import Overlay
from storage.tables import Table

FORMAT = 1
FILE = "vectors.json"

Row = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Pair:
    """One table before and after; None where it does not stand."""

    was: Table[Any] | None
    now: Table[Any] | None

    @property
    def name(self) -> str:
        """What its file is named for."""
        table = self.now or self.was
        assert table is not None, "a table stands before or after"
        return table.name


def write_vectors(stage: Stage, overlay: Overlay, new: LoadedRuntime, folder: Path) -> None:
    """Write all of it into a new folder; ``overlay`` stands right behind the flip."""
    folder.mkdir()
    after = {one.name: one.root for one in stage.result.tables}
    pairs = _pairs(stage, new)
    tables = []
    for pair in pairs:
        file = f"{pair.name}.jsonl"
        rows = _write_rows(folder / file, stage, overlay, pair)
        root_before = None if pair.was is None else stage.before[pair.was.name].hex()
        root_after = None if pair.now is None else after[pair.now.name].hex()
        tables.append({**_named(stage, pair), "root_before": root_before, "root_after": root_after,
                       "rows": rows, "file": file})  # fmt: skip
    document = {**_about(stage), "runtime_root_after": stage.state.prepare(overlay).runtime_root.hex(),
                "tables": tables}  # fmt: skip
    (folder / FILE).write_text(json.dumps(document, indent=2) + "\n", encoding="ascii")


def _about(stage: Stage) -> dict[str, Any]:
    plan = stage.coordinator(stage.state.overlay()).plan(stage.subject.plan)
    identity, subject = stage.chain.identity, stage.subject
    return {
        "format": FORMAT,
        "chain_id": identity.chain_id,
        "chain_name": identity.chain_name,
        "proposal": subject.proposal,
        "plan": subject.plan,
        "height": subject.height,
        "base": plan.base.hex(),
        "code_hash": subject.code_hash,
        "record_steps": plan.record_steps,
        "frozen": {one.name: str(one.value) for one in plan.frozen},
        "runtime_root_before": subject.runtime_root,
    }


def _pairs(stage: Stage, new: LoadedRuntime) -> list[Pair]:
    """Every table of the runtime half, by the name of its file."""
    before = {**stage.chain.loaded.tables, AGGREGATES.name: AGGREGATES}
    after = {**new.tables, AGGREGATES.name: AGGREGATES}
    was = {now: old for old, now in renames(new)}
    pairs = [Pair(before.get(was.get(name, name)), table) for name, table in after.items()]
    known = {pair.was.name for pair in pairs if pair.was is not None}
    pairs += [Pair(table, None) for name, table in before.items() if name not in known]
    return sorted(pairs, key=lambda pair: pair.name)


def _named(stage: Stage, pair: Pair) -> dict[str, Any]:
    table = pair.now or pair.was
    assert table is not None, "a table stands before or after"
    return {
        "name": pair.now and pair.now.name,
        "was": pair.was and pair.was.name,
        "key": list(table.key),
        "migrated": pair.name in stage.growth.migrators,
        "schema_before": pair.was and pair.was.schema_digest.hex(),
        "schema_after": pair.now and pair.now.schema_digest.hex(),
    }


def _write_rows(path: Path, stage: Stage, overlay: Overlay, pair: Pair) -> int:
    old = iter(()) if pair.was is None else stage.state.rows(pair.was.name)
    new = iter(()) if pair.now is None else _rows(overlay, pair.now)
    count = 0
    with path.open("x", encoding="ascii") as file:
        for key, before, after in beside(old, new):
            line = {"key": key.hex(), "old": _hex(before), "new": _hex(after)}
            file.write(json.dumps(line) + "\n")
            count += 1
    return count


def _hex(raw: bytes | None) -> str | None:
    return None if raw is None else raw.hex()


def _rows(overlay: Overlay, table: Table[Any]) -> Iterator[Row]:
    encode, pack = table.codec.encode, table.pack
    return ((pack(key), encode(record)) for key, record in overlay.scan(table))


def beside(old: Iterator[Row], new: Iterator[Row]) -> Iterator[tuple[bytes, bytes | None, bytes | None]]:
    """Two runs of rows in key order as one: key, the first's value, the second's, None where one has no such key."""
    left, right = next(old, None), next(new, None)
    while left is not None or right is not None:
        key = min(row[0] for row in (left, right) if row is not None)
        first = second = None
        if left is not None and left[0] == key:
            first, left = left[1], next(old, None)
        if right is not None and right[0] == key:
            second, right = right[1], next(new, None)
        yield key, first, second

