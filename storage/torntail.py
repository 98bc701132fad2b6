"""Opening a database whose last writes reached the disk with a gap.

A disk may write the sectors of one unsynced write in any order. When the power goes, the end of a log can then hold a
later sector and lack an earlier one. LevelDB calls that corruption, as it must: it cannot know where the synced part
ends. The head file does. So a database that does not open is tried without its torn tail:

- Each log, and the MANIFEST, is cut before its first record that is not whole or leaves a gap in the sequence. A last
  edit of the MANIFEST whose files did not reach the disk with it is taken back first (`storage.levelfiles.find_whole`).
- That is done on a copy first. The copy must open, and stand at the head file's commit with its roots.
- Only then are the files themselves cut, each in one step; a crash between two of them leaves a database that is cut
  at the next start.

Anything else is real damage and stays StoreDamaged, with every file as it was: where acknowledged bytes are wrong,
cutting them away takes the head with them.
"""

import logging
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from storage.durable import cut_file, link_or_copy, sync_directory
from storage.engine import Engine
from storage.errors import HeadDamaged, HeadMismatch, HeadMissing, StoreDamaged, StoreMissing
from storage.faults import fault_of
from storage.headfile import read_head
from storage.home import Home
from storage.levelfiles import Files, after_batch, before_last_edit, files_of, read_manifest, table_path
from storage.logrecords import Unreadable, located

Stands = Callable[[Home, Engine], object]
"""Holds an open database to the head file of its home, and raises StoreDamaged, HeadMissing, HeadDamaged or
HeadMismatch where they do not agree."""

_OF_CONTENT = (StoreDamaged, StoreMissing, HeadMissing, HeadDamaged, HeadMismatch)
"""Faults that tell of the files; a full or failing disk tells nothing about them."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A file, how many of its bytes are kept, and how many are not."""

    file: Path
    kept: int
    lost: int


def open_database(home: Home, stands: Stands, *, cache_bytes: int, buffer_bytes: int) -> Engine:
    """Open the database of a locked home, without a torn tail if that is all that is wrong with it.

    Raises StoreMissing, StoreDamaged, StoreLocked, DiskFull, DiskError.
    """
    try:
        return Engine.open(home.database, cache_bytes=cache_bytes, buffer_bytes=buffer_bytes)
    except StoreDamaged as damage:
        cuts = _cuts_that_mend(home, stands)
        if not cuts:
            raise
        for cut in cuts:
            cut_file(cut.file, cut.kept)
            _tell(cut, damage)
    return Engine.open(home.database, cache_bytes=cache_bytes, buffer_bytes=buffer_bytes)


def _cuts_that_mend(home: Home, stands: Stands) -> list[Cut]:
    """What to cut so that the database opens and stands where the head file says; nothing where that does not help."""
    copy = Home(home.mending)
    try:
        try:
            files, cuts = _torn(home)
            _place(home, copy, files, cuts)
            _require(copy, stands)
        except _OF_CONTENT:
            cuts = []
        finally:
            _remove(copy)
    except OSError as error:
        raise fault_of(copy.root, error) from error
    return cuts


def _require(copy: Home, stands: Stands) -> None:
    engine = Engine.open(copy.database)
    try:
        stands(copy, engine)
    finally:
        engine.close()


def _torn(home: Home) -> tuple[Files, list[Cut]]:
    """The files of a database without what is torn, and the cuts that make them so."""
    acknowledged = read_head(home.head_file).to_bytes()
    name, raw = read_manifest(home.database)
    ends = [0]
    with suppress(Unreadable):
        ends += (record.end for record in located(raw, checked_from=0))
    files = files_of(home.database, name, raw[: ends[-1]])
    files = before_last_edit(home.database, files) or files
    kept = len(files.manifest_bytes)
    cuts = [Cut(home.database / name, kept, len(raw) - kept)]
    due = files.version.last_sequence + 1
    for log in files.logs:
        raw, end = log.read_bytes(), 0
        with suppress(Unreadable):
            # Up to the head's own batch LevelDB finds what is wrong, when it opens the copy, and faster.
            for record in located(raw, checked_from=raw.rfind(acknowledged)):
                due, end = after_batch(record.content, due), record.end
        cuts.append(Cut(log, end, len(raw) - end))
    return files, [cut for cut in cuts if cut.lost]


def _place(home: Home, copy: Home, files: Files, cuts: list[Cut]) -> None:
    """Make the copy; it need not outlive this start, so nothing of it is synced."""
    _remove(copy)
    copy.database.mkdir(parents=True)
    kept = {cut.file: cut.kept for cut in cuts}
    for number, _ in files.version.tables:
        table = table_path(home.database, number)
        with suppress(FileNotFoundError):  # it is missing in the copy too, and opening that tells what it means
            link_or_copy(table, copy.database / table.name)
    for file in (home.database / "CURRENT", home.database / files.manifest, *files.logs):
        (copy.database / file.name).write_bytes(file.read_bytes()[: kept.get(file)])
    shutil.copyfile(home.head_file, copy.head_file)


def _remove(copy: Home) -> None:
    """Remove the copy, durably: where nothing is torn, no start looks for one that a power loss brought back."""
    if copy.root.exists():
        shutil.rmtree(copy.root)
        sync_directory(copy.root.parent)


def _tell(cut: Cut, damage: StoreDamaged) -> None:
    log = structlog.wrap_logger(logging.getLogger("storage"))
    log.warning("torn_tail_cut", file=cut.file.name, kept_bytes=cut.kept, cut_bytes=cut.lost, because=damage.detail)
