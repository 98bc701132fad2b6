"""Governance is reachable in whatever state a chain is: propose, vote, cancel and roll back take effect.  # N5

One story for six states. In the state itself an upgrade is proposed, voted through and cancelled by a vote; then the
last upgrade is rolled back. Where the state leaves nothing to go back to, that is said, and the next upgrade is voted,
lived through and rolled back instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from governance.calls import Cancel
from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.proposals import CancelUpgrade, NewValue, ParameterChange, Pause, Rollback, Statement
from governance.tables import READINESS
from node.keys_of_home import keys_of_seed
from node.rehearsal import upgrade
from node.rehearsal.demonstrations import mints_later
from node.rehearsal.rollback import invariant_checks
from node.rehearsal.world import World
from node.solo import Solo
from runtime.errors import HostRefused
from runtime.plans import CANCELLED, FAILED, HISTORY, POSTPONED, ROLLED_BACK, SCHEDULED, HistoryEntry
from storage.signing import LastSigned
from tests.scenarios.hostile import with_trouble
from tests.scenarios.upgrades import activated, approved, carry, example, propose, running, silent, vote
from tests.short_periods import SHORT, short_genesis

RAISE, RAISE_WHEN_ARMED = "raise Refused('never')", "if ctx.has(cells, 9):\n        raise Refused('never')"
PERIODS = {**SHORT, "voting_period": 6, "probation": 200, "replay_items": 1}
BUSY = 32
"""Heights with a transfer each, so that a replay of one transaction a block outlasts the votes in it."""


@dataclass(frozen=True)
class State:
    """How a chain comes into a state, and how one sees that it is in it."""

    enter: Callable[[World], None]
    holds: Callable[[World], bool]
    can_go_back: bool = True
    leave: Callable[[World], None] = lambda world: None
    """Brings the chain to where another upgrade can take effect."""


def failed_activation(world: World) -> None:
    assert activated(world, with_trouble(running(world), "1.1.0", health="return False")).record.outcome == "failed"


def probation(world: World) -> None:
    assert activated(world, example(world)).record.outcome == "executed"


def safe_mode(world: World) -> None:
    probation(world)
    by_vote(world, propose(world, Pause(), 0))


def postponed(world: World) -> None:
    """Inside the window of one upgrade the next one's validators say nothing of their rehearsal."""
    probation(world)
    change = ParameterChange(values=(NewValue(name="rehearsal_gate", number=1),))
    by_vote(world, propose(world, change, world.parameter("min_deposit")))
    keys = keys_of_seed(world.genesis.seed, world.operators())
    world.solo.close()
    world.solo = Solo(world.application, keys.consensus, LastSigned.open(world.home.last_signed_file))
    approved(world, mints_later(running(world)))
    waiting = world.coordinator().pending()
    assert waiting is not None
    row = world.overlay().get(READINESS, (waiting[0],))
    assert row is not None
    world.forward(row.gate)


def replaying(world: World) -> None:
    probation(world)
    sender, other = world.accounts()[:2]
    for _ in range(BUSY):
        world.call(sender, "bank.send", to=other, coins=1)
        world.must()
    window = world.coordinator().window()
    assert window is not None
    by_vote(world, propose(world, Rollback(upgrade=window.proposal), 0))
    world.block()


def every_hook_raises(world: World) -> None:
    always = dict.fromkeys(("begin_block", "end_block", "pre_upgrade"), RAISE)
    later = {"post_upgrade": RAISE_WHEN_ARMED, "health": f"{RAISE_WHEN_ARMED}\n    return True"}
    assert activated(world, with_trouble(running(world), "1.1.0", **always, **later)).record.outcome == "executed"
    world.call(world.accounts()[0], "trouble.arm")
    world.must()
    assert [receipt.code for receipt in world.block().receipts] == ["never"] * 3, "begin_block, end_block, health"


def in_probation(world: World) -> bool:
    window = world.coordinator().window()
    return window is not None and world.height < window.probation_until


def until_replayed(world: World) -> None:
    while world.coordinator().replaying() is not None:
        world.block()


def last_line(world: World) -> HistoryEntry:
    return next(row for _, row in world.overlay().scan(HISTORY, reverse=True))


STATES: dict[str, State] = {
    "failed activation": State(failed_activation, lambda world: FAILED in kinds_of(world), can_go_back=False),
    "probation": State(probation, in_probation),
    "safe mode": State(safe_mode, lambda world: world.coordinator().safe_mode().on),
    "postponed": State(postponed, lambda world: POSTPONED in kinds_of(world)),
    "replay in slices": State(
        replaying, lambda world: world.coordinator().replaying() is not None, can_go_back=False, leave=until_replayed
    ),
    "every hook raises": State(every_hook_raises, in_probation),
}


@pytest.mark.parametrize("name", STATES)
def test_propose_vote_cancel_and_roll_back_take_effect(make_world: Callable[..., World], name: str) -> None:
    state = STATES[name]
    world = make_world(short_genesis(parameters=PERIODS))
    state.enter(world)
    base = world.application.chain.loaded.code_hash
    assert state.holds(world)
    withdraw_one(world)
    proposal, plan = waiting_upgrade(world)
    assert state.holds(world)
    by_vote(world, propose(world, CancelUpgrade(upgrade=proposal), 0))
    assert proposal_at(world.overlay(), proposal)[1].status == Status.CANCELLED
    assert world.coordinator().plan(plan).state == CANCELLED
    assert state.holds(world)
    if not state.can_go_back:
        with pytest.raises(HostRefused) as refused:
            propose(world, Rollback(upgrade=proposal), 0)
        assert refused.value.code == "no_open_window"
        state.leave(world)
        assert activated(world, mints_later(running(world))).record.outcome == "executed"
        base = world.application.chain.loaded.code_hash
    window = world.coordinator().window()
    assert window is not None
    by_vote(world, propose(world, Rollback(upgrade=window.proposal), 0))
    world.block()
    until_replayed(world)
    assert last_line(world).kind == ROLLED_BACK
    assert world.application.chain.loaded.code_hash == window.previous.code_hash != base
    assert all(check.holds for check in invariant_checks(world))


def withdraw_one(world: World) -> None:
    """A proposer takes a proposal back, and gets the deposit when purses move."""
    proposer = world.operators()[1]
    proposal = propose(world, Statement(), world.parameter("min_deposit"), proposer)
    world.host(proposer, "governance.cancel", Cancel(proposal=proposal))
    world.must()
    standing = proposal_at(world.overlay(), proposal)[1]
    assert (standing.status, standing.gathered) == (Status.CANCELLED, 0)


def waiting_upgrade(world: World) -> tuple[int, int]:
    """An approved upgrade that waits for its height, and its plan: proposed and voted here, unless one is there."""
    waiting = world.coordinator().pending()
    if waiting is None:
        voted = upgrade.propose(world, mints_later(running(world)), "In this very state")
        upgrade.vote(world, (voted,), silent)
        waiting = world.coordinator().pending()
    assert waiting is not None and waiting[1].state == SCHEDULED
    return waiting[1].proposal, waiting[0]


def by_vote(world: World, proposal: int) -> None:
    """All validators say yes, and it happens."""
    vote(world, proposal, "yes")
    carry(world, proposal, Status.EXECUTED)


def kinds_of(world: World) -> list[str]:
    """What has happened to plans, but for those cancelled: what they were in the last time."""
    return [row.kind for _, row in world.overlay().scan(HISTORY) if row.kind != CANCELLED]
