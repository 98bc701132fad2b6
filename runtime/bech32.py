"""Bech32 (BIP 173): bytes as text that a person can read out and a program can check.

A prefix says what the text is, the separator is the last ``1``, six checksum characters catch every single wrong or
swapped character. Mixed case is refused. Used for this chain's addresses and for reading those of imported chains.
"""

from __future__ import annotations

from functools import reduce
from operator import xor

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_MIXED = tuple(
    reduce(xor, (generator for bit, generator in enumerate(_GENERATORS) if top >> bit & 1), 0) for top in range(32)
)
"""For each value of the five bits that are pushed out, all generators they call for, in one."""
LONGEST = 90


def encode(prefix: str, raw: bytes) -> str:
    """The text of ``raw`` under ``prefix``."""
    groups = _regroup(raw, 8, 5, pad=True)
    return prefix + "1" + "".join(_ALPHABET[value] for value in groups + _checksum(prefix, groups))


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
    if _polymod(_expand(prefix) + values) != 1:
        raise ValueError("its checksum is wrong, so a character was mistyped or lost")
    return prefix, bytes(_regroup(values[:-6], 5, 8, pad=False))


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        check = (check & 0x1FFFFFF) << 5 ^ value ^ _MIXED[check >> 25]
    return check


def _expand(prefix: str) -> list[int]:
    return [ord(character) >> 5 for character in prefix] + [0] + [ord(character) & 31 for character in prefix]


def _checksum(prefix: str, groups: list[int]) -> list[int]:
    polymod = _polymod(_expand(prefix) + groups + [0] * 6) ^ 1
    return [polymod >> 5 * (5 - position) & 31 for position in range(6)]


def _regroup(values: bytes | list[int], width: int, target: int, *, pad: bool) -> list[int]:
    """The same bits in groups of another width; what is left over at the end must be zero padding."""
    held = bits = 0
    groups = []
    for value in values:
        held = held << width | value
        bits += width
        while bits >= target:
            bits -= target
            groups.append(held >> bits & ((1 << target) - 1))
        held &= (1 << bits) - 1
    if pad and bits:
        groups.append(held << (target - bits) & ((1 << target) - 1))
    elif not pad and (bits >= width or held):
        raise ValueError("its padding is wrong")
    return groups
