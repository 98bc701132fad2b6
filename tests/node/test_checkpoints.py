"""The checkpoint of A-1 is begun ahead when A is near, an upgrade that goes elsewhere lets go of it, and a block that
flips is known before it is made."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from governance.proposals import Rollback
from node.checkpoints import AHEAD
from node.rehearsal import upgrade
from node.rehearsal.world import World
from runtime.plans import EXECUTED
from storage.checkpoint import list_checkpoints
from tests.scenarios.upgrades import activated, approved, example, propose, silent, vote
from tests.short_periods import SHORT, short_genesis

FAR = {**SHORT, "timelock_delay": AHEAD + 60}


def flips(world: World) -> bool:
    """Make a block; whether it put other tables in force, which was known before it."""
    application = world.application
    due, before = application.flip_due(), application.state.catalogue
    world.block()
    assert due == (application.state.catalogue is not before)
    return due


def begun(world: World) -> bool:
    return (world.home.checkpoints / ".making" / "database").is_dir()


def test_it_is_begun_when_the_activation_is_near_and_taken_at_it(tmp_path: Path) -> None:
    world = World.create(tmp_path / "chain", short_genesis(parameters=FAR))
    voted = approved(world, example(world))
    activation = world.coordinator().plan(1).activation
    world.forward(activation - AHEAD - 1)
    assert not begun(world)
    world.forward(activation - AHEAD)
    assert begun(world)
    world.block()
    made = upgrade.activate(world, voted, silent)
    assert made is not None and made.checkpoint is not None
    assert not begun(world)
    assert [one.height for one in list_checkpoints(world.home)] == [activation - 1]
    world.close()


def test_a_plan_that_moves_away_or_ends_lets_go_of_it(tmp_path: Path) -> None:
    world = World.create(tmp_path / "chain", short_genesis())
    approved(world, example(world))
    world.block()
    advance, here = world.application._checkpoints.advance, world.height
    for elsewhere in (here + AHEAD + 1, None):
        assert advance(here + AHEAD) in (True, False)
        assert begun(world)
        assert not advance(elsewhere)
        assert not begun(world)
    world.close()


def test_a_checkpoint_that_cannot_be_begun_ahead_is_taken_at_the_activation(tmp_path: Path) -> None:
    world = World.create(tmp_path / "chain", short_genesis(parameters=FAR))
    voted = approved(world, example(world))
    world.forward(world.coordinator().plan(1).activation - AHEAD - 1)
    away = tmp_path / "away"
    world.home.checkpoints.rename(away)
    world.home.checkpoints.write_bytes(b"no folder")
    with capture_logs() as told:
        world.block()
        world.block()
    assert [one["event"] for one in told if one["log_level"] == "warning"] == ["checkpoint_not_begun"]
    world.home.checkpoints.unlink()
    away.rename(world.home.checkpoints)
    made = upgrade.activate(world, voted, silent)
    assert made is not None and made.checkpoint is not None
    assert world.coordinator().plan(1).state == EXECUTED
    world.close()


def test_a_block_that_flips_is_known_beforehand_and_no_other(tmp_path: Path) -> None:
    world = World.create(tmp_path / "chain", short_genesis())
    voted = approved(world, example(world))
    world.forward(world.coordinator().plan(1).activation - 2)
    flipped = [flips(world) for _ in range(4)]
    window = world.coordinator().window()
    assert window is not None and flipped == [False, True, False, False]
    proposal = propose(world, Rollback(upgrade=voted.proposal), 0)
    vote(world, proposal, "yes")
    while (after := world.coordinator().window()) is not None and not after.rollback_at:
        assert not flips(world)
    assert flips(world)
    assert world.coordinator().window() is None
    world.close()


def test_the_end_of_a_window_is_known_beforehand(tmp_path: Path) -> None:
    world = World.create(tmp_path / "chain", short_genesis())
    activated(world, example(world))
    window = world.coordinator().window()
    assert window is not None
    world.forward(window.closes - 1)
    assert [flips(world) for _ in range(3)] == [False, True, False]
    world.close()
