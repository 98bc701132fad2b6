"""What delegators hold, as of any height that is asked for, however it changes.  # R1.6 N5"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.agenda import pulse_of
from governance.electorate import (
    MOST_DELEGATIONS,
    delegated_at,
    pin,
    power_at,
    stake_at,
    standing_of,
    unpin,
    voting_power_at,
)
from governance.proposals import Pause, Rollback
from governance.tables import POWER_BEFORE, POWER_QUEUE, STAKES, STAKES_BEFORE
from governance.tally import Tally
from tests.governance.world import World, changed_bundle, loaded, minor_bundle, person

Make = Callable[..., World]
ANNA, BEN = person(20), person(21)
SMALL_BOUND = {"power_changes_per_block": 10}


def held(world: World, owner: bytes, height: int | None = None) -> dict[bytes, int]:
    """What the copy says an owner held, in whole tokens' worth of shares, by validator."""
    stake = stake_at(world.overlay, owner, world.height if height is None else height)
    return {part.validator: part.shares // 10**18 for part in stake.parts}


def delegators(world: World) -> Iterator[bytes]:
    return iter(dict.fromkeys(key[0] for key, _ in world.overlay.scan(STAKES)))


def test_genesis_copies_every_delegation_to_others_and_none_to_oneself(make_world: Make) -> None:
    world = make_world(powers=(100, 60), delegations=((20, 1, 30), (20, 2, 5), (21, 2, 7), (1, 2, 9)))
    assert held(world, ANNA, 0) == {person(1): 30, person(2): 5}
    assert held(world, BEN, 0) == {person(2): 7}
    assert held(world, person(1), 0) == {person(2): 9}
    assert list(delegators(world)) == [person(1), ANNA, BEN], "what is one's own is no row"
    assert voting_power_at(world.overlay, person(1), 0) == 100 + 9


def test_a_delegation_holds_from_the_end_of_the_block_that_changed_it(make_world: Make) -> None:
    world = make_world(delegations=((20, 1, 30),))
    pin(world.overlay, 4)
    world.run_to(5)
    world.delegate(ANNA, person(1), 10)
    world.delegate(ANNA, person(2), 4)
    assert held(world, ANNA) == {person(1): 30}
    world.end_block()
    assert held(world, ANNA, 4) == {person(1): 30}
    assert held(world, ANNA, 5) == {person(1): 10, person(2): 4}
    assert delegated_at(world.overlay, ANNA, 4) == 30
    assert delegated_at(world.overlay, ANNA, 5) == 14


def test_shares_are_worth_what_the_validator_s_tokens_make_them_rounded_down(world: World) -> None:
    table = world.runtime.tables["staking.validators"]
    world.overlay.put(table, (person(1),), table.record(tokens=100, shares=300 * 10**18, bonded=True))
    world.delegate(ANNA, person(1), 200)
    world.end_block()
    assert delegated_at(world.overlay, ANNA, world.height) == 66
    world.bond(person(1), 100, bonded=False)
    world.end_block()
    assert delegated_at(world.overlay, ANNA, world.height) == 0, "who is not bonded has nothing to give"


def test_a_bundle_whose_delegations_exceed_its_shares_gives_nobody_more_than_all(world: World) -> None:
    world.delegate(ANNA, person(1), 10**9)
    world.end_block()
    assert delegated_at(world.overlay, ANNA, world.height) == 100


def test_a_block_that_changes_only_somebody_s_own_stake_copies_no_delegation(world: World) -> None:
    before = {name: rows for name, rows in world.rows().items() if name.startswith("governance.")}
    world.delegate(person(1), person(1), 70)
    world.end_block()
    assert {name: rows for name, rows in world.rows().items() if name.startswith("governance.")} == before


def test_only_the_first_delegations_by_validator_count(make_world: Make) -> None:
    world = make_world(powers=(5,) * 105)
    spread = person(900)
    for validator in world.voters:
        world.delegate(spread, validator, 2)
    world.end_block()
    assert list(held(world, spread)) == list(world.voters[:MOST_DELEGATIONS])
    assert delegated_at(world.overlay, spread, world.height) == 2 * MOST_DELEGATIONS


def test_history_of_a_delegator_is_forgotten_when_no_vote_counts_by_it(world: World) -> None:
    pin(world.overlay, 2)
    for tokens in range(1, 9):
        world.delegate(ANNA, person(1), tokens)
        world.end_block()
    assert held(world, ANNA, 2) == {person(1): 2}
    assert [key for key, _ in world.overlay.scan(STAKES_BEFORE)] == [(ANNA, 2)]
    unpin(world.overlay, 2)
    world.delegate(ANNA, person(1), 0)
    world.end_block()
    assert not list(world.overlay.scan(STAKES)), "a present row of nothing goes as well"
    assert not list(world.overlay.scan(STAKES_BEFORE))


def test_who_delegates_nothing_any_more_keeps_the_row_that_a_vote_counts_by(world: World) -> None:
    world.delegate(ANNA, person(1), 5)
    world.end_block()
    pin(world.overlay, 1)
    world.delegate(ANNA, person(1), 0)
    world.end_block()
    assert held(world, ANNA, 1) == {person(1): 5}
    assert held(world, ANNA, 2) == {}


def test_more_changes_than_the_bound_wait_in_order_validators_first(make_world: Make) -> None:
    world = make_world(parameters=SMALL_BOUND)
    owners = [person(100 + number) for number in range(15)]
    for owner in owners:
        world.delegate(owner, person(1), 3)
    for number in range(5):
        world.bond(person(200 + number), 8)
    world.end_block()
    assert [power_at(world.overlay, person(200 + number), 1) for number in range(5)] == [8] * 5
    assert list(delegators(world)) == owners[:5]
    world.end_block()
    world.end_block()
    assert list(delegators(world)) == owners
    assert not list(world.overlay.scan(POWER_QUEUE)) and not pulse_of(world.overlay).waiting


def test_after_a_flip_delegations_are_compared_in_slices_those_that_left_too(make_world: Make) -> None:
    world = make_world(parameters=SMALL_BOUND, delegations=tuple((20 + number, 1, 2) for number in range(25)))
    table = world.runtime.tables["staking.delegations"]
    world.end_block()
    for number in range(25):
        if number % 2:
            world.overlay.delete(table, (person(20 + number), person(1)))
        else:
            world.delegate(person(20 + number), person(2), 6)
    world._block = world.overlay.savepoint()  # as if the rows had come by a flip: no change of the block shows them
    world.reconcile = True
    world.end_block()
    assert held(world, person(21)) == {person(1): 2}, "the last complete copy rules until the comparison is done"
    while pulse_of(world.overlay).phase or pulse_of(world.overlay).waiting:
        world.end_block()
    assert {owner: held(world, owner) for owner in delegators(world)} == {
        person(20 + number): {person(1): 2, person(2): 6} for number in range(0, 25, 2)
    }


def test_without_a_port_the_last_copy_of_the_delegations_stands(make_world: Make) -> None:
    world = make_world(delegations=((20, 1, 30),))
    port = '[ports.delegations]\ntable = "staking.delegations"\nshares = "shares"\n'
    world.runtime = loaded(changed_bundle({"bundle.toml": ((port, ""),)}, "1.1.0"))
    world.reconcile = True
    world.bond(person(2), 250)
    world.end_block()
    world.end_block()
    assert held(world, ANNA) == {person(1): 30}
    assert power_at(world.overlay, person(2), world.height) == 250
    assert pulse_of(world.overlay).phase == 0


def test_a_delegator_above_the_floor_of_power_may_propose_an_emergency(make_world: Make) -> None:
    world = make_world(delegations=((20, 1, 3), (20, 2, 1), (21, 1, 3)))  # the floor is 1 % of 400
    assert world.propose(ANNA, Pause(), deposit=0) == "ok"
    assert world.propose(BEN, Pause(), deposit=0) == "below_power_floor"


def test_a_delegator_s_calls_rank_by_what_he_can_vote(make_world: Make) -> None:
    world = make_world(delegations=((20, 1, 30), (20, 2, 5)))
    assert [standing_of(world.overlay, voter, 0) for voter in (ANNA, person(1), person(30))] == [35, 100, 0]


def test_a_vote_to_roll_back_counts_delegations_as_they_were_before_the_upgrade(make_world: Make) -> None:
    """What the new runtime writes into its table says nothing in the vote on undoing it."""
    world = make_world(delegations=((20, 1, 30),))
    world.publish(person(1), minor_bundle())
    upgrade = world.proposed(person(1), world.upgrade(minor_bundle()))
    world.passed(upgrade)
    world.run_to(world.standing(upgrade).effective)
    world.flip(world.standing(upgrade).plan, loaded(minor_bundle()))
    for validator in world.voters:
        world.delegate(BEN, validator, 100)
    world.delegate(ANNA, person(1), 0)
    world.end_block()
    while pulse_of(world.overlay).phase or pulse_of(world.overlay).waiting:
        world.end_block()
    assert (delegated_at(world.overlay, BEN, world.height), delegated_at(world.overlay, ANNA, world.height)) == (400, 0)
    rollback = world.emergency(person(1), Rollback(upgrade=upgrade))
    world.open(rollback)
    assert world.vote(BEN, rollback, "no") == "no_power"
    assert world.vote(ANNA, rollback, "yes") == "ok"
    assert world.vote(person(1), rollback, "yes") == "ok"
    assert world.standing(rollback).tally == Tally(yes=100, voters=2)


OWNERS = [person(20 + number) for number in range(4)]
CHANGES = st.dictionaries(st.tuples(st.integers(0, 3), st.integers(1, 3)), st.integers(0, 9), max_size=6)


@given(st.lists(CHANGES, min_size=1, max_size=8), st.sets(st.integers(0, 8), max_size=3))
@settings(max_examples=40, deadline=None)
def test_any_pinned_height_shows_what_was_held_then(blocks: list[dict[tuple[int, int], int]], pins: set[int]) -> None:
    world = World()
    for height in pins:
        pin(world.overlay, height)
    table: dict[tuple[bytes, bytes], int] = {}
    then = {0: dict(table)}
    for changes in blocks:
        for (owner, validator), tokens in changes.items():
            world.delegate(OWNERS[owner], person(validator), tokens)
            table[OWNERS[owner], person(validator)] = tokens
        world.end_block()
        then[world.height - 1] = dict(table)
    for height in {*pins, world.height - 1} & then.keys():
        for owner in OWNERS:
            wanted = {to: tokens for (of, to), tokens in then[height].items() if of == owner and tokens}
            assert held(world, owner, height) == dict(sorted(wanted.items()))
    assert not list(world.overlay.scan(POWER_BEFORE))
