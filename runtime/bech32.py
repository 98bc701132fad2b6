"""Bech32 (BIP 173): bytes as text that a person can read out and a program can check.

A prefix says what the text is, the separator is the last ``1``, six checksum characters catch every single wrong or
swapped character. Mixed case is refused. Used for this chain's addresses and for reading those of imported chains.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, reduce
from operator import xor

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
"""The text of ten bits."""
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_MIXED = tuple(
    reduce(xor, (generator for bit, generator in enumerate(_GENERATORS) if top >> bit & 1), 0) for top in range(32)
)
"""For each value of the five bits that are pushed out, all generators they call for, in one."""
LONGEST = 90


def encode(prefix: str, raw: bytes) -> str:
    """The text of ``raw`` under ``prefix``; ten bits at a time, since events tell many addresses."""
    letters = -(-len(raw) * 8 // 5)
    bits = 10 * -(-letters // 2)
    whole = int.from_bytes(raw, "big") << (bits - len(raw) * 8)
    pairs = [whole >> at & 1023 for at in range(bits - 10, -1, -10)]
    return f"{prefix}1{''.join([_PAIRS[pair] for pair in pairs])[:letters]}{_checksum(prefix, pairs, letters)}"


def decode(text: str) -> tuple[str, bytes]:
    """The prefix and bytes of ``text``; raises ValueError with the reason in one phrase."""
    if len(text) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST} characters")
    if not text.isascii():
        raise ValueError("it holds a character outside ASCII")
    if text != text.lower() and text != text.upper():
        raise ValueError("it mixes upper and lower case")
    prefix, separator, rest = text.lower().rpartition("1")
    if not separator or not prefix or len(rest) < 6:
        raise ValueError("it lacks a prefix or a checksum")
    if not all(33 <= ord(character) <= 126 for character in prefix):
        raise ValueError("its prefix holds a space or a control character")
    try:
        values = [_VALUES[character] for character in rest]
    except KeyError as wrong:
        raise ValueError(f"it holds the character {wrong.args[0]!r}") from None
    if _polymod(values, _begun(prefix)) != 1:
        raise ValueError("its checksum is wrong, so a character was mistyped or lost")
    return prefix, _bytes_of(values[:-6])


def _polymod(values: Iterable[int], check: int) -> int:
    mixed = _MIXED
    for value in values:
        check = (check & 0x1FFFFFF) << 5 ^ value ^ mixed[check >> 25]
    return check


def _pushed_out(top: int) -> int:
    """What ten bits that are pushed out together call for."""
    check = top << 20
    for _ in range(2):
        check = (check & 0x1FFFFFF) << 5 ^ _MIXED[check >> 25]
    return check


_MIXED_PAIRS = tuple(_pushed_out(top) for top in range(1024))


def _checksum(prefix: str, pairs: list[int], letters: int) -> str:
    """The six last characters; where the letters are odd in number, the last pair is one letter and no more."""
    check, mixed = _begun(prefix), _MIXED_PAIRS
    for pair in pairs[: letters // 2]:
        check = (check & 0xFFFFF) << 10 ^ pair ^ mixed[check >> 20]
    if letters % 2:
        check = (check & 0x1FFFFFF) << 5 ^ pairs[-1] >> 5 ^ _MIXED[check >> 25]
    for _ in range(3):
        check = (check & 0xFFFFF) << 10 ^ mixed[check >> 20]
    check ^= 1
    return _PAIRS[check >> 20] + _PAIRS[check >> 10 & 1023] + _PAIRS[check & 1023]


@lru_cache(maxsize=64)  # bounded: a text brings a prefix of a stranger's choice
def _begun(prefix: str) -> int:
    """The checksum's state behind a prefix."""
    return _polymod(
        [ord(character) >> 5 for character in prefix] + [0] + [ord(character) & 31 for character in prefix], 1
    )


def _bytes_of(values: list[int]) -> bytes:
    """The bytes of five bits each; what is left over at the end must be zero padding."""
    held = bits = 0
    found = bytearray()
    for value in values:
        held = held << 5 | value
        bits += 5
        if bits >= 8:
            bits -= 8
            found.append(held >> bits)
            held &= (1 << bits) - 1
    if bits >= 5 or held:
        raise ValueError("its padding is wrong")
    return bytes(found)
