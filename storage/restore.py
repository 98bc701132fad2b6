"""Going back to a checkpoint, or working on a copy of one.

A checkpoint itself is never opened: LevelDB writes into what it opens. A copy shares the sorted files, which nobody
changes. A restore builds that copy aside and renames it to `restored`; from then on it will happen, now or when the
home is next locked (`Home.lock`). What it replaces is kept in `replaced` until the next restore, and can be restored
like a checkpoint.

The last-signed record stays as it is, so a restored home cannot sign again what it signed before.
"""

import shutil
from pathlib import Path

from storage.checkpoint import Checkpoint, bytes_below, genesis_digest
from storage.durable import sync_directory
from storage.engine import PAST_THE_END, Engine
from storage.errors import (
    CheckpointDamaged,
    CheckpointForeign,
    HeadDamaged,
    HeadMismatch,
    StoreDamaged,
    StoreMissing,
)
from storage.faults import fault_of
from storage.headfile import Head, create_head, read_head, settle_head
from storage.home import Home
from storage.levelfiles import check_files
from storage.placing import place_database
from storage.readprogress import ReadProgress, Told, untold
from storage.rows import META_KEY

_NOT_OF_THIS_MACHINE = (StoreDamaged, StoreMissing, HeadDamaged, HeadMismatch, ValueError)
"""Faults that tell of the copied files; a full or failing disk tells nothing about them."""


def open_copy(checkpoint: Checkpoint, root: Path) -> Home:
    """A new home in `root` (missing or empty) that stands at the checkpoint, for a rehearsal or a look inside.

    It has no key and no last-signed record. Raises CheckpointDamaged, HomeNotEmpty, DiskFull, DiskError.
    """
    home = Home.create(root)
    try:
        _place(checkpoint, home.root)
        if checkpoint.genesis_file.exists():
            shutil.copyfile(checkpoint.genesis_file, home.genesis_file)
    except OSError as error:
        raise fault_of(root, error) from error
    return home


def open_copy_of_running(home: Home, root: Path) -> tuple[Home, Head]:
    """A new home in `root` (missing or empty) that stands at the last height on `home`'s disk, with that head.

    Whether another process has `home` open makes no difference: it is only read. The copy has no genesis file, no key
    and no last-signed record. Its head is the one that its own database holds, because the head file may tell of a
    commit before or after it. Raises HomeNotEmpty, CheckpointUnstable, StoreMissing, StoreDamaged, DiskFull, DiskError.
    """
    copy = Home.create(root)
    try:
        copy.database.mkdir()
        place_database(home.database, copy.database)
        head = Head.from_bytes(_recorded(copy))
        create_head(copy.head_file, head)
    except OSError as error:
        raise fault_of(root, error) from error
    except ValueError as error:
        raise StoreDamaged(home.database, str(error)) from error
    return copy, head


def verify(checkpoint: Checkpoint, scratch: Path, told: Told = untold) -> Head:
    """Open a copy in `scratch` (missing or empty; removed afterwards), read every row, and compare the head; `told`
    hears how far that is.

    Raises CheckpointDamaged, or DiskFull or DiskError if this machine cannot hold or read the copy.
    """
    try:
        return _read_through(open_copy(checkpoint, scratch), told)
    except _NOT_OF_THIS_MACHINE as fault:
        raise CheckpointDamaged(checkpoint.path, str(fault)) from fault
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def restore(checkpoint: Checkpoint, home: Home, *, same_chain: bool = True, told: Told = untold) -> Head:
    """Put a home back to a checkpoint, whatever state its database is in; no other process may have it open. `told`
    hears how far its check is, which is the longest part.

    With `same_chain` a checkpoint of a chain with another genesis is refused. A crash leaves the home as it was or
    completely restored. Raises CheckpointForeign, CheckpointDamaged, StoreLocked, DiskFull, DiskError.
    """
    if same_chain:
        _check_chain(checkpoint, home)
    with home.lock():
        building = home.root / "restoring"
        shutil.rmtree(building, ignore_errors=True)
        verify(checkpoint, building, told)
        try:
            building.mkdir()
            _place(checkpoint, building)
            if checkpoint.genesis_file.exists() and not home.genesis_file.exists():
                shutil.copyfile(checkpoint.genesis_file, home.genesis_file)
            building.rename(home.restored)
            sync_directory(home.root)
        except OSError as error:
            raise fault_of(home.root, error) from error
        home.finish_restore()
    return checkpoint.head


def replaced_of(home: Home) -> Checkpoint:
    """What the last restore replaced, to be gone back to; raises HeadMissing where there is none, HeadDamaged."""
    head = read_head(Home(home.replaced).head_file)
    size = bytes_below(home.replaced)
    made_at = home.replaced.stat().st_mtime_ns
    return Checkpoint(home.replaced, head, genesis_digest(home.genesis_file), "replaced by a restore", size, made_at)


def _read_through(home: Home, told: Told) -> Head:
    engine = Engine.open(home.database)
    try:
        progress = ReadProgress(engine, ((b"", PAST_THE_END),), told)
        for _ in progress.through(b"", engine.iterate(None, None)):
            pass
    finally:
        engine.close()
    return settle_head(home.head_file, Head.from_bytes(_recorded(home)))


def _recorded(home: Home) -> bytes:
    """The head that a database holds."""
    engine = Engine.open(home.database)
    try:
        recorded = engine.get(META_KEY)
    finally:
        engine.close()
    if recorded is None:
        raise StoreDamaged(home.database, "it holds no head")
    return recorded


def _check_chain(checkpoint: Checkpoint, home: Home) -> None:
    ours = genesis_digest(home.genesis_file)
    if ours and ours != checkpoint.genesis:
        raise CheckpointForeign(checkpoint.path, checkpoint.genesis[:16] or "of no genesis", ours[:16])


def _place(checkpoint: Checkpoint, folder: Path) -> None:
    try:
        check_files(checkpoint.database)
        (folder / "database").mkdir()
        place_database(checkpoint.database, folder / "database")
    except (StoreDamaged, StoreMissing) as fault:
        raise CheckpointDamaged(checkpoint.path, str(fault)) from fault
    create_head(folder / "head", checkpoint.head)
    sync_directory(folder)
