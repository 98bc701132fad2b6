"""A small client of a running node: each method one question of its HTTP face, every failure a typed error.

    NodeUnreachable   (node.errors)  nothing answers at the address: exit 3
    NodeNotRunning                   its operator asks a home's node, and none runs there: exit 3
    NodeStrange                      something answers there that is no Synod node: exit 3
    NodeProblem                      the node says no, with its stable code: exit 1; 2 for a question that makes no
                                     sense, 3 when it cannot answer now
    WrongChain                       the node runs another chain than the home or the caller meant: exit 2

Answers are the JSON objects that GET /openapi.json describes; amounts in them are decimal strings.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click
import httpx

from node.address import NodeAddress
from node.errors import NodeUnreachable, SettingsMissing
from node.genesis.document import digest_of
from node.operator_token import read_token
from node.settings import load_settings
from storage.errors import HomeMissing
from storage.home import Home

from .exits import Exit
from .options import DEFAULT_HOME, Decorator

SECONDS = 30
"""How long one answer may take."""
DEFAULT_URL = "http://127.0.0.1:8650"
UNAVAILABLE = 503
ASKED_WRONGLY = frozenset({"invalid_request", "bad_supposition"})
"""Codes of questions that no chain could answer: a number out of range, a rule that means nothing."""

url_option: Decorator = click.option(
    "--url",
    default=lambda: os.environ.get("SYNOD_URL"),
    show_default="$SYNOD_URL, else that of the home's node",
    help="Where the node answers.",
)
chain_option: Decorator = click.option("--chain", "chain_id", help="Go on only if the node's chain has this id.")

Answered = dict[str, Any]


class NodeStrange(Exception):
    """What answers at the address is no Synod node, or one of another release."""

    code = "node_strange"
    exit = Exit.MACHINE

    def __init__(self, url: str, said: str) -> None:
        super().__init__(f"what answers at {url} is no Synod node ({said}): give the right --url")
        self.url = url


class NodeNotRunning(Exception):
    """No node runs on the home, so there is none to ask as its operator."""

    code = "node_not_running"
    exit = Exit.MACHINE

    def __init__(self, home: Path) -> None:
        super().__init__(f"no node runs on {home}: give the right --home")
        self.home = home


class NodeProblem(Exception):
    """The node answered with problem details; ``code`` is theirs."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"the node says {code}: {detail}")
        self.code = code
        self.status = status
        self.detail = detail
        asked_wrongly = Exit.USAGE if code in ASKED_WRONGLY else Exit.REFUSED
        self.exit = Exit.MACHINE if status >= UNAVAILABLE else asked_wrongly


class WrongChain(Exception):
    """Nothing is signed for a chain that was not meant."""

    code = "wrong_chain"
    exit = Exit.USAGE

    def __init__(self, url: str, meant: str, found: str) -> None:
        super().__init__(f"the node at {url} runs {found}, not {meant}: give the --url or --home that belong together")
        self.url = url
        self.meant = meant
        self.found = found


class Client:
    """One node, asked over one connection; close it, or use it as a context."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None, operator_token: str = "") -> None:
        self.url = url.rstrip("/")
        shown = {"authorization": f"Bearer {operator_token}"} if operator_token else {}
        try:
            self._http = httpx.Client(
                base_url=self.url, headers=shown, timeout=SECONDS, transport=transport, trust_env=False
            )
        except (httpx.InvalidURL, ValueError, TypeError) as wrong:
            raise click.UsageError(f"--url {url}: {wrong}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._http.close()

    def status(self) -> Answered:
        """Who the node is and how far it has come."""
        return self._get("/status")

    def health(self) -> Answered:
        """Each part that a node's health depends on, also when one does not work."""
        return self._get("/health")

    def chain_health(self) -> Answered:
        """Every module's health and every invariant, at one height."""
        return self._get("/health/chain")

    def upgrade(self) -> Answered:
        """The pending upgrade and until when the last one can be rolled back."""
        return self._get("/upgrade/plan")

    def upgrades(self, limit: int) -> list[Answered]:
        """The newest lines of the upgrade history."""
        return list(self._get("/upgrade/history", {"limit": limit})["entries"])

    def account(self, address: str) -> Answered:
        """Key, nonces and purse of an address."""
        return self._get(f"/accounts/{address}")

    def submit(self, raw: bytes) -> str:
        """Hand over a signed transaction; its id."""
        return str(self._ask("POST", "/transactions", json={"transaction": raw.hex()})["id"])

    def transaction(self, transaction_id: str) -> Answered:
        """A transaction and what became of it."""
        return self._get(f"/transactions/{transaction_id}")

    def parameters(self) -> dict[str, str]:
        """Every chain parameter in force, as text."""
        return {one["name"]: one["value"] for one in self._get("/parameters")["parameters"]}

    def row(self, table: str, key: Sequence[str] = (), prove: bool = False) -> Answered:
        """One row of ``module.table``; its value is None where there is none."""
        module, _, name = table.partition(".")
        return self._get(f"/modules/{module}/tables/{name}/row", {"key": list(key), "proof": prove})

    def rows(self, table: str, prefix: Sequence[str] = (), limit: int | None = None) -> Iterator[Answered]:
        """The rows of ``module.table`` whose key begins so, in key order, asked page by page."""
        module, _, name = table.partition(".")
        after, left = "", limit
        while left is None or left > 0:
            page = {"key": list(prefix), "after": after, "limit": 1_000 if left is None else min(left, 1_000)}
            answer = self._get(f"/modules/{module}/tables/{name}", page)
            yield from answer["rows"]
            after = answer["next"]
            if after is None:
                return
            left = None if left is None else left - len(answer["rows"])

    def query(self, module: str, name: str, arguments: Mapping[str, Any]) -> Answered:
        """What a module's query says."""
        return self._ask("POST", f"/modules/{module}/queries/{name}", json={"arguments": dict(arguments)})

    def proposal(self, number: int) -> Answered:
        """One proposal with its history."""
        return self._get(f"/governance/proposals/{number}")

    def proposals(self, status: str, limit: int) -> list[Answered]:
        """The newest proposals, all or those in a state."""
        found = self._get("/governance/proposals", {"status": status, "limit": limit})["proposals"]
        return list(found)

    def electorate(self, kind: str, proposal: int | None, limit: int | None) -> Iterator[Answered]:
        """Pages of those who may vote, validators or delegators, up to ``limit`` of them together."""
        after, left = "", limit
        while left is None or left > 0:
            page = {"kind": kind, "after": after, "limit": 100 if left is None else min(left, 100)}
            answer = self._get("/governance/electorate", page if proposal is None else {**page, "proposal": proposal})
            yield answer
            after = answer["next"]
            if after is None:
                return
            left = None if left is None else left - len(answer["electors"])

    def elector(self, address: str, proposal: int | None = None) -> Answered:
        """One address and all that it can vote, now or in an open vote."""
        return self._get(f"/governance/electorate/{address}", {} if proposal is None else {"proposal": proposal})

    def tally(self, proposal: int, supposing: Sequence[str], coalition: bool) -> Answered:
        """The count of a proposal, as it is and under suppositions."""
        return self._get(f"/governance/proposals/{proposal}/tally", {"if": list(supposing), "coalition": coalition})

    def shares(self, proposal: int, supposing: Sequence[str], kind: str) -> Iterator[Answered]:
        """The trace of a count, of voters and validators or of delegators who have not voted, asked page by page."""
        after: str | None = ""
        while after is not None:
            page = {"if": list(supposing), "kind": kind, "after": after}
            answer = self._get(f"/governance/proposals/{proposal}/shares", page)
            yield from answer["shares"]
            after = answer["next"]

    def vote_receipt(self, proposal: int, voter: str) -> Answered:
        """A vote and the count it is part of, proven against one root."""
        return self._get(f"/governance/proposals/{proposal}/votes/{voter}")

    def tracks(self) -> Answered:
        """Every track, and the tracks of each kind of proposal."""
        return self._get("/governance/tracks")

    def identity(self) -> Answered:
        """Which chain this is: ids, genesis digest, parent."""
        value: Answered = self.row("host.chain")["row"]["value"]
        return value

    def checkpoint(self, reason: str) -> Answered:
        """As the operator: have the node take a checkpoint."""
        return self._ask("POST", "/operator/checkpoint", json={"reason": reason})

    def halt(self) -> Answered:
        """As the operator: have the node end after the block under way."""
        return self._ask("POST", "/operator/halt")

    def _get(self, path: str, params: Mapping[str, Any] | None = None) -> Answered:
        return self._ask("GET", path, params=params)

    def _ask(self, method: str, path: str, **what: Any) -> Answered:
        try:
            response = self._http.request(method, path, **what)
        except httpx.TransportError as failure:
            raise NodeUnreachable(self.url, str(failure) or type(failure).__name__) from None
        except httpx.HTTPError as failure:
            raise NodeStrange(self.url, str(failure)) from None
        try:
            answer = response.json()
        except ValueError:
            raise NodeStrange(self.url, f"status {response.status_code} without JSON") from None
        if not isinstance(answer, dict):
            raise NodeStrange(self.url, "an answer that is no object")
        if response.is_success or "healthy" in answer:  # a node that is not well says so with a 503
            return answer
        if "code" not in answer:
            raise NodeStrange(self.url, f"status {response.status_code}")
        raise NodeProblem(response.status_code, str(answer["code"]), str(answer.get("detail", "")))


def as_operator(home: Home) -> Client:
    """A client of the node that runs on a home, with its token; raises NodeNotRunning, OperatorTokenUnreadable."""
    running = NodeAddress.of(home)
    if running is None:
        raise NodeNotRunning(home.root)
    return Client(running.url, operator_token=read_token(home))


@contextmanager
def asking(home: Path, url: str | None) -> Iterator[Client]:
    """A client for questions; where no node runs on the home, whatever answers instead must be of its chain.

    The port of a home's settings is nobody's own: another home's node may listen there. Raises WrongChain.
    """
    with client_of(home, url) as client:
        if url is None and NodeAddress.of(Home(home)) is None:
            check_genesis(client, Home(home))
        yield client


def check_genesis(client: Client, home: Home) -> None:
    """Raises WrongChain unless the node's chain began as the home's did; a home without a genesis is of any chain."""
    if not home.genesis_file.is_file():
        return
    identity = client.identity()
    if digest_of(home.genesis_file.read_bytes()).hex() != identity["genesis"]:
        other = f"a chain {identity['chain_id']} of another genesis"
        raise WrongChain(client.url, f"that of {home.root}", other)


def client_of(home: Path, url: str | None) -> Client:
    """A client of the node at ``url``, or of the one that runs on the home."""
    return Client(url or url_of(home))


def url_of(home: Path) -> str:
    """Where the home's node says that it answers, else where its settings would have it; the default without a home.

    Raises HomeMissing for a folder that was named and is not there: whatever answers at the default is another's node.
    """
    running = NodeAddress.of(Home(home))
    if running is not None:
        return running.url
    try:
        node = load_settings(Home(home).settings_file, os.environ).node
    except SettingsMissing:
        if home != DEFAULT_HOME and not home.is_dir():
            raise HomeMissing(home, "there is no such folder") from None
        return DEFAULT_URL
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(node.http_host, node.http_host)
    return f"http://[{host}]:{node.http_port}" if ":" in host else f"http://{host}:{node.http_port}"
