"""The copied chain that a trial plays on: one state, one plan that is due with the next block, and nobody's keys.

Blocks are made here as a driver makes them, by nobody and signed by nobody. Signatures of transactions are not asked:
the calls of the log stand in these blocks again, under fresh nonces (`traffic`).
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from governance.attestations import TableRoot
from governance.proposals import Proposal
from node.host_modules import HOST_MODULES
from node.trial.errors import TrialFailed
from node.trial.report import Subject, first_result
from node.trial.turn import bring_forward
from runtime.block import make_block
from runtime.chain import Chain, PreparedBlock
from runtime.coordinator import Coordinator
from runtime.growth.growth import Growth
from runtime.invariants.counters import AGGREGATES
from runtime.parameters import Parameters
from runtime.plans import ANOTHER_RUNS, HISTORY, SUPERSEDED, HistoryEntry, Window
from runtime.transaction import SignedTransaction
from storage.catalogue import CATALOGUE
from storage.overlay import Overlay
from storage.state import State
from storage.tables import Half

NOBODY = bytes(20)
"""Proposes the blocks of a trial."""

_CATALOGUE_TAG = b"synod/catalogue of rehearsal/"


class Stage:
    """One plan on one copied state, from the height of the copy on. `begin` comes first."""

    chain: Chain
    proposal: Proposal

    def __init__(self, state: State, subject: Subject, export: Path | None = None) -> None:
        self.state = state
        self.subject = subject
        self.export = export
        """The folder to write the tables before and after down in, if anybody wants them."""
        self.before = {name: state.table_root(name) for name in state.catalogue.names(Half.RUNTIME)}
        """Roots of the runtime tables before."""
        self.result = first_result(subject)
        """What there is to say so far."""

    def begin(self) -> None:
        """Bring the plan forward and open the chain; raises what keeps the upgrade from taking effect at all."""
        self.proposal = bring_forward(self.state, self.subject)
        self.chain = Chain(self.state, HOST_MODULES, _unasked)

    @property
    def growth(self) -> Growth:
        """The plan's growth; raises what keeps its bundle from loading, or from following the running one."""
        growth = self.chain.growth
        if growth is None:
            self.chain.opened()  # says why
            raise TrialFailed(SUPERSEDED, ANOTHER_RUNS)
        return growth

    def note_after(self, overlay: Overlay) -> None:
        """Keep what stands right after the flip, as the overlay of the opened block shows it."""
        after = dict(self.state.prepare(overlay).runtime.items())
        catalogue = _CATALOGUE_TAG + CATALOGUE.codec.encode(overlay.catalogue.runtime)
        self.result = self.result.but(
            tables=tuple(TableRoot(name=name, root=root) for name, root in after.items()),
            catalogue=sha256(catalogue).digest(),
            invariants=after[AGGREGATES.name],
        )

    def block(self, transactions: tuple[bytes, ...] = ()) -> PreparedBlock:
        """Make and commit the next block; it is on disk with the next durable one."""
        head, chain = self.state.head, self.chain
        block = make_block(
            head.height + 1, chain.identity.chain_id, chain.last_block, head.app_root, NOBODY, transactions
        )
        prepared = chain.finalize(block)
        chain.commit(prepared, durable=False)
        return prepared

    def coordinator(self, overlay: Overlay) -> Coordinator:
        """The upgrade tables of an overlay on the last block."""
        return Coordinator(overlay, self.state.height, Parameters(overlay, self.state.height), [])

    def window(self) -> Window | None:
        """The rollback window as of the last block."""
        return self.coordinator(self.state.overlay()).window()

    def ended(self) -> HistoryEntry | None:
        """What the last block wrote down of the plan."""
        return self.state.overlay().get(HISTORY, (self.state.height, self.subject.plan))

    def decide_rollback(self) -> None:
        """Let the next block go back, as a vote or a fault in probation would."""
        overlay = self.state.overlay()
        self.coordinator(overlay).roll_back(0, "a trial of the rollback")
        self.state.commit(self.state.prepare(overlay), self.state.height, amends=True)


def _unasked(transaction: SignedTransaction, key: bytes) -> bool:
    return True
