"""Parameters under which a whole governed upgrade takes some forty blocks."""

from __future__ import annotations

from node.genesis.document import Genesis
from node.genesis.generated import generated_genesis

SHORT: dict[str, int] = {
    "voting_delay": 1,
    "voting_period": 20,
    "timelock_delay": 10,
    "emergency_delay": 1,
    "emergency_period": 5,
    "emergency_timelock": 1,
    "probation": 20,
    "rollback_window": 400,
}


def short_genesis(accounts: int = 40, seed: str = "scenario", **parameters: int) -> Genesis:
    """A generated genesis with four validators under short periods, and further parameters."""
    return generated_genesis(accounts, 4, seed).model_copy(update={"parameters": {**SHORT, **parameters}})
