"""What its operator may have a running node do: a checkpoint, and an end.

None of it is the chain's business: a node that is halted is one that a signal stopped, and the state of one that took a
checkpoint is that of one that did not.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

from node.application import Application
from node.http.operator import CheckpointMade
from node.logs import logger
from node.metrics import Metrics
from node.workers import Workers

ACTIONS = 4
"""How many may stand before the next block; one takes some milliseconds."""


class OperatorActions:
    """The node as `node.http.operator` asks it. ``executor`` owns the application, ``stop`` ends the node in order."""

    def __init__(
        self, application: Application, executor: Executor, metrics: Metrics, stop: Callable[[], None]
    ) -> None:
        self._application = application
        self._metrics = metrics
        self._work = Workers(executor, ACTIONS, "operator's actions")
        self._stop = stop
        self._log = logger("node.operator")

    async def checkpoint(self, reason: str) -> CheckpointMade:
        """Between two blocks; of a height that has one already, that one."""
        made = await self._work.do(lambda: self._application.checkpoint(reason))
        self._log.info("checkpoint", name=made.name, bytes=made.size, why=made.reason)
        return CheckpointMade(name=made.name, height=made.height, app_root=made.head.app_root.hex())

    async def halt(self) -> None:
        """The node ends once the block under way is finished."""
        self._log.info("halt_asked")
        self._stop()

    def turned_away(self) -> None:
        """Tell log and metrics of a request without the token."""
        self._metrics.turned_away()
        self._log.warning("operator_refused")
