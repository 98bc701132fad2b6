"""Any order of transfers, mischief, deposits, upgrades and rollbacks: the laws of the chain hold after every block.

`Story.block` compares the supply equation, the incremental counters with a recount, and the receipts; the machine
adds what only holds across blocks: a rollback answers every transaction of its window once and settles every account.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from runtime.errors import UpgradeRefused
from runtime.host import HostContext
from runtime.purse import DEBTS
from runtime.safe_mode import WHOLE_CHAIN
from tests.runtime.story_bundles import second
from tests.runtime.story_chain import Act, Coins, Person, Story

NAMES = ("ann", "ben", "cai")
UPGRADES = (
    second(),
    second(body="return Purse(coins=old.coins + 500, seen=1)", sets='"coins", "seen"', supply=1500),
    second(body="return Purse(coins=old.coins + 1, seen=1)", sets='"coins", "seen"'),
    second(body="return Purse(coins=old.coins // 0, seen=1)"),
)
who = st.sampled_from(NAMES)
coins = st.integers(0, 1600)
wishes = st.lists(
    st.one_of(
        st.tuples(st.just("send"), who, who, coins, st.integers(0, 9)),
        st.tuples(st.just("note"), who, who, st.integers(0, 5), st.just(1)),
        st.tuples(st.just("own"), who, who, st.integers(1, 5), st.just(2)),
        st.tuples(st.sampled_from(("scribble", "mint")), who, who, coins, st.just(1)),
        st.tuples(st.sampled_from(("deposit", "withdraw")), who, who, coins, st.just(0)),
    ),
    max_size=5,
)


class ChainLaws(RuleBasedStateMachine):
    """One chain, treated in any order."""

    @initialize(replay_items=st.sampled_from((1, 3, 2_000)))
    def begin(self, replay_items: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.story = Story(Path(self.folder.name), replay_items=replay_items)

    def teardown(self) -> None:
        if hasattr(self, "story"):
            self.story.state.close()
            self.folder.cleanup()

    @rule(wanted=wishes)
    def traffic(self, wanted: list[tuple[str, str, str, int, int]]) -> None:
        self.live(*(self.signed(*wish) for wish in wanted))

    @rule(amount=coins)
    def burn(self, amount: int) -> None:
        def act(context: HostContext) -> None:
            context.purse.burn(min(amount, context.purse.supply().held))

        self.live(act=act)

    @rule(floor=st.integers(0, 5))
    def change_the_floor(self, floor: int) -> None:
        self.live(act=lambda context: context.parameters.set("fee_floor", floor, context.height + 1))

    @rule(on=st.booleans(), module=st.sampled_from((WHOLE_CHAIN, "coins")), lasts=st.integers(0, 3))
    def stop_or_resume(self, on: bool, module: str, lasts: int) -> None:
        def act(context: HostContext) -> None:
            until = context.height + lasts if lasts else 0
            if not on:
                context.coordinator.resume("", module)
            elif module == WHOLE_CHAIN:
                context.coordinator.pause("", until)
            else:
                context.coordinator.isolate(module, "", until)

        self.live(act=act)

    @precondition(lambda self: self.story.coordinator().window() is None)
    @precondition(lambda self: self.story.coordinator().replaying() is None)
    @rule(which=st.sampled_from(UPGRADES), wanted=wishes)
    def upgrade(self, which: object, wanted: list[tuple[str, str, str, int, int]]) -> None:
        story = self.story
        if story.chain.loaded.version.major > 1 or story.coordinator().pending() is not None:
            return
        story.schedule(which, story.height + 2)  # type: ignore[arg-type]
        self.live(*(self.signed(*wish) for wish in wanted))

    @precondition(lambda self: self.story.coordinator().window() is not None)
    @rule()
    def roll_back(self) -> None:
        def act(context: HostContext) -> None:
            with suppress(UpgradeRefused):
                context.coordinator.roll_back(0, "a whim")

        self.live(act=act)
        self.live()
        assert self.story.chain.loaded.version.major == 1

    @rule()
    def open_anew(self) -> None:
        head = self.story.state.head
        self.story.reopen()
        assert self.story.state.head == head

    def live(self, *raws: bytes, act: Act | None = None) -> None:
        """Make a block, twice at first, and look at what a rollback in it answered."""
        story = self.story
        if act is not None:
            story.till.acts.setdefault(story.height + 1, []).append(act)
        root = story.chain.finalize(story.next_block(*raws)).sealed.state.app_root
        prepared = story.block(*raws)
        assert story.state.head.app_root == root
        for height, answers in prepared.opening.seconds:
            ids = story.state.log().transactions(height)
            assert [one.item for one in answers.items[: len(ids)]] == ids, "hooks that did not run stand behind"
            assert story.second_receipts(height) == list(answers.items)
        supply = story.supply()
        owed = sum(row.owed for _, row in story.overlay().scan(DEBTS))
        if story.coordinator().replaying() is None:
            assert (supply.uncollected, supply.unpaid) == (owed, 0)

    def signed(self, kind: str, sender: str, other: str, amount: int, fee: int) -> bytes:
        """The transaction that a wish means under the running runtime."""
        story = self.story
        person, to = story.people[sender], story.people[other].address
        if kind in ("deposit", "withdraw"):
            return person.host(f"till.{kind}", Coins(amount=amount))
        if kind == "own":
            return self.own(person, amount, fee)
        if kind in ("send", "mint"):
            return person.call(f"coins.{kind}", fee, to=to, coins=amount)
        return person.call(f"coins.{kind}", fee, size=amount)

    def own(self, person: Person, amount: int, fee: int) -> bytes:
        """A call that only the running runtime has."""
        name = "coins.bury" if ("coins", "bury") in self.story.chain.loaded.calls else "coins.tell"
        return person.call(name, fee, worth=amount)


TestChainLaws = ChainLaws.TestCase
TestChainLaws.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
