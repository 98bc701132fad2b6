"""Records of LevelDB's logs as we read them, against what LevelDB wrote."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.logrecords import BLOCK, Located, Unreadable, located, masked_checksum
from tests.storage.small_home import commit_up_to, new_home


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two blocks of LevelDB's, with a record that goes on from one to the other."""
    home, engine = new_home(tmp_path_factory.mktemp("records") / "node", buffer_bytes=4 << 20)
    commit_up_to(home, engine, 1, 9, size=120)
    (file,) = home.database.glob("*.log")
    raw = file.read_bytes()
    engine.close()
    assert BLOCK < len(raw) < 2 * BLOCK
    assert any(record.begin < BLOCK < record.end for record in located(raw))
    return raw


def test_the_checksum_is_that_of_its_definition() -> None:
    """The check value of CRC-32C, turned right by 15 bits, and LevelDB's constant added."""
    check = 0xE3069283
    assert masked_checksum(b"123456789") == ((check >> 15 | check << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_every_checksum_that_leveldb_wrote_is_right(log: bytes) -> None:
    records = list(located(log, checked_from=0))
    assert records == list(located(log))
    assert records[-1].end == len(log)


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_is_unreadable_where_it_is_checked(log: bytes, place: int, bit: int) -> None:
    place %= len(log)
    raw = bytearray(log)
    raw[place] ^= 1 << bit
    found: list[Located] = []
    try:
        found += located(bytes(raw), checked_from=0)
    except Unreadable:
        return
    # A length that was flipped may reach past the end, as that of a torn write does.
    assert not found or found[-1].end <= place


def test_bytes_before_the_place_are_not_checked(log: bytes) -> None:
    first, second = list(located(log))[:2]
    raw = bytearray(log)
    raw[first.end - 1] ^= 1
    assert len(list(located(bytes(raw), checked_from=second.begin))) == len(list(located(log)))
    with pytest.raises(Unreadable, match="checksum at byte 0"):
        list(located(bytes(raw), checked_from=0))
