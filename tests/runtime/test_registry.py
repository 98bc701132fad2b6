"""The module registry: no module runs without an entry, and entries are those of the runtime that runs.  # R2.2"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime.address import module_address
from runtime.context import invoke_query
from runtime.metering.faults import MODULE_NOT_REGISTERED, Refused
from runtime.metering.meter import Meter
from runtime.parameters import RUNTIME_PARAMETERS
from runtime.plans import EXECUTED, FAILED
from runtime.receipts import NOT_REPLAYABLE, OK
from runtime.registry import REGISTRY, ModuleEntry
from tests.runtime.story_bundles import first, second, with_echo
from tests.runtime.story_chain import RICH, Act, Story

Make = Callable[..., Story]


def entries(story: Story) -> dict[str, ModuleEntry]:
    return {name: entry for (name,), entry in story.overlay().scan(REGISTRY)}


def without(module: str) -> Act:
    """At the end of a block the registry loses an entry."""
    return lambda context: context.overlay.delete(REGISTRY, (module,))


@pytest.fixture
def pair(make_story: Make) -> Story:
    """A chain of two modules, of which `echo` calls `coins`."""
    return make_story(with_echo(first()))


def test_genesis_enters_every_module_of_the_bundle_and_the_parameters_of_the_host(pair: Story) -> None:
    found = entries(pair)
    assert set(found) == {"coins", "echo", "host"}
    assert found["coins"] == ModuleEntry(version="1.0.0", schema=1)
    assert set(found["host"].parameters) == {rule.name for rule in RUNTIME_PARAMETERS}


def test_a_call_of_a_module_without_an_entry_is_refused_and_pays_nothing(pair: Story) -> None:
    assert pair.codes(pair.ann.call("echo.shout"), act=without("echo")) == [OK]
    refused = pair.ann.call("echo.shout", 5)
    assert pair.codes(refused, pair.ben.call("coins.send", to=pair.cai.address, coins=1)) == [MODULE_NOT_REGISTERED, OK]
    assert (pair.ann.coins, pair.ann.nonce) == (RICH - 1, 2)
    assert pair.row("echo.heard", pair.ann.address).times == 1


def test_a_call_into_a_module_without_an_entry_is_refused_and_may_be_lived_with(pair: Story) -> None:
    pair.block(act=without("coins"))
    ann, ben, cai = pair.ann, pair.ben, pair.cai
    receipts = pair.block(
        ann.call("echo.pass_on", to=cai.address, coins=1), ben.call("echo.pass_on_or_shout", to=cai.address, coins=1)
    ).receipts
    assert [receipt.code for receipt in receipts[:2]] == [MODULE_NOT_REGISTERED, OK]
    assert receipts[0].file == "echo.py"
    assert pair.row("echo.heard", ben.address).times == 1
    assert cai.coins == RICH


def test_hooks_of_a_module_without_an_entry_do_not_run_and_say_so(pair: Story) -> None:
    pair.block(act=without("coins"))
    seen = pair.row("coins.marks", "begin").times
    assert pair.codes() == [MODULE_NOT_REGISTERED, MODULE_NOT_REGISTERED]
    assert pair.row("coins.marks", "begin").times == seen


def test_a_query_of_a_module_without_an_entry_is_refused(pair: Story) -> None:
    def asked() -> int:
        scope = pair.chain.execution(pair.overlay(), pair.chain.loaded, pair.height + 1, False)
        return int(invoke_query(scope, "echo", "times", (pair.ann.address,), Meter(10_000, 0)))

    pair.block(pair.ann.call("echo.shout"), act=without("echo"))
    with pytest.raises(Refused, match=MODULE_NOT_REGISTERED):
        asked()
    pair.block(act=lambda context: context.overlay.put(REGISTRY, ("echo",), ModuleEntry(version="1.0.0")))
    assert asked() == 1
    assert pair.codes(pair.ann.call("echo.shout")) == [OK]


def test_an_entry_that_goes_in_a_block_counts_to_the_end_of_that_block(pair: Story) -> None:
    """So every transaction of a block is judged alike, and a block made twice comes out alike."""
    block = pair.next_block(pair.ann.call("echo.shout"))
    pair.till.acts[pair.height + 1] = [without("echo")]
    once, again = pair.chain.finalize(block), pair.chain.finalize(block)
    assert [receipt.code for receipt in once.receipts] == [OK]
    assert once.sealed.state.app_root == again.sealed.state.app_root


def test_an_upgrade_enters_its_modules_before_the_first_hook_or_call_of_them_runs(story: Story) -> None:
    bundle = with_echo(second())
    plan = story.schedule(bundle, story.height + 2)
    before = entries(story)
    assert "echo" not in before
    story.block()
    assert story.history(plan).kind == EXECUTED
    assert story.row("echo.heard", module_address("echo")).times == 1, "post_upgrade ran"
    assert {name: entry.version for name, entry in entries(story).items()} == {
        "coins": "2.0.0",
        "echo": "2.0.0",
        "host": "1",
    }
    assert entries(story)["coins"].schema == 2
    assert story.codes(story.ann.call("echo.shout")) == [OK]


def test_a_call_in_the_activation_block_itself_finds_its_module_entered(make_story: Make) -> None:
    aside = make_story(with_echo(second()))
    shout = aside.ann.call("echo.shout")
    story = make_story()
    story.upgrade(with_echo(second()), shout)
    assert [receipt.code for receipt in story.first_receipts(story.height)] == [OK]


def test_a_failed_activation_leaves_the_registry_as_it_was(story: Story) -> None:
    before = entries(story)
    entry = story.upgrade(with_echo(second(body="return Purse(coins=old.coins + 1, seen=1)")))
    assert entry.kind == FAILED
    assert entries(story) == before


def test_a_rollback_enters_the_old_runtime_s_modules_again_before_the_replay(story: Story) -> None:
    before = entries(story)
    story.upgrade(with_echo(second()))
    story.block(story.ann.call("echo.shout"), story.ben.call("coins.send", to=story.cai.address, coins=1))
    height = story.height
    story.roll_back()
    assert story.second_codes(height) == [NOT_REPLAYABLE, OK]
    assert entries(story) == before
    assert story.codes(story.ben.call("coins.send", to=story.cai.address, coins=1)) == [OK]


def test_a_rollback_enters_what_the_registry_lost_after_the_upgrade(pair: Story) -> None:
    pair.upgrade(with_echo(second()))
    pair.block(act=without("coins"))
    assert pair.codes(pair.ann.call("coins.send", to=pair.cai.address, coins=1))[0] == MODULE_NOT_REGISTERED
    pair.roll_back()
    assert pair.codes(pair.ann.call("coins.send", to=pair.cai.address, coins=1)) == [OK]
