"""The block log: what happened at each height, as rows beside the state and outside its trees.

| letter | key after ``l`` and it | value                                                    |
|--------|------------------------|----------------------------------------------------------|
| ``b``  | u64 height             | the block as its maker encoded it                        |
| ``r``  | u64 height             | receipts in the order of the block                       |
| ``s``  | u64 height, u32 place  | second receipt, written when the height was replayed     |
| ``j``  | u64 height             | journal                                                  |
| ``u``  | u64 height             | undo rows: table, key, bytes before or nil               |
| ``c``  | u64 height             | signatures under the block; a shared sync signs only its last block |
| ``i``  | u64 height             | ids of the transactions in order, so that pruning finds them |
| ``t``  | transaction id         | u64 height, u32 place                                    |

What blocks, receipts and journals say is for those who write them; here they are bytes. The rows of a block are
written in its own batch, and a pruned height loses all of them in one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from storage.errors import HeightUnknown
from storage.rows import LOG_PREFIX, after_prefix

Rows = list[tuple[bytes, bytes | None]]
"""Rows to write; None deletes."""

UndoRow = tuple[str, bytes, bytes | None]
"""Table, key bytes, and the row's bytes before the block, None if there was none."""

BLOCK, RECEIPTS, SECOND, JOURNAL, UNDO, COMMIT, IDS, PLACE = (
    LOG_PREFIX + letter for letter in (b"b", b"r", b"s", b"j", b"u", b"c", b"i", b"t")
)

WHOLE_BLOCK = (BLOCK, RECEIPTS, SECOND, JOURNAL, UNDO, COMMIT, IDS)
"""Everything of a height; the places of its transactions go with their ids."""
ROLLBACK_ONLY = (JOURNAL, UNDO)
"""What serves nothing but a rollback, and goes once the window has closed."""

_PLACE = struct.Struct(">QI")
_encode = msgspec.msgpack.Encoder().encode
_many_bytes = msgspec.msgpack.Decoder(list[bytes]).decode
_many_undo = msgspec.msgpack.Decoder(list[UndoRow]).decode


class Source(Protocol):
    """Where rows are read from: a view's snapshot, or the executor's rows."""

    def get(self, key: bytes) -> bytes | None:
        """The value of a row."""

    def iterate(self, start: bytes, stop: bytes, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Rows with ``start <= key < stop``."""


def block_rows(
    height: int,
    block: bytes,
    receipts: Sequence[bytes] = (),
    transactions: Sequence[bytes] = (),
    journal: bytes = b"",
    undo: Sequence[UndoRow] = (),
) -> Rows:
    """The rows of one block. ``transactions`` are the ids, in the order of the receipts; what is empty has no row."""
    at = _height(height)
    rows: Rows = [(BLOCK + at, block)]
    if receipts:
        rows.append((RECEIPTS + at, _encode(receipts)))
    if journal:
        rows.append((JOURNAL + at, journal))
    if undo:
        rows.append((UNDO + at, _encode(undo)))
    if transactions:
        rows.append((IDS + at, _encode(transactions)))
        rows += [(PLACE + txid, _PLACE.pack(height, place)) for place, txid in enumerate(transactions)]
    return rows


def second_receipt_row(height: int, place: int, receipt: bytes) -> tuple[bytes, bytes | None]:
    """The row of what became of an item when its height was replayed, at the place of its first receipt."""
    return SECOND + _PLACE.pack(height, place), receipt


def commit_row(height: int, signatures: bytes) -> tuple[bytes, bytes | None]:
    """The row of the signatures under a block; written at the latest with the block after it."""
    return COMMIT + _height(height), signatures


@dataclass(frozen=True, slots=True)
class BlockLog:
    """The log as one source shows it."""

    source: Source

    def first(self) -> int | None:
        """The lowest height stored, or None."""
        return self._end(reverse=False)

    def last(self) -> int | None:
        """The highest height stored, or None."""
        return self._end(reverse=True)

    def block(self, height: int) -> bytes:
        """The block; raises HeightUnknown."""
        raw = self.source.get(BLOCK + _height(height))
        if raw is None:
            raise HeightUnknown(height, self.first() or 0, self.last() or 0)
        return raw

    def blocks(self, start: int, stop: int, reverse: bool = False) -> Iterator[tuple[int, bytes]]:
        """Stored blocks with ``start <= height < stop``, upwards or downwards."""
        for key, raw in self.source.iterate(BLOCK + _height(start), BLOCK + _height(stop), reverse=reverse):
            yield int.from_bytes(key[len(BLOCK) :], "big"), raw

    def heights(self, kind: bytes, reverse: bool = False) -> Iterator[int]:
        """Heights that have a row of this kind, upwards or downwards; one with several is named for each."""
        skip = len(kind)
        for key, _ in self.source.iterate(kind, after_prefix(kind), reverse=reverse):
            yield int.from_bytes(key[skip : skip + 8], "big")

    def receipts(self, height: int) -> list[bytes]:
        """The receipts of a block in order."""
        return self._many(RECEIPTS, height)

    def transactions(self, height: int) -> list[bytes]:
        """The ids of a block's transactions in order."""
        return self._many(IDS, height)

    def second_receipts(self, height: int) -> dict[int, bytes]:
        """Receipts of the replay of a height, by their place."""
        place = SECOND + _height(height)
        return {_PLACE.unpack(k[len(SECOND) :])[1]: raw for k, raw in self.source.iterate(place, after_prefix(place))}

    def second_receipt(self, height: int, place: int) -> bytes | None:
        """The receipt of one replayed item, or None."""
        return self.source.get(SECOND + _PLACE.pack(height, place))

    def commit(self, height: int) -> bytes | None:
        """The signatures under a block, or None for one that shared a later block's sync."""
        return self.source.get(COMMIT + _height(height))

    def journal(self, height: int) -> bytes | None:
        """The journal of a height, or None."""
        return self.source.get(JOURNAL + _height(height))

    def undo(self, height: int) -> list[UndoRow]:
        """What the height's runtime rows were before it."""
        raw = self.source.get(UNDO + _height(height))
        return [] if raw is None else _many_undo(raw)

    def locate(self, transaction: bytes) -> tuple[int, int] | None:
        """Height and place of a transaction, or None."""
        raw = self.source.get(PLACE + transaction)
        return None if raw is None else _PLACE.unpack(raw)

    def prune(self, below: int, limit: int, kinds: Iterable[bytes] = WHOLE_BLOCK) -> Rows:
        """Rows that delete these kinds for the lowest heights below one, at most ``limit`` rows and whole heights
        (one height at least); empty when there is nothing left to prune."""
        kinds = tuple(kinds)
        gone: Rows = []
        for height in self._heights(below, kinds):
            rows = self._rows_of(height, kinds)
            if gone and len(gone) + len(rows) > limit:
                break
            gone += rows
        return gone

    def _heights(self, below: int, kinds: Sequence[bytes]) -> Iterator[int]:
        height = 0
        while True:
            ahead = [self._next_height(kind, height, below) for kind in kinds]
            found = [at for at in ahead if at is not None]
            if not found:
                return
            yield min(found)
            height = min(found) + 1

    def _next_height(self, kind: bytes, start: int, below: int) -> int | None:
        if start >= below:
            return None
        item = next(iter(self.source.iterate(kind + _height(start), kind + _height(below))), None)
        return None if item is None else int.from_bytes(item[0][len(kind) : len(kind) + 8], "big")

    def _rows_of(self, height: int, kinds: Sequence[bytes]) -> Rows:
        rows: Rows = []
        for kind in kinds:
            place = kind + _height(height)
            rows += [(key, None) for key, _ in self.source.iterate(place, after_prefix(place))]
        if IDS in kinds:
            rows += [(PLACE + txid, None) for txid in self.transactions(height) if self._is_at(txid, height)]
        return rows

    def _is_at(self, transaction: bytes, height: int) -> bool:
        found = self.locate(transaction)
        return found is not None and found[0] == height

    def _many(self, kind: bytes, height: int) -> list[bytes]:
        raw = self.source.get(kind + _height(height))
        return [] if raw is None else _many_bytes(raw)

    def _end(self, reverse: bool) -> int | None:
        item = next(iter(self.source.iterate(BLOCK, after_prefix(BLOCK), reverse=reverse)), None)
        return None if item is None else int.from_bytes(item[0][len(BLOCK) :], "big")


def log_rows_from(source: Source, first: int, last: int) -> Iterator[tuple[bytes, bytes]]:
    """The log rows of the heights ``first`` to ``last`` that are equal on all nodes, for a snapshot: all but the
    signatures, of which each node may have others. In one order, kind by kind."""
    for kind in sorted(set(WHOLE_BLOCK) - {COMMIT}):
        yield from source.iterate(kind + _height(first), kind + _height(last + 1))
    for height in range(first, last + 1):
        for place, txid in enumerate(BlockLog(source).transactions(height)):
            yield PLACE + txid, _PLACE.pack(height, place)


def _height(height: int) -> bytes:
    return height.to_bytes(8, "big")
