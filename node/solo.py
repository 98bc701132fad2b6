"""The solo driver: one process that holds every validator's key and makes all blocks itself.

It calls the application in the order any driver does. It is honest about what it is: reports say "1 machine, n
signatures". A block is signed by every bonded validator whose key is at hand, once it is committed and the last-signed
record is on disk, and its signatures are written with the next block. So a crash never leaves a signature under a block
that is not there: a block that was signed before its commit could not be made again from an empty mempool, and this
home could sign no other at its height. After a restart the head is signed again, the same bytes. In fast-forward up to
256 empty blocks share one sync, and the last of them is signed. A home whose chain was taken back (restore) makes no
block at or below the height that it signed last.

Between blocks it grows the state of a pending upgrade, for a part of the time that the blocks took, and before the
activation height it waits until all of that is ready, telling how far that is: it has nobody to keep waiting. So it
does for a rehearsal that its validators attest: a fast-forward waits for it at once, anybody else only before the last
block that can hold its attestations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter_ns

from node.application import Application
from node.attester import Attester
from runtime.block import Header, block_id
from runtime.chain import PreparedBlock
from runtime.commit import COMMITS, Commit, Signature, commit_message
from runtime.keys import PrivateKey
from runtime.receipts import Event, Receipt
from runtime.sealing import block_of
from storage.blocklog import commit_row
from storage.checkpoint import Checkpoint
from storage.errors import SigningRefused
from storage.headfile import Head
from storage.pending import LogRows
from storage.signing import LastSigned
from storage.state import WAITING_BLOCKS

GROWTH_SHARE = 2, 3
"""A block is followed by at most this part of its own time spent growing, and by one slice at least."""
GROWTH_RECORDS = 256
"""Records of a slice: a few milliseconds."""


@dataclass(frozen=True, slots=True)
class MadeBlock:
    """A committed block, and how long its parts took on this machine, in nanoseconds."""

    prepared: PreparedBlock
    checkpoint: Checkpoint | None
    """The checkpoint of the height before, when this block activates an upgrade."""
    settle_ns: int
    """Bringing earlier writes into sorted files before a flip: the chain could still go on meanwhile."""
    checkpoint_ns: int
    execution_ns: int
    commit_ns: int

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """Of the transactions in order, then of hooks that failed."""
        return self.prepared.receipts

    @property
    def events(self) -> tuple[Event, ...]:
        """What the block told."""
        return self.prepared.events


class Solo:
    """Makes blocks on an application; belongs to the executor thread."""

    def __init__(
        self,
        application: Application,
        keys: Mapping[bytes, PrivateKey],
        last_signed: LastSigned,
        attester: Attester | None = None,
        grown: Callable[[], object] = lambda: None,
    ) -> None:
        self.application = application
        self._attester = attester
        """Rehearses and attests for the validators; without one nobody does."""
        self._grown = grown
        """Called after each slice of growth that a block waits for."""
        self._keys = dict(sorted(keys.items()))
        """Consensus keys by operator address."""
        self._operators = tuple(self._keys)
        self._last_signed = last_signed
        self._unwritten: LogRows = []
        """Rows that go with the next block: signatures under the last one, and what `attach` was given."""
        self._sign_head_again()

    def proposer(self, height: int) -> bytes:
        """Validators whose keys are here take turns by height."""
        return self._operators[height % len(self._operators)]

    def attach(self, rows: LogRows) -> None:
        """Write further log rows with the next block, such as deletions."""
        self._unwritten = [*self._unwritten, *rows]

    def make_block(self, transactions: tuple[bytes, ...] | None = None) -> MadeBlock:
        """Make, commit and sign one block, from the mempool or with exactly these transactions; raises SigningRefused
        at heights that this home signed before."""
        application = self.application
        self._require_unsigned(application.state.height + 1)
        while self.held_up():
            self.wait()
        activates = application.checkpoint_due()
        if activates:
            self.finish_growth()
        settling = perf_counter_ns()
        if application.flip_due():
            application.settle()
        proposer = self.proposer(application.state.height + 1)
        if transactions is None:
            block = application.prepare_proposal(proposer)
        else:
            block = application.block_of(proposer, transactions)
        began = perf_counter_ns()
        checkpoint = application.checkpoint("upgrade") if activates else None
        checked = perf_counter_ns()
        prepared = application.finalize_block(block)
        executed = perf_counter_ns()
        application.commit(prepared, rows=self._unwritten)
        self._unwritten = [self._sign(block.header)]
        ended = perf_counter_ns()
        self._grow_beside(ended - began)
        self.follow()
        return MadeBlock(
            prepared, checkpoint, began - settling, checked - began, executed - checked, ended - executed
        )

    def finish_growth(self) -> None:
        """Do all that is left of the pending upgrade's growth."""
        while self.application.grow(GROWTH_RECORDS):
            self._grown()

    def follow(self) -> None:
        """Begin a rehearsal that is due, or put what is to be said of it into the mempool."""
        if self._attester is not None:
            self._attester.follow()

    def held_up(self) -> bool:
        """Whether the next block should wait for a rehearsal that is under way; `make_block` would."""
        return self._attester is not None and self._attester.holds_up()

    def wait(self) -> None:
        """Wait for a rehearsal that is under way, and put what is to be said of it into the mempool."""
        if self._attester is not None:
            self._attester.wait()

    def close(self) -> None:
        """Let go of a rehearsal that is under way."""
        if self._attester is not None:
            self._attester.close()

    def _grow_beside(self, took_ns: int) -> None:
        """Grow for a part of the time that a block, or a run of them, took."""
        part, whole = GROWTH_SHARE
        until = perf_counter_ns() + took_ns * part // whole
        while self.application.grow(GROWTH_RECORDS) and perf_counter_ns() < until:
            continue

    def fast_forward(self, height: int, progress: Callable[[int], None] | None = None) -> Head:
        """Make blocks up to ``height``; empty ones share syncs. ``progress`` hears each synced height."""
        application = self.application
        while application.state.height < height:
            self.follow()
            self.wait()
            if len(application.mempool) or application.flip_due():
                self.make_block()
            else:
                self._empty_run(height)
            if progress is not None:
                progress(application.state.height)
        return application.flush()

    def run_ahead(self, height: int) -> PreparedBlock | None:
        """Make empty blocks up to ``height`` that share a sync, until one tells something; the last of them. None where
        the next block is another kind, or a rehearsal is under way, beside which the chain goes block by block."""
        application = self.application
        if len(application.mempool) or application.flip_due():
            return None
        if self._attester is not None and self._attester.is_trying:
            return None
        return self._empty_run(height)

    def _empty_run(self, height: int) -> PreparedBlock | None:
        """Empty blocks until a sync is due, one tells something, or an upgrade needs its checkpoint; the last one."""
        application = self.application
        state, chain = application.state, application.chain
        self._require_unsigned(state.height + 1)
        began = perf_counter_ns()
        activation = application.next_activation()
        stop = min(height, state.height + WAITING_BLOCKS, height if activation is None else activation - 1)
        prepared = None
        while state.height < stop:
            proposer = self.proposer(state.height + 1)
            prepared = chain.finalize(application.block_of(proposer))
            application.commit(prepared, durable=False, rows=self._unwritten)
            self._unwritten = []
            if prepared.events:
                break
        application.flush()
        if prepared is not None:
            self._unwritten = [self._sign(prepared.block.header)]
        self._grow_beside(perf_counter_ns() - began)
        return prepared

    def _sign_head_again(self) -> None:
        """The signatures under the last block, if this home stopped before they were written."""
        height, log = self.application.state.height, self.application.state.log()
        if log.last() != height or log.commit(height) is not None or self._last_signed.last.height > height:
            return
        header = block_of(log.block(height)).header
        if header.chain == self.application.chain.identity.chain_id:  # else a new chain began from this state
            self._unwritten = [self._sign(header)]

    def _require_unsigned(self, height: int) -> None:
        last = self._last_signed.last
        if height <= last.height:
            raise SigningRefused(f"{height}/0", f"{last.height}/{last.round}")

    def _sign(self, header: Header) -> tuple[bytes, bytes | None]:
        identity = block_id(header)
        self._last_signed.advance(header.height, 0, identity)
        message = commit_message(header.chain, header.height, identity)
        signatures = tuple(
            Signature(validator=operator, signature=key.sign(message)) for operator, key in self._keys.items()
        )
        commit = Commit(height=header.height, block=identity, signatures=signatures)
        return commit_row(header.height, COMMITS.encode(commit))
