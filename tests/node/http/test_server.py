"""The listening socket: what it leaves to the event loop, and what it refuses."""

import asyncio
import socket

import pytest

from node.errors import PortTaken
from node.http.server import _listen


def test_an_answer_is_sent_at_once_and_not_when_the_client_acknowledges_its_headers() -> None:
    async def delays() -> bool:
        found: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def met(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            found.set_result(not accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with _listen("127.0.0.1", 0) as listening:
            async with await asyncio.start_server(met, sock=listening):
                _, writer = await asyncio.open_connection(*listening.getsockname())
                answer = await found
                writer.close()
                return answer

    assert asyncio.run(delays()) is False


def test_a_taken_port_is_an_error_of_the_caller() -> None:
    with _listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(PortTaken) as taken:
            _listen("127.0.0.1", port)
    assert taken.value.port == port
