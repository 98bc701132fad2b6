"""A trial's process: bounded, without keys, killed in every way, and nothing of it left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.rehearsal import upgrade
from node.rehearsal.world import World
from node.trial.checks import STEPS
from node.trial.child import COPY, Order
from node.trial.errors import TrialImpossible
from node.trial.process import Trial, TrialLimits, copy_without_keys, room_in
from node.trial.report import Line, Subject
from node.trial.turn import subject_of
from storage.checkpoint import Checkpoint
from storage.restore import open_copy_of_running
from storage.state import State
from tests.scenarios.upgrades import example
from tests.trials.conftest import LIMITS, failed, tried_on, unheard
from tests.trials.processes import trials_of

SECONDS = 60
"""How long the end of a process may take before a test fails."""
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def proposal(world: World) -> int:
    """A sound upgrade."""
    return upgrade.propose(world, example(world), "An upgrade").proposal


@pytest.fixture(scope="module")
def subject(world: World, proposal: int) -> Subject:
    return subject_of(world.application.state, proposal)


@pytest.fixture(scope="module")
def checkpoint(world: World, proposal: int) -> Checkpoint:
    return world.application.checkpoint("test")


@pytest.fixture
def room(world: World) -> Iterator[Path]:
    """A room with a copy in it."""
    with room_in(world.home) as room:
        open_copy_of_running(world.home, room / COPY)
        yield room


def files_below(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_trial_changes_no_byte_of_the_home_and_leaves_nothing(world: World, proposal: int) -> None:
    before = files_below(world.home.root)
    assert tried_on(world, proposal).passed
    assert files_below(world.home.root) == before


def test_no_key_and_no_seed_is_where_the_trial_runs(world: World, proposal: int, checkpoint: Checkpoint) -> None:
    seed = world.genesis.seed.encode()
    assert seed in checkpoint.genesis_file.read_bytes()
    environments: list[bytes] = []

    def look(line: Line) -> None:
        if line.at is not None and not environments:
            environments.extend(Path(f"/proc/{pid}/environ").read_bytes() for pid in trials_of(os.getpid()))

    with room_in(world.home) as room:
        copy_without_keys(checkpoint, room)
        held = files_below(room)
        assert Trial(proposal, LIMITS).hear(room, look).passed
    assert environments == [b""]
    names = {Path(name).name for name in held}
    assert not {"genesis.json", "last-signed"} & names
    assert [name for name in held if name.startswith(f"{COPY}/keys")] == []
    assert not any(b'"seed"' in content for content in held.values())


def test_one_that_takes_too_long_fails_in_the_step_it_had_come_to(room: Path, proposal: int, subject: Subject) -> None:
    report = Trial(proposal, TrialLimits(seconds=0)).hear(room, unheard, subject)
    assert failed(report) == ("load", "over_time")


def test_one_that_takes_too_much_memory_fails(room: Path, proposal: int, subject: Subject) -> None:
    report = Trial(proposal, TrialLimits(memory_bytes=64 << 20)).hear(room, unheard, subject)
    assert failed(report) == ("load", "over_memory")


def test_one_that_is_killed_fails_in_the_step_it_had_come_to(room: Path, proposal: int) -> None:
    def kill(line: Line) -> None:
        if line.about is not None:
            (pid,) = trials_of(os.getpid())
            os.kill(pid, signal.SIGKILL)

    report = Trial(proposal, LIMITS).hear(room, kill)
    step, code = failed(report)
    assert code == "crashed"
    done = [one.name for one in report.steps if one.outcome == "passed"]
    assert [name for name, _ in STEPS][: len(done) + 1] == [*done, step], "it ended where it had come to"


def test_one_that_is_stopped_says_nothing_of_the_upgrade(room: Path, proposal: int) -> None:
    trial = Trial(proposal, LIMITS)
    trial.stop()
    with pytest.raises(TrialImpossible) as impossible:
        trial.hear(room, unheard)
    assert impossible.value.code == "stopped"


def test_a_damaged_copy_is_this_machines_and_no_fault_of_the_upgrade(
    room: Path, proposal: int, subject: Subject
) -> None:
    (room / COPY / "head").write_bytes(b"spoiled")
    with pytest.raises(TrialImpossible) as impossible:
        Trial(proposal, LIMITS).hear(room, unheard, subject)
    assert impossible.value.code == "head_damaged"


PROGRAM = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from node.trial import child; child.main()"


def order(proposal: int) -> bytes:
    return Order(proposal=proposal, memory_bytes=LIMITS.memory_bytes).model_dump_json().encode() + b"\n"


def test_a_trial_that_has_come_to_its_end_ends_in_good_order(room: Path, proposal: int) -> None:
    program, pipe = [sys.executable, "-c", PROGRAM], subprocess.PIPE
    with subprocess.Popen(program, stdin=pipe, stdout=pipe, stderr=pipe, cwd=room) as one:
        assert one.stdin is not None and one.stdout is not None and one.stderr is not None
        one.stdin.write(order(proposal))
        one.stdin.flush()
        lines = [Line.model_validate_json(raw) for raw in one.stdout]
        assert lines[-1].result is not None
        assert (one.wait(SECONDS), one.stderr.read()) == (0, b"")


@pytest.mark.faults
def test_a_trial_ends_when_nobody_is_left_to_hear_it(room: Path, proposal: int) -> None:
    program = [sys.executable, "-c", PROGRAM]
    with (room / "told").open("wb") as told:
        child = subprocess.run(program, input=order(proposal), stdout=told, cwd=room, timeout=SECONDS, check=False)
    lines = [Line.model_validate_json(raw) for raw in (room / "told").read_bytes().splitlines()]
    assert child.returncode == 1
    assert [line for line in lines if line.result is not None] == []


def test_what_killed_processes_left_goes_and_what_others_use_stays(world: World) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait(SECONDS)
    left, used = (world.home.root / f"trying-{pid}-1" for pid in (gone.pid, os.getppid()))
    left.mkdir()
    used.mkdir()
    with room_in(world.home) as one, room_in(world.home) as other:
        assert not left.exists()
        assert used.is_dir() and one.is_dir() and other.is_dir()
        assert one != other
    assert not one.exists() and not other.exists()
    used.rmdir()


def test_a_home_is_copied_whole_while_its_chain_goes_on(world: World, tmp_path: Path) -> None:
    height = world.height
    stop = threading.Event()

    def look() -> None:
        for number in range(20):
            copy, head = open_copy_of_running(world.home, tmp_path / str(number))
            state = State.open(copy)
            assert state.head == head
            state.close()
            heights.append(head.height)
        stop.set()

    heights: list[int] = []
    looker = threading.Thread(target=look)
    looker.start()
    while not stop.is_set() and looker.is_alive():
        world.traffic(2)
        world.must()
    looker.join(SECONDS)
    assert len(heights) == 20, "one could not be opened"
    assert heights == sorted(heights)
    assert len(set(heights)) > 1, "the chain stood still"
    assert height <= heights[0] and heights[-1] <= world.height
