"""The values a genesis document is made of, each read from JSON in one spelling and written in the same."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from node.ballots import read_ballot, said_ballot
from runtime.address import address_text, parse_address
from runtime.errors import AddressInvalid

_BOUND = 2**192


def _amount(given: object) -> int:
    if isinstance(given, str) and given.isascii() and given.isdigit() and (given == "0" or given[0] != "0"):
        given = int(given) if len(given) < 80 else -1
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given < _BOUND:
        raise ValueError("a whole number is wanted, as decimal text from 0 to below 2^192")
    return given


def _address(given: object) -> bytes:
    if isinstance(given, bytes) and len(given) == 20:
        return given
    if not isinstance(given, str):
        raise ValueError("an address is wanted, as text that begins with syn1")
    try:
        return parse_address(given)
    except AddressInvalid as wrong:
        raise ValueError(str(wrong)) from None


def _key(given: object) -> bytes:
    try:
        raw = bytes.fromhex(given) if isinstance(given, str) else given
    except ValueError:
        raw = None
    if not isinstance(raw, bytes) or len(raw) not in (0, 32):
        raise ValueError("a public key is wanted: 64 hexadecimal digits, or nothing")
    return raw


def _parameter(given: object) -> int | Fraction:
    if isinstance(given, Fraction):
        return given
    if not isinstance(given, str) or "/" not in given:
        return _amount(given)
    above, _, below = given.partition("/")
    if _amount(below) == 0:
        raise ValueError("a ratio cannot have 0 below its stroke")
    return Fraction(_amount(above), _amount(below))


def _parameter_text(value: int | Fraction) -> str:
    return f"{value.numerator}/{value.denominator}" if isinstance(value, Fraction) else str(value)


def _ballot(given: object) -> str:
    if not isinstance(given, str):
        raise ValueError("a ballot is wanted, like yes, or yes=0.7,no=0.3")
    return said_ballot(*read_ballot(given))


Coins = Annotated[int, BeforeValidator(_amount), PlainSerializer(str, when_used="json")]
Owner = Annotated[bytes, BeforeValidator(_address), PlainSerializer(address_text, when_used="json")]
PublicKey = Annotated[bytes, BeforeValidator(_key), PlainSerializer(bytes.hex, when_used="json")]
ParameterValue = Annotated[
    int | Fraction, BeforeValidator(_parameter), PlainSerializer(_parameter_text, when_used="json")
]
Ballot = Annotated[str, BeforeValidator(_ballot)]
"""A vote in the words of `node.ballots`."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]


class Value(BaseModel):
    """A frozen part of the document; a field that it does not have is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
