"""Where each row lies in LevelDB: the one table of key prefixes, and the keys built from them.

Only this file spells a prefix. Heights and numbers are big-endian and of fixed width, so that LevelDB's order is
theirs.

| prefix | key after it                     | value                                   | in a root |
|--------|----------------------------------|-----------------------------------------|-----------|
| ``m``  | --                               | copy of the head (commit, height, roots)| no        |
| ``t``  | u32 number, key of the row       | canonical record                        | yes       |
| ``g``  | u32 number                       | what this node keeps under that number  | no        |
| ``s``  | u32 number, anything             | what a build keeps beside its rows      | no        |
| ``l``  | one letter, then height or id    | block log, see ``storage/blocklog.py``  | digest    |

A *number* is local to this node: it names the place of one generation of one table, and is not given out while
anything lies under it.
"""

from __future__ import annotations

META_KEY = b"m"
TABLE_PREFIX = b"t"
GENERATION_PREFIX = b"g"
SIDE_PREFIX = b"s"
LOG_PREFIX = b"l"

CATALOGUE_NUMBER = 1
"""The place of the catalogue itself, fixed because it is read before anything else is known."""


def table_prefix(number: int) -> bytes:
    """The prefix of all rows of one generation of one table."""
    return TABLE_PREFIX + number.to_bytes(4, "big")


def side_prefix(number: int) -> bytes:
    """The prefix of what a build keeps beside the rows of the generation that it fills."""
    return SIDE_PREFIX + number.to_bytes(4, "big")


def generation_key(number: int) -> bytes:
    """The key of the local note on what lies under a number."""
    return GENERATION_PREFIX + number.to_bytes(4, "big")


def after_prefix(prefix: bytes) -> bytes:
    """The least key above every key that begins with a prefix; the prefix must hold a byte below 0xFF."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes((kept[-1] + 1,))
