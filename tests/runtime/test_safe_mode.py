"""Safe mode: what is stopped does not run, says so, and runs again at its height; the host goes on.  # R1.10"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.accounts import ACCOUNTS
from runtime.address import module_address
from runtime.bundle.archive import of_files
from runtime.chain import Chain
from runtime.metering.faults import MODULE_ISOLATED
from runtime.plans import EXECUTED
from runtime.receipts import CALLS_WAIT, FAILED_BEFORE, OK, Event
from runtime.safe_mode import ISOLATED, PAUSED, RESUMED, STOPS, SafeMode, Stop, StopEntry
from storage.home import Home
from storage.snapshot import export, import_chunks, read_folder
from tests.runtime.story_bundles import PRE_UPGRADE, first, second, with_echo
from tests.runtime.story_chain import RICH, Act, Story

Make = Callable[..., Story]
ASKING = '''

@call(meaning=1)
def ask(ctx: Context, who: Address) -> None:
    """Note how often the other module counts somebody."""
    ctx.put(heard, ctx.sender, Heard(times=ctx.query("coins.owned", who)))
'''
OWNED = '''

@query
def owned(ctx: Context, who: Address) -> Amount:
    """Coins in a purse."""
    purse = ctx.get(purses, who)
    return 0 if purse is None else purse.coins
'''


def isolating(module: str, until: int = 0) -> Act:
    return lambda context: context.coordinator.isolate(module, "a test", until)


def pausing(until: int = 0) -> Act:
    return lambda context: context.coordinator.pause("a test", until)


def kinds(events: tuple[Event, ...]) -> list[str]:
    return [one.kind for one in events]


@pytest.fixture
def pair(make_story: Make) -> Story:
    """A chain of two modules, of which `echo` calls `coins`, which keeps the purses."""
    return make_story(with_echo(first()))


def test_a_stop_that_lasts_longer_takes_the_place_of_a_shorter_one_and_no_other_does() -> None:
    short, long, endless = (Stop(module="coins", since=3, until=until) for until in (9, 12, 0))
    mode = SafeMode().with_stop(short)
    assert mode.with_stop(long).stops == (long,)
    assert mode.with_stop(long).with_stop(short).stops == (long,)
    assert mode.with_stop(endless).with_stop(long).stops == (endless,)
    assert mode.with_stop(Stop(module="coins", since=5, until=10)).stops == (Stop(module="coins", since=3, until=10),)
    both = mode.with_stop(Stop(since=4, until=4))
    assert [stop.module for stop in both.stops] == ["", "coins"]
    assert (both.on, both.isolated) == (True, {"coins"})
    assert [stop.module for stop in both.ending_by(8)] == [""]


def test_a_call_of_an_isolated_module_is_refused_by_name_pays_nothing_and_the_rest_goes_on(pair: Story) -> None:
    pair.block(pair.ann.call("echo.shout"))
    assert pair.codes(pair.ann.call("echo.shout"), act=isolating("echo")) == [OK], "to the end of the block it runs"
    shout, send = pair.ann.call("echo.shout", 5), pair.ben.call("coins.send", to=pair.cai.address, coins=1)
    assert pair.codes(shout, send) == [MODULE_ISOLATED, OK]
    assert (pair.ann.coins, pair.ann.nonce) == (RICH - 2, 3)
    assert pair.row("echo.heard", pair.ann.address).times == 2, "its rows stay"


def test_calls_into_an_isolated_module_are_refused_and_a_caller_may_live_with_it(pair: Story) -> None:
    pair.block(act=isolating("coins"))
    ann, ben, cai = pair.ann, pair.ben, pair.cai
    receipts = pair.block(
        ann.call("echo.pass_on", to=cai.address, coins=1), ben.call("echo.pass_on_or_shout", to=cai.address, coins=1)
    ).receipts
    assert [receipt.code for receipt in receipts[:2]] == [MODULE_ISOLATED, OK]
    assert (receipts[0].file, receipts[0].fee) == ("echo.py", 1)
    assert pair.row("echo.heard", ben.address).times == 1
    assert cai.coins == RICH


def test_other_modules_get_no_answer_out_of_an_isolated_one_in_a_block(make_story: Make) -> None:
    bundle = with_echo(first(rest=OWNED))
    files = {**dict(bundle.files), "echo.py": dict(bundle.files)["echo.py"] + ASKING.encode()}
    pair = make_story(of_files(files))
    assert pair.codes(pair.ann.call("echo.ask", who=pair.ben.address), act=isolating("coins")) == [OK]
    assert pair.codes(pair.ann.call("echo.ask", who=pair.ben.address))[0] == MODULE_ISOLATED


def test_hooks_of_an_isolated_module_do_not_run_and_say_so(pair: Story) -> None:
    pair.block(act=isolating("coins"))
    seen = pair.row("coins.marks", "begin").times
    assert pair.codes() == [MODULE_ISOLATED, MODULE_ISOLATED]
    assert pair.row("coins.marks", "begin").times == seen


def test_the_host_goes_on_with_the_purses_of_an_isolated_module(pair: Story) -> None:
    pair.block(act=isolating("coins"))
    assert pair.codes(pair.ann.deposit(100), pair.ben.call("echo.shout", 7))[:2] == [OK, OK]
    assert (pair.ann.coins, pair.ben.coins, pair.supply().held) == (RICH - 100, RICH - 7, 100)
    assert pair.coins(module_address("treasury")) == 7
    pair.block(act=lambda context: context.purse.credit(pair.ann.address, 100))
    assert pair.ann.coins == RICH


def test_what_is_stopped_runs_again_after_its_last_height_restarts_or_not(make_story: Make) -> None:
    roots = []
    for restarts in (False, True):
        pair = make_story(with_echo(first()))
        pair.block(act=isolating("echo", until=4))
        pair.block(act=pausing(until=3))
        said = []
        for _ in range(3):
            said.append(pair.block(pair.ann.call("echo.shout")))
            if restarts:
                pair.reopen()
        assert [made.receipts[0].code for made in said] == [CALLS_WAIT, MODULE_ISOLATED, OK]
        assert [kinds(made.events) for made in said] == [["ChainResumed"], ["ModuleResumed"], []]
        assert not pair.coordinator().safe_mode().stops
        roots.append(pair.state.head.app_root)
        lines = [(key, row.kind, row.until) for key, row in pair.overlay().scan(STOPS)]
        assert lines == [
            ((1, "echo"), ISOLATED, 4), ((2, ""), PAUSED, 3), ((3, ""), RESUMED, 0), ((4, "echo"), RESUMED, 0)
        ]  # fmt: skip
    assert roots[0] == roots[1]


def test_a_stop_decided_in_the_last_block_of_a_shorter_one_leaves_no_gap(pair: Story) -> None:
    pair.block(act=pausing(until=2))
    pair.block(act=pausing(until=3))
    assert pair.codes(pair.ann.call("echo.shout")) == [CALLS_WAIT]
    assert pair.codes(pair.ann.call("echo.shout")) == [OK]


def test_who_joins_by_a_snapshot_knows_what_is_stopped(pair: Story, tmp_path: Path) -> None:
    pair.block(act=isolating("echo", until=9))
    export(pair.state.view(), tmp_path / "given")
    (folder,) = (tmp_path / "given").iterdir()
    joined = import_chunks(Home.create(tmp_path / "joined"), *read_folder(folder))
    try:
        chain = Chain(joined, (pair.till,))
        block = pair.next_block(pair.ann.call("echo.shout"))
        prepared = [one.finalize(block) for one in (chain, pair.chain)]
        assert [one.receipts[0].code for one in prepared] == [MODULE_ISOLATED] * 2
        assert prepared[0].sealed.state.app_root == prepared[1].sealed.state.app_root
    finally:
        joined.close()


def test_an_upgrade_activates_over_stops_runs_its_own_hooks_and_lifts_nothing(make_story: Make) -> None:
    leaves = PRE_UPGRADE.format(body="ctx.put(marks, 'left', Mark(height=ctx.height, times=1))")
    pair = make_story(with_echo(first(rest=leaves)))
    pair.block(pair.ann.call("echo.shout"), act=isolating("coins"))
    pair.block(act=isolating("echo"))
    assert pair.upgrade(with_echo(second())).kind == EXECUTED
    assert MODULE_ISOLATED in [one.code for one in pair.first_receipts(pair.height)], "pre_upgrade says it did not run"
    assert pair.row("coins.marks", "left") is None
    assert pair.row("coins.purses", pair.ann.address).seen == 1, "its records were migrated"
    assert pair.row("echo.heard", module_address("echo")).times == 1, "post_upgrade of the new code ran"
    assert pair.coordinator().safe_mode().isolated == {"coins", "echo"}
    assert pair.codes(pair.ann.call("coins.tell", worth=1))[0] == MODULE_ISOLATED
    pair.block(act=lambda context: context.coordinator.resume("mended", "coins"))
    assert pair.codes(pair.ann.call("coins.tell", worth=1)) == [OK]


def test_an_isolated_module_is_not_asked_for_its_health_in_probation(make_story: Make) -> None:
    unwell = '\n\n@hook("health")\ndef on_health(ctx: Context) -> bool:\n    """Well until armed."""\n'
    unwell += "    return not ctx.has(marks, 'armed')\n"
    story = make_story()
    story.upgrade(second(rest=unwell))
    story.block(act=isolating("coins"))
    window = story.coordinator().window()
    assert window is not None and not window.rollback_at
    assert story.codes() == [MODULE_ISOLATED] * 3, "begin_block, end_block and health"


def test_a_rollback_lifts_nothing_and_replays_each_height_under_what_was_stopped_then(make_story: Make) -> None:
    pair = make_story(with_echo(first()))
    pair.upgrade(with_echo(second()))
    pair.block(act=isolating("coins"))
    ann, ben, cai = pair.ann, pair.ben, pair.cai
    pair.block(ann.call("echo.pass_on_or_shout", to=cai.address, coins=1), ben.call("coins.tell", worth=1))
    isolated = pair.height
    pair.block(act=lambda context: context.coordinator.resume("a test", "coins"))
    pair.block(ann.call("coins.send", to=cai.address, coins=5), act=isolating("echo"))
    free, begun = pair.height, pair.row("coins.marks", "begin").times
    pair.roll_back()
    assert pair.second_codes(isolated) == [OK, FAILED_BEFORE, MODULE_ISOLATED, MODULE_ISOLATED]
    assert pair.second_codes(free) == [OK]
    assert pair.row("echo.heard", ann.address).times == 1, "the replayed caller was refused once more"
    assert cai.coins == RICH + 5
    assert pair.row("coins.marks", "begin").times == begun + 2, "the hooks of isolated heights stayed out"
    assert pair.coordinator().safe_mode().isolated == {"echo"}
    assert pair.codes(pair.ben.call("echo.shout")) == [MODULE_ISOLATED]
    nonces = pair.overlay().get(ACCOUNTS, (ben.address,))
    assert nonces is not None and nonces.nonce == 2
    assert pair.overlay().get(STOPS, (isolated - 1, "coins")) == StopEntry(kind=ISOLATED, reason="a test")
