"""The host's copy of the electorate follows the running bundle's tables, and costs what a block changed in them.

The copy takes up the block's changes of the tables that the bundle's `validators` and `delegations` ports name: of a
validator its tokens and shares, of an owner all that he delegates. At most `power_changes_per_block` of them a block;
more wait in a queue, and what they come to is read when their turn comes. After a flip or rollback both tables are
compared whole, in slices of that size; until a slice is compared, the copy rules as it was.

Two rules keep a bundle from silencing the electorate: without a readable port the last copy stands, and the change
that would leave no power at all waits in the queue until another validator has some.

History is kept only as far as it is asked for: what was so at a height that an open vote or an open rollback window
counts by moves to a row of its own when it changes, and goes with a later change once nobody counts by it; a change
looks at the oldest two, so that it costs the same however many votes are open. A present row that says "nothing" goes
once no earlier one is left.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Any

from governance.agenda import pulse_of
from governance.electorate import NO_POWER, NO_STAKE, electors_at, stake_at, validator_at
from governance.staked import Delegations, Staked, Validators, staked_of
from governance.tables import (
    ELECTORS,
    PINS,
    POWER,
    POWER_BEFORE,
    POWER_QUEUE,
    PULSE,
    STAKES,
    STAKES_BEFORE,
    Mark,
    Pins,
    Power,
    Pulse,
    Stake,
)
from governance.tally import Electors
from runtime.host import Changes, HostContext
from storage.overlay import Overlay
from storage.tables import Table

VALIDATOR, DELEGATOR = 0, 1
"""Kinds of change in the queue."""
Entry = tuple[int, bytes]
"""A kind, and whose."""

LOOKED_AT = 2
"""Rows of earlier heights that a change looks at, whether somebody counts by them; it adds one at most."""

FOLLOWING, VALIDATORS_READ, VALIDATORS_GONE, DELEGATIONS_READ, DELEGATIONS_GONE = range(5)
"""Phases of the copy, as in `Pulse`."""


def copy_all(context: HostContext) -> None:
    """Copy both tables at once: genesis only, where no electorate rules yet."""
    overlay, height, staked = context.overlay, context.height, staked_of(context)
    if staked.validators is not None:
        _apply(context, staked, ((VALIDATOR, address) for address in staked.validators.addresses()))
    if staked.delegations is not None:
        for owner, stake in staked.delegations.all():
            if stake.parts:
                overlay.put(STAKES, (owner,), stake.but(since=height))


def follow(context: HostContext, changes: Changes) -> None:
    """Bring the copy up to the block's changes, within the block's bound."""
    before = pulse = pulse_of(context.overlay)
    if context.reconcile:
        pulse = pulse.but(phase=VALIDATORS_READ, cursor=b"")
    ports = context.runtime.declaration.manifest.ports
    touched = any(port is not None and port.table in changes for port in (ports.validators, ports.delegations))
    if touched or pulse.phase or pulse.waiting:
        staked = staked_of(context)
        if staked.validators is not None or staked.delegations is not None:
            pulse = _advance(context, staked, pulse, _changed(staked, changes))
    if pulse != before:
        context.overlay.put(PULSE, (), pulse)


def _changed(staked: Staked, changes: Changes) -> list[Entry]:
    validators = [] if staked.validators is None else staked.validators.changed(changes)
    owners = [] if staked.delegations is None else staked.delegations.changed(changes)
    return [*((VALIDATOR, address) for address in validators), *((DELEGATOR, owner) for owner in owners)]


def _advance(context: HostContext, staked: Staked, pulse: Pulse, changed: list[Entry]) -> Pulse:
    most = context.parameters.integer("power_changes_per_block")
    if not pulse.phase and not pulse.waiting and len(changed) <= most:
        return _enqueue(context, pulse, _apply(context, staked, changed))
    pulse, left = _compare(context, staked, _enqueue(context, pulse, changed), most)
    return pulse if pulse.phase else _drain(context, staked, pulse, left)


def _enqueue(context: HostContext, pulse: Pulse, entries: Iterable[Entry]) -> Pulse:
    """Put changes at the end of the queue; one that stands there for this height already is not put twice."""
    added = 0
    for kind, address in entries:
        if context.overlay.get(POWER_QUEUE, (context.height, kind, address)) is None:
            context.overlay.put(POWER_QUEUE, (context.height, kind, address), Mark(since=context.height))
            added += 1
    return pulse.but(waiting=pulse.waiting + added)


def _drain(context: HostContext, staked: Staked, pulse: Pulse, most: int) -> Pulse:
    """Copy what the first in the queue have now."""
    keys = [key for key, _ in islice(context.overlay.scan(POWER_QUEUE), most)]
    for key in keys:
        context.overlay.delete(POWER_QUEUE, key)
    waiting = _apply(context, staked, dict.fromkeys((kind, address) for _, kind, address in keys))
    return _enqueue(context, pulse.but(waiting=pulse.waiting - len(keys)), waiting)


def _apply(context: HostContext, staked: Staked, entries: Iterable[Entry]) -> list[Entry]:
    """Copy what these have now; returns the changes that must wait, lest nobody had power.

    What is queued of a port that the bundle has not is left: whatever brings the port back compares everything."""
    overlay, height, pins = context.overlay, context.height, _pins(context)
    before = electors_at(overlay, height)
    power, count, waiting = before.power, before.voters, []
    for kind, address in entries:
        if kind == DELEGATOR:
            if staked.delegations is not None:
                _apply_stake(context, staked.delegations, address, pins)
            continue
        if staked.validators is None:
            continue
        old, new = validator_at(overlay, address, height), staked.validators.now(address)
        if (old.power, old.shares) == (new.power, new.shares):
            continue
        if power - old.power + new.power == 0:
            waiting.append((kind, address))
            continue
        power += new.power - old.power
        count += (new.power > 0) - (old.power > 0)
        _replace(context, POWER, POWER_BEFORE, address, new, new == NO_POWER, pins)
    after = Electors(power=power, voters=count)
    if after != before:
        overlay.put(ELECTORS, (height,), after)
        _forget_electors(overlay, pins)
    return waiting


def _apply_stake(context: HostContext, delegations: Delegations, owner: bytes, pins: Sequence[int]) -> None:
    new = delegations.now(owner)
    if new.parts != stake_at(context.overlay, owner, context.height).parts:
        _replace(context, STAKES, STAKES_BEFORE, owner, new, new == NO_STAKE, pins)


def _replace(
    context: HostContext,
    now: Table[Any],
    before: Table[Any],
    address: bytes,
    new: Power | Stake,
    is_nothing: bool,
    pins: Sequence[int],
) -> None:
    """Write what is so from this height on; what was so is kept if somebody counts by it, and nothing else is."""
    overlay, height = context.overlay, context.height
    old = overlay.get(now, (address,))
    earlier = False
    if old is not None and old.earlier:
        earlier = _forget_oldest(overlay, before, (address,), old.since, pins)
    if old is not None and _counted_by(pins, old.since, height):
        overlay.put(before, (address, old.since), old.but(earlier=False))
        earlier = True
    if is_nothing and not earlier:
        overlay.delete(now, (address,))
    else:
        overlay.put(now, (address,), new.but(since=height, earlier=earlier))


def _counted_by(pins: Sequence[int], since: int, following: int) -> bool:
    at = bisect_left(pins, since)
    return at < len(pins) and pins[at] < following


def _pins(context: HostContext) -> Sequence[int]:
    """Heights whose electorate someone may still ask for, ascending."""
    window = context.coordinator.window()
    kept = (context.overlay.get(PINS, ()) or Pins()).heights
    if window is None:
        return kept
    pins = list(kept)
    insort(pins, window.activation - 1)
    return pins


def _forget_oldest(
    overlay: Overlay, table: Table[Any], prefix: tuple[bytes, ...], newest: int, pins: Sequence[int]
) -> bool:
    """Delete of the oldest rows under ``prefix`` before ``newest``, which follows them, those that nobody counts by;
    returns whether any is left."""
    rows = islice(overlay.scan(table, prefix), LOOKED_AT + 1)
    heights = [key[-1] for key, _ in rows if key[-1] < newest]
    left = len(heights) > LOOKED_AT
    for since, following in pairwise(heights if left else (*heights, newest)):
        if _counted_by(pins, since, following):
            left = True
        else:
            overlay.delete(table, (*prefix, since))
    return left


def _forget_electors(overlay: Overlay, pins: Sequence[int]) -> None:
    """Delete sums that are neither the newest nor in force at a pinned height: the last before it, and the oldest."""
    newest, *before = [key[0] for key, _ in islice(overlay.scan(ELECTORS, (), reverse=True), 2)]
    if before and not _counted_by(pins, before[0], newest):
        overlay.delete(ELECTORS, (before[0],))
    _forget_oldest(overlay, ELECTORS, (), newest, pins)


def _compare(context: HostContext, staked: Staked, pulse: Pulse, most: int) -> tuple[Pulse, int]:
    """Look at up to ``most`` of both tables and queue those that differ; returns what is left of ``most``."""
    overlay, left = context.overlay, most
    while pulse.phase and left > 0:
        kind = VALIDATOR if pulse.phase in (VALIDATORS_READ, VALIDATORS_GONE) else DELEGATOR
        port = staked.validators if kind == VALIDATOR else staked.delegations
        part: list[bytes] = []
        if port is not None:
            read = pulse.phase in (VALIDATORS_READ, DELEGATIONS_READ)
            part = list(islice(port.addresses(pulse.cursor) if read else _copied(overlay, kind, pulse.cursor), left))
            differing = [address for address in part if _differs(context, port, address)]
            pulse = _enqueue(context, pulse, [(kind, address) for address in differing])
        if len(part) == left:
            pulse = pulse.but(cursor=part[-1])
        else:
            following = FOLLOWING if pulse.phase == DELEGATIONS_GONE else pulse.phase + 1
            pulse = pulse.but(phase=following, cursor=b"")
        left -= len(part)
    return pulse, left


def _differs(context: HostContext, port: Validators | Delegations, address: bytes) -> bool:
    if isinstance(port, Validators):
        of, now = validator_at(context.overlay, address, context.height), port.now(address)
        return (of.power, of.shares) != (now.power, now.shares)
    return stake_at(context.overlay, address, context.height).parts != port.now(address).parts


def _copied(overlay: Overlay, kind: int, after: bytes) -> Iterator[bytes]:
    """Everyone the copy knows behind ``after``, in order."""
    table: Table[Any] = POWER if kind == VALIDATOR else STAKES
    rows = overlay.scan(table, (), start=(after,) if after else None)
    return (address for (address,), _ in rows if address != after)
