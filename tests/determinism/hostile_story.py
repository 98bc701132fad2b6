"""Runs every misbehaving call of `tests.scenarios.hostile` and prints what nodes must agree on.

python -m tests.determinism.hostile_story FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from node.rehearsal.world import World
from tests.determinism.same_story import agreed
from tests.faults.chain_story import story_genesis
from tests.scenarios.hostile import CALLS, with_trouble
from tests.scenarios.upgrades import activated, running


def main() -> None:
    world = World.create(Path(sys.argv[1]), story_genesis())
    raising = "raise Refused('never')"
    activated(world, with_trouble(running(world), "1.1.0", begin_block=raising, end_block="x = 1 // 0"))
    told = [agreed(world)]
    for name in sorted(CALLS):
        world.call(world.accounts()[0], f"trouble.{name}")
        world.traffic(2)
        world.block()
        told.append(agreed(world))
    world.close()
    json.dump({"heights": told}, sys.stdout)


if __name__ == "__main__":
    main()
