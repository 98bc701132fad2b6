"""What a node says of the modules and invariants of its chain."""

from pathlib import Path

from node.chain_health import chain_health
from node.http import answers
from node.reading import Reading
from node.rehearsal.world import World
from tests.node.processes import new_world
from tests.scenarios.hostile import with_trouble
from tests.scenarios.upgrades import activated, running

UNWELL_FROM = 150
"""A height behind the probation, in which the chain would go back by itself."""


def health_of(world: World) -> answers.ChainHealth:
    return chain_health(Reading(world.application.state.view(), world.application.chain, {}))


def test_a_module_that_is_unwell_is_told_with_its_line_and_the_others_stay_well(tmp_path: Path) -> None:
    world = new_world(tmp_path / "home")
    bundle = with_trouble(running(world), "1.1.0", health=f"return ctx.height < {UNWELL_FROM}")
    assert activated(world, bundle).record.outcome == "executed"
    before = health_of(world)
    assert all(one.healthy for one in before.modules)
    assert {one.module: one.hooks for one in before.modules}["trouble"] == 1
    while world.height < UNWELL_FROM:
        world.block()
    after = health_of(world)
    (sick,) = [one for one in after.modules if not one.healthy]
    assert (sick.module, sick.code, sick.file) == ("trouble", "unhealthy", "trouble.py") and sick.line
    assert after.looked_at and not after.broken and "host.supply" in after.invariants
    world.close()
