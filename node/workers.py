"""Work that the server's loop hands to threads, bounded: so many pieces at once, and no more wait behind them.

Without a bound, clients could pile up work faster than it is done: in front of the next block where the thread is the
executor's, in memory anywhere. Beyond it the answer is a refusal that says to come again, and nothing was begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from threading import BoundedSemaphore
from typing import TypeVar

from node.errors import NodeBusy, NotReady

T = TypeVar("T")


class Workers:
    """One kind of work for the threads of an executor, which others may use as well."""

    def __init__(self, executor: Executor, most: int, kind: str) -> None:
        """``most`` pieces may be under way or wait; ``kind`` names them in the refusal, such as ``queries``."""
        self._executor = executor
        self._most = most
        self._kind = kind
        self._room = BoundedSemaphore(most)

    async def do(self, work: Callable[[], T]) -> T:
        """What ``work`` gives or raises; NodeBusy when there is no room for it, NotReady when the threads are gone."""
        if not self._room.acquire(blocking=False):
            raise NodeBusy(f"{self._most} {self._kind} are under way or wait here already: ask again in a second")
        try:
            future = self._executor.submit(work)
        except RuntimeError as stopped:
            self._room.release()
            raise NotReady("the node is stopping: ask another one") from stopped
        future.add_done_callback(lambda _: self._room.release())  # also when nobody waits for it any more
        return await asyncio.wrap_future(future)
