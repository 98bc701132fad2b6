"""The executor's part of a running node: application, solo driver and upkeep, on one thread from open to close."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import monotonic, perf_counter_ns
from typing import Self

from node.application import Application
from node.attester import PROGRESS_SECONDS, Attester, Tell
from node.keys_of_home import keys_of_home
from node.logs import logger
from node.mempool import Limits
from node.metrics import Metrics
from node.settings import NodeSettings, Settings
from node.solo import GROWTH_RECORDS, MadeBlock, Solo
from node.startlog import StartLog
from node.trial.process import TrialLimits
from node.upkeep import Upkeep
from node.verification import Verifier
from runtime.journal import LOG
from runtime.parameters import Parameters
from runtime.receipts import OK
from storage.home import Home
from storage.signing import LastSigned

_ANY_SIZE = 1 << 40


class GrowthLog:
    """Tells now and then how far the state of a pending upgrade has grown, also while a block waits for it."""

    def __init__(self, application: Application, tell: Tell, clock: Callable[[], float] = monotonic) -> None:
        self._application = application
        self._tell = tell
        self._clock = clock
        self._told = clock()

    def tell(self) -> None:
        """Say how far it is, if it is time to."""
        growth = self._application.growth
        if growth is None or growth.phase == "ready" or self._clock() - self._told < PROGRESS_SECONDS:
            return
        self._told = self._clock()
        self._tell(
            "growth", phase=growth.phase, done=growth.done, total=growth.total, failing=growth.failing,
            seconds_left=self._application.growth_seconds,
        )  # fmt: skip


class Core:
    """Makes blocks and tells of them. Every method belongs to the executor thread."""

    def __init__(
        self,
        application: Application,
        limits: Limits,
        solo: Solo,
        upkeep: Upkeep,
        signatures: int,
        metrics: Metrics,
        growth: GrowthLog,
    ) -> None:
        self.application = application
        self._limits = limits
        """The mempool's bounds by this node's settings."""
        self.signatures = signatures
        """How many validators' keys sign each block."""
        self._solo = solo
        self._upkeep = upkeep
        self._metrics = metrics
        self._growth = growth
        self._log = logger("node.blocks")

    @classmethod
    def open(
        cls,
        home: Home,
        settings: Settings,
        verifier: Verifier,
        refuse: frozenset[bytes],
        metrics: Metrics,
        wake: Callable[[], None] = lambda: None,
    ) -> Self:
        """Open what a locked home holds; raises what storage and the keys refuse. ``wake`` is called, on any thread,
        when a rehearsal has ended and there may be something to say."""
        limits = limits_of(settings.node)
        application = Application.open(home, verifier, limits, refuse, told=StartLog(logger("node.start").info).tell)
        try:
            keys = keys_of_home(home, application.chain.identity.genesis)
            tell = logger("node.rehearsals").info
            trial = TrialLimits(settings.node.rehearsal_seconds, settings.node.rehearsal_memory_bytes)
            attester = Attester(home, application, keys.accounts, tell, trial, wake)
            growth = GrowthLog(application, logger("node.growth").info)
            solo = Solo(application, keys.consensus, LastSigned.open(home.last_signed_file), attester, growth.tell)
            upkeep = Upkeep(home, application, solo, settings)
            upkeep.begin()
        except BaseException:
            application.state.close()
            raise
        core = cls(application, limits, solo, upkeep, len(keys.consensus), metrics, growth)
        core._follow_chain()
        return core

    def step(self) -> None:
        """Make one block, do a slice of upkeep, and tell of the block: what is told of is in the home's files. Makes
        none while a rehearsal holds it up."""
        if self._solo.held_up():
            return
        began = perf_counter_ns()
        made = self._solo.make_block()
        microseconds = (perf_counter_ns() - began) // 1000
        self._metrics.made(made)
        self._keep_and_tell(made, microseconds)

    def grow(self) -> bool:
        """Do a slice of a pending upgrade's growth; returns whether there is more to do."""
        more = self.application.grow(GROWTH_RECORDS)
        self._growth.tell()
        return more

    def step_if_wanted(self, ahead: int = 0) -> bool:
        """Make blocks up to ``ahead``, a run of empty ones or one at a time, and above it one if a transaction could
        stand in it; otherwise see that the disk still answers. Returns whether the next is wanted at once."""
        self._solo.follow()
        before = self.application.state.height
        if before < ahead:
            if not self._run_ahead(ahead):
                self.step()
        elif self.application.mempool.take(_ANY_SIZE, 1):
            self.step()
        else:
            self.application.state.view().get(LOG, ())
        return before < self.application.state.height < ahead

    def close(self) -> None:
        """Keep what waits and let go of the database."""
        self._solo.close()
        self.application.close()

    def _run_ahead(self, ahead: int) -> bool:
        """Make a run of empty blocks and do the upkeep of its end; returns whether there was one to make."""
        began = perf_counter_ns()
        last = self._solo.run_ahead(ahead)
        if last is None:
            return False
        took = perf_counter_ns() - began
        made = MadeBlock(last, None, settle_ns=0, checkpoint_ns=0, execution_ns=took, commit_ns=0)
        self._keep_and_tell(made, took // 1000)
        return True

    def _keep_and_tell(self, made: MadeBlock, microseconds: int) -> None:
        try:
            self._follow_chain()
            self._upkeep.after(made)
        finally:
            self._tell(made, microseconds)

    def _follow_chain(self) -> None:
        """Bound the mempool by what the chain takes now, where that is narrower than this node's own setting."""
        state = self.application.state
        parameters = Parameters(state.overlay(), state.height)
        self.application.mempool.limits = replace(
            self._limits,
            transaction_bytes=parameters.integer("transaction_bytes"),
            fee_floor=max(self._limits.fee_floor, parameters.integer("fee_floor")),
        )

    def _tell(self, made: MadeBlock, microseconds: int) -> None:
        prepared = made.prepared
        height = prepared.block.header.height
        if made.checkpoint is not None:
            self._log.info("checkpoint", name=made.checkpoint.name, bytes=made.checkpoint.size)
        if prepared.opening.flipped:
            self._log.info(
                "flipped",
                height=height,
                version=str(prepared.loaded.version),
                records=prepared.opening.migrated,
                replayed_heights=len(prepared.opening.seconds),
                execution_microseconds=made.execution_ns // 1000,
                commit_microseconds=made.commit_ns // 1000,
                checkpoint_microseconds=made.checkpoint_ns // 1000,
            )
        told = self._log.info if prepared.block.transactions else self._log.debug
        told(
            "block",
            height=height,
            id=prepared.id,
            app_root=self.application.state.head.app_root,
            transactions=len(prepared.block.transactions),
            failed=sum(receipt.code != OK for receipt in made.receipts),
            microseconds=microseconds,
        )
        for receipt in made.receipts:
            if receipt.code != OK:
                self._log.info(
                    "failed", block=height, item=receipt.item, code=receipt.code, file=receipt.file, line=receipt.line
                )
        for event in made.events:
            if "." not in event.kind:  # the host's; those of modules stand in their receipts
                self._log.info(event.kind, block=height, **{one.name: one.value for one in event.attributes})


def limits_of(node: NodeSettings) -> Limits:
    """The mempool's bounds by this node's settings."""
    return Limits(
        count=node.mempool_count,
        total_bytes=node.mempool_bytes,
        nonce_window=node.mempool_nonce_window,
        fee_floor=node.mempool_fee_floor,
        replacement_percent=node.mempool_replacement_percent,
        lifetime=node.mempool_lifetime,
    )
