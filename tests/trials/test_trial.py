"""The trial of an upgrade in a process of its own: what is sound passes, and each fault is named where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from governance.attestations import RehearsalResult
from governance.tables import PROPOSALS
from node.rehearsal import upgrade
from node.rehearsal.demonstrations import breaks_supply, mints_later
from node.rehearsal.world import World
from node.trial.checks import BLOCKS, STEPS
from node.trial.errors import NothingToTry
from node.trial.report import Report
from runtime.accounts import ACCOUNTS
from runtime.bundle.archive import Bundle
from runtime.bundles import CHUNKS
from runtime.coordinator import Coordinator
from runtime.invariants.counters import AGGREGATES, AggregateValue
from runtime.parameters import Parameters
from runtime.plans import HISTORY
from storage.hashing import half_root
from storage.overlay import Overlay
from tests.scenarios.hostile import with_trouble
from tests.scenarios.upgrades import activated, appended, edited, example, running, untested
from tests.short_periods import SHORT, short_genesis
from tests.trials.conftest import TRANSFERS, Tried, failed, step_of, tried_on

Make = Callable[[], World]
LOOP = "while True:\n        pass"


def roots_of(result: RehearsalResult) -> bytes:
    return half_root((one.name, one.root) for one in result.tables)


def test_a_sound_upgrade_passes_every_step(world: World, tried: Tried) -> None:
    report = tried(example(world))
    assert report.passed
    assert [(step.name, step.outcome) for step in report.steps] == [(name, "passed") for name, _ in STEPS]
    assert step_of(report, "tests").counts == {"tests": 1}
    assert step_of(report, "migrate").counts["records"] == world.application.state.count("bank.accounts")
    blocks = step_of(report, "blocks").counts
    assert (blocks["blocks"], blocks["calls"], blocks["calls_ok"]) == (BLOCKS, TRANSFERS, TRANSFERS)
    assert step_of(report, "rollback").counts == {"replayed": TRANSFERS, "not_replayable": 0}
    assert (report.result.height, report.result.runtime_root) == (
        world.height,
        world.application.state.head.runtime_root,
    )
    assert (report.result.within_limits, report.result.reversible) == (True, True)
    assert step_of(report, "activate").counts["reversed"] == world.application.state.count("bank.accounts")
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_a_trial_foresees_the_roots_that_the_activation_then_has(make_chain: Make) -> None:
    world = make_chain()
    bundle = example(world)
    voted = upgrade.propose(world, bundle, "An upgrade")
    upgrade.vote(world, (voted,), lambda *_: None)
    plan = world.coordinator().pending()
    assert plan is not None
    world.forward(plan[1].activation - 1)
    report = tried_on(world, voted.proposal)
    world.block()
    entry = world.overlay().get(HISTORY, (world.height, plan[0]))
    assert entry is not None
    assert (report.result.plan, report.result.runtime_root) == (plan[0], entry.root_before)
    assert roots_of(report.result) == entry.root_after
    window = world.coordinator().window()
    assert window is not None
    assert report.result.runtime_root == window.runtime_root


def test_two_trials_of_one_state_come_to_the_same_result(world: World) -> None:
    proposal = upgrade.propose(world, example(world), "An upgrade").proposal
    first, second = (tried_on(world, proposal) for _ in range(2))
    assert first.result == second.result
    assert first.result.digest == second.result.digest


BACK = "@reverse(accounts)", "return AccountBefore(balance=new.balance)"


def test_a_migration_without_a_way_back_passes_with_the_votes_of_the_higher_threshold(
    tried: Tried, world: World
) -> None:
    source = dict(example(world).files)["bank.py"].decode()
    one_way = edited(example(world), bank=(source[source.index(BACK[0]) :], ""))
    report = tried(edited(one_way, bank=("    reverse,\n", "")))
    assert report.passed
    assert report.result.reversible is False


def test_a_way_back_that_leads_elsewhere_fails(tried: Tried, world: World) -> None:
    wrong = "return AccountBefore(balance=new.balance + new.migrated)"
    report = tried(edited(example(world), bank=(BACK[1], wrong)))
    assert failed(report) == ("activate", "not_reversible")
    step = step_of(report, "activate")
    assert (step.file, step.line > 0, step.detail.startswith("bank.accounts row ")) == ("bank.py", True, True)


def test_a_hook_that_writes_over_what_was_there_fails_without_those_votes(tried: Tried, world: World) -> None:
    """The pots of the faucet are none of the tables that migrate."""
    hook = '@hook("post_upgrade")\ndef arrive(ctx: Context) -> None:\n    """Give more."""\n    '
    source = hook + "ctx.put(pots, POT, Pot(coins=ctx.get(pots, POT).coins, most=1, span=1))"
    pause = ("supply_change", "requires_pause = true\nsupply_change")
    writing = appended(running(world), "faucet", source, "1.1.0")
    report = tried(edited(writing, faucet=(" field, query", " field, hook, query"), manifest=pause))
    assert failed(report) == ("activate", "not_reversible")
    assert "faucet.pots" in step_of(report, "activate").detail


def test_a_migration_that_changes_nothing_fails(tried: Tried, world: World) -> None:  # I2
    report = tried(untested(edited(example(world), bank=("migrated=2", "migrated=0"))))
    assert failed(report) == ("migrate", "migration_changed_nothing")
    assert step_of(report, "migrate").file == "bank.py"


def test_a_record_that_does_not_validate_fails_with_its_row_and_line(tried: Tried, world: World) -> None:
    report = tried(edited(example(world), bank=("new.balance == old.balance", "new.balance == old.balance + 1")))
    assert failed(report) == ("migrate", "record_not_valid")
    step = step_of(report, "migrate")
    assert (step.file, step.line > 0) == ("bank.py", True)
    assert step.detail.startswith("nothing_lost: bank.accounts row ")


def test_balances_that_a_migration_swaps_are_found_by_the_bundle_s_own_tests(tried: Tried, world: World) -> None:
    """The migration says that it sets balances, and every sum may be right."""
    swapping = edited(example(world), bank=("balance=old.balance,", "balance=7 if old.balance == 9 else 9,"))
    said = edited(swapping, bank=('sets=("migrated",)', 'sets=("balance", "migrated")'),
                  manifest=('notes = "', 'notes = "bank.accounts change. '))  # fmt: skip
    report = tried(said)
    assert failed(report) == ("tests", "test_failed")
    step = step_of(report, "tests")
    assert (step.file, step.detail) == ("tests.py", "test_an_account_keeps_its_coins: not_true")
    assert step.line == dict(said.files)["tests.py"].decode().partition("def test_")[0].count("\n") + 1


def test_coins_that_a_migration_makes_are_found(tried: Tried, world: World) -> None:
    report = tried(breaks_supply(running(world)))
    assert failed(report) == ("activate", "invariant_broken")
    assert step_of(report, "activate").detail == "host.supply"


@pytest.mark.parametrize(
    ("hook", "body", "code"),
    [
        ("begin_block", LOOP, "begin_block_out_of_steps"),
        ("post_upgrade", LOOP, "post_upgrade_out_of_steps"),
        ("health", "return False", "health_unhealthy"),
        ("health", "return 1 // 0 == 1", "health_division_by_zero"),
    ],
)
def test_code_that_fails_when_it_first_runs_fails_here_first(  # I8
    tried: Tried, world: World, hook: str, body: str, code: str
) -> None:
    report = tried(with_trouble(running(world), "1.1.0", **{hook: body}))
    assert failed(report) == ("activate", code)
    assert step_of(report, "activate").file == "trouble.py"


def test_a_fault_that_shows_some_blocks_on_is_found(tried: Tried, world: World) -> None:  # I3
    armed = f"if ctx.height > {world.height + 8}:\n        while True:\n            pass"
    report = tried(with_trouble(running(world), "1.1.0", end_block=armed))
    assert failed(report) == ("blocks", "end_block_out_of_steps")
    assert step_of(report, "blocks").file == "trouble.py"


def test_a_call_that_goes_wrong_under_the_new_runtime_is_found_by_the_calls_people_really_make(
    tried: Tried, world: World
) -> None:
    credit = "theirs.but(balance=theirs.balance + coins)"
    report = tried(edited(example(world), bank=(credit, credit.replace("coins)", "coins + 1)"))))
    assert failed(report) == ("blocks", "invariant_broken")
    assert step_of(report, "blocks").detail == "by a call of bank.send"


def test_calls_signed_for_what_changes_are_counted(tried: Tried, world: World) -> None:
    meant = ("@call(meaning=1)\ndef send", "@call(meaning=2)\ndef send")
    changed = edited(example(world), bank=meant, manifest=("Every account", "bank.send changes. Every account"))
    report = tried(changed)
    assert report.passed
    counts = step_of(report, "blocks").counts
    assert counts["calls_signed_for_another_version"] == counts["calls"] == TRANSFERS


READING = ('@migration(accounts, from_schema=1, sets=("migrated",))\n'
           'def rewrite_accounts(old: "Old.bank.accounts", frozen: Frozen)',
           '@migration(accounts, from_schema=1, sets=("migrated",), reads=("faucet.pots",))\n'
           'def rewrite_accounts(old: "Old.bank.accounts", frozen: Frozen, inputs: Inputs)')  # fmt: skip


def reading_one_row(bundle: Bundle) -> Bundle:
    """The example, every record of which reads one row of another table."""
    with_reads = edited(untested(bundle), bank=READING)
    imported = edited(with_reads, bank=("    Frozen,\n", "    Frozen,\n    Inputs,\n"))
    return edited(imported, bank=("    return Account(", '    pot = inputs.get("faucet.pots")\n    return Account('))


def test_more_readers_of_a_row_than_may_be_need_a_pause_that_the_plan_declares(make_chain: Make) -> None:
    world = make_chain()
    state, overlay = world.application.state, world.overlay()
    readers = state.count("bank.accounts")
    Parameters(overlay, world.height).set("max_fanout", readers - 1, world.height)
    state.commit(state.prepare(overlay), world.height, amends=True)
    bundle = reading_one_row(example(world))
    report = tried_on(world, upgrade.propose(world, bundle, "Without a word").proposal)
    assert failed(report) == ("migrate", "pause_not_declared")
    assert (step_of(report, "migrate").file, "max_fanout" in step_of(report, "migrate").detail) == ("bank.py", True)
    paused = edited(bundle, manifest=("supply_change", "requires_pause = true\nsupply_change"))
    report = tried_on(world, upgrade.propose(world, paused, "With a pause").proposal)
    assert report.passed, report.failed_step
    assert step_of(report, "migrate").counts["most_readers_of_a_row"] == readers


def test_what_is_no_open_upgrade_is_nothing_to_try(world: World) -> None:
    with pytest.raises(NothingToTry) as nothing:
        tried_on(world, 999)
    assert nothing.value.code == "unknown_proposal"


@pytest.fixture
def make_chain(tmp_path: Path) -> Iterator[Make]:
    """Chains of their own, for tests that go on with them or spoil their state."""
    made: list[World] = []

    def make() -> World:
        made.append(World.create(tmp_path / f"chain-{len(made)}", short_genesis()))
        return made[-1]

    yield make
    for world in made:
        world.close()


def spoiled(world: World, write: Callable[[Overlay], None]) -> Report:
    """Propose the example, write past the rules, and try it."""
    proposal = upgrade.propose(world, example(world), "An upgrade").proposal
    overlay: Overlay = world.overlay()
    write(overlay)
    state = world.application.state
    state.commit(state.prepare(overlay), world.height, amends=True)
    return tried_on(world, proposal)


def test_a_record_that_nobody_has_read_for_years_and_nobody_can_read_is_found(make_chain: Make) -> None:  # I4
    world = make_chain()
    table = world.application.chain.loaded.tables["treasury.donors"]
    key = table.pack((world.accounts()[0],))
    report = spoiled(world, lambda overlay: overlay.put_raw(table, key, b"\x81\xa1\x31\xc3"))
    assert failed(report) == ("decode", "undecodable_record")
    assert step_of(report, "decode").detail.startswith(f"treasury.donors row {key.hex()}")


def test_a_host_record_that_does_not_decode_is_found(make_chain: Make) -> None:
    world = make_chain()
    report = spoiled(world, lambda overlay: overlay.put_raw(ACCOUNTS, bytes(20), b"\x80"))
    assert failed(report) == ("decode", "undecodable_record")


def test_aggregates_that_have_drifted_from_their_rows_are_found(make_chain: Make) -> None:
    world = make_chain()

    chain = world.application.chain
    rule = next(one for one in chain.counters(chain.loaded).rules if one.name == "staking.shares_add_up")

    def drift(overlay: Overlay) -> None:
        for side in (rule.left, rule.right):  # alike, so that the rule itself still holds
            overlay.put(AGGREGATES, (side, bytes(20)), AggregateValue(value=7))

    report = spoiled(world, drift)
    assert failed(report) == ("recount", "aggregates_differ")
    assert step_of(report, "recount").detail == f"{min(rule.left, rule.right)}, group {bytes(20).hex()}"


def test_a_bundle_whose_bytes_are_gone_fails_before_anything_else(make_chain: Make) -> None:  # I12
    world = make_chain()

    def lose(overlay: Overlay) -> None:
        key, _ = next(iter(overlay.scan(CHUNKS, (example(world).code_hash,))))
        overlay.delete(CHUNKS, key)

    assert failed(spoiled(world, lose)) == ("load", "bundle_unavailable")


def test_a_proposal_made_for_another_runtime_than_runs_is_superseded(make_chain: Make) -> None:
    world = make_chain()
    proposal = upgrade.propose(world, example(world), "Made for the first runtime").proposal
    other = appended(running(world), "bank", "def spare(one: Amount) -> Amount:\n    return one", "1.1.0")
    state, overlay = world.application.state, world.overlay()
    what = overlay.get(PROPOSALS, (proposal,))
    assert what is not None
    overlay.put(PROPOSALS, (proposal,), what.but(base=other.code_hash))
    state.commit(state.prepare(overlay), world.height, amends=True)
    assert failed(tried_on(world, proposal)) == ("load", "superseded")


def decide_rollback(world: World) -> None:
    """Let the next block go back, as a vote would."""
    overlay, state = world.overlay(), world.application.state
    Coordinator(overlay, world.height, Parameters(overlay, world.height), []).roll_back(0, "with the next block")
    state.commit(state.prepare(overlay), world.height, amends=True)


def test_an_open_rollback_window_does_not_keep_the_next_upgrade_from_its_trial(make_chain: Make) -> None:
    world = make_chain()
    assert activated(world, example(world)).record.outcome == "executed"
    assert world.coordinator().window() is not None
    proposal = upgrade.propose(world, mints_later(running(world)), "The next").proposal
    report = tried_on(world, proposal)
    assert (report.passed, report.result.reversible) == (True, True), "it rewrites nothing"
    decide_rollback(world)
    assert tried_on(world, proposal).passed


def test_on_tables_that_a_replay_is_still_bringing_forward_there_is_nothing_to_try(tmp_path: Path) -> None:
    world = World.create(tmp_path / "chain", short_genesis(parameters={**SHORT, "replay_items": 1}))
    try:
        assert activated(world, mints_later(running(world))).record.outcome == "executed"
        sender, other = world.accounts()[:2]
        for _ in range(20):
            world.call(sender, "bank.send", to=other, coins=1)
            world.must()
        decide_rollback(world)
        world.block()
        proposal = upgrade.propose(world, example(world), "Proposed meanwhile").proposal
        assert world.coordinator().replaying() is not None
        with pytest.raises(NothingToTry) as nothing:
            tried_on(world, proposal)
        assert nothing.value.code == "replay_under_way"
        while world.coordinator().replaying() is not None:
            world.block()
        assert tried_on(world, proposal).passed
    finally:
        world.close()
