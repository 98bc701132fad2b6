"""Where a Python that plyvel has wheels for comes from. Standard library only.

Policy, first that works: the Python that runs us; those named on PATH; pyenv's versions; one that `uv` downloads into
the checkout, `uv` itself being on PATH or brought by pip. A name on PATH proves nothing (pyenv leaves shims that only
fail), so every candidate is run and asked for its version and for the means to make a virtual environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

FITTING = ((3, 12), (3, 11))
NONE_HERE = "no Python 3.11 or 3.12 here"
ADVICE = "install Python 3.12 (with its venv module) or uv, then run this again"
PROBE = "import sys, venv, ensurepip; print(sys.implementation.name, *sys.version_info[:2], sys.executable)"


class NoInterpreter(Exception):
    """No fitting Python could be had; the message is one line that says why and what to do."""


@dataclass(frozen=True)
class Interpreter:
    """A Python that runs, makes virtual environments and has a fitting version."""

    path: str
    version: tuple[int, int]

    def __str__(self) -> str:
        return f"Python {self.version[0]}.{self.version[1]} ({self.path})"


def run_quietly(command: list[str], env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run with output kept; a command that cannot start counts as one that failed."""
    try:
        return subprocess.run(command, capture_output=True, text=True, env=env, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def probe(path: str) -> Interpreter | None:
    """Ask a candidate what it is; None when it does not run, does not fit or cannot make environments."""
    answer = run_quietly([path, "-I", "-c", PROBE])
    words = answer.stdout.rstrip("\n").split(" ", 3)
    if answer.returncode != 0 or len(words) != 4 or words[0] != "cpython":
        return None
    version = (int(words[1]), int(words[2]))
    return Interpreter(words[3], version) if version in FITTING else None


def base_of_this_python() -> str:
    """The Python beneath the environment we may run in, so that a new one does not hang on the old."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    return str(base)


def installed_candidates() -> Iterator[str]:
    """Paths worth a probe, the running Python first; the same path may come twice."""
    yield base_of_this_python()
    for major, minor in FITTING:
        yield from on_path(f"python{major}.{minor}")
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for major, minor in FITTING:
        yield from (str(path) for path in sorted(root.glob(f"versions/{major}.{minor}*/bin/python"), reverse=True))


def on_path(name: str) -> Iterator[str]:
    """Every executable of that name on PATH, not only the first: the first may be a shim that fails."""
    for folder in os.get_exec_path():
        found = shutil.which(name, path=folder)
        if found:
            yield found


def find_installed(wanted: Callable[[Interpreter], bool] = lambda _: True) -> Interpreter | None:
    """The first fitting Python of this machine, without downloading anything."""
    seen: set[str] = set()
    for path in installed_candidates():
        if path in seen:
            continue
        seen.add(path)
        found = probe(path)
        if found and wanted(found):
            return found
    return None


def find_or_download(private: Path, uv_lock: Path, say: Callable[[str], None]) -> Interpreter:
    """A fitting Python, brought by uv into `private` if the machine has none; raises NoInterpreter."""
    found = find_installed()
    if found:
        return found
    say(f"{NONE_HERE} (this is {sys.version_info[0]}.{sys.version_info[1]}): asking uv for one")
    uv = find_uv() or install_uv(private / "uv", uv_lock)
    return download(uv, private, say)


def find_uv() -> list[str] | None:
    """A uv on PATH that runs."""
    return next(([path] for path in on_path("uv") if run_quietly([path, "--version"]).returncode == 0), None)


def install_uv(folder: Path, lock: Path) -> list[str]:
    """Put a pinned uv into a folder of the checkout with this Python's pip; raises NoInterpreter."""
    command = [str(folder / "bin" / "uv")]
    if run_quietly([*command, "--version"]).returncode == 0:
        return command
    options = ["--target", str(folder), "--upgrade", "--no-cache-dir", "--quiet", "--require-hashes", "-r", str(lock)]
    answer = run_quietly([sys.executable, "-m", "pip", "install", *options])
    if answer.returncode != 0:
        raise NoInterpreter(f"{NONE_HERE}, and uv could not be installed ({last_line(answer)}): {ADVICE}")
    return command


def download(uv: list[str], private: Path, say: Callable[[str], None]) -> Interpreter:
    """Let uv name a Python 3.12, downloading it into `private` when it has none; raises NoInterpreter."""
    env = {**os.environ, "UV_PYTHON_INSTALL_DIR": str(private / "python"), "UV_CACHE_DIR": str(private / "cache")}
    wanted = f"{FITTING[0][0]}.{FITTING[0][1]}"
    answer = run_quietly([*uv, "python", "find", "--managed-python", wanted], env)
    if answer.returncode != 0:
        say(f"downloading Python {wanted} into {private.name}/python")
        answer = run_quietly([*uv, "python", "install", "--no-bin", wanted], env)
        if answer.returncode == 0:
            answer = run_quietly([*uv, "python", "find", "--managed-python", wanted], env)
    found = probe(answer.stdout.strip()) if answer.returncode == 0 else None
    if found is None:
        raise NoInterpreter(f"{NONE_HERE}, and uv could not bring one ({last_line(answer)}): {ADVICE}")
    return found


def last_line(answer: subprocess.CompletedProcess[str]) -> str:
    """The last thing a failed command said, short enough for one line."""
    lines = [line.strip() for line in (answer.stderr or answer.stdout).splitlines() if line.strip()]
    return lines[-1][:160] if lines else f"exit {answer.returncode}"
