"""One block and its three strengths: what a transaction costs, what is undone alone, what closes the runtime."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime.address import module_address
from runtime.bundle.archive import of_files
from runtime.errors import RuntimeRoomError
from runtime.receipts import BLOCK_OUT_OF_STEPS, INVARIANT_BROKEN, OK
from runtime.transaction import decode_transaction
from tests.runtime.story_bundles import first, second
from tests.runtime.story_chain import RICH, Story

TREASURY = module_address("treasury")
TIGHT = {"block_steps": 1_000_000, "call_steps": 400_000}


def test_a_transaction_breaks_a_rule_and_is_undone_alone(story: Story) -> None:
    ann, ben = story.ann, story.ben
    codes = story.codes(
        ann.call("coins.note", size=5), ben.call("coins.scribble", size=9), ben.call("coins.note", size=2)
    )
    assert codes == [OK, INVARIANT_BROKEN, OK]
    assert (story.row("coins.notes", ben.address).size, story.row("coins.tallies", "all").size) == (2, 7)
    assert ben.nonce == 2
    assert story.coins(TREASURY) == 2, "the fee of what was undone was undone too"


def test_rules_that_two_transactions_break_and_mend_hold_at_the_end(story: Story) -> None:
    """Settled once a block: what does not hold in between is nobody's affair."""
    ann, ben = story.ann, story.ben
    codes = story.codes(ann.call("coins.mint", to=ann.address, coins=RICH), ben.call("coins.scribble", size=0))
    assert codes == [INVARIANT_BROKEN, OK], "the fee was minted back"


def test_a_hook_that_breaks_a_rule_is_undone_alone(make_story: Callable[..., Story]) -> None:
    mints = "ctx.put(purses, b'x' * 20, Purse(coins=ctx.height))"
    story = make_story(first(end_hook=mints))
    assert story.codes(story.ann.call("coins.note", size=5)) == [OK, INVARIANT_BROKEN]
    assert story.coins(b"x" * 20) == 0
    assert story.row("coins.marks", "begin").times == story.height
    assert story.row("coins.marks", "end") is None


FRAGILE = '''

class Fixed(Record):
    """What all purses together must stay at most."""

    most: Amount = field(1)


fixed = table(Fixed, key=(Text,), names=("name",))
invariant("purses_bounded", at_most(total(purses, "coins"), total(fixed, "most")))


@call(meaning=1)
def bound(ctx: Context, most: Amount) -> None:
    """Set the bound."""
    ctx.put(fixed, "all", Fixed(most=most))
'''


def fragile(make_story: Callable[..., Story]) -> Story:
    """A chain whose bundle has a rule that a refund can break."""
    bundle = first(rest=FRAGILE)
    files = dict(bundle.files)
    files["coins.py"] = files["coins.py"].replace(b"import call,", b"import at_most, call,")
    return make_story(of_files(files), (("coins.fixed", ("all",), {"most": 3 * RICH}),))


def test_a_block_that_nobody_alone_broke_seals_the_runtime_and_governance_goes_on(
    make_story: Callable[..., Story],
) -> None:
    story = fragile(make_story)
    ann, ben = story.ann, story.ben
    story.block(ann.deposit(100))
    story.block(ann.call("coins.bound", most=3 * RICH - 100))
    sent = ben.call("coins.send", to=ann.address, coins=1)
    assert story.codes(sent, act=lambda context: context.purse.credit(ann.address, 100)) == ["safe_mode"]
    assert story.coordinator().safe_mode().on
    assert story.supply().held == 0, "the refund was paid"
    assert story.row("coins.marks", "begin").times == story.height - 1, "no hook ran"
    story.block(act=lambda context: context.coordinator.resume("a test"))
    assert story.codes(sent) == [OK], "its nonce was free"


def test_a_block_out_of_steps_leaves_nonce_and_fee_with_the_sender(make_story: Callable[..., Story]) -> None:
    story = make_story(**TIGHT)
    heavy = [sender.call("coins.weigh", 2, turns=190_000) for sender in (story.ann, story.ann, story.cai)]
    late = story.ben.call("coins.send", 5, to=story.ann.address, coins=1)
    coins = story.ben.coins
    codes = story.codes(*heavy, late)
    assert codes == [OK, OK, BLOCK_OUT_OF_STEPS, BLOCK_OUT_OF_STEPS]
    assert (story.ben.coins, story.ben.nonce) == (coins, 0)
    assert story.codes(late) == [OK]


def test_a_call_has_all_its_steps_wherever_it_stands_in_a_block(make_story: Callable[..., Story]) -> None:
    story = make_story(**TIGHT)
    alone = story.block(story.ann.call("coins.weigh", turns=190_000)).receipts[0]
    crowded = story.block(
        story.ann.call("coins.weigh", turns=100_000), story.ben.call("coins.weigh", turns=190_000)
    ).receipts[1]
    assert (crowded.code, crowded.steps) == (alone.code, alone.steps) == (OK, alone.steps)


def test_a_transaction_over_the_limit_is_refused_even_when_it_was_decoded_before(story: Story) -> None:
    story.block(act=lambda context: context.parameters.set("transaction_bytes", 100, context.height + 1))
    raw = story.ann.call("coins.send", to=story.ben.address, coins=1)
    assert len(raw) > 100
    block = story.next_block(raw)
    plain = story.chain.finalize(block)
    known = story.chain.finalize(block, {raw: decode_transaction(raw, len(raw))})
    assert [receipt.code for receipt in plain.receipts] == ["too_large"]
    assert known.sealed.state.app_root == plain.sealed.state.app_root
    assert story.codes(raw) == ["too_large"]


def test_transactions_refused_at_the_door_cost_nothing(story: Story) -> None:
    good = story.ann.call("coins.send", 9, to=story.ben.address, coins=1)
    story.ann.nonce += 4
    ahead = story.ann.call("coins.send", 9, to=story.ben.address, coins=1)
    forged = good[:-1] + bytes([good[-1] ^ 1])
    assert story.codes(ahead, forged, good, good) == ["wrong_nonce", "bad_signature", OK, "wrong_nonce"]
    assert story.ann.coins == RICH - 10


def test_a_call_for_another_interface_uses_its_nonce_and_pays_nothing(story: Story) -> None:
    signed = story.ann.call("coins.bury", 5, worth=1)
    story.upgrade(second())
    assert story.codes(signed) == ["unknown_call"]
    assert (story.ann.nonce, story.ann.coins) == (1, RICH)


def test_an_act_of_the_host_that_refuses_leaves_no_block(story: Story) -> None:
    before = story.state.head
    with pytest.raises(RuntimeRoomError):
        story.block(act=lambda context: context.coordinator.cancel(77, "no such plan"))
    assert story.state.head == before
    story.till.acts.clear()
    story.block()
