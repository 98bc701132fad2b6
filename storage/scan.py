"""Ranges of rows, read so that damage is never taken for the end.

LevelDB skips a block that it cannot read and keeps the error for whoever asks. plyvel's plain iterators do not ask
where a scan begins or ends: a range wholly inside a damaged block looks empty, backwards. Its raw iterators ask at
each step, and cost no more.
"""

from collections.abc import Generator, Iterator
from typing import Any

Row = tuple[bytes, bytes]
"""Key and value."""


def scan(source: Any, start: bytes | None, stop: bytes | None, reverse: bool) -> Generator[Row, None, None]:
    """Rows with start <= key < stop of a database or snapshot in key order, or backwards; None is open-ended."""
    cursor = source.raw_iterator(verify_checksums=True)
    try:
        if reverse:
            yield from _backward(cursor, start, stop)
        else:
            yield from _forward(cursor, start, stop)
    finally:
        cursor.close()


def _forward(cursor: Any, start: bytes | None, stop: bytes | None) -> Iterator[Row]:
    if start is None:
        cursor.seek_to_first()
    else:
        cursor.seek(start)
    valid, item, following = cursor.valid, cursor.item, cursor.next
    while valid():
        row: Row = item()
        if stop is not None and row[0] >= stop:
            return
        yield row
        following()


def _backward(cursor: Any, start: bytes | None, stop: bytes | None) -> Iterator[Row]:
    if stop is None:
        cursor.seek_to_last()
    else:
        cursor.seek(stop)
        if cursor.valid():
            cursor.prev()
        else:
            cursor.seek_to_last()
    valid, item, before = cursor.valid, cursor.item, cursor.prev
    while valid():
        row: Row = item()
        if start is not None and row[0] < start:
            return
        yield row
        before()
