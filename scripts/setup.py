"""Set the checkout up, then run: `python3 -m scripts.setup rehearse [args]` or `python3 -m scripts.setup test [args]`.

Works on any Python from 3.11 on with nothing installed, so it imports the standard library only. It finds a fitting
Python, makes `.venv`, installs exactly what `requirements.lock` pins by hash, then the project itself, and hands over.
A stamp in `.venv` says which lock it holds, so a second run starts at once. Nothing outside the checkout is written.
Exit codes: those of what it ran; 2 for a wrong command; 3 when this machine cannot be set up.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import NoReturn

from .interpreters import Interpreter, NoInterpreter, find_installed, find_or_download, last_line, probe, run_quietly

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
OTHER = ROOT / ".venv-other"
PRIVATE = ROOT / ".setup"
LOCK = ROOT / "requirements.lock"
UV_LOCK = ROOT / "requirements-uv.lock"
STAMP = "synod-setup.json"
USAGE = """usage: python3 -m scripts.setup COMMAND [ARGUMENTS]

  rehearse [ARGUMENTS]   live through an upgrade: `synod rehearse` (try: rehearse --help)
  test [ARGUMENTS]       lint, types, layers and all tests (try: test --help)
  install                only set up; afterwards `.venv/bin/synod --help`
"""


class SetupFailed(Exception):
    """The environment could not be made; the message is one line."""


def say(text: str) -> None:
    """One progress line, on stderr so that `--json` output stays clean."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


def python_of(environment: Path) -> Path:
    return environment / "bin" / "python"


def wanted_stamp() -> dict[str, str]:
    """What an up-to-date environment was made from; its folder counts, as scripts in it carry the path."""
    digest = hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    return {"from": digest, "checkout": str(ROOT)}


def is_ready(environment: Path) -> bool:
    """Whether the environment was finished from the present lock, in the present place, and its Python still exists."""
    try:
        stamp = json.loads((environment / STAMP).read_text())
    except (OSError, ValueError):
        return False
    return bool(stamp == wanted_stamp()) and python_of(environment).exists()


def make_environment(environment: Path, interpreter: Interpreter) -> None:
    """Make or mend one environment; a usable one left half-finished is completed, a broken one made anew."""
    started = time.monotonic()
    if probe(str(python_of(environment))) is None or stands_elsewhere(environment):
        say(f"making {environment.name} with {interpreter}")
        step([interpreter.path, "-m", "venv", "--clear", str(environment)], "the virtual environment could not be made")
    say(f"installing what {LOCK.name} pins into {environment.name} (half a minute or so)")
    pip = [str(python_of(environment)), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    pip += ["--cache-dir", str(PRIVATE / "cache")]
    locked = ["--no-compile", "--require-hashes", "-r", str(LOCK)]
    step([*pip, "install", *locked], "the locked packages could not be installed")
    step([*pip, "install", "--no-deps", "--no-build-isolation", "-e", str(ROOT)], "the project could not be installed")
    (environment / STAMP).write_text(json.dumps(wanted_stamp()) + "\n")
    say(f"{environment.name} is ready ({time.monotonic() - started:.0f} s)")


def stands_elsewhere(environment: Path) -> bool:
    """Whether the checkout was moved since: the environment's own scripts would still point to the old place."""
    try:
        stamp = json.loads((environment / STAMP).read_text())
    except (OSError, ValueError):
        return False
    return bool(stamp.get("checkout") != str(ROOT))


def step(command: list[str], failure: str) -> None:
    answer = run_quietly(command)
    if answer.returncode != 0:
        raise SetupFailed(f"{failure}: {last_line(answer)}")


def ensure_environment() -> Path:
    """The path of a Python with everything installed; raises NoInterpreter or SetupFailed."""
    if not is_ready(ENVIRONMENT):
        usable = None if stands_elsewhere(ENVIRONMENT) else probe(str(python_of(ENVIRONMENT)))
        make_environment(ENVIRONMENT, usable or find_or_download(PRIVATE, UV_LOCK, say))
    return python_of(ENVIRONMENT)


def ensure_other(python: Path) -> Path | None:
    """A second environment on the other fitting Python, for tests that compare the two; None where there is none."""
    if is_ready(OTHER):
        return python_of(OTHER)
    own = probe(str(python))
    other = find_installed(lambda found: own is not None and found.version != own.version)
    if other is None:
        return None
    try:
        make_environment(OTHER, other)
    except SetupFailed as failure:
        say(f"going on without a second Python: {failure}")
        return None
    return python_of(OTHER)


def hand_over(command: list[str]) -> NoReturn:
    """Become the command, so that its signals and exit code are ours."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)


def main(arguments: list[str]) -> int:
    """Set up and run; returns the exit code of a run that could not be handed over."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command not in ("rehearse", "test", "install"):
        print(USAGE, file=sys.stdout if command in ("-h", "--help", "help") else sys.stderr)
        return 0 if command in ("-h", "--help", "help") else 2
    if sys.platform == "win32":
        say("Synod runs on Linux and macOS; on Windows use it inside WSL")
        return 3
    try:
        python = ensure_environment()
    except (NoInterpreter, SetupFailed, OSError) as failure:
        say(str(failure))
        return 3
    if command == "install":
        return 0
    if command == "rehearse":
        hand_over([str(python.with_name("synod")), "rehearse", *rest])
    other = ensure_other(python)
    if other is not None:
        os.environ["SYNOD_OTHER_PYTHON"] = str(other)
    os.chdir(ROOT)
    hand_over([str(python), "-m", "scripts.checks", *rest])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
