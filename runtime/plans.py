"""What the coordinator writes down: the running runtime, plans, the rollback window, history. Host tables, all of it.

A plan's states: waiting -> scheduled -> executed | failed | cancelled | superseded | expired. An executed one is
verified once its probation is passed, and closed once its rollback window is over; until then it may be rolled_back.
A scheduled one may be postponed, which moves its activation and nothing else. Terminal states are final. Each step of
a plan has its own event and its own line in the history, which is appended to and never changed but within its block:
where a plan is put off and cancelled in the same one, the line is that of the cancelling.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from storage.catalogue import TableEntry
from storage.overlay import Overlay
from storage.record import Amount, Data, Flag, Hash, Record, Text, field
from storage.tables import Table, host_table

WAITING, SCHEDULED, EXECUTED = "waiting", "scheduled", "executed"
FAILED, CANCELLED, SUPERSEDED, ROLLED_BACK = "failed", "cancelled", "superseded", "rolled_back"
EXPIRED = "expired"
VERIFIED, CLOSED = "verified", "closed"
POSTPONED = "postponed"
"""A line of the history, no state: the activation was moved."""
ANOTHER_RUNS = "another runtime runs than the one it was approved against"
"""Why a plan is superseded."""
ENDS_OF_WAITING = frozenset({EXECUTED, FAILED, CANCELLED, SUPERSEDED, EXPIRED})
"""What a plan that waits comes to; a line of the history each."""


class Running(Record):
    """The runtime that executes blocks from height ``since`` on."""

    code_hash: Hash = field(1)
    version: Text = field(2)
    since: Amount = field(3, default=0)
    plan: Amount = field(4, default=0)
    """The plan that brought it; 0 for the genesis bundle."""


class FrozenParameter(Record):
    """A parameter's value as of the height a plan was scheduled, for its migrations."""

    name: Text = field(1)
    value: Amount = field(2, default=0)


class Plan(Record):
    """One scheduled upgrade."""

    proposal: Amount = field(1)
    code_hash: Hash = field(2)
    base: Hash = field(3)
    """Code hash of the runtime it was approved against; another one running at A ends the plan `superseded`."""
    version: Text = field(4)
    effect: Hash = field(5)
    activation: Amount = field(6)
    scheduled_at: Amount = field(7)
    state: Text = field(8)
    supply_change: Amount = field(9, default=0)
    supply_shrinks: Flag = field(10, default=False)
    migrations: tuple[Text, ...] = field(11, default=())
    frozen: tuple[FrozenParameter, ...] = field(12, default=())
    record_steps: Amount = field(13, default=0)
    """Step limit of one record's migration, as of the scheduling."""
    gated: Flag = field(14, default=False)
    """It takes effect only once it is cleared."""
    cleared: Data = field(15, default=b"")
    """Digest of the rehearsed result that cleared it; empty until then."""
    backup: Data = field(16, default=b"")
    """The module's backup that it brings back, under the runtime that runs; empty for an upgrade."""


class Queue(Record):
    """Plans not yet ended, in order of approval; the first is the pending one."""

    plans: tuple[Amount, ...] = field(1, default=())
    last: Amount = field(2, default=0)
    """The highest plan id given out."""


class Window(Record):
    """While a rollback is possible: where to go back to. The row is gone when the window has closed."""

    plan: Amount = field(1)
    proposal: Amount = field(2)
    activation: Amount = field(3)
    probation_until: Amount = field(4)
    closes: Amount = field(5)
    """Last height at which a rollback may execute."""
    previous: Running = field(6)
    runtime_root: Hash = field(7)
    """Runtime root of A-1."""
    app_root: Hash = field(8)
    """Application root of A-1: the name of the snapshot a rollback restores."""
    tables: tuple[TableEntry, ...] = field(9, default=())
    """The runtime catalogue of A-1."""
    supply_change: Amount = field(10, default=0)
    supply_shrinks: Flag = field(11, default=False)
    rollback_at: Amount = field(12, default=0)
    """Height of the decided rollback; 0 while none is."""
    rollback_reason: Text = field(13, default="")
    rollback_proposal: Amount = field(14, default=0)


class Replaying(Record):
    """A rollback that has returned and is on its way forward again. The row is gone when it has ended."""

    window: Window = field(1)
    """The upgrade that was undone."""
    next: Amount = field(2)
    """The height whose journal is applied next."""
    root_before: Hash = field(3)
    """Runtime root before the return."""
    root_after: Hash = field(4)
    """Runtime root right after it."""
    replayed: Amount = field(5, default=0)
    not_replayed: Amount = field(6, default=0)


class HistoryEntry(Record):
    """One thing that happened to a plan; appended, never changed."""

    plan: Amount = field(1)
    proposal: Amount = field(2)
    kind: Text = field(3)
    version_from: Text = field(4)
    version_to: Text = field(5)
    code_hash: Hash = field(6)
    reason: Text = field(7, default="")
    file: Text = field(8, default="")
    line: Amount = field(9, default=0)
    root_before: Data = field(10, default=b"")
    """Runtime root before the flip (executed, verified, closed) or before the rollback (rolled_back)."""
    root_after: Data = field(11, default=b"")
    """Runtime root right after the flip or the return, before any transaction or replay; empty when none happened."""
    snapshot: Data = field(12, default=b"")
    """Application root of A-1."""
    migrations: tuple[Text, ...] = field(13, default=())
    replayed: Amount = field(14, default=0)
    not_replayed: Amount = field(15, default=0)
    activation: Amount = field(16, default=0)
    """Height at which the upgrade took effect (verified, closed, rolled_back)."""
    verified: Amount = field(17, default=0)
    """Height at which its probation was passed (closed)."""
    returned: Amount = field(18, default=0)
    """Height of the return to A-1, decided at the end of the block before (rolled_back)."""
    backups: tuple[Hash, ...] = field(19, default=())
    """What the modules left behind that it reinstalled, by the digests that name it (executed, verified, closed)."""
    restored: Data = field(20, default=b"")
    """The module's backup that it brought back, or was to; empty for an upgrade."""


RUNNING: Table[Running] = host_table("upgrade.running", Running, key=(), names=())
PLANS: Table[Plan] = host_table("upgrade.plans", Plan, key=("amount",), names=("plan",))
QUEUE: Table[Queue] = host_table("upgrade.queue", Queue, key=(), names=())
WINDOW: Table[Window] = host_table("upgrade.window", Window, key=(), names=())
REPLAYING: Table[Replaying] = host_table("upgrade.replaying", Replaying, key=(), names=())
HISTORY: Table[HistoryEntry] = host_table(
    "upgrade.history", HistoryEntry, key=("amount", "amount"), names=("height", "plan")
)


class Reader(Protocol):
    """What an overlay and a committed view have in common."""

    def get(self, table: Table[Any], key: tuple[Any, ...]) -> Any: ...

    def scan(self, table: Table[Any], prefix: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]: ...


def states_needed(reader: Reader) -> dict[int, str]:
    """Heights whose whole state an upgrade that is not closed may still be put back to, with why."""
    window: Window | None = reader.get(WINDOW, ())
    replaying: Replaying | None = reader.get(REPLAYING, ())
    needed = {}
    if window is not None:
        needed[window.activation - 1] = "the open rollback window leads back to it"
    if replaying is not None:
        needed[replaying.window.activation - 1] = "the replay under way began from it"
    return needed


def logs_needed_from(overlay: Overlay) -> int | None:
    """The first height whose journal and undo rows a rollback, or a replay under way, may still need; None when no
    height's are."""
    window, replaying = overlay.get(WINDOW, ()), overlay.get(REPLAYING, ())
    heights = [] if window is None else [window.activation]
    heights += [] if replaying is None else [replaying.next]
    return min(heights, default=None)
