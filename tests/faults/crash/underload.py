"""Checkpoints taken while another thread commits: each opens, and holds exactly the rows of its commit."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from storage.checkpoint import Checkpoint, create
from storage.engine import Engine
from storage.errors import StorageError
from storage.headfile import Head, settle_head, write_head
from storage.home import Home
from storage.restore import open_copy
from storage.rows import META_KEY
from tests.storage.small_home import Rows, head_of, new_home

BUFFER = 64 << 10
"""LevelDB's smallest: every fifth commit begins a log."""
ROWS = 10
LENGTH = 1_200


def rows_of(commit: int) -> Rows:
    """What a commit writes: few rows and long ones, so that files come and go."""
    rows = {
        b"t%03d" % ((commit * 13 + number) % 300): (b"%d/%d " % (commit, number)).ljust(LENGTH, b".")
        for number in range(ROWS)
    }
    return {**rows, META_KEY: head_of(commit).to_bytes()}


class Writer:
    """Commits on a thread of its own, in a home with the smallest buffer, until it is stopped."""

    def __init__(self, root: Path) -> None:
        self.home, self.engine = new_home(root, BUFFER)
        self.reached = 0
        self._stop = threading.Event()
        self._moved = threading.Condition()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def wait_for(self, commit: int) -> None:
        """Until a commit was made; raises what stopped the writer."""
        with self._moved:
            self._moved.wait_for(lambda: self.reached >= commit or self._failure is not None)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self.engine.close()

    def _write(self) -> None:
        try:
            while not self._stop.is_set():
                commit = self.reached + 1
                self.engine.write(rows_of(commit).items(), sync=True)
                write_head(self.home.head_file, head_of(commit))
                with self._moved:
                    self.reached += 1
                    self._moved.notify_all()
        except BaseException as error:
            with self._moved:
                self._failure = error
                self._moved.notify_all()


def checkpoints_under_load(count: int, folder: Path, progress: Callable[[int, int], None]) -> tuple[int, list[str]]:
    """Take so many checkpoints, or until interrupted, then look at each; how many, and what is wrong with any."""
    writer = Writer(folder / "home")
    made: list[Checkpoint] = []
    try:
        with suppress(KeyboardInterrupt):
            for taken in range(1, count + 1):
                writer.wait_for(writer.reached + 1)
                made.append(create(writer.home, "under load", writer.engine))
                progress(taken, 0)
    finally:
        writer.stop()
    rows: Rows = {}
    wrong: list[str] = []
    known = 0
    for one in made:
        for commit in range(known + 1, one.head.commit + 1):
            rows |= rows_of(commit)
        known = one.head.commit
        try:
            head, found = _read(open_copy(one, folder / "copy"))
        except StorageError as error:
            wrong.append(str(error))
        else:
            expected = rows if head == one.head else rows | rows_of(known + 1)
            if head.commit - known not in (0, 1) or found != expected:
                wrong.append(f"the checkpoint of commit {known} holds other rows")
        shutil.rmtree(folder / "copy", ignore_errors=True)
    return len(made), wrong


def _read(home: Home) -> tuple[Head, Rows]:
    engine = Engine.open(home.database)
    try:
        rows = dict(engine.iterate(None, None))
        return settle_head(home.head_file, Head.from_bytes(rows[META_KEY])), rows
    finally:
        engine.close()
