"""The table of moves."""

from __future__ import annotations

import pytest

from governance.lifecycle import FINAL, MOVES, Move, NoSuchMove, Status, after, can


def test_the_final_states_are_these_and_nothing_leaves_them() -> None:
    assert {
        Status.EXECUTED,
        Status.REJECTED,
        Status.VETOED,
        Status.EXPIRED,
        Status.CANCELLED,
        Status.FAILED,
        Status.SUPERSEDED,
    } == FINAL
    for status in FINAL:
        assert status.is_final
        assert not any(can(status, move) for move in Move)


def test_every_state_can_be_reached_and_every_way_ends() -> None:
    reached, frontier = {Status.DEPOSIT}, [Status.DEPOSIT]
    while frontier:
        status = frontier.pop()
        for (before, _), following in MOVES.items():
            if before is status and following not in reached:
                reached.add(following)
                frontier.append(following)
    assert reached == set(Status)
    order = [
        Status.DEPOSIT,
        Status.DELAY,
        Status.VOTING,
        Status.CONFIRM,
        Status.REVIEW,
        Status.IMPLEMENTATION,
        Status.TIMELOCK,
    ]
    back = {(Status.CONFIRM, Move.FELL), (Status.CONFIRM, Move.TURNED), (Status.VOTING, Move.TURNED)}
    for (before, move), following in MOVES.items():
        goes_on = following in FINAL or order.index(following) > order.index(before)
        assert goes_on == ((before, move) not in back)


def test_votes_count_in_voting_and_while_it_confirms() -> None:
    assert {status for status in Status if status.takes_votes} == {Status.VOTING, Status.CONFIRM}


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("move", list(Move))
def test_a_move_is_in_the_table_or_raises(status: Status, move: Move) -> None:
    if can(status, move):
        assert after(status, move) is MOVES[status, move]
    else:
        with pytest.raises(NoSuchMove):
            after(status, move)


def test_what_voters_approved_its_proposer_cannot_withdraw() -> None:
    assert not can(Status.TIMELOCK, Move.WITHDRAWN)
