"""Readiness, health and the server's own life."""

import asyncio
import socket

import httpx
import pytest

from node.errors import PortTaken
from node.http.app import create_app
from node.http.server import serve
from tests.node.http.standin import StandIn
from tests.node.transactions import transaction


@pytest.fixture
def node():
    return StandIn()


def test_readiness_and_health_are_503_while_draining(node):
    with serve(create_app(node)) as served:
        assert httpx.get(served.url + "/readiness").status_code == 200
        node.ready = False
        readiness = httpx.get(served.url + "/readiness")
        assert (readiness.status_code, readiness.json()) == (503, {"ready": False, "reason": "draining"})
        assert httpx.get(served.url + "/health").status_code == 503
        assert httpx.get(served.url + "/status").json()["state"] == "draining"
        node.ready = True
        assert httpx.get(served.url + "/readiness").status_code == 200


def test_a_draining_node_takes_no_transaction_and_says_when_to_come_again(node):
    node.ready = False
    with serve(create_app(node)) as served:
        refused = httpx.post(served.url + "/transactions", json={"transaction": transaction().raw.hex()})
    assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
    assert refused.headers["retry-after"] == "1"


def test_a_taken_port_is_an_error_before_anything_starts(node):
    app = create_app(node)
    with serve(app) as served, pytest.raises(PortTaken) as taken, serve(app, port=served.port):
        pass
    assert taken.value.port == served.port
    assert "http_port" in str(taken.value)


def test_after_the_context_nobody_listens_and_the_port_is_free(node):
    with serve(create_app(node)) as served:
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((served.host, served.port), timeout=5)
    with serve(create_app(node), port=served.port) as again:
        assert httpx.get(again.url + "/status").status_code == 200


def test_the_loop_of_the_server_runs_others_work(node):
    async def work():
        await asyncio.sleep(0)
        return asyncio.get_running_loop()

    with serve(create_app(node)) as served:
        assert served.run(work()).result(10) is served.loop


def test_a_defect_is_a_500_that_tells_nothing_of_the_inside(node, caplog):
    async def broken():
        raise RuntimeError("secret detail")

    node.status = broken
    with serve(create_app(node)) as served:
        failed = httpx.get(served.url + "/status")
        assert failed.status_code == 500
        assert failed.json()["code"] == "internal"
        assert "secret" not in failed.text
        assert httpx.get(served.url + "/readiness").status_code == 200
    assert [record.levelname for record in caplog.records if record.name == "node.http"] == ["ERROR"]
