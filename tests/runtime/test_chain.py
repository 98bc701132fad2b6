"""Blocks prepared, dropped, made again and committed: the same roots every time, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime.block import make_block
from runtime.chain import Chain
from runtime.errors import BlockRefused
from runtime.journal import LOG
from runtime.plans import EXECUTED, FAILED
from storage.rows import TABLE_PREFIX, after_prefix
from storage.state import State
from tests.runtime.story_bundles import second
from tests.runtime.story_chain import PROPOSER, RICH, Story


def places_on_disk(story: Story) -> set[int]:
    """Places that hold table rows once everything that is condemned was collected."""
    while story.state.collect(1000):
        continue
    engine = story.state._rows.engine
    return {int.from_bytes(key[1:5], "big") for key, _ in engine.iterate(TABLE_PREFIX, after_prefix(TABLE_PREFIX))}


def in_use(story: Story) -> set[int]:
    return set(story.state._generations.numbers().values())


def root_of(story: Story, *raws: bytes) -> bytes:
    return story.chain.finalize(story.next_block(*raws)).sealed.state.app_root


def test_a_block_may_be_made_again_and_dropped(story: Story) -> None:
    raws = (story.ann.call("coins.send", to=story.ben.address, coins=1), story.ben.deposit(7))
    before = story.state.head
    roots = {root_of(story, *raws) for _ in range(3)}
    assert len(roots) == 1
    assert story.state.head == before
    story.block(*raws)
    assert {story.state.head.app_root} == roots


def test_another_block_of_the_same_height_leaves_no_trace(story: Story) -> None:
    raw = story.ann.call("coins.send", to=story.ben.address, coins=1)
    alone = root_of(story)
    root_of(story, raw, story.cai.deposit(3))
    root_of(story, story.cai.call("coins.mint", to=story.ann.address, coins=5))
    assert root_of(story) == alone


def test_an_activation_may_be_made_again_and_dropped(story: Story) -> None:
    story.schedule(second(), story.height + 2)
    raw = story.ann.call("coins.send", to=story.ben.address, coins=1)
    roots = {root_of(story, raw) for _ in range(3)}
    assert len(roots) == 1
    story.block(raw)
    assert {story.state.head.app_root} == roots
    assert places_on_disk(story) <= in_use(story)


def test_a_block_in_which_the_upgrade_fails_spoils_no_other_of_its_height(story: Story) -> None:
    """Two blocks for A: a transaction of the second breaks a rule, so that there the upgrade fails."""
    plan = story.schedule(second(), story.height + 2)
    good = story.chain.finalize(story.next_block())
    bad = story.chain.finalize(story.next_block(story.ann.call("coins.mint", to=story.ann.address, coins=9)))
    assert (good.opening.activated, bad.opening.activated) == (plan, 0)
    assert story.chain.finalize(good.block).sealed.state.app_root == good.sealed.state.app_root
    story.chain.commit(good)
    assert story.history(plan).kind == EXECUTED
    assert places_on_disk(story) <= in_use(story)
    story.ann.nonce = 0
    story.block(story.ann.call("coins.send", to=story.ben.address, coins=1))
    assert story.row("coins.purses", story.ben.address).seen == 1


def test_the_block_in_which_the_upgrade_failed_gives_its_generations_up(story: Story) -> None:
    plan = story.schedule(second(), story.height + 2)
    story.chain.finalize(story.next_block())
    story.ann.nonce = 0
    story.block(story.ann.call("coins.mint", to=story.ann.address, coins=9))
    assert (story.history(plan).kind, story.history(plan).reason) == (FAILED, "invariant_broken")
    assert story.first_receipts(story.height)[0].code == "invariant_broken"
    assert places_on_disk(story) <= in_use(story)


def test_a_rollback_may_be_made_again_and_dropped(story: Story) -> None:
    story.upgrade(second())
    story.block(story.ann.call("coins.send", to=story.ben.address, coins=1))
    story.block(act=lambda context: context.coordinator.roll_back(0, "a test"))
    roots = {root_of(story) for _ in range(3)}
    assert len(roots) == 1
    story.block()
    assert {story.state.head.app_root} == roots
    assert places_on_disk(story) <= in_use(story)


def test_a_window_that_closes_lets_the_kept_generations_go(story: Story) -> None:
    story.upgrade(second())
    window = story.coordinator().window()
    assert window is not None
    story.blocks_to(window.closes)
    assert story.state.catalogue.runtime.kept
    story.block()
    assert not story.state.catalogue.runtime.kept
    assert story.coordinator().window() is None
    assert places_on_disk(story) <= in_use(story)


@pytest.mark.parametrize("when", ["in the window", "after the rollback"])
def test_a_chain_opened_anew_goes_on_the_same(story: Story, make_story: Callable[..., Story], when: str) -> None:
    twin = make_story()
    for one in (story, twin):
        one.upgrade(second(), one.ann.call("coins.send", to=one.ben.address, coins=2))
        one.block(one.cai.deposit(3))
        if when == "after the rollback":
            one.roll_back()
    assert story.state.head == twin.state.head
    home = story.state._home
    story.state.close()
    story.state = State.open(home)
    story.chain = Chain(story.state, (story.till,))
    for one in (story, twin):
        if when == "in the window":
            one.roll_back()
        one.block(one.ann.call("coins.send", to=one.ben.address, coins=1))
    assert story.state.head == twin.state.head
    assert story.ben.coins == RICH + 3


def test_blocks_that_do_not_follow_are_refused(story: Story) -> None:
    head, chain = story.state.head, story.chain
    follows = {
        "height": head.height + 1,
        "chain": "tiny-1",
        "last_block": chain.last_block,
        "app_root": head.app_root,
        "proposer": PROPOSER,
    }
    wrong: dict[str, tuple[str, object]] = {
        "wrong_height": ("height", head.height + 2),
        "wrong_chain": ("chain", "tiny-2"),
        "wrong_parent": ("last_block", b"x" * 32),
        "wrong_root": ("app_root", b"x" * 32),
    }
    for code, (name, value) in wrong.items():
        with pytest.raises(BlockRefused) as refused:
            chain.finalize(make_block(**{**follows, name: value}))  # type: ignore[arg-type]
        assert refused.value.code == code
    honest = story.next_block(story.ann.deposit(1))
    with pytest.raises(BlockRefused) as refused:
        chain.finalize(honest.but(transactions=()))
    assert refused.value.code == "wrong_data"


def test_the_journals_digest_begins_anew_at_an_activation(story: Story, make_story: Callable[..., Story]) -> None:
    busy = make_story()
    busy.block(busy.ann.deposit(5))
    story.block()
    digests = []
    for one in (story, busy):
        one.schedule(second(), one.height + 2)
        one.block()
        row = one.overlay().get(LOG, ())
        assert row is not None
        digests.append((row.journal, row.logs))
    assert digests[0][0] == digests[1][0]
    assert digests[0][1] != digests[1][1]
