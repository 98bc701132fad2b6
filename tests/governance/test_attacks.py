"""Attacks on governance that happened elsewhere, tried here and repelled; each public case stands beside its test.

Borrowed, stolen and moved power and votes replayed from another chain are tried on a real node, in
`tests/scenarios/incidents/test_borrowed_power.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from governance.calls import Cancel
from governance.lifecycle import Status
from governance.proposals import AppointGuardian, NewValue, ParameterChange, TreasurySpend
from governance.tables import GUARDIAN, Guardian
from runtime.address import module_address
from tests.governance.world import World, breaking_bundle, minor_bundle, person

Make = Callable[..., World]
RAIDER, SECOND, THIRD, FOURTH = (person(number) for number in range(1, 5))
GUARD, TREASURY, LOOT = person(30), module_address("treasury"), 700
RAID = TreasurySpend(recipient=RAIDER, amount=LOOT)
LOWER_BAR = ParameterChange(values=(NewValue(name="approval_threshold", number=501, per=1_000),))


def guarded(world: World) -> World:
    """With a guardian, and something in the treasury to take."""
    world.overlay.put(GUARDIAN, (), Guardian(address=GUARD))
    bank = world.runtime.tables["bank.accounts"]
    world.overlay.put(bank, (TREASURY,), bank.record(balance=LOOT))
    return world


def say(world: World, proposal: int, **options: str) -> None:
    """Votes of the raider and of the others, by name."""
    for name, option in options.items():
        voter = {"raider": RAIDER, "second": SECOND, "third": THIRD, "fourth": FOURTH}[name]
        assert world.vote(voter, proposal, option) == "ok"


def test_a2_a_vote_for_one_bundle_never_runs_another(world: World) -> None:
    """Tornado Cash, 2023: other code stood in the place of what had been voted on. A vote names the bundle and its
    effect, and what was voted on is what is planned."""
    world.publish(RAIDER, minor_bundle())
    proposal = world.proposed(RAIDER, world.upgrade(minor_bundle()))
    world.open(proposal)
    assert world.vote(SECOND, proposal, "yes", bundle=breaking_bundle().code_hash) == "other_bundle"
    assert world.vote(SECOND, proposal, "yes", effect=bytes(32)) == "other_effect"
    what = world.what(proposal)
    say(world, proposal, raider="yes", second="yes", third="yes")
    world.close(proposal)
    assert world.what(proposal) == what
    planned = world.context.coordinator.plan(world.standing(proposal).plan)
    assert planned.code_hash == minor_bundle().code_hash


def test_a3_a_takeover_while_nobody_looks_fails_for_turnout(make_world: Make) -> None:
    """Build Finance, 2022: one holder alone carried a vote that few had noticed."""
    world = guarded(make_world(powers=(190, 100, 100, 190)))
    takeover = world.proposed(RAIDER, AppointGuardian(guardian=(RAIDER,)))
    world.open(takeover)
    say(world, takeover, raider="yes")
    world.close(takeover)
    assert (world.status(takeover), world.standing(takeover).reason) == (Status.REJECTED, "too_few_voters")
    guardian = world.overlay.get(GUARDIAN, ())
    assert guardian is not None and guardian.address == GUARD


def test_a3_a_takeover_that_passes_is_seen_in_its_timelock_and_cancelled(world: World) -> None:
    """Build Finance, 2022: nothing lay between the count and the loss. Here the delay does, and the guardian in it."""
    guarded(world)
    raid = world.proposed(RAIDER, RAID)
    world.open(raid)
    say(world, raid, raider="yes", second="yes", third="yes")
    world.close(raid)
    assert world.status(raid) is Status.TIMELOCK
    assert world.standing(raid).effective == world.height - 1 + 10
    assert world.call(GUARD, "guardian_cancel", Cancel(proposal=raid)) == "ok"
    world.run_to(world.height + 20)
    assert (world.status(raid), world.balance(TREASURY)) == (Status.CANCELLED, LOOT)


def test_a4_a_proposal_that_failed_waits_whoever_brings_it_again(make_world: Make) -> None:
    """Compound 289, 2024: the same proposal came again until turnout was low."""
    world = guarded(make_world(parameters={"resubmission_cooldown": 50}))
    raid = world.proposed(RAIDER, RAID)
    world.open(raid)
    say(world, raid, raider="yes", second="no", third="no")
    world.close(raid)
    assert world.status(raid) is Status.REJECTED
    ended = world.standing(raid).ended
    for proposer in (RAIDER, SECOND, person(20)):
        assert world.propose(proposer, RAID) == "failed_lately"
    world.run_to(ended + 49)
    assert world.propose(person(21), RAID) == "failed_lately"
    world.run_to(ended + 50)
    assert world.propose(RAIDER, RAID) == "ok"


def test_a4_a_vote_won_in_a_lull_is_lost_again_in_its_confirm_period(world: World) -> None:
    """Compound 289, 2024: voters learned of it when it had passed. A track may make it go on passing."""
    guarded(world)
    world.track("ordinary", confirm="5")
    raid = world.proposed(RAIDER, RAID)
    world.open(raid)
    say(world, raid, raider="yes", second="yes", third="yes")
    world.close(raid)
    assert world.status(raid) is Status.CONFIRM
    say(world, raid, second="no", fourth="no")
    world.end_block()
    assert (world.status(raid), world.balance(TREASURY)) == (Status.REJECTED, LOOT)


def test_a5_a_crowd_of_cheap_drafts_is_bounded_and_costs_what_came_with_it(make_world: Make) -> None:
    """cosmos-sdk #12450: drafts without a deposit filled the list of proposals."""
    world = make_world(parameters={"max_open_per_proposer": 3})
    spam = [TreasurySpend(recipient=RAIDER, amount=number) for number in range(1, 6)]
    assert world.propose(RAIDER, spam[0], deposit=249) == "deposit_too_small"
    codes = [world.propose(RAIDER, one, deposit=250) for one in spam]
    assert codes == ["ok", "ok", "ok", "too_many_open", "too_many_open"]
    assert world.propose(SECOND, RAID) == "ok", "others are not kept out"
    world.run_to(world.height + 9)
    assert {world.status(number) for number in (1, 2, 3)} == {Status.EXPIRED}
    assert world.balance(RAIDER) == 10_000 - 3 * 250
    assert world.ledger().burned == 3 * 250


def test_a7_who_lowers_a_threshold_is_judged_by_the_one_that_stood(make_world: Make) -> None:
    """Several chains: a proposal lowered the threshold of its own vote, or of one that ran already."""
    world = guarded(make_world(powers=(60, 40, 50, 50)))
    lowering = world.proposed(RAIDER, LOWER_BAR)
    world.open(lowering)
    say(world, lowering, raider="yes", third="yes", second="no", fourth="no")
    world.close(lowering)
    assert world.status(lowering) is Status.REJECTED, "55 % would pass by its own threshold"
    again = world.proposed(RAIDER, LOWER_BAR)
    world.open(again)
    say(world, again, raider="yes", second="yes", third="yes")
    world.close(again)
    world.run_to(world.standing(again).effective - 6)
    raid = world.proposed(RAIDER, RAID)
    world.run_to(world.standing(again).effective + 1)
    assert world.context.parameters.ratio("approval_threshold") == Fraction(501, 1000)
    say(world, raid, raider="yes", third="yes", second="no", fourth="no")
    world.close(raid)
    assert (world.status(raid), world.status(lowering)) == (Status.REJECTED, Status.REJECTED)


def test_a_proposal_made_before_its_proposer_can_make_it_is_not_in_his_way(make_world: Make) -> None:
    """OpenZeppelin Governor, CVE-2023-34234: who saw a proposal coming made it first and cancelled it, for good."""
    world = guarded(make_world(parameters={"resubmission_cooldown": 50}))
    first = world.proposed(RAIDER, RAID, title="Pay the builders")
    assert world.cancel(RAIDER, first) == "ok"
    second = world.proposed(SECOND, RAID, title="Pay the builders")
    third = world.proposed(RAIDER, RAID, title="Pay the builders")
    assert world.cancel(RAIDER, second) == "not_the_proposer"
    assert world.cancel(RAIDER, third) == "ok"
    world.executed(second)
    assert world.status(second) is Status.EXECUTED


def test_a_swing_in_the_last_block_gives_the_others_time_to_answer(make_world: Make) -> None:
    """OpenZeppelin's GovernorPreventLateQuorum says why: a large holder waits for the last block, and none answers."""
    world = guarded(make_world(powers=(300, 100, 100, 200), parameters={"late_swing": Fraction(1, 2)}))
    raid = world.proposed(RAIDER, RAID)
    world.open(raid)
    say(world, raid, second="no", third="yes")
    last = world.standing(raid).closes
    world.run_to(last)
    say(world, raid, raider="yes")
    assert world.vote(FOURTH, raid, "abstain") == "ok"
    assert world.standing(raid).closes == last + 5
    world.run_to(last + 5)
    say(world, raid, fourth="no")
    assert world.standing(raid).closes == last + 5, "once"
    world.close(raid)
    assert (world.status(raid), world.balance(TREASURY)) == (Status.REJECTED, LOOT)
