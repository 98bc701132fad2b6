"""What the node's chain runs, read from the chain's own bytes: the bundle's declarations beside the host's tables.

The bundle is fetched by its chunks and must hash to the code hash that the node names, so what is signed for follows
from the code that will run and not from a list that a node makes up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import click

from node.host_modules import HOST_MODULES
from node.http.values import render
from runtime.bundle.archive import Bundle
from runtime.bundle.checker import check_bundle
from runtime.bundle.declarations import QueryDeclaration, RuntimeDeclaration
from runtime.chain import RUNTIME_ROOM_TABLES
from runtime.host import HostCall
from runtime.host_calls import KEY_CALLS
from runtime.interface import interface_of
from storage.codec import codec_of
from storage.keys import KeyKind, pack_key
from storage.record import Schema, define_record

from .arguments import signature_of
from .bundles import OfNode
from .client import Client, NodeStrange
from .console import Answer

HOST_CALLS: dict[str, HostCall] = {
    f"{call.module}.{call.name}": call for call in (*KEY_CALLS, *(one for part in HOST_MODULES for one in part.calls))
}
HOST_TABLES = {
    table.name: table for table in (*RUNTIME_ROOM_TABLES, *(one for part in HOST_MODULES for one in part.tables))
}


@dataclass(frozen=True, slots=True)
class Target:
    """A call as one signs it."""

    module: str
    name: str
    args: Schema
    interface: bytes
    host: bool
    """The host runs it, and it pays no fee."""

    @property
    def id(self) -> str:
        """``module.name``."""
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table as far as reading and proving it takes."""

    name: str
    key: tuple[KeyKind, ...]
    key_names: tuple[str, ...]
    record: Schema

    def packed(self, key: tuple[Any, ...]) -> bytes:
        """Key bytes."""
        return pack_key(self.key, key)

    def shown(self, raw: bytes) -> dict[str, Any]:
        """A row's bytes as JSON; raises NotCanonical for bytes that are no row of this table."""
        return render(self.record, codec_of(define_record(self.record)).decode_canonical(raw))


class Shown:
    """The running runtime of a node, fetched once, when first needed."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @cached_property
    def bundle(self) -> Bundle:
        """The running bundle; raises NodeStrange when its bytes are not what the chain names."""
        node = OfNode(self._client)
        found = node.bundle(node.running())
        if found is None:
            raise NodeStrange(self._client.url, "it does not hold the bundle that it says it runs")
        return found

    @cached_property
    def declaration(self) -> RuntimeDeclaration:
        """What it declares."""
        return check_bundle(self.bundle, chain=None, host_release=None)

    def call(self, name: str) -> Target:
        """A call by ``module.name``, the host's or the bundle's; a usage error lists what there is."""
        host = HOST_CALLS.get(name)
        if host is not None:
            interface = interface_of(host.module, host.name, host.schema, host.meaning)
            return Target(host.module, host.name, host.schema, interface, host=True)
        found = self.declaration.call(name)
        if found is None or found.internal:
            raise click.UsageError(f"{_unknown('call', name)}; {self.calls().text}")
        return Target(found.module, found.name, found.args, found.interface, host=False)

    def calls(self) -> Answer:
        """Every call that one can sign, with its arguments."""
        own = [signature_of(one.id, one.args) for one in self.declaration.calls() if not one.internal]
        host = [signature_of(name, call.schema) for name, call in sorted(HOST_CALLS.items())]
        lines = ("this chain runs:", *(f"  {one}" for one in own), "host calls:", *(f"  {one}" for one in host))
        return Answer({"calls": own, "host_calls": host}, "\n".join(lines))

    def readable(self) -> Answer:
        """Every query, with its arguments, and every table."""
        queries = [signature_of(one.id, one.args) for one in self.declaration.queries()]
        tables, host = [one.id for one in self.declaration.tables()], sorted(HOST_TABLES)
        lines = ("queries:", *(f"  {one}" for one in queries), f"tables: {', '.join(tables)}",
                 f"host tables: {', '.join(host)}")  # fmt: skip
        return Answer({"queries": queries, "tables": tables, "host_tables": host}, "\n".join(lines))

    def query(self, name: str) -> QueryDeclaration | None:
        """A query by ``module.name``."""
        return self.declaration.query(name)

    def table(self, name: str) -> TableShape | None:
        """A table by ``module.table``, the host's or the bundle's."""
        host = HOST_TABLES.get(name)
        if host is not None:
            return TableShape(host.name, host.key, host.key_names, host.schema)
        found = next((one for one in self.declaration.tables() if one.id == name), None)
        return None if found is None else TableShape(found.id, found.key, found.key_names, found.record)

    def unknown(self, name: str) -> click.UsageError:
        """That there is neither query nor table of that name, with those that there are."""
        return click.UsageError(f"{_unknown('query or table', name)}; {self.readable().text}")


def _unknown(what: str, name: str) -> str:
    return f"no {what} is called {name!r}" if "." in name else f"{name!r} is not MODULE.NAME"
