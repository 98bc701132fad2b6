"""What readers ask beside the chain: queries and proofs that hold up no block, each of one height whole."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from node.errors import BadRequest
from node.face import PROOFS, QUERIES_AT_ONCE, QUERIES_WAITING
from node.querying import answer_query
from node.reading import Reading
from node.rehearsal.rollback import live_until_it_breaks
from runtime.address import address_text
from runtime.registry import REGISTRY
from tests.node.marked import MARK, PLAIN, marked
from tests.node.served import Node
from tests.runtime.story_bundles import first, with_echo
from tests.runtime.story_chain import Story
from tests.scenarios.upgrades import activated, edited, example


@contextmanager
def held(threads: Executor, count: int = 1) -> Iterator[None]:
    """All threads of an executor are at work on something else until the context ends."""
    free = Event()
    began = [Event() for _ in range(count)]

    def work(mine: Event) -> None:
        mine.set()
        assert free.wait(60)

    for one in began:
        threads.submit(work, one)
    try:
        assert all(one.wait(60) for one in began)
        yield
    finally:
        free.set()


def refused_beyond(most: int, ask: Callable[[], httpx.Response], threads: Executor, count: int = 1) -> None:
    """With the threads at work, ``most`` questions wait and are answered later; one more is refused at once."""
    with ThreadPoolExecutor(most + 1) as people:
        with held(threads, count):
            asked: list[Future[httpx.Response]] = [people.submit(ask) for _ in range(most + 1)]
            done, waiting = wait(asked, timeout=60, return_when=FIRST_COMPLETED)
            assert (len(done), len(waiting)) == (1, most)
            refusal = done.pop().result()
            assert (refusal.status_code, refusal.json()["code"]) == (503, "busy")
            assert refusal.headers["retry-after"] == "1"
        assert {one.result(60).status_code for one in waiting} == {200}


def balance_of(node: Node) -> dict[str, Any]:
    answer: dict[str, Any] = node.get("/modules/bank/queries/balance", owner=address_text(node.world.accounts()[0]))
    return answer


def test_a_query_is_answered_while_a_block_is_under_way(node: Node) -> None:
    with held(node.executor):
        assert balance_of(node)["height"] == 0


def test_blocks_are_made_and_other_readers_answered_while_a_query_takes_its_time(node: Node) -> None:
    with ThreadPoolExecutor(1) as somebody:
        with held(node.readers, QUERIES_AT_ONCE):
            asked = somebody.submit(balance_of, node)
            node.block()
            assert node.get("/status")["height"] == 1
            assert node.get("/modules/bank/tables/accounts", limit=1)["height"] == 1
            assert node.client.get("/modules/bank/queries/nothing").json()["code"] == "no_such_query"
            assert not asked.done()
        assert asked.result(60)["height"] == 1


def test_queries_beyond_those_that_may_wait_are_refused_as_busy(node: Node) -> None:
    owner = address_text(node.world.accounts()[0])
    refused_beyond(
        QUERIES_WAITING + QUERIES_AT_ONCE,
        lambda: node.client.get("/modules/bank/queries/balance", params={"owner": owner}),
        node.readers,
        QUERIES_AT_ONCE,
    )


def test_proofs_beyond_those_that_may_stand_before_a_block_are_refused_as_busy(node: Node) -> None:
    refused_beyond(
        PROOFS,
        lambda: node.client.get("/modules/upgrade/tables/running/row", params={"proof": "true"}),
        node.executor,
    )


def test_a_query_out_of_steps_says_so_and_the_next_is_answered(node: Node) -> None:
    endless = edited(example(node.world), bank=(PLAIN, f"while ctx.height:\n        pass\n    {PLAIN}"))
    node.executor.submit(activated, node.world, endless).result(120)
    owner = address_text(node.world.accounts()[0])
    refused = node.client.get("/modules/bank/queries/balance", params={"owner": owner})
    assert (refused.status_code, refused.json()["code"]) == (400, "out_of_steps")
    assert "bank.py" in refused.json()["detail"]
    assert node.get("/modules/bank/queries/releasable", owner=owner)["result"] == "0"


def test_a_view_that_somebody_holds_answers_the_same_across_a_flip_and_a_rollback(node: Node) -> None:
    world, owner = node.world, node.world.accounts()[0]
    held_views: list[Reading] = []
    said: list[str] = []

    def look() -> None:
        reading = Reading(world.application.state.view(), world.application.chain, {})
        held_views.append(reading)
        row = reading.view.get(reading.loaded.tables["bank.accounts"], (owner,))
        assert row is not None
        mark = MARK if reading.running.version == "2.0.0" else 0
        said.append(str(row.balance + mark))

    look()
    voted = activated(world, marked(world))
    look()
    live_until_it_breaks(world, voted.record.activation)
    look()
    world.forward(world.height + 500)  # beyond the window, so that the old generations go
    while world.application.state.collect(4_096):
        pass
    look()
    assert [one.running.version for one in held_views] == ["1.0.0", "2.0.0", "1.0.0", "1.0.0"]
    asked = [answer_query(one, "bank", "balance", {"owner": address_text(owner)}) for one in held_views]
    assert [one.result for one in asked] == said
    assert [one.height for one in asked] == [one.height for one in held_views]


def test_whoever_asks_during_a_flip_and_a_rollback_is_answered_by_the_runtime_of_the_height(node: Node) -> None:
    ended = Event()

    def follow() -> list[tuple[int, int]]:
        seen = []
        while not ended.is_set():
            answer = balance_of(node)
            seen.append((answer["height"], int(answer["result"])))
        return seen

    with ThreadPoolExecutor(3) as people:
        followers = [people.submit(follow) for _ in range(3)]
        try:
            seen = [balance_of(node)]
            voted = node.executor.submit(activated, node.world, marked(node.world)).result(120)
            seen.append(balance_of(node))
            went = node.executor.submit(live_until_it_breaks, node.world, voted.record.activation).result(120)
            seen.append(balance_of(node))
        finally:
            ended.set()
        answers = [(one["height"], int(one["result"])) for one in seen]
        answers += [pair for one in followers for pair in one.result(60)]
    assert [result >= MARK for _, result in answers[:3]] == [False, True, False]
    wrong = [one for one in answers if (one[1] >= MARK) != (voted.record.activation <= one[0] < went.height)]
    assert wrong == []


def test_a_query_of_a_module_without_an_entry_in_the_registry_is_refused_by_name(tmp_path: Path) -> None:
    story = Story(tmp_path, with_echo(first()))
    who = {"who": address_text(story.ann.address)}

    def asked() -> object:
        return answer_query(Reading(story.state.view(), story.chain, {}), "echo", "times", who).result

    assert asked() == "0"
    story.block(act=lambda context: context.overlay.delete(REGISTRY, ("echo",)))
    with pytest.raises(BadRequest) as refused:
        asked()
    assert refused.value.code == "module_not_registered"
    assert str(refused.value) == "echo.times answered module_not_registered"
    story.state.close()
