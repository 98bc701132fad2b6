"""A module's data brought back: by a plan that names a backup, from a file that each node must hold.  # R3.1"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.bundle.archive import Bundle, of_files
from runtime.plans import EXECUTED, FAILED, ROLLED_BACK, SUPERSEDED, HistoryEntry
from runtime.requests import RestoreRequest
from runtime.restoring import RestoreRefused, require_backup
from storage.backup_file import verify_backup
from storage.errors import BackupDamaged, BackupMissing
from storage.module_backup import BackupWriter, adopt, is_held, path_of
from storage.tables import Half
from tests.runtime.reinstall_bundles import LENT, MARK_CALL, MARKED, MARKS, anew, with_shelf
from tests.runtime.story_chain import Story

Make = Callable[..., Story]
OWNER = b"o" * 20
BOOKS = tuple(("shelf.books", (slot,), {"size": slot + 1}) for slot in range(40))
POT = (("shelf.pots", (OWNER,), {"coins": 7}),)


def rows(story: Story, table: str) -> dict[bytes, bytes]:
    return dict(story.state.rows(table))


def reinstalled(story: Story, bundle: Bundle | None = None) -> bytes:
    """Reinstall the shelf, write the file of what it left, and go beyond the window; the backup's digest."""
    entry = story.upgrade(bundle or anew())
    assert entry.kind == EXECUTED, entry
    (digest,) = entry.backups
    write(story, digest)
    beyond_window(story)
    return digest


def write(story: Story, digest: bytes) -> None:
    """Write the file of a backup out of the open window."""
    window, kept = story.coordinator().window(), require_backup(
        story.overlay(), story.chain.library, story.chain.loaded, digest
    )
    assert window is not None
    generations = {entry.name: entry.generation for entry in window.tables}
    view = story.state.view()
    writer = BackupWriter(story.state.home, kept.content, lambda name: view.rows(Half.RUNTIME, generations[name]))
    while writer.step():
        continue


def beyond_window(story: Story) -> None:
    window = story.coordinator().window()
    assert window is not None
    story.blocks_to(window.closes + 1)


def schedule(story: Story, digest: bytes, wait: int = 3) -> int:
    """Schedule a restore; its plan's id."""
    plans: list[int] = []
    request = RestoreRequest(proposal=0, backup=digest, effect=bytes(32), activation=story.height + wait)
    story.block(act=lambda context: plans.append(context.coordinator.schedule_restore(request)))
    return plans[-1]


def restored(story: Story, digest: bytes) -> HistoryEntry:
    """Carry a restore through its height; how it ended."""
    plan = schedule(story, digest)
    story.blocks_to(story.coordinator().plan(plan).activation)
    return story.history(plan)


@pytest.fixture
def shelf(make_story: Make) -> Story:
    """A chain with forty books."""
    return make_story(with_shelf(), BOOKS)


def test_the_data_comes_back_whole_in_the_place_of_what_the_module_holds_now(shelf: Story) -> None:
    before = rows(shelf, "shelf.books")
    root = shelf.state.table_root("shelf.books")
    digest = reinstalled(shelf)
    shelf.block(shelf.ann.call("shelf.put", slot=1, size=99), shelf.ann.call("shelf.put", slot=99, size=99))
    entry = restored(shelf, digest)
    assert (entry.kind, entry.reason, entry.restored) == (EXECUTED, "", digest)
    assert rows(shelf, "shelf.books") == before
    assert shelf.state.table_root("shelf.books") == root
    assert shelf.chain.loaded.version.major == 2
    assert shelf.codes(shelf.ann.call("shelf.put", slot=99, size=1)) == ["ok"]


def test_a_rollback_inside_its_window_brings_back_what_was_there_and_replays(shelf: Story) -> None:
    digest = reinstalled(shelf)
    shelf.block(shelf.ann.call("shelf.put", slot=77, size=99))
    before = rows(shelf, "shelf.books")
    assert restored(shelf, digest).kind == EXECUTED
    shelf.block(shelf.ben.call("shelf.put", slot=78, size=1))
    entry = shelf.roll_back()
    assert (entry.kind, entry.restored) == (ROLLED_BACK, digest)
    after = rows(shelf, "shelf.books")
    assert {key: after[key] for key in before} == before and len(after) == len(before) + 1
    assert shelf.chain.loaded.version.major == 2
    beyond = restored(shelf, digest)  # and once more
    assert beyond.kind == EXECUTED


def test_slices_restarts_and_a_late_file_give_the_same_root(make_story: Make, tmp_path: Path) -> None:
    roots = []
    for way in ("at once", "slices and restarts", "late"):
        story = make_story(with_shelf(), BOOKS)
        digest = reinstalled(story)
        path = path_of(story.state.home, digest)
        if way == "late":
            shutil.move(path, tmp_path / "away")
        schedule(story, digest, wait=6)
        for number in range(4):
            if way == "slices and restarts":
                story.chain.grow(7)
                story.reopen()
            if way == "late":
                assert story.chain.grow(7) == (number > 2), "it waits for the data"
                if number == 2:
                    adopt(story.state.home, tmp_path / "away")
            story.block()
        story.block()
        assert len(rows(story, "shelf.books")) == 40
        roots.append(story.state.head.app_root)
    assert len(set(roots)) == 1


def test_a_node_without_the_data_stops_before_the_height_and_goes_on_with_it(shelf: Story, tmp_path: Path) -> None:
    digest = reinstalled(shelf)
    path = path_of(shelf.state.home, digest)
    shutil.move(path, tmp_path / "away")
    plan = schedule(shelf, digest)
    shelf.block()
    for _ in range(2):
        height = shelf.height
        with pytest.raises(BackupMissing, match="synod backup import"):
            shelf.block()
        shelf.reopen()
        assert shelf.height == height
    adopt(shelf.state.home, tmp_path / "away")
    shelf.block()
    assert shelf.history(plan).kind == EXECUTED


def test_a_damaged_file_stops_the_node_and_never_ends_the_plan(shelf: Story) -> None:
    digest = reinstalled(shelf)
    path = path_of(shelf.state.home, digest)
    whole = path.read_bytes()
    plan = schedule(shelf, digest)
    shelf.block()
    for damaged in (whole[:-20], whole[:-3] + b"abc", whole[:200], b"", b"SYNODMB1"):
        path.write_bytes(damaged)
        with pytest.raises(BackupDamaged, match="synod backup import"):
            shelf.block()
        shelf.reopen()
    path.write_bytes(whole)
    shelf.block()
    assert shelf.history(plan).kind == EXECUTED


def test_a_file_of_other_rows_under_the_right_name_is_found_out_by_its_root(shelf: Story) -> None:
    digest = reinstalled(shelf)
    kept = require_backup(shelf.overlay(), shelf.chain.library, shelf.chain.loaded, digest)
    forged = dict(shelf.state.rows("coins.purses"))
    writer = BackupWriter(shelf.state.home, kept.content, lambda name: iter(sorted(forged.items())))
    while writer.step():
        continue
    with pytest.raises(BackupDamaged):
        verify_backup(path_of(shelf.state.home, digest))
    schedule(shelf, digest)
    shelf.block()
    with pytest.raises(BackupDamaged):
        shelf.block()


def test_coins_come_back_only_for_as_many_as_they_replace(make_story: Make) -> None:
    for hoarded, kind in ((6, FAILED), (7, EXECUTED), (8, FAILED)):
        story = make_story(with_shelf(), (*BOOKS, *POT))
        digest = reinstalled(story, anew(supply=-7 + hoarded, rest=HOARDING.format(coins=hoarded)))
        before = rows(story, "shelf.pots")
        entry = restored(story, digest)
        assert (entry.kind, entry.reason) == (kind, "" if kind == EXECUTED else "coins_not_kept")
        assert story.supply().total == 3 * 1000 + hoarded, "what the pot holds, and three purses"
        assert (rows(story, "shelf.pots") == before) == (kind == FAILED)


HOARDING = '''

@hook("post_upgrade")
def on_arrival(ctx: Context) -> None:
    """Fill another pot."""
    ctx.put(books, 1, Book(size=1))
    ctx.put(pots, ctx.module_address("shelf"), Pot(coins={coins}))
'''


def test_a_rule_that_the_data_breaks_fails_the_plan_and_changes_nothing(make_story: Make) -> None:
    story = make_story(with_shelf(), BOOKS)
    marked = anew(marks=MARKS, rules=MARKED, rest=MARK_CALL)
    digest = reinstalled(story, marked)
    story.block(story.ann.call("shelf.put", slot=99, size=1), story.ann.call("shelf.mark", slot=99, page=1))
    before = rows(story, "shelf.books")
    entry = restored(story, digest)
    assert (entry.kind, entry.reason) == (FAILED, "invariant_broken")
    assert rows(story, "shelf.books") == before


def test_a_new_optional_field_fits_and_a_required_one_does_not(make_story: Make) -> None:
    story = make_story(with_shelf(), BOOKS)
    digest = reinstalled(story, anew(book_field=LENT))
    assert restored(story, digest).kind == EXECUTED
    assert story.row("shelf.books", 3).lent == 0


def test_what_cannot_come_back_is_refused_with_its_reason(make_story: Make) -> None:
    story = make_story(with_shelf(), BOOKS)
    overlay, library = story.overlay(), story.chain.library
    with pytest.raises(RestoreRefused) as unknown:
        require_backup(overlay, library, story.chain.loaded, bytes(32))
    assert unknown.value.code == "unknown_backup"
    files = dict(anew(book_field="lent: Amount = field(2)").files)
    source = files["shelf.py"].replace(b"Book(size=size)", b"Book(size=size, lent=0)")
    entry = story.upgrade(of_files({**files, "shelf.py": source}))
    with pytest.raises(RestoreRefused, match=r"field_required shelf\.books\.lent") as misfit:
        require_backup(story.overlay(), library, story.chain.loaded, entry.backups[0])
    assert misfit.value.code == "backup_does_not_fit"
    plan = schedule(story, entry.backups[0])
    story.blocks_to(story.coordinator().plan(plan).activation)
    assert (story.history(plan).kind, story.history(plan).reason) == (FAILED, "backup_does_not_fit")


def test_a_restore_that_waits_is_superseded_when_its_runtime_goes(shelf: Story) -> None:
    entry = shelf.upgrade(anew())
    write(shelf, entry.backups[0])
    plan = schedule(shelf, entry.backups[0])
    shelf.roll_back()
    shelf.blocks_to(shelf.coordinator().plan(plan).activation)
    assert shelf.history(plan).kind == SUPERSEDED


def test_a_file_is_the_same_whoever_writes_it(make_story: Make) -> None:
    files = []
    for growing in (3, 1000):
        story = make_story(with_shelf(), BOOKS)
        story.schedule(anew(), story.height + 3)
        story.chain.grow(growing)
        story.block()
        story.block()
        digest = story.history(1).backups[0]
        write(story, digest)
        assert is_held(story.state.home, digest)
        files.append(path_of(story.state.home, digest).read_bytes())
    assert files[0] == files[1]
    assert verify_backup(path_of(story.state.home, digest)).content.digest == digest
