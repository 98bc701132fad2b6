"""Cosmos vesting schedules as heights: what the bank locks is what Cosmos would lock, at every block."""

from hypothesis import given
from hypothesis import strategies as st

from node.genesis.schedules import BLOCK_SECONDS, Schedule, height_at, locked_part, still_vesting

GENESIS = 1_000_000_000
OWNER = b"\x07" * 20


def bank_locks(original: int, start: int, end: int, height: int) -> int:
    """The bank module's schedule: all of it up to the start, none from the end, rounded up in between."""
    if height >= end:
        return 0
    if height <= start:
        return original
    return original - original * (height - start) // (end - start)


@given(st.integers(-10_000, 10_000_000))
def test_a_height_is_the_first_at_or_after_its_moment(seconds: int) -> None:
    height = height_at(GENESIS + seconds, GENESIS)
    assert height >= 1
    assert height * BLOCK_SECONDS >= seconds
    assert height == 1 or (height - 1) * BLOCK_SECONDS < seconds


@given(
    original=st.integers(1, 10**15),
    delegated_parts=st.integers(0, 1_000),
    begun=st.integers(-1_000_000, 1_000_000),
    lasts=st.integers(600, 100_000_000),
    height=st.integers(1, 20_000_000),
)
def test_equal_parts_are_locked_as_on_cosmos_but_for_rounding(
    original: int, delegated_parts: int, begun: int, lasts: int, height: int
) -> None:
    delegated = original * delegated_parts // 1_000
    schedule = Schedule(original, delegated, GENESIS + begun, GENESIS + begun + lasts)
    part = locked_part(OWNER, original, schedule, GENESIS)
    vesting = still_vesting(schedule, GENESIS + height * BLOCK_SECONDS)
    expected = max(0, vesting - delegated)
    found = bank_locks(part.original, part.start, part.end, height) if part else 0
    three_blocks = original * 3 * BLOCK_SECONDS // lasts
    assert abs(found - expected) <= three_blocks + 2


@given(original=st.integers(1, 10**15), coins=st.integers(0, 10**15), ends=st.integers(-1_000, 1_000_000))
def test_a_delayed_schedule_locks_everything_to_its_end(original: int, coins: int, ends: int) -> None:
    part = locked_part(OWNER, coins, Schedule(original, 0, None, GENESIS + ends), GENESIS)
    if ends <= 0 or coins == 0:
        assert part is None
        return
    assert part is not None
    assert part.locked == min(original, coins)
    assert bank_locks(part.original, part.start, part.end, part.end - 1) == part.locked
    assert bank_locks(part.original, part.start, part.end, part.end) == 0


def test_no_more_is_locked_than_the_purse_holds() -> None:
    part = locked_part(OWNER, 5, Schedule(100, 0, GENESIS, GENESIS + 600), GENESIS)
    assert part is not None
    assert part.locked == 5
