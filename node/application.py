"""The application: one state machine with the doors of ABCI 2.0, whoever drives it.

`info`, `check_tx`, `prepare_proposal`, `process_proposal`, `finalize_block`, `commit` are called by one driver at a
time, in that order for each block; `query` alone is not here, because readers ask the committed view beside the driver
(`node.querying`). This file is the composition root, where mempool, signatures and checkpoints meet the chain and what
`node.host_modules` plugs into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from governance.electorate import standing_of
from node import snapshots
from node.checkpoints import Checkpoints
from node.errors import TransactionRefused
from node.genesis.document import Genesis
from node.genesis.rows import genesis_state
from node.host_modules import HOST_MODULES
from node.mempool import Limits, Mempool, Sender
from node.module_backups import BackupKeeper
from node.pace import Pace
from node.verification import Claim, Verifier
from runtime.accounts import ACCOUNTS, account_for
from runtime.block import Block, make_block
from runtime.bundle.archive import Bundle, pack
from runtime.chain import RUNTIME_ROOM_TABLES, Chain, PreparedBlock
from runtime.coordinator import Coordinator
from runtime.errors import BlockRefused, HostRefused, TransactionMalformed, UpgradePostponedHere
from runtime.execution import Execution, must_wait, runtime_refusal
from runtime.genesis import create_chain_state
from runtime.growth.growth import Progress
from runtime.parameters import Parameters
from runtime.plans import REPLAYING, logs_needed_from
from runtime.receipts import BLOCK_OUT_OF_STEPS, CALLS_WAIT
from runtime.safe_mode import SAFE_MODE, safe_mode_of
from runtime.transaction import SignedTransaction, decode_transaction, transaction_id
from storage.checkpoint import Checkpoint
from storage.errors import TableMismatch
from storage.headfile import Head
from storage.home import Home
from storage.pending import LogRows
from storage.readprogress import Told, untold
from storage.snapshot import SnapshotManifest, export
from storage.state import CACHED_ROWS, State

CORE = Path(__file__).resolve().parent.parent / "runtime" / "core"
"""Sources of the genesis bundle: read by `init_chain`, never afterwards."""

NOT_YET = frozenset({BLOCK_OUT_OF_STEPS, CALLS_WAIT, "wrong_nonce"})
"""Receipts of transactions that a later block may yet run: those found no room or a pause, or came right after one.
A nonce that is used up is dropped for that."""


@dataclass(frozen=True, slots=True)
class Info:
    """Where the chain stands."""

    chain_id: str
    height: int
    app_root: bytes
    last_block: bytes


class Application:
    """Belongs to the executor thread, but for the mempool and the verifier, which guard themselves."""

    def __init__(self, home: Home, state: State, verifier: Verifier, limits: Limits, refuse: frozenset[bytes]) -> None:
        self.home = home
        self.state = state
        self.verifier = verifier
        self.refuse = refuse
        _require_tables(state)
        self.chain = Chain(state, HOST_MODULES, self._signature_holds)
        self.mempool = Mempool(limits, state.height)
        self.mempool.paused = safe_mode_of(state.overlay()).on
        self.backups = BackupKeeper(home, state)
        self._reading: Execution | None = None
        self._checkpoints = Checkpoints(state)
        self.growth: Progress | None = self.chain.growth_progress()
        """How far the pending upgrade's growth was when a slice or a block ended; any thread may look."""
        self.growth_seconds: int | None = None
        """How long it takes to look at the rest of its records, as this machine gets on with it now; None while nobody
        can tell."""
        self._pace = Pace()

    @classmethod
    def init_chain(cls, home: Home, genesis: Genesis, bundle: Bundle | None = None, told: Told = untold) -> None:
        """Write the state at height 0 into an empty home; the genesis bundle is packed from `runtime/core`. ``told``
        hears how many of the accounts are in it."""
        packed = bundle or pack(CORE, chain=genesis.chain_name)
        create_chain_state(home, genesis_state(genesis, packed, told), HOST_MODULES).close()

    @classmethod
    def open(
        cls,
        home: Home,
        verifier: Verifier,
        limits: Limits | None = None,
        refuse: frozenset[bytes] = frozenset(),
        cached_rows: int = CACHED_ROWS,
        told: Told = untold,
    ) -> Application:
        """Open the committed state of a home; ``told`` hears how far its rows are read. Raises what storage finds
        broken."""
        state = State.open(home, cached_rows=cached_rows, told=told)
        try:
            return cls(home, state, verifier, limits or Limits(), refuse)
        except BaseException:
            state.close()
            raise

    def info(self) -> Info:
        """Where the chain stands; the driver goes on from there."""
        head = self.state.head
        return Info(self.chain.identity.chain_id, head.height, head.app_root, self.chain.last_block)

    def decode(self, raw: bytes) -> SignedTransaction:
        """Decode untrusted bytes, bounded by the mempool's limit; raises TransactionMalformed."""
        return decode_transaction(raw, self.mempool.limits.transaction_bytes)

    def check_tx(self, transaction: SignedTransaction) -> None:
        """Keep a transaction for a later block, or raise HostRefused or TransactionRefused with its code.

        Its signature is verified here unless the verifier knows it already, and not again in the block.
        """
        execution = self._reader()
        body = transaction.body
        if body.chain != self.chain.identity.chain_id:
            raise HostRefused("wrong_chain", f"it is signed for {body.chain}, this is {self.chain.identity.chain_id}")
        account = account_for(execution.overlay, body.sender, body.key)
        if not self._signature_holds(transaction, account.key):
            raise HostRefused("bad_signature", "the signature is not the account's over this body")
        host = (body.call.module, body.call.name) in self.chain.host
        refusal = "" if host else must_wait(execution) or runtime_refusal(execution, transaction)
        if refusal:
            raise TransactionRefused(refusal, f"the running runtime would refuse it: {refusal}")
        standing = standing_of(execution.overlay, body.sender, self.state.height) if host else 0
        self.mempool.add(transaction, Sender(account.nonce, execution.purse.balance(body.sender), standing), host=host)

    def prepare_proposal(self, proposer: bytes, most_bytes: int | None = None) -> Block:
        """A block on the last committed one, filled from the mempool; with host calls only while a replay is under
        way, so that it catches up."""
        limit = Parameters(self.state.overlay(), self.state.height).integer("block_bytes")
        room = limit if most_bytes is None else min(limit, most_bytes)
        chosen = self.mempool.take(room, host_only=self._replaying()) if len(self.mempool) else []
        return self.block_of(proposer, tuple([one.raw for one in chosen]), [one.id for one in chosen])

    def block_of(
        self, proposer: bytes, transactions: tuple[bytes, ...] = (), ids: Sequence[bytes] | None = None
    ) -> Block:
        """A block with exactly these transactions; ``ids`` are theirs, where they are known."""
        head, chain = self.state.head, self.chain
        return make_block(
            head.height + 1, chain.identity.chain_id, chain.last_block, head.app_root, proposer, transactions, ids
        )

    def process_proposal(self, block: Block) -> None:
        """Whether another's block may be voted for; raises BlockRefused. Execution decides the rest."""
        parameters = Parameters(self.state.overlay(), self.state.height)
        if sum(map(len, block.transactions)) > parameters.integer("block_bytes"):
            raise BlockRefused("block_too_large", "the transactions exceed block_bytes")
        if len(set(block.transactions)) != len(block.transactions):
            raise BlockRefused("repeated_transaction", "a transaction stands in the block twice")
        if self._replaying() and not all(map(self._is_host_call, self._decode_all(block).values())):
            raise BlockRefused("replay_under_way", "until the replay has caught up, blocks hold host calls only")
        self.chain.require_next(block, [transaction_id(raw) for raw in block.transactions])

    def finalize_block(self, block: Block) -> PreparedBlock:
        """Execute a block and commit nothing. Signatures not known yet are verified first, on the pool."""
        self._require_not_refused(block.header.height)
        decoded = self._decode_all(block)
        self._verify_unknown(decoded.values())
        return self.chain.finalize(block, decoded)

    def commit(self, prepared: PreparedBlock, durable: bool = True, rows: LogRows = ()) -> Head:
        """Make a prepared block the head, with further log rows, and bring the mempool up to it."""
        head = self.chain.commit(prepared, durable, rows)
        self._note_growth()
        self._reading = None
        self.backups.follow(prepared.opening.activated > 0)
        self._update_mempool(prepared)
        return head

    def list_snapshots(self) -> tuple[SnapshotManifest, ...]:
        """Snapshots this node can hand to others, lowest height first."""
        return snapshots.listed(self.home)

    def load_snapshot_chunk(self, name: str, place: int) -> bytes:
        """One chunk of a listed snapshot; raises NotFound."""
        return snapshots.chunk(self.home, name, place)

    def take_snapshot(self) -> SnapshotManifest:
        """Write a snapshot of the last durable height, with the logs a rollback would need, for others to join by."""
        self.state.flush()
        needed = logs_needed_from(self.state.overlay())
        logs = range(0) if needed is None else range(needed, self.state.height + 1)
        return export(self.state.view(), self.home.snapshots, logs)

    def flush(self) -> Head:
        """Make blocks that wait for a sync durable."""
        return self.state.flush()

    def next_activation(self) -> int | None:
        """The height at which the pending upgrade activates, if one is pending."""
        pending = self._coordinator().pending()
        return None if pending is None else pending[1].activation

    def grow(self, records: int) -> bool:
        """Do a slice of what the pending upgrade needs beforehand: of its growth, of about ``records``, or then of its
        checkpoint; returns whether there is more to do."""
        more = self.chain.grow(records)
        self._note_growth()
        return more or self._checkpoints.advance(self.next_activation())

    def flip_due(self) -> bool:
        """Whether the next block puts other tables in force: an upgrade, a decided return, or the end of a window."""
        window, height = self._coordinator().window(), self.state.height + 1
        leaves = window is not None and (window.rollback_at == height or height > window.closes)
        return leaves or self.checkpoint_due()

    def _note_growth(self) -> None:
        grown = self.growth = self.chain.growth_progress()
        left = None if grown is None else self._pace.seconds_left(grown.done, grown.total)
        self.growth_seconds = left if grown is not None and grown.phase == "migrating" else None

    def settle(self) -> None:
        """Do beforehand what a flip, and the checkpoint before it, would wait for."""
        self.state.settle()
        while self._checkpoints.advance(self.next_activation()):
            continue

    def checkpoint_due(self) -> bool:
        """Whether the next block activates an upgrade, so that its A-1 wants a checkpoint."""
        return self.next_activation() == self.state.height + 1

    def checkpoint(self, reason: str) -> Checkpoint:
        """A checkpoint of the last committed height, new or there already; the chain may go on at once."""
        return self._checkpoints.take(reason)

    def close(self) -> None:
        """Keep what waits and let go of the database."""
        self.backups.close()
        self.state.flush()
        self.state.close()

    def _coordinator(self) -> Coordinator:
        overlay = self.state.overlay()
        return Coordinator(overlay, self.state.height, Parameters(overlay, self.state.height), [])

    def _replaying(self) -> bool:
        return self.state.overlay().get(REPLAYING, ()) is not None

    def _is_host_call(self, transaction: SignedTransaction) -> bool:
        return (transaction.body.call.module, transaction.body.call.name) in self.chain.host

    def _signature_holds(self, transaction: SignedTransaction, key: bytes) -> bool:
        known = self.verifier.known.has(transaction.id, key)
        return known or self.verifier.check_all([Claim.of(transaction, key)])[0]

    def _decode_all(self, block: Block) -> dict[bytes, SignedTransaction]:
        """The block's transactions that can be decoded, by their raw bytes; those from the mempool as they are."""
        found = {}
        for raw in block.transactions:
            known = self.mempool.get(transaction_id(raw))
            try:
                found[raw] = decode_transaction(raw, len(raw)) if known is None else known
            except TransactionMalformed:
                continue
        return found

    def _verify_unknown(self, transactions: Iterable[SignedTransaction]) -> None:
        """Under the key that a transaction brings, since no other is admitted, or the registered one."""
        overlay, known = self._reader().overlay, self.verifier.known
        claims = []
        for transaction in transactions:
            key = transaction.body.key
            if not key and (account := overlay.get(ACCOUNTS, (transaction.body.sender,))) is not None:
                key = account.key
            if not known.has(transaction.id, key):
                claims.append(Claim.of(transaction, key))
        self.verifier.check_all(claims)

    def _update_mempool(self, prepared: PreparedBlock) -> None:
        transactions = prepared.block.transactions
        stops_changed = SAFE_MODE.name in prepared.sealed.changes
        if stops_changed:
            self.mempool.paused = safe_mode_of(self.state.overlay()).on
        changed = prepared.opening.flipped or stops_changed
        if not transactions and not changed:
            self.mempool.committed(prepared.block.header.height, (), {})
            return
        done = [one.item for one in prepared.receipts[: len(transactions)] if one.code not in NOT_YET]
        accounts = prepared.sealed.changes.get(ACCOUNTS.name, {})  # never deleted; the key of one is its address
        nonces = {address: change.new_record.nonce for address, change in accounts.items()}
        self.mempool.committed(prepared.block.header.height, done, nonces)
        if changed:
            self._recheck()

    def _reader(self) -> Execution:
        """A scope on the last committed block that nobody writes to, kept until the next one."""
        if self._reading is None:
            overlay = self.state.overlay()
            stopped = safe_mode_of(overlay)
            height = self.state.height + 1
            self._reading = self.chain.execution(overlay, self.chain.loaded, height, stopped.on, stopped.isolated)
        return self._reading

    def _recheck(self) -> None:
        execution = self._reader()

        def refusal(transaction: SignedTransaction) -> str:
            call = transaction.body.call
            return "" if (call.module, call.name) in self.chain.host else runtime_refusal(execution, transaction)

        self.mempool.recheck(refusal)

    def _require_not_refused(self, height: int) -> None:
        if not self.refuse:
            return
        pending = self._coordinator().pending()
        if pending is not None and pending[1].activation == height and pending[1].code_hash in self.refuse:
            raise UpgradePostponedHere(pending[1].code_hash, height)


def _require_tables(state: State) -> None:
    """Refuse a home whose host tables another release wrote otherwise, before a block does with half its work done."""
    for table in (*RUNTIME_ROOM_TABLES, *(table for module in HOST_MODULES for table in module.tables)):
        entry = state.catalogue.find(table.name)
        if entry is None:
            raise TableMismatch(table.name, "this release has it, the home has none of that name")
        if entry.schema != table.schema_digest:
            raise TableMismatch(table.name, "this release declares it otherwise")
