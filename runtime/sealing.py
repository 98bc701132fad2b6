"""From a finished pass to a prepared block: logs, their digest in the host half, and the roots."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.block import BLOCKS, Block
from runtime.block_run import BlockRun
from runtime.journal import JOURNALS, LOG, START, Journal, chained
from runtime.opening import Opening
from runtime.receipts import Receipt
from storage.blocklog import Rows, UndoRow, block_rows, second_receipt_row
from storage.codec import codec_of
from storage.overlay import Changes
from storage.prepared import PreparedState
from storage.state import State
from storage.tables import Half

RECEIPTS = codec_of(Receipt)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A block ready to commit."""

    state: PreparedState
    changes: Changes
    """Net writes of the block, but for the digest of its log rows."""
    log_rows: Rows
    receipts: tuple[Receipt, ...]
    """Transactions in order, then hooks that failed."""


def seal(
    state: State,
    run: BlockRun,
    identity: bytes,
    opening: Opening,
) -> Sealed:
    """Write the digest row and prepare the roots."""
    overlay = run.overlay
    changes = overlay.changes()
    receipts = (*run.receipts, *opening.receipts, *(receipt for _, receipt in run.faults))
    journal = _journal(run)
    rows = block_rows(
        run.block.header.height,
        BLOCKS.encode(run.block),
        [RECEIPTS.encode(receipt) for receipt in receipts],
        [receipt.item for receipt in run.receipts],
        journal,
        _undo(changes, frozenset(overlay.catalogue.names(Half.RUNTIME))),
    )
    rows += [
        second_receipt_row(height, place, RECEIPTS.encode(receipt))
        for height, items in opening.seconds
        for place, receipt in enumerate(items.items)
    ]
    previous = overlay.get(LOG, ()) or START
    overlay.put(LOG, (), chained(previous, identity, rows, journal, restart=opening.activated > 0))
    return Sealed(state.prepare(overlay), changes, rows, receipts)


def _journal(run: BlockRun) -> bytes:
    safe_mode, isolated = run.execution.safe_mode, run.execution.isolated
    if not (run.journal or run.closing or safe_mode or isolated):
        return b""
    return JOURNALS.encode(
        Journal(
            proposer=run.block.header.proposer,
            items=tuple(run.journal),
            closing=run.closing,
            safe_mode=safe_mode,
            isolated=tuple(sorted(isolated)),
        )
    )


def _undo(changes: Changes, runtime: frozenset[str]) -> list[UndoRow]:
    return [
        (name, key, change.old) for name, rows in changes.items() if name in runtime for key, change in rows.items()
    ]


def block_of(raw: bytes) -> Block:
    """A stored block."""
    block: Block = BLOCKS.decode(raw)
    return block
