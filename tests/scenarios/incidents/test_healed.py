"""Faults that reach the activation height or come after it: the chain heals by itself, and governance goes on."""

from __future__ import annotations

from governance.lifecycle import Status
from governance.progress import proposal_at
from node.rehearsal.world import World
from runtime.plans import RUNNING
from tests.scenarios.hostile import with_trouble
from tests.scenarios.incidents.whole_path import last_entry, require_alive
from tests.scenarios.upgrades import activated, approved, edited, example, rolled_back, running, untested

RAISE = "raise Refused('never')"


def test_code_and_data_change_in_the_same_block(world: World) -> None:  # I3
    voted = approved(world, example(world))
    activation = proposal_at(world.overlay(), voted.proposal)[1].effective
    base = world.application.chain.loaded.code_hash
    seen = set()
    while world.height < activation + 2:
        world.block()
        accounts = world.application.chain.loaded.tables["bank.accounts"]
        rewritten = {getattr(row, "migrated", 0) for _, row in world.overlay().scan(accounts)}
        running_row = world.overlay().get(RUNNING, ())
        assert running_row is not None
        seen.add((running_row.code_hash == base, frozenset(rewritten), world.height < activation))
    assert seen == {(True, frozenset({0}), True), (False, frozenset({2}), False)}


def test_an_upgrade_comes_neither_before_its_height_nor_with_a_new_release(world: World) -> None:  # I13
    voted = approved(world, example(world))
    activation = proposal_at(world.overlay(), voted.proposal)[1].effective
    base, root = world.application.chain.loaded.code_hash, world.home.root
    while world.height < activation - 1:
        world.block()
        world.close()
        world = World.open(root, world.genesis)  # whatever release is installed, state says what runs
        assert world.application.chain.loaded.code_hash == base
    world.block()
    assert world.application.chain.loaded.code_hash != base
    world.close()


def test_old_code_whose_hook_traps_is_upgraded_all_the_same(world: World) -> None:  # I6
    assert activated(world, with_trouble(running(world), "1.1.0", pre_upgrade=RAISE)).record.outcome == "executed"
    window = world.coordinator().window()
    assert window is not None
    world.forward(window.closes + 1)
    files = edited(running(world), manifest=('version = "1.1.0"', 'version = "1.2.0"'))
    assert activated(world, files).record.outcome == "executed"
    require_alive(world)


def test_a_migration_that_fails_freezes_nothing(world: World) -> None:  # I7
    state = world.application.state
    entries = state.catalogue.runtime.entries
    failing = edited(example(world), bank=("balance=old.balance,", "balance=old.balance // 0,"))
    voted = activated(world, untested(failing))
    assert (voted.record.outcome, voted.record.reason) == ("failed", "division_by_zero")
    assert voted.record.where.startswith("bank.py:")
    assert state.catalogue.runtime.entries == entries
    require_alive(world)


def test_a_plan_that_ends_without_effect_says_so(world: World) -> None:  # I12
    voted = approved(world, example(world))
    other = approved(world, with_trouble(running(world), "1.1.0"))
    world.forward(proposal_at(world.overlay(), other.proposal)[1].effective + 1)
    ended = {one.proposal: proposal_at(world.overlay(), one.proposal)[1] for one in (voted, other)}
    assert ended[voted.proposal].status == Status.EXECUTED
    assert ended[other.proposal].status == Status.SUPERSEDED
    assert ended[other.proposal].reason == "another_runtime_runs"


def test_an_upgrade_that_added_a_module_is_rolled_back(world: World) -> None:  # I16
    tables = set(world.application.chain.loaded.tables)
    roots = {name: world.application.state.table_root(name) for name in tables - {"bank.accounts"}}
    assert activated(world, example(world)).record.outcome == "executed"
    world.call(world.accounts()[0], "guestbook.sign", line="soon gone")
    world.must()
    assert "guestbook.entries" in world.application.chain.loaded.tables
    rolled_back(world)
    assert set(world.application.chain.loaded.tables) == tables
    assert world.application.state.catalogue.find("guestbook.entries") is None
    assert roots["staking.validators"] == world.application.state.table_root("staking.validators")
    assert last_entry(world).kind == "rolled_back"
    require_alive(world)
