"""The first execution of a bundle: in a process of its own, before the node's process ever loads it.

The child gets the archive on its standard input and nothing else: an isolated interpreter, an empty environment, an
empty folder, no key, no socket, no state of the chain. It loads the bundle, runs its own tests and asks its health
hooks on empty tables, under limits of memory, processor time and file size. What comes back is a value. It informs a
developer or an operator; it decides nothing in consensus, because it is bounded by clock and memory.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from runtime.bundle.archive import Bundle, unpack
from runtime.bundle.checker import check_bundle
from runtime.bundle.loader import LoadedRuntime, load
from runtime.bundle.owntests import run_tests
from runtime.bundle.problems import BundleMalformed, BundleRefused
from runtime.context import invoke_hook
from runtime.metering.faults import HostFault, fault_of
from runtime.metering.meter import Meter
from runtime.metering.syntax import NotCompilable
from runtime.parameters import RUNTIME_PARAMETERS
from runtime.receipts import OK, Event
from storage.home import Home
from storage.overlay import Overlay
from storage.state import State

MEMORY_BYTES = 1 << 30
SECONDS = 20
FILE_BYTES = 64 << 20
_HEALTH_STEPS = 1_000_000
_ROOT = str(Path(__file__).resolve().parents[2])
_PROGRAM = f"import sys; sys.path.insert(0, {_ROOT!r}); from runtime.bundle import spawn; spawn.child()"


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """What a health hook said on empty tables: `ok`, `unhealthy`, or the code of a refusal or fault."""

    module: str
    code: str
    steps: int


@dataclass(frozen=True, slots=True)
class Passed:
    """The bundle loads and its own tests pass; `health` is for the reader, since empty tables are no chain's state."""

    health: tuple[HealthAnswer, ...]
    tests: int
    """How many it has."""


@dataclass(frozen=True, slots=True)
class BundleFailed:
    """The bundle does not load, or a test of its own fails; `reason` is one of refused, test_failed, timeout, memory,
    crashed."""

    reason: str
    detail: str


Outcome = Passed | BundleFailed


def first_execution(bundle: Bundle, seconds: int = SECONDS, memory: int = MEMORY_BYTES) -> Outcome:
    """Load the bundle in a fresh process; never raises for anything the bundle does."""
    with tempfile.TemporaryDirectory(prefix="synod-first-") as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-c", _PROGRAM, str(memory), str(seconds)],
                input=bundle.archive,
                capture_output=True,
                cwd=folder,
                env={},
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return BundleFailed("timeout", f"not loaded within {seconds} seconds")
    if done.returncode == 0:
        return msgspec.json.decode(done.stdout, type=_Told).outcome()
    said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return BundleFailed("memory" if "MemoryError" in said else "crashed", said or f"exit status {done.returncode}")


class _Told(msgspec.Struct):
    """What the child prints."""

    refused: str = ""
    failed_test: str = ""
    tests: int = 0
    health: list[tuple[str, str, int]] = []

    def outcome(self) -> Outcome:
        if self.refused:
            return BundleFailed("refused", self.refused)
        if self.failed_test:
            return BundleFailed("test_failed", self.failed_test)
        return Passed(tuple(HealthAnswer(*answer) for answer in self.health), self.tests)


def child() -> None:
    """The program of the fresh process: the archive on standard input, the result on standard output."""
    memory, seconds = (int(text) for text in sys.argv[1:3])
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    sys.stdout.buffer.write(msgspec.json.encode(_tell(sys.stdin.buffer.read())))


def _tell(archive: bytes) -> _Told:
    try:
        bundle = unpack(archive)
        loaded = load(bundle, check_bundle(bundle, chain=None, host_release=None))
    except (BundleMalformed, BundleRefused, NotCompilable) as refused:
        return _Told(refused=str(refused))
    ran = list(run_tests(bundle, loaded, _Defaults().integer("call_steps")))
    if ran and (failed := ran[-1]) is not None:
        return _Told(failed_test=f"{failed.file}:{failed.line}: {failed}")
    return _Told(tests=len(ran), health=_ask_health(loaded))


def _ask_health(loaded: LoadedRuntime) -> list[tuple[str, str, int]]:
    state = State.create(Home.create(Path.cwd() / "home"), loaded.tables.values())
    scope = _EmptyScope(state.overlay(), loaded, [])
    answers = []
    for hook in loaded.declaration.hooks("health"):
        meter = Meter(_HEALTH_STEPS, 0)
        try:
            code = OK if invoke_hook(scope, hook, meter) is True else "unhealthy"
        except (Exception, HostFault) as failure:
            code = fault_of(failure, meter).code
        answers.append((hook.module, code, meter.steps))
    state.close()
    return answers


@dataclass(frozen=True, slots=True)
class _Defaults:
    """Parameters as a fresh chain has them; every flag is off."""

    def integer(self, name: str) -> int:
        return next(int(rule.default) for rule in RUNTIME_PARAMETERS if rule.name == name)

    def flag(self, name: str) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class _EmptyScope:
    """Height 1 of a chain without a single row."""

    overlay: Overlay
    loaded: LoadedRuntime
    events: list[Event]
    height: int = 1
    chain_id: str = "first-execution"
    parameters: Any = _Defaults()

    @property
    def registered(self) -> frozenset[str]:
        """All its modules: there is no registry before a vote."""
        return frozenset(module.name for module in self.loaded.declaration.modules)

    @property
    def isolated(self) -> frozenset[str]:
        """None."""
        return frozenset()
