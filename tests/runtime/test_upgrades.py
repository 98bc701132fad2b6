"""The coordinator as a library: a state, bundles, and nobody who votes.  R1.2"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.bundle.archive import Bundle, of_files
from runtime.bundle.problems import BundleRefused
from runtime.errors import UpgradeRefused
from runtime.genesis import GenesisState, create_chain_state
from runtime.identity import ChainIdentity
from runtime.plans import EXECUTED, FAILED, ROLLED_BACK
from runtime.upgrades import Operator, UpgradeCoordinator
from runtime.version import RuntimeVersion
from storage.home import RELEASE, Home

ALICE, BOB = b"a" * 20, b"b" * 20
MANIFEST = """[bundle]
name = "tiny"
chain = "tiny"
version = "{version}"
host = "0.1.0"
notes = "Tiny: coins.purses may be written anew, coins.notes.since is new."

[[module]]
name = "coins"
source = "coins.py"
schema = {schema}

[ports.purse]
table = "coins.purses"
field = "coins"
"""
COINS = '''"""Coins: purses and nothing else."""

from runtime.api.v1 import Address, Amount, Context, Frozen, Old, Record, call, field, migration, table


class Purse(Record):
    """What an account holds."""

    coins: Amount = field(1, value="coin")
    {field}


class Note(Record):
    """A line about an account."""

    size: Amount = field(1)
    {note}


purses = table(Purse, key=(Address,), names=("owner",))
notes = table(Note, key=(Address,), names=("owner",))
{rest}
'''
SEEN = "seen: Amount = field(2, default=0)"
MIGRATION = '''

@migration(purses, from_schema=1, sets=({sets}))
def rewrite(old: Old, frozen: Frozen) -> Purse:
    """Writes every purse anew."""
    return Purse(coins={coins}, seen=1)
'''


def tiny(version: str, schema: int = 1, field: str = "", rest: str = "", note: str = "") -> Bundle:
    source = COINS.format(field=field, rest=rest, note=note)
    return of_files(
        {"bundle.toml": MANIFEST.format(version=version, schema=schema).encode(), "coins.py": source.encode()}
    )


def migrating(coins: str = "old.coins", sets: str = '"seen",') -> Bundle:
    return tiny("2.0.0", 2, SEEN, MIGRATION.format(coins=coins, sets=sets))


@pytest.fixture
def upgrades(tmp_path: Path) -> Iterator[UpgradeCoordinator]:
    home = Home.create(tmp_path / "home")
    genesis = GenesisState(
        identity=ChainIdentity(chain_id="tiny-1", chain_name="tiny", genesis=bytes(32)),
        bundle=tiny("1.0.0"),
        host_release=RELEASE,
        keys=(),
        parameters={"rollback_window": 400},
        rows=(("coins.purses", (owner,), {"coins": 100}) for owner in (ALICE, BOB)),
    )
    state = create_chain_state(home, genesis, (Operator(),))
    yield UpgradeCoordinator(state)
    state.close()


def test_an_upgrade_executes_at_its_height_and_rolls_back_to_the_root_before(upgrades: UpgradeCoordinator) -> None:
    root = upgrades.chain.state.head.runtime_root
    upgrades.schedule_upgrade(migrating(), upgrades.height + 5)
    ended = upgrades.execute_upgrade()
    assert (ended.kind, ended.root_before) == (EXECUTED, root)
    assert upgrades.current_version == RuntimeVersion(2, 0, 0)
    assert upgrades.chain.state.head.runtime_root != root
    back = upgrades.rollback_upgrade("a test")
    assert (back.kind, back.root_after) == (ROLLED_BACK, root)
    assert upgrades.chain.state.head.runtime_root == root
    assert upgrades.current_version == RuntimeVersion(1, 0, 0)


def test_a_migration_that_makes_coins_fails_and_leaves_the_old_runtime(upgrades: UpgradeCoordinator) -> None:
    root = upgrades.chain.state.head.runtime_root
    upgrades.schedule_upgrade(migrating("old.coins + 1", '"coins", "seen"'), upgrades.height + 3)
    ended = upgrades.execute_upgrade()
    assert (ended.kind, ended.reason) == (FAILED, "invariant_broken")
    assert upgrades.chain.state.head.runtime_root == root
    assert upgrades.current_version == RuntimeVersion(1, 0, 0)


def test_a_cancelled_plan_never_takes_effect(upgrades: UpgradeCoordinator) -> None:
    plan = upgrades.schedule_upgrade(migrating(), upgrades.height + 5)
    upgrades.cancel_upgrade(plan, "changed our minds")
    with pytest.raises(UpgradeRefused) as refused:
        upgrades.execute_upgrade()
    assert refused.value.code == "nothing_pending"
    assert upgrades.current_version == RuntimeVersion(1, 0, 0)


def test_a_second_plan_waits_and_is_superseded_when_another_runtime_runs(upgrades: UpgradeCoordinator) -> None:
    upgrades.schedule_upgrade(migrating(), upgrades.height + 5)
    upgrades.schedule_upgrade(tiny("1.1.0"), upgrades.height + 5)
    assert upgrades.execute_upgrade().kind == EXECUTED
    ended = upgrades.execute_upgrade()
    assert ended.kind == "superseded"
    assert upgrades.current_version == RuntimeVersion(2, 0, 0)


@pytest.mark.parametrize(
    ("bundle", "code"),
    [
        (tiny("0.9.0"), "not_newer"),
        (tiny("3.0.0"), "skipped_major"),
        (tiny("2.0.0", 2, note="since: Amount = field(2)"), "missing_migration"),
    ],
    ids=["downgrade", "skipped major", "missing migration"],
)
def test_a_bundle_that_may_not_follow_is_refused(upgrades: UpgradeCoordinator, bundle: Bundle, code: str) -> None:
    height = upgrades.height
    with pytest.raises(BundleRefused) as refused:
        upgrades.schedule_upgrade(bundle, upgrades.height + 5)
    assert [problem.code for problem in refused.value.problems] == [code]
    assert upgrades.height == height


def test_a_passed_height_is_refused_and_leaves_no_block(upgrades: UpgradeCoordinator) -> None:
    height = upgrades.height
    with pytest.raises(UpgradeRefused) as refused:
        upgrades.schedule_upgrade(migrating(), height)
    assert (refused.value.code, upgrades.height) == ("activation_passed", height)


def test_a_rollback_without_an_upgrade_is_refused(upgrades: UpgradeCoordinator) -> None:
    with pytest.raises(UpgradeRefused) as refused:
        upgrades.rollback_upgrade("nothing to undo")
    assert refused.value.code == "window_closed"


def test_a_window_closes_and_lets_the_old_generation_go(upgrades: UpgradeCoordinator) -> None:
    upgrades.schedule_upgrade(migrating(), upgrades.height + 2)
    upgrades.execute_upgrade()
    assert upgrades.chain.state.catalogue.runtime.kept
    for _ in range(401):
        upgrades.make_block()
    assert not upgrades.chain.state.catalogue.runtime.kept
    with pytest.raises(UpgradeRefused):
        upgrades.rollback_upgrade("too late")
