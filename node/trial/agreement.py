"""Whether two sets of vectors agree, and the first place where they do not: by table, then in the order of keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.errors import NodeError
from node.trial.vectors import FILE, FORMAT

TRIED = ("chain_name", "base", "code_hash", "height", "record_steps", "frozen", "runtime_root_before")
"""What both must have tried, for a comparison to mean anything; the first that differs is the difference."""
ABOUT = ("was", "key", "migrated", "schema_before", "schema_after", "root_before", "root_after")
"""What is said of a table beside its rows."""


class VectorsUnreadable(NodeError):
    """A folder holds no vectors that this release can read."""

    code = "vectors_unreadable"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} holds no vectors of a rehearsal ({reason}): make them with --export")
        self.path = str(path)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where two sets differ."""

    table: str
    """Empty when they are not of the same upgrade on the same state."""
    key: str
    """Hex; empty when it is not a row that differs."""
    what: str
    """`old` or `new` of a row, or the name of what is said otherwise."""
    first: Any
    second: Any


def first_difference(
    first: Path, second: Path, progress: Callable[[int], None] = lambda _: None
) -> Difference | None:
    """Compare two folders; None when they agree in every byte. Raises VectorsUnreadable."""
    one, other = _read(first), _read(second)
    tried = _said_otherwise("", TRIED, one, other)
    if tried is not None:
        return tried
    ours, theirs = _by_name(one), _by_name(other)
    for name in sorted(ours.keys() | theirs.keys()):
        found = _in_table(name, (first, ours.get(name)), (second, theirs.get(name)), progress)
        if found is not None:
            return found
    return _said_otherwise("", ("runtime_root_after",), one, other)


def _in_table(
    name: str,
    first: tuple[Path, dict[str, Any] | None],
    second: tuple[Path, dict[str, Any] | None],
    progress: Callable[[int], None],
) -> Difference | None:
    (here, one), (there, other) = first, second
    if one is None or other is None:
        return Difference(name, "", "table", one is not None, other is not None)
    with ExitStack() as open_files:
        rows = [_rows(folder, table, open_files) for folder, table in ((here, one), (there, other))]
        for number, (left, right) in enumerate(_pairs(*rows), 1):
            found = _in_row(name, left, right)
            if found is not None:
                return found
            progress(number)
    return _said_otherwise(name, ABOUT, one, other)


def _said_otherwise(
    table: str, names: tuple[str, ...], one: dict[str, Any], other: dict[str, Any]
) -> Difference | None:
    said = next((name for name in names if one.get(name) != other.get(name)), None)
    return None if said is None else Difference(table, "", said, one.get(said), other.get(said))


def _in_row(table: str, left: dict[str, Any] | None, right: dict[str, Any] | None) -> Difference | None:
    key = min(row["key"] for row in (left, right) if row is not None)
    for what in ("old", "new"):
        first = None if left is None else left[what]
        second = None if right is None else right[what]
        if first != second:
            return Difference(table, key, what, first, second)
    return None


def _pairs(
    left: Iterator[dict[str, Any]], right: Iterator[dict[str, Any]]
) -> Iterator[tuple[dict[str, Any] | None, dict[str, Any] | None]]:
    """Rows of equal keys side by side, in key order; hex of lower case has the order of the bytes."""
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        key = min(row["key"] for row in (one, other) if row is not None)
        mine = one is not None and one["key"] == key
        theirs = other is not None and other["key"] == key
        yield one if mine else None, other if theirs else None
        one = next(left, None) if mine else one
        other = next(right, None) if theirs else other


def _read(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads((folder / FILE).read_text(encoding="ascii"))
        found = document["format"]
        named = [(str(table["file"]), str(table["name"] or table["was"])) for table in document["tables"]]
    except OSError as error:
        raise VectorsUnreadable(folder, str(error)) from None
    except (ValueError, KeyError, TypeError) as error:
        raise VectorsUnreadable(folder, f"{FILE}: {error!r}") from None
    if found != FORMAT or any(Path(file).name != file for file, _ in named):
        raise VectorsUnreadable(folder, f"{FILE} has format {found!r}, this release reads {FORMAT}")
    result: dict[str, Any] = document
    return result


def _by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {str(table["name"] or table["was"]): table for table in document["tables"]}


def _rows(folder: Path, table: dict[str, Any], open_files: ExitStack) -> Iterator[dict[str, Any]]:
    path = folder / str(table["file"])
    try:
        file = open_files.enter_context(path.open(encoding="ascii"))
    except OSError as error:
        raise VectorsUnreadable(folder, str(error)) from None
    return _lines(folder, path.name, file)


def _lines(folder: Path, name: str, file: Iterator[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(file, 1):
        try:
            row = json.loads(line)
            whole = isinstance(row["key"], str) and {"key", "old", "new"} == row.keys()
        except (ValueError, KeyError, TypeError) as error:
            raise VectorsUnreadable(folder, f"{name}:{number}: {error!r}") from None
        if not whole:
            raise VectorsUnreadable(folder, f"{name}:{number} is no row")
        yield row
