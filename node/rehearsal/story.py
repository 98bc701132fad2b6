"""The whole rehearsal, told in order.

1. The bundle under rehearsal is published, voted and activated, and its new runtime goes on making blocks.
2. Two that go wrong, proposed together on top of it: the first breaks the supply in its migration and drops the
   invariant that would say so (its rehearsal finds out, and it ends at its gate; where the chain asks for none it is
   stopped at A with nothing committed), the second waits its turn, is sound at A and mints at A + 10 (rolled back by
   itself to A - 1 and replayed).
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from governance.lifecycle import Status
from governance.progress import proposal_at
from node.rehearsal import upgrade
from node.rehearsal.demonstrations import breaks_supply, mints_later
from node.rehearsal.record import Check, Moment, Rehearsal, VoteRecord
from node.rehearsal.rollback import invariant_checks, live_until_it_breaks, transactions_between
from node.rehearsal.upgrade import Progress, Voted
from node.rehearsal.world import World
from runtime.bundle.archive import Bundle
from runtime.bundle.problems import BundleRefused
from runtime.bundle.spawn import Outcome, Passed, first_execution
from runtime.bundles import stored_bundle
from runtime.errors import HostRefused

BLOCKS_AFTER = 5
"""Blocks made under a new runtime before going on."""


def rehearse(world: World, bundle: Bundle, demonstrate_failures: bool, progress: Progress) -> Rehearsal:
    """Play it; what the bundle does wrong is in the record, what this machine does wrong is raised."""
    began = perf_counter()
    record = _begin(world)
    _sound(world, bundle, record, progress)
    if demonstrate_failures and record.passed:
        _failing(world, record, progress)
    record.checks.extend(invariant_checks(world))
    head = world.application.flush()
    record.blocks, record.seconds = world.height, perf_counter() - began
    record.app_root, record.runtime_root, record.host_root = (
        head.app_root.hex(),
        head.runtime_root.hex(),
        head.host_root.hex(),
    )
    return record


def _begin(world: World) -> Rehearsal:
    genesis = world.genesis
    record = Rehearsal(
        chain_id=genesis.chain_id,
        chain_name=genesis.chain_name,
        source=genesis.source.chain or genesis.source.layout,
        seed=genesis.seed,
        accounts=len(genesis.accounts),
        validators=len(genesis.validators),
        bonded=len(world.operators()),
        delegations=len(genesis.delegations),
        supply=genesis.supply,
        substitute_keys=any(account.substitute for account in genesis.accounts),
        signatures=len(world.operators()),
        notes=genesis.source.notes,
    )
    record.timeline.append(Moment(0, "genesis", f"{record.accounts:,} accounts, {record.bonded:,} bonded validators"))
    return record


def _sound(world: World, bundle: Bundle, record: Rehearsal, progress: Progress) -> None:
    voted = _proposed(world, bundle, record)
    if voted is None:
        return
    record.upgrades.append(voted.record)
    (voted,) = _tell_vote(world, record, (voted,), progress)
    if not _approved(world, voted, record):
        return
    upgrade.activate(world, voted, progress)
    _tell_end(record, voted)
    _check_gate(record, voted)
    _check(record, f"A = {voted.record.activation} activated", voted.record.outcome == "executed", voted.record.reason)
    if voted.record.outcome == "executed":
        root_changed = voted.record.root_before != voted.record.root_after
        _check(record, "the migration changed the runtime root", root_changed or not voted.record.migrated)
        for _ in range(BLOCKS_AFTER):
            world.traffic(3)
            world.use_new_calls()
            world.must()
        record.timeline.append(Moment(world.height, "blocks go on", "under the new runtime, its calls in use"))
    voted.record.invariants = invariant_checks(world)


def _proposed(world: World, bundle: Bundle, record: Rehearsal) -> Voted | None:
    """Load the bundle aside and propose it; None, with the reasons among the checks, when the chain refuses it."""
    alone = first_execution(bundle)
    _check(record, "the bundle loads in a process of its own", isinstance(alone, Passed), reason_of(alone))
    try:
        voted = upgrade.propose(world, bundle, "The upgrade under rehearsal")
    except (BundleRefused, HostRefused) as refused:
        _check(record, "the chain accepts the proposal", False, str(refused))
        return None
    _check(record, "the chain accepts the proposal", True)
    return voted


def reason_of(outcome: Outcome) -> str:
    """Why a first execution failed; empty when it passed."""
    return "" if isinstance(outcome, Passed) else f"{outcome.reason}: {outcome.detail}"


def _failing(world: World, record: Rehearsal, progress: Progress) -> None:
    running = stored_bundle(world.overlay(), world.application.chain.loaded.code_hash)
    broken = upgrade.propose(world, breaks_supply(running), "Breaks the supply and hides it")
    minting = upgrade.propose(world, mints_later(running), "Sound at A, mints at A + 10")
    broken.record.expected, minting.record.expected = "failed", "rolled_back"
    record.upgrades += [broken.record, minting.record]
    broken, minting = _tell_vote(world, record, (broken, minting), progress)
    state, chain = world.application.state, world.application.chain
    before = chain.loaded.code_hash, state.catalogue.runtime.entries
    upgrade.activate(world, broken, progress)
    _tell_end(record, broken)
    untouched = (chain.loaded.code_hash, state.catalogue.runtime.entries) == before
    _check(record, "the broken upgrade left nothing behind", untouched and broken.record.outcome == "failed")
    upgrade.activate(world, minting, progress)
    _tell_end(record, minting)
    if minting.record.outcome == "executed":
        _roll_back(world, minting, record)


def _roll_back(world: World, minting: Voted, record: Rehearsal) -> None:
    activation = minting.record.activation
    back = live_until_it_breaks(world, activation)
    record.rollback = back
    minting.record.outcome, minting.record.reason = "rolled_back", back.reason
    record.timeline += [
        Moment(back.broke, "an invariant broke", "the transaction alone was undone, the block went on"),
        Moment(back.height, "rolled back by itself", f"to the state of {activation - 1:,}, {back.replayed:,} replayed"),
    ]
    _check(record, "after the return the runtime root is that of A - 1", back.base_root == back.returned_root)
    every = transactions_between(world, activation, back.height)
    _check(
        record,
        "every transaction has a second receipt",
        every == len(back.receipts),
        f"{len(back.receipts)} of {every}",
    )
    for _ in range(BLOCKS_AFTER):
        world.traffic(3)
        world.must()
    record.timeline.append(Moment(world.height, "blocks go on", "under the old runtime"))
    minting.record.invariants = invariant_checks(world)


def _approved(world: World, voted: Voted, record: Rehearsal) -> bool:
    standing = proposal_at(world.overlay(), voted.proposal)[1]
    approved = standing.status == Status.TIMELOCK
    _check(record, f"proposal {voted.proposal} was approved", approved, standing.reason)
    if not approved:
        voted.record.outcome, voted.record.reason = "failed", standing.reason
    return approved


def _tell_vote(
    world: World, record: Rehearsal, voted: tuple[Voted, ...], progress: Progress
) -> tuple[Voted, ...]:
    for one in voted:
        detail = f"{one.record.version_from} -> {one.record.version_to}"
        record.timeline.append(Moment(one.record.submitted, f"proposal {one.proposal} submitted", detail))
    decided = upgrade.vote(world, voted, progress)
    moments = [moment for one in voted for vote in one.record.votes for moment in _moments(one, vote)]
    record.timeline += sorted(moments, key=lambda moment: moment.height)
    return decided


def _moments(voted: Voted, vote: VoteRecord) -> Iterator[Moment]:
    again = "" if vote.proposal == voted.proposal else f", where {voted.proposal} is voted on once more"
    yield Moment(vote.opened, f"voting on {vote.proposal} opened", f"on track {vote.track}{again}")
    if vote.confirming:
        yield Moment(vote.confirming, f"{vote.proposal} began to confirm")
    yield Moment(vote.closed, f"voting on {vote.proposal} closed", vote.decided)


def _tell_end(record: Rehearsal, voted: Voted) -> None:
    one = voted.record
    if one.attested is not None:
        record.timeline += [
            Moment(trial.height, f"upgrade to {one.version_to} rehearsed", trial.code) for trial in one.attested.trials
        ]
        record.timeline.append(Moment(one.attested.gate, "gate", one.attested.verdict))
    if one.checkpoint is not None:
        record.timeline.append(Moment(one.checkpoint.height, "checkpoint", f"{one.checkpoint.bytes:,} bytes"))
    how = {"executed": "activated", "failed": "stopped, nothing committed"}[one.outcome]
    detail = one.reason or f"{one.migrated:,} records migrated"
    record.timeline.append(Moment(one.ended, f"upgrade to {one.version_to} {how}", detail))


def _check_gate(record: Rehearsal, voted: Voted) -> None:
    """On a chain whose upgrades wait for rehearsals, what the validators attested must have let this one pass."""
    said = voted.record.attested
    if said is not None:
        _check(record, f"validators attested its rehearsals ({said.verdict})", said.verdict == "cleared", said.code)


def _check(record: Rehearsal, name: str, holds: bool, detail: str = "") -> None:
    record.checks.append(Check(name, holds, detail))
