"""`synod rehearse-upgrade`: the trial that validators' nodes make of an upgrade, made by hand on a home's own state.

Exit codes: 0 passed, 1 the bundle failed (the report names step and code), 2 the command was given wrongly, 3 this
machine failed.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click

from node.trial.child import COPY, VECTORS
from node.trial.process import Trial, TrialLimits, copy_without_keys, room_in, share_backups
from node.trial.report import OVER_MEMORY, OVER_TIME, Line, Report, Step
from node.trial.vectors import FILE as VECTORS_FILE
from storage.checkpoint import Checkpoint
from storage.errors import StoreDamaged, StoreLocked
from storage.home import Home
from storage.restore import open_copy_of_running
from storage.state import State

from .checkpoint import CheckpointUnknown, found_checkpoint
from .command import command, run
from .console import Answer, Progress, columns
from .exits import Exit
from .options import home_option

REPORT = "report.json"
DEFAULTS = TrialLimits()
MORE = {
    OVER_TIME: "; that says nothing of the bundle where --seconds was short",
    OVER_MEMORY: "; that says nothing of the bundle where --memory-mib was small",
}
"""What to make of a trial that used up what it was allowed."""


@command(
    "rehearse-upgrade",
    examples=(
        "synod rehearse-upgrade 1",
        "synod rehearse-upgrade 1 --checkpoint 14400 --json",
        "synod rehearse-upgrade 1 --export vectors    # for other implementations, or for `synod rehearsal diff`",
    ),
)
@click.argument("proposal", type=click.IntRange(1))
@home_option
@click.option("--checkpoint", "which", metavar="NAME|HEIGHT|latest",
              help="Rehearse on this checkpoint.  [default: the newest state on disk]")  # fmt: skip
@click.option("--export", type=click.Path(file_okay=False, path_type=Path),
              help="A new folder for the runtime tables before and after, as JSON lines, and the report.")  # fmt: skip
@click.option("--seconds", type=click.IntRange(1), default=DEFAULTS.seconds, show_default=True,
              help="How long it may take.")  # fmt: skip
@click.option("--memory-mib", type=click.IntRange(64), default=DEFAULTS.memory_bytes >> 20, show_default=True,
              help="How much address space its process may use.")  # fmt: skip
def command_line(
    proposal: int, home: Path, which: str | None, export: Path | None, seconds: int, memory_mib: int
) -> Answer:
    """Live through the upgrade of PROPOSAL on a copy of this home's state, as validators' nodes do before its gate.

    A process without keys, with bounded time and memory, migrates the copy, decodes every record, counts every
    aggregate again, asks every module for its health, lives on for some blocks with the most recent real calls, and
    goes back. The home itself is only read, and its node may run on; where none runs, what a power loss left torn is
    cut first, as a start does. Nothing is attested; a proposal that is still being voted on can be rehearsed as well.
    """
    place = Home.open(home)
    _require_new(export)
    trial = Trial(proposal, TrialLimits(seconds, memory_mib << 20), export=export is not None)
    shown = _Shown()
    with room_in(place) as room:
        if which is None:
            _copy_newest(place, room / COPY)
        else:
            copy_without_keys(_checkpoint(place, which), room)
        share_backups(place, room)
        try:
            report = trial.hear(room, shown.at)
        finally:
            shown.end()
        if export is not None:
            _keep(room / VECTORS, export, report)
    return answer(report, export)


def _copy_newest(home: Home, place: Path) -> None:
    """Copy the newest state on disk; that of a stopped home whose end is torn is mended before, as a start does.
    Raises StoreDamaged for what is worse, and what else storage refuses."""
    try:
        open_copy_of_running(home, place)
    except StoreDamaged as damage:
        shutil.rmtree(place)
        try:
            with home.lock():
                State.open(home).close()
        except StoreLocked:
            raise damage from None
        open_copy_of_running(home, place)


def answer(report: Report, export: Path | None) -> Answer:
    """A report for people and programs."""
    data = {"passed": report.passed, **report.model_dump(mode="json")}
    exit_code = Exit.PASSED if report.passed else Exit.REFUSED
    return Answer(data, "\n".join(_lines(report, export)), int(exit_code))


def _lines(report: Report, export: Path | None) -> list[str]:
    what, said = report.subject, report.result
    upgrade = f"proposal {what.proposal}: {what.version_from} to {what.version_to}, code hash {what.code_hash}"
    lines = [upgrade, f"on the state of height {what.height:,}, runtime root {what.runtime_root}"]
    lines.append(columns([_row(step) for step in report.steps]))
    took = f"{report.milliseconds / 1000:.1f} s, {report.memory_bytes >> 20} MiB of memory, {report.disk_bytes:,} bytes"
    lines += [f"{took} written", f"result {said.digest.hex()}"]
    passed = f"PASSED, {'reversible' if said.reversible else 'not reversible'}"
    lines.append(passed if report.passed else f"FAILED: {said.code}{MORE.get(said.code, '')}")
    if export is not None:
        vectors = "tables before and after" if (export / VECTORS_FILE).exists() else "no tables, it failed before"
        lines.append(f"exported to {export}: {REPORT}, {vectors}")
    return lines


def _row(step: Step) -> tuple[str, str, str, str]:
    word = {"passed": "  ok", "failed": "  FAILED", "not_run": "  not run"}[step.outcome]
    seconds = "" if step.outcome == "not_run" else f"{step.milliseconds / 1000:.1f} s"
    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in step.counts.items())
    where = f" at {step.file}:{step.line}" if step.file else ""
    failed = f"{step.code}{where}{': ' + step.detail if step.detail else ''}"
    return word, step.name, seconds, failed if step.outcome == "failed" else counts


def _checkpoint(home: Home, which: str) -> Checkpoint:
    try:
        return found_checkpoint(home, which)
    except CheckpointUnknown as unknown:
        raise click.UsageError(str(unknown)) from None


def _require_new(export: Path | None) -> None:
    if export is not None and export.exists() and any(export.iterdir()):
        raise click.UsageError(f"{export} is not empty: name a new folder")


def _keep(vectors: Path, export: Path, report: Report) -> None:
    """Move what the trial wrote down to where it was asked for, with the report beside it."""
    export.mkdir(parents=True, exist_ok=True)
    for file in sorted(vectors.glob("*")):
        shutil.move(file, export / file.name)
    document = json.dumps(report.model_dump(mode="json"), indent=2) + "\n"
    (export / REPORT).write_text(document, encoding="ascii")


class _Shown:
    """One progress line for each step that lasts."""

    def __init__(self) -> None:
        self._line: Progress | None = None

    def at(self, line: Line) -> None:
        """Show where the trial is."""
        if line.at is None:
            return
        if self._line is None or self._line.what != line.at.step:
            self.end()
            self._line = Progress(line.at.step)
        self._line.total = line.at.total
        self._line.at(line.at.done)

    def end(self) -> None:
        """Leave the present line."""
        if self._line is not None:
            self._line.end()
            self._line = None


if __name__ == "__main__":
    run(command_line)
