"""Sets of tracks to begin a chain with, each after a model that people know; a vote changes any of them later.

| name | after |
|---|---|
| default | this chain's own rules: thresholds of 2/3, a veto, a timelock of a week |
| cosmos | x/gov of the Cosmos SDK |
| opengov | Polkadot's OpenGov |
| tezos | Tezos' amendment |
| governor | OpenZeppelin's Governor, and Compound's, which it comes from |

Each file states its model's rules, where they were read, and what cannot hold here. Common to all: blocks of 6 seconds
stand for the model's times; a voter is whom this chain's electorate names; votes count from the block after the
announcement on at the earliest, by power fixed before; and every preset has the tracks `breaking` and `emergency`,
because this chain can undo an upgrade and its models cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from governance.presets.cosmos import COSMOS
from governance.presets.default import DEFAULT
from governance.presets.governor import GOVERNOR
from governance.presets.opengov import OPENGOV
from governance.presets.preset import Preset
from governance.presets.tezos import TEZOS

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {"default": DEFAULT, "cosmos": COSMOS, "opengov": OPENGOV, "tezos": TEZOS, "governor": GOVERNOR}
)
"""Every preset by name."""
