"""Who may vote and for how much: the host's own copy of the validators' power, with its history by height.

Only bonded validators have power: their tokens, in units. A row (voter, height) says what the power was from the end
of that height on, so the power as of any kept height is one seek. The copy follows the block's changes of the table
that the bundle's `validators` port names, at most `power_changes_per_block` a block; more wait in a queue, and their
value is read when their turn comes. After a flip or rollback the whole table is compared in slices of that size; until
a slice is compared, the copy rules as it was.

Two rules keep a bundle from silencing the electorate: without a readable port the last copy stands, and the change
that would leave no power at all waits in the queue until another voter has some.

History is kept only as far as it is asked for: the newest row, and the rows that open votes or an open rollback
window count by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

from governance.agenda import pulse_of
from governance.reading import Reader
from governance.tables import ELECTORS, GUARDIAN, PINS, POWER, POWER_QUEUE, PULSE, Mark, Pins, Power, Pulse
from governance.tally import Electors
from runtime.bundle.manifest import ValidatorsPort
from runtime.host import Changes, HostContext
from runtime.plans import WINDOW
from storage.overlay import Overlay
from storage.tables import Table

MOST_POWER = 2**192
"""A voter's power is cut here, so that no sum of powers leaves 256 bits, whatever a bundle writes."""

FOLLOWING, READING, MISSING = 0, 1, 2
"""Phases of the copy, as in `Pulse`."""


def power_at(reader: Reader, voter: bytes, height: int) -> int:
    """A voter's power in units at the end of ``height``."""
    rows = reader.scan(POWER, (voter,), start=(voter, height), reverse=True)
    return next((row.power for _, row in rows), 0)


def standing_of(reader: Reader, voter: bytes, height: int) -> int:
    """What ranks a voter's host calls while they wait for a block: its power at the end of ``height``, or the power it
    had before an upgrade that can be rolled back if that is more, so that no new runtime makes voters stand behind. The
    guardian's rank like those of somebody who has all power: what stops things at once may not wait behind others."""
    window, guardian = reader.get(WINDOW, ()), reader.get(GUARDIAN, ())
    if guardian is not None and guardian.address == voter:
        return electors_at(reader, height).power
    power = power_at(reader, voter, height)
    return power if window is None else max(power, power_at(reader, voter, window.activation - 1))


def electors_at(reader: Reader, height: int) -> Electors:
    """The whole electorate at the end of ``height``."""
    rows = reader.scan(ELECTORS, (), start=(height,), reverse=True)
    return next((row for _, row in rows), Electors())


def pin(overlay: Overlay, height: int) -> None:
    """Keep the electorate of ``height`` until `unpin`."""
    pins = overlay.get(PINS, ()) or Pins()
    overlay.put(PINS, (), Pins(heights=tuple(sorted((*pins.heights, height)))))


def unpin(overlay: Overlay, height: int) -> None:
    """One vote less counts by the electorate of ``height``."""
    heights = list((overlay.get(PINS, ()) or Pins()).heights)
    heights.remove(height)
    overlay.put(PINS, (), Pins(heights=tuple(heights)))


@dataclass(frozen=True, slots=True)
class Validators:
    """The table that the running bundle keeps its validators in, as far as the host reads it."""

    overlay: Overlay
    port: ValidatorsPort
    table: Table[Any]

    def power(self, voter: bytes) -> int:
        """The power that the table gives a voter now."""
        row = self.overlay.get(self.table, (voter,))
        if row is None or not getattr(row, self.port.bonded):
            return 0
        return min(int(getattr(row, self.port.tokens)), MOST_POWER)

    def voters(self, after: bytes = b"") -> Iterator[bytes]:
        """Everyone in the table behind ``after``, in order."""
        rows = self.overlay.scan(self.table, (), start=(after,) if after else None)
        return (key[0] for key, _ in rows if key[0] != after)


def validators_of(context: HostContext) -> Validators | None:
    """The running bundle's validators; None when it declares none that the host can read."""
    port = context.runtime.declaration.manifest.ports.validators
    table = None if port is None else context.runtime.tables.get(port.table)
    if port is None or table is None or table.key != ("address",):
        return None
    kinds = {field.name: field.type.kind for field in table.schema.fields}
    readable = kinds.get(port.tokens) == "amount" and kinds.get(port.bonded) == "flag"
    return Validators(context.overlay, port, table) if readable else None


def copy_all(context: HostContext) -> None:
    """Copy the whole validators table at once: genesis only, where no electorate rules yet."""
    validators = validators_of(context)
    if validators is not None:
        _apply(context, validators, validators.voters())


def follow(context: HostContext, changes: Changes) -> None:
    """Bring the copy up to the block's changes, within the block's bound."""
    before = pulse = pulse_of(context.overlay)
    if context.reconcile:
        pulse = pulse.but(phase=READING, cursor=b"")
    port = context.runtime.declaration.manifest.ports.validators
    changed = changes.get(port.table, {}) if port is not None else {}
    if changed or pulse.phase or pulse.waiting:
        validators = validators_of(context)
        if validators is not None:
            voters = [validators.table.unpack(key)[0] for key in changed]
            pulse = _advance(context, validators, pulse, voters)
    if pulse != before:
        context.overlay.put(PULSE, (), pulse)


def _advance(context: HostContext, validators: Validators, pulse: Pulse, changed: list[bytes]) -> Pulse:
    most = context.parameters.integer("power_changes_per_block")
    if not pulse.phase and not pulse.waiting and len(changed) <= most:
        return _enqueue(context, pulse, _apply(context, validators, changed))
    pulse, left = _compare(context, validators, _enqueue(context, pulse, changed), most)
    return pulse if pulse.phase else _drain(context, validators, pulse, left)


def _enqueue(context: HostContext, pulse: Pulse, voters: Iterable[bytes]) -> Pulse:
    """Put voters at the end of the queue; one that stands there for this height already is not put twice."""
    added = 0
    for voter in voters:
        if context.overlay.get(POWER_QUEUE, (context.height, voter)) is None:
            context.overlay.put(POWER_QUEUE, (context.height, voter), Mark(since=context.height))
            added += 1
    return pulse.but(waiting=pulse.waiting + added)


def _drain(context: HostContext, validators: Validators, pulse: Pulse, most: int) -> Pulse:
    """Copy the power of the first voters in the queue."""
    keys = [key for key, _ in islice(context.overlay.scan(POWER_QUEUE), most)]
    for key in keys:
        context.overlay.delete(POWER_QUEUE, key)
    waiting = _apply(context, validators, dict.fromkeys(voter for _, voter in keys))
    return _enqueue(context, pulse.but(waiting=pulse.waiting - len(keys)), waiting)


def _apply(context: HostContext, validators: Validators, voters: Iterable[bytes]) -> list[bytes]:
    """Copy the present power of these voters; returns those who must wait, lest nobody had power."""
    overlay, height = context.overlay, context.height
    before = electors_at(overlay, height)
    power, count, waiting = before.power, before.voters, []
    pins = _pins(context)
    for voter in voters:
        old, new = power_at(overlay, voter, height), validators.power(voter)
        if old == new:
            continue
        if power - old + new == 0:
            waiting.append(voter)
            continue
        power += new - old
        count += (new > 0) - (old > 0)
        overlay.put(POWER, (voter, height), Power(power=new))
        _forget(overlay, POWER, (voter,), pins)
    after = Electors(power=power, voters=count)
    if after != before:
        overlay.put(ELECTORS, (height,), after)
        _forget(overlay, ELECTORS, (), pins)
    return waiting


def _pins(context: HostContext) -> tuple[int, ...]:
    """Heights whose electorate someone may still ask for."""
    window = context.coordinator.window()
    kept = (context.overlay.get(PINS, ()) or Pins()).heights
    return kept if window is None else (*kept, window.activation - 1)


def _forget(overlay: Overlay, table: Table[Any], prefix: tuple[bytes, ...], pins: tuple[int, ...]) -> None:
    """Delete rows that are neither the newest nor the one in force at a pinned height."""
    heights = [key[-1] for key, _ in overlay.scan(table, prefix)]
    for height, following in pairwise(heights):
        if not any(height <= pinned < following for pinned in pins):
            overlay.delete(table, (*prefix, height))


def _compare(context: HostContext, validators: Validators, pulse: Pulse, most: int) -> tuple[Pulse, int]:
    """Look at up to ``most`` voters and queue those whose power differs; returns what is left of ``most``."""
    left = most
    while pulse.phase and left > 0:
        reading = pulse.phase == READING
        voters = validators.voters(pulse.cursor) if reading else _copied(context.overlay, pulse.cursor)
        part = list(islice(voters, left))
        differing = [v for v in part if validators.power(v) != power_at(context.overlay, v, context.height)]
        pulse = _enqueue(context, pulse, differing)
        if len(part) == left:
            pulse = pulse.but(cursor=part[-1])
        else:
            pulse = pulse.but(phase=MISSING if reading else FOLLOWING, cursor=b"")
        left -= len(part)
    return pulse, left


def _copied(overlay: Overlay, after: bytes) -> Iterator[bytes]:
    """Everyone the copy knows behind ``after``, in order."""
    last = after
    for (voter, _), _row in overlay.scan(POWER, (), start=(after,) if after else None):
        if voter != last:
            last = voter
            yield voter
