"""What a vote says, and how a voter's power is shared out by it, to the last unit.

A ballot names one option, or splits: whole-number weights for two to four options that add up to `WHOLE` (18 decimals,
as x/gov's weighted votes have). The options of a split stand in the order yes, no, abstain, veto. Power is shared out
along that order: up to and with the k-th option go power x (the first k weights together) / `WHOLE` units, rounded
down. So each option gets its exact share give or take less than a unit, and the parts add up to the power, always.
"""

from __future__ import annotations

from collections.abc import Iterable

from governance.errors import need
from governance.tally import NOTHING, Option, Parts
from storage.record import Amount, Data, Record, Text, field

WHOLE = 10**18
"""What the weights of a split add up to."""
ORDER: dict[str, int] = {option.value: place for place, option in enumerate(Option)}


class Share(Record):
    """One option of a split, and its weight out of `WHOLE`."""

    option: Text = field(1)
    weight: Amount = field(2)


Split = tuple[Share, ...]


class Vote(Record):
    """A voter's present vote."""

    option: Text = field(1, default="")
    """Empty where the vote is split."""
    weight: Amount = field(2)
    """Counted power. A validator's grows less as its delegators vote themselves."""
    height: Amount = field(3)
    split: Split = field(4, default=())
    uncounted: Amount = field(5, default=0)
    """Power beyond what one voter may count for."""
    own: Amount = field(6, default=0)
    """How often the voter himself has voted on this proposal, by transactions and relayed votes together."""
    proxy: Data = field(7, default=b"")
    """Who cast it in his place; empty where he cast it himself."""
    steps: Amount = field(8, default=0)
    """How many proxies stand between him and whoever cast it, the latter counted."""

    @property
    def power(self) -> int:
        """All the power behind it."""
        return self.weight + self.uncounted

    @property
    def parts(self) -> Parts:
        """What it adds to each option."""
        return shared_out(self.option, self.split, self.weight)


def require_ballot(option: str, split: Split) -> None:
    """Refuse a ballot that is none: unknown_option, bad_split."""
    for name in (option,) if not split else tuple(share.option for share in split):
        need(name in ORDER, "unknown_option", option=name or "nothing")
    if not split:
        return
    places = [ORDER[share.option] for share in split]
    weighed = all(share.weight > 0 for share in split) and sum(share.weight for share in split) == WHOLE
    good = not option and len(split) > 1 and weighed and places == sorted(set(places))
    need(good, "bad_split", whole=WHOLE)


def shared_out(option: str, split: Iterable[Share], power: int) -> Parts:
    """A voter's power by option, as a valid ballot says."""
    parts = list(NOTHING)
    if option:
        parts[ORDER[option]] = power
    reached, given = 0, 0
    for share in split:
        reached += share.weight
        part = power * reached // WHOLE - given
        parts[ORDER[share.option]] = part
        given += part
    return (parts[0], parts[1], parts[2], parts[3])


def ballot_text(option: str, split: Iterable[Share]) -> str:
    """A ballot in one word, as events tell it: `yes`, or `yes=700000000000000000,no=300000000000000000`."""
    return option or ",".join(f"{share.option}={share.weight}" for share in split)
