"""Parameters under which a whole governed upgrade takes some forty blocks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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
    "rehearsal_gate": 0,
}
"""Upgrades take effect without rehearsals, which are what other tests are about."""

GATED: dict[str, int] = {**SHORT, "rehearsal_gate": 1, "postponement": 20}
"""The same, for upgrades that validators must have rehearsed."""


def short_genesis(
    accounts: int = 40, seed: str = "scenario", parameters: Mapping[str, int] = MappingProxyType(SHORT)
) -> Genesis:
    """A generated genesis with four validators under short periods."""
    return generated_genesis(accounts, 4, seed).model_copy(update={"parameters": dict(parameters)})
