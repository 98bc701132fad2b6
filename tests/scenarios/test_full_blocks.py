"""A block whose steps are used up: what found no room costs nothing and runs in the next one, in order."""

from __future__ import annotations

from collections.abc import Callable

from node.rehearsal.world import World
from runtime.receipts import BLOCK_OUT_OF_STEPS
from tests.scenarios.hostile import with_trouble
from tests.scenarios.upgrades import activated, running
from tests.short_periods import SHORT, short_genesis


def test_calls_that_find_no_room_wait_in_the_mempool(make_world: Callable[..., World]) -> None:
    tight = {**SHORT, "block_steps": 1_000_000, "call_steps": 400_000}
    world = make_world(short_genesis().model_copy(update={"parameters": tight}))
    assert activated(world, with_trouble(running(world), "1.1.0")).record.outcome == "executed"
    senders = world.accounts()[:4]
    for sender in senders:
        world.call(sender, "trouble.loops_for_ever")
    for sender in senders:
        world.call(sender, "bank.send", to=senders[0], coins=1)
    left = len(senders) * 2
    blocks: list[list[str]] = []
    while left and len(blocks) < 6:
        codes = [receipt.code for receipt in world.block().receipts]
        blocks.append(codes)
        left -= sum(code in ("ok", "out_of_steps") for code in codes)
    assert left == 0, blocks
    assert BLOCK_OUT_OF_STEPS in blocks[0]
    assert [codes.count("out_of_steps") for codes in blocks[:2]] == [2, 2]
