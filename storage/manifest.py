"""What the edits in a MANIFEST add up to: which sorted files make up a LevelDB database, and where its logs begin.

An edit is a run of tagged fields. Numbers are varints; texts have their length before them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from storage.logrecords import Unreadable

_COMPARATOR, _LOG_NUMBER, _NEXT_FILE, _LAST_SEQUENCE, _COMPACT_POINTER = 1, 2, 3, 4, 5
_DELETED_FILE, _NEW_FILE, _PREVIOUS_LOG = 6, 7, 9


@dataclass(frozen=True, slots=True)
class Version:
    """What a MANIFEST adds up to: sorted files by number with their sizes, and where the logs begin."""

    tables: tuple[tuple[int, int], ...]
    """(number, bytes), by number."""
    log_number: int
    """The oldest log that still counts; 0 before the first."""
    next_file: int
    """The number that the next file gets."""
    last_sequence: int
    """The last sequence given out when the newest edit was written."""


def add_up(edits: Iterable[bytes], before: Version | None = None) -> Version:
    """The version that edits make of an empty one, or of ``before``; raises Unreadable. An edit that is in ``before``
    already changes nothing when it comes again."""
    start = before or Version((), 0, 0, 0)
    tables = dict(start.tables)
    log_number, next_file, last_sequence = start.log_number, start.next_file, start.last_sequence
    for edit in edits:
        reader = _Reader(edit)
        while reader.more():
            tag = reader.varint()
            if tag == _LOG_NUMBER:
                log_number = reader.varint()
            elif tag == _NEXT_FILE:
                next_file = reader.varint()
            elif tag == _LAST_SEQUENCE:
                last_sequence = reader.varint()
            elif tag == _DELETED_FILE:
                reader.varint()
                tables.pop(reader.varint(), None)
            elif tag == _NEW_FILE:
                reader.varint()
                number = reader.varint()
                tables[number] = reader.varint()
                reader.skip_text()
                reader.skip_text()
            else:
                _skip(reader, tag)
    if not next_file:
        raise Unreadable("it holds no complete version")
    return Version(tuple(sorted(tables.items())), log_number, next_file, last_sequence)


def _skip(reader: "_Reader", tag: int) -> None:
    if tag == _COMPARATOR:
        reader.skip_text()
    elif tag == _COMPACT_POINTER:
        reader.varint()
        reader.skip_text()
    elif tag == _PREVIOUS_LOG:
        reader.varint()
    else:
        raise Unreadable(f"unknown tag {tag}")


class _Reader:
    """Walks the varints and texts of one edit."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def more(self) -> bool:
        return self._at < len(self._raw)

    def varint(self) -> int:
        """An unsigned integer, seven bits a byte, least first."""
        value = shift = 0
        while shift <= 63:
            if self._at >= len(self._raw):
                break
            byte = self._raw[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise Unreadable("a number is cut short")

    def skip_text(self) -> None:
        length = self.varint()  # first: it moves the place that it is added to
        self._at += length
        if self._at > len(self._raw):
            raise Unreadable("a text is cut short")
