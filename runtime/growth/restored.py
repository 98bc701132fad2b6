"""One table that gets the rows of a backup: the same work as a migration's, from a file instead of the table.

What the table holds now goes, whatever it is, so a block's writes to it need not be followed. A node that does not hold
the data waits with this, and with all that is counted from it, until it does; at A that stops the node (BackupMissing),
and so does a file that does not give the root that the chain knows (BackupDamaged). Neither ever ends the plan: every
node has the same data, or stops.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from runtime.growth.records import SideRow
from runtime.growth.tally import Tally
from storage.backup_file import BackedTable
from storage.blockview import Change
from storage.errors import BackupDamaged, GenerationInvalid, RecordFault
from storage.growing import SLICE_ROWS, Generation
from storage.module_backup import find_backup, is_held, path_of
from storage.scan import Row
from storage.state import State
from storage.tables import Table


class RestoredTable:
    """The next generation of one table. Belongs to the executor thread."""

    failing = 0
    """None: rows of a backup are taken as they are, or the file is at fault."""

    def __init__(
        self, state: State, table: Table[Any], backed: BackedTable, digest: bytes, tally: Tally, label: bytes
    ) -> None:
        self._state = state
        self._table = table
        self._backed = backed
        self._digest = digest
        self._tally = tally
        self._growing = state.build_generation(table, label)
        self._rows: Iterator[Row] | None = None
        self._reread = self._growing.cursor is None
        self.done = 0
        """Rows of the backup that were looked at."""

    @property
    def total(self) -> int:
        """Rows of the backup."""
        return self._backed.rows

    @property
    def made(self) -> bool:
        """Whether every row is there."""
        return self._reread and self._growing.complete

    @property
    def waits(self) -> bool:
        """Whether this node lacks the data."""
        return not self._growing.complete and not is_held(self._state.home, self._digest)

    def marks(self, changes: Mapping[str, Mapping[bytes, Change]]) -> list[SideRow]:
        """None: what a block writes to the table goes with it."""
        return []

    def follow(self, changes: Mapping[str, Mapping[bytes, Change]]) -> None:
        """Nothing to note."""

    def step(self, limit: int) -> bool:
        """Take in up to ``limit`` rows; returns whether there were any to take. Raises BackupMissing, BackupDamaged and
        faults of the disk."""
        try:
            return self._step(limit)
        except (GenerationInvalid, RecordFault) as wrong:
            raise self._damaged(str(wrong)) from wrong

    def build_tree(self) -> bool:
        """Do a slice of laying the tree out; returns whether there was any to do."""
        return not self._growing.has_tree and (self._growing.build_tree() or self._growing.has_tree)

    def finish(self) -> Generation:
        """The generation, once every row is there. Raises BackupMissing, BackupDamaged and faults of the disk."""
        while not self.made:
            self.step(SLICE_ROWS)
        made = self._growing.finish()
        if made.root != self._backed.root:
            raise self._damaged(f"the rows of {self._table.name} do not give its root")
        return made

    def has(self, key: bytes) -> bool:
        """Whether a row stands, as far as it is made."""
        return self._growing.read(key) is not None

    def moved(self) -> list[bytes]:
        """None: the audit begins when all rows are there, and none goes then."""
        return []

    def discard(self) -> None:
        """Give the generation up."""
        self._state.discard_generation(self._growing.number)

    def _step(self, limit: int) -> bool:
        growing = self._growing
        if not self._reread:
            rows = growing.reread(limit)
            self._reread = len(rows) < limit
            self._count(rows)
            return True
        if growing.complete:
            return False
        if self._rows is None:
            self._rows = find_backup(self._state.home, self._digest).rows(self._table.name, growing.cursor)
        rows = list(islice(self._rows, limit))
        growing.extend(rows, rows[-1][0] if rows else None, complete=len(rows) < limit)
        self._count(rows)
        return True

    def _count(self, rows: list[Row]) -> None:
        decode, name = self._table.codec.decode, self._table.name
        for key, raw in rows:
            self._tally.add(name, key, decode(raw))
        self.done += len(rows)

    def _damaged(self, why: str) -> BackupDamaged:
        """What to raise when the file is at fault; nothing that came of it stays."""
        self.discard()
        return BackupDamaged(path_of(self._state.home, self._digest), why)
