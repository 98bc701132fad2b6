"""What monitoring learns of a node, as Prometheus' text at GET /metrics.

What *happens* is counted as it happens, from the start of this process on: transactions and refusals by code, the
seconds that blocks took. What *is* is looked up at each scrape (`Gauges`): from the committed view, the mempool and
the home's folders; upgrades are counted in the chain's history, which no restart forgets.

All of this is the node's side. Nothing that the chain decides reads any of it, so seconds and ratios may be floats.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from node.application import Application
from node.attesting import readiness_now
from node.backups import lost, needs_told
from node.incident import shelf
from node.reading import Reading
from node.solo import MadeBlock
from runtime.growth.growth import WAITING_FOR_DATA
from runtime.plans import (
    CANCELLED,
    CLOSED,
    EXECUTED,
    EXPIRED,
    FAILED,
    HISTORY,
    PLANS,
    POSTPONED,
    QUEUE,
    REPLAYING,
    ROLLED_BACK,
    SUPERSEDED,
    VERIFIED,
    WINDOW,
    Queue,
)
from runtime.receipts import OK
from storage.errors import CheckpointLost
from storage.home import Home
from storage.module_backup import list_backups
from storage.view import CommittedView

MOST_CODES = 200
"""Codes that get a series of their own. A bundle may make them up, so the rest are counted as `other`."""
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_NANOSECONDS = 1_000_000_000
OUTCOMES = (EXECUTED, VERIFIED, CLOSED, FAILED, ROLLED_BACK, CANCELLED, SUPERSEDED, EXPIRED, POSTPONED)
PHASES = ("idle", "timelock", "rehearsal", "probation", "rollback_window", "replay")


class Metrics:
    """The counts of one node. Safe between threads."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._transactions = Counter(
            "synod_transactions", "Transactions in blocks, by receipt.", ("outcome", "code"), registry=registry
        )
        self._refused = Counter(
            "synod_transactions_refused", "Transactions the mempool did not take.", ("code",), registry=registry
        )
        self._turned_away = Counter(
            "synod_operator_requests_refused", "Requests without the operator's token.", registry=registry
        )
        self._execution = Histogram(
            "synod_block_execution_seconds", "Executing a block, up to its roots.", buckets=SECONDS, registry=registry
        )
        self._commit = Histogram(
            "synod_block_commit_seconds", "Committing a block to disk.", buckets=SECONDS, registry=registry
        )
        self._codes: set[str] = set()

    def show(self, gauges: Gauges) -> None:
        """Add what is looked up at each scrape."""
        self._registry.register(gauges)

    def made(self, made: MadeBlock) -> None:
        """Count a committed block."""
        self._execution.observe(made.execution_ns / _NANOSECONDS)
        self._commit.observe(made.commit_ns / _NANOSECONDS)
        receipts = made.receipts[: len(made.prepared.block.transactions)]
        for code, count in Tally(receipt.code for receipt in receipts).items():
            self._transactions.labels("ok" if code == OK else "failed", self._code(code)).inc(count)

    def refused(self, code: str) -> None:
        """Count a transaction that was not taken."""
        self._refused.labels(self._code(code)).inc()

    def turned_away(self) -> None:
        """Count a request for an operator's action without the token."""
        self._turned_away.inc()

    def text(self) -> bytes:
        """All of it, in the text form of version 0.0.4."""
        return generate_latest(self._registry)

    def _code(self, code: str) -> str:
        if code not in self._codes and len(self._codes) >= MOST_CODES:
            return "other"
        self._codes.add(code)
        return code


class Gauges:
    """What a scrape looks up. ``reading`` gives the committed view; asked by one thread at a time."""

    def __init__(self, application: Application, reading: Callable[[], Reading]) -> None:
        self._application = application
        self._reading = reading
        self._ended = EndedUpgrades()

    def collect(self) -> Iterator[Metric]:
        """Every series, as the registry asks."""
        application, reading = self._application, self._reading()
        yield _gauge("height", "The last committed height, on disk or waiting for a sync.", application.state.height)
        yield _gauge("durable_height", "The last committed height that is on disk; answers are of it.", reading.height)
        safe_mode = reading.safe_mode
        yield _gauge("safe_mode", "1 while runtime calls wait and only governance acts.", safe_mode.on)
        yield _gauge("isolated_modules", "Modules of which nothing runs for now.", len(safe_mode.isolated))
        yield _gauge("mempool_transactions", "Transactions that wait for a block.", len(application.mempool))
        yield _gauge("mempool_bytes", "Raw bytes of those.", application.mempool.total_bytes)
        yield _gauge("checkpoints", "Checkpoints in this home.", _folders(application.home.checkpoints))
        yield _gauge("snapshots", "Snapshots for other nodes in this home.", _folders(application.home.snapshots))
        yield _gauge("incidents", "Sealed reports in this home.", len(shelf.ids(application.home)))
        yield _gauge("incidents_unseen", "Those that nobody looked at yet.", _unseen(application.home))
        yield _gauge("checkpoints_lost", "Checkpoints that an upgrade needs, and gone.", len(_lost(application)))
        backups = list_backups(application.home)
        yield _gauge("module_backups", "Backups of reinstalled modules in this home.", len(backups))
        yield from _restoring(application, reading)
        yield _running(reading)
        yield _pending(reading)
        yield from _phase(reading)
        yield from _growing(application)
        yield from self._ended.shown(reading.view)


class EndedUpgrades:
    """How plans ended. The history only grows, so each of its heights is looked at once."""

    def __init__(self) -> None:
        self._counts = Tally(dict.fromkeys(OUTCOMES, 0))
        self._next = 0

    def shown(self, view: CommittedView) -> Iterator[Metric]:
        """Plans by outcome, and the success rate once any plan has come to its height."""
        kinds = [entry.kind for _, entry in view.scan(HISTORY, start=(self._next,))]
        self._counts.update(kind for kind in kinds if kind in self._counts)
        self._next = view.height + 1
        ends = CounterMetricFamily(
            "synod_upgrades", "What became of plans: one that takes effect is counted again at each step after that.",
            labels=("outcome",),
        )
        for outcome, count in self._counts.items():
            ends.add_metric((outcome,), count)
        yield ends
        tried = self._counts[EXECUTED] + self._counts[FAILED]
        if tried:
            stayed = self._counts[EXECUTED] - self._counts[ROLLED_BACK]
            yield _gauge("upgrade_success_ratio", "Upgrades that took effect and stayed, of all tried.", stayed / tried)


def _running(reading: Reading) -> Metric:
    running = reading.running
    return InfoMetricFamily(
        "synod_runtime",
        "The runtime that executes blocks; the software's own release is another matter.",
        {"version": running.version, "code_hash": running.code_hash.hex(), "since": str(running.since)},
    )


def _pending(reading: Reading) -> Metric:
    """No series while nothing is pending."""
    shown = GaugeMetricFamily(
        "synod_pending_upgrade_activation_height",
        "The height at which the next plan takes effect.",
        labels=("plan", "version", "code_hash"),
    )
    for plan_id in (reading.view.get(QUEUE, ()) or Queue()).plans[:1]:
        plan = reading.view.get(PLANS, (plan_id,))
        assert plan is not None, "the queue names plans that exist"
        shown.add_metric((str(plan_id), plan.version, plan.code_hash.hex()), plan.activation)
    return shown


def phase_of(reading: Reading) -> str:
    """Where the chain is in the life of its upgrades: of what is open the part that binds most."""
    view, height = reading.view, reading.height
    window = view.get(WINDOW, ())
    if view.get(REPLAYING, ()) is not None:
        return "replay"
    if window is not None:
        return "probation" if height < window.probation_until else "rollback_window"
    found = readiness_now(view)
    if found is not None and found[2].first <= height:
        return "rehearsal"
    return "timelock" if (view.get(QUEUE, ()) or Queue()).plans else "idle"


def _phase(reading: Reading) -> Iterator[Metric]:
    """Which phase it is, and the heights at which what is open ends; no series for what is not."""
    now = phase_of(reading)
    shown = GaugeMetricFamily("synod_upgrade_phase", "1 for the phase that upgrades are in.", labels=("phase",))
    for phase in PHASES:
        shown.add_metric((phase,), phase == now)
    yield shown
    window, replaying = reading.view.get(WINDOW, ()), reading.view.get(REPLAYING, ())
    if window is not None:
        yield _gauge("probation_until_height", "Last height at which a fault rolls back.", window.probation_until)
        yield _gauge("rollback_until_height", "Last height at which a rollback may execute.", window.closes)
    if replaying is not None:
        yield _gauge("replay_next_height", "The height whose calls are replayed next.", replaying.next)
    found = readiness_now(reading.view)
    if found is not None:
        yield _gauge("rehearsal_gate_height", "The height whose end judges the rehearsals.", found[2].gate)
        yield _gauge("rehearsal_postponements", "How often the pending plan was put off.", found[2].postponed)


def _restoring(application: Application, reading: Reading) -> Iterator[Metric]:
    """Whether this node can follow when a module's data comes back; no series while none is pending."""
    for plan_id in (reading.view.get(QUEUE, ()) or Queue()).plans[:1]:
        plan = reading.view.get(PLANS, (plan_id,))
        growth = application.growth
        if plan is not None and plan.backup and growth is not None:
            holds = growth.phase != WAITING_FOR_DATA
            yield _gauge("restore_data_held", "1 if this node holds the data that the next plan brings back.", holds)


def _growing(application: Application) -> Iterator[Metric]:
    """How far the pending upgrade's state is grown."""
    growth = application.growth
    if growth is not None:
        records = GaugeMetricFamily("synod_growth_records", "Records of the pending upgrade.", labels=("state",))
        for state, count in (("done", growth.done), ("total", growth.total), ("failing", growth.failing)):
            records.add_metric((state,), count)
        yield records


def _unseen(home: Home) -> int:
    return sum(not shelf.seen(home, name) for name in shelf.ids(home))


def _lost(application: Application) -> tuple[CheckpointLost, ...]:
    return lost(application.home, needs_told(application.home))


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"synod_{name}", meaning, value=value)


def _folders(place: Path) -> int:
    """Whole ones: those that are being made or removed have a dot before their name or `.part` behind it."""
    return sum(not one.name.startswith(".") and one.suffix != ".part" for one in place.iterdir())
