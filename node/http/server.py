"""The HTTP server: uvicorn on a thread of its own, with a clean start and a clean stop.

The socket is bound before anything starts, so a taken port is an error of the caller and not of a thread. What is no
HTTP at all is answered as a problem too. The thread's event loop is the node's asynchronous side: others may run
coroutines on it while the server stands.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any, TypeVar

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from node.errors import FaceStopped, PortTaken
from node.http.problems import MEDIA_TYPE, problem_response

START_SECONDS = 30
STOP_SECONDS = 5
"""Requests under way at a stop have so long to end."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Served:
    """A server that listens."""

    host: str
    port: int
    """The port in fact, also where any free one was asked for."""
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the server's loop, from any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)


@contextmanager
def serve(app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> Iterator[Served]:
    """Listen until the context ends; raises PortTaken before anything started, FaceStopped if it never answered."""
    listening = _listen(host, port)
    server = _Server(_config(app))
    thread = Thread(target=server.run_on, args=(listening,), name="http", daemon=True)
    thread.start()
    try:
        if not server.up.wait(START_SECONDS) or server.loop is None:
            raise FaceStopped(f"the HTTP server did not start: {server.failure or 'no answer in time'}; see the log")
        yield Served(host, listening.getsockname()[1], server.loop)
    finally:
        server.should_exit = True
        thread.join(START_SECONDS + STOP_SECONDS)
        listening.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, since asyncio turns Nagle's algorithm off only then; with it a body waits 40 ms behind its headers.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(512)
    except OSError as reason:
        listening.close()
        raise PortTaken(host, port, reason.strerror or str(reason)) from None
    return listening


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


class _Server(uvicorn.Server):
    """A server that says when it is up, and on which loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = Event()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.failure: BaseException | None = None

    def run_on(self, listening: socket.socket) -> None:
        """The thread's work."""
        try:
            asyncio.run(self.serve(sockets=[listening]))
        except BaseException as failure:
            self.failure = failure
            raise
        finally:
            self.up.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, then tell the waiting thread."""
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.up.set()


class _Protocol(H11Protocol):
    """Answers what is no HTTP with a problem, once, and hangs up."""

    def send_400_response(self, msg: str) -> None:
        """``msg`` is uvicorn's; ours says more."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = problem_response(400, "bad_http", "these bytes are no HTTP/1.1 request; check client and port").body
            headers = [("content-type", MEDIA_TYPE), ("content-length", str(len(body))), ("connection", "close")]
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=bytes(body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
        self.transport.close()
