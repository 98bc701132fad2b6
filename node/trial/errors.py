"""Why a trial says no, and why it says nothing.

    NodeError (node.errors)
    |-- TrialFailed          a step of the trial found the upgrade wanting; `code` is what validators attest
    |-- NothingToTry         the proposal is no upgrade, or has ended
    `-- TrialImpossible      this machine could not come to a result, so nothing is said of the upgrade

Codes of the rooms below (an activation that fails, a record that does not decode) are attested unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

from node.errors import NodeError
from runtime.bundle.problems import BundleRefused
from runtime.errors import ActivationFailed, RuntimeRoomError
from runtime.metering.syntax import NotCompilable
from storage.errors import RecordFault, TableFault


class TrialFailed(NodeError):
    """A step found what the chain must not go on with."""

    def __init__(self, code: str, detail: str = "", file: str = "", line: int = 0) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.file = file
        self.line = line


class NothingToTry(NodeError):
    """There is no upgrade that could be tried."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TrialImpossible(NodeError):
    """The trial ended for a reason of this machine; ``code`` is that of its cause."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"the trial could not be made: {message}")
        self.code = code


FAULTS = (TrialFailed, RuntimeRoomError, RecordFault, TableFault, NotCompilable)
"""What the upgrade is at fault for, on every node alike; any other error is this machine's, or a defect."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failed step says."""

    code: str
    file: str
    line: int
    detail: str


def failure_of(error: BaseException) -> Failure:
    """One of `FAULTS` as a step shows it."""
    if isinstance(error, TrialFailed | ActivationFailed):
        return Failure(error.code, error.file, error.line, error.detail)
    if isinstance(error, BundleRefused):
        first = error.problems[0]
        return Failure(first.code, first.file, first.line, first.message)
    if isinstance(error, NotCompilable):
        return Failure("not_compilable", "", error.line, error.what)
    return Failure(str(getattr(error, "code", "")), "", 0, str(error))
