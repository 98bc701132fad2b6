"""A ballot as people type it: `yes`, or `yes=0.7,no=0.3`, exact to 18 decimals."""

from __future__ import annotations

from fractions import Fraction

from governance.ballots import ORDER, WHOLE, Share, Split
from node.settings_source import exact


class BallotUnreadable(ValueError):
    """A text that is no ballot; says why."""


def read_ballot(text: str) -> tuple[str, Split]:
    """Option and split of a typed ballot, as a vote names them; raises BallotUnreadable."""
    known = ", ".join(ORDER)
    if "=" not in text:
        if text not in ORDER:
            raise BallotUnreadable(f"a vote says {known}, or a split such as yes=0.7,no=0.3, not {text!r}")
        return text, ()
    weights: dict[str, int] = {}
    for word in text.split(","):
        option, _, share = (part.strip() for part in word.partition("="))
        if option not in ORDER or option in weights:
            raise BallotUnreadable(f"{option!r} stands twice or is none of {known}")
        weights[option] = _weight(option, share)
    if len(weights) < 2 or sum(weights.values()) != WHOLE:
        raise BallotUnreadable("the shares of a split, of 2 options at least, add up to 1")
    return "", tuple(Share(option=name, weight=weights[name]) for name in ORDER if name in weights)


def said_ballot(option: str, split: Split) -> str:
    """A ballot in the words that `read_ballot` takes."""
    return option or ",".join(f"{share.option}={decimal(share.weight)}" for share in split)


def decimal(weight: int) -> str:
    """The weight of an option in a split as a decimal."""
    return f"0.{weight:018d}".rstrip("0")


def _weight(option: str, text: str) -> int:
    try:
        share = Fraction(exact(text)) * WHOLE
    except ValueError:
        raise BallotUnreadable(f"the share of {option} is a number like 0.7, not {text!r}") from None
    if share <= 0 or share.denominator != 1:
        raise BallotUnreadable(f"the share of {option} is above 0 and has 18 decimals at most, not {text}")
    return int(share)
