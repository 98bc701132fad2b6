"""Everything the runtime room refuses or stops on, as one tree.

    RuntimeRoomError
    |-- HostRefused            a host call (or the purse) says no; the receipt carries the code
    |-- UpgradeRefused         the coordinator cannot schedule, cancel or roll back
    |-- ActivationFailed       the flip at A failed; the old runtime executes A instead
    |-- RollbackBroken         the state after a rollback is not that of A-1 (a defect of this node)
    |-- BlockRefused           a block that does not follow the last one, or says something false about itself
    |-- GenesisRefused         rows that the genesis bundle cannot hold or whose invariants they break
    |-- BundleUnavailable      a code hash has no complete archive on chain
    |-- VersionInvalid         a text is no runtime version
    |-- AddressInvalid         a text is no address of this kind of chain
    |-- KeyInvalid             bytes are no Ed25519 key
    |-- TransactionMalformed   raw bytes are no signed transaction; nothing was looked up or charged
    |-- KeystoreError          a key file cannot be used
    |   |-- KeyNotFound        no key file has that name
    |   |-- KeyExists          a key file has that name already
    |   |-- KeyNameInvalid     the name cannot be a file name
    |   |-- KeyFileDamaged     the file is not what this release writes
    |   |-- KeyFileTooNew      a newer release wrote the file
    |   |-- KeyFileExposed     others on this machine may read the file
    |   |-- PasswordWrong      the password does not open the file
    |   `-- PlainKeyRefused    an unencrypted key, without the flag that allows one
    |-- HostTooOld             a runtime needs a newer release of Synod than this node is
    |-- UpgradePostponedHere   this node was told to refuse a code hash and stops before its activation
    `-- SupplyBroken           coins appeared or vanished in a place no bundle can reach (a defect of this node)

Each class has a stable ``code``; the message says what happened and what to do.
"""

from __future__ import annotations


class RuntimeRoomError(Exception):
    """Base of the room's errors."""

    code = "runtime_error"


class HostRefused(RuntimeRoomError):
    """A host call is refused; nothing it wrote stays. ``code`` is what the receipt shows, and ``file`` and ``line``
    where a bundle that it brought is at fault."""

    def __init__(self, code: str, message: str = "", file: str = "", line: int = 0) -> None:
        super().__init__(message or code)
        self.code = code
        self.file = file
        self.line = line


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


class BlockRefused(RuntimeRoomError):
    """A block that cannot be the next one; nothing of it was executed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class GenesisRefused(RuntimeRoomError):
    """A chain cannot begin so."""

    code = "genesis_refused"


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


class HostTooOld(RuntimeRoomError):
    """This node is of an older release than a runtime needs. What is due with it cannot be executed here, so the node
    stops before it; the chain goes on elsewhere."""

    code = "host_too_old"

    def __init__(self, code_hash: bytes, needed: str, release: str) -> None:
        super().__init__(
            f"the runtime {code_hash.hex()} needs Synod {needed}, this is {release}: install {needed} or newer and "
            "start again; this node's data is whole and stays as it is"
        )
        self.code_hash = code_hash
        self.needed = needed
        self.release = release


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
    """Rules do not hold even with every runtime item of the block left out."""

    code = "supply_broken"

    def __init__(self, height: int, broken: tuple[str, ...]) -> None:
        super().__init__(
            f"at height {height} {', '.join(broken)} does not hold with all runtime items left out: this node must not "
            "go on; restore its last checkpoint and report the block"
        )
        self.height = height
        self.broken = broken


class VersionInvalid(RuntimeRoomError):
    """A text that names no version."""

    code = "version_invalid"

    def __init__(self, text: str) -> None:
        super().__init__(f"{text[:40]!r} is no version: write MAJOR.MINOR.PATCH without leading zeros, like 1.4.0")
        self.text = text


class AddressInvalid(RuntimeRoomError):
    """A text or bytes that name no address; ``reason`` says what is wrong with it."""

    code = "address_invalid"

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text[:100]!r} is no address: {reason}; copy it whole, it begins with syn1")
        self.text = text
        self.reason = reason


class KeyInvalid(RuntimeRoomError):
    """Bytes that are no Ed25519 key."""

    code = "key_invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(f"not an Ed25519 key: {reason}; a key is 32 bytes")
        self.reason = reason


class TransactionMalformed(RuntimeRoomError):
    """Raw bytes that are no transaction; ``code`` is one of too_large, not_canonical, malformed, unsigned."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class KeystoreError(RuntimeRoomError):
    """Base of what the key store refuses; ``name`` is the key's name."""

    code = "keystore_error"

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class KeyNotFound(KeystoreError):
    """No key file of that name."""

    code = "key_not_found"


class KeyExists(KeystoreError):
    """A key file of that name is there already and is never overwritten."""

    code = "key_exists"


class KeyNameInvalid(KeystoreError):
    """A key's name is also its file's name, so only plain letters, digits, `.`, `_` and `-` may stand in it."""

    code = "key_name_invalid"


class KeyFileDamaged(KeystoreError):
    """A key file that no release wrote so."""

    code = "key_file_damaged"


class KeyFileTooNew(KeystoreError):
    """A key file of a newer format."""

    code = "key_file_too_new"


class KeyFileExposed(KeystoreError):
    """A key file whose mode lets others read it."""

    code = "key_file_exposed"


class PasswordWrong(KeystoreError):
    """The password does not open the key file."""

    code = "password_wrong"


class PlainKeyRefused(KeystoreError):
    """An unencrypted key was met or asked for without the flag that allows development keys."""

    code = "plain_key_refused"
