"""An upgrade that is sound at A and mints at A + 10: noticed, rolled back by itself, replayed."""

from __future__ import annotations

from node.rehearsal.demonstrations import MINTING_CALL
from node.rehearsal.record import Check, RollbackRecord
from node.rehearsal.world import World
from runtime.invariants.recount import broken_rules, count_rows, stored
from runtime.plans import HISTORY, ROLLED_BACK
from runtime.receipts import INVARIANT_BROKEN
from runtime.sealing import RECEIPTS

MINTED = 1_000_000
BLOCKS_BEFORE_THE_FAULT = 9


def live_until_it_breaks(world: World, activation: int) -> RollbackRecord:
    """Use the new runtime from A + 1 on, mint at A + 10, and let the chain heal itself."""
    window = world.coordinator().window()
    assert window is not None, "an executed upgrade opens a window"
    for _ in range(BLOCKS_BEFORE_THE_FAULT):
        world.traffic(3)
        world.block()
    world.traffic(2)
    world.call(world.accounts()[0], MINTING_CALL, coins=MINTED)
    broke = world.block()
    found = next(receipt for receipt in broke.receipts if receipt.code == INVARIANT_BROKEN)
    world.traffic(2)
    back = world.block()
    height = back.prepared.block.header.height
    entry = next(row for _, row in world.overlay().scan(HISTORY, (height,)) if row.kind == ROLLED_BACK)
    return RollbackRecord(
        activation=activation,
        broke=broke.prepared.block.header.height,
        height=height,
        reason=f"{entry.reason} ({found.code})",
        base_root=window.runtime_root.hex(),
        returned_root=entry.root_after.hex(),
        replayed=entry.replayed,
        not_replayed=entry.not_replayed,
        receipts=second_receipts(world, activation, height),
    )


def second_receipts(world: World, first: int, until: int) -> tuple[tuple[int, str, str, str], ...]:
    """(height, transaction, first code, second code) of every transaction from ``first`` up to below ``until``."""
    log = world.application.state.log()
    rows = []
    for height in range(first, until):
        firsts, seconds = log.receipts(height), log.second_receipts(height)
        for place, identity in enumerate(log.transactions(height)):
            if place in seconds:
                codes = (RECEIPTS.decode(raw).code for raw in (firsts[place], seconds[place]))
                rows.append((height, identity.hex(), *codes))
    return tuple(rows)


def transactions_between(world: World, first: int, until: int) -> int:
    """How many transactions the blocks from ``first`` up to below ``until`` held."""
    log = world.application.state.log()
    return sum(len(log.transactions(height)) for height in range(first, until))


def invariant_checks(world: World) -> tuple[Check, ...]:
    """Every rule in full, and the incremental counters against a recount."""
    chain, overlay = world.application.chain, world.overlay()
    counters = chain.counters(chain.loaded)
    tables = chain.loaded.tables
    broken = broken_rules(overlay, counters, tables)
    names = [*(rule.name for rule in counters.rules), "host.supply"]
    counted = count_rows(
        counters, lambda name: ((tables[name].pack(key), row) for key, row in overlay.scan(tables[name]))
    )
    return (
        *(Check(name, name not in broken) for name in names),
        Check("incremental counters equal a full recount", stored(overlay) == counted),
    )
