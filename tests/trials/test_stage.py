"""What no bundle can bring about and a trial looks for all the same: defects of the host itself, put there by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from node.rehearsal import upgrade
from node.rehearsal.world import World
from node.trial.checks import STEPS
from node.trial.errors import FAULTS, failure_of
from node.trial.stage import Stage
from node.trial.turn import subject_of
from storage.restore import open_copy_of_running
from storage.state import State
from tests.scenarios.upgrades import example


@pytest.fixture
def stage(world: World, tmp_path: Path) -> Iterator[Stage]:
    """A sound upgrade on a copy, its trial not begun."""
    proposal = upgrade.propose(world, example(world), "An upgrade").proposal
    copy, _ = open_copy_of_running(world.home, tmp_path / "copy")
    state = State.open(copy)
    yield Stage(state, subject_of(state, proposal))
    state.close()


def run(stage: Stage, *, until: str) -> None:
    """Every step before one."""
    for name, check in STEPS:
        if name == until:
            return
        check(stage, lambda done, total: None)


def code_of(stage: Stage, step: str) -> str:
    """What a step fails with."""
    with pytest.raises(FAULTS) as fault:
        dict(STEPS)[step](stage, lambda done, total: None)
    return failure_of(fault.value).code


def test_a_rollback_that_cannot_find_back_fails(stage: Stage) -> None:  # I16
    run(stage, until="rollback")
    pots = stage.chain.loaded.tables["faucet.pots"]
    overlay = stage.state.overlay()
    overlay.put(pots, (), next(record for _, record in overlay.scan(pots)).but(coins=1))  # and no undo row
    stage.state.commit(stage.state.prepare(overlay), stage.state.height, amends=True)
    assert code_of(stage, "rollback") == "rollback_broken"


def test_a_call_that_a_module_relies_on_and_nobody_has_fails(stage: Stage) -> None:
    run(stage, until="modules")
    loaded = stage.chain.loaded
    stage.chain.loaded = replace(loaded, calls={key: loaded.calls[key] for key in loaded.calls if key[1] != "take"})
    assert code_of(stage, "modules") == "module_call_broken"


def test_a_result_is_made_of_what_stands_at_the_flip_and_not_of_what_blocks_do_later(stage: Stage) -> None:
    names = [name for name, _ in STEPS]
    run(stage, until="decode")
    at_the_flip = stage.result
    for name in names[names.index("decode") :]:
        dict(STEPS)[name](stage, lambda done, total: None)
    assert stage.result == at_the_flip
