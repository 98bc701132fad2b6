"""A fresh chain in a folder of its own, with every key at hand: what a rehearsal plays on.

Keys come from the seed, so two rehearsals with the same arguments agree in every root.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from governance.calls import CALLS as GOVERNANCE_CALLS
from node.application import Application
from node.genesis.document import Genesis
from node.genesis.substitute import account_key, validator_key
from node.mempool import Limits
from node.solo import Solo
from node.verification import Verifier
from node.wallet import Wallet
from runtime.accounts import ACCOUNTS
from runtime.chain import PreparedBlock
from runtime.coordinator import Coordinator
from runtime.errors import HostRefused
from runtime.host import HostCall
from runtime.parameters import Parameters
from runtime.receipts import OK, Receipt
from storage.home import Home, HomeLock
from storage.overlay import Overlay
from storage.record import Record
from storage.signing import LastSigned

HOST: dict[str, HostCall] = {f"{call.module}.{call.name}": call for call in GOVERNANCE_CALLS}
Progress = Callable[[int], None]


class World:
    """One chain, driven by hand."""

    def __init__(self, home: Home, lock: HomeLock, application: Application, solo: Solo, genesis: Genesis) -> None:
        self.home = home
        self._lock = lock
        self.application = application
        self.solo = solo
        self.genesis = genesis
        self._wallets: dict[bytes, Wallet] = {}

    @classmethod
    def create(cls, root: Path, genesis: Genesis) -> World:
        """Begin the chain of a genesis in a new or empty folder."""
        home = Home.create(root)
        home.genesis_file.write_bytes(genesis.canonical())
        Application.init_chain(home, genesis)
        LastSigned.create(home.last_signed_file)
        return cls.open(root, genesis)

    @classmethod
    def open(cls, root: Path, genesis: Genesis) -> World:
        """Go on with a chain that `create` began."""
        home = Home.open(root)
        lock = home.lock()
        try:
            application = Application.open(home, Verifier(), Limits(count=100_000, total_bytes=256 * 1024 * 1024))
            keys = {one.operator: validator_key(genesis.seed, one.operator) for one in genesis.validators if one.bonded}
            return cls(home, lock, application, Solo(application, keys, LastSigned.open(home.last_signed_file)), genesis)
        except BaseException:
            lock.close()
            raise

    def close(self) -> None:
        """Let go of the home."""
        self.application.close()
        self.application.verifier.close()
        self._lock.close()

    @property
    def height(self) -> int:
        """The last committed height."""
        return self.application.state.height

    def overlay(self) -> Overlay:
        """A fresh view of the committed state, for reading."""
        return self.application.state.overlay()

    def coordinator(self) -> Coordinator:
        """The upgrade tables as committed, for reading."""
        overlay = self.overlay()
        return Coordinator(overlay, self.height, Parameters(overlay, self.height), [])

    def parameter(self, name: str) -> int:
        """A plain parameter in force."""
        return Parameters(self.overlay(), self.height).integer(name)

    def wallet(self, address: bytes) -> Wallet:
        """The wallet of an account of the genesis; its nonce follows the chain."""
        found = self._wallets.get(address)
        if found is None:
            account = self.overlay().get(ACCOUNTS, (address,))
            nonce = 0 if account is None else account.nonce
            key = account_key(self.genesis.seed, address)
            found = Wallet(self.application.chain.identity.chain_id, address, key, nonce)
            self._wallets[address] = found
        return found

    def submit(self, raw: bytes) -> None:
        """Put a raw transaction into the mempool; raises its typed refusal."""
        self.application.check_tx(self.application.decode(raw))

    def host(self, sender: bytes, call: str, args: Record) -> None:
        """Sign and submit a host call, such as ``governance.vote``."""
        self.submit(self.wallet(sender).host(HOST[call], args))

    def call(self, sender: bytes, call: str, /, fee: int = 10, **args: Any) -> None:
        """Sign and submit a module call of the running runtime, such as ``bank.send``."""
        module, _, name = call.partition(".")
        declaration = self.application.chain.loaded.calls[(module, name)].declaration
        self.submit(self.wallet(sender).call(declaration, fee, **args))

    def block(self) -> PreparedBlock:
        """Make the next block."""
        return self.solo.make_block()

    def must(self) -> tuple[Receipt, ...]:
        """Make the next block and insist that every transaction in it succeeded; raises HostRefused with the first
        code that did not."""
        receipts = self.block().receipts
        for receipt in receipts:
            if receipt.code != OK:
                raise HostRefused(receipt.code, f"{receipt.code} at {receipt.file}:{receipt.line}")
        return receipts

    def forward(self, height: int, progress: Progress | None = None) -> None:
        """Fast-forward to a height."""
        self.solo.fast_forward(height, progress)
