"""The activation height and the probation after it: what takes effect, what ends it, what goes back by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runtime.bundle.archive import Bundle, of_files
from runtime.plans import EXECUTED, FAILED, HISTORY, PLANS, ROLLED_BACK
from runtime.receipts import INVARIANT_BROKEN, OK
from tests.runtime.story_bundles import PRE_UPGRADE, first, second, with_echo
from tests.runtime.story_chain import RICH, Story

LOOP_WHEN_ARMED = "if ctx.has(marks, 'armed'):\n        while True:\n            pass"
HOOK = '''

@hook("{kind}")
def on_{kind}(ctx: Context) -> {answer}:
    """Does what the test wants."""
    {body}
'''


def with_hook(kind: str, body: str) -> Bundle:
    answer = "bool" if kind == "health" else "None"
    return second(rest=HOOK.format(kind=kind, answer=answer, body=body))


def rolled_back_by_itself(story: Story) -> bool:
    """Whether the next block returns."""
    story.block()
    return any(key[0] == story.height and row.kind == ROLLED_BACK for key, row in story.overlay().scan(HISTORY))


def test_the_new_runtime_executes_the_activation_block_itself(story: Story) -> None:
    story.schedule(second(), story.height + 2)
    story.ann.nonce = 0
    prepared = story.chain.finalize(story.next_block())
    assert str(prepared.loaded.version) == "2.0.0"
    assert prepared.opening.flipped
    assert story.row("coins.marks", "end").height == story.height


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("post_upgrade", "raise Refused('no')", "post_upgrade_no"),
        ("post_upgrade", "while True:\n        pass", "post_upgrade_out_of_steps"),
        ("post_upgrade", "ctx.put(purses, b'x' * 20, Purse(coins=1))", "invariant_broken"),
        ("health", "return False", "health_unhealthy"),
    ],
)
def test_a_hook_of_the_new_runtime_can_end_the_upgrade(story: Story, kind: str, body: str, reason: str) -> None:
    root = story.root
    entry = story.upgrade(with_hook(kind, body))
    assert (entry.kind, entry.reason) == (FAILED, reason)
    assert bool(entry.file) == (reason != "invariant_broken")
    assert story.chain.loaded.version.major == 1
    assert root != story.root, "the block's own hooks ran under the old runtime"


HASTY, HARMFUL = "raise Refused('hasty')", "ctx.call('coins.arm')"


@pytest.mark.parametrize(
    ("well", "arrival", "reason", "file"),
    [
        pytest.param("False", HASTY, "health_unhealthy", "coins.py", id="the first is unwell"),
        pytest.param("True", HASTY, "post_upgrade_hasty", "echo.py", id="the second fails"),
        pytest.param("not ctx.has(marks, 'armed')", HARMFUL, "health_unhealthy", "coins.py", id="the second harms"),
        pytest.param("not ctx.has(marks, 'armed')", "pass", "", "", id="both are sound"),
    ],
)
def test_each_module_is_validated_in_dependency_order_before_the_next_has_its_turn(  # R3.3
    make_story: Callable[..., Story], well: str, arrival: str, reason: str, file: str
) -> None:
    story = make_story(with_echo(first()))
    files = dict(with_echo(with_hook("health", f"return {well}")).files)
    shout = b"    ctx.put(heard, ctx.module_address"
    files["echo.py"] = files["echo.py"].replace(shout, f"    {arrival}\n".encode() + shout, 1)
    files["bundle.toml"] = files["bundle.toml"].replace(b'["coins.send"]', b'["coins.send", "coins.arm"]')
    entry = story.upgrade(of_files(files))
    assert (entry.kind, entry.reason, entry.file) == (FAILED if reason else EXECUTED, reason, file)


def test_old_modules_take_their_leave_in_reverse_order(make_story: Callable[..., Story]) -> None:  # R3.3
    base = dict(with_echo(first(rest=PRE_UPGRADE.format(body="raise Refused('coins_tired')"))).files)
    base["echo.py"] += PRE_UPGRADE.format(body="raise Refused('echo_tired')").encode()
    story = make_story(of_files(base))
    assert story.upgrade(with_echo(second())).kind == EXECUTED
    assert [receipt.code for receipt in story.first_receipts(story.height)] == ["echo_tired", "coins_tired"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"effect": bytes(32)}, "effect_changed"), ({"gated": True}, "not_cleared")],
    ids=["another effect than was voted on", "a gate that was not passed"],
)
def test_what_was_voted_on_and_what_the_gate_said_are_checked_again_at_the_activation(  # N6 A2
    story: Story, changes: dict[str, Any], reason: str
) -> None:
    plan = story.schedule(second(), story.height + 3)
    change = story.coordinator().plan(plan).but(**changes)
    story.block(act=lambda context: context.overlay.put(PLANS, (plan,), change))
    story.block()
    assert (story.history(plan).kind, story.history(plan).reason) == (FAILED, reason)
    assert story.chain.loaded.version.major == 1


def test_what_post_upgrade_writes_stays_and_goes_with_a_rollback(story: Story) -> None:
    entry = story.upgrade(with_hook("post_upgrade", "ctx.put(marks, 'after', Mark(height=ctx.height, times=1))"))
    assert entry.kind == EXECUTED
    assert story.row("coins.marks", "after").height == story.height
    story.roll_back()
    assert story.row("coins.marks", "after") is None


def test_a_broken_rule_in_probation_rolls_back_by_itself(story: Story) -> None:
    story.upgrade(second())
    codes = story.codes(
        story.ann.call("coins.scribble", size=5), story.ben.call("coins.send", to=story.ann.address, coins=1)
    )
    assert codes == [INVARIANT_BROKEN, OK]
    assert rolled_back_by_itself(story)
    assert story.ann.coins == RICH + 1


def test_a_hook_out_of_steps_in_probation_rolls_back_by_itself(story: Story) -> None:
    story.upgrade(second(end_hook=LOOP_WHEN_ARMED))
    assert story.codes(story.ann.call("coins.arm")) == [OK, "out_of_steps"]
    assert rolled_back_by_itself(story)


def test_the_same_faults_after_probation_are_recorded_only(story: Story) -> None:
    story.upgrade(second(end_hook=LOOP_WHEN_ARMED))
    window = story.coordinator().window()
    assert window is not None
    story.blocks_to(window.probation_until)
    assert story.codes(story.ann.call("coins.arm"), story.ben.call("coins.scribble", size=5)) == [
        OK,
        INVARIANT_BROKEN,
        "out_of_steps",
    ]
    assert not rolled_back_by_itself(story)


def test_probation_ends_before_the_window_whatever_the_parameters_say(make_story: Callable[..., Story]) -> None:
    story = make_story(probation=5_000)
    story.upgrade(second(end_hook=LOOP_WHEN_ARMED))
    window = story.coordinator().window()
    assert window is not None
    assert window.probation_until == window.closes - 1
    story.blocks_to(window.closes - 2)
    story.codes(story.ann.call("coins.arm"))
    assert rolled_back_by_itself(story)
    assert story.height == window.closes


BOUND = '''

class Bound(Record):
    """What all purses together must stay below."""

    most: Amount = field(1)


bounds = table(Bound, key=(Text,), names=("name",))
invariant("purses_bounded", at_most(total(purses, "coins"), total(bounds, "most")))


@call(meaning=1)
def bound(ctx: Context, most: Amount) -> None:
    """Set the bound."""
    ctx.put(bounds, "all", Bound(most=most))


@hook("post_upgrade")
def on_arrival(ctx: Context) -> None:
    """Begin with a bound."""
    ctx.put(bounds, "all", Bound(most=3000))
'''


def test_a_rule_that_the_hosts_own_work_breaks_in_probation_rolls_back_and_pauses_nothing(story: Story) -> None:
    bundle = second(rest=BOUND)
    files = dict(bundle.files)
    files["coins.py"] = files["coins.py"].replace(b"import call,", b"import at_most, call,")
    story.block(story.ann.deposit(100))
    assert story.upgrade(of_files(files)).kind == EXECUTED
    story.block(story.ben.call("coins.bound", most=3 * RICH - 100))
    codes = story.codes(
        story.ben.call("coins.send", to=story.ann.address, coins=1),
        act=lambda context: context.purse.credit(story.ann.address, 100),
    )
    assert codes == ["safe_mode"]
    assert rolled_back_by_itself(story)
    assert not story.coordinator().safe_mode().on
    assert (story.ann.coins, story.supply().held) == (RICH, 0)
    assert story.codes(story.ben.call("coins.send", to=story.ann.address, coins=1)) == [OK]


def test_an_upgrade_activates_while_the_chain_is_paused(story: Story) -> None:
    story.block(act=lambda context: context.coordinator.pause("a test"))
    assert story.upgrade(second()).kind == EXECUTED
    assert story.codes(story.ann.call("coins.tell", worth=1)) == ["safe_mode"]
    story.block(act=lambda context: context.coordinator.resume("a test"))
    assert story.codes(story.ann.call("coins.tell", worth=1)) == [OK]


PAIRS = '''

class Pair(Record):
    """Two sizes, the left one never above the right one."""

    {one}: Amount = field(1)
    {two}: Amount = field(2)


pairs = table(Pair, key=(Address,), names=("owner",))
invariant("left_below_right", at_most(total(pairs, "left"), total(pairs, "right")))


@call(meaning=1)
def pair(ctx: Context, left: Amount, right: Amount) -> None:
    """Write a pair."""
    ctx.put(pairs, ctx.sender, Pair(left=left, right=right))
'''


def with_pairs(bundle: Bundle, one: str, two: str) -> Bundle:
    files = dict(bundle.files)
    source = files["coins.py"].replace(b"import call,", b"import at_most, call,")
    files["coins.py"] = source + PAIRS.format(one=one, two=two).encode()
    told = b'notes = "Pairs turn round: coins.pairs.left is coins.pairs.right. '
    files["bundle.toml"] = files["bundle.toml"].replace(b'notes = "', told)
    return of_files(files)


def test_names_that_change_places_are_counted_anew(make_story: Callable[..., Story]) -> None:
    story = make_story(with_pairs(first(), "left", "right"))
    story.block(story.ann.call("coins.pair", left=1, right=5))
    entry = story.upgrade(with_pairs(second(), "right", "left"))
    assert (entry.kind, entry.reason) == (FAILED, "invariant_broken")
    story.block(story.ann.call("coins.pair", left=5, right=5))
    assert story.upgrade(with_pairs(second(), "right", "left")).kind == EXECUTED


BONDS = '''

class Bond(Record):
    """Something between two accounts."""

    worth: Amount = field(1)


bonds = table(Bond, key=(Address, Address), names=("{one}", "{two}"))
invariant("keeper_known", refers(bonds, "keeper", purses))


@call(meaning=1)
def bond(ctx: Context, left: Address, right: Address) -> None:
    """Bind two accounts."""
    ctx.put(bonds, left, right, Bond(worth=1))
'''


def with_bonds(bundle: Bundle, one: str, two: str) -> Bundle:
    files = dict(bundle.files)
    source = files["coins.py"].replace(b"import call,", b"import refers, call,")
    files["coins.py"] = source + BONDS.format(one=one, two=two).encode()
    files["bundle.toml"] = files["bundle.toml"].replace(b'notes = "', b'notes = "Who keeps: coins.keeper_known. ', 1)
    return of_files(files)


def test_key_parts_whose_names_change_places_are_counted_anew(make_story: Callable[..., Story]) -> None:
    story = make_story(with_bonds(first(), "keeper", "other"))
    story.block(story.ann.call("coins.bond", left=story.ann.address, right=story.ben.address))
    assert story.upgrade(with_bonds(second(), "other", "keeper")).kind == EXECUTED


def test_a_key_part_that_takes_the_name_of_one_that_referred_is_held_to_the_rule(
    make_story: Callable[..., Story],
) -> None:
    story = make_story(with_bonds(first(), "keeper", "other"))
    story.block(story.ann.call("coins.bond", left=story.ann.address, right=b"nobody.............."))
    entry = story.upgrade(with_bonds(second(), "other", "keeper"))
    assert (entry.kind, entry.reason) == (FAILED, "invariant_broken")
