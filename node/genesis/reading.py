"""Reading a genesis file: Synod's own document, or a foreign one through the adapter that recognises it.

An adapter is a module with `NAME`, `MEANING`, `recognises(top)` and `read(top)`; the table below is asked in order. A
foreign chain is always read as a rehearsal: substitute keys, another chain id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from node.genesis import cosmos_2019, cosmos_sdk
from node.genesis.document import Genesis, refusal_of
from node.genesis.errors import GenesisForeign, GenesisMissing
from node.genesis.place import Place, parse
from node.genesis.substitute import Ledger, with_substitute_keys


@dataclass(frozen=True, slots=True)
class Adapter:
    """One foreign layout."""

    name: str
    meaning: str
    recognises: Callable[[Place], bool]
    read: Callable[[Place], Ledger]


ADAPTERS = tuple(
    Adapter(module.NAME, module.MEANING, module.recognises, module.read) for module in (cosmos_2019, cosmos_sdk)
)
OWN = "Synod's own document (format)"


def read_genesis(raw: bytes, seed: str) -> Genesis:
    """The genesis in a file's bytes; `seed` makes the substitute keys of a foreign one and is not used for our own.

    Raises GenesisMalformed (with the place in the JSON), GenesisForeign, GenesisInconsistent or SeedInvalid.
    """
    top = parse(raw)
    if "format" in top.value and "app_state" not in top.value:
        return Genesis.read(top.value)
    for adapter in ADAPTERS:
        if adapter.recognises(top):
            return rehearsal_of(adapter, top, seed, sha256(raw).hexdigest())
    raise GenesisForeign(tuple(top.value), (OWN, *(adapter.meaning for adapter in ADAPTERS)))


def rehearsal_of(adapter: Adapter, top: Place, seed: str, digest: str) -> Genesis:
    """A foreign chain's rehearsal; a value that fits its own layout but not a document is refused like any other."""
    try:
        return with_substitute_keys(adapter.read(top), seed, adapter.name, digest)
    except ValidationError as wrong:
        raise refusal_of(wrong) from None


def load_genesis(path: Path, seed: str) -> Genesis:
    """The genesis in a file; raises GenesisMissing besides what read_genesis raises."""
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise GenesisMissing(str(path)) from None
    return read_genesis(raw, seed)
