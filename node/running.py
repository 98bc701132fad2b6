"""A node that runs: a thread for the chain, one for sockets, one for queries, and this one, which says when a block is
made.

The executor thread alone owns application, state and driver; whoever else wants something of them hands it over. The
server's thread and the reader answer from the committed view. Signals and arrivals come as letters, because a signal
may interrupt anything: `SimpleQueue.put` is the one thing that is safe there.

A stop finishes the block under way, answers requests under way, flushes and closes. What ends a node otherwise is
raised once everything is closed: a `StoreFault` (this machine), `UpgradePostponedHere` (asked for by the operator), or
a defect. The node never goes on alone after any of them; started again it goes on from the committed height. A fault
leaves a sealed report behind (`node.incident`), if the disk still takes one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from enum import Enum
from fractions import Fraction
from queue import Empty, SimpleQueue
from time import monotonic

from node.address import NodeAddress
from node.application import Application
from node.core import Core
from node.errors import BadRequest, NodeError
from node.face import QUERIES_AT_ONCE, Condition, Face
from node.http.app import create_app
from node.http.operator import operator_routes
from node.http.server import Served, serve
from node.incident import shelf
from node.incident.gathering import files_of_stop, of_stop
from node.interpreter import set_up_interpreter
from node.logs import logger
from node.metrics import Metrics
from node.operator_actions import OperatorActions
from node.operator_token import published_token
from node.settings import Settings, differences
from node.verification import Verifier
from runtime.errors import HostRefused, HostTooOld, RuntimeRoomError, TransactionMalformed, UpgradePostponedHere
from runtime.parameters import Parameters
from storage.errors import StorageError
from storage.headfile import Head
from storage.home import RELEASE, Home

IDLE_SECONDS = 5.0
"""On demand: how often a node with nothing to do looks whether its disk still answers."""


class Letter(Enum):
    """What the loop is told."""

    STOP = 1
    WORK = 2
    """Something came into the mempool, or is about to."""


class RunningNode:
    """One node of one home, from `run` to its end. `stop` may be called from anywhere, a signal handler too."""

    def __init__(self, home: Home, settings: Settings, refuse: frozenset[bytes] = frozenset()) -> None:
        self._home = home
        self._settings = settings
        self._refuse = refuse
        self._mail: SimpleQueue[Letter] = SimpleQueue()
        self._ahead = 0
        """On demand: the height up to which blocks are made whether one is wanted or not."""
        self._held = False
        """On demand: whether none is made at all."""
        self._log = logger("node")

    def stop(self) -> None:
        """Let the node end after the block under way."""
        self._mail.put(Letter.STOP)

    def advance(self, height: int) -> None:
        """On demand: make blocks up to this height as fast as they can be made. May be called from anywhere."""
        self._ahead = height
        self._mail.put(Letter.WORK)

    def hold(self, held: bool) -> None:
        """On demand: make no block until it is let go; transactions wait. May be called from anywhere."""
        self._held = held
        self._mail.put(Letter.WORK)

    def run(self, started: Callable[[Served], None] = lambda _: None) -> Head:
        """Serve and make blocks until `stop`; returns the head. Raises PortTaken, StoreLocked, and what ends a node."""
        set_up_interpreter()
        with self._home.lock():
            try:
                shelf.reserve(self._home)
                return self._run(started)
            except (UpgradePostponedHere, HostTooOld):  # foreseen, and nothing is the matter with this node
                raise
            except (StorageError, RuntimeRoomError) as fault:
                self._report(fault)
                raise

    def _run(self, started: Callable[[Served], None]) -> Head:
        node = self._settings.node
        with ExitStack() as stack:
            verifier = Verifier(node.verification_threads, node.verification_gather_ms, node.verification_known)
            stack.enter_context(verifier)
            executor = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="executor"))
            metrics = Metrics()
            core = stack.enter_context(self._opened(executor, verifier, metrics))
            condition = Condition(f"solo: 1 machine, {core.signatures} signatures")
            readers = stack.enter_context(_readers())
            face = _ToldFace(core.application, executor, readers, condition, metrics, self._arrived)
            actions = OperatorActions(core.application, executor, metrics, self.stop)
            operator = operator_routes(actions, stack.enter_context(published_token(self._home)))
            app = create_app(face, RELEASE, node.http_body_bytes, operator)
            served = stack.enter_context(serve(app, node.http_host, node.http_port))
            stack.enter_context(NodeAddress.published(self._home, served.url))
            self._tell_start(core.application, served)
            started(served)
            try:
                self._make_blocks(core, executor)
            except (StorageError, RuntimeRoomError) as reason:
                condition.failure = reason.code
                raise
            finally:
                condition.state = "stopping"
                self._tell_end(core, condition.failure)
        return core.application.state.head

    def _report(self, fault: StorageError | RuntimeRoomError) -> None:
        """Leave a report of what stops this node, once for each height and reason."""
        try:
            incident = of_stop(self._home, fault.code, str(fault))
            if incident.id in shelf.ids(self._home):
                self._log.warning("incident_again", id=incident.id)
                return
            written = shelf.write(self._home, incident, files_of_stop(self._home, self._settings))
        except (StorageError, OSError) as unwritten:
            self._log.warning("incident_not_written", of=fault.code, why=str(unwritten))
        else:
            self._log.warning("incident", id=written.id, why=incident.message, seal=written.mark, gone=written.removed)

    @contextmanager
    def _opened(self, executor: ThreadPoolExecutor, verifier: Verifier, metrics: Metrics) -> Iterator[Core]:
        """The executor's part, opened and closed on its thread. A failure while closing never hides an earlier one."""
        opening = executor.submit(
            Core.open, self._home, self._settings, verifier, self._refuse, metrics, self._arrived
        )
        core = opening.result()
        try:
            yield core
        except BaseException:
            with suppress(StorageError):
                executor.submit(core.close).result()
            raise
        executor.submit(core.close).result()

    def _arrived(self) -> None:
        if self._settings.node.blocks == "demand":
            self._mail.put(Letter.WORK)

    def _make_blocks(self, core: Core, executor: ThreadPoolExecutor) -> None:
        """Make blocks on a timer or on demand, and grow a pending upgrade's state while nothing else is due."""
        demand = self._settings.node.blocks == "demand"
        interval = IDLE_SECONDS if demand else self._settings.chain.block_interval_ms / 1000
        due = monotonic() + interval
        growing = True
        while (letter := self._letter(0 if growing else due - monotonic())) is not Letter.STOP:
            now = monotonic()
            if letter is None and now < due:
                growing = executor.submit(core.grow).result()
            elif demand:
                behind = not self._held and executor.submit(core.step_if_wanted, self._ahead).result()
                due, growing = now if behind else max(due + interval, now), True
            elif letter is None:
                executor.submit(core.step).result()
                due, growing = max(due + interval, now), True

    def _letter(self, seconds: float) -> Letter | None:
        """The next letter, with all that wait behind it as one; None when none comes in time."""
        found = None
        try:
            found = self._mail.get(timeout=max(seconds, 0))
            while found is not Letter.STOP:
                found = self._mail.get_nowait()
        except Empty:
            pass
        return found

    def _tell_start(self, application: Application, served: Served) -> None:
        info = application.info()
        self._log.info(
            "started", chain=info.chain_id, height=info.height, app_root=info.app_root, url=served.url, release=RELEASE
        )
        for name, says in _differences(self._settings, application):
            self._log.warning("setting_differs", key=name, says=says)

    def _tell_end(self, core: Core, failure: str) -> None:
        head = core.application.state.head
        told = self._log.error if failure else self._log.info
        told("stopping", height=head.height, app_root=head.app_root, code=failure or "asked")


@contextmanager
def _readers() -> Iterator[Executor]:
    """Where queries run; those that wait at the end are dropped, since whoever asked has been hung up on."""
    readers = ThreadPoolExecutor(QUERIES_AT_ONCE, thread_name_prefix="reader")
    try:
        yield readers
    finally:
        readers.shutdown(cancel_futures=True)


def _differences(settings: Settings, application: Application) -> Iterator[tuple[str, str]]:
    """What the settings state otherwise than the chain holds, by key."""
    parameters = Parameters(application.state.overlay(), application.state.height)
    in_force = {
        rule.name: parameters.ratio(rule.name) if isinstance(rule.default, Fraction) else parameters.integer(rule.name)
        for rule in application.chain.rules
    }
    yield from ((one.name, str(one)) for one in differences(settings, in_force))
    name, stated = application.chain.identity.chain_name, settings.chain.name
    if "name" in settings.chain.model_fields_set and stated != name:
        yield "name", f"this chain's name is {name}, and {stated} in the settings: a chain keeps its name"


class _ToldFace(Face):
    """The face, which tells log and metrics what it refuses and the loop what it took."""

    def __init__(
        self,
        application: Application,
        executor: Executor,
        readers: Executor,
        condition: Condition,
        metrics: Metrics,
        arrived: Callable[[], None],
    ) -> None:
        super().__init__(application, executor, readers, condition, metrics)
        self._arrived = arrived
        self._told = logger("node.admission")

    async def submit(self, raw: bytes, only: Collection[tuple[str, str]] = ()) -> bytes:
        """As NodeFace."""
        try:
            transaction_id = await super().submit(raw, only)
        except (BadRequest, HostRefused, TransactionMalformed, NodeError, RuntimeRoomError) as refused:
            self._metrics.refused(refused.code)
            self._told.info("transaction_refused", code=refused.code, why=str(refused))
            raise
        self._arrived()
        return transaction_id
