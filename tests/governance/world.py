"""A chain small enough to govern in a test: real state on disk, the real genesis bundle, one overlay that lives on.

Blocks are heights on that overlay: calls run on savepoints as the executor runs them, then governance ends the block
with the block's own changes. Nothing is committed, so a thousand blocks cost little.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from governance.calls import AddDeposit, Cancel, CastVote, Propose, PublishChunk
from governance.lifecycle import Status
from governance.module import Governance
from governance.progress import proposal_at
from governance.proposals import Content, MaintenanceWindow, Proposal, RuntimeUpgrade, Standing, Statement
from governance.tables import COUNTERS, LEDGER, TRACKS, VOTES, Counters, Ledger
from governance.tracks import TrackRow
from runtime.bundle.archive import Bundle, chunks, of_files, pack
from runtime.bundle.checker import check_bundle
from runtime.bundle.effect import effect_digest
from runtime.bundle.loader import LoadedRuntime
from runtime.bundles import CHUNK_BYTES
from runtime.coordinator import Coordinator
from runtime.errors import HostRefused, UpgradeRefused
from runtime.genesis import GenesisState, create_chain_state
from runtime.host import HostContext
from runtime.identity import ChainIdentity
from runtime.library import Library
from runtime.parameters import RUNTIME_PARAMETERS, Parameters
from runtime.plans import EXECUTED, RUNNING, WINDOW, Running, Window
from runtime.purse import Purse
from runtime.receipts import Event
from runtime.registry import register_runtime
from storage.home import RELEASE, Home
from storage.record import Record
from storage.state import State

CHAIN_NAME = "synod-test"
CORE = Path(__file__).parents[2] / "runtime" / "core"
MOST_DELAY = 10
NO_WINDOW = MaintenanceWindow()
SMALL: Mapping[str, int | Fraction] = {
    "voting_delay": 2,
    "voting_period": 10,
    "timelock_delay": 10,
    "grace_period": 32,
    "deposit_period": 8,
    "emergency_delay": 2,
    "emergency_period": 6,
    "emergency_timelock": 2,
    "max_individual_power_percent": 100,
    "rehearsal_gate": 0,
    "resubmission_cooldown": 0,
}


def person(number: int) -> bytes:
    """An address for the test's ``number``-th person."""
    return number.to_bytes(20, "big")


@cache
def core_bundle() -> Bundle:
    """The genesis bundle of the test chain."""
    return pack(CORE, CHAIN_NAME)


def changed_bundle(edits: Mapping[str, tuple[tuple[str, str], ...]], version: str) -> Bundle:
    """The genesis bundle with texts replaced in its files, as another version."""
    files = {path: content.decode() for path, content in core_bundle().files}
    for path, pairs in {**edits, "bundle.toml": (*edits.get("bundle.toml", ()), ("1.0.0", version))}.items():
        for old, new in pairs:
            assert old in files[path], (path, old)
            files[path] = files[path].replace(old, new, 1)
    return of_files({path: content.encode() for path, content in files.items()})


GOVERNANCE = Governance()
LIBRARY = Library()
_opened = ExitStack()
_homes = _opened.enter_context(TemporaryDirectory(prefix="governance-"))
atexit.register(_opened.close)


@cache
def loaded(bundle: Bundle) -> LoadedRuntime:
    """A bundle's runtime, compiled once a test run."""
    return LIBRARY.add(bundle)


@cache
def _genesis_state(
    powers: tuple[int, ...],
    parameters: tuple[tuple[str, int | Fraction], ...],
    coins: int,
    bundle: Bundle,
    delegations: tuple[tuple[int, int, int], ...],
) -> State:
    """A chain at genesis, made once: every world that begins so has an overlay of its own on it, and none commits."""
    rows: list[Any] = [("bank.accounts", (person(number),), {"balance": coins}) for number in range(1, 40)]
    for number, tokens in enumerate(powers, 1):
        voter = person(number)
        rows.append(("staking.validators", (voter,), _validator(tokens)))
        others = sum(part for _, to, part in delegations if to == number)
        rows.append(("staking.delegations", (voter, voter), {"shares": (tokens - others) * 10**18}))
    for owner, to, part in delegations:
        rows.append(("staking.delegations", (person(owner), person(to)), {"shares": part * 10**18}))
    genesis = GenesisState(
        identity=ChainIdentity(chain_id=CHAIN_NAME, chain_name=CHAIN_NAME, genesis=bytes(32)),
        bundle=bundle,
        host_release=RELEASE,
        keys=(),
        rows=rows,
        parameters=dict(parameters),
    )
    home = Home.create(Path(mkdtemp(dir=_homes)) / "home")
    state = create_chain_state(home, genesis, (GOVERNANCE,))
    _opened.callback(state.close)
    return state


class World:
    """One test chain; ``powers`` are the bonded tokens of persons 1, 2, ..., everyone else only has coins, and what
    ``delegations`` (owner, validator, tokens) say is his of a validator's tokens."""

    def __init__(
        self,
        powers: Iterable[int] = (100, 100, 100, 100),
        parameters: Mapping[str, int | Fraction] | None = None,
        coins: int = 10_000,
        bundle: Bundle | None = None,
        delegations: Iterable[tuple[int, int, int]] = (),
    ) -> None:
        self.governance = GOVERNANCE
        self.voters = tuple(person(number) for number, _ in enumerate(powers, 1))
        genesis_bundle = bundle or core_bundle()
        self.state = _genesis_state(
            tuple(powers),
            tuple(sorted({**SMALL, **(parameters or {})}.items())),
            coins,
            genesis_bundle,
            tuple(delegations),
        )
        self.overlay = self.state.overlay()
        self.runtime: LoadedRuntime = loaded(genesis_bundle)
        self.rules = (*RUNTIME_PARAMETERS, *self.governance.parameters)
        self.height = 0
        self.events: list[Event] = []
        self._begin()

    def _begin(self) -> None:
        self.height += 1
        self._block = self.overlay.savepoint()
        self.reconcile = False
        self.efforts: dict[bytes, int] = {}
        self.context = self.context_for(b"")

    def context_for(self, sender: bytes) -> HostContext:
        """What a host call of ``sender`` in the present block gets."""
        parameters = Parameters(self.overlay, self.height)
        table = self.runtime.tables["bank.accounts"]
        return HostContext(
            overlay=self.overlay,
            height=self.height,
            chain_id=CHAIN_NAME,
            chain_name=CHAIN_NAME,
            sender=sender,
            runtime=self.runtime,
            parameters=parameters,
            purse=Purse(self.overlay, table, "balance"),
            coordinator=Coordinator(self.overlay, self.height, parameters, self.events),
            rules=self.rules,
            events=self.events,
            reconcile=self.reconcile,
            efforts=self.efforts,
        )

    def call(self, sender: bytes, name: str, args: Record) -> str:
        """Send a host call in the present block; "ok" or the refusal's code. A refused call leaves nothing."""
        call = next(call for call in self.governance.calls if call.name == name)
        savepoint = self.overlay.savepoint()
        try:
            call.run(self.context_for(sender), args)
        except (HostRefused, UpgradeRefused) as refused:
            self.overlay.rollback_to(savepoint)
            return refused.code
        self.overlay.release(savepoint)
        return "ok"

    def end_block(self) -> None:
        """End the present block and begin the next."""
        context = self.context_for(b"")
        self.governance.end_block(context, self.overlay.changes_since(self._block))
        context.coordinator.lift_ended_stops()
        self._begin()

    def run_to(self, height: int) -> None:
        """End blocks until ``height`` is the present one."""
        while self.height < height:
            self.end_block()

    def propose(self, sender: bytes, content: Record, **details: Any) -> str:
        """Propose with the whole deposit of the track, unless ``details`` say otherwise."""
        given = {"title": "A proposal", "deposit": 1_000, "window": NO_WINDOW, **details}
        return self.call(sender, "propose", Propose(content=Content.of(content), **given))

    def proposed(self, sender: bytes, content: Record, **details: Any) -> int:
        """Propose, expect no refusal, and return the id."""
        assert self.propose(sender, content, **details) == "ok"
        return (self.overlay.get(COUNTERS, ()) or Counters()).last

    def track(self, name: str, **rules: str) -> None:
        """Change rules of a track at once, as an approved change of tracks would."""
        row = self.overlay.get(TRACKS, (name,)) or TrackRow()
        self.overlay.put(TRACKS, (name,), row.but(**rules))

    def publish(self, sender: bytes, bundle: Bundle) -> None:
        """Publish a bundle's chunks."""
        pieces = chunks(bundle, CHUNK_BYTES)
        for index, piece in enumerate(pieces):
            args = PublishChunk(code_hash=bundle.code_hash, index=index, total=len(pieces), data=piece)
            assert self.call(sender, "publish_chunk", args) == "ok"

    def upgrade(self, bundle: Bundle, **changes: Any) -> RuntimeUpgrade:
        """The upgrade that a bundle honestly describes, but for ``changes``."""
        declaration = check_bundle(bundle, chain=CHAIN_NAME, host_release=RELEASE)
        content = RuntimeUpgrade(
            version=str(declaration.manifest.version),
            code_hash=bundle.code_hash,
            effect=effect_digest(self.runtime.declaration, declaration),
            activation_delay=self.context_for(b"").parameters.integer("timelock_delay"),
        )
        return content.but(**changes)

    def flip(self, plan_id: int, runtime: LoadedRuntime, window: int = 100) -> None:
        """Let another runtime run from this height on, in the rows that the coordinator would write."""
        coordinator = self.context_for(b"").coordinator
        plan, previous = coordinator.plan(plan_id), coordinator.running()
        coordinator.end(plan_id, EXECUTED)
        version = str(runtime.declaration.manifest.version)
        running = Running(code_hash=runtime.code_hash, version=version, since=self.height, plan=plan_id)
        self.overlay.put(RUNNING, (), running)
        self.overlay.put(
            WINDOW,
            (),
            Window(
                plan=plan_id,
                proposal=plan.proposal,
                activation=self.height,
                probation_until=self.height,
                closes=self.height + window,
                previous=previous,
                runtime_root=bytes(32),
                app_root=bytes(32),
            ),
        )
        register_runtime(self.overlay, runtime.declaration, plan.proposal)
        self.runtime, self.reconcile = runtime, True

    def emergency(self, sender: bytes, content: Record, **details: Any) -> int:
        """Propose on the emergency track, which takes no deposit."""
        return self.proposed(sender, content, deposit=0, **details)

    def vote(self, voter: bytes, proposal: int, option: str, **changes: Any) -> str:
        """Vote naming what the proposal says, unless ``changes`` say otherwise."""
        what, _ = proposal_at(self.overlay, proposal)
        args = CastVote(proposal=proposal, option=option, bundle=what.bundle, effect=what.effect)
        return self.call(voter, "vote", args.but(**changes))

    def deposit(self, sender: bytes, proposal: int, amount: int) -> str:
        return self.call(sender, "deposit", AddDeposit(proposal=proposal, amount=amount))

    def cancel(self, sender: bytes, proposal: int) -> str:
        return self.call(sender, "cancel", Cancel(proposal=proposal))

    def standing(self, proposal: int) -> Standing:
        return proposal_at(self.overlay, proposal)[1]

    def what(self, proposal: int) -> Proposal:
        return proposal_at(self.overlay, proposal)[0]

    def status(self, proposal: int) -> Status:
        return Status(self.standing(proposal).status)

    def open(self, proposal: int) -> None:
        """Go to the first block in which votes on ``proposal`` count."""
        for _ in range(MOST_DELAY):
            if self.status(proposal) is Status.DELAY:
                self.end_block()
        assert self.status(proposal) is Status.VOTING

    def close(self, proposal: int) -> None:
        """Go to the block after the close."""
        self.run_to(self.standing(proposal).closes + 1)

    def passed(self, proposal: int) -> None:
        """Let every voter say yes and go to the block after the close."""
        self.open(proposal)
        for voter in self.voters:
            assert self.vote(voter, proposal, "yes") == "ok"
        self.close(proposal)
        assert self.status(proposal) is Status.TIMELOCK

    def executed(self, proposal: int) -> None:
        """Pass a proposal and go to the block after it took effect."""
        self.passed(proposal)
        self.run_to(self.standing(proposal).effective + 1)

    def ledger(self) -> Ledger:
        return self.overlay.get(LEDGER, ()) or Ledger()

    def votes(self, proposal: int) -> dict[bytes, str]:
        return {key[1]: row.option for key, row in self.overlay.scan(VOTES, (proposal,))}

    def balance(self, owner: bytes) -> int:
        return self.context_for(b"").purse.balance(owner)

    def bond(self, voter: bytes, tokens: int, bonded: bool = True) -> None:
        """Write a validator as the staking module would; 0 tokens unbond it."""
        table = self.runtime.tables["staking.validators"]
        self.overlay.put(table, (voter,), table.record(**_validator(tokens, bonded and tokens > 0)))

    def delegate(self, owner: bytes, validator: bytes, tokens: int) -> None:
        """Write a delegation as the staking module would, of shares worth a unit each; 0 tokens end it. The
        validator's own row is the test's to write."""
        table = self.runtime.tables["staking.delegations"]
        if tokens:
            self.overlay.put(table, (owner, validator), table.record(shares=tokens * 10**18))
        else:
            self.overlay.delete(table, (owner, validator))

    def rows(self) -> dict[str, dict[bytes, bytes | None]]:
        """Every row written since genesis, to compare before and after."""
        changes = self.overlay.changes()
        return {name: {key: change.new for key, change in rows.items()} for name, rows in changes.items()}


def _validator(tokens: int, bonded: bool = True) -> dict[str, Any]:
    return {"tokens": tokens, "shares": tokens * 10**18, "bonded": bonded, "key": b""}


A_STATEMENT = Statement()
NEW_QUERY = "@query\ndef coins_of(ctx: Context, owner: Address) -> Amount:\n    return 0\n\n\n@query\ndef balance"


@cache
def minor_bundle(version: str = "1.1.0") -> Bundle:
    """A safe upgrade: one more query."""
    return changed_bundle({"bank.py": (("@query\ndef balance", NEW_QUERY),)}, version)


@cache
def breaking_bundle() -> Bundle:
    """A breaking upgrade: a call is gone."""
    source = dict(core_bundle().files)["faucet.py"].decode()
    start = source.index("@call(meaning=1)\ndef refill")
    gone = source[start : source.index("@query\ndef left")]
    notes = ("The genesis runtime:", "Refilling the faucet ends (faucet.refill). The genesis runtime:")
    return changed_bundle({"faucet.py": ((gone, ""),), "bundle.toml": (notes,)}, "2.0.0")


@cache
def one_way_bundle() -> Bundle:
    """A safe upgrade that rewrites every account and does not say how to go back."""
    migration = (
        "@migration(accounts, from_schema=1, sets=())\ndef anew(old: Old, frozen: Frozen) -> Account:\n"
        '    """As it was."""\n    return Account(balance=old.balance)\n\n\n@query\ndef balance'
    )
    names = ("    Context,\n", "    Context,\n    Frozen,\n    Old,\n    migration,\n")
    edits = {"bank.py": (names, ("@query\ndef balance", migration))}
    return changed_bundle({**edits, "bundle.toml": (("schema = 1", "schema = 2"),)}, "1.1.0")


@cache
def flagged_bundle() -> Bundle:
    """The genesis bundle with one call behind a feature flag."""
    gated = '@call(meaning=1, flag="lottery")\ndef drip'
    return changed_bundle({"faucet.py": (("@call(meaning=1)\ndef drip", gated),)}, "1.0.0")


def without_faucet() -> Bundle:
    """A runtime that has one module less."""
    files = dict(core_bundle().files)
    manifest = files.pop("bundle.toml").decode().replace("1.0.0", "2.0.0", 1)
    start = manifest.index('[[module]]\nname = "faucet"')
    shorter = manifest[:start] + manifest[manifest.index("[ports.purse]") :]
    del files["faucet.py"]
    return of_files({**files, "bundle.toml": shorter.encode()})
