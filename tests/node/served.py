"""A real chain behind a real socket, its blocks made by the test."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from node.face import QUERIES_AT_ONCE, Condition, Face
from node.genesis.document import Genesis
from node.http.app import create_app
from node.http.server import serve
from node.logs import configure_logs
from node.metrics import Metrics
from node.rehearsal.world import World
from tests.node.http.openapi import declared_schema, faults


@dataclass
class Node:
    """A served world; blocks are made on the executor, as a driver would."""

    world: World
    client: httpx.Client
    executor: ThreadPoolExecutor
    readers: ThreadPoolExecutor
    condition: Condition
    document: dict

    def block(self):
        return self.executor.submit(self.world.block).result(60)

    def get(self, path, **params):
        """An answer that is what the OpenAPI document says it is."""
        response = self.client.get(path, params=params)
        template = next(one for one in self.document["paths"] if _fits(one, path))
        schema = declared_schema(self.document, template, "GET", response)
        assert isinstance(schema, dict), schema
        assert faults(self.document, schema, response.json()) == []
        return response.json()

    def post(self, path, raw):
        return self.client.post(path, json={"transaction": raw.hex()})

    def send(self, place=0, coins=5):
        """A signed transfer from one account to the next, not yet submitted."""
        sender, receiver = self.world.accounts()[place], self.world.accounts()[place + 1]
        declaration = self.world.application.chain.loaded.calls[("bank", "send")].declaration
        return self.world.wallet(sender).call(declaration, 10, to=receiver, coins=coins)


def _fits(template, path):
    parts, given = template.split("/"), path.split("/")
    exact = [part == other or part.startswith("{") for part, other in zip(parts, given, strict=False)]
    return len(parts) == len(given) and all(exact) and (template == path or path != "/blocks/latest")


@contextmanager
def serving(home: Path, genesis: Genesis) -> Iterator[Node]:
    """A fresh chain in a folder, served until the context ends."""
    configure_logs("console", "error")
    world = World.create(home, genesis)
    condition = Condition("solo: 1 machine, 4 signatures")
    with ThreadPoolExecutor(1) as executor, ThreadPoolExecutor(QUERIES_AT_ONCE) as readers:
        app = create_app(Face(world.application, executor, readers, condition, Metrics()))
        with serve(app) as served, httpx.Client(base_url=served.url, timeout=30, trust_env=False) as client:
            yield Node(world, client, executor, readers, condition, client.get("/openapi.json").json())
    world.close()
