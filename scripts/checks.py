"""All checks: `python3 -m scripts.setup test [PARTS] [-- PYTEST ARGUMENTS]`.

Lint, strict types, the layers, then the tests part by part in the order of the table; a part whose folder is absent is
not run. Everything runs even when something is red, so that one run tells all; the closing table gives minutes by part
and the exit code is 1 if anything failed. Parts named on the command line are run alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NO_TESTS_COLLECTED = 5
OTHER_PYTHON = "SYNOD_OTHER_PYTHON"
"""The variable that names the second Python, set by scripts/setup.py where there is one."""
LAYERS = "from importlinter.cli import lint_imports_command as run; run()"


@dataclass(frozen=True)
class Part:
    """One line of the closing table: a command, and the folder without which it is left out."""

    name: str
    arguments: tuple[str, ...]
    folder: str = ""
    meaning: str = ""


def tested(name: str, meaning: str) -> Part:
    """A part that is a folder of tests."""
    return Part(name, ("-m", "pytest", f"tests/{name}"), f"tests/{name}", meaning)


PARTS = (
    Part("lint", ("-m", "ruff", "check", "."), "", "house rules of the source"),
    Part("types", ("-m", "mypy", "--strict"), "", "strict types"),
    Part("layers", ("-c", LAYERS), "", "the staircase of rooms"),
    tested("storage", "engine, records, tables, root, checkpoints"),
    tested("runtime", "transactions, bundles, metering, execution, migrations"),
    tested("governance", "electorate, tracks, proposals, tally"),
    tested("node", "application, mempool, HTTP, genesis"),
    tested("trials", "rehearsals of upgrades, in processes of their own"),
    tested("scripts", "commands"),
    tested("scenarios", "whole stories from end to end"),
    tested("faults", "killed processes, damaged files, full disks"),
    tested("determinism", "same inputs, same roots"),
)
USAGE = "usage: python3 -m scripts.setup test [PARTS] [-- PYTEST ARGUMENTS]\n\nparts, all by default:\n" + "\n".join(
    f"  {part.name:<12} {part.meaning}" for part in PARTS
)


@dataclass(frozen=True)
class Outcome:
    """What became of one part, and the seconds it took."""

    part: Part
    passed: bool
    seconds: float


def split(arguments: Sequence[str]) -> tuple[tuple[Part, ...], list[str]]:
    """Parts and pytest's arguments of a command line; raises KeyError with a name that is no part."""
    words = list(arguments)
    cut = words.index("--") if "--" in words else len(words)
    by_name = {part.name: part for part in PARTS}
    chosen = tuple(by_name[word] for word in words[:cut])
    return chosen or PARTS, words[cut + 1 :]


def plain(environment: dict[str, str]) -> dict[str, str]:
    """The environment of the tools: under CI=true no colours."""
    if environment.get("CI") != "true":
        return environment
    without = {name: value for name, value in environment.items() if name not in ("FORCE_COLOR", "PY_COLORS")}
    return {**without, "NO_COLOR": "1"}


def command_of(part: Part, extra: Sequence[str], environment: dict[str, str]) -> list[str]:
    """The command line of one part; pytest's own switch is needed beside NO_COLOR."""
    if not part.folder:
        return [sys.executable, *part.arguments]
    colour = ["--color=no"] if "NO_COLOR" in environment else []
    return [sys.executable, *part.arguments, *colour, *extra]


def run_part(part: Part, extra: Sequence[str], environment: dict[str, str]) -> Outcome:
    print(f"\n=== {part.name}: {part.meaning}", flush=True)
    started = time.monotonic()
    code = subprocess.run(command_of(part, extra, environment), cwd=ROOT, env=environment, check=False).returncode
    narrowed = bool(extra) and part.folder != "" and code == NO_TESTS_COLLECTED
    return Outcome(part, code == 0 or narrowed, time.monotonic() - started)


def closing_table(outcomes: Sequence[Outcome], environment: Mapping[str, str]) -> str:
    """Minutes by part, what could not be compared, the total, and in one word how it went."""
    words = {True: "passed", False: "FAILED"}
    rows = [f"  {done.part.name:<12} {done.seconds / 60:6.2f}  {words[done.passed]}" for done in outcomes]
    total = sum(done.seconds for done in outcomes) / 60
    red = [done.part.name for done in outcomes if not done.passed]
    verdict = f"FAILED: {', '.join(red)}" if red else "all passed"
    rows += [] if OTHER_PYTHON in environment else ["  no second Python: 3.11 and 3.12 were not compared"]
    return "\n".join(["", "minutes by part", *rows, f"  {'total':<12} {total:6.2f}  {verdict}"])


def main(arguments: Sequence[str]) -> int:
    """Run the chosen parts; 0 if all passed, 1 if not, 2 for a part that does not exist."""
    if any(word in ("-h", "--help") for word in arguments):
        print(USAGE)
        return 0
    try:
        parts, extra = split(arguments)
    except KeyError as error:
        print(f"checks: there is no part named {error.args[0]!r}\n{USAGE}", file=sys.stderr)
        return 2
    environment = plain(dict(os.environ))
    present = [part for part in parts if not part.folder or (ROOT / part.folder).is_dir()]
    outcomes = [run_part(part, extra, environment) for part in present]
    print(closing_table(outcomes, environment), flush=True)
    return 0 if all(done.passed for done in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
