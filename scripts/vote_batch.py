"""Many votes from a table: a CSV file with the columns `proposal`, `vote` and `from`, a vote a line.

The whole file is read and held against the chain first: every line with something wrong is named, and then nothing is
sent. A vote that counts already as the line says is left alone, so a run that was interrupted is repeated as it was.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from governance.ballots import Split
from governance.calls import CastVote
from governance.errors import meaning
from governance.lifecycle import Status
from node.ballots import BallotUnreadable, read_ballot
from runtime.errors import RuntimeRoomError

from .ballots import says
from .client import Answered, NodeProblem
from .console import Answer, Progress, columns
from .exits import Exit
from .identities import Signer, SignerUnknown
from .proposing import encoded_host
from .signing import Desk

VOTE = "governance.vote"
COLUMNS = ("proposal", "vote", "from")
_NUMBER = re.compile("[0-9]{1,15}", re.ASCII)
AT_ONCE = 32
"""Votes that wait for their receipts together; well below what a block takes of one sender."""


@dataclass(frozen=True, slots=True)
class LineProblem:
    """What is wrong with a line; 1 is the header, 0 the file."""

    line: int
    message: str


class BatchRefused(Exception):
    """The file cannot be voted as it is; nothing was sent."""

    code = "bad_batch"
    exit = Exit.USAGE

    def __init__(self, path: Path, problems: tuple[LineProblem, ...]) -> None:
        lines = "\n".join(f"  {path}{f':{one.line}' if one.line else ''}: {one.message}" for one in problems)
        super().__init__(f"nothing was sent; correct the file:\n{lines}")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Line:
    """A vote to cast."""

    line: int
    number: int
    text: str
    option: str
    split: Split
    signer: Signer
    found: Answered
    """The proposal."""
    there: bool
    """It counts already."""


def vote_all(desk: Desk, path: Path) -> Answer:
    """Cast the votes of a file that are not cast yet; what became of each."""
    lines = _Batch(desk, path).lines()
    progress = Progress("voting", len(lines))
    results: list[dict[str, Any]] = []
    for first in range(0, len(lines), AT_ONCE):
        results += _cast(desk, lines[first : first + AT_ONCE])
        progress.at(len(results), f"line {results[-1]['line']}")
    progress.end()
    failed = [one for one in results if one["state"] in ("failed", "dropped", "refused")]
    there = sum(one["state"] == "there" for one in results)
    summary = f"{len(results) - len(failed) - there} cast, {there} there already, {len(failed)} failed"
    names = ("line", "proposal", "from", "vote", "code")
    rows = [(*(one[name] for name in names), meaning(one["code"])) for one in failed]
    text = f"{columns(rows, (*names, 'which means'))}\n{summary}" if failed else summary
    data = {"votes": results, "there": there, "failed": len(failed)}
    return Answer(data, text, int(Exit.REFUSED if failed else Exit.PASSED))


def _cast(desk: Desk, lines: list[Line]) -> Iterator[dict[str, Any]]:
    target = desk.runtime.call(VOTE)
    sent: list[tuple[Line, str, str]] = []
    for line in lines:
        if line.there:
            sent.append((line, "", "there"))
            continue
        what = line.found["proposal"]
        args = CastVote(
            proposal=line.number,
            option=line.option,
            split=line.split,
            bundle=bytes.fromhex(what["bundle"]),
            effect=bytes.fromhex(what["effect"]),
        )
        try:
            sent.append((line, desk.send(line.signer, target, encoded_host(VOTE, args)), ""))
        except NodeProblem as refused:
            sent.append((line, "", refused.code))
    for line, identity, code in sent:
        state = "there" if code == "there" else "refused"
        if identity:
            (outcome,) = desk.outcome([identity])
            state, code = outcome["state"], outcome.get("reason", "")
        yield {
            "line": line.line, "proposal": line.number, "from": line.signer.name, "vote": line.text,
            "state": state, "code": code if state != "there" else "", "transaction": identity,
        }  # fmt: skip


class _Batch:
    """A file being held against the chain; each name and proposal is looked up once."""

    def __init__(self, desk: Desk, path: Path) -> None:
        self._desk = desk
        self._path = path
        self._signers: dict[str, Signer | str] = {}
        self._proposals: dict[int, Answered | str] = {}
        self._seen: dict[tuple[int, bytes], int] = {}

    def lines(self) -> list[Line]:
        """Every vote of the file; raises BatchRefused with all that is wrong."""
        good: list[Line] = []
        problems: list[LineProblem] = []
        for number, row in self._rows():
            read = self._line(number, row)
            if isinstance(read, Line):
                good.append(read)
            else:
                problems.append(read)
        if not good and not problems:
            problems.append(LineProblem(2, "there is no vote in it"))
        if problems:
            raise BatchRefused(self._path, tuple(problems))
        return good

    def _rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file, strict=True)
                if sorted(reader.fieldnames or ()) != sorted(COLUMNS):
                    found = ", ".join(reader.fieldnames or ()) or "nothing"
                    wrong = LineProblem(1, f"the header names {', '.join(COLUMNS)}, not {found}")
                    raise BatchRefused(self._path, (wrong,))
                for row in reader:
                    yield reader.line_num, row
        except (csv.Error, UnicodeDecodeError) as failure:
            problem = LineProblem(0, f"it is no CSV file in UTF-8: {failure}")
            raise BatchRefused(self._path, (problem,)) from None

    def _line(self, line: int, row: dict[str, Any]) -> Line | LineProblem:
        if None in row or None in row.values():
            return LineProblem(line, f"it has not {len(COLUMNS)} values")
        words = {name: str(row[name]).strip() for name in COLUMNS}
        if not _NUMBER.fullmatch(words["proposal"]):
            return LineProblem(line, f"a proposal is a number, not {words['proposal'][:40]!r}")
        number = int(words["proposal"])
        try:
            option, split = read_ballot(words["vote"])
        except BallotUnreadable as wrong:
            return LineProblem(line, str(wrong))
        signer, found = self._signer(words["from"]), self._proposal(number)
        if isinstance(signer, str) or isinstance(found, str):
            return LineProblem(line, signer if isinstance(signer, str) else str(found))
        before = self._seen.setdefault((number, signer.address), line)
        if before != line:
            return LineProblem(line, f"{words['from']} votes on proposal {number} in line {before} already")
        elector = self._desk.client.elector(signer.text, number)
        if not int(elector["power"]) + int(elector["delegated"]):
            return LineProblem(line, f"{words['from']} has no power in the vote on proposal {number}")
        present = self._desk.client.row("governance.votes", (str(number), signer.text))["row"]["value"]
        return Line(line, number, words["vote"], option, split, signer, found, says(present, option, split))

    def _signer(self, name: str) -> Signer | str:
        if name not in self._signers:
            try:
                self._signers[name] = self._desk.signer(name)
            except (SignerUnknown, RuntimeRoomError, click.ClickException) as unknown:
                self._signers[name] = str(unknown)
        return self._signers[name]

    def _proposal(self, number: int) -> Answered | str:
        if number not in self._proposals:
            try:
                found = self._desk.client.proposal(number)
            except NodeProblem as problem:
                self._proposals[number] = problem.detail
            else:
                status = found["standing"]["status"]
                closed = f"proposal {number} is in {status}: no vote is open on it"
                self._proposals[number] = found if Status(status).takes_votes else closed
        return self._proposals[number]
