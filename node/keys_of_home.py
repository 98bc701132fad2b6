"""The validators' keys that a home holds. A rehearsal's derive from the seed of its genesis, so the seed is the secret.

The genesis file must be the one the chain began with: its digest stands in the state. It is not validated again,
because validating a large document takes longer than starting the node.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from node.errors import GenesisFileForeign, GenesisFileMissing, KeysMissing
from node.genesis.document import digest_of
from node.genesis.substitute import account_key, validator_key
from runtime.address import parse_address
from runtime.keys import PrivateKey
from storage.home import Home


@dataclass(frozen=True, slots=True)
class HomeKeys:
    """What a home can sign with, by operator."""

    consensus: Mapping[bytes, PrivateKey]
    """Sign blocks."""
    accounts: Mapping[bytes, PrivateKey]
    """Sign transactions of the operators' own accounts, such as attestations."""


def keys_of_home(home: Home, genesis_digest: bytes) -> HomeKeys:
    """The keys of every validator bonded at genesis.

    Raises GenesisFileMissing, GenesisFileForeign when the file is not the chain's, KeysMissing when it has no seed.
    """
    try:
        raw = home.genesis_file.read_bytes()
    except FileNotFoundError:
        raise GenesisFileMissing(str(home.genesis_file)) from None
    if digest_of(raw) != genesis_digest:
        raise GenesisFileForeign(str(home.genesis_file))
    document: dict[str, Any] = json.loads(raw)
    seed = document["seed"]
    if not seed:
        raise KeysMissing(str(home.root))
    return keys_of_seed(seed, (parse_address(one["operator"]) for one in document["validators"] if one["bonded"]))


def keys_of_seed(seed: str, operators: Iterable[bytes]) -> HomeKeys:
    """The keys that derive from a seed for these operators."""
    known = tuple(operators)
    consensus = {operator: validator_key(seed, operator) for operator in known}
    return HomeKeys(consensus, {operator: account_key(seed, operator) for operator in known})
