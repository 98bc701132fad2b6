"""One governed upgrade after another on a real node, through transactions only."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from governance.lifecycle import Status
from governance.progress import proposal_at
from node.rehearsal.demonstrations import breaks_supply, mints_later
from node.rehearsal.record import Check
from node.rehearsal.rollback import invariant_checks, live_until_it_breaks, transactions_between
from node.rehearsal.story import rehearse
from node.rehearsal.world import World
from runtime.plans import FAILED, HISTORY, ROLLED_BACK, WINDOW
from storage.checkpoint import list_checkpoints
from storage.tables import Half
from tests.scenarios.upgrades import activated, approved, edited, example, running, silent
from tests.short_periods import GATED, SHORT, short_genesis


def broken(checks: tuple[Check, ...]) -> list[str]:
    return [check.name for check in checks if not check.holds]


def host_roots(world: World) -> dict[str, bytes]:
    state = world.application.state
    return {name: state.table_root(name) for name in state.catalogue.names(Half.HOST)}


@pytest.mark.parametrize("parameters", [SHORT, GATED], ids=["ungated", "gated"])
def test_the_whole_rehearsal_passes_on_a_short_chain(
    make_world: Callable[..., World], parameters: dict[str, int]
) -> None:
    world = make_world(short_genesis(parameters=parameters))
    record = rehearse(world, example(world), True, silent)
    assert record.failures == ()
    gated = [one.attested.verdict for one in record.upgrades if one.attested is not None]
    assert gated == (["cleared", "failed", "cleared"] if parameters is GATED else [])
    assert [upgrade.outcome for upgrade in record.upgrades] == ["executed", "failed", "rolled_back"]
    heights = [moment.height for moment in record.timeline]
    assert heights == sorted(heights), "a timeline is told as it went"


def test_an_upgrade_migrates_every_account_and_keeps_every_balance(world: World) -> None:
    accounts = world.application.chain.loaded.tables["bank.accounts"]
    before = {key: row.balance for key, row in world.overlay().scan(accounts)}
    voted = activated(world, example(world))
    migrated = world.application.chain.loaded.tables["bank.accounts"]
    after = dict(world.overlay().scan(migrated))
    assert voted.record.outcome == "executed"
    assert {key: row.migrated for key, row in after.items()} == dict.fromkeys(before, 2)
    moved = {key for key in before if after[key].balance != before[key]}
    assert len(moved) <= 8, "only proposer, payers, payees and the fee collector may differ"
    assert broken(invariant_checks(world)) == []


def test_a_new_call_and_query_are_there_right_after_the_flip(world: World) -> None:
    activated(world, example(world))
    author = world.accounts()[0]
    world.call(author, "guestbook.sign", line="first")
    world.must()
    entries = world.application.chain.loaded.tables["guestbook.entries"]
    entry = world.overlay().get(entries, (author,))
    assert entry is not None and entry.line == "first"


def test_a_migration_that_makes_coins_commits_nothing(world: World) -> None:
    activated(world, example(world))
    voted = approved(world, breaks_supply(running(world)))
    world.forward(proposal_at(world.overlay(), voted.proposal)[1].effective - 1)
    state = world.application.state
    entries, root = state.catalogue.runtime.entries, state.table_root("staking.validators")
    world.block()
    assert state.catalogue.runtime.entries == entries
    assert state.table_root("staking.validators") == root
    standing = proposal_at(world.overlay(), voted.proposal)[1]
    assert (standing.status, standing.reason) == (Status.FAILED, "failed")
    entry = next(row for _, row in world.overlay().scan(HISTORY, (world.height,)) if row.kind == FAILED)
    assert entry.reason == "invariant_broken"


def test_swapped_balances_with_the_right_sum_are_caught(world: World) -> None:
    swapping = edited(example(world), bank=("balance=old.balance, ", "balance=old.balance + 0 * old.balance + 1, "))
    voted = activated(world, swapping)
    assert (voted.record.outcome, voted.record.reason) == ("failed", "undeclared_change")
    assert voted.record.where.startswith("bank.py:")
    assert voted.record.detail.startswith("field balance of bank.accounts row ")


def test_a_migration_that_changes_nothing_is_a_failure(world: World) -> None:
    idle = edited(example(world), bank=("migrated=2", "migrated=0"))
    voted = activated(world, idle)
    assert (voted.record.outcome, voted.record.reason) == ("failed", "migration_changed_nothing")


def test_after_a_rollback_the_runtime_root_is_that_of_the_height_before(world: World) -> None:
    activated(world, example(world))
    voted = activated(world, mints_later(running(world)))
    activation = voted.record.activation
    base = world.overlay().get(WINDOW, ())
    assert base is not None
    host_before = host_roots(world)
    record = live_until_it_breaks(world, activation)
    assert record.base_root == record.returned_root == base.runtime_root.hex()
    assert transactions_between(world, activation, record.height) == len(record.receipts)
    host_after = host_roots(world)
    differing = {name for name in host_after if host_after[name] != host_before[name]}
    assert differing == {
        "governance.history",  # the upgrade's own history tells that it was rolled back
        "governance.standings",
        "host.accounts",
        "host.log",
        "host.registry",
        "upgrade.history",
        "upgrade.plans",
        "upgrade.running",
        "upgrade.window",
    }
    world.traffic(3)
    world.must()
    assert broken(invariant_checks(world)) == []


def test_another_upgrade_works_after_a_rollback(world: World) -> None:
    activated(world, example(world))
    minting = activated(world, mints_later(running(world)))
    live_until_it_breaks(world, minting.record.activation)
    again = activated(world, mints_later(running(world)))
    live_until_it_breaks(world, again.record.activation)
    rows = [row for _, row in world.overlay().scan(HISTORY) if row.kind == ROLLED_BACK]
    assert len(rows) == 2
    assert broken(invariant_checks(world)) == []


def test_fast_forward_over_an_activation_takes_its_checkpoint(world: World) -> None:
    voted = approved(world, example(world))
    effective = proposal_at(world.overlay(), voted.proposal)[1].effective
    world.forward(effective + 20)
    heights = [one.height for one in list_checkpoints(world.home)]
    assert effective - 1 in heights
    assert str(world.application.chain.loaded.version) == "2.0.0"


@pytest.mark.parametrize("parameters", [SHORT, GATED], ids=["ungated", "gated"])
def test_two_rehearsals_agree_in_every_root(make_world: Callable[..., World], parameters: dict[str, int]) -> None:
    worlds = [make_world(short_genesis(parameters=parameters)) for _ in range(2)]
    first, second = (rehearse(one, example(one), True, silent) for one in worlds)
    assert (first.app_root, first.runtime_root) == (second.app_root, second.runtime_root)
    assert [one.root_after for one in first.upgrades] == [one.root_after for one in second.upgrades]


def test_a_bundle_that_may_not_be_proposed_fails_the_rehearsal_with_its_reasons(world: World) -> None:
    silly = edited(example(world), guestbook=("entry is None", "entry is 0"))
    record = rehearse(world, silly, True, silent)
    assert not record.passed
    assert "the chain accepts the proposal" in record.failures
    refusal = next(check for check in record.checks if check.name == "the chain accepts the proposal")
    assert "guestbook.py:" in refusal.detail
