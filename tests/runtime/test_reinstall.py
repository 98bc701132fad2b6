"""A module reinstalled: its tables begin empty, what it held is named by a digest, coins do not vanish.  # R3.1"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime.bundle.archive import Bundle, of_files
from runtime.bundle.checker import check_bundle, check_upgrade
from runtime.bundle.difference import manifest_changes
from runtime.bundle.problems import BundleRefused
from runtime.invariants.counters import AGGREGATES
from runtime.module_backups import BACKUPS, KeptBackup
from runtime.plans import CLOSED, EXECUTED, FAILED, HISTORY, ROLLED_BACK
from runtime.receipts import event
from storage.bulkload import tree_of
from storage.home import RELEASE
from tests.runtime.reinstall_bundles import LENT, MARK_CALL, MARKED, MARKS, POST_UPGRADE, anew, with_shelf
from tests.runtime.story_bundles import first
from tests.runtime.story_chain import Story

Make = Callable[..., Story]
OWNER = b"o" * 20
BOOKS = tuple(("shelf.books", (slot,), {"size": slot + 1}) for slot in range(40))
POT = (("shelf.pots", (OWNER,), {"coins": 7}),)


@pytest.fixture
def shelf(make_story: Make) -> Story:
    """A chain with forty books and no coins among them."""
    return make_story(with_shelf(), BOOKS)


def backups(story: Story) -> dict[bytes, KeptBackup]:
    return {key[0]: row for key, row in story.overlay().scan(BACKUPS)}


def rows(story: Story, table: str) -> dict[bytes, bytes]:
    return dict(story.state.rows(table))


def test_a_reinstalled_module_begins_empty_and_the_rest_goes_on(shelf: Story) -> None:
    purses = rows(shelf, "coins.purses")
    entry = shelf.upgrade(anew())
    assert (entry.kind, entry.reason) == (EXECUTED, "")
    assert not rows(shelf, "shelf.books")
    assert rows(shelf, "coins.purses") == purses
    assert shelf.codes(shelf.ann.call("shelf.put", slot=1, size=3)) == ["ok"]
    assert shelf.row("shelf.books", 1).size == 3


def test_what_it_left_is_named_by_a_digest_in_history_event_and_table(shelf: Story) -> None:
    before = rows(shelf, "shelf.books")
    plan = shelf.schedule(anew(), shelf.height + 2)
    prepared = shelf.block()
    (digest,) = shelf.history(plan).backups
    kept = backups(shelf)[digest]
    assert (kept.content.module, kept.height, kept.plan) == ("shelf", shelf.height - 1, plan)
    books = kept.content.table("shelf.books")
    assert books is not None and (books.rows, books.root) == (40, tree_of(before.items()).root)
    assert kept.content.digest == digest
    assert event("ModuleReset", plan=plan, module="shelf", backup=digest, rows=40) in prepared.events


def test_a_rollback_brings_every_row_back_and_forgets_the_backup(shelf: Story) -> None:
    root, before = shelf.root, rows(shelf, "shelf.books")
    shelf.upgrade(anew())
    shelf.block(shelf.ann.call("shelf.put", slot=99, size=3))
    entry = shelf.roll_back()
    assert (entry.kind, entry.root_after) == (ROLLED_BACK, shelf.overlay().get(HISTORY, (shelf.height, 1)).root_after)
    assert entry.root_after != root, "a block lay between the looks"
    replayed = rows(shelf, "shelf.books")
    assert {key: replayed[key] for key in before} == before
    assert len(replayed) == len(before) + 1, "what was sent since was sent again"
    assert backups(shelf) == {}


def test_the_backup_stays_known_when_the_window_has_closed(shelf: Story) -> None:
    shelf.upgrade(anew())
    known = backups(shelf)
    window = shelf.coordinator().window()
    assert window is not None
    shelf.blocks_to(window.closes + 2)
    assert backups(shelf) == known
    assert [row.kind for _, row in shelf.overlay().scan(HISTORY)][-1] == CLOSED


def test_a_restart_while_it_grows_changes_nothing(make_story: Make) -> None:
    roots = []
    for restarts in (False, True):
        story = make_story(with_shelf(rules=MARKED, marks=MARKS, rest=MARK_CALL), BOOKS)
        story.schedule(anew(), story.height + 4)
        for _ in range(4):
            story.chain.grow(7)
            if restarts:
                story.reopen()
            story.block()
        assert story.chain.loaded.version.major == 2
        roots.append(story.state.head.app_root)
    assert roots[0] == roots[1]


@pytest.mark.parametrize(("supply", "kind"), [(-7, EXECUTED), (-6, FAILED), (0, FAILED), (-8, FAILED)])
def test_coins_that_go_with_the_tables_are_declared_to_the_unit_or_the_plan_fails(
    make_story: Make, supply: int, kind: str
) -> None:
    story = make_story(with_shelf(), (*BOOKS, *POT))
    total = story.supply().total
    entry = story.upgrade(anew(supply=supply))
    assert (entry.kind, entry.reason) == (kind, "" if kind == EXECUTED else "coins_not_kept")
    assert story.supply().total == (total - 7 if kind == EXECUTED else total)
    assert (len(rows(story, "shelf.books")) == 0) == (kind == EXECUTED)
    assert bool(backups(story)) == (kind == EXECUTED)


def test_a_hook_may_put_the_coins_back(make_story: Make) -> None:
    story = make_story(with_shelf(), (*BOOKS, *POT))
    entry = story.upgrade(anew(rest=POST_UPGRADE.format(coins=7)))
    assert entry.kind == EXECUTED
    story = make_story(with_shelf(), (*BOOKS, *POT))
    assert story.upgrade(anew(rest=POST_UPGRADE.format(coins=8))).reason == "coins_not_kept"


def test_aggregates_and_rules_are_those_of_empty_tables(make_story: Make) -> None:
    marked = {"marks": MARKS, "rules": MARKED, "rest": MARK_CALL}
    story = make_story(with_shelf(**marked), (*BOOKS, ("shelf.marks", (OWNER, 3), {"page": 1})))
    assert story.upgrade(anew(**marked)).kind == EXECUTED
    assert {AGGREGATES.unpack(key)[0] for key in rows(story, AGGREGATES.name)}.isdisjoint(
        {"count:shelf.books.|", "refers:shelf.marks.slot->shelf.books"}
    )
    assert story.codes(story.ann.call("shelf.mark", slot=3, page=1)) == ["invariant_broken"]


def test_its_schema_may_change_without_a_migration(shelf: Story) -> None:
    files = dict(anew(book_field="lent: Amount = field(2)").files)
    source = files["shelf.py"].replace(b"Book(size=size)", b"Book(size=size, lent=0)")
    assert shelf.upgrade(of_files({**files, "shelf.py": source})).kind == EXECUTED
    assert shelf.codes(shelf.ann.call("shelf.put", slot=1, size=3)) == ["ok"]


LAST_WORDS = '''

@hook("pre_upgrade")
def on_leaving(ctx: Context) -> None:
    """One more book."""
    ctx.put(books, 99, Book(size=99))
'''


def test_what_the_old_module_writes_as_it_leaves_goes_with_its_tables(make_story: Make) -> None:
    story = make_story(with_shelf(rest=LAST_WORDS), BOOKS)
    entry = story.upgrade(anew())
    assert entry.kind == EXECUTED
    assert not rows(story, "shelf.books")
    (kept,) = backups(story).values()
    assert kept.content.rows == 40, "the backup is of the height before"


MIGRATION = '''

@migration(books, from_schema=1, sets=("lent",))
def lend(old: Old, frozen: Frozen) -> Book:
    """Lend."""
    return Book(size=old.size, lent=1)
'''


@pytest.mark.parametrize(
    ("bundle", "code"),
    [
        (with_shelf("2.0.0", 2, 2), "wrong_from_schema"),
        (with_shelf("2.0.0", 1, 1), "schema_number"),
        (with_shelf("1.1.0", 2, 1), "breaking_without_major"),
        (anew(book_field=LENT, rest=MIGRATION), "reinstalled_module"),
        (anew(renames='\n[renames]\n"shelf.books" = "shelf.tomes"\n'), "reinstalled_module"),
    ],
)
def test_a_reinstall_that_cannot_be_is_refused_with_its_reason(bundle: Bundle, code: str) -> None:
    assert code in refusals(with_shelf(), bundle)


def refusals(running: Bundle, proposed: Bundle) -> set[str]:
    try:
        check_upgrade(*(check_bundle(one, chain="tiny", host_release=RELEASE) for one in (running, proposed)))
    except BundleRefused as refused:
        return {problem.code for problem in refused.problems}
    return set()


def test_what_the_host_reads_from_cannot_begin_empty() -> None:
    bundle = first(version="2.0.0")
    manifest = dict(bundle.files)["bundle.toml"].decode().replace("schema = 1", "schema = 2\nreinstall_from = 1")
    assert "port_reset" in refusals(first(), of_files({**dict(bundle.files), "bundle.toml": manifest.encode()}))


def test_a_module_that_does_not_run_cannot_be_reinstalled() -> None:
    assert "unknown_module" in refusals(first(), anew())


def test_the_next_bundle_cannot_reinstall_by_leaving_the_key_where_it_stands() -> None:
    assert "wrong_from_schema" in refusals(anew(), with_shelf("3.0.0", 2, 1))


def test_the_effect_names_module_tables_and_coins() -> None:
    declared = [check_bundle(one, chain="tiny", host_release=RELEASE) for one in (with_shelf(), anew())]
    effect = check_upgrade(*declared)
    told = {(one.kind, one.subject, one.detail, one.breaking) for one in effect.changes}
    assert ("module_reinstalled", "shelf", "its data is kept as a backup", True) in told
    assert ("table_reset", "shelf.books", "", True) in told
    assert ("table_reset", "shelf.pots", "coins in coins are burnt", True) in told
    assert effect.breaking
    changes = {change.key: change.new for change in manifest_changes(*(one.manifest for one in declared))}
    assert changes["shelf.reinstall_from"] == "1"
