"""Safe mode: what does not run for now, the whole chain or single modules, and until when. Host tables, all of it.

A *stop* holds from the block after the one that decides it. Where it has an end it is lifted at the end of that height,
so that the row says at every height what the next block may run; without an end only a vote lifts it. Of two stops of
the same thing the longer one holds. However a stop comes about, host calls, governance and the host's own work by
height go on.

- While the *chain* is stopped (paused), runtime calls wait, their nonces free, and no hook runs.
- While a *module* is stopped (isolated), none of its code runs in a block: its calls, those of other modules into it,
  their queries of it, and its hooks are refused as `module_isolated`. A caller sees that as a refusal and may go on.
  Its tables stay as they are: the host reads its ports from them, invariants hold, fees and deposits move in the purse,
  and whoever asks from outside gets rows and queries answered.

A stop is no part of what an upgrade replaces. A plan takes effect while the chain is paused or a module isolated, since
it may be what mends them: what belongs to the upgrade and to the *new* code runs whatever is stopped (migrations,
`post_upgrade`, health at the activation). Of the old code `pre_upgrade` runs over a pause, but not that of an isolated
module, as old code is never needed for an upgrade to succeed. The stop then goes on for the new code, under the
module's name, until it is lifted: voters and not the bundle decide when it is trusted. A rollback does not lift it
either, and its replay runs each height under what was stopped then.
"""

from __future__ import annotations

from runtime.receipts import Event, event
from storage.overlay import Overlay
from storage.record import Amount, Record, Text, field
from storage.tables import Table, host_table

WHOLE_CHAIN = ""
"""In the place of a module's name: all of them, the chain."""

PAUSED, ISOLATED, RESUMED = "paused", "isolated", "resumed"


class Stop(Record):
    """Something that does not run."""

    module: Text = field(1, default=WHOLE_CHAIN)
    since: Amount = field(2, default=0)
    """The height that decided it."""
    until: Amount = field(3, default=0)
    """Last height at which it holds; 0 where only a vote lifts it."""
    reason: Text = field(4, default="")

    def outlasts(self, other: Stop) -> bool:
        """Whether it ends later than another one of the same thing."""
        return other.until > 0 and (self.until == 0 or self.until > other.until)


class SafeMode(Record):
    """All that does not run."""

    stops: tuple[Stop, ...] = field(1, default=())
    """One of a module, in the order of their names; the chain's first."""

    @property
    def on(self) -> bool:
        """Whether the chain is paused."""
        return self.of(WHOLE_CHAIN) is not None

    @property
    def isolated(self) -> frozenset[str]:
        """Modules that are isolated."""
        return frozenset(stop.module for stop in self.stops if stop.module != WHOLE_CHAIN)

    def of(self, module: str) -> Stop | None:
        """The stop of a module, or of the chain."""
        return next((stop for stop in self.stops if stop.module == module), None)

    def with_stop(self, stop: Stop) -> SafeMode:
        """With one more stop; where its thing is stopped already, with the longer of both ends."""
        before = self.of(stop.module)
        if before is not None:
            if not stop.outlasts(before):
                return self
            stop = stop.but(since=before.since)
        others = self.without(stop.module).stops
        return SafeMode(stops=tuple(sorted((*others, stop), key=lambda one: one.module)))

    def without(self, module: str) -> SafeMode:
        """Without the stop of a module, or of the chain."""
        return SafeMode(stops=tuple(stop for stop in self.stops if stop.module != module))

    def ending_by(self, height: int) -> tuple[Stop, ...]:
        """The stops whose last height has come."""
        return tuple(stop for stop in self.stops if 0 < stop.until <= height)


class StopEntry(Record):
    """One line of the history of safe mode; appended, never changed but within its block."""

    kind: Text = field(1)
    """paused, isolated or resumed."""
    until: Amount = field(2, default=0)
    reason: Text = field(3, default="")


SAFE_MODE: Table[SafeMode] = host_table("upgrade.safe_mode", SafeMode, key=(), names=())
STOPS: Table[StopEntry] = host_table("upgrade.stops", StopEntry, key=("amount", "text"), names=("height", "module"))


def safe_mode_of(overlay: Overlay) -> SafeMode:
    """What does not run in the block that follows the state that is read."""
    return overlay.get(SAFE_MODE, ()) or SafeMode()


def put_stop(overlay: Overlay, height: int, events: list[Event], stop: Stop) -> None:
    """Let something stop with the next block; without effect where it is stopped as long already."""
    before = safe_mode_of(overlay)
    after = before.with_stop(stop)
    if after != before:
        overlay.put(SAFE_MODE, (), after)
        _note(overlay, height, events, PAUSED if stop.module == WHOLE_CHAIN else ISOLATED, stop)


def lift_stop(overlay: Overlay, height: int, events: list[Event], module: str, reason: str) -> None:
    """Let the chain or a module run again with the next block; without effect where it is not stopped."""
    before = safe_mode_of(overlay)
    if before.of(module) is not None:
        overlay.put(SAFE_MODE, (), before.without(module))
        _note(overlay, height, events, RESUMED, Stop(module=module, reason=reason))


def _note(overlay: Overlay, height: int, events: list[Event], kind: str, what: Stop) -> None:
    overlay.put(STOPS, (height, what.module), StopEntry(kind=kind, until=what.until, reason=what.reason))
    whose, named = ("Chain", {}) if what.module == WHOLE_CHAIN else ("Module", {"module": what.module})
    ends = {"until": what.until} if what.until else {}
    events.append(event(f"{whose}{kind.capitalize()}", height=height, **named, **ends, reason=what.reason))
