"""Faults that only running the code shows: found by every validator's rehearsal, so the upgrade ends at its gate."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from governance.lifecycle import Status
from governance.progress import proposal_at
from node.rehearsal.world import World
from runtime.bundle.archive import Bundle
from tests.scenarios.hostile import with_trouble
from tests.scenarios.incidents.whole_path import last_entry, require_alive
from tests.scenarios.upgrades import activated, edited, example, running, untested
from tests.short_periods import GATED, short_genesis

LOOP = "while True:\n        pass"


@pytest.fixture
def gated(make_world: Callable[..., World]) -> World:
    """A chain whose upgrades must have been rehearsed."""
    return make_world(short_genesis(parameters=GATED))


def never_runs(world: World) -> Bundle:
    """Its migration is guarded by a version that the chain never had, so every record stays as it is."""
    return untested(edited(example(world), bank=("migrated=2)", "migrated=0)")))


def fails_when_first_run(world: World) -> Bundle:
    """Nothing is wrong with it but what it does."""
    return with_trouble(running(world), "1.1.0", begin_block=LOOP)


def fails_some_blocks_on(world: World) -> Bundle:
    """The new code meets what it cannot handle only when blocks follow the flip."""
    armed = f"if ctx.height > {world.height + 100} or ctx.has(cells, 9):\n        while True:\n            pass"
    return with_trouble(running(world), "1.1.0", end_block=armed, post_upgrade="ctx.put(cells, 9, Cell(worth=1))")


@pytest.mark.parametrize(
    ("bundle", "reason"),
    [
        pytest.param(never_runs, "migration_changed_nothing", id="I2: a migration that never runs"),
        pytest.param(fails_some_blocks_on, "end_block_out_of_steps", id="I3: blocks after the switch cannot be made"),
        pytest.param(fails_when_first_run, "begin_block_out_of_steps", id="I8: code that fails where it is first run"),
    ],
)
def test_it_ends_at_its_gate_and_the_old_runtime_goes_on(
    gated: World, bundle: Callable[[World], Bundle], reason: str
) -> None:
    base = gated.application.chain.loaded.code_hash
    voted = activated(gated, bundle(gated))
    assert (voted.record.outcome, voted.record.reason) == ("failed", reason)
    assert gated.height < voted.record.activation
    assert gated.application.chain.loaded.code_hash == base
    require_alive(gated)
    assert proposal_at(gated.overlay(), voted.proposal)[1].status == Status.FAILED


def test_records_that_nobody_can_decode_are_found_before_they_are_carried_along(gated: World) -> None:  # I4
    table = gated.application.chain.loaded.tables["treasury.donors"]
    overlay, state = gated.overlay(), gated.application.state
    overlay.put_raw(table, table.pack((gated.accounts()[0],)), b"\x81\xa1\x31\xc3")
    state.commit(state.prepare(overlay), gated.height, amends=True)
    voted = activated(gated, example(gated))
    assert (voted.record.outcome, voted.record.reason) == ("failed", "undecodable_record")
    assert last_entry(gated).reason == "undecodable_record"
