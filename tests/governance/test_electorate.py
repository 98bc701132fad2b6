"""Power as of a height, however the validators change.  # N5"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.agenda import pulse_of
from governance.electorate import MOST_POWER, electors_at, pin, power_at, stake_at, unpin
from governance.reading import Reader
from governance.tables import ELECTORS, POWER, POWER_BEFORE, POWER_QUEUE
from governance.tally import Electors
from tests.governance.world import A_STATEMENT, World, person

Make = Callable[..., World]
SMALL_BOUND = {"power_changes_per_block": 10}


def copied(world: World) -> dict[bytes, int]:
    """The copy's power of everyone it knows, at the end of the last block."""
    voters = dict.fromkeys(key[0] for key, _ in world.overlay.scan(POWER))
    powers = {voter: power_at(world.overlay, voter, world.height - 1) for voter in voters}
    return {voter: power for voter, power in powers.items() if power}


def test_genesis_counts_bonded_validators_only(make_world: Make) -> None:
    world = make_world(powers=(5, 7))
    assert electors_at(world.overlay, 0) == Electors(power=12, voters=2)
    assert power_at(world.overlay, person(3), 0) == 0


def test_power_holds_from_the_end_of_the_block_that_changed_it(world: World) -> None:
    voter = world.voters[0]
    pin(world.overlay, 0)
    world.run_to(5)
    world.bond(voter, 40)
    assert power_at(world.overlay, voter, 5) == 100
    world.end_block()
    assert power_at(world.overlay, voter, 4) == 100
    assert power_at(world.overlay, voter, 5) == 40
    assert electors_at(world.overlay, 4).power == 400
    assert electors_at(world.overlay, 5) == Electors(power=340, voters=4)


def test_a_validator_that_unbonds_or_leaves_the_table_has_no_power(world: World) -> None:
    world.bond(world.voters[0], 100, bonded=False)
    world.overlay.delete(world.runtime.tables["staking.validators"], (world.voters[1],))
    world.end_block()
    assert copied(world) == {world.voters[2]: 100, world.voters[3]: 100}
    assert electors_at(world.overlay, world.height) == Electors(power=200, voters=2)


def test_power_bought_after_voting_began_does_not_count(world: World) -> None:  # A1
    proposal = world.proposed(world.voters[0], A_STATEMENT)
    world.open(proposal)
    world.bond(world.voters[0], 10**9)
    world.bond(person(20), 10**9)
    world.end_block()
    assert world.vote(world.voters[0], proposal, "yes") == "ok"
    assert world.standing(proposal).tally.yes == 100
    assert world.vote(person(20), proposal, "yes") == "no_power"
    assert world.standing(proposal).electors == Electors(power=400, voters=4)


def test_power_sold_after_voting_began_still_counts(world: World) -> None:
    proposal = world.proposed(world.voters[0], A_STATEMENT)
    world.open(proposal)
    world.bond(world.voters[1], 0)
    world.end_block()
    assert world.vote(world.voters[1], proposal, "no") == "ok"
    assert world.standing(proposal).tally.no == 100


def test_more_changes_than_the_bound_wait_in_order_and_all_arrive(make_world: Make) -> None:
    world = make_world(parameters=SMALL_BOUND)
    newcomers = [person(100 + number) for number in range(25)]
    for voter in newcomers:
        world.bond(voter, 3)
    world.end_block()
    assert len(copied(world)) == 4 + 10
    world.bond(newcomers[-1], 9)
    world.end_block()
    assert len(copied(world)) == 4 + 20
    world.end_block()
    assert len(copied(world)) == 4 + 25
    assert copied(world)[newcomers[-1]] == 9
    while pulse_of(world.overlay).waiting:
        world.end_block()
    assert not list(world.overlay.scan(POWER_QUEUE))
    assert electors_at(world.overlay, world.height) == Electors(power=400 + 24 * 3 + 9, voters=29)


def test_after_a_flip_the_whole_table_is_compared_in_slices(make_world: Make) -> None:
    world = make_world(powers=(1,) * 30, parameters=SMALL_BOUND)
    table = world.runtime.tables["staking.validators"]
    world.end_block()
    savepoint = world.overlay.savepoint()
    for voter in world.voters[:12]:
        world.overlay.delete(table, (voter,))
    for voter in world.voters[12:]:
        world.bond(voter, 5)
    world.bond(person(500), 8)
    world.overlay.release(savepoint)
    world._block = world.overlay.savepoint()  # as if the rows had come by a flip: no change of the block shows them
    world.reconcile = True
    world.end_block()
    assert sum(copied(world).values()) == 30, "the last complete copy rules until the comparison is done"
    while pulse_of(world.overlay).phase or pulse_of(world.overlay).waiting:
        world.end_block()
    assert copied(world) == {**dict.fromkeys(world.voters[12:], 5), person(500): 8}
    assert electors_at(world.overlay, world.height) == Electors(power=18 * 5 + 8, voters=19)


def test_a_bundle_that_unbonds_everyone_leaves_the_last_voter_his_power(make_world: Make) -> None:
    world = make_world(powers=(100, 60))
    for voter in world.voters:
        world.bond(voter, 0)
    world.end_block()
    assert electors_at(world.overlay, world.height).power > 0
    kept = copied(world)
    world.run_to(world.height + 3)
    assert copied(world) == kept
    world.bond(person(9), 70)
    world.end_block()
    world.end_block()
    assert copied(world) == {person(9): 70}
    assert pulse_of(world.overlay).waiting == 0


def test_a_bundle_with_absurd_stakes_cannot_overflow_the_electorate(world: World) -> None:
    table = world.runtime.tables["staking.validators"]
    for voter in world.voters:
        world.overlay.put(table, (voter,), table.record(tokens=2**256 - 1, shares=1, bonded=True))
    world.end_block()
    assert electors_at(world.overlay, world.height).power == 4 * MOST_POWER
    proposal = world.proposed(world.voters[0], A_STATEMENT)
    world.passed(proposal)


def test_history_is_forgotten_when_no_vote_counts_by_it(world: World) -> None:
    voter = world.voters[0]
    pin(world.overlay, 2)
    for tokens in range(1, 9):
        world.bond(voter, tokens)
        world.end_block()
    assert power_at(world.overlay, voter, 2) == 2
    assert [key for key, _ in world.overlay.scan(POWER_BEFORE)] == [(voter, 2)]
    unpin(world.overlay, 2)
    world.bond(voter, 50)
    world.end_block()
    assert not list(world.overlay.scan(POWER_BEFORE))
    assert len(list(world.overlay.scan(ELECTORS))) == 1


@given(st.lists(st.tuples(st.integers(1, 99), st.sampled_from(["pin", "unpin", ""]), st.integers(0, 9)), max_size=25))
@settings(max_examples=40, deadline=None)
def test_any_height_that_is_asked_for_is_known_and_a_change_forgets_two_of_the_others(
    steps: list[tuple[int, str, int]],
) -> None:
    world = World(powers=(100, 100))
    voter, pins, was = world.voters[0], list[int](), dict[int, int]()
    for tokens, what, pick in steps:
        world.bond(voter, tokens)
        height = world.height
        if what == "pin":
            pin(world.overlay, height)
            pins.append(height)
        elif what == "unpin" and pins:
            unpin(world.overlay, pins.pop(pick % len(pins)))
        world.end_block()
        was[height] = tokens
        assert {at: power_at(world.overlay, voter, at) for at in pins} == {at: was[at] for at in pins}
        assert {at: electors_at(world.overlay, at).power for at in pins} == {at: was[at] + 100 for at in pins}
    while pins:
        unpin(world.overlay, pins.pop())
    tables = (POWER_BEFORE, ELECTORS)
    left = [sum(1 for _ in world.overlay.scan(table)) for table in tables]
    for tokens in range(100, 100 + sum(left)):
        world.bond(voter, tokens)
        world.end_block()
        now = [sum(1 for _ in world.overlay.scan(table)) for table in tables]
        assert now[0] == max(0, left[0] - 2) and now[1] <= max(1, left[1] - 1)
        left = now
    assert left[0] == 0 and left[1] <= 1


class Counted:
    """A reader that counts what it is asked, and the rows that it hands out."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.asked = reader, list[str]()

    def get(self, table: Any, key: tuple[Any, ...]) -> Any:
        self.asked.append("get")
        return self.reader.get(table, key)

    def scan(self, *args: Any, **how: Any) -> Iterator[Any]:
        self.asked.append("seek")
        for row in self.reader.scan(*args, **how):
            self.asked.append("row")
            yield row


def test_a_look_up_is_one_read_or_one_seek_however_many_heights_are_kept(world: World) -> None:
    voter, owner, heights = world.voters[0], person(20), range(1, 41)
    for height in heights:
        world.bond(voter, height)
        world.delegate(owner, world.voters[1], height)
        pin(world.overlay, height)
        world.end_block()
    for height in heights:
        reader = Counted(world.overlay)
        assert power_at(reader, voter, height) == height
        assert stake_at(reader, owner, height).parts[0].shares == height * 10**18
        once = ["get"] if height == heights[-1] else ["get", "seek", "row"]
        assert reader.asked == once * 2


def test_a_block_that_changes_no_validator_writes_nothing(world: World) -> None:
    before = world.rows()
    bank = world.runtime.tables["bank.accounts"]
    world.overlay.put(bank, (person(3),), bank.record(balance=5))
    changed = world.rows()
    world.end_block()
    assert world.rows() == changed != before


@given(
    st.lists(st.dictionaries(st.integers(0, 14), st.integers(0, 50), max_size=15), min_size=1, max_size=6),
    st.integers(10, 12),
)
@settings(max_examples=15, deadline=None)
def test_the_copy_catches_up_with_any_changes(blocks: list[dict[int, int]], bound: int) -> None:
    world = World(powers=(1,), parameters={"power_changes_per_block": bound})
    table = {world.voters[0]: 1}
    for changes in blocks:
        for number, tokens in changes.items():
            world.bond(person(50 + number), tokens)
            table[person(50 + number)] = tokens
        world.end_block()
    for _ in range(12):
        world.end_block()
    assert copied(world) == {voter: tokens for voter, tokens in table.items() if tokens}
    electors = electors_at(world.overlay, world.height)
    assert electors == Electors(power=sum(table.values()), voters=sum(1 for tokens in table.values() if tokens))
