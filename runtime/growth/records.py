"""One migrating table: its records are made anew in slices, and again whenever they or what they read has changed.

- The source is read in key order from a cursor. A record written later at or below the cursor becomes *dirty*; the
  mark is in the batch of the block that wrote it, so that no crash can lose it.
- Each key of a declared input that a record read, absent ones too, is noted with its reader. A later write to such a
  key marks that *input*; its readers are looked up in slices.
- Dirty records, and readers of changed inputs, are made again in slices; what is left at A is made then.
- A record whose migration fails has no row and a noted failure, which goes when that record later succeeds. Failures
  touch no block; one that is left at A ends the plan.
- Where a migration rekeys, rows stand where `claims` says; all the rest goes by the keys of the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import islice

from runtime.errors import ActivationFailed
from runtime.growth.claims import Claims, Slice
from runtime.growth.tally import Tally
from runtime.migration import NotedReads, RecordMigrator
from storage import record
from storage.blockview import Change
from storage.codec import codec_of
from storage.growing import Generation
from storage.record import Amount, Record, Text
from storage.state import State

DIRTY = b"d"
"""Records to be made again: this letter, then the key."""
CHANGED_INPUT = b"i"
"""Inputs whose readers are to be made again: this letter, then the input's digest."""
READER = b"r"
"""Who read what: this letter, the input's digest, the reader's key."""
FAILURE = b"f"
"""Records that cannot be made: this letter, then the key."""

SideRow = tuple[bytes, bytes | None]


class Failure(Record):
    """Why a record has no successor."""

    code: Text = record.field(1)
    file: Text = record.field(2, default="")
    line: Amount = record.field(3, default=0)
    detail: Text = record.field(4, default="")


FAILURES = codec_of(Failure)


class TableGrowth:
    """The next generation of one table. Belongs to the executor thread."""

    def __init__(self, state: State, migrator: RecordMigrator, tally: Tally, label: bytes) -> None:
        self._state = state
        self._migrator = migrator
        self._tally = tally
        self._growing = state.build_generation(migrator.target, label)
        self._dirty = dict.fromkeys(key for key, _ in self._growing.side_rows(DIRTY))
        self._inputs: dict[bytes, bytes | None] = {key: None for key, _ in self._growing.side_rows(CHANGED_INPUT)}
        """Changed inputs, and how far their readers were made again."""
        self._failures = {key: FAILURES.decode(raw) for key, raw in self._growing.side_rows(FAILURE)}
        self._witness: bytes | None = None
        """A record that the migration changes, if one is known."""
        self._claims = Claims(self._growing, migrator.target, tally, self) if migrator.declaration.rekeys else None
        self._reread = self._growing.cursor is None
        self.done = 0
        """Records of the source that were looked at."""

    @property
    def total(self) -> int:
        """Records of the source."""
        return self._state.count(self._migrator.source.name)

    @property
    def failing(self) -> int:
        """Records that cannot be made as things stand."""
        return len(self._failures)

    @property
    def made(self) -> bool:
        """Whether every record was looked at and none is dirty; changes may make it untrue again."""
        return self._reread and self._growing.complete and not self._dirty and not self._inputs

    def marks(self, changes: Mapping[str, Mapping[bytes, Change]]) -> list[SideRow]:
        """The rows that belong into the batch of a block with these changes."""
        key_of = self._growing.side_key
        return [(key_of(mark), b"") for mark in self._marks(changes)]

    def follow(self, changes: Mapping[str, Mapping[bytes, Change]]) -> None:
        """Note what a block has changed, once it is committed with its marks."""
        for mark in self._marks(changes):
            if mark.startswith(DIRTY):
                self._dirty[mark[1:]] = None
            else:
                self._inputs[mark[1:]] = None

    def step(self, limit: int) -> bool:
        """Do up to ``limit`` records of each kind of work that is due; returns whether any was."""
        if not self._reread:
            return self._read_again(limit)
        worked = self._make_dirty(limit)
        return self._scan(limit) or worked

    def build_tree(self) -> bool:
        """Do a slice of laying the tree out; returns whether there was any to do."""
        return not self._growing.has_tree and (self._growing.build_tree() or self._growing.has_tree)

    def finish(self) -> Generation:
        """The generation, once everything is made; raises ActivationFailed with the failure of the least key, or
        when the migration changes no record at all."""
        if self._failures:
            key = min(self._failures)
            failure = self._failures[key]
            raise ActivationFailed(failure.code, failure.file, failure.line, failure.detail)
        if not self._changes_something():
            where = (self._migrator.declaration.file, self._migrator.declaration.line)
            raise ActivationFailed("migration_changed_nothing", *where, self._migrator.target.name)
        return self._growing.finish()

    def most_readers(self) -> int:
        """How many records at most one row of an input was read by: what a write to it makes anew."""
        width = len(_input("", b""))
        most, before, readers = 0, b"", 0
        for key, _ in self._growing.side_rows(READER):
            readers = readers + 1 if key[:width] == before else 1
            before, most = key[:width], max(most, readers)
        return most

    def has(self, key: bytes) -> bool:
        """Whether a row of the next runtime stands, as far as it is made."""
        return self._growing.read(key) is not None

    def moved(self) -> list[bytes]:
        """Keys whose row came or went since this was asked last, where the migration rekeys; elsewhere none."""
        if self._claims is None:
            return []
        moved, self._claims.moved = list(self._claims.moved), {}
        return moved

    def discard(self) -> None:
        """Give the generation up."""
        self._state.discard_generation(self._growing.number)

    def _marks(self, changes: Mapping[str, Mapping[bytes, Change]]) -> Iterable[bytes]:
        growing = self._growing
        for key in changes.get(self._migrator.source.name, ()):
            if growing.covers(key):
                yield DIRTY + key
        if growing.cursor is not None:
            for table in self._migrator.declaration.reads:
                for key in changes.get(table, ()):
                    yield CHANGED_INPUT + _input(table, key)

    def _read_again(self, limit: int) -> bool:
        """After an interruption the rows of before are read once more, for the sums and the tree."""
        rows = self._growing.reread(limit)
        decode, name = self._migrator.target.codec.decode, self._migrator.target.name
        for key, raw in rows:
            self._tally.add(name, key, decode(raw))
        self.done += len(rows)
        self._reread = len(rows) < limit
        return True

    def _scan(self, limit: int) -> bool:
        growing = self._growing
        if growing.complete:
            return False
        rows = list(islice(self._state.rows(self._migrator.source.name, growing.cursor), limit))
        work = Slice()
        reads = self._reads()
        for key, raw in rows:
            self._make(work, reads, key, raw)
        self.done += len(rows)
        cursor, complete = rows[-1][0] if rows else None, len(rows) < limit
        if self._claims is not None:
            growing.place(work.changes, cursor, complete, work.side.items())
            return True
        made = [(key, value) for key, value in work.changes.items() if value is not None]
        growing.extend(made, cursor, complete, work.side.items())
        return True

    def _make_dirty(self, limit: int) -> bool:
        work = Slice()
        keys = dict.fromkeys(islice(self._dirty, limit))
        work.side.update((DIRTY + key, None) for key in keys)
        for one in list(self._inputs):
            if len(keys) < limit:
                keys |= dict.fromkeys(self._readers(work, one, limit - len(keys)))
        if not work.side and not keys:
            return False
        reads = self._reads()
        for key in keys:
            self._make_again(work, reads, key)
            self._dirty.pop(key, None)
        self._growing.amend(work.changes, work.side.items())
        return True

    def _readers(self, work: Slice, one: bytes, limit: int) -> list[bytes]:
        """The next readers of a changed input; its mark goes with the last of them."""
        after = self._inputs[one]
        rows = self._growing.side_rows(READER + one, after)
        found = [key for key, _ in islice(rows, limit)]
        if len(found) < limit:
            work.side[CHANGED_INPUT + one] = None
            del self._inputs[one]
        else:
            self._inputs[one] = found[-1]
        return found

    def _make_again(self, work: Slice, reads: NotedReads, key: bytes) -> None:
        before = None if self._claims is not None else self._growing.read(key)
        if self._claims is not None:
            self._claims.withdraw(work, key)
        elif before is not None:
            target = self._migrator.target
            self._tally.remove(target.name, key, target.codec.decode(before))
        raw = self._state.row(self._migrator.source.name, key)
        if raw is not None:
            self._make(work, reads, key, raw)
        else:
            self.forget(work, key)
        if before is not None:
            work.changes.setdefault(key, None)

    def _make(self, work: Slice, reads: NotedReads, key: bytes, raw: bytes) -> None:
        """Make one record, or note why it cannot be."""
        reads.noted.clear()
        try:
            place, made, value = self._migrator.migrate(key, raw, reads)
        except ActivationFailed as failed:
            self.forget(work, key)
            self._fail(work, key, failed)
        else:
            self.forget(work, key)
            if self._claims is not None:
                self._claims.claim(work, key, place, made)
            else:
                work.changes[key] = made
                self._tally.add(self._migrator.target.name, key, value)
            if made != raw or place != key:
                self._witness = key
        work.side.update((READER + _input(*read) + key, b"") for read in reads.noted)

    def collide(self, work: Slice, key: bytes, place: bytes) -> None:
        """A record fails because another comes to the same key."""
        self._fail(work, key, self._migrator.collision(key, place))

    def forget(self, work: Slice, key: bytes) -> None:
        """What was known of a record holds no longer."""
        if self._failures.pop(key, None) is not None:
            work.side[FAILURE + key] = None
        if self._witness == key:
            self._witness = None

    def _fail(self, work: Slice, key: bytes, failed: ActivationFailed) -> None:
        failure = Failure(code=failed.reason, file=failed.file, line=failed.line, detail=failed.detail)
        self._failures[key] = failure
        work.side[FAILURE + key] = FAILURES.encode(failure)

    def _changes_something(self) -> bool:
        """Whether any record differs from the old one, in an empty table too; looks for one where none is known."""
        if self._witness is not None or not self.total:
            return True
        made = self._growing.scan()
        for key, raw in self._state.rows(self._migrator.source.name):
            if next(made) != (key, raw):
                self._witness = key
                return True
        return False

    def _reads(self) -> NotedReads:
        return NotedReads(self._state.overlay(), self._migrator.old)


def _input(table: str, key: bytes) -> bytes:
    """The digest under which readers of a row are noted."""
    return sha256(table.encode() + b"\0" + key).digest()
