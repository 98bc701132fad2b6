"""The node's public face: every question of `NodeFace`, answered by the part that may answer it.

- Reads use the committed view, here on the server's loop.
- Queries of modules use it too, on a thread of their own, because one may take all its steps. One runs at a time and
  `QUERIES_WAITING` wait: a second would make none faster, since all share the interpreter, and blocks slower again (a
  block takes twice as long beside one endless query, four times beside two).
- What needs the executor is handed to its thread and done between two blocks: proving a row, keeping a transaction
  (whose signature was verified before that, gathered with its neighbours, so that the executor finds it known). At
  most `PROOFS` and `ADMISSIONS` of them stand before the next block: some milliseconds, and a tenth of a second.

What comes beyond these bounds is refused as busy (503) and may be asked again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal

from node.application import Application
from node.chain_health import chain_health
from node.electors import elector_of, electorate_page, height_of
from node.errors import BadRequest, NotFound, NotReady
from node.http import answers
from node.listing import host_modules, runtime_modules
from node.metrics import Gauges, Metrics
from node.querying import answer_query, query_of
from node.reading import Reading, receipt_answer
from node.tallies import shares_page, tally_of
from node.verification import Claim
from node.workers import Workers
from runtime.address import address_text
from runtime.chain import RUNTIME_ROOM_TABLES
from runtime.errors import HostRefused, TransactionMalformed
from runtime.receipts import OK
from runtime.transaction import SignedTransaction, decode_transaction
from storage.home import RELEASE
from storage.proofs import Proof
from storage.tables import Table

QUERIES_AT_ONCE = 1
QUERIES_WAITING = 32
PROOFS = 16
ADMISSIONS = 1_024

State = Literal["running", "catching_up", "draining", "stopping"]


@dataclass(slots=True)
class Condition:
    """How the node is doing; whoever drives it keeps this true."""

    driver: str
    """Who makes blocks, such as ``solo: 1 machine, 4 signatures``."""
    state: State = "running"
    failure: str = ""
    """Why no more blocks are made; empty while they are."""


class Face:
    """A `NodeFace` over an application. ``executor`` runs work on the one thread that owns the application, ``readers``
    on `QUERIES_AT_ONCE` other ones; ``metrics`` gets what can be looked up here."""

    def __init__(
        self, application: Application, executor: Executor, readers: Executor, condition: Condition, metrics: Metrics
    ) -> None:
        self._application = application
        self._condition = condition
        self._metrics = metrics
        self._queries = Workers(readers, QUERIES_AT_ONCE + QUERIES_WAITING, "queries")
        self._proofs = Workers(executor, PROOFS, "proofs")
        self._admissions = Workers(executor, ADMISSIONS, "transactions")
        self._began = monotonic()
        tables = (*RUNTIME_ROOM_TABLES, *(table for module in application.chain.modules for table in module.tables))
        self._host_tables: Mapping[str, Table[Any]] = {table.name: table for table in tables}
        metrics.show(Gauges(application, self._reading))

    def _reading(self) -> Reading:
        return Reading(self._application.state.view(), self._application.chain, self._host_tables)

    async def status(self) -> answers.Status:
        """As NodeFace."""
        reading, mempool = self._reading(), self._application.mempool
        head, identity = reading.view.head, self._application.chain.identity
        return answers.Status(
            chain_id=identity.chain_id,
            chain_name=identity.chain_name,
            release=RELEASE,
            height=head.height,
            block_id=reading.last_block().hex(),
            app_root=head.app_root.hex(),
            host_root=head.host_root.hex(),
            runtime_root=head.runtime_root.hex(),
            runtime=reading.runtime(),
            state=self._condition.state,
            safe_mode=reading.safe_mode.on,
            stops=reading.stops(),
            driver=self._condition.driver,
            mempool_transactions=len(mempool),
            mempool_bytes=mempool.total_bytes,
        )

    async def health(self) -> answers.Health:
        """As NodeFace."""
        failure = self._condition.failure
        parts = [answers.HealthPart(name="blocks", healthy=not failure, detail=failure)]
        uptime = int(monotonic() - self._began)
        return answers.Health(healthy=not failure, uptime_seconds=uptime, parts=parts)

    async def chain_health(self) -> answers.ChainHealth:
        """As NodeFace."""
        return await self._queries.do(lambda: chain_health(self._reading()))

    async def readiness(self) -> answers.Readiness:
        """As NodeFace."""
        condition = self._condition
        reason = condition.state if condition.state != "running" else condition.failure
        return answers.Readiness(ready=not reason, reason=reason)

    async def metrics(self) -> bytes:
        """As NodeFace."""
        return self._metrics.text()

    async def submit(self, raw: bytes, only: Collection[tuple[str, str]] = ()) -> bytes:
        """As NodeFace."""
        if self._condition.state != "running" or self._condition.failure:
            raise NotReady(f"this node takes no transactions ({self._condition.state}): send it to another one")
        transaction = self._application.decode(raw)
        call = transaction.body.call
        if only and (call.module, call.name) not in only:
            names = ", ".join(f"{module}.{name}" for module, name in only)
            raise BadRequest("wrong_call", f"this takes {names} only; POST /transactions takes any call")
        row = self._reading().key_row(transaction.body.sender)
        key = transaction.body.key if row is None else row.key
        if key and not await self._application.verifier.check(Claim.of(transaction, key)):
            raise HostRefused("bad_signature", "the signature is not the account's over this body")
        await self._admissions.do(lambda: self._application.check_tx(transaction))
        return transaction.id

    async def transaction(self, transaction_id: bytes) -> answers.Transaction:
        """As NodeFace."""
        mempool, identity = self._application.mempool, transaction_id.hex()
        waiting = mempool.get(transaction_id)  # before the view: a commit in between moves it to the block
        found = self._reading().executed(transaction_id)
        if found is not None:
            height, place, raw, receipts = found
            last = receipts[-1].code
            return answers.Transaction(
                id=identity,
                state="executed" if last == OK else "failed",
                reason="" if last == OK else last,
                height=height,
                place=place,
                raw=raw.hex(),
                body=_body_of(raw),
                receipts=[receipt_answer(receipt) for receipt in receipts],
            )
        if waiting is not None:
            return answers.Transaction(id=identity, state="waiting", raw=waiting.raw.hex(), body=_body(waiting))
        fate = mempool.fate(transaction_id)
        if not fate:
            raise NotFound("no_such_transaction", f"no transaction {identity} waits here or stands in a kept block")
        return answers.Transaction(id=identity, state="dropped", reason=fate)

    async def block(self, height: int | None) -> answers.Block:
        """As NodeFace."""
        return self._reading().block(height)

    async def account(self, address: bytes) -> answers.Account:
        """As NodeFace."""
        reading = self._reading()
        row = reading.key_row(address)
        nonce = 0 if row is None else row.nonce
        return answers.Account(
            address=address_text(address),
            key="" if row is None else row.key.hex(),
            nonce=str(nonce),
            next_nonce=str(self._application.mempool.next_nonce(address, nonce)),
            balance=str(reading.balance(address)),
            substitute=row is not None and row.substitute,
        )

    async def modules(self) -> answers.Modules:
        """As NodeFace."""
        reading = self._reading()
        registry = reading.registry()
        host = host_modules(self._host_tables, self._application.chain.host, registry)
        running = runtime_modules(reading.loaded.declaration.modules, registry)
        return answers.Modules(height=reading.height, runtime=reading.runtime(), modules=[*running, *host])

    async def rows(self, module: str, table: str, prefix: tuple[str, ...], after: str, limit: int) -> answers.Rows:
        """As NodeFace."""
        return self._reading().rows(module, table, prefix, after, limit)

    async def row(self, module: str, table: str, key: tuple[str, ...], prove: bool) -> answers.ProvenRow:
        """As NodeFace."""
        reading = self._reading()
        if not prove:
            return self._proven(reading, module, table, key, None)

        reading.row(reading.table(module, table), key)  # what cannot be is refused without the executor
        return await self._proofs.do(lambda: self._prove(module, table, key))

    def _prove(self, module: str, table: str, key: tuple[str, ...]) -> answers.ProvenRow:
        """A row of the newest height with its proof; between two blocks, on the executor's thread."""
        self._application.flush()
        now = self._reading()
        found = now.table(module, table)
        parsed, _ = now.row(found, key)
        return self._proven(now, module, table, key, self._application.state.prove(found, parsed))

    def _proven(
        self, reading: Reading, module: str, table: str, key: tuple[str, ...], proof: Proof | None
    ) -> answers.ProvenRow:
        found = reading.table(module, table)
        return answers.ProvenRow(
            table=found.name,
            height=reading.height,
            app_root=reading.view.head.app_root.hex(),
            row=reading.row(found, key)[1],
            proof=None if proof is None else proof.to_json(),
        )

    async def query(self, module: str, query: str, arguments: Mapping[str, Any]) -> answers.QueryAnswer:
        """As NodeFace."""
        query_of(self._reading().loaded, module, query)  # what is not there is refused without a wait
        return await self._queries.do(lambda: answer_query(self._reading(), module, query, arguments))

    async def proposals(self, status: str, before: int | None, limit: int) -> answers.Proposals:
        """As NodeFace."""
        return self._reading().proposals(status, before, limit)

    async def proposal(self, proposal_id: int) -> answers.ProposalAnswer:
        """As NodeFace."""
        return self._reading().proposal(proposal_id)

    async def electorate(self, kind: str, proposal: int | None, after: str, limit: int) -> answers.Electorate:
        """As NodeFace."""
        return electorate_page(self._reading(), kind, proposal, after, limit)

    async def elector(self, address: bytes, proposal: int | None) -> answers.Elector:
        """As NodeFace."""
        reading = self._reading()
        return elector_of(reading, address, height_of(reading, proposal))

    async def tally(self, proposal_id: int, supposing: Sequence[str], coalition: bool) -> answers.TallyAnswer:
        """As NodeFace."""
        return await self._queries.do(lambda: tally_of(self._reading(), proposal_id, supposing, coalition))

    async def shares(
        self, proposal_id: int, supposing: Sequence[str], kind: str, after: str, limit: int
    ) -> answers.SharesAnswer:
        """As NodeFace."""
        return await self._queries.do(lambda: shares_page(self._reading(), proposal_id, supposing, kind, after, limit))

    async def vote_receipt(self, proposal_id: int, voter: bytes) -> answers.VoteReceipt:
        """As NodeFace."""
        key = str(proposal_id)
        vote, standing = (key, address_text(voter)), (key,)
        self._reading().proposal(proposal_id, with_history=False)  # what is not there is refused without the executor

        def prove_now() -> answers.VoteReceipt:
            proven = (self._prove("governance", "votes", vote), self._prove("governance", "standings", standing))
            return answers.VoteReceipt(
                height=proven[0].height, app_root=proven[0].app_root, vote=proven[0], standing=proven[1]
            )

        return await self._proofs.do(prove_now)

    async def plans(self) -> answers.Plans:
        """As NodeFace."""
        return self._reading().plans(self._application.growth, self._application.growth_seconds)

    async def history(self, before: int | None, limit: int) -> answers.History:
        """As NodeFace."""
        return self._reading().history(before, limit)

    async def tracks(self) -> answers.Tracks:
        """As NodeFace."""
        return self._reading().tracks()

    async def parameters(self) -> answers.Parameters:
        """As NodeFace."""
        return self._reading().all_parameters()


def _body(transaction: SignedTransaction) -> answers.Body:
    body = transaction.body
    return answers.Body(
        chain=body.chain,
        sender=address_text(body.sender),
        nonce=str(body.nonce),
        fee=str(body.fee),
        expiry=str(body.expiry),
        module=body.call.module,
        call=body.call.name,
        interface=body.call.interface.hex(),
        args=body.call.args.hex(),
        key=body.key.hex(),
    )


def _body_of(raw: bytes) -> answers.Body | None:
    try:
        return _body(decode_transaction(raw, len(raw)))
    except TransactionMalformed:
        return None
