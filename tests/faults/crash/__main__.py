"""The command: see the package's text."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.faults.crash.campaign import Report, WorkerFailed, crash_states, failing_disks, take_interruptions, workspace
from tests.faults.crash.damage import Damager
from tests.faults.crash.examining import look_again
from tests.faults.crash.kills import Stopped, killed
from tests.faults.crash.shim import ShimImpossible
from tests.faults.crash.underload import checkpoints_under_load

STATES, KILLS, FILES, CHECKPOINTS = 10_000, 100, 600, 300
PASSED, VIOLATED, UNABLE = 0, 1, 3


class Progress:
    """One line on the terminal, with an estimate."""

    def __init__(self, whole: int, of: str) -> None:
        self._whole = whole
        self._of = of
        self._began = self._shown = time.monotonic()
        self._before: int | None = None
        """What an interrupted run had done: it took none of this run's time."""

    def __call__(self, done: int, wrong: int) -> None:
        """So many are done, so many of them wrong."""
        now = time.monotonic()
        if self._before is None:
            self._before = done
        if now - self._shown < 1:
            return
        self._shown = now
        whole, left = "", ""
        if self._whole:
            whole = f" of {self._whole:,}"
            each = (now - self._began) / max(1, done - self._before)
            left = f", {each * max(0, self._whole - done):,.0f} s left"
        end = "\r" if sys.stderr.isatty() else "\n"
        print(f"{done:,}{whole} {self._of}, {wrong} violations{left}   ", end=end, file=sys.stderr, flush=True)


def states(given: argparse.Namespace) -> int:
    """Open crash states until there are enough."""
    progress = Progress(given.states, "states")
    keep = given.keep or Path(tempfile.gettempdir()) / f"synod-crash-{given.seed}"
    report = crash_states(
        given.states,
        given.seed,
        given.workers,
        given.folder,
        keep,
        lambda report: progress(report.sum("states"), report.sum("violations")),
        given.resume,
    )
    print(
        f"{report.sum('states'):,} different states opened, of {report.sum('points'):,} crash points; "
        f"{report.sum('crossed'):,} went on across a change of runtime, {report.sum('lived'):,} to the end, "
        f"{report.sum('recoveries'):,} were crashed again at each change of their recovery"
    )
    return verdict(report.found, report.sum("violations"), report, "python -m tests.faults.crash open FOLDER")


def disks(given: argparse.Namespace) -> int:
    """Let disks fail."""
    progress = Progress(0, "runs")
    report = failing_disks(
        given.seed,
        given.folder,
        lambda report: progress(report.sum("typed") + report.sum("unharmed"), len(report.found)),
    )
    print(f"{report.sum('typed'):,} runs ended in a typed error, {report.sum('unharmed'):,} well")
    return verdict(report.found, len(report.found), report)


def kills(given: argparse.Namespace) -> int:
    """Kill a chain."""
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        done = killed(given.kills, given.seed, Path(folder), Progress(given.kills, "kills"))
    print(f"{done.kills:,} kills; the chain was opened at {done.heights} different heights; {', '.join(done.kinds)}")
    return verdict(list(done.found), len(done.found))


def damage(given: argparse.Namespace) -> int:
    """Damage files."""
    progress, found = Progress(given.files, "files"), []
    with tempfile.TemporaryDirectory(dir=given.folder) as folder, suppress(KeyboardInterrupt):
        damager = Damager(given.seed, Path(folder))
        for number in range(given.files):
            found += filter(None, [damager.damage(number)])
            progress(number + 1, len(found))
    noticed, harmless = damager.noticed.total(), damager.harmless.total()
    print(f"{noticed:,} damaged files were noticed, {harmless:,} changed nothing, {len(found)} were silent")
    return verdict(found, len(found))


def checkpoints(given: argparse.Namespace) -> int:
    """Take checkpoints under load."""
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        count, found = checkpoints_under_load(given.count, Path(folder), Progress(given.count, "checkpoints"))
    print(f"{count:,} checkpoints under write load, {count - len(found):,} open and equal")
    return verdict(found, len(found))


def open_again(given: argparse.Namespace) -> int:
    """Look at a kept state."""
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        what = look_again(given.kept, Path(folder))
    return verdict([what] if what else [], int(bool(what)))


def verdict(found: list[str], count: int, report: Report | None = None, again: str = "") -> int:
    """Say what was wrong, and the exit code."""
    for each in found:
        print(each)
    if count and again:
        print(f"look at one again with: {again}")
    print(f"{count:,} violation{'' if count == 1 else 's'}")
    if report is not None and report.interrupted:
        print("stopped before the end: this is of what was done by then")
    return VIOLATED if count else PASSED


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """A command line; without a command it is `states`."""
    reader = argparse.ArgumentParser(
        "python -m tests.faults.crash",
        description="Crash, kill, fill up and damage a chain amid upgrades and rollbacks. Without a command: states.",
        epilog="Exit code 0: nothing found, 1: a violation, 2: wrong usage, 3: it could not be tried here. "
        "Example: python -m tests.faults.crash --states 200000 --seed 7",
    )
    commands = reader.add_subparsers(required=True)

    def command(name: str, work: Callable[[argparse.Namespace], int], meaning: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=meaning, description=meaning)
        made.set_defaults(work=work)
        made.add_argument("--folder", type=Path, default=workspace(), help="where to work (%(default)s)")
        if name != "open":
            made.add_argument("--seed", type=int, default=1, help="the same seed takes the same choices (%(default)s)")
        return made

    one = command("states", states, "open every state that a crash can leave of a recorded upgrade and rollback")
    one.add_argument("--states", type=int, default=STATES, help="different states to open, at least (%(default)s)")
    one.add_argument("--workers", type=int, default=2, help="processes side by side (%(default)s)")
    one.add_argument("--keep", type=Path, help="where violations are kept; a folder beside other temporary ones")
    one.add_argument(
        "--resume", action="store_true", help="go on with an interrupted run of the same seed, workers and --keep"
    )
    command("disks", disks, "a full disk, and an I/O error, at every single change of the disk")
    one = command("kills", kills, "SIGKILL a chain at any moment")
    one.add_argument("--kills", type=int, default=KILLS, help="how often (%(default)s)")
    one = command("damage", damage, "damage sorted files, logs, MANIFEST, CURRENT and head in every way")
    one.add_argument("--files", type=int, default=FILES, help="files to damage (%(default)s)")
    one = command("checkpoints", checkpoints, "take checkpoints while another thread commits")
    one.add_argument("--count", type=int, default=CHECKPOINTS, help="checkpoints (%(default)s)")
    one = command("open", open_again, "look once more at a state that a violation left")
    one.add_argument("kept", type=Path, metavar="FOLDER", help="as the violation named it")
    bare = not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help"))
    return reader.parse_args(["states", *arguments] if bare else arguments)


def main(arguments: list[str]) -> int:
    """Run a command; its exit code."""
    given = read_arguments(arguments)
    try:
        code: int = given.work(given)
    except (ShimImpossible, WorkerFailed, Stopped, OSError) as failure:
        print(f"crash: {failure}", file=sys.stderr)
        return VIOLATED if isinstance(failure, Stopped) else UNABLE
    return code


if __name__ == "__main__":
    take_interruptions()
    sys.exit(main(sys.argv[1:]))
