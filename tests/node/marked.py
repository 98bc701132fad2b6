"""A next runtime by whose answers one can tell it from the first, and that goes back when it is made to mint."""

from node.rehearsal.demonstrations import CONJURE
from node.rehearsal.world import World
from runtime.bundle.archive import Bundle
from tests.scenarios.upgrades import appended, edited, example

MARK = 10**30
"""What its `bank.balance` adds."""
PLAIN = "return 0 if account is None else account.balance"
"""What the first one's answers."""


def marked(world: World) -> Bundle:
    """The example, with the mark and the call that mints."""
    added = f"return {MARK} + (0 if account is None else account.balance)"
    return appended(edited(example(world), bank=(PLAIN, added)), "bank", CONJURE, "2.0.0")
