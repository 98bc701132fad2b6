"""What the scenario of an incident asks of a chain: what it said, and that governance acts after it."""

from __future__ import annotations

from governance.calls import Propose
from governance.lifecycle import Status
from governance.progress import proposal_at
from governance.proposals import Content, MaintenanceWindow, RuntimeUpgrade, Statement
from node.rehearsal import upgrade
from node.rehearsal.rollback import invariant_checks
from node.rehearsal.world import World
from runtime.bundle.archive import Bundle
from runtime.bundle.checker import check_bundle, check_upgrade
from runtime.bundle.problems import BundleRefused
from runtime.plans import HISTORY, HistoryEntry
from runtime.receipts import Receipt
from tests.scenarios.upgrades import carry, propose, vote


def submitted(world: World, bundle: Bundle, version: str, published: bool = True) -> Receipt:
    """The receipt of a proposal by somebody who checked nothing beforehand."""
    proposer = world.richest_operator()
    if published:
        upgrade.publish(world, bundle, proposer)
    content = RuntimeUpgrade(
        version=version,
        code_hash=bundle.code_hash,
        effect=effect_of(world, bundle),
        activation_delay=world.parameter("timelock_delay"),
    )
    deposit = world.parameter("min_deposit")
    args = Propose(title="An upgrade", content=Content.of(content), deposit=deposit, window=MaintenanceWindow())
    world.host(proposer, "governance.propose", args)
    return world.block().receipts[0]


def effect_of(world: World, bundle: Bundle) -> bytes:
    """The effect that a proposer would state; nothing in particular for a bundle that cannot be read."""
    running = world.application.chain.loaded.declaration
    try:
        return check_upgrade(running, check_bundle(bundle, chain=None, host_release=None)).digest
    except BundleRefused:
        return bytes(32)


def last_entry(world: World) -> HistoryEntry:
    """The newest entry of the upgrades' history."""
    return next(entry for _, entry in world.overlay().scan(HISTORY, reverse=True))


def require_alive(world: World) -> None:
    """Blocks with transfers go on, every rule holds, and a proposal is made, voted and executed."""
    world.traffic(3)
    world.must()
    assert [check.name for check in invariant_checks(world) if not check.holds] == []
    proposal = propose(world, Statement(), world.parameter("min_deposit"))
    vote(world, proposal, "yes")
    carry(world, proposal, Status.EXECUTED)
    assert proposal_at(world.overlay(), proposal)[1].status == Status.EXECUTED
