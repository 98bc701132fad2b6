"""Isolates a misbehaving module, then runs its calls (`tests.scenarios.hostile`); prints what nodes must agree on.

python -m tests.determinism.hostile_story FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from governance.calls import GuardianIsolate
from node.rehearsal.world import World
from tests.determinism.same_story import agreed
from tests.faults.chain_story import story_genesis
from tests.scenarios.hostile import CALLS, with_trouble
from tests.scenarios.upgrades import activated, running


def main() -> None:
    genesis = story_genesis()
    guardian = genesis.accounts[-1].address
    world = World.create(Path(sys.argv[1]), genesis.model_copy(update={"guardian": guardian}))
    raising = "raise Refused('never')"
    activated(world, with_trouble(running(world), "1.1.0", begin_block=raising, end_block="x = 1 // 0"))
    told = [agreed(world)]
    world.host(guardian, "governance.guardian_isolate", GuardianIsolate(module="trouble", until=world.height + 4))
    for _ in range(5):
        world.traffic(2)
        world.block()
        told.append(agreed(world))
    for name in sorted(CALLS):
        world.call(world.accounts()[0], f"trouble.{name}")
        world.traffic(2)
        world.block()
        told.append(agreed(world))
    world.close()
    json.dump({"heights": told}, sys.stdout)


if __name__ == "__main__":
    main()
