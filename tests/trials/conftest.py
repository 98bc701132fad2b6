"""A chain with some traffic behind it, on whose state proposals are tried while they wait for their vote."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from node.rehearsal import upgrade
from node.rehearsal.world import World
from node.trial.child import COPY
from node.trial.process import Trial, TrialLimits, room_in
from node.trial.report import Line, Report, Step
from runtime.bundle.archive import Bundle
from storage.restore import open_copy_of_running
from tests.short_periods import SHORT, short_genesis

TRANSFERS = 40
LIMITS = TrialLimits(seconds=200)
PATIENT = {**SHORT, "voting_period": 10_000, "max_open_per_proposer": 1_000}
"""Proposals stay open while a module of tests lasts."""

Tried = Callable[[Bundle], Report]


def unheard(line: Line) -> None:
    """Nobody listens."""


def tried_on(
    world: World, proposal: int, limits: TrialLimits = LIMITS, told: Callable[[Line], None] = unheard
) -> Report:
    """A trial of a proposal on a world's present state, in a process of its own."""
    with room_in(world.home) as room:
        open_copy_of_running(world.home, room / COPY)
        return Trial(proposal, limits).hear(room, told)


def step_of(report: Report, name: str) -> Step:
    """One step by its name."""
    return next(step for step in report.steps if step.name == name)


def failed(report: Report) -> tuple[str, str]:
    """Step and code of a trial that failed; what it says must hang together."""
    step = report.failed_step
    assert step is not None, report
    assert not report.passed
    assert report.result.code == step.code
    assert (report.result.tables, report.result.within_limits) == ((), False)
    after = report.steps[report.steps.index(step) + 1 :]
    assert {one.outcome for one in after} <= {"not_run"}
    return step.name, step.code


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Forty accounts and some transfers."""
    made = World.create(tmp_path_factory.mktemp("trials") / "chain", short_genesis(parameters=PATIENT))
    sender, other, receiver = made.accounts()[:3]
    for _ in range(TRANSFERS // 10):
        for coins in range(1, 11):  # several of one sender in a block
            made.call(sender if coins % 2 else other, "bank.send", to=receiver, coins=coins)
        made.must()
    yield made
    made.close()


@pytest.fixture
def tried(world: World) -> Tried:
    """Propose a bundle and try it."""
    return lambda bundle: tried_on(world, upgrade.propose(world, bundle, "An upgrade").proposal)
