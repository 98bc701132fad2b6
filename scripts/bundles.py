"""Which bundle is meant by what was typed: a folder, an archive, or a name of something on chain.

    running     what the chain runs
    12          what proposal 12 would make it run
    5f2c...e1   the bundle of this code hash, 64 digits

Names on chain come first; `./12` is a folder. They are read from the node that is asked or that runs on the home, else
from the home's own state. Either way the bytes must hash to the code hash that the chain names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import click

from governance.tables import PROPOSALS
from node.address import NodeAddress
from runtime.bundle.archive import Bundle, from_chunks, pack, unpack
from runtime.bundle.problems import BundleMalformed
from runtime.bundles import stored_bundle
from runtime.errors import BundleUnavailable
from runtime.plans import RUNNING
from storage.home import Home
from storage.state import State

from .client import Client, NodeStrange, asking
from .exits import Exit

EXISTING = click.Path(exists=True, path_type=Path)
RUNNING_NAME = "running"
_PROPOSAL = re.compile(r"[1-9][0-9]{0,8}")
_CODE_HASH = re.compile(r"[0-9a-f]{64}")


class BundleNotOnChain(Exception):
    """What was named is not on chain, or not any more."""

    code = "bundle_not_on_chain"
    exit = Exit.REFUSED

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} names no bundle on chain: {why}")
        self.name = name


def read(path: Path, chain: str | None) -> Bundle:
    """The bundle in a folder or in an archive."""
    return pack(path, chain=chain) if path.is_dir() else unpack(path.read_bytes())


class OnChain(Protocol):
    """Where bundles of a chain are read from."""

    def running(self) -> str:
        """Code hash of the running bundle, in hex."""

    def proposed(self, proposal: int) -> str:
        """Code hash that a proposal names, empty for one that names none; raises NodeProblem or BundleNotOnChain."""

    def bundle(self, code_hash: str) -> Bundle | None:
        """The bundle of that hash; None when the chain does not hold it."""


class OfNode:
    """A running node's chain, over HTTP."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def running(self) -> str:
        """As OnChain."""
        return str(self._client.status()["runtime"]["code_hash"])

    def proposed(self, proposal: int) -> str:
        """As OnChain."""
        return str(self._client.proposal(proposal)["proposal"]["bundle"])

    def bundle(self, code_hash: str) -> Bundle | None:
        """As OnChain; raises NodeStrange when the node's bytes are not what the hash names."""
        pieces = [bytes.fromhex(row["value"]["data"]) for row in self._client.rows("upgrade.chunks", (code_hash,))]
        if not pieces:
            return None
        try:
            bundle = from_chunks(pieces)
        except BundleMalformed as wrong:
            raise NodeStrange(self._client.url, f"the bundle {code_hash} is no bundle: {wrong}") from None
        if bundle.code_hash.hex() != code_hash:
            raise NodeStrange(self._client.url, f"the bytes of bundle {code_hash} have another hash")
        return bundle


class OfHome:
    """The state of a home whose node does not run."""

    def __init__(self, state: State) -> None:
        self._overlay = state.overlay()

    def running(self) -> str:
        """As OnChain."""
        running = self._overlay.get(RUNNING, ())
        assert running is not None, "every chain has a running runtime from genesis on"
        return running.code_hash.hex()

    def proposed(self, proposal: int) -> str:
        """As OnChain."""
        found = self._overlay.get(PROPOSALS, (proposal,))
        if found is None:
            raise BundleNotOnChain(str(proposal), "there is no such proposal")
        return found.bundle.hex()

    def bundle(self, code_hash: str) -> Bundle | None:
        """As OnChain."""
        try:
            return stored_bundle(self._overlay, bytes.fromhex(code_hash))
        except BundleUnavailable:
            return None


def is_name(text: str) -> bool:
    """Whether a word names something on chain and no file."""
    return text == RUNNING_NAME or bool(_PROPOSAL.fullmatch(text) or _CODE_HASH.fullmatch(text))


def named(chain: OnChain, name: str) -> Bundle:
    """The bundle that a name means; raises BundleNotOnChain."""
    code_hash = name
    if name == RUNNING_NAME:
        code_hash = chain.running()
    elif _PROPOSAL.fullmatch(name):
        code_hash = chain.proposed(int(name))
        if not code_hash:
            raise BundleNotOnChain(name, "that proposal is for no upgrade")
    found = chain.bundle(code_hash)
    if found is None:
        raise BundleNotOnChain(name, f"the chain holds no bundle {code_hash}; a rejected proposal's goes with it")
    return found


@contextmanager
def chain_at(home: Path, url: str | None) -> Iterator[OnChain]:
    """The chain of a node, or of a home whose node does not run; raises what the home or its state refuses."""
    if url is not None or NodeAddress.of(Home(home)) is not None:
        with asking(home, url) as client:
            yield OfNode(client)
        return
    place = Home.open(home)
    with place.lock():
        state = State.open(place)
        try:
            yield OfHome(state)
        finally:
            state.close()
