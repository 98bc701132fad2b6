"""Any slices, crashes, writes and ways of joining: what stands at A is what the rows of A - 1 come to.

`Market` compares the nodes after every durable block, and with the reference at every activation height; the machine
decides what happens. More examples: `GROWTH_EXAMPLES=2000 python -m pytest tests/runtime/growth -k laws`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from runtime.errors import UpgradeRefused
from runtime.host import HostContext
from runtime.plans import QUEUE
from tests.runtime.growth.bundles import AFTER
from tests.runtime.growth.market import OWNERS, SLOTS, Market, cancel
from tests.runtime.story_chain import Person

EXAMPLES = int(os.environ.get("GROWTH_EXAMPLES", "40"))

owners = st.integers(0, len(OWNERS) - 1)
lenders = st.sampled_from(range(0, len(OWNERS), 4))
slots = st.integers(0, SLOTS - 1)
sizes = st.sampled_from([0, 1, 2, 3, 5, 7, 9])
wishes = st.one_of(
    st.tuples(st.just("coins.send"), st.fixed_dictionaries({"to": owners, "coins": st.integers(0, 50)})),
    st.tuples(st.just("coins.feel"), st.fixed_dictionaries({"owner": owners, "mood": slots})),
    st.tuples(st.just("coins.forsake"), st.fixed_dictionaries({"owner": owners})),
    st.tuples(st.just("coins.write"), st.fixed_dictionaries({"slot": slots, "size": sizes})),
    st.tuples(st.just("coins.erase"), st.fixed_dictionaries({"slot": slots})),
    st.tuples(
        st.just("coins.pledge"),
        st.fixed_dictionaries({"owner": owners, "slot": slots, "size": st.integers(0, 1)}),
    ),
    st.tuples(
        st.just("loans.lend"),
        st.fixed_dictionaries({"owner": owners, "lender": lenders, "amount": st.integers(0, 3)}),
    ),
    st.tuples(st.just("loans.limit"), st.fixed_dictionaries({"owner": owners, "most": st.sampled_from([0, 4, 13])})),
    st.tuples(st.just("loans.join"), st.fixed_dictionaries({"lender": lenders, "rate": st.sampled_from([0, 1, 2, 6])})),
    st.tuples(st.just("loans.leave"), st.fixed_dictionaries({"lender": lenders})),
)
Wish = tuple[str, dict[str, int]]
"""A call and its arguments, accounts by their number."""
traffic = st.lists(wishes, max_size=6)
HARMLESS = ("coins.send", "coins.feel")
"""Calls that break no rule, so that a block at A fails for what it stands on alone."""
slices = st.sampled_from([1, 2, 3, 7, 20, 1000])
days = st.lists(
    st.one_of(
        st.tuples(st.just("block"), traffic, st.booleans()),
        st.tuples(st.just("drop"), traffic),
        st.tuples(st.just("grow"), slices),
        st.tuples(st.just("grow_elsewhere"), slices),
        st.tuples(st.sampled_from(["open_anew", "open_elsewhere_anew"])),
        st.tuples(st.just("collect"), st.sampled_from([1, 10, 1000])),
    ),
    min_size=3,
    max_size=9,
)
"""Days in the life of the nodes: the name of what happens, and its arguments."""


class GrowthLaws(RuleBasedStateMachine):
    """One market, treated in any order."""

    @initialize(size=st.sampled_from([0, 1, 5, 17, 30]))
    def begin(self, size: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.market = Market(self.folder, size)
        self.story = self.market.story

    def teardown(self) -> None:
        try:
            self.market.require_nothing_left()
        finally:
            self.market.close()
            shutil.rmtree(self.folder)

    @rule(steps=days)
    def live(self, steps: list[tuple[object, ...]]) -> None:
        for name, *arguments in steps:
            getattr(self, f"_{name}")(*arguments)

    def _block(self, wanted: list[Wish], durable: bool) -> None:
        self.market.block(*self.signed(wanted), durable=durable)

    def _drop(self, wanted: list[Wish]) -> None:
        """Prepare a block that is never committed."""
        self.market.drop(*self.signed(wanted))

    def _grow(self, records: int) -> None:
        self.market.grow(records)

    def _grow_elsewhere(self, records: int) -> None:
        if self.market.joined is not None:
            self.market.joined.chain.grow(records)

    def _open_anew(self) -> None:
        self.market.open_anew()

    def _open_elsewhere_anew(self) -> None:
        if self.market.joined is not None:
            self.market.joined.open_anew()

    def _collect(self, limit: int) -> None:
        self.story.state.collect(limit)

    @precondition(lambda self: self.waiting() < 2 and AFTER[self.market.kind])
    @rule(which=st.integers(0, 5), wait=st.integers(1, 9), surplus=st.sampled_from([0, 0, 1]), durable=st.booleans())
    def schedule(self, which: int, wait: int, surplus: int, durable: bool) -> None:
        """Schedule an upgrade that fits; a second one waits for its turn."""
        self.book(which, wait, surplus, durable)

    @precondition(lambda self: self.pending() and AFTER[self.market.kind])
    @rule(which=st.integers(0, 5), wait=st.integers(1, 9), limit=st.sampled_from([0, 10, 1000]), durable=st.booleans())
    def schedule_another(self, which: int, wait: int, limit: int, durable: bool) -> None:
        """Cancel the pending plan and schedule an upgrade in the same block."""
        self.book(which, wait, 0, durable, instead=True)
        self.story.state.collect(limit)

    @precondition(lambda self: self.pending())
    @rule(limit=st.sampled_from([0, 10, 1000]), durable=st.booleans())
    def cancel(self, limit: int, durable: bool) -> None:
        self.market.block(act=cancel, durable=durable)
        self.story.state.collect(limit)

    @precondition(lambda self: self.pending())
    @rule(mended=st.booleans(), wanted=traffic, records=slices, again=slices)
    def activate(self, mended: bool, wanted: list[Wish], records: int, again: int) -> None:
        """Go to the pending plan's height, with or without mending what would stop it, and grow a little on the way."""
        _, plan = self.market.pending()
        if plan.activation > self.story.height + 20:
            return
        self.market.grow(records)
        if mended and plan.activation > self.story.height + 1:
            self.market.block(*self.mending())
        while self.story.height < plan.activation - 1:
            self.market.block(durable=False)
        self.market.grow(again)
        self.market.block(*self.signed(wanted))

    @precondition(lambda self: self.story.coordinator().window() is not None)
    @rule(wanted=traffic, records=slices)
    def roll_back(self, wanted: list[Wish], records: int) -> None:
        def act(context: HostContext) -> None:
            with suppress(UpgradeRefused):
                context.coordinator.roll_back(0, "a whim")

        self.market.block(*self.signed(wanted), act=act)
        self.market.grow(records)
        self.market.block()

    @precondition(lambda self: self.story.coordinator().window() is not None)
    @rule(records=slices)
    def leave_the_window(self, records: int) -> None:
        window = self.story.coordinator().window()
        assert window is not None
        while self.story.height < window.closes:
            self.market.block(durable=False)
        self.market.grow(records)
        self.market.block()

    @precondition(lambda self: self.pending() or self.story.coordinator().window() is not None)
    @rule()
    def join(self) -> None:
        self.market.join()

    def pending(self) -> bool:
        """Whether a plan is pending."""
        return self.story.coordinator().pending() is not None

    def waiting(self) -> int:
        """How many plans are pending or wait for their turn."""
        queue = self.story.overlay().get(QUEUE, ())
        return 0 if queue is None else len(queue.plans)

    def book(self, which: int, wait: int, surplus: int, durable: bool, instead: bool = False) -> None:
        """Schedule one of the upgrades that fit the runtime of the next block, if any does."""
        window = self.story.coordinator().window()
        if self.market.due() is not None or (window is not None and window.rollback_at):
            self.market.block()
        kinds = AFTER[self.market.kind]
        if kinds:
            supply = len(self.market.rows("coins.purses")) + surplus
            self.market.schedule(kinds[which % len(kinds)], wait, supply, instead, durable)

    def signed(self, wanted: list[Wish]) -> list[bytes]:
        """The transactions that wishes mean; in the block of an activation only harmless ones."""
        due = self.market.due() is not None
        people = list(self.story.people.values())
        return [
            people[place % len(people)].call(name, **_named(args))
            for place, (name, args) in enumerate(wanted)
            if not due or name in HARMLESS
        ]

    def mending(self) -> list[bytes]:
        """Transactions after which no record fails, something changes, and no rule of the next runtime is broken."""
        ann: Person = self.story.ann
        tables = self.market.tables
        _, plan = self.market.pending()
        moves = self.market.kinds[plan.code_hash] == "moved"
        notes = tables["coins.notes" if "coins.notes" in tables else "coins.remarks"]
        sound = {key[0] for key, note in notes.items() if moves and note["size"] in (1, 9)}
        limits = tables["loans.limits" if "loans.limits" in tables else "loans.caps"]
        limited = sorted({key[0] for rows in (limits, tables["loans.loans"]) for key in rows})
        return [
            *(ann.call("coins.write", 0, slot=slot, size=int(slot < 3)) for slot in range(SLOTS) if slot not in sound),
            *(ann.call("loans.join", 0, lender=lender, rate=1) for lender in OWNERS[::4]),
            *(ann.call("loans.limit", 0, owner=owner, most=50) for owner in limited),
        ]


def _named(args: dict[str, int]) -> dict[str, int | bytes]:
    return {name: OWNERS[value] if name in ("owner", "lender", "to") else value for name, value in args.items()}


TestGrowthLaws = GrowthLaws.TestCase
TestGrowthLaws.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
