"""One chain of the market on several nodes that must never differ.

- The *first* node grows in slices, is closed and opened at any moment, and loses the blocks that wait for a sync.
- The *lazy* one never grows before an activation height, so that all of it happens inside that block.
- A *joined* one began from a snapshot of some height, and grows as it likes.

The others hear of a block once it is durable on the first. At every activation height the market asks `reference` what
must come of the rows of A - 1, and holds history, roots and rows against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.accounts import ACCOUNTS
from runtime.block import Block
from runtime.block_run import FEE_COLLECTOR
from runtime.bundle.archive import Bundle
from runtime.bundle.checker import check_bundle, check_upgrade
from runtime.bundles import store_bundle
from runtime.chain import Chain, PreparedBlock
from runtime.host import HostContext
from runtime.invariants.counters import AGGREGATES
from runtime.plans import EXECUTED, FAILED, HISTORY, SUPERSEDED, HistoryEntry, Plan
from runtime.requests import PlanRequest
from storage.home import RELEASE, Home
from storage.rows import GENERATION_PREFIX, SIDE_PREFIX, TABLE_PREFIX, after_prefix
from storage.snapshot import export, import_chunks, read_folder
from storage.state import State
from tests.runtime.growth.bundles import genesis, upgrade
from tests.runtime.growth.reference import MEANINGS, Judgement, Tables, judge, packed, packed_sums, runtime_root
from tests.runtime.story_chain import PROPOSER, Act, Story, Till

OWNERS = tuple(bytes([number]) * 20 for number in range(1, 31))
SLOTS = 6


@dataclass(slots=True)
class Node:
    """A node beside the first; it executes what the first has made durable."""

    state: State
    chain: Chain
    till: Till

    def execute(self, block: Block) -> bytes:
        """Execute and commit a block; the root after it."""
        return self.chain.commit(self.chain.finalize(block)).app_root

    def open_anew(self) -> None:
        """Close and open."""
        home = self.state._home
        self.state.close()
        self.state = State.open(home)
        self.chain = Chain(self.state, (self.till,))


@dataclass(frozen=True, slots=True)
class Due:
    """An upgrade whose height is the next one."""

    number: int
    plan: Plan
    judged: Judgement | None
    """None where another runtime runs than it was approved against."""


class Market:
    """The chain and its nodes."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        rows = _genesis_rows(size)
        self.story = Story(folder / "first", genesis(), rows, fee_floor=0)
        lazy = Story(folder / "lazy", genesis(), rows, fee_floor=0)
        self.lazy = Node(lazy.state, Chain(lazy.state, (self.story.till,)), self.story.till)
        self.joined: Node | None = None
        self.kinds = {self.story.chain.loaded.code_hash: "first"}
        """Every runtime's kind, by code hash."""
        self._bundles: dict[bytes, Bundle] = {}
        self._unseen: list[tuple[Block, bytes]] = []
        """Blocks that only the first node has, with the root after each."""
        self._joins = 0

    @property
    def kind(self) -> str:
        """Which runtime runs."""
        return self.kinds[self.story.chain.loaded.code_hash]

    @property
    def tables(self) -> Tables:
        """All committed rows of the running runtime, those that wait included."""
        return {name: self.rows(name) for name in self.story.chain.loaded.tables}

    def rows(self, name: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        """The committed rows of one table."""
        table = self.story.chain.loaded.tables[name]
        names = [spec.name for spec in table.schema.fields]
        return {
            table.unpack(key): {name: getattr(table.codec.decode(raw), name) for name in names}
            for key, raw in self.story.state.rows(name)
        }

    def block(self, *raws: bytes, act: Act | None = None, durable: bool = True) -> PreparedBlock:
        """Make the next block on the first node, and on the others whatever is durable by then."""
        story = self.story
        if act is not None:
            story.till.acts.setdefault(story.height + 1, []).append(act)
        due = self.due()
        block = story.next_block(*raws)
        prepared = story.chain.finalize(block)
        head = story.chain.commit(prepared, durable=durable)
        self._unseen.append((block, head.app_root))
        self._renew_nonces()
        if due is not None:
            self._require(due, prepared)
        if durable:
            story.require_laws()
        self.share()
        return prepared

    def drop(self, *raws: bytes) -> None:
        """Prepare a block on the first node that is never committed; an activation makes what waits durable first."""
        self.story.chain.finalize(self.story.next_block(*raws))
        self.share()

    def share(self) -> None:
        """Let the other nodes execute what is durable on the first."""
        while self._unseen and self._unseen[0][0].header.height <= self.story.state.durable_height:
            block, root = self._unseen.pop(0)
            for node in self.others():
                assert node.execute(block) == root, f"nodes differ at {block.header.height}"

    def others(self) -> list[Node]:
        """The nodes beside the first."""
        return [self.lazy] if self.joined is None else [self.lazy, self.joined]

    def grow(self, records: int) -> bool:
        """A slice on the first node; once nothing is left, what fails is what the reference says."""
        more = self.story.chain.grow(records)
        self.share()
        progress = self.story.chain.growth_progress()
        if progress is not None and not more:
            _, plan = self.pending()
            assert progress.failing == self.judged(plan).failing
        return more

    def open_anew(self) -> None:
        """Close and open the first node; what waited is lost."""
        story = self.story
        home = story.state._home
        story.state.close()
        story.state = State.open(home)
        story.chain = Chain(story.state, (story.till,))
        self._unseen.clear()
        story.till.acts = {height: acts for height, acts in story.till.acts.items() if height <= story.height}
        self._renew_nonces()

    def join(self) -> None:
        """Begin another node from a snapshot of the first, in the place of the one that joined before."""
        story = self.story
        story.state.flush()
        self.share()
        self._joins += 1
        window = story.coordinator().window()
        logs = range(0) if window is None else range(window.activation, story.height + 1)
        manifest = export(story.state.view(), self.folder / "snapshots", logs)
        home = Home.create(self.folder / f"joined-{self._joins}")
        if self.joined is not None:
            self.joined.state.close()
        state = import_chunks(home, *read_folder(self.folder / "snapshots" / manifest.name))
        self.joined = Node(state, Chain(state, (story.till,)), story.till)

    def schedule(self, kind: str, wait: int, supply: int, instead: bool = False, durable: bool = True) -> None:
        """Schedule an upgrade ``wait`` blocks after the next; ``instead`` cancels the pending plan before."""
        loaded = self.story.chain.loaded
        bundle = upgrade(kind, loaded.declaration, supply if kind == "minting" else 0)
        self.kinds[bundle.code_hash], self._bundles[bundle.code_hash] = kind, bundle
        declaration = check_bundle(bundle, chain="tiny", host_release=RELEASE)
        request = PlanRequest(
            proposal=0,
            code_hash=bundle.code_hash,
            effect=check_upgrade(loaded.declaration, declaration),
            declaration=declaration,
            activation=self.story.height + 1 + wait,
        )
        self.block(act=lambda context: _schedule(context, bundle, request, instead), durable=durable)

    def pending(self) -> tuple[int, Plan]:
        """The plan whose turn it is."""
        pending = self.story.coordinator().pending()
        assert pending is not None
        return pending

    def due(self) -> Due | None:
        """The upgrade whose height is the next one, with what must come of it."""
        pending = self.story.coordinator().pending()
        if pending is None or pending[1].activation != self.story.height + 1:
            return None
        fits = pending[1].base == self.story.chain.loaded.code_hash
        return Due(*pending, self.judged(pending[1]) if fits else None)

    def judged(self, plan: Plan) -> Judgement:
        """What would come of a plan if the next height were its own."""
        supply = self.story.supply()
        owed = supply.total - supply.overburned - supply.held - supply.unpaid + supply.uncollected
        meaning = MEANINGS[self.kinds[plan.code_hash]]
        declared = -plan.supply_change if plan.supply_shrinks else plan.supply_change
        return judge(meaning, self.tables, plan.scheduled_at, owed, declared)

    def require_nothing_left(self) -> None:
        """Once no plan is pending and everything was collected, each node holds what its catalogue names, no more."""
        while self.story.coordinator().pending() is not None:
            self.block(act=cancel)
        self.block()
        for state in (self.story.state, *(node.state for node in self.others())):
            while state.collect(1000):
                continue
            in_force = set(state.view().numbers.values())
            assert _places(state, GENERATION_PREFIX) == in_force
            assert _places(state, TABLE_PREFIX) <= in_force
            assert not _places(state, SIDE_PREFIX)

    def close(self) -> None:
        """Close every node."""
        for state in (self.story.state, *(node.state for node in self.others())):
            state.close()

    def _renew_nonces(self) -> None:
        for person in self.story.people.values():
            account = self.story.overlay().get(ACCOUNTS, (person.address,))
            person.nonce = 0 if account is None else account.nonce

    def _require(self, due: Due, prepared: PreparedBlock) -> None:
        """What the reference says has happened."""
        entry = self.story.overlay().get(HISTORY, (self.story.height, due.number))
        assert entry is not None
        if due.judged is None:
            assert entry.kind == SUPERSEDED
        elif due.judged.failure is not None:
            self._require_failure(due, entry, prepared)
        else:
            assert (entry.kind, entry.reason, prepared.opening.failure) == (EXECUTED, "", "")
            if not prepared.block.transactions:
                self._require_rows(due.judged)
            assert entry.root_after == runtime_root(due.judged, self.story.chain.loaded.tables)

    def _require_failure(self, due: Due, entry: HistoryEntry, prepared: PreparedBlock) -> None:
        assert due.judged is not None and due.judged.failure is not None
        failure = due.judged.failure
        assert (entry.kind, entry.reason, entry.file) == (FAILED, failure.code, failure.file)
        if failure.file:
            source = dict(self._bundles[due.plan.code_hash].files)[failure.file]
            line = source[: source.index(failure.text.encode())].count(b"\n") + 1
            assert abs(entry.line - line) <= 1, source.splitlines()[entry.line - 1]
        else:
            assert prepared.opening.failure == failure.detail

    def _require_rows(self, judged: Judgement) -> None:
        state, tables = self.story.state, self.story.chain.loaded.tables
        assert sorted(judged.tables) == sorted(tables)
        for name, rows in judged.tables.items():
            assert dict(state.rows(name)) == packed(tables[name], rows), name
        assert dict(state.rows(AGGREGATES.name)) == packed_sums(judged.sums)


def cancel(context: HostContext) -> None:
    """Cancel the pending plan, if one is pending."""
    pending = context.coordinator.pending()
    if pending is not None:
        context.coordinator.cancel(pending[0], "a whim")


def _schedule(context: HostContext, bundle: Bundle, request: PlanRequest, instead: bool) -> None:
    if instead:
        cancel(context)
    store_bundle(context.overlay, bundle, PROPOSER, context.height)
    context.coordinator.schedule(request)


def _places(state: State, prefix: bytes) -> set[int]:
    """The numbers that have rows under a prefix."""
    rows = state._rows.engine.iterate(prefix, after_prefix(prefix))
    return {int.from_bytes(key[1:5], "big") for key, _ in rows}


def _genesis_rows(size: int) -> tuple[Any, ...]:
    """Rows of every table, ``size`` of most, all of them sound under the first runtime."""
    owners = OWNERS[:size]
    slots = range(min(size, SLOTS))
    return (
        ("coins.purses", (FEE_COLLECTOR,), {"coins": 0}),
        *(("coins.purses", (owner,), {"coins": 0, "mood": place % SLOTS}) for place, owner in enumerate(owners)),
        *(("coins.notes", (slot,), {"size": 1 + slot % 3}) for slot in slots),
        ("coins.tallies", ("all",), {"size": sum(1 + slot % 3 for slot in slots)}),
        *(("coins.pledges", (owner, place % len(slots)), {"size": 1}) for place, owner in enumerate(owners[::3])),
        *(("loans.loans", (owner, owners[0]), {"amount": 2}) for owner in owners[::2]),
        *(("loans.limits", (owner,), {"most": 4}) for owner in owners),
        *(("loans.lenders", (owner,), {"rate": 1 + place % 3}) for place, owner in enumerate(owners[::4])),
    )
