"""A governed rollback on a real node: deposits, a treasury spend and a burned deposit inside the window, then back."""

from __future__ import annotations

import pytest

from governance.acts import TREASURY
from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.proposals import Rollback, Statement, TreasurySpend
from governance.tables import LEDGER, Ledger
from node.rehearsal.rollback import invariant_checks
from node.rehearsal.world import World
from runtime.plans import HISTORY, ROLLED_BACK
from runtime.purse import SUPPLY, Supply
from runtime.receipts import HOST_STANDS, OK
from runtime.sealing import RECEIPTS
from tests.scenarios.upgrades import activated, carry, example, propose, vote


def supply(world: World) -> Supply:
    return world.overlay().get(SUPPLY, ()) or Supply()


def ledger(world: World) -> Ledger:
    return world.overlay().get(LEDGER, ()) or Ledger()


def sound(world: World) -> bool:
    return all(check.holds for check in invariant_checks(world))


@pytest.fixture
def upgraded(world: World) -> World:
    """A world in the window of an upgrade that rewrote every account."""
    assert activated(world, example(world)).record.outcome == "executed"
    return world


def test_governance_of_the_window_stands_and_its_coins_settle(upgraded: World) -> None:
    world = upgraded
    window = world.coordinator().window()
    assert window is not None
    payee = world.accounts()[-1]
    spend = propose(world, TreasurySpend(recipient=payee, amount=3), 1000)
    burned = propose(world, Statement(), 1000)
    vote(world, spend, "yes")
    vote(world, burned, "veto")
    world.traffic(4)
    world.must()
    busy = world.height
    carry(world, spend, Status.EXECUTED)
    carry(world, burned, Status.VETOED, Status.REJECTED)
    assert sound(world)
    books, deposits = supply(world), ledger(world)
    paid = proposal_at(world.overlay(), spend)[1].status
    back = propose(world, Rollback(upgrade=window.proposal), 0)
    vote(world, back, "yes")
    carry(world, back, Status.EXECUTED)
    while not any(row.kind == ROLLED_BACK for _, row in world.overlay().scan(HISTORY)):
        assert sound(world)
        world.block()
    assert sound(world)
    assert supply(world) == books, "uncollected and unpaid came back to nothing"
    assert ledger(world) == deposits
    assert proposal_at(world.overlay(), spend)[1].status == paid
    log = world.application.state.log()
    seconds = {RECEIPTS.decode(raw).code for raw in log.second_receipts(busy).values()}
    assert seconds == {OK}
    replayed = range(window.activation, world.height)
    for height in replayed:
        assert sorted(log.second_receipts(height)) == list(range(len(log.transactions(height))))
    codes = {RECEIPTS.decode(raw).code for height in replayed for raw in log.second_receipts(height).values()}
    assert codes == {OK, HOST_STANDS}
    purse = world.application.chain.loaded.tables["bank.accounts"]
    assert world.overlay().get(purse, (TREASURY,)) is not None
    world.traffic(2)
    world.must()
    assert sound(world)
