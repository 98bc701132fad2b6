"""What if: other votes and rules, counted as the chain counts; the trace of a count; who could turn it.  # R2.11"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.ballots import WHOLE, Split
from governance.ballots import Share as Part
from governance.coalition import smallest_coalition
from governance.judging import judge
from governance.lifecycle import Move
from governance.reading import Reader, outlook
from governance.ruletext import RuleUnreadable
from governance.shares import Share, inherited, inheriting, share_of, shares
from governance.tables import STAKES
from governance.tally import Option
from governance.whatif import Supposed, SupposedVote, suppose, with_rules
from runtime.errors import HostRefused
from tests.governance.world import A_STATEMENT, World, person

Make = Callable[..., World]
FIRST, SECOND, THIRD = person(1), person(2), person(3)
ANNA, BEN = person(20), person(21)
HELD = ((20, 1, 30), (20, 2, 5), (21, 1, 20))
TRACK = "opinion"
HALVES: Split = (Part(option="yes", weight=WHOLE // 2), Part(option="no", weight=WHOLE // 2))
BALLOTS: tuple[tuple[str, Split], ...] = (*((option.value, ()) for option in Option), ("", HALVES))


def voting(make_world: Make, **rules: str) -> World:
    """Proposal 1 is voted on by validators of 100, 100 and 50 units; Anna has 35 of these, Ben 20."""
    world = make_world(powers=(100, 100, 50), delegations=HELD)
    world.track(TRACK, **rules)
    world.proposed(FIRST, A_STATEMENT)
    world.open(1)
    return world


def supposed(world: World, *votes: tuple[bytes, str], **rules: str) -> Supposed:
    asked = [SupposedVote(voter, option) for voter, option in votes]
    return suppose(world.overlay, 1, world.what(1), world.standing(1), asked, rules)


def verdict(one: Supposed) -> str:
    return outlook(one.what, one.standing).reason


def test_supposed_votes_count_as_cast_ones_and_change_nothing(make_world: Make) -> None:
    world = voting(make_world)
    assert world.vote(FIRST, 1, "yes") == "ok"
    before = world.rows()
    votes = ((ANNA, "no"), (SECOND, "abstain"), (FIRST, "veto"), (BEN, "yes"))
    then = supposed(world, *votes).standing.tally
    assert world.rows() == before
    for voter, option in votes:
        assert world.vote(voter, 1, option) == "ok"
    assert world.standing(1).tally == then


def test_rules_are_supposed_within_their_bounds_and_bars_keep_their_test(make_world: Make) -> None:
    world = voting(make_world, quorum="> 1/4", threshold=">= 1/2", veto=">= 1/3", min_voters="0")
    assert world.vote(FIRST, 1, "yes") == "ok"
    assert verdict(supposed(world)) == "passed"
    assert verdict(supposed(world, quorum="0.4")) == "no_quorum", "100 of 250 are not more than that"
    assert verdict(supposed(world, quorum=">= 0.4")) == "passed"
    assert verdict(supposed(world, min_voters="2")) == "too_few_voters"
    assert verdict(supposed(world, (SECOND, "no"), threshold="> 1/2")) == "below_threshold"
    track = with_rules(world.what(1).track, {"quorum": "linear 500000000 0 1000000000"})
    assert track.quorum.test == ">"
    for name, text in (("quorum", "0.9"), ("quorum", "much"), ("colour", "red"), ("deposit", "5"), ("min_voters", "x")):
        with pytest.raises(RuleUnreadable) as wrong:
            supposed(world, **{name: text})
        assert wrong.value.rule == name


def test_a_supposed_cut_cuts_the_votes_that_are_there(make_world: Make) -> None:
    world = voting(make_world, max_individual_power_percent="100", quorum=">= 0")
    assert world.vote(FIRST, 1, "yes") == "ok"
    cut = supposed(world, (ANNA, "no"), max_individual_power_percent="20").standing.tally
    assert (cut.yes, cut.no) == (50, 35), "a fifth of 250, of the 70 that Anna leaves it"
    assert supposed(world, (SECOND, "no"), max_individual_power_percent="20").standing.tally.no == 50


def test_votes_that_cannot_be_are_refused_as_on_the_chain(make_world: Make) -> None:
    world = voting(make_world)
    for voter, option, code in ((person(30), "yes", "no_power"), (FIRST, "maybe", "unknown_option")):
        with pytest.raises(HostRefused) as refused:
            supposed(world, (voter, option))
        assert refused.value.code == code


def test_a_share_tells_where_power_came_from_and_where_it_went(make_world: Make) -> None:
    world = voting(make_world, max_individual_power_percent="40", quorum=">= 0")
    assert world.vote(FIRST, 1, "", split=HALVES) == "ok"
    assert world.vote(ANNA, 1, "no") == "ok"
    standing = world.standing(1)
    by = {share.address: share for share in shares(world.overlay, 1, standing.snapshot)}
    assert list(by) == [FIRST, SECOND, THIRD, ANNA]
    assert (by[FIRST].staked, by[FIRST].taken, by[FIRST].power, by[FIRST].parts) == (100, 30, 70, (35, 35, 0, 0))
    assert (by[SECOND].staked, by[SECOND].taken, by[SECOND].vote) == (100, 5, None)
    assert [(part.validator, part.power) for part in by[ANNA].delegated] == [(FIRST, 30), (SECOND, 5)]
    ben = share_of(world.overlay, 1, standing.snapshot, BEN)
    assert ben.vote is None and [part.says.split for part in ben.delegated if part.says] == [HALVES]
    assert [share.address for share in delegators(world.overlay, 1, standing.snapshot)] == [BEN]
    assert inherited(world.overlay, standing.snapshot, {FIRST, THIRD}, 2) == {FIRST: 50, THIRD: 0}
    assert inherited(world.overlay, standing.snapshot, {FIRST}, 1) is None
    later = [share.address for share in shares(world.overlay, 1, standing.snapshot, after=SECOND)]
    assert later == [THIRD, ANNA]


def test_delegators_who_have_not_voted_are_told_page_by_page(make_world: Make) -> None:
    held = (*((owner, 1, 1) for owner in range(10, 20)), (2, 1, 5))
    world = make_world(powers=(100, 100, 50), delegations=held)
    world.proposed(FIRST, A_STATEMENT)
    world.open(1)
    for owner in (12, 13, 14):
        assert world.vote(person(owner), 1, "yes") == "ok"
    world.delegate(person(15), FIRST, 0)
    world.delegate(person(25), FIRST, 9)
    world.end_block()
    pages, after = list[list[int]](), b""
    while after is not None:
        page = inheriting(world.overlay, 1, world.standing(1).snapshot, after, 3)
        pages.append([int.from_bytes(share.address, "big") for share in page.shares])
        after = page.last
    assert pages == [[10, 11], [], [15, 16, 17], [18, 19]]


votes_of = st.lists(st.tuples(st.sampled_from((1, 2, 3, 4, 20, 21)), st.sampled_from(BALLOTS)), max_size=8)
rules_of_track = st.fixed_dictionaries(
    {
        "quorum": st.sampled_from((">= 0", ">= 1/2", "> 3/5", ">=floor 1/2")),
        "turnout": st.sampled_from(("all", "yes_and_abstain")),
        "threshold": st.sampled_from((">= 1/2", "> 1/2", "> 2/3")),
        "veto": st.sampled_from((">= 1/3", "> 1/2", "> 1/1")),
        "min_voters": st.sampled_from(("0", "2", "4")),
        "max_individual_power_percent": st.sampled_from(("100", "30")),
    }
)


@cache
def open_vote(powers: tuple[int, ...]) -> World:
    """A world in which proposal 1 is voted on and nobody has voted; what is supposed over it leaves it so."""
    world = World(powers, delegations=((20, 1, 3), (20, 2, 5), (21, 1, 4)))
    world.proposed(FIRST, A_STATEMENT)
    world.open(1)
    return world


@given(st.sampled_from(((8, 30, 20, 40), (25, 25, 25, 25), (90, 9, 8, 7))), votes_of, rules_of_track)
@settings(max_examples=40, deadline=None)
def test_shares_add_up_and_no_smaller_coalition_turns_the_outcome(
    powers: tuple[int, ...], votes: list[tuple[int, tuple[str, Split]]], rules: dict[str, str]
) -> None:
    world = open_vote(powers)
    asked = [SupposedVote(person(number), *ballot) for number, ballot in votes]
    one = suppose(world.overlay, 1, world.what(1), world.standing(1), asked, rules)
    all_shares_add_up(one)
    the_coalition_is_smallest(one)


def all_shares_add_up(one: Supposed) -> None:
    """The trace's law: every unit of the tally, and every unit of the electorate, belongs to one share."""
    tally, found = one.standing.tally, list(shares(one.rows, 1, one.standing.snapshot))
    sums = tuple(sum(share.parts[place] for share in found) for place in range(4))
    assert sums == (tally.yes, tally.no, tally.abstain, tally.veto)
    assert sum(share.vote is not None for share in found) == tally.voters
    assert sum(share.power for share in found) == one.standing.electors.power
    every_unit_is_traced_to_its_owner(one, found)


def every_unit_is_traced_to_its_owner(one: Supposed, found: list[Share]) -> None:
    """What delegators have with a validator is voted by themselves or, each part told, by the validator."""
    snapshot, tally = one.standing.snapshot, one.standing.tally
    silent = [share for share in found if share.vote is None] + delegators(one.rows, 1, snapshot)
    validators = {share.address: share for share in found if share.staked}
    of_all = inherited(one.rows, snapshot, set(validators), 100)
    assert of_all is not None
    turnout = sum(share.power for share in found if share.vote is not None and not share.staked)
    for address, validator in validators.items():
        parts = [(part.power, part.says) for share in silent for part in share.delegated if part.validator == address]
        assert sum(power for power, _ in parts) == of_all[address] - validator.taken
        assert all(says == validator.vote for _, says in parts)
        own = validator.staked - of_all[address] + sum(p.power for p in validator.delegated if validator.vote)
        turnout += own + sum(power for power, _ in parts) if validator.vote is not None else 0
    uncounted = sum(share.vote.uncounted for share in found if share.vote is not None)
    assert turnout - uncounted == tally.counted


def delegators(reader: Reader, proposal: int, snapshot: int) -> list[Share]:
    """Every delegator who has not voted, asked for one after the other."""
    found, owners = list[Share](), [key[0] for key, _ in reader.scan(STAKES)]
    for after in (b"", *owners):
        found += inheriting(reader, proposal, snapshot, after, 1).shares
    return found


def the_coalition_is_smallest(one: Supposed) -> None:
    """Against every set of parties and every way they could vote with whole options and a split in halves."""
    everyone = [share.address for share in shares(one.rows, 1, one.standing.snapshot)]

    def passes(votes: list[SupposedVote]) -> bool:
        then = suppose(one.rows, 1, one.what, one.standing, votes)
        return judge(then.standing.tally, then.standing.electors, then.what.track)[0] is Move.PASSED

    now = passes([])

    def turned_by(size: int) -> bool:
        return any(
            passes([SupposedVote(voter, *ballot) for voter, ballot in zip(members, ballots, strict=True)]) != now
            for members in combinations(everyone, size)
            for ballots in product(BALLOTS, repeat=size)
        )

    found = smallest_coalition(one)
    if found is None:
        assert not turned_by(2) and not turned_by(1)
        return
    assert found.exact
    assert passes([SupposedVote(share.address, found.option) for share in found.members]) != now
    assert (found.outcome is Move.PASSED) != now
    for size in range(1, min(len(found.members), 3)):
        assert not turned_by(size)


def test_quorum_and_threshold_together_take_more_than_the_strongest_of_one_kind(make_world: Make) -> None:
    """The most power alone misses: who has voted no turns the threshold, who has not voted brings the quorum."""
    world = make_world(powers=(40, 39, 38, 20))
    world.track(TRACK, quorum=">= 7/10", threshold="> 1/2", min_voters="0", veto="> 1/1")
    world.proposed(FIRST, A_STATEMENT)
    world.open(1)
    for voter in (FIRST, SECOND):
        assert world.vote(voter, 1, "no") == "ok"
    found = smallest_coalition(supposed(world))
    assert found is not None and found.exact
    assert ([share.address for share in found.members], found.option) == ([FIRST, THIRD], "yes")


def test_no_coalition_is_found_where_all_together_could_not_turn_it(make_world: Make) -> None:
    world = make_world(powers=(50, 50), delegations=((20, 1, 50), (20, 2, 50)))
    world.track(TRACK, min_voters="0", quorum=">= 1/2", max_individual_power_percent="100")
    world.proposed(FIRST, A_STATEMENT)
    world.open(1)
    assert world.vote(ANNA, 1, "no") == "ok"
    found = smallest_coalition(supposed(world))
    assert found is not None and [share.address for share in found.members] == [ANNA]
    assert smallest_coalition(supposed(world, max_individual_power_percent="60", quorum="7/10")) is None


def test_an_operator_who_delegates_to_others_makes_the_answer_an_upper_bound(make_world: Make) -> None:
    world = make_world(powers=(60, 50), delegations=((2, 1, 15),))
    world.track(TRACK, min_voters="0", quorum=">= 1/2")
    world.proposed(FIRST, A_STATEMENT)
    world.open(1)
    found = smallest_coalition(supposed(world))
    assert found is not None and not found.exact
