"""Several acts in one proposal: all of them happen, or none."""

from __future__ import annotations

from governance.lifecycle import Status
from governance.proposals import AppointGuardian, Batch, FeatureSwitch, Message, NewValue, ParameterChange
from governance.tables import GUARDIAN
from storage.record import Record
from tests.governance.spending import FIRST, SPEND, STRANGER, fund_treasury
from tests.governance.world import World


def batch(*contents: Record) -> Batch:
    return Batch(messages=tuple(Message.of(content) for content in contents))


RAISE = ParameterChange(values=(NewValue(name="min_deposit", number=900),))


def test_the_messages_of_a_batch_take_effect_together(world: World) -> None:
    fund_treasury(world)
    world.executed(world.proposed(FIRST, batch(RAISE, SPEND)))
    assert world.balance(STRANGER) == 10_007
    assert world.context_for(b"").parameters.integer("min_deposit") == 900


def test_a_batch_of_which_one_message_cannot_happen_changes_nothing_and_keeps_the_reason(world: World) -> None:
    gone = AppointGuardian(guardian=(FIRST,))
    fund_treasury(world, 10)
    proposal = world.proposed(FIRST, batch(gone, SPEND, SPEND))
    world.passed(proposal)
    events = len(world.events)
    world.run_to(world.standing(proposal).effective + 1)
    assert world.standing(proposal).reason == "insufficient_funds"
    assert world.overlay.get(GUARDIAN, ()) is None
    assert [event.kind for event in world.events[events:]] == []
    world.run_to(world.standing(proposal).expires + 1)
    assert world.status(proposal) is Status.EXPIRED
    assert world.overlay.get(GUARDIAN, ()) is None
    assert world.balance(STRANGER) == 10_000


def test_a_batch_is_refused_for_any_of_its_messages(world: World) -> None:
    assert world.propose(FIRST, batch(RAISE, FeatureSwitch(name="lottery", on=True))) == "unknown_target"
    assert world.propose(FIRST, Batch(messages=(Message.of(RAISE),) * 17)) == "too_many_items"
