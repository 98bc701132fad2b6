"""The public routes: each asks the node one thing and returns one declared answer.

| path                                    | what                                                        |
|-----------------------------------------|-------------------------------------------------------------|
| GET  /status /health /readiness         | the node itself; readiness is 503 while it should get no traffic |
| GET  /health/chain                      | every module's health and every invariant, at one height    |
| GET  /metrics                           | the same for monitoring, as Prometheus reads it             |
| POST /transactions                      | submit: raw bytes, or hex in JSON                           |
| GET  /transactions/{id}                 | a transaction and what became of it                         |
| GET  /blocks/latest /blocks/{height}    | blocks                                                      |
| GET  /accounts/{address}                | key, nonce and purse                                        |
| GET  /modules                           | every table, query and call that runs now, with schemas     |
| GET  /modules/{m}/tables/{t}            | a table's rows, page by page                                |
| GET  /modules/{m}/tables/{t}/row        | one row, with a proof if asked for                          |
| GET, POST /modules/{m}/queries/{q}      | ask a query; arguments in the query string or in JSON       |
| GET  /governance/proposals[/{id}]       | proposals                                                   |
| GET  /governance/proposals/{id}/votes/{voter} | a vote with its count, proven                         |
| GET  /governance/proposals/{id}/tally   | the count, as it is and as it would be                      |
| GET  /governance/proposals/{id}/shares  | whose power stands behind it                                |
| GET  /governance/tracks                 | the rules that proposals are decided by                     |
| POST /governance/vote                   | submit a vote, signed, hex in JSON                          |
| GET  /governance/electorate[/{address}] | who may vote, and for how much                              |
| GET  /upgrade/plan /upgrade/history     | what runs, what waits, what happened                        |
| GET  /parameters                        | chain parameters and feature flags in force                 |
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse

from node.http import answers
from node.http.face import NodeFace
from node.http.problems import DOCUMENTED
from node.http.requests import (
    AddressPath,
    Before,
    HashPath,
    HeightPath,
    KeyParts,
    Limit,
    NamePath,
    NumberPath,
    QueryRequest,
    TransactionRequest,
    json_body,
    read_json,
    read_transaction,
)
from runtime.address import parse_address

VOTES = (("governance", "vote"), ("governance", "vote_for"), ("governance", "relay_vote"))
"""Calls that bring a vote: one's own, a proxy's, and one that its voter has signed apart."""
Proposal = Annotated[
    int | None, Query(ge=0, le=2**53 - 1, description="By the electorate of this open vote; without it, of now.")
]
Supposing = Annotated[
    list[str],
    Query(
        default_factory=list, alias="if", max_length=100,
        description="Suppose a vote, `syn1...=no` or `syn1...=yes=0.7,no=0.3`, or a rule, `quorum=1/2`.",
    ),
]  # fmt: skip
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def _router(tag: str) -> APIRouter:
    return APIRouter(tags=[tag], responses=DOCUMENTED)


def node_routes(node: NodeFace) -> APIRouter:
    """What this node is and does."""
    router = _router("node")

    @router.get("/status")
    async def status() -> answers.Status:
        """Who this node is and how far it has come."""
        return await node.status()

    @router.get("/health", responses={503: {"model": answers.Health, "description": "A part does not work."}})
    async def health(response: Response) -> answers.Health:
        """Whether this node works, part by part."""
        said = await node.health()
        response.status_code = 200 if said.healthy else 503
        return said

    @router.get("/health/chain")
    async def chain_health() -> answers.ChainHealth:
        """Ask every module's health hooks, and look at every invariant."""
        return await node.chain_health()

    @router.get("/readiness", responses={503: {"model": answers.Readiness, "description": "Send no traffic here."}})
    async def readiness(response: Response) -> answers.Readiness:
        """Whether a load balancer should send traffic here: not while catching up, draining or stopping."""
        said = await node.readiness()
        response.status_code = 200 if said.ready else 503
        return said

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Heights, runtime, upgrades, mempool, transactions and the seconds of blocks, in Prometheus' text form."""
        return Response(await node.metrics(), media_type=METRICS_TYPE)

    return router


def chain_routes(node: NodeFace) -> APIRouter:
    """Transactions, blocks, accounts, parameters."""
    router = _router("chain")

    @router.post("/transactions", status_code=202, openapi_extra=json_body(TransactionRequest, or_bytes=True))
    async def submit(request: Request) -> answers.Submitted:
        """Verify a signed transaction and keep it for a block."""
        return answers.Submitted(id=(await node.submit(await read_transaction(request))).hex())

    @router.get("/transactions/{transaction_id}")
    async def transaction(transaction_id: HashPath) -> answers.Transaction:
        """A transaction and what became of it."""
        return await node.transaction(bytes.fromhex(transaction_id))

    @router.get("/blocks/latest")
    async def latest_block() -> answers.Block:
        """The last committed block."""
        return await node.block(None)

    @router.get("/blocks/{height}")
    async def block(height: HeightPath) -> answers.Block:
        """The block of a height."""
        return await node.block(height)

    @router.get("/accounts/{address}")
    async def account(address: AddressPath) -> answers.Account:
        """What a signer needs to know of an address."""
        return await node.account(parse_address(address))

    @router.get("/parameters")
    async def parameters() -> answers.Parameters:
        """Chain parameters and feature flags in force."""
        return await node.parameters()

    return router


def module_routes(node: NodeFace) -> APIRouter:
    """Tables and queries of whatever runs now."""
    router = _router("modules")

    @router.get("/modules")
    async def modules() -> answers.Modules:
        """Every table, query and call that runs now, with schemas; the list changes at the flip."""
        return await node.modules()

    @router.get("/modules/{module}/tables/{table}")
    async def rows(
        module: NamePath,
        table: NamePath,
        key: KeyParts,
        after: Annotated[str, Query(max_length=16_384, description="`next` of the page before.")] = "",
        limit: Limit = 100,
    ) -> answers.Rows:
        """A table's rows in key order, all or those whose key begins with `key`."""
        return await node.rows(module, table, tuple(key), after, limit)

    @router.get("/modules/{module}/tables/{table}/row")
    async def row(
        module: NamePath,
        table: NamePath,
        key: KeyParts,
        proof: Annotated[bool, Query(description="Prove the answer against `app_root`.")] = False,
    ) -> answers.ProvenRow:
        """One row, or that there is none."""
        return await node.row(module, table, tuple(key), proof)

    @router.get("/modules/{module}/queries/{query}")
    async def ask(module: NamePath, query: NamePath, request: Request) -> answers.QueryAnswer:
        """Ask a query; its arguments stand in the query string by name, a repeated name makes a list."""
        given: dict[str, Any] = {}
        for name in request.query_params:
            texts = request.query_params.getlist(name)
            given[name] = texts if len(texts) > 1 else texts[0]
        return await node.query(module, query, given)

    @router.post("/modules/{module}/queries/{query}", openapi_extra=json_body(QueryRequest))
    async def ask_with(module: NamePath, query: NamePath, request: Request) -> answers.QueryAnswer:
        """Ask a query with arguments of any shape."""
        return await node.query(module, query, (await read_json(request, QueryRequest)).arguments)

    return router


def governance_routes(node: NodeFace) -> APIRouter:
    """Proposals and votes, plans and what became of them."""
    router = _router("governance")

    @router.get("/governance/proposals")
    async def proposals(
        status: Annotated[str, Query(max_length=32, description="Only those in this state.")] = "",
        before: Before = None,
        limit: Limit = 50,
    ) -> answers.Proposals:
        """Proposals, the newest first."""
        return await node.proposals(status, before, limit)

    @router.get("/governance/proposals/{proposal_id}")
    async def proposal(proposal_id: NumberPath) -> answers.ProposalAnswer:
        """One proposal: what was proposed, how far it has come, what happened to it."""
        return await node.proposal(proposal_id)

    @router.get("/governance/proposals/{proposal_id}/votes/{voter}")
    async def vote_receipt(proposal_id: NumberPath, voter: AddressPath) -> answers.VoteReceipt:
        """A vote and the count it is part of, both proven against one root."""
        return await node.vote_receipt(proposal_id, parse_address(voter))

    @router.get("/governance/proposals/{proposal_id}/tally")
    async def tally(
        proposal_id: NumberPath,
        supposing: Supposing,
        coalition: Annotated[bool, Query(description="Look for the fewest voters who could turn it.")] = False,
    ) -> answers.TallyAnswer:
        """The count and what the close would make of it now; with `if`, also under other votes and rules."""
        return await node.tally(proposal_id, supposing, coalition)

    @router.get("/governance/proposals/{proposal_id}/shares")
    async def shares(
        proposal_id: NumberPath,
        supposing: Supposing,
        kind: Annotated[
            Literal["counted", "inheriting"],
            Query(description="Voters and validators, or delegators who have not voted; of these a page may be short."),
        ] = "counted",
        after: Annotated[str, Query(max_length=100, description="`next` of the page before.")] = "",
        limit: Limit = 1_000,
    ) -> answers.SharesAnswer:
        """Whose power stands behind each vote, where it came from and where it went."""
        return await node.shares(proposal_id, supposing, kind, after, limit)

    @router.get("/governance/electorate")
    async def electorate(
        kind: Annotated[Literal["validators", "delegators"], Query(description="Which of those who may vote.")] = (
            "validators"
        ),
        proposal: Proposal = None,
        after: Annotated[str, Query(max_length=100, description="`next` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=100, description="Most of them on this page.")] = 100,
    ) -> answers.Electorate:
        """Who may vote and for how much, by address."""
        return await node.electorate(kind, proposal, after, limit)

    @router.get("/governance/electorate/{address}")
    async def elector(address: AddressPath, proposal: Proposal = None) -> answers.Elector:
        """One address and all that it can vote."""
        return await node.elector(parse_address(address), proposal)

    @router.get("/governance/tracks")
    async def tracks() -> answers.Tracks:
        """The rules that proposals are decided by, and which kind of proposal takes which."""
        return await node.tracks()

    @router.post("/governance/vote", status_code=202, openapi_extra=json_body(TransactionRequest))
    async def vote(request: Request) -> answers.Submitted:
        """Submit a vote: a signed `governance.vote`, `governance.vote_for` or `governance.relay_vote` transaction."""
        raw = bytes.fromhex((await read_json(request, TransactionRequest)).transaction)
        return answers.Submitted(id=(await node.submit(raw, VOTES)).hex())

    @router.get("/upgrade/plan")
    async def plans() -> answers.Plans:
        """The running runtime and what waits to replace it."""
        return await node.plans()

    @router.get("/upgrade/history")
    async def history(before: Before = None, limit: Limit = 50) -> answers.History:
        """What happened to plans, the newest first."""
        return await node.history(before, limit)

    return router
