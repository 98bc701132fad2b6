"""The client: every way in which a node does not answer is an error of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import click
import pytest

from node.errors import NodeUnreachable
from scripts.client import DEFAULT_URL, Client, NodeProblem, NodeStrange, url_of
from scripts.exits import Exit, exit_of
from scripts.status import of_node
from storage.errors import HomeMissing


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that says one thing to everybody."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_nobody_there_is_unreachable_and_an_error_of_this_machine() -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(NodeUnreachable) as error:
        client.status()
    assert exit_of(error.value) is Exit.MACHINE
    assert error.value.url == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>hello</html>"), (200, b"[]"), (200, b'"ok"'), (404, b"{}"), (502, b"bad gateway"), (200, b"")],
)
def test_somebody_else_there_is_no_node(status: int, body: bytes) -> None:
    with answering(status, body) as url, Client(url) as client, pytest.raises(NodeStrange) as error:
        client.status()
    assert exit_of(error.value) is Exit.MACHINE


@pytest.mark.parametrize(
    ("status", "code", "end"),
    [(404, "no_such_row", Exit.REFUSED), (422, "wrong_nonce", Exit.REFUSED), (503, "not_ready", Exit.MACHINE)],
)
def test_a_problem_keeps_its_code_and_says_whose_fault_it_is(status: int, code: str, end: Exit) -> None:
    body = f'{{"status": {status}, "code": "{code}", "detail": "so it is"}}'.encode()
    with answering(status, body) as url, Client(url) as client, pytest.raises(NodeProblem) as error:
        client.status()
    assert (error.value.code, error.value.status, exit_of(error.value)) == (code, status, end)
    assert "so it is" in str(error.value)


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"{}"])
def test_the_status_of_what_is_no_node_is_refused_in_one_line(body: bytes) -> None:
    with answering(200, body) as url, pytest.raises(NodeStrange) as error:
        of_node(url)
    assert "is no Synod node" in str(error.value) and "\n" not in str(error.value)


def test_a_node_that_is_not_well_is_no_stranger() -> None:
    with answering(503, b'{"healthy": false, "parts": []}') as url, Client(url) as client:
        assert client.health() == {"healthy": False, "parts": []}


def test_an_address_that_is_none_is_wrong_usage() -> None:
    with pytest.raises(click.UsageError), Client("http://[::1") as client:
        client.status()


def test_the_address_follows_from_the_home_when_none_is_given(live: Path, tmp_path: Path) -> None:
    with Client(url_of(live)) as client:
        assert client.status()["chain_id"] == "synod-local-rehearsal-scenario"
    assert url_of(tmp_path) == DEFAULT_URL
    (tmp_path / "synod.toml").write_text('[node]\nhttp_host = "0.0.0.0"\nhttp_port = 9000\n')
    assert url_of(tmp_path) == "http://127.0.0.1:9000"


def test_the_pages_of_a_table_are_put_together(live: Path) -> None:
    with Client(url_of(live)) as client:
        every = list(client.rows("bank.accounts"))
        assert len(every) >= 40
        assert [row["key"] for row in client.rows("bank.accounts", limit=3)] == [row["key"] for row in every[:3]]


def test_a_home_that_was_named_and_is_not_there_is_nobodys_default(tmp_path: Path) -> None:
    with pytest.raises(HomeMissing):
        url_of(tmp_path / "typo")
    (tmp_path / "keys-only").mkdir()
    assert url_of(tmp_path / "keys-only") == DEFAULT_URL
