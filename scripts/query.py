"""`synod query`: ask a query or read a table of the running runtime; with `--prove`, trust no answer.

A proof is checked here, by `storage/proofs.py`: that the row's bytes, or its absence, lead to the state root. The row
shown is then decoded from the proven bytes, and the key must be the one that was asked for. What remains to be
trusted is the root itself: by default the one that the same node names; `--root` takes one from elsewhere.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from node.errors import BadRequest
from node.http.values import parse_key
from storage.errors import ProofInvalid
from storage.proofs import Proof, verify

from .arguments import given
from .client import Answered, Client, asking, url_option
from .command import command, run
from .console import Answer, columns
from .identities import Identities
from .options import home_option
from .runtimes import Shown, TableShape

WIDEST = 160
"""Most characters of a line that holds a whole row."""
LONGEST = 72
"""Characters shown of a cell; a hash has 64."""


@command(
    "query",
    examples=(
        "synod query                                          # which queries and tables there are",
        "synod query bank.balance owner=syn1...",
        "synod query bank.accounts syn1...                    # one row of a table, by its key",
        "synod query bank.accounts syn1... --prove            # and check that it leads to the state root",
        "synod query staking.delegations syn1... --limit 10   # rows whose key begins so",
        "synod query upgrade.running --json                   # the host's tables too",
        "synod query host.registry                            # modules that may run, and who approved them",
    ),
)
@click.argument("name", metavar="[MODULE.NAME]", required=False)
@click.argument("words", metavar="[ARGUMENT=VALUE | KEY]...", nargs=-1)
@click.option("--prove", is_flag=True, help="Ask for a proof of the row, or of its absence, and check it here.")
@click.option("--root", help="The state root to prove against, 64 hex digits.  [default: the one the node names]")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Most rows shown of a table.")
@home_option
@url_option
def command_line(
    name: str | None, words: tuple[str, ...], prove: bool, root: str | None, limit: int, home: Path, url: str | None
) -> Answer:
    """Ask a query by its arguments, or read a table by its key.

    MODULE.NAME is a query or a table of what the chain runs now; the host's tables are upgrade.*, governance.* and
    host.*. Without a name all are listed. A whole key gives one row, the first parts of one the rows that begin so, no
    key all rows.

    Exit 0: answered, also with "no such row". 1: the query refused, or a proof does not hold. 2: wrong usage.
    """
    identities = Identities(home)
    with asking(home, url) as client:
        runtime = Shown(client)
        if name is None:
            return runtime.readable()
        asked, table = runtime.query(name), runtime.table(name)
        if asked is not None and (table is None or any("=" in word for word in words)):
            if prove or root:
                raise click.UsageError("a query computes; only rows of tables can be proven")
            answer = client.query(asked.module, asked.name, given(name, asked.args, words, identities.text))
            return Answer(answer, _plain(answer["result"]))
        if table is None:
            raise runtime.unknown(name)
        key = tuple(
            identities.text(word) if kind == "address" else word for kind, word in zip(table.key, words, strict=False)
        ) + words[len(table.key) :]
        if prove or root is not None or len(key) == len(table.key):
            return _one(client, table, key, root, prove or root is not None)
        return _several(client, table, key, limit)


def _several(client: Client, table: TableShape, prefix: tuple[str, ...], limit: int) -> Answer:
    _parsed(table, prefix)
    rows = list(client.rows(table.name, prefix, limit))
    text = listed(table, rows) if rows else "no rows"
    return Answer({"table": table.name, "rows": rows}, text + (f"\n(the first {limit})" if len(rows) == limit else ""))


def listed(table: TableShape, rows: list[Answered]) -> str:
    """A line for each row; where that is more than people can read, a line for each of its cells. Long cells are cut,
    and a field that repeats the key is left out."""
    repeated = {name for name in table.key_names if all(row["key"][name] == row["value"].get(name) for row in rows)}
    fields = [spec.name for spec in table.record.fields if spec.name not in repeated]
    header = (*table.key_names, *fields)
    whole = [(*row["key"].values(), *(_plain(row["value"][name]) for name in fields)) for row in rows]
    lines = [tuple(_cut(cell) for cell in line) for line in whole]
    text = columns(lines, header)
    if max(map(len, text.splitlines())) > WIDEST:
        text = "\n\n".join(columns(list(zip(header, line, strict=True))) for line in lines)
    return text if lines == whole else f"{text}\n(... is cut: --json shows all)"


def _cut(cell: str) -> str:
    return cell if len(cell) <= LONGEST else f"{cell[:LONGEST]}..."


def _one(client: Client, table: TableShape, key: tuple[str, ...], root: str | None, prove: bool) -> Answer:
    parsed = _parsed(table, key)
    if len(parsed) != len(table.key):
        raise click.UsageError(f"a proof is of one row: the key of {table.name} is {', '.join(table.key_names)}")
    answer = client.row(table.name, key, prove)
    if not prove:
        return Answer(answer, _shown(answer["row"]["value"]))
    value = proven(answer, table, parsed, root)
    answer = {**answer, "row": {**answer["row"], "value": value}, "proven": True}
    against = root or answer["app_root"]
    return Answer(answer, f"{_shown(value)}\nproven at height {answer['height']} against root {against}")


def proven(answer: Answered, table: TableShape, key: tuple[Any, ...], root: str | None) -> dict[str, Any] | None:
    """The row that the answer's proof holds for, None for a proven absence; raises ProofInvalid for anything else."""
    proof = Proof.from_json(answer["proof"])
    if (proof.table, proof.key) != (table.name, table.packed(key)):
        raise ProofInvalid("it is of another row than the one asked for")
    raw = verify(proof, read_root(root or answer["app_root"]))
    return None if raw is None else table.shown(raw)


def read_root(text: str) -> bytes:
    """A state root as people type it."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise click.UsageError("--root takes 64 hex digits")
    return raw


def _parsed(table: TableShape, key: tuple[str, ...]) -> tuple[Any, ...]:
    try:
        return parse_key(table.key, table.key_names, key)
    except BadRequest as wrong:
        names = ", ".join(f"{name} ({kind})" for name, kind in zip(table.key_names, table.key, strict=True))
        raise click.UsageError(f"{table.name}: {wrong}; its key is {names or 'empty'}") from None


def _shown(value: dict[str, Any] | None) -> str:
    return "no such row" if value is None else columns([(name, _plain(part)) for name, part in value.items()])


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    run(command_line)
