"""The files of module backups that this node writes: each while the rollback window of its reinstall is open.

Until the window closes, the database keeps the tables that were left behind. From them the file is written, a chunk
after each block, all that is left of it when the window is about to close, and anew after a restart that cut it short.
So no block waits for it, and whatever happened before the window closed, the file is there when it has. A node that
joined later has none, and takes another's (`synod backup import`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from node.logs import logger
from runtime.module_backups import BACKUPS, KeptBackup
from runtime.plans import HISTORY, WINDOW, Reader, Window
from storage.home import Home
from storage.module_backup import BackupWriter, is_held
from storage.scan import Row
from storage.state import State
from storage.tables import Half
from storage.view import CommittedView


class BackupKeeper:
    """Writes what is missing. Belongs to the executor thread."""

    def __init__(self, home: Home, state: State) -> None:
        self._home = home
        self._state = state
        self._writer: BackupWriter | None = None
        self._due = True
        """Something may be missing; it is looked for at each start and when a window opens."""
        self._log = logger("node.module_backups")

    def follow(self, opened: bool) -> None:
        """Hear of a block, and whether an upgrade took effect in it; write all that is left when its window is about to
        close. Raises DiskFull, DiskError."""
        if opened:
            self.close()
            self._due = True
        elif self._due:
            window = self._state.view().get(WINDOW, ())
            if window is None:
                self.close()
                self._due = False
            elif self._state.height >= window.closes:
                self.finish()

    def step(self) -> bool:
        """Write a chunk; returns whether there is more to do. Raises DiskFull, DiskError."""
        if not self._due:
            return False
        view = self._state.view()
        window = view.get(WINDOW, ())
        if window is None:
            self.close()
        elif self._writer is None:
            self._writer = self._next(view, window)
        if self._writer is None:
            self._due = False
        elif not self._writer.step():
            self._log.info("module_backup", path=str(self._writer.target))
            self._writer = None
        return self._due

    def finish(self) -> None:
        """Write all that is missing. Raises DiskFull, DiskError."""
        while self.step():
            continue

    def close(self) -> None:
        """Stop; what is not whole is written anew."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _next(self, view: CommittedView, window: Window) -> BackupWriter | None:
        lacking = missing(self._home, view, window)
        return BackupWriter(self._home, lacking[0].content, _left_behind(view, window)) if lacking else None


def missing(home: Home, reader: Reader, window: Window) -> tuple[KeptBackup, ...]:
    """What the upgrade of an open window has left behind and this home has no file of."""
    executed = reader.get(HISTORY, (window.activation, window.plan))
    assert executed is not None, "a window is opened by an upgrade that took effect"
    return tuple(reader.get(BACKUPS, (digest,)) for digest in executed.backups if not is_held(home, digest))


def _left_behind(view: CommittedView, window: Window) -> Callable[[str], Iterator[Row]]:
    """The rows of A - 1 by table, as long as the window keeps them."""
    generations = {entry.name: entry.generation for entry in window.tables}
    return lambda name: view.rows(Half.RUNTIME, generations[name])


def known_backups(home: Home) -> dict[str, dict[str, Any]]:
    """What the home's manifest says that its chain knows, by digest; nothing where there is no manifest yet, or
    none that can be read."""
    try:
        document = json.loads(home.manifest_file.read_text("ascii"))
        return {str(one["backup"]): dict(one) for one in document["backups"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
