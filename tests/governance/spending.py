"""A spend out of the treasury on the ordinary track: what most rules of a track are tried on."""

from __future__ import annotations

from governance.proposals import TreasurySpend
from governance.tables import HISTORY
from runtime.address import module_address
from tests.governance.world import World, person

FIRST, SECOND, THIRD, FOURTH = (person(number) for number in range(1, 5))
STRANGER = person(30)
SPEND = TreasurySpend(recipient=STRANGER, amount=7)


def fund_treasury(world: World, coins: int = 1_000) -> None:
    bank = world.runtime.tables["bank.accounts"]
    world.overlay.put(bank, (module_address("treasury"),), bank.record(balance=coins))


def story(world: World, proposal: int) -> list[tuple[str, str]]:
    return [(row.status, row.reason) for _, row in world.overlay.scan(HISTORY, (proposal,))]


def votes(world: World, proposal: int, *options: str) -> None:
    for voter, option in zip(world.voters, options, strict=False):
        if option:
            assert world.vote(voter, proposal, option) == "ok"


def spend_on(world: World, **rules: str) -> int:
    """A spend in voting, on the ordinary track under these rules."""
    world.track("ordinary", **rules)
    fund_treasury(world)
    proposal = world.proposed(FIRST, SPEND)
    world.open(proposal)
    return proposal
