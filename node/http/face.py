"""The node as its HTTP face sees it. The application implements this; tests use a small one of their own.

Every method is asynchronous and is called on the server's loop. Reads are of the committed view, at a height that is
on disk. Refusals are the typed errors of node.errors (NotFound, BadRequest, TransactionRefused, NotReady, NodeBusy) or
of the rooms below; node.http.problems says what each becomes. Arguments have been checked for form, never for sense.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from node.http import answers


class NodeFace(Protocol):
    """What the public surface can ask of a node."""

    async def status(self) -> answers.Status:
        """Who the node is and how far it has come."""

    async def health(self) -> answers.Health:
        """Whether it works, part by part."""

    async def chain_health(self) -> answers.ChainHealth:
        """Whether every module is well and every invariant holds, at one height."""

    async def readiness(self) -> answers.Readiness:
        """Whether it should get traffic."""

    async def metrics(self) -> bytes:
        """What monitoring reads, in Prometheus' text form."""

    async def submit(self, raw: bytes, only: Collection[tuple[str, str]] = ()) -> bytes:
        """Verify a raw transaction and keep it in the mempool; its id.

        ``only`` names the (module, call) pairs that are accepted here; another raises BadRequest(wrong_call).
        Raises TransactionMalformed, TransactionRefused, HostRefused.
        """

    async def transaction(self, transaction_id: bytes) -> answers.Transaction:
        """A transaction by id; raises NotFound(no_such_transaction)."""

    async def block(self, height: int | None) -> answers.Block:
        """The block of a height, None for the latest; raises NotFound(no_such_block) or HeightUnknown."""

    async def account(self, address: bytes) -> answers.Account:
        """Key, nonces and purse of an address; zeros for one nobody used."""

    async def modules(self) -> answers.Modules:
        """Tables, queries and calls of every module, host modules included, with schemas."""

    async def rows(self, module: str, table: str, prefix: tuple[str, ...], after: str, limit: int) -> answers.Rows:
        """A page of a table: rows whose key begins with ``prefix`` (texts), after the cursor of the page before.

        Raises NotFound(no_such_table), BadRequest(bad_key, bad_cursor).
        """

    async def row(self, module: str, table: str, key: tuple[str, ...], prove: bool) -> answers.ProvenRow:
        """One row by its key parts as texts, with a proof if asked for; raises as `rows`."""

    async def query(self, module: str, query: str, arguments: Mapping[str, Any]) -> answers.QueryAnswer:
        """Ask a module's query; raises NotFound(no_such_query), BadRequest(bad_arguments, or the query's own code)."""

    async def proposals(self, status: str, before: int | None, limit: int) -> answers.Proposals:
        """Proposals with an id below ``before``, the newest first; ``status`` empty for all."""

    async def proposal(self, proposal_id: int) -> answers.ProposalAnswer:
        """One proposal with its history; raises NotFound(no_such_proposal)."""

    async def electorate(self, kind: str, proposal: int | None, after: str, limit: int) -> answers.Electorate:
        """Those who may vote now, or on ``proposal``: validators or delegators, by address behind ``after``.

        Raises NotFound(no_such_proposal), BadRequest(electorate_not_kept), AddressInvalid.
        """

    async def elector(self, address: bytes, proposal: int | None) -> answers.Elector:
        """One address and all that it can vote; raises as `electorate`."""

    async def tally(self, proposal_id: int, supposing: Sequence[str], coalition: bool) -> answers.TallyAnswer:
        """A count as it is, and under suppositions such as ``syn1...=no`` and ``quorum=1/2``.

        Raises NotFound(no_such_proposal), BadRequest(electorate_not_kept, bad_supposition), AddressInvalid,
        HostRefused(no_power).
        """

    async def shares(
        self, proposal_id: int, supposing: Sequence[str], kind: str, after: str, limit: int
    ) -> answers.SharesAnswer:
        """The trace of a count, by address behind ``after``: of kind ``counted`` who votes and every validator, of kind
        ``inheriting`` delegators who do not vote; raises as `tally`."""

    async def vote_receipt(self, proposal_id: int, voter: bytes) -> answers.VoteReceipt:
        """A vote and its count, proven against one root; raises NotFound(no_such_proposal)."""

    async def tracks(self) -> answers.Tracks:
        """Every track, and the tracks of each kind of proposal."""

    async def plans(self) -> answers.Plans:
        """The running runtime and the plans that wait."""

    async def history(self, before: int | None, limit: int) -> answers.History:
        """What happened to plans below height ``before``, the newest first."""

    async def parameters(self) -> answers.Parameters:
        """Parameters and flags in force."""
