"""A start that lasts says how far it is, a short one nothing."""

from __future__ import annotations

from node.startlog import SECONDS, StartLog


def test_the_share_and_the_time_left_are_told_now_and_then() -> None:
    now, told = 100.0, []
    log = StartLog(lambda event, **facts: told.append((event, facts)), lambda: now)
    log.tell(10, 100)
    assert told == []
    now += SECONDS
    log.tell(0, 100)
    assert told == []
    log.tell(25, 100)
    log.tell(26, 100)
    now += SECONDS
    log.tell(80, 100)
    assert told == [
        ("reading_state", {"percent": 25, "seconds_left": 6}),
        ("reading_state", {"percent": 80, "seconds_left": 1}),
    ]
