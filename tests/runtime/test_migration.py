"""Migrations that work, and each way in which one fails: code, file and line in history, nothing committed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime.bundle.archive import of_files
from runtime.plans import EXECUTED, FAILED
from runtime.purse import Supply
from storage.rows import TABLE_PREFIX, after_prefix
from storage.tables import Half
from tests.runtime.story_bundles import PRE_UPGRADE, first, second
from tests.runtime.story_chain import RICH, Story

HUGE = 2**256 - 1


def line_of(bundle_source: bytes, text: str) -> int:
    """The line on which a text first stands."""
    return bundle_source[: bundle_source.index(text.encode())].count(b"\n") + 1


VALIDATE = '''

@validate(purses)
def rich_enough(old: Old, new: Purse) -> bool:
    """Nobody is poor."""
    return new.coins > 5000
'''


def leaked(story: Story) -> set[int]:
    """Places on disk that hold rows of a table no catalogue refers to, once everything was collected."""
    while story.state.collect(1000):
        continue
    engine = story.state._rows.engine
    stored = {int.from_bytes(key[1:5], "big") for key, _ in engine.iterate(TABLE_PREFIX, after_prefix(TABLE_PREFIX))}
    return stored - set(story.state._generations.numbers().values())


FAILURES: dict[str, tuple[dict[str, str], str, str]] = {
    "refuses": ({"body": "raise Refused('never')\n    return Purse(coins=0)"}, "never", "raise Refused('never')"),
    "loops": ({"body": "while True:\n        pass\n    return Purse(coins=0)"}, "out_of_steps", "while True"),
    "divides by zero": ({"body": "return Purse(coins=old.coins // 0, seen=1)"}, "division_by_zero", "old.coins // 0"),
    "wrong record": ({"body": "return Note(size=1)", "answer": "Note"}, "not_the_tables_record", "def rewrite"),
    "undeclared change": ({"body": "return Purse(coins=old.coins + 1, seen=1)"}, "undeclared_change", "def rewrite"),
    "new field unasked": ({"sets": ""}, "undeclared_change", "def rewrite"),
    "not valid": ({"rest": VALIDATE}, "record_not_valid", "def rich_enough"),
    "changes nothing": ({"body": "return Purse(coins=old.coins)"}, "migration_changed_nothing", "def rewrite"),
}


@pytest.mark.parametrize("name", sorted(FAILURES))
def test_a_migration_that_fails_says_where_and_leaves_nothing(story: Story, name: str) -> None:
    changes, code, text = FAILURES[name]
    bundle = second(**changes)  # type: ignore[arg-type]
    before = story.state.catalogue.runtime
    entry = story.upgrade(bundle, story.ann.call("coins.send", to=story.ben.address, coins=1))
    source = dict(bundle.files)["coins.py"]
    assert (entry.kind, entry.reason, entry.file) == (FAILED, code, "coins.py")
    assert abs(entry.line - line_of(source, text)) <= 1, source.splitlines()[entry.line - 1]
    assert story.state.catalogue.runtime == before
    assert story.ben.coins == RICH + 1, "the block ran under the old runtime"
    assert str(story.chain.loaded.version) == "1.0.0"
    story.block()
    assert leaked(story) == set()
    assert story.codes(story.ann.call("coins.send", to=story.ben.address, coins=1)) == ["ok"]


def test_a_field_with_a_new_name_is_the_field_it_was(story: Story) -> None:
    """Purses hold `cash`, number 1, which the migration does not name and doubles."""
    bundle = second(body="return Purse(cash=2 * old.coins, seen=1)")
    source = dict(bundle.files)["coins.py"].decode()
    for text in ("coins: Amount = field(1", "mine.coins", "theirs.coins", "Purse(coins=", ".but(coins="):
        source = source.replace(text, text.replace("coins", "cash"))
    manifest = dict(bundle.files)["bundle.toml"].decode().replace('field = "coins"', 'field = "cash"')
    manifest = manifest.replace("Every purse", "coins.purses.cash and port purse change. Every purse")
    entry = story.upgrade(of_files({"bundle.toml": manifest.encode(), "coins.py": source.encode()}))
    assert (entry.kind, entry.reason) == (FAILED, "undeclared_change")


SECOND_MIGRATION = '''

@migration(tallies, from_schema=1, sets=("size",))
def refuse(old: Old, frozen: Frozen) -> Tally:
    """Fails once the purses are made."""
    return Tally(size=old.size // 0)
'''


def test_a_second_migration_that_fails_takes_the_first_one_along(story: Story) -> None:
    story.block(story.ann.call("coins.note", size=3))
    entry = story.upgrade(second(rest=SECOND_MIGRATION))
    assert (entry.kind, entry.reason) == (FAILED, "division_by_zero")
    story.block()
    assert leaked(story) == set()


def test_coins_made_without_saying_so_fail_the_upgrade(story: Story) -> None:
    entry = story.upgrade(second(body="return Purse(coins=old.coins + 1, seen=1)", sets='"coins", "seen"'))
    assert (entry.kind, entry.reason) == (FAILED, "invariant_broken")


@pytest.mark.parametrize(("more", "declared"), [(10, 30), (-10, -30)])
def test_a_declared_change_of_the_supply_is_honoured_exactly(story: Story, more: int, declared: int) -> None:
    sign = f"+ {more}" if more > 0 else f"- {-more}"
    body = f"return Purse(coins=old.coins {sign}, seen=1)"
    entry = story.upgrade(second(body=body, sets='"coins", "seen"', supply=declared))
    assert entry.kind == EXECUTED
    assert story.supply() == Supply(total=3 * RICH + declared)


@pytest.mark.parametrize("declared", [29, 31, -30])
def test_a_declared_change_of_the_supply_that_is_not_kept_fails(story: Story, declared: int) -> None:
    body = "return Purse(coins=old.coins + 10, seen=1)"
    entry = story.upgrade(second(body=body, sets='"coins", "seen"', supply=declared))
    assert (entry.kind, entry.reason) == (FAILED, "invariant_broken")
    assert story.supply() == Supply(total=3 * RICH)


@pytest.mark.parametrize("declared", [-(3 * RICH) - 1, HUGE, -HUGE])
def test_a_supply_change_that_no_supply_can_take_fails_the_upgrade(story: Story, declared: int) -> None:
    entry = story.upgrade(second(supply=declared))
    assert (entry.kind, entry.reason) == (FAILED, "supply_change_impossible")
    story.block()


def test_sums_that_fit_no_amount_fail_the_upgrade(story: Story) -> None:
    entry = story.upgrade(second(body=f"return Purse(coins={HUGE}, seen=1)", sets='"coins", "seen"'))
    assert (entry.kind, entry.reason) == (FAILED, "invariant_broken")
    story.block()


def test_a_migration_reads_what_it_declares(story: Story) -> None:
    story.block(story.ann.call("coins.note", size=7))
    body = (
        'found = inputs.get("coins.notes", b"nobody..............")\n'
        '    tally = inputs.get("coins.tallies", "all")\n    seen = 100 if found is None else 0\n'
        "    if tally is not None:\n        seen = seen + tally.size\n"
        "    return Purse(coins=old.coins, seen=seen)"
    )
    entry = story.upgrade(second(body=body, reads='"coins.notes", "coins.tallies"'))
    assert (entry.kind, entry.reason) == (EXECUTED, "")
    assert story.row("coins.purses", story.ben.address).seen == 107


def test_frozen_parameters_are_those_of_the_scheduling(story: Story) -> None:
    body = "return Purse(coins=old.coins, seen=frozen.query_steps + frozen.scheduled_at)"
    scheduled = story.height + 1
    story.schedule(second(body=body, frozen='"query_steps", "scheduled_at"'), story.height + 4)
    story.block(act=lambda context: context.parameters.set("query_steps", 12_345, context.height + 1))
    story.block()
    story.block()
    assert story.row("coins.purses", story.ann.address).seen == 200_000 + scheduled


def test_what_pre_upgrade_wrote_is_carried_through_the_migration(make_story: Callable[..., Story]) -> None:
    writes = PRE_UPGRADE.format(
        body="for key, purse in ctx.scan(purses, limit=1):\n"
        "        ctx.put(purses, b'n' * 20, Purse(coins=purse.coins))\n"
        "        ctx.delete(purses, key[0])\n"
        "    ctx.put(marks, 'last', Mark(height=ctx.height, times=1))"
    )
    story = make_story(first(rest=writes))
    poorest = min(person.address for person in story.people.values())
    assert story.upgrade(second()).kind == EXECUTED
    moved = story.row("coins.purses", b"n" * 20)
    assert (moved.coins, moved.seen) == (RICH, 1)
    assert story.row("coins.purses", poorest) is None
    assert story.row("coins.marks", "last").times == 1


REKEYED = '''

@migration(marks, from_schema=1, sets=(), rekeys=True)
def shorten(key: tuple[Text], old: Old, frozen: Frozen) -> Mark:
    """Three letters are enough."""
    return {key}, Mark(height=old.height, times=old.times, weight=old.weight)
'''
SHORTENED = REKEYED.format(key="(key[0][:3],)")


def test_what_pre_upgrade_wrote_goes_where_a_migration_that_rekeys_puts_it(make_story: Callable[..., Story]) -> None:
    writes = PRE_UPGRADE.format(
        body="ctx.put(marks, 'begin', Mark(height=7, times=77))\n"
        "    ctx.delete(marks, 'end')\n    ctx.put(marks, 'last', Mark(height=1, times=1))"
    )
    story = make_story(first(rest=writes))
    story.block()
    before = story.row("coins.marks", "begin").times
    assert story.upgrade(second(rest=SHORTENED)).kind == EXECUTED
    assert {name: story.row("coins.marks", name).times for name in ("beg", "las")} == {"beg": 77, "las": 1}
    marks = [key[0] for key, _ in story.overlay().scan(story.chain.loaded.tables["coins.marks"])]
    assert marks == ["beg", "begin", "end", "las"], "the new runtime's hooks have begun anew"
    story.roll_back()
    assert story.row("coins.marks", "begin").times > before
    assert story.row("coins.marks", "beg") is None


def test_a_collision_with_what_pre_upgrade_wrote_fails_the_upgrade(make_story: Callable[..., Story]) -> None:
    writes = PRE_UPGRADE.format(body="ctx.put(marks, 'beg', Mark(height=1, times=1))")
    story = make_story(first(rest=writes))
    story.block()
    entry = story.upgrade(second(rest=SHORTENED))
    assert (entry.kind, entry.reason, entry.file) == (FAILED, "key_collision", "coins.py")


@pytest.mark.parametrize("key", ['("all", 1)', "(1,)", '"all"', "()"])
def test_a_new_key_that_the_table_cannot_have_fails(story: Story, key: str) -> None:
    story.block()
    entry = story.upgrade(second(rest=REKEYED.format(key=key)))
    assert (entry.kind, entry.reason, entry.file) == (FAILED, "wrong_key", "coins.py")


def test_coins_that_pre_upgrade_makes_fail_the_upgrade(make_story: Callable[..., Story]) -> None:
    mints = PRE_UPGRADE.format(body="ctx.put(purses, b'n' * 20, Purse(coins=1))")
    entry = make_story(first(rest=mints)).upgrade(second())
    assert (entry.kind, entry.reason) == (FAILED, "invariant_broken")


def test_a_pre_upgrade_that_fails_is_recorded_and_stops_nothing(make_story: Callable[..., Story]) -> None:
    story = make_story(first(rest=PRE_UPGRADE.format(body="raise Refused('tired')")))
    assert story.upgrade(second()).kind == EXECUTED
    assert [receipt.code for receipt in story.first_receipts(story.height)] == ["tired"]


def test_removed_renamed_and_added_tables_are_where_they_should_be(story: Story) -> None:
    story.block(story.ann.call("coins.note", size=3), story.ben.call("coins.bury", worth=5))
    story.upgrade(second())
    names = story.state.catalogue.names(Half.RUNTIME)
    assert {"coins.remarks", "coins.news"} <= set(names)
    assert not {"coins.notes", "coins.relics"} & set(names)
    kept = {kept.name for kept in story.state.catalogue.runtime.kept}
    assert kept == {"coins.purses", "coins.relics", "invariants.aggregates"}
    assert story.row("coins.remarks", story.ann.address).size == 3
