"""A chain of a few accounts that holds its laws to account after every block.

`Story` drives `runtime.chain.Chain` as a node does, with a host module of its own, the till, in the place of
governance: what it does at the end of a block follows from the height alone, so a block may be made again. After
every block the supply must add up, the incremental counters must equal a recount, and every transaction must have
its receipt.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from runtime.accounts import ACCOUNTS
from runtime.address import address_of
from runtime.block import Block, make_block
from runtime.bundle.archive import Bundle
from runtime.bundle.checker import check_bundle, check_upgrade
from runtime.bundles import store_bundle
from runtime.chain import Chain, PreparedBlock
from runtime.coordinator import Coordinator
from runtime.genesis import GenesisState, ModuleRow, create_chain_state
from runtime.host import Changes, HostCall, HostContext
from runtime.identity import ChainIdentity
from runtime.interface import interface_of
from runtime.invariants.recount import count_rows, stored
from runtime.invariants.settle import supply_holds
from runtime.keys import PrivateKey
from runtime.parameters import ParameterRule, Parameters
from runtime.plans import HISTORY, HistoryEntry
from runtime.purse import DEBTS, SUPPLY, Debt, Supply
from runtime.receipts import Receipt
from runtime.requests import PlanRequest
from runtime.sealing import RECEIPTS
from runtime.transaction import Body, Call, sign
from storage.home import RELEASE, Home
from storage.overlay import Overlay
from storage.record import Amount, Record, field
from storage.state import State
from storage.tables import Table
from tests.runtime.story_bundles import first

PROPOSER = bytes(20)
RICH = 1000
Act = Callable[[HostContext], object]


class Coins(Record):
    """Units."""

    amount: Amount = field(1)


def _deposit(context: HostContext, args: Coins) -> None:
    context.purse.debit(context.sender, args.amount)


def _withdraw(context: HostContext, args: Coins) -> None:
    context.purse.credit(context.sender, args.amount)


class Till:
    """A host module: two calls that move coins, and at each height's end what the story wrote down for it."""

    tables: tuple[Table[Any], ...] = ()
    parameters: tuple[ParameterRule, ...] = ()
    calls = (HostCall("till", "deposit", Coins, _deposit), HostCall("till", "withdraw", Coins, _withdraw))

    def __init__(self) -> None:
        self.acts: dict[int, list[Act]] = {}

    def init_genesis(self, context: HostContext) -> None:
        """Nothing to begin with."""

    def end_block(self, context: HostContext, changes: Changes) -> None:
        """Do what was written down for this height."""
        for act in self.acts.get(context.height, ()):
            act(context)


class Person:
    """An account with its key and the nonce it will use next."""

    def __init__(self, story: Story, name: str) -> None:
        self.story = story
        self.key = PrivateKey.from_seed(name.encode().ljust(32, b"."))
        self.address = address_of(self.key.public)
        self.nonce = 0

    def call(self, name: str, fee: int = 1, /, **args: Any) -> bytes:
        """A signed call of the running runtime, raw."""
        module, _, short = name.partition(".")
        target = self.story.chain.loaded.calls[(module, short)]
        encoded = target.codec.encode(target.codec.record(**args))
        return self.sign(Call(module=module, name=short, interface=target.declaration.interface, args=encoded), fee)

    def host(self, name: str, args: Record) -> bytes:
        """A signed host call, raw."""
        module, _, short = name.partition(".")
        entry = self.story.chain.host[(module, short)]
        interface = interface_of(module, short, entry.call.schema, entry.call.meaning)
        return self.sign(Call(module=module, name=short, interface=interface, args=entry.codec.encode(args)), 0)

    def deposit(self, amount: int) -> bytes:
        """A host call that takes coins into the host's hands."""
        return self.host("till.deposit", Coins(amount=amount))

    def sign(self, call: Call, fee: int) -> bytes:
        """Sign a body with the next nonce."""
        chain = self.story.chain.identity.chain_id
        body = Body(chain=chain, sender=self.address, nonce=self.nonce, fee=fee, expiry=0, call=call)
        if self.story.overlay().get(ACCOUNTS, (self.address,)) is None:
            body = body.but(key=self.key.public)
        self.nonce += 1
        return sign(body, self.key)

    @property
    def coins(self) -> int:
        """What the purse holds."""
        return self.story.coins(self.address)


class Story:
    """A chain, its people and its till."""

    def __init__(
        self, folder: Path, bundle: Bundle | None = None, rows: tuple[ModuleRow, ...] = (), **parameters: int
    ) -> None:
        self.till = Till()
        self.people: dict[str, Person] = {}
        names = ("ann", "ben", "cai")
        keys = [PrivateKey.from_seed(name.encode().ljust(32, b".")) for name in names]
        genesis = GenesisState(
            identity=ChainIdentity(chain_id="tiny-1", chain_name="tiny", genesis=bytes(32)),
            bundle=bundle or first(),
            host_release=RELEASE,
            keys=[(address_of(key.public), key.public, False) for key in keys],
            parameters={"rollback_window": 400, "probation": 10, **parameters},
            rows=[*rows, *(("coins.purses", (address_of(key.public),), {"coins": RICH}) for key in keys)],
        )
        self.state: State = create_chain_state(Home.create(folder / "home"), genesis, (self.till,))
        self.chain = Chain(self.state, (self.till,))
        for name in names:
            self.people[name] = Person(self, name)

    def __getattr__(self, name: str) -> Person:
        people: dict[str, Person] = self.__dict__["people"]
        if name in people:
            return people[name]
        raise AttributeError(name)

    @property
    def height(self) -> int:
        """The last committed height."""
        return self.state.height

    @property
    def root(self) -> bytes:
        """The runtime root of the last committed height."""
        return self.state.head.runtime_root

    def overlay(self) -> Overlay:
        """A fresh look at the committed state."""
        return self.state.overlay()

    def coordinator(self) -> Coordinator:
        """The committed upgrade tables."""
        overlay = self.overlay()
        return Coordinator(overlay, self.height, Parameters(overlay, self.height), [])

    def coins(self, owner: bytes) -> int:
        """What a purse holds."""
        row = self.row("coins.purses", owner)
        return 0 if row is None else int(row.coins)

    def row(self, table: str, *key: Any) -> Any:
        """A row of the running runtime."""
        return self.overlay().get(self.chain.loaded.tables[table], key)

    def supply(self) -> Supply:
        """The host's books."""
        return self.overlay().get(SUPPLY, ()) or Supply()

    def debt(self, person: Person) -> int:
        """What somebody owes since a replay."""
        return (self.overlay().get(DEBTS, (person.address,)) or Debt()).owed

    def next_block(self, *raws: bytes) -> Block:
        """The block with these transactions that follows."""
        head, chain = self.state.head, self.chain
        return make_block(head.height + 1, chain.identity.chain_id, chain.last_block, head.app_root, PROPOSER, raws)

    def block(self, *raws: bytes, act: Act | None = None) -> PreparedBlock:
        """Make, commit and check the next block; ``act`` is done by the host at its end."""
        if act is not None:
            self.till.acts.setdefault(self.height + 1, []).append(act)
        prepared = self.chain.finalize(self.next_block(*raws))
        self.chain.commit(prepared)
        for person in self.people.values():
            account = self.overlay().get(ACCOUNTS, (person.address,))
            person.nonce = 0 if account is None else account.nonce
        self.require_laws()
        return prepared

    def codes(self, *raws: bytes, act: Act | None = None) -> list[str]:
        """Make a block; the codes of its receipts, failed hooks after the transactions."""
        return [receipt.code for receipt in self.block(*raws, act=act).receipts]

    def blocks_to(self, height: int) -> None:
        """Empty blocks up to a height; only the last is held to the laws."""
        while self.height < height - 1:
            self.chain.commit(self.chain.finalize(self.next_block()), durable=False)
        if self.height < height:
            self.block()

    def schedule(self, bundle: Bundle, activation: int) -> int:
        """Schedule a bundle in the next block and return its plan's id."""
        declaration = check_bundle(bundle, chain="tiny", host_release=RELEASE)
        effect = check_upgrade(self.chain.loaded.declaration, declaration)
        request = PlanRequest(
            proposal=0, code_hash=bundle.code_hash, effect=effect, declaration=declaration, activation=activation
        )
        plans: list[int] = []

        def act(context: HostContext) -> None:
            store_bundle(context.overlay, bundle, PROPOSER, context.height)
            plans.append(context.coordinator.schedule(request))

        self.block(act=act)
        return plans[-1]

    def upgrade(self, bundle: Bundle, *raws: bytes) -> HistoryEntry:
        """Carry a bundle through its activation height, whose block holds these transactions; how it ended."""
        plan = self.schedule(bundle, self.height + 3)
        self.blocks_to(self.coordinator().plan(plan).activation - 1)
        self.block(*raws)
        return self.history(plan)

    def roll_back(self) -> HistoryEntry:
        """Decide the rollback in one block, make it in the next, and empty ones until the replay has ended."""
        window = self.coordinator().window()
        assert window is not None
        self.block(act=lambda context: context.coordinator.roll_back(0, "a story"))
        self.block()
        while self.coordinator().replaying() is not None:
            self.block()
        return self.history(window.plan)

    def reopen(self) -> None:
        """Stop and start again, as a node does."""
        home = self.state._home
        self.state.close()
        self.state = State.open(home)
        self.chain = Chain(self.state, (self.till,))

    def history(self, plan: int) -> HistoryEntry:
        """What happened to a plan at this height."""
        entry = self.overlay().get(HISTORY, (self.height, plan))
        assert entry is not None, f"nothing happened to plan {plan} at {self.height}"
        return entry

    def first_receipts(self, height: int) -> list[Receipt]:
        """Receipts of a height."""
        return [RECEIPTS.decode(raw) for raw in self.state.log().receipts(height)]

    def second_receipts(self, height: int) -> list[Receipt]:
        """Receipts of a height's replay, by place."""
        found = self.state.log().second_receipts(height)
        assert sorted(found) == list(range(len(found))), "a place without a receipt"
        return [RECEIPTS.decode(found[place]) for place in sorted(found)]

    def second_codes(self, height: int) -> list[str]:
        """Codes of a height's replay, by place."""
        return [receipt.code for receipt in self.second_receipts(height)]

    def recounted(self) -> dict[tuple[str, bytes], int]:
        """Every aggregate, counted from the rows."""
        tables, overlay = self.chain.loaded.tables, self.overlay()
        counters = self.chain.counters(self.chain.loaded)
        return count_rows(counters, lambda name: ((tables[name].pack(k), row) for k, row in overlay.scan(tables[name])))

    def require_laws(self) -> None:
        """What must hold after every block."""
        overlay = self.overlay()
        assert stored(overlay) == self.recounted(), f"counters and recount differ at {self.height}"
        assert supply_holds(overlay), f"the supply does not add up at {self.height}: {self.supply()}"
        log = self.state.log()
        assert len(self.first_receipts(self.height)) >= len(log.transactions(self.height))
