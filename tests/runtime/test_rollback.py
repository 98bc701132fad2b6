"""The way back and the way forward again: what a rollback undoes, replays, and keeps."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime.address import module_address
from runtime.bundle.archive import Bundle, of_files
from runtime.errors import RollbackBroken, UpgradeRefused
from runtime.host import HostContext
from runtime.host_calls import RotateKey, rotation_message
from runtime.keys import PrivateKey
from runtime.plans import EXECUTED, ROLLED_BACK, WINDOW
from runtime.purse import Supply
from runtime.receipts import FAILED_BEFORE, HOST_STANDS, INVARIANT_BROKEN, NOT_REPLAYABLE, OK
from storage.tables import Half
from tests.runtime.story_bundles import PRE_UPGRADE, first, second
from tests.runtime.story_chain import RICH, Coins, Story

TREASURY = module_address("treasury")


def test_every_table_returns_whatever_the_upgrade_did_to_it(story: Story) -> None:
    story.block(story.ann.call("coins.note", size=3), story.ben.call("coins.bury", worth=5))
    names = story.state.catalogue.names(Half.RUNTIME)
    executed = story.upgrade(second())
    root = executed.root_before
    assert executed.kind == EXECUTED
    assert story.row("coins.remarks", story.ann.address).size == 3
    story.block(story.ann.call("coins.note", size=8), story.cai.call("coins.tell", worth=1))
    ended = story.roll_back()
    assert (ended.kind, ended.root_after) == (ROLLED_BACK, root)
    assert ended.root_before != root
    assert story.state.catalogue.names(Half.RUNTIME) == names
    assert story.row("coins.relics", story.ben.address).worth == 5
    assert story.row("coins.notes", story.ann.address).size == 8, "the note was written again by the replay"


def test_a_replayed_transaction_pays_the_same_fee_once(story: Story) -> None:
    story.upgrade(second())
    story.block(story.ann.call("coins.send", 7, to=story.ben.address, coins=10))
    height = story.height
    story.roll_back()
    assert story.second_codes(height) == [OK]
    assert story.second_receipts(height)[0].fee == 7
    assert (story.ann.coins, story.ben.coins, story.coins(TREASURY)) == (RICH - 17, RICH + 10, 7)


def test_transactions_of_the_activation_height_itself_are_replayed(story: Story) -> None:
    entry = story.upgrade(second(), story.ann.call("coins.send", to=story.ben.address, coins=10))
    assert entry.kind == EXECUTED
    height = story.height
    story.roll_back()
    assert story.second_codes(height) == [OK]
    assert story.ben.coins == RICH + 10


def test_hooks_are_replayed_at_their_heights(story: Story) -> None:
    before = story.height
    story.upgrade(second())
    story.block()
    story.roll_back()
    blocks = story.height - before
    for name in ("begin", "end"):
        mark = story.row("coins.marks", name)
        assert (mark.height, mark.times) == (story.height, before + blocks)


def test_each_kind_of_transaction_has_one_second_receipt_at_its_place(story: Story) -> None:
    story.upgrade(second())
    ann, ben, cai = story.ann, story.ben, story.cai
    junk = b"\x01 no transaction"
    first_codes = story.codes(
        ann.call("coins.send", to=ben.address, coins=1),
        junk,
        ann.call("coins.tell", worth=1),
        ben.call("coins.send", to=ann.address, coins=RICH * 9),
        cai.deposit(10),
        cai.deposit(10**9),
    )
    assert first_codes == [OK, "malformed", OK, "insufficient_funds", OK, "insufficient_funds"]
    height = story.height
    story.roll_back()
    assert story.second_codes(height) == [OK, FAILED_BEFORE, NOT_REPLAYABLE, FAILED_BEFORE, HOST_STANDS, FAILED_BEFORE]
    firsts = story.first_receipts(height)
    assert [one.item for one in story.second_receipts(height)] == [one.item for one in firsts]


RICHER = "return Purse(coins=old.coins + 500, seen=1)"
"""A migration that gives everyone 500 coins, which a rollback takes away again."""


def richer() -> Bundle:
    return second(body=RICHER, sets='"coins", "seen"', supply=1500)


def test_a_replayed_transaction_may_fail_in_another_way_and_pays_for_it(story: Story) -> None:
    story.upgrade(richer())
    assert story.codes(story.ann.call("coins.send", 5, to=story.ben.address, coins=RICH + 200)) == [OK]
    height = story.height
    story.roll_back()
    assert [(one.code, one.fee, one.file) for one in story.second_receipts(height)] == [
        ("insufficient_funds", 5, "coins.py")
    ]
    assert (story.ann.coins, story.ben.coins, story.coins(TREASURY)) == (RICH - 5, RICH, 5)


def test_who_cannot_pay_the_fee_any_more_is_not_replayable_and_pays_nothing(story: Story) -> None:
    story.upgrade(richer())
    story.block(
        story.ann.call("coins.send", to=story.ben.address, coins=RICH - 1),
        story.ann.call("coins.send", 50, to=story.ben.address, coins=400),
    )
    height = story.height
    story.roll_back()
    assert story.second_codes(height) == [OK, NOT_REPLAYABLE]
    assert (story.ann.coins, story.coins(TREASURY)) == (0, 1)
    entry = story.history(1)
    assert (entry.replayed, entry.not_replayed) == (1, 1)


def test_a_deposit_in_the_window_settles_back_to_nothing_open(story: Story) -> None:
    story.upgrade(second())
    story.block(story.ann.deposit(100))
    assert story.supply() == Supply(total=3 * RICH, held=100)
    story.roll_back()
    assert story.supply() == Supply(total=3 * RICH, held=100)
    assert story.ann.coins == RICH - 100


def test_a_refund_in_the_window_of_a_deposit_before_it_is_paid_again(story: Story) -> None:
    story.block(story.ann.deposit(100))
    story.upgrade(second())
    story.block(act=lambda context: context.purse.credit(story.ann.address, 100))
    story.roll_back()
    assert story.supply() == Supply(total=3 * RICH)
    assert story.ann.coins == RICH


def test_a_burn_in_the_window_stands(story: Story) -> None:
    story.upgrade(second())
    story.block(story.ann.deposit(100))
    story.block(act=lambda context: context.purse.burn(60))
    story.roll_back()
    assert story.supply() == Supply(total=3 * RICH - 60, held=40)
    assert story.ann.coins == RICH - 100


def test_a_spend_of_the_treasury_in_the_window_is_made_again(story: Story) -> None:
    story.block(story.ann.call("coins.send", to=TREASURY, coins=500))
    story.upgrade(second())

    def spend(context: HostContext) -> None:
        context.purse.debit(TREASURY, 300)
        context.purse.credit(story.cai.address, 300)

    story.block(act=spend)
    story.roll_back()
    assert (story.coins(TREASURY), story.cai.coins) == (201, RICH + 300)
    assert story.supply() == Supply(total=3 * RICH)


def test_a_debit_that_no_longer_fits_is_a_recorded_debt(story: Story) -> None:
    """Ann's deposit was of coins that only the second runtime's migration gave her."""
    story.upgrade(richer())
    assert story.supply().total == 3 * RICH + 1500
    story.block(story.ann.deposit(RICH + 200))
    story.roll_back()
    assert story.debt(story.ann) == RICH + 200
    assert story.supply() == Supply(total=3 * RICH, held=RICH + 200, uncollected=RICH + 200)
    story.block(story.ann.call("coins.send", to=story.ben.address, coins=RICH - 1))
    assert story.ben.coins == 2 * RICH - 1


def test_coins_that_a_migration_burned_come_back(story: Story) -> None:
    story.upgrade(second(body="return Purse(coins=old.coins - 10, seen=1)", sets='"coins", "seen"', supply=-30))
    assert story.supply().total == 3 * RICH - 30
    story.roll_back()
    assert story.supply() == Supply(total=3 * RICH)


def test_a_burn_of_coins_that_only_the_upgrade_made_leaves_a_chain_that_goes_on(story: Story) -> None:
    extra = "return Purse(coins=old.coins + 10000, seen=1)"
    story.upgrade(second(body=extra, sets='"coins", "seen"', supply=30000))
    story.block(story.ann.deposit(RICH + 10000), act=lambda context: context.purse.burn(RICH + 10000))
    story.roll_back()
    story.block(story.ben.call("coins.send", to=story.cai.address, coins=1))
    assert story.cai.coins == RICH + 1


def test_parameters_and_flags_of_a_replayed_height_are_those_of_then(story: Story) -> None:
    story.upgrade(second())

    def change(context: HostContext) -> None:
        context.parameters.set("query_steps", 11_111, context.height + 1)
        context.parameters.set_flag("heavy", True, context.height + 1)

    story.block(story.ann.call("coins.weigh", turns=1), act=change)
    before = story.height
    weighed = story.row("coins.marks", "weight")
    assert weighed.weight == 200_000
    story.block(story.ann.call("coins.weigh", turns=1))
    after = story.row("coins.marks", "weight")
    assert after.weight == 11_112
    story.block(act=lambda context: context.parameters.set_flag("heavy", False, context.height + 1))
    story.roll_back()
    assert story.second_codes(before) == story.second_codes(before + 1) == [OK]
    assert story.row("coins.marks", "weight").weight == 11_112


def test_a_fee_below_a_floor_raised_later_is_still_enough_for_its_height(story: Story) -> None:
    story.upgrade(second())
    story.block(
        story.ann.call("coins.send", 1, to=story.ben.address, coins=1),
        act=lambda context: context.parameters.set("fee_floor", 50, context.height + 1),
    )
    height = story.height
    assert story.codes(story.ben.call("coins.send", 1, to=story.ann.address, coins=1)) == ["fee_too_low"]
    story.roll_back()
    assert story.second_codes(height) == [OK]


def test_heights_in_safe_mode_stay_quiet_in_the_replay(story: Story) -> None:
    story.upgrade(second())
    story.block(act=lambda context: context.coordinator.pause("a test"))
    began = story.row("coins.marks", "begin").times
    assert story.codes(story.ann.call("coins.send", to=story.ben.address, coins=1)) == ["safe_mode"]
    height = story.height
    story.block(act=lambda context: context.coordinator.resume("a test"))
    assert story.row("coins.marks", "begin").times == began
    story.roll_back()
    assert story.second_codes(height) == [FAILED_BEFORE]
    assert story.row("coins.marks", "begin").times == began + 2


def test_a_key_rotated_in_the_window_stays_rotated_and_old_signatures_replay(story: Story) -> None:
    story.upgrade(second())
    story.block(story.ann.call("coins.send", to=story.ben.address, coins=1))
    signed_before = story.height
    fresh = PrivateKey.from_seed(b"fresh".ljust(32, b"."))
    proof = fresh.sign(rotation_message("tiny-1", story.ann.address))
    old = story.ann.key
    assert story.codes(story.ann.host("keys.rotate", RotateKey(key=fresh.public, proof=proof))) == [OK]
    story.ann.key = fresh
    story.block(story.ann.call("coins.send", to=story.ben.address, coins=1))
    signed_after = story.height
    story.roll_back()
    assert story.second_codes(signed_before) == story.second_codes(signed_after) == [OK]
    assert story.codes(story.ann.call("coins.send", to=story.ben.address, coins=1)) == [OK]
    story.ann.key = old
    assert story.codes(story.ann.call("coins.send", to=story.ben.address, coins=1)) == ["bad_signature"]


def test_rows_that_do_not_give_the_root_of_before_stop_the_node_and_nothing_is_committed(story: Story) -> None:
    story.upgrade(second())

    def act(context: HostContext) -> None:
        window = context.coordinator.window()
        assert window is not None
        context.overlay.put(WINDOW, (), window.but(runtime_root=bytes(32)))
        context.coordinator.roll_back(0, "a test")

    story.block(act=act)
    height, root = story.height, story.root
    with pytest.raises(RollbackBroken):
        story.block()
    assert (story.height, story.root, story.chain.loaded.version.major) == (height, root, 2)


def test_two_rollbacks_in_one_chain(story: Story) -> None:
    for bundle in (second(), second(body="return Purse(coins=old.coins, seen=2)")):
        story.upgrade(bundle)
        story.block(story.ann.call("coins.send", to=story.ben.address, coins=10), story.cai.deposit(5))
        height = story.height
        story.roll_back()
        assert story.second_codes(height) == [OK, HOST_STANDS]
    assert (story.ben.coins, story.supply()) == (RICH + 20, Supply(total=3 * RICH, held=10))


def test_what_pre_upgrade_wrote_is_gone_after_a_rollback(make_story: Callable[..., Story]) -> None:
    writes = PRE_UPGRADE.format(
        body="ctx.put(marks, 'last', Mark(height=ctx.height, times=1))\n    ctx.put(relics, b'r' * 20, Relic(worth=9))"
    )
    story = make_story(first(rest=writes))
    plan = story.schedule(second(), story.height + 2)
    root = story.root
    story.block()
    assert story.history(plan).kind == EXECUTED
    assert story.row("coins.marks", "last").times == 1
    assert story.roll_back().root_after == root
    assert story.row("coins.marks", "last") is None
    assert story.row("coins.relics", b"r" * 20) is None


def test_a_replayed_transaction_that_breaks_a_rule_is_undone_alone(make_story: Callable[..., Story]) -> None:
    """The second runtime counts what a scribble writes; the first does not, and breaks its own rule by it."""
    mended = second()
    files = dict(mended.files)
    source = files["coins.py"].decode()
    counted = (
        'tally = ctx.get(tallies, "all") or Tally(size=0)\n'
        '    ctx.put(tallies, "all", Tally(size=tally.size + size))\n    ctx.put(remarks, ctx.sender, Note(size=size))'
    )
    place = "def scribble"
    head, tail = source.split(place)
    tail = tail.replace("ctx.put(remarks, ctx.sender, Note(size=size))", counted, 1)
    files["coins.py"] = (head + place + tail).encode()
    story = make_story()
    story.upgrade(of_files(files))
    ann, ben = story.ann, story.ben
    assert story.codes(ann.call("coins.scribble", size=4), ben.call("coins.note", size=2)) == [OK, OK]
    height = story.height
    story.roll_back()
    assert story.second_codes(height) == [INVARIANT_BROKEN, OK]
    assert story.row("coins.notes", ann.address) is None
    assert story.row("coins.notes", ben.address).size == 2


def test_a_purse_that_only_the_replay_fills_to_the_brim_stops_nothing(story: Story) -> None:
    """The second runtime's mint does nothing; the first one's fills the collector, so that no fee fits into it."""
    files = dict(second().files)
    minting = b"ctx.put(purses, to, purse.but(coins=coins))"
    assert minting in files["coins.py"]
    files["coins.py"] = files["coins.py"].replace(minting, b"ctx.put(purses, to, purse)")
    story.upgrade(of_files(files))
    ann, ben = story.ann, story.ben
    mint = ann.call("coins.mint", to=TREASURY, coins=2**256 - 1)
    assert story.codes(mint, ben.call("coins.send", 4, to=ann.address, coins=2)) == [OK, OK]
    height = story.height
    story.roll_back()
    assert story.second_codes(height) == [INVARIANT_BROKEN, OK]
    assert (story.coins(TREASURY), ann.coins) == (4, RICH + 2)


def test_a_rollback_happens_at_the_last_height_of_the_window_and_no_later(story: Story) -> None:
    story.upgrade(second())
    window = story.coordinator().window()
    assert window is not None
    story.blocks_to(window.closes - 2)
    story.roll_back()
    assert story.height == window.closes


def test_a_rollback_decided_twice_or_past_the_window_is_refused(story: Story) -> None:
    story.upgrade(second())
    window = story.coordinator().window()
    assert window is not None
    story.blocks_to(window.closes - 1)
    with pytest.raises(UpgradeRefused):
        story.block(act=lambda context: [context.coordinator.roll_back(0, "twice") for _ in range(2)])
    story.till.acts.clear()
    story.block()
    with pytest.raises(UpgradeRefused):
        story.block(act=lambda context: context.coordinator.roll_back(0, "too late"))


def test_a_withdrawal_by_a_host_call_is_paid_again(story: Story) -> None:
    story.block(story.ann.deposit(100))
    story.upgrade(second())
    story.block(story.ben.host("till.withdraw", Coins(amount=100)))
    height = story.height
    story.roll_back()
    assert story.second_codes(height) == [HOST_STANDS]
    assert (story.ben.coins, story.supply()) == (RICH + 100, Supply(total=3 * RICH))
