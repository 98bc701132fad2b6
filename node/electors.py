"""Who may vote and for how much, as readers see it: now, or by the electorate of a vote that is open.

The chain keeps an electorate as long as a vote counts by it, so there are no others to ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import islice
from typing import Any

from governance.electorate import electors_at, stake_at, validator_at, worth
from governance.lifecycle import Status
from governance.tables import POWER, PROXIES, STAKES, STANDINGS, Power
from node.errors import BadRequest, NotFound
from node.http import answers
from node.reading import Reading
from runtime.address import address_text, parse_address
from storage.tables import Table


def height_of(reading: Reading, proposal: int | None) -> int:
    """The height as of whose end a vote counts, the present one without a proposal.

    Raises NotFound(no_such_proposal), BadRequest(electorate_not_kept) where the vote has not begun or is over.
    """
    if proposal is None:
        return reading.height
    standing = reading.view.get(STANDINGS, (proposal,))
    if standing is None:
        raise NotFound("no_such_proposal", f"there is no proposal {proposal}")
    if not Status(standing.status).takes_votes:
        raise BadRequest("electorate_not_kept", f"proposal {proposal} is in {standing.status}: no vote is open on it")
    return standing.snapshot


def electorate_page(reading: Reading, kind: str, proposal: int | None, after: str, limit: int) -> answers.Electorate:
    """Those who have power, by address behind ``after``; raises as `height_of`, and AddressInvalid."""
    height = height_of(reading, proposal)
    everyone = _with_power(reading, kind, height, parse_address(after) if after else b"")
    page = list(islice(everyone, limit + 1))
    of = cache(partial(validator_at, reading.view, height=height))  # delegators have their validators in common
    whole = electors_at(reading.view, height)
    return answers.Electorate(
        height=height,
        power=str(whole.power),
        validators=whole.voters,
        electors=[_elector(reading, address, height, of) for address in page[:limit]],
        next=address_text(page[limit - 1]) if len(page) > limit else None,
    )


def elector_of(reading: Reading, address: bytes, height: int) -> answers.Elector:
    """One address and what it could vote at the end of a kept height."""
    return _elector(reading, address, height, partial(validator_at, reading.view, height=height))


def _elector(reading: Reading, address: bytes, height: int, of: Callable[[bytes], Power]) -> answers.Elector:
    stake = stake_at(reading.view, address, height)
    parts = [(part, worth(part.shares, of(part.validator))) for part in stake.parts]
    proxy = reading.view.get(PROXIES, (address,))
    return answers.Elector(
        address=address_text(address),
        power=str(of(address).power),
        delegated=str(sum(power for _, power in parts)),
        delegations=[
            answers.DelegationAnswer(
                validator=address_text(part.validator), shares=str(part.shares), power=str(power)
            )
            for part, power in parts
        ],
        proxy=None if proxy is None else address_text(proxy.proxy),
    )


def _with_power(reading: Reading, kind: str, height: int, after: bytes) -> Iterator[bytes]:
    """Addresses behind ``after`` that had something at ``height``."""
    validators = kind == "validators"
    table: Table[Any] = POWER if validators else STAKES
    for (address,), _ in reading.view.scan(table, (), start=(after,) if after else None):
        if address == after:
            continue
        if validators:
            has = validator_at(reading.view, address, height).power > 0
        else:
            has = bool(stake_at(reading.view, address, height).parts)
        if has:
            yield address
