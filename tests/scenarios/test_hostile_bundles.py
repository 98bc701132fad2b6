"""However broken a bundle is: blocks go on, coins stay, and a proposal, a vote and a rollback still pass (N5, N10)."""

from __future__ import annotations

import pytest

from governance.calls import CastVote, Propose
from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.proposals import Content, MaintenanceWindow, Rollback, Statement
from node.rehearsal.rollback import invariant_checks
from node.rehearsal.world import World
from runtime.bundle.archive import of_files
from runtime.plans import HISTORY, ROLLED_BACK
from tests.scenarios.hostile import CALLS, with_trouble
from tests.scenarios.upgrades import activated, running

LOOP = "while True:\n        pass"
LOOP_WHEN_ARMED = "if ctx.has(cells, 9):\n        while True:\n            pass"
RAISE = "raise Refused('never')"


def all_rules_hold(world: World) -> bool:
    return all(check.holds for check in invariant_checks(world))


def roll_back_by_vote(world: World, upgrade: int) -> int:
    """Propose, vote and await a rollback on the emergency track; the height at which it happened."""
    operators = world.operators()
    content = Content.of(Rollback(upgrade=upgrade))
    world.host(operators[0], "governance.propose", Propose(title="back", content=content, window=MaintenanceWindow()))
    world.must()
    proposal = world.last_proposal()
    what, standing = proposal_at(world.overlay(), proposal)
    while world.height <= standing.due:
        world.block()
    for operator in operators:
        vote = CastVote(proposal=proposal, option="yes", bundle=what.bundle, effect=what.effect)
        world.host(operator, "governance.vote", vote)
    codes = {receipt.code for receipt in world.block().receipts}
    assert "ok" in codes
    while not any(row.kind == ROLLED_BACK for _, row in world.overlay().scan(HISTORY)):
        assert world.height < standing.due + 100, "the rollback never came"
        world.block()
    return world.height


@pytest.fixture
def troubled(world: World) -> World:
    """A world whose running bundle holds the module of trouble, its hooks raising."""
    bundle = with_trouble(running(world), "1.1.0", begin_block=RAISE, end_block=RAISE, pre_upgrade=RAISE)
    assert activated(world, bundle).record.outcome == "executed"
    return world


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_call_that_misbehaves_fails_alone(troubled: World, name: str) -> None:
    sender, payer = troubled.accounts()[:2]
    troubled.call(sender, f"trouble.{name}")
    troubled.call(payer, "bank.send", to=sender, coins=3)
    by_code = sorted(receipt.code for receipt in troubled.block().receipts[:2])
    assert by_code == sorted([CALLS[name][1], "ok"])
    assert all_rules_hold(troubled)


def test_hooks_that_raise_are_recorded_and_the_block_goes_on(troubled: World) -> None:
    troubled.traffic(3)
    receipts = troubled.block().receipts
    assert [receipt.code for receipt in receipts] == ["ok"] * 3 + ["never"] * 2
    assert {receipt.file for receipt in receipts[3:]} == {"trouble.py"}


def test_a_rollback_is_proposed_and_voted_while_every_hook_raises(troubled: World) -> None:
    window = troubled.coordinator().window()
    assert window is not None
    roll_back_by_vote(troubled, window.proposal)
    assert ("trouble", "refuses") not in troubled.application.chain.loaded.calls
    troubled.traffic(2)
    troubled.must()
    assert all_rules_hold(troubled)


def test_a_hook_that_loops_rolls_the_upgrade_back_by_itself(world: World) -> None:
    base = world.application.chain.loaded.code_hash
    voted = activated(world, with_trouble(running(world), "1.1.0", end_block=LOOP_WHEN_ARMED))
    assert voted.record.outcome == "executed"
    world.call(world.accounts()[0], "trouble.arm")
    assert [receipt.code for receipt in world.block().receipts] == ["ok", "out_of_steps"]
    world.block()
    assert world.application.chain.loaded.code_hash == base
    assert all_rules_hold(world)


def test_a_hook_that_loops_at_once_never_takes_effect(world: World) -> None:
    voted = activated(world, with_trouble(running(world), "1.1.0", begin_block=LOOP))
    assert (voted.record.outcome, voted.record.reason) == ("failed", "begin_block_out_of_steps")


def test_a_module_that_is_unwell_is_never_activated(world: World) -> None:
    voted = activated(world, with_trouble(running(world), "1.1.0", health="return False"))
    assert (voted.record.outcome, voted.record.reason) == ("failed", "health_unhealthy")
    assert voted.record.where.startswith("trouble.py:")


def test_a_hook_after_the_upgrade_that_fails_stops_it(world: World) -> None:
    voted = activated(world, with_trouble(running(world), "1.1.0", post_upgrade=LOOP))
    assert (voted.record.outcome, voted.record.reason) == ("failed", "post_upgrade_out_of_steps")


def test_old_code_whose_hook_raises_can_still_be_upgraded(troubled: World) -> None:  # I6
    window = troubled.coordinator().window()
    assert window is not None
    troubled.forward(window.closes + 1)
    files = dict(running(troubled).files)
    files["bundle.toml"] = files["bundle.toml"].replace(b'version = "1.1.0"', b'version = "1.2.0"')
    assert activated(troubled, of_files(files)).record.outcome == "executed"


def test_a_proposal_passes_while_hooks_raise(troubled: World) -> None:
    operators = troubled.operators()
    args = Propose(title="words", content=Content.of(Statement()), deposit=1000, window=MaintenanceWindow())
    troubled.host(operators[0], "governance.propose", args)
    troubled.block()
    proposal = troubled.last_proposal()
    what, standing = proposal_at(troubled.overlay(), proposal)
    while troubled.height <= standing.due:
        troubled.block()
    for operator in operators:
        troubled.host(operator, "governance.vote", CastVote(proposal=proposal, option="yes", effect=what.effect))
    for _ in range(40):
        troubled.block()
    assert proposal_at(troubled.overlay(), proposal)[1].status == Status.EXECUTED
