"""Machines that stop in the middle of an upgrade lose none of it, and never stand between two runtimes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from governance.progress import proposal_at
from node.rehearsal.world import World
from storage import state as committing
from storage.engine import Engine
from storage.errors import DiskError, EngineStopped
from tests.scenarios.upgrades import approved, example
from tests.short_periods import short_genesis

ACCOUNTS = 400
SLICE = 40


def at_the_eve(world: World) -> int:
    """The chain one block before its upgrade; the activation height."""
    activation = proposal_at(world.overlay(), approved(world, example(world)).proposal)[1].effective
    world.forward(activation - 1)
    return activation


def roots_of(world: World) -> tuple[int, bytes]:
    return world.height, world.application.state.head.app_root


def test_a_migration_tells_how_far_it_is_and_a_kill_between_any_two_slices_costs_nothing(
    make_world: Callable[..., World],
) -> None:  # I9
    genesis = short_genesis(accounts=ACCOUNTS)
    twin, world = make_world(genesis), make_world(genesis)
    activation = at_the_eve(twin)
    assert at_the_eve(world) == activation
    told = []
    for slices in range(1, 6):
        world.close()
        world = World.open(world.home.root, genesis)
        for _ in range(slices):
            world.application.grow(SLICE)
            assert world.application.growth is not None
            told.append(world.application.growth)
    assert {progress.total for progress in told} == {ACCOUNTS + 1}, "every account, and the collector of fees"
    assert [progress.done for progress in told[-5:]] == [SLICE * slices for slices in range(1, 6)]
    for one in (twin, world):
        one.block()
    assert roots_of(world) == roots_of(twin)
    world.close()


@pytest.mark.parametrize("where", ["before the batch", "between the batch and the head file"])
def test_a_switch_that_power_cuts_in_two_is_whole_afterwards(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:  # I14
    twin, world = make_world(), make_world()
    activation = at_the_eve(twin)
    assert at_the_eve(world) == activation
    twin.block()

    def cut(*_: object, **__: object) -> None:
        raise OSError(5, "the power went")

    with monkeypatch.context() as power:
        if where == "before the batch":
            power.setattr(Engine, "write", lambda engine, *_, **__: engine.fail(OSError(5, "the power went")))
        else:
            power.setattr(committing, "write_head", cut)
        with pytest.raises((OSError, DiskError, EngineStopped)):
            world.block()
    root = world.home.root
    with suppress(EngineStopped):
        world.close()
    again = World.open(root, world.genesis)
    if again.height < activation:
        again.block()
    assert roots_of(again) == roots_of(twin)
    assert again.application.chain.loaded.code_hash == twin.application.chain.loaded.code_hash
    again.close()
