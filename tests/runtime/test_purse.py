"""The purse and the supply: what the host moves, what it refuses, and that no coin is made or lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime.address import module_address
from runtime.errors import HostRefused
from runtime.host import HostContext
from runtime.purse import Supply
from runtime.receipts import INVARIANT_BROKEN, OK
from tests.runtime.story_chain import RICH, Coins, Story

TREASURY = module_address("treasury")
HUGE = 2**256 - 1


def test_a_deposit_is_held_until_it_is_given_back(story: Story) -> None:
    story.block(story.ann.deposit(400))
    assert (story.ann.coins, story.supply()) == (RICH - 400, Supply(total=3 * RICH, held=400))
    story.block(story.ann.host("till.withdraw", Coins(amount=400)))
    assert (story.ann.coins, story.supply()) == (RICH, Supply(total=3 * RICH))


def test_a_burn_takes_coins_out_of_the_supply(story: Story) -> None:
    story.block(story.ann.deposit(400), act=lambda context: context.purse.burn(150))
    assert story.supply() == Supply(total=3 * RICH - 150, held=250)


def test_the_host_gives_and_burns_no_more_than_it_holds(story: Story) -> None:
    assert story.codes(story.ann.deposit(10), story.ben.host("till.withdraw", Coins(amount=11))) == [OK, "nothing_held"]

    def burn(context: HostContext) -> None:
        with pytest.raises(HostRefused) as refused:
            context.purse.burn(11)
        assert refused.value.code == "nothing_to_burn"

    story.block(act=burn)
    assert story.supply() == Supply(total=3 * RICH, held=10)


def test_a_deposit_beyond_the_purse_changes_nothing(story: Story) -> None:
    assert story.codes(story.ann.deposit(RICH + 1)) == ["insufficient_funds"]
    assert (story.ann.coins, story.supply().held) == (RICH, 0)


def test_the_fees_of_a_block_reach_the_collector_once(story: Story) -> None:
    story.block(
        story.ann.call("coins.send", 5, to=story.ben.address, coins=1),
        story.ben.call("coins.send", 7, to=story.ann.address, coins=RICH * 5),
        story.cai.call("coins.send", 0, to=story.ann.address, coins=1),
    )
    assert story.coins(TREASURY) == 12, "failed handlers paid, refused transactions did not"
    assert (story.ann.coins, story.ben.coins, story.cai.coins) == (RICH - 6, RICH - 6, RICH)


def test_coins_out_of_nothing_are_undone_alone_and_still_use_the_nonce(story: Story) -> None:
    ann, ben, cai = story.ann, story.ben, story.cai
    nonce = ann.nonce
    codes = story.codes(
        ben.call("coins.send", 3, to=cai.address, coins=5),
        ann.call("coins.mint", 9, to=ann.address, coins=10**6),
        cai.deposit(20),
        cai.call("coins.send", 4, to=ben.address, coins=1),
    )
    assert codes == [OK, INVARIANT_BROKEN, OK, OK]
    assert (ann.coins, ann.nonce) == (RICH, nonce + 1)
    assert (story.coins(TREASURY), story.supply()) == (7, Supply(total=3 * RICH, held=20))
    assert not story.coordinator().safe_mode().on


@pytest.mark.parametrize("target", ["treasury", "depositor"])
def test_a_purse_filled_to_the_brim_cannot_stop_the_chain(story: Story, target: str) -> None:
    """The credit of fees, or a refund, would not fit into it; the mint is found and undone instead."""
    story.block(story.cai.deposit(50))
    victim = TREASURY if target == "treasury" else story.cai.address
    codes = story.codes(
        story.ann.call("coins.mint", to=victim, coins=HUGE),
        story.ben.call("coins.send", to=story.ann.address, coins=1),
        act=lambda context: context.purse.credit(story.cai.address, 50),
    )
    assert codes == [INVARIANT_BROKEN, OK]
    assert (story.cai.coins, story.supply().held, story.coins(TREASURY)) == (RICH, 0, 1)


def test_two_purses_filled_to_the_brim_are_no_sum(story: Story) -> None:
    codes = story.codes(
        story.ann.call("coins.mint", to=story.ann.address, coins=HUGE),
        story.ben.call("coins.mint", to=story.ben.address, coins=HUGE),
    )
    assert codes == [INVARIANT_BROKEN, INVARIANT_BROKEN]


def test_the_collector_may_be_the_sender(make_story: Callable[..., Story]) -> None:
    story = make_story()
    story.block(story.ann.call("coins.send", to=TREASURY, coins=100))
    story.block(story.ann.call("coins.send", RICH - 101, to=TREASURY, coins=0))
    assert (story.ann.coins, story.coins(TREASURY)) == (0, RICH)
