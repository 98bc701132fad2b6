"""A rollback whose replay takes many blocks: the chain goes on, governance acts, and nothing is lost.  # N4 N5"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.proposals import Pause, Rollback, Statement
from node.rehearsal.world import World
from runtime.errors import BlockRefused
from runtime.plans import HISTORY, ROLLED_BACK
from runtime.purse import DEBTS
from runtime.receipts import OK
from tests.scenarios.upgrades import activated, carry, example, propose, vote
from tests.short_periods import SHORT, short_genesis


@pytest.fixture
def returned(make_world: Callable[..., World]) -> World:
    """A chain in the first of many blocks of a replay."""
    world = make_world(short_genesis(parameters={**SHORT, "replay_items": 1}))
    activated(world, example(world))
    sender, other = world.accounts()[:2]
    for _ in range(8):
        world.call(sender, "bank.send", to=other, coins=1)
        world.must()
    window = world.coordinator().window()
    assert window is not None
    proposal = propose(world, Rollback(upgrade=window.proposal), 0)
    vote(world, proposal, "yes")
    carry(world, proposal, Status.EXECUTED)
    world.block()
    assert world.coordinator().replaying() is not None
    return world


def until_the_end(world: World) -> None:
    for _ in range(200):
        if world.coordinator().replaying() is None:
            return
        world.block()
    raise AssertionError("the replay does not catch up")


def test_blocks_hold_host_calls_only_until_the_replay_has_caught_up(returned: World) -> None:
    sender, other = returned.accounts()[:2]
    returned.call(sender, "bank.send", to=other, coins=1)
    raw = returned.application.mempool.take(1 << 20)[0].raw
    assert returned.block().prepared.block.transactions == ()
    block = returned.application.block_of(returned.operators()[0], (raw,))
    with pytest.raises(BlockRefused) as refused:
        returned.application.process_proposal(block)
    assert refused.value.code == "replay_under_way"
    until_the_end(returned)
    assert [receipt.code for receipt in returned.must().receipts] == [OK]
    kinds = [row.kind for _, row in returned.overlay().scan(HISTORY)]
    assert kinds[-1] == ROLLED_BACK


def test_proposals_votes_and_pauses_work_while_a_replay_goes_on(returned: World) -> None:
    opinion = propose(returned, Statement(), returned.parameter("min_deposit"))
    pause = propose(returned, Pause(), 0)
    assert returned.coordinator().replaying() is not None
    vote(returned, pause, "yes")
    until_the_end(returned)
    assert proposal_at(returned.overlay(), pause)[1].tally.yes > 0
    assert proposal_at(returned.overlay(), opinion)[1].gathered == returned.parameter("min_deposit")
    assert not list(returned.overlay().scan(DEBTS)), "the deposit was there when its turn came"
    carry(returned, pause, Status.EXECUTED)
    assert returned.coordinator().safe_mode().on
