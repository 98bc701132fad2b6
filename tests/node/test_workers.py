"""Work handed from a loop to threads: bounded, and its room given back however it ends."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from node.errors import NodeBusy, NotReady
from node.workers import Workers


def failing() -> None:
    raise ValueError("a defect")


def test_work_that_fails_raises_where_it_was_asked_for_and_gives_its_room_back() -> None:
    async def ask(workers: Workers) -> int:
        for _ in range(3):
            with pytest.raises(ValueError, match="a defect"):
                await workers.do(failing)
        return await workers.do(lambda: 7)

    with ThreadPoolExecutor(1) as threads:
        assert asyncio.run(ask(Workers(threads, 1, "questions"))) == 7


def test_whoever_hangs_up_leaves_no_room_taken_once_the_work_is_done_or_dropped() -> None:
    free, begun = Event(), Event()

    def work() -> None:
        begun.set()
        assert free.wait(60)

    async def ask(workers: Workers) -> None:
        first = asyncio.create_task(workers.do(work))
        second = asyncio.create_task(workers.do(failing))
        await asyncio.to_thread(begun.wait, 60)
        with pytest.raises(NodeBusy):
            await workers.do(failing)
        second.cancel()  # it waits, and so is never begun
        with pytest.raises(asyncio.CancelledError):
            await second
        third = asyncio.create_task(workers.do(lambda: 7))
        await asyncio.sleep(0)
        first.cancel()  # it is under way: nobody waits for it, and it keeps its room
        with pytest.raises(NodeBusy):
            await workers.do(failing)
        free.set()
        assert await third == 7

    with ThreadPoolExecutor(1) as threads:
        asyncio.run(ask(Workers(threads, 2, "questions")))


def test_when_the_threads_are_gone_the_node_is_stopping() -> None:
    async def ask(workers: Workers) -> None:
        for _ in range(3):
            with pytest.raises(NotReady):
                await workers.do(failing)

    threads = ThreadPoolExecutor(1)
    threads.shutdown()
    asyncio.run(ask(Workers(threads, 1, "questions")))
