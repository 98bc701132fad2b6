"""Everything the runtime room refuses or stops on, as one tree.

    RuntimeRoomError
    |-- HostRefused            a host call (or the purse) says no; the receipt carries the code
    |-- UpgradeRefused         the coordinator cannot schedule, cancel or roll back
    |-- ActivationFailed       the flip at A failed; the old runtime executes A instead
    |-- RollbackBroken         the state after a rollback is not that of A-1 (a defect of this node)
    |-- BundleUnavailable      a code hash has no complete archive on chain
    |-- UpgradePostponedHere   this node was told to refuse a code hash and stops before its activation
    `-- SupplyBroken           coins appeared or vanished in a place no bundle can reach (a defect of this node)

Each class has a stable ``code``; the message says what happened and what to do.
"""

from __future__ import annotations


class RuntimeRoomError(Exception):
    """Base of the room's errors."""

    code = "runtime_error"


class HostRefused(RuntimeRoomError):
    """A host call is refused; nothing it wrote stays. ``code`` is what the receipt shows."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class UpgradeRefused(RuntimeRoomError):
    """The coordinator refuses an operation; the message names the rule."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ActivationFailed(RuntimeRoomError):
    """An upgrade failed at its activation height; every node sees the same ``reason``."""

    def __init__(self, reason: str, file: str = "", line: int = 0, detail: str = "") -> None:
        where = f" at {file}:{line}" if file else ""
        super().__init__(f"activation failed: {reason}{where}. {detail}".rstrip())
        self.code = self.reason = reason
        self.file = file
        self.line = line
        self.detail = detail


class RollbackBroken(RuntimeRoomError):
    """The runtime root after the return to A-1 is not the recorded one."""

    code = "rollback_broken"

    def __init__(self, expected: bytes, found: bytes) -> None:
        super().__init__(
            f"after the rollback the runtime root is {found.hex()}, recorded was {expected.hex()}: "
            "this node's old generation is damaged; restore the checkpoint named in migration_manifest.json"
        )
        self.expected = expected
        self.found = found


class BundleUnavailable(RuntimeRoomError):
    """A bundle's bytes are not, or not all, on chain."""

    code = "bundle_unavailable"

    def __init__(self, code_hash: bytes, have: int, total: int) -> None:
        super().__init__(
            f"bundle {code_hash.hex()} has {have} of {total} chunks on chain: publish the missing chunks first"
        )
        self.code_hash = code_hash
        self.have = have
        self.total = total


class UpgradePostponedHere(RuntimeRoomError):
    """The operator refused this code hash on this node; the node stops before the activation height."""

    code = "refused_by_operator"

    def __init__(self, code_hash: bytes, height: int) -> None:
        super().__init__(
            f"the upgrade to {code_hash.hex()} is due at height {height} and this node was started with --refuse: "
            "start it without --refuse to follow the chain, or wait until the plan is cancelled"
        )
        self.code_hash = code_hash
        self.height = height


class SupplyBroken(RuntimeRoomError):
    """The supply does not add up even with every runtime write of the block discarded."""

    code = "supply_broken"

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(
            f"the supply is {found} units and should be {expected}: this node must not go on; "
            "restore its last checkpoint and report the block"
        )
        self.expected = expected
        self.found = found
