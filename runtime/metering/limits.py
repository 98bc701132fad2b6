"""The bounds and prices of bundle code, in one place: a change of any of them is a change of consensus.

One step is about 0.1 us of work. Work on n bytes costs n / 64 steps, on n items n steps, so that the step limit
bounds time, and, because nothing is made without paying for its size, memory too.
"""

from __future__ import annotations

INT_LIMIT = 1 << 256
"""Integers lie strictly between -INT_LIMIT and INT_LIMIT."""
INT_BITS = 256
INT_DIGITS = 78
"""Decimal digits of INT_LIMIT."""
MAX_ITEMS = 65_536
"""Most characters of a text, bytes of data, items of a list, tuple or dict."""
MAX_RANGE = 1 << 32
"""Longest range; walking one costs a step a turn."""
MAX_TUPLE_DEPTH = 3
"""Tuples in tuples; lists and dicts hold no lists or dicts at all."""
MAX_DEPTH = 64
"""Functions, module calls and comprehensions that may nest; each takes at most four of Python's frames."""
MAX_CODE = 64
"""Characters of a refusal's code or an event's name."""
MAX_SCAN = 1_000
"""Rows one scan may ask for."""
MAX_EVENT_FIELDS = 32
MAX_EVENTS = 1_000
"""Events one run may tell."""

BYTES_A_STEP_BITS = 6
"""64 bytes of copying or comparing cost one step."""
SMALL = 64
"""Texts and data up to here are handled without a further price."""

KEY_BYTES = 32
"""What a row's key, or a deletion, counts as in bytes written."""

READ_STEPS = 100
"""One read, which may reach the disk."""
WRITE_STEPS = 400
"""One write or deletion, with its part of the state root and of the synced batch."""
SCAN_STEPS = 200
ROW_STEPS = 30
"""Each row that a scan gives."""
CALL_STEPS = 20
EVENT_STEPS = 20
ADDRESS_STEPS = 200
"""Each address that an event shows, for its checksum."""
HASH_STEPS = 20
