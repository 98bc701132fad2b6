"""This node's part in attested rehearsals: it rehearses the pending plan at its heights, and says what came out.

After the block of such a height the node takes a checkpoint and lets a trial run on it beside the chain, which goes on
making blocks. When the trial has ended, each validator whose key is at hand signs what came out, through the node's own
mempool. What has still to be said is read from the state every time (`node.attesting`), so nothing is lost by a restart
and nothing said twice: a trial that a stop cut short is begun again on its checkpoint, which stays until then.

A trial that this machine could not make says nothing. Silence is no veto.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from time import monotonic

from governance.attestations import Attest
from governance.calls import CALLS
from node.application import Application
from node.attesting import Due, due_now
from node.errors import NodeError
from node.trial.process import Trial, TrialLimits, clear_rooms, copy_without_keys, room_in, share_backups
from node.trial.report import Line, Report, Subject
from node.trial.turn import subject_of
from node.wallet import Wallet
from runtime.accounts import ACCOUNTS
from runtime.errors import RuntimeRoomError
from runtime.keys import PrivateKey
from storage import retention
from storage.checkpoint import Checkpoint, list_checkpoints
from storage.errors import StorageError
from storage.home import Home

Tell = Callable[..., object]
"""Hears what happens, ``(event, **fields)``; called from the trial's thread too."""

REHEARSAL = "rehearsal"
"""Why checkpoints are taken here."""
PROGRESS_SECONDS = 5.0
"""How often a step that lasts is told of."""
_ATTEST = next(call for call in CALLS if call.name == "attest")


class Attester:
    """Rehearses and attests for the validators whose keys it has. Belongs to the executor thread."""

    def __init__(
        self,
        home: Home,
        application: Application,
        keys: Mapping[bytes, PrivateKey],
        tell: Tell,
        limits: TrialLimits | None = None,
        ended: Callable[[], None] = lambda: None,
        measured: bool = True,
    ) -> None:
        self._home = home
        self._application = application
        self._keys = keys
        """What signs for each operator's account."""
        self._tell = tell
        self._limits = limits or TrialLimits()
        self._ended = ended
        """Called, on another thread, when a trial has ended and there may be something to say."""
        self._measured = measured
        """Whether seconds and memory travel with an attestation; without them equal chains have equal blocks."""
        self._job: _Job | None = None
        self._given_up: tuple[int, int, int] | None = None
        """A rehearsal without a checkpoint to try it on."""
        self._sent: dict[bytes, bytes] = {}
        """Validators' attestations on their way, by transaction id."""
        self._mute: set[bytes] = set()
        """Validators whose attestation of the present rehearsal the chain does not take."""
        self._untidy = True

    def follow(self) -> None:
        """Begin the rehearsal that is due, or say what it came to. To be called before and after each block."""
        state = self._application.state
        due = due_now(state.overlay(), state.height, self._keys)
        if self._job is not None and (due is None or self._job.due.about != due.about):
            self._drop()
        if self._untidy:
            self._tidy(due)
        if due is None or due.about == self._given_up:
            return
        if self._job is None:
            self._begin(due)
        elif self._job.report is not None:
            self._say(due, self._job.report)

    def holds_up(self) -> bool:
        """Whether the next block is the last that can hold an attestation which is still being worked for."""
        self.follow()
        job = self._job
        if job is None or self._application.state.height + 1 < job.due.gate:
            return False
        if job.runs:
            return True
        self.follow()  # it may have ended since
        return False

    @property
    def is_trying(self) -> bool:
        """Whether a trial is under way."""
        return self._job is not None and self._job.runs

    def wait(self) -> None:
        """Wait for the trial under way, if there is one, and say what it came to."""
        if self._job is not None:
            self._job.join()
            self.follow()

    def close(self) -> None:
        """End the trial under way; it is begun again at the next start."""
        if self._job is not None:
            self._job.stop()
            self._job = None

    def _begin(self, due: Due) -> None:
        checkpoint = self._checkpoint(due.height)
        if checkpoint is None:
            self._given_up = due.about
            self._tell("rehearsal_passed_over", plan=due.plan, height=due.height, why="no_checkpoint_of_height")
            return
        subject = subject_of(self._application.state, due.proposal).model_copy(
            update={"height": due.height, "runtime_root": checkpoint.head.runtime_root.hex()}
        )
        self._tell("rehearsal_begun", plan=due.plan, height=due.height, checkpoint=checkpoint.name)
        self._job = _Job(due, self._limits, self._tell, self._ended)
        self._job.start(self._home, checkpoint, subject)

    def _checkpoint(self, height: int) -> Checkpoint | None:
        """The checkpoint of a height: taken now, or there from before a restart."""
        if self._application.state.height == height:
            return self._application.checkpoint(REHEARSAL)
        return next((one for one in list_checkpoints(self._home) if one.height == height), None)

    def _drop(self) -> None:
        assert self._job is not None
        self._job.stop()
        self._job, self._untidy = None, True
        self._sent, self._mute = {}, set()

    def _tidy(self, due: Due | None) -> None:
        """Remove what no rehearsal works on any more."""
        clear_rooms(self._home)
        for one in list_checkpoints(self._home):
            if one.reason == REHEARSAL and (due is None or one.height != due.height):
                retention.remove(self._home, one)
                self._tell("checkpoint_removed", name=one.name, why="its rehearsal is over")
        self._untidy = False

    def _say(self, due: Due, report: Report) -> None:
        """Submit the attestation of each validator that has none in a block or on its way."""
        log = self._application.state.log()
        for validator in due.silent:
            sent = self._sent.get(validator)
            if validator in self._mute or (sent is not None and sent in self._application.mempool):
                continue
            if sent is not None and log.locate(sent) is not None:
                self._keep_silent(validator, "refused_in_its_block")
                continue
            self._submit(validator, report)

    def _submit(self, validator: bytes, report: Report) -> None:
        application, key = self._application, self._keys[validator]
        account = application.state.overlay().get(ACCOUNTS, (validator,))
        if account is not None and account.key != key.public:
            self._keep_silent(validator, "key_not_of_account")
            return
        nonce = application.mempool.next_nonce(validator, 0 if account is None else account.nonce)
        wallet = Wallet(application.chain.identity.chain_id, validator, key, nonce)
        args = Attest(result=report.result)
        if self._measured:
            args = args.but(milliseconds=report.milliseconds, memory_bytes=report.memory_bytes)
        transaction = application.decode(wallet.host(_ATTEST, args))
        try:
            application.check_tx(transaction)
        except (NodeError, RuntimeRoomError) as refused:  # a full mempool: the next block may make room
            self._tell("rehearsal_not_attested", validator=validator, why=refused.code)
            return
        self._sent[validator] = transaction.id
        self._tell("rehearsal_attested", validator=validator, height=report.subject.height, transaction=transaction.id,
                   code=report.result.code)  # fmt: skip

    def _keep_silent(self, validator: bytes, why: str) -> None:
        self._mute.add(validator)
        self._tell("rehearsal_not_attested", validator=validator, why=why)


class _Job:
    """One trial, and the thread that hears it."""

    def __init__(self, due: Due, limits: TrialLimits, tell: Tell, ended: Callable[[], None]) -> None:
        self.due = due
        self.report: Report | None = None
        """What came of it; None while it runs, and when this machine could not make it."""
        self._tell = tell
        self._ended = ended
        self._told = monotonic()
        self._trial = Trial(due.proposal, limits)
        self._thread = threading.Thread()

    @property
    def runs(self) -> bool:
        """Whether it is under way."""
        return self._thread.is_alive()

    def start(self, home: Home, checkpoint: Checkpoint, subject: Subject) -> None:
        """Begin it on a copy of a checkpoint."""
        self._thread = threading.Thread(target=self._run, args=(home, checkpoint, subject), name="rehearsal")
        self._thread.start()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def stop(self) -> None:
        """End it now; its folder is gone on return."""
        self._trial.stop()
        self._thread.join()

    def _run(self, home: Home, checkpoint: Checkpoint, subject: Subject) -> None:
        about = {"plan": self.due.plan, "height": self.due.height}
        try:
            with room_in(home) as room:
                copy_without_keys(checkpoint, room)
                share_backups(home, room)
                self.report = self._trial.hear(room, self._heard, subject)
        except (NodeError, StorageError) as why:
            self._tell("rehearsal_impossible", **about, code=why.code, message=str(why))
        else:
            said = self.report
            self._tell("rehearsal_ended", **about, code=said.result.code or "passed", result=said.result.digest,
                       milliseconds=said.milliseconds, memory_bytes=said.memory_bytes, disk_bytes=said.disk_bytes,
                       reversible=said.result.reversible)  # fmt: skip
        finally:
            self._ended()

    def _heard(self, line: Line) -> None:
        about = {"plan": self.due.plan, "height": self.due.height}
        if line.step is not None and line.step.outcome != "not_run":
            step = line.step
            self._tell("rehearsal_step", **about, step=step.name, outcome=step.outcome, milliseconds=step.milliseconds,
                       code=step.code, file=step.file, line=step.line, detail=step.detail, **step.counts)  # fmt: skip
        elif line.at is not None and line.at.total and monotonic() - self._told >= PROGRESS_SECONDS:
            self._told = monotonic()
            at = line.at
            self._tell("rehearsal_progress", **about, step=at.step, done=at.done, total=at.total)
