"""The guardian on a real node: what it stops waits or is refused at the door, survives a restart, and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.calls import GuardianIsolate, GuardianPause
from governance.electorate import electors_at
from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.proposals import Statement
from node.errors import TransactionRefused
from node.rehearsal.rollback import invariant_checks
from node.rehearsal.world import HOST, World
from runtime.metering.faults import MODULE_ISOLATED
from runtime.receipts import CALLS_WAIT, OK
from storage.record import Record
from tests.scenarios.upgrades import carry, propose, vote
from tests.short_periods import SHORT, short_genesis

SPAN = 40


class Guarded:
    """A world with a guardian who holds no stake, to be closed and opened again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        made = short_genesis(parameters={**SHORT, "guardian_span": SPAN})
        operators = {one.operator for one in made.validators}
        self.guardian = [one.address for one in made.accounts if one.key and one.address not in operators][-1]
        self.genesis = made.model_copy(update={"guardian": self.guardian})
        self.world = World.create(root, self.genesis)

    def act(self, call: str, args: Record) -> None:
        """The guardian's act in a block of its own; whatever else waits is left out of it."""
        made = self.world.solo.make_block((self.world.wallet(self.guardian).host(HOST[f"governance.{call}"], args),))
        assert [receipt.code for receipt in made.receipts] == [OK]

    def restart(self) -> None:
        self.world.close()
        self.world = World.open(self.root, self.genesis)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    made = Guarded(tmp_path / "chain")
    yield made
    made.world.close()


def send(world: World, place: int = 0) -> bytes:
    """Submit a transfer of one of the accounts; its id."""
    sender, other = world.accounts()[place : place + 2]
    world.call(sender, "bank.send", to=other, coins=1)
    return world.application.mempool.take(1 << 20)[-1].id


def test_what_waits_in_a_pause_runs_after_its_last_height(guarded: Guarded) -> None:
    world, waiting = guarded.world, send(guarded.world)
    until = world.height + 4
    guarded.act("guardian_pause", GuardianPause(until=until))
    with pytest.raises(TransactionRefused) as refused:
        send(world)
    assert refused.value.code == CALLS_WAIT
    while world.height < until:
        assert world.block().receipts == ()
    assert [(one.item, one.code) for one in world.block().receipts] == [(waiting, OK)]


def test_an_isolated_module_is_refused_at_the_door_and_everything_else_goes_on(guarded: Guarded) -> None:
    waiting, power = send(guarded.world), electors_at(guarded.world.overlay(), 0)
    guarded.act("guardian_isolate", GuardianIsolate(module="bank"))
    assert guarded.world.application.mempool.fate(waiting) == MODULE_ISOLATED
    guarded.restart()
    world = guarded.world
    with pytest.raises(TransactionRefused) as refused:
        send(world)
    assert refused.value.code == MODULE_ISOLATED
    delegator, validator = world.accounts()[2], world.operators()[0]
    world.call(delegator, "staking.delegate", validator=validator, coins=5)
    assert [receipt.code for receipt in world.block().receipts] == [MODULE_ISOLATED], "staking calls the bank"
    guarded.act("guardian_isolate", GuardianIsolate(module="staking"))
    proposal = propose(world, Statement(), world.parameter("min_deposit"))
    vote(world, proposal, "yes")
    carry(world, proposal, Status.EXECUTED)
    what, standing = proposal_at(world.overlay(), proposal)
    assert (what.track.deposit, standing.electors) == (world.parameter("min_deposit"), power)
    assert all(check.holds for check in invariant_checks(world))
    world.forward(1 + SPAN)
    send(world, 5)
    assert [receipt.code for receipt in world.block().receipts] == [OK]
