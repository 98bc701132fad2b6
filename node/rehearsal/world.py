"""A fresh chain in a folder of its own, with every key at hand: what a rehearsal plays on.

Keys come from the seed, so two rehearsals with the same arguments agree in every root.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from governance.calls import CALLS as GOVERNANCE_CALLS
from governance.tables import COUNTERS
from governance.tracks import Track
from governance.tracktable import routes_of, track_now
from node.application import Application
from node.attester import Attester
from node.genesis.document import Genesis
from node.genesis.substitute import account_key
from node.keys_of_home import keys_of_seed
from node.mempool import Limits
from node.settings import documentation
from node.solo import MadeBlock, Solo
from node.verification import Verifier
from node.wallet import Wallet
from runtime.accounts import ACCOUNTS
from runtime.coordinator import Coordinator
from runtime.errors import HostRefused
from runtime.growth.growth import Progress as Growing
from runtime.host import HostCall
from runtime.parameters import Parameters
from runtime.receipts import OK
from storage.home import Home, HomeLock
from storage.overlay import Overlay
from storage.record import Record
from storage.signing import LastSigned

HOST: dict[str, HostCall] = {f"{call.module}.{call.name}": call for call in GOVERNANCE_CALLS}
Progress = Callable[[int], None]
TRAFFIC_ACCOUNTS = 16
LEAST_TO_SEND = 10_000
SAMPLES: dict[str, Any] = {"text": "hello", "amount": 1, "flag": True, "data": b"hello"}
"""Arguments by kind, to try out a new call with."""


class Told:
    """What was told of the rehearsals that validators attest, and of the next state that blocks wait for."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.progress: Callable[[str, int, int], None] = lambda *_: None
        """Hears of what lasts: what it is, how far it is, and of how much."""

    def __call__(self, event: str, /, **fields: Any) -> None:
        self.events.append((event, fields))
        if event == "rehearsal_progress":
            self.progress(f"rehearsal at {fields['height']:,}, {fields['step']}", fields["done"], fields["total"])

    def growth(self, growth: Growing | None) -> None:
        """Hear how far the next state is that a block waits for."""
        if growth is not None:
            self.progress(f"the next state, {growth.phase}", growth.done, growth.total)


class World:
    """One chain, driven by hand."""

    def __init__(
        self, home: Home, lock: HomeLock, application: Application, solo: Solo, genesis: Genesis, told: Told
    ) -> None:
        self.home = home
        self._lock = lock
        self.application = application
        self.solo = solo
        self.genesis = genesis
        self.told = told
        self._wallets: dict[bytes, Wallet] = {}
        self._senders: tuple[bytes, ...] = ()
        self.first_calls = frozenset(application.chain.loaded.calls)
        """Calls of the runtime that ran when this world was opened."""

    @classmethod
    def create(cls, root: Path, genesis: Genesis) -> World:
        """Begin the chain of a genesis in a new or empty folder."""
        home = Home.create(root)
        home.settings_file.write_text(documentation(), encoding="utf-8")  # so that `synod start` takes it over
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
            keys = keys_of_seed(genesis.seed, (one.operator for one in genesis.validators if one.bonded))
            told = Told()
            attester = Attester(home, application, keys.accounts, told, measured=False)
            last_signed = LastSigned.open(home.last_signed_file)
            solo = Solo(application, keys.consensus, last_signed, attester, lambda: told.growth(application.growth))
            return cls(home, lock, application, solo, genesis, told)
        except BaseException:
            lock.close()
            raise

    def close(self) -> None:
        """Let go of the home."""
        self.solo.close()
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
        """The wallet of an account of the genesis; its nonce follows the chain, where attestations use some too."""
        account = self.overlay().get(ACCOUNTS, (address,))
        nonce = self.application.mempool.next_nonce(address, 0 if account is None else account.nonce)
        found = self._wallets.get(address)
        if found is None:
            key = account_key(self.genesis.seed, address)
            found = self._wallets[address] = Wallet(self.application.chain.identity.chain_id, address, key)
        found.nonce = max(found.nonce, nonce)
        return found

    def operators(self) -> tuple[bytes, ...]:
        """The bonded validators of the genesis, in the order of their addresses."""
        return tuple(one.operator for one in self.genesis.validators if one.bonded)

    def richest_operators(self) -> list[bytes]:
        """The bonded validators, who can best pay a deposit first."""
        balances = {account.address: account.balance for account in self.genesis.accounts}
        return sorted(self.operators(), key=lambda operator: (balances.get(operator, 0), operator), reverse=True)

    def richest_operator(self) -> bytes:
        """The bonded validator that can best pay a deposit."""
        return self.richest_operators()[0]

    def routes(self, kind: str) -> tuple[str, ...]:
        """The tracks that a kind of proposal may take."""
        return routes_of(self.overlay())[kind]

    def track(self, name: str) -> Track:
        """A track's rules as a proposal of the next block would have them."""
        overlay = self.overlay()
        return track_now(overlay, Parameters(overlay, self.height + 1), name)

    def accounts(self) -> tuple[bytes, ...]:
        """Accounts of people with coins to send, at most TRAFFIC_ACCOUNTS, in the order of their addresses."""
        if not self._senders:
            rich = (one.address for one in self.genesis.accounts if one.key and one.balance > LEAST_TO_SEND)
            self._senders = tuple(islice(rich, TRAFFIC_ACCOUNTS))
        return self._senders

    def last_proposal(self) -> int:
        """The id of the newest proposal."""
        counters = self.overlay().get(COUNTERS, ())
        return 0 if counters is None else counters.last

    def traffic(self, count: int) -> None:
        """Submit ordinary transfers, each account paying the next."""
        senders = self.accounts()
        for place in range(count):
            sender, receiver = senders[place % len(senders)], senders[(place + 1) % len(senders)]
            self.call(sender, "bank.send", to=receiver, coins=1 + place)

    def use_new_calls(self) -> None:
        """Use a call that the runtime of the genesis did not have, if its arguments can be made up."""
        known = {f"{module}.{name}" for module, name in self.first_calls}
        for (module, name), call in sorted(self.application.chain.loaded.calls.items()):
            full = f"{module}.{name}"
            if full not in known and not call.declaration.internal:
                kinds = {spec.name: spec.type.kind for spec in call.declaration.args.fields}
                if SAMPLES.keys() >= set(kinds.values()):
                    values = {name: SAMPLES[kind] for name, kind in kinds.items()}
                    self.call(self.accounts()[0], full, fee=10, **values)

    def submit(self, raw: bytes) -> None:
        """Put a raw transaction into the mempool; raises its typed refusal."""
        self.application.check_tx(self.application.decode(raw))

    def host(self, sender: bytes, call: str, args: Record) -> None:
        """Sign and submit a host call, such as ``governance.vote``."""
        self.submit(self.wallet(sender).host(self.host_call(call), args))

    @staticmethod
    def host_call(name: str) -> HostCall:
        """A host call by its full name."""
        return HOST[name]

    def call(self, sender: bytes, call: str, /, fee: int = 10, **args: Any) -> None:
        """Sign and submit a module call of the running runtime, such as ``bank.send``."""
        module, _, name = call.partition(".")
        declaration = self.application.chain.loaded.calls[(module, name)].declaration
        self.submit(self.wallet(sender).call(declaration, fee, **args))

    def block(self) -> MadeBlock:
        """Make the next block; a rehearsal under way is waited for, so that equal chains have equal blocks."""
        self.solo.follow()
        self.solo.wait()
        return self.solo.make_block()

    def must(self) -> MadeBlock:
        """Make the next block and insist that every transaction in it succeeded; raises HostRefused with the first
        code that did not."""
        made = self.block()
        for receipt in made.receipts[: len(made.prepared.block.transactions)]:
            if receipt.code != OK:
                raise HostRefused(receipt.code, f"{receipt.code} at {receipt.file}:{receipt.line}")
        return made

    def forward(self, height: int, progress: Progress | None = None) -> None:
        """Fast-forward to a height."""
        self.solo.fast_forward(height, progress)
