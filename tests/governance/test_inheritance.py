"""Validators vote with what is delegated to them, delegators take their part back, each unit counts once.  # R1.6"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from governance.ballots import WHOLE, Share, Vote
from governance.proxies import NameProxy, VoteFor
from governance.shares import share_of
from governance.tables import VOTES
from governance.tally import Tally
from tests.governance.world import A_STATEMENT, World, person

Make = Callable[..., World]
FIRST, SECOND, THIRD = person(1), person(2), person(3)
ANNA, BEN = person(20), person(21)
HELD = ((20, 1, 30), (20, 2, 5), (21, 1, 20))


@pytest.fixture
def voting(make_world: Make) -> World:
    """Proposal 1 is voted on by two validators of 100 units; Anna has 30 and 5 of these, Ben 20."""
    world = make_world(powers=(100, 100), delegations=HELD)
    world.proposed(FIRST, A_STATEMENT)
    world.open(1)
    return world


def counts(world: World) -> tuple[int, int, int, int, int]:
    tally = world.standing(1).tally
    return (tally.yes, tally.no, tally.abstain, tally.veto, tally.voters)


def vote_of(world: World, voter: bytes) -> Vote:
    row = world.overlay.get(VOTES, (1, voter))
    assert row is not None
    return row


def test_a_validator_votes_with_all_that_is_delegated_to_it(voting: World) -> None:
    assert voting.vote(FIRST, 1, "yes") == "ok"
    assert counts(voting) == (100, 0, 0, 0, 1)


@pytest.mark.parametrize("order", [(FIRST, ANNA, SECOND), (ANNA, FIRST, SECOND), (SECOND, FIRST, ANNA)])
def test_a_delegator_s_own_vote_overrides_for_his_part_whoever_votes_first(
    voting: World, order: tuple[bytes, ...]
) -> None:
    for voter in order:
        assert voting.vote(voter, 1, "no" if voter == ANNA else "yes") == "ok"
    assert counts(voting) == (70 + 95, 35, 0, 0, 3)
    assert [vote_of(voting, voter).weight for voter in (FIRST, SECOND, ANNA)] == [70, 95, 35]


def test_a_delegator_votes_though_his_validators_never_do(voting: World) -> None:
    assert voting.vote(ANNA, 1, "yes") == "ok"
    assert voting.vote(BEN, 1, "no") == "ok"
    assert counts(voting) == (35, 20, 0, 0, 2)


def test_what_a_validator_delegates_may_be_left_to_the_others(make_world: Make) -> None:
    """As x/gov counted in 2019; a delegator's own vote still overrides."""
    world = make_world(powers=(100, 100), delegations=(*HELD, (1, 2, 40)))
    world.track("opinion", validator_delegations="left")
    world.proposed(FIRST, A_STATEMENT)
    world.open(1)
    assert world.vote(FIRST, 1, "no") == "ok"
    assert world.vote(SECOND, 1, "yes") == "ok"
    assert counts(world) == (100, 100, 0, 0, 2)
    first = share_of(world.overlay, 1, world.standing(1).snapshot, FIRST)
    assert (first.delegated, [(part.validator, part.power) for part in first.left]) == ((), [(SECOND, 40)])
    assert world.vote(ANNA, 1, "veto") == "ok"
    assert counts(world) == (95, 70, 0, 35, 3)


def test_changing_a_vote_moves_its_power_and_takes_nothing_twice(voting: World) -> None:
    for voter, option in ((FIRST, "yes"), (ANNA, "no"), (ANNA, "veto"), (FIRST, "abstain"), (ANNA, "yes")):
        assert voting.vote(voter, 1, option) == "ok"
    assert counts(voting) == (35, 0, 70, 0, 2)
    assert vote_of(voting, ANNA).own == 3


def test_a_split_is_shared_out_of_what_is_left_to_the_voter(voting: World) -> None:
    split = (Share(option="yes", weight=WHOLE * 7 // 10), Share(option="no", weight=WHOLE * 3 // 10))
    assert voting.vote(FIRST, 1, "", split=split) == "ok"
    assert counts(voting)[:2] == (70, 30)
    assert voting.vote(ANNA, 1, "veto") == "ok"
    assert counts(voting) == (49, 21, 0, 35, 2)
    assert voting.vote(FIRST, 1, "yes") == "ok"
    assert counts(voting) == (70, 0, 0, 35, 2)


def test_a_validator_whose_every_unit_is_voted_by_others_still_has_a_vote(make_world: Make) -> None:
    world = make_world(powers=(50, 100), delegations=((20, 1, 50),))
    world.proposed(SECOND, A_STATEMENT)
    world.open(1)
    assert world.vote(ANNA, 1, "no") == "ok"
    assert world.vote(FIRST, 1, "yes") == "ok"
    assert counts(world) == (0, 50, 0, 0, 2)


def test_stake_that_moves_after_the_vote_began_is_voted_once(voting: World) -> None:  # A1 A6
    assert voting.vote(ANNA, 1, "no") == "ok"
    voting.delegate(ANNA, FIRST, 0)
    voting.delegate(ANNA, SECOND, 35)
    voting.delegate(BEN, SECOND, 10**6)
    voting.bond(FIRST, 70)
    voting.bond(SECOND, 130)
    voting.end_block()
    for voter in (FIRST, SECOND, BEN):
        assert voting.vote(voter, 1, "yes") == "ok"
    assert counts(voting) == (165, 35, 0, 0, 4)
    assert vote_of(voting, BEN).weight == 20


def test_slashing_and_jailing_between_snapshot_and_close_change_no_weight(voting: World) -> None:
    table = voting.runtime.tables["staking.validators"]
    voting.overlay.put(table, (FIRST,), table.record(tokens=1, shares=100 * 10**18, bonded=False))
    voting.end_block()
    assert voting.vote(FIRST, 1, "yes") == "ok"
    assert voting.vote(BEN, 1, "no") == "ok"
    assert counts(voting) == (80, 20, 0, 0, 2)
    voting.close(1)
    voting.proposed(SECOND, A_STATEMENT)
    voting.open(2)
    assert [voting.vote(voter, 2, "yes") for voter in (FIRST, BEN)] == ["no_power"] * 2


def test_what_one_voter_may_count_for_is_cut_from_what_is_left_to_it(make_world: Make) -> None:
    world = make_world(powers=(100, 20), delegations=((20, 1, 30),), parameters={"max_individual_power_percent": 67})
    world.proposed(FIRST, A_STATEMENT)
    world.open(1)
    assert world.vote(FIRST, 1, "yes") == "ok"
    assert (vote_of(world, FIRST).weight, vote_of(world, FIRST).uncounted) == (81, 19)
    assert world.vote(ANNA, 1, "no") == "ok"
    assert counts(world) == (70, 30, 0, 0, 2)
    assert vote_of(world, FIRST).uncounted == 0


def test_a_bundle_with_more_delegations_than_shares_cannot_make_a_unit_count_twice(make_world: Make) -> None:
    world = make_world(powers=(100, 100))
    for number in range(20, 26):
        world.delegate(person(number), FIRST, 60)
    world.end_block()
    world.proposed(FIRST, A_STATEMENT)
    world.open(1)
    codes = [world.vote(person(number), 1, "yes") for number in range(20, 26)]
    assert codes == ["ok", "ok", "no_power", "no_power", "no_power", "no_power"]
    assert world.vote(FIRST, 1, "no") == "ok"
    assert counts(world) == (100, 0, 0, 0, 3)


def for_anna(world: World, proxy: bytes, option: str) -> str:
    args = VoteFor(voter=ANNA, proposal=1, option=option, effect=world.what(1).effect)
    return world.call(proxy, "vote_for", args)


def test_a_proxy_casts_what_is_anna_s_and_her_own_word_overrides_it(voting: World) -> None:
    assert voting.vote(FIRST, 1, "yes") == "ok"
    assert voting.call(ANNA, "name_proxy", NameProxy(proxy=(BEN,))) == "ok"
    assert for_anna(voting, BEN, "no") == "ok"
    assert counts(voting) == (70, 35, 0, 0, 2)
    assert (vote_of(voting, ANNA).proxy, vote_of(voting, ANNA).own) == (BEN, 0)
    assert voting.vote(ANNA, 1, "no") == "ok", "the same words, but now her own"
    assert for_anna(voting, BEN, "yes") == "nearer_vote"
    assert counts(voting) == (70, 35, 0, 0, 2)


def test_a_nearer_proxy_overrides_a_farther_one_and_not_the_other_way(voting: World) -> None:
    assert voting.call(ANNA, "name_proxy", NameProxy(proxy=(BEN,))) == "ok"
    assert voting.call(BEN, "name_proxy", NameProxy(proxy=(SECOND,))) == "ok"
    assert for_anna(voting, SECOND, "yes") == "ok"
    assert vote_of(voting, ANNA).steps == 2
    assert for_anna(voting, BEN, "no") == "ok"
    assert for_anna(voting, SECOND, "yes") == "nearer_vote"
    assert counts(voting) == (0, 35, 0, 0, 1)


def test_who_takes_the_right_back_keeps_what_was_cast_until_a_new_vote(voting: World) -> None:
    assert voting.call(ANNA, "name_proxy", NameProxy(proxy=(BEN,))) == "ok"
    assert for_anna(voting, BEN, "no") == "ok"
    assert voting.call(ANNA, "name_proxy", NameProxy()) == "ok"
    assert for_anna(voting, BEN, "yes") == "not_the_proxy"
    assert counts(voting) == (0, 35, 0, 0, 1)
    assert voting.vote(ANNA, 1, "yes") == "ok"
    assert voting.standing(1).tally == Tally(yes=35, voters=1)


def test_only_who_has_power_names_a_proxy(voting: World) -> None:
    assert voting.call(person(30), "name_proxy", NameProxy(proxy=(BEN,))) == "no_power"
