"""How a node sets the interpreter: others get their turn beside a busy block, and garbage is looked for seldom.

What a block makes holds no cycles and goes with its last reference, so collections find nothing in it and take up to a
tenth of a large block's time. They come as often as elsewhere for each object that stays.
"""

from __future__ import annotations

import gc
import sys

SWITCH_SECONDS = 0.0005
"""How long a busy thread keeps the interpreter from another; the default lets answers wait 15 ms beside a block."""
YOUNG_OBJECTS = 100_000
"""Objects made and not gone before the youngest are looked through; the default is 700."""


def set_up_interpreter() -> None:
    """Set this process up as a node's."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
