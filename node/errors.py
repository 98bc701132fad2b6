"""Everything the node room refuses or stops on, as one tree.

    NodeError
    |-- SettingsInvalid        the settings file or the environment is wrong; carries every problem with file and line
    |-- SettingsMissing        the settings file is not there
    |-- PortTaken              another process listens where this node should
    |-- FaceStopped            the HTTP server ended before it answered
    |-- GenesisFileMissing     the home has lost its genesis file
    |-- GenesisFileForeign     the home's genesis file is not the one its chain began with
    |-- KeysMissing            no validator's key is in this home, so it can make no blocks
    |-- NodeUnreachable        no node answers where one should
    |-- OperatorTokenUnreadable  the token of the home's node cannot be read, so it cannot be asked as its operator
    |-- NewChainRefused        a checkpoint cannot go on as a new chain
    |   `-- ChainIdRefused     not under that id
    |-- TransactionRefused     the mempool or the check before it says no; nothing was kept
    |-- NotFound               what a reader asked for is not there
    |-- BadRequest             what a reader asked for makes no sense
    |-- NotReady               this node cannot answer now: catching up, draining or stopping
    |-- NodeBusy               this node has as much work of this kind as it takes at once
    `-- those of node.trial    why a trial of an upgrade says no, or nothing; vectors that cannot be read

Each class has a stable ``code``; the message says what happened and what to do. How a code shows in HTTP is one table
in node/http/problems.py.
"""

from __future__ import annotations

from dataclasses import dataclass


class NodeError(Exception):
    """Base of the room's errors."""

    code = "node_error"


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """One wrong setting: where it stands, and what to write instead."""

    source: str
    """The file's path, or ``environment``."""
    line: int
    """1 for the first line; 0 when the place has none."""
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class SettingsInvalid(NodeError):
    """One or more settings are wrong; all of them are listed."""

    code = "settings_invalid"

    def __init__(self, problems: tuple[SettingsProblem, ...]) -> None:
        super().__init__("correct the settings:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = problems


class SettingsMissing(NodeError):
    """There is no settings file at the path."""

    code = "settings_missing"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"there is no settings file {path}: give the right --home, or make one with `synod init`; a home that lost "
            "its file runs on an empty one, where every setting has its default"
        )
        self.path = path


class PortTaken(NodeError):
    """The address to listen on cannot be had."""

    code = "port_taken"

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"cannot listen on {host}:{port}: {reason}; stop what listens there, or set http_port in [node] "
            "(0 takes any free port)"
        )
        self.host = host
        self.port = port


class FaceStopped(NodeError):
    """The HTTP server's thread ended before it answered."""

    code = "face_stopped"


class GenesisFileMissing(NodeError):
    """The home has no genesis file, from which a rehearsal's keys derive."""

    code = "genesis_file_missing"

    def __init__(self, path: str) -> None:
        super().__init__(f"there is no {path}: copy the genesis that the chain began with back to it")
        self.path = path


class GenesisFileForeign(NodeError):
    """The genesis file was changed or belongs to another chain."""

    code = "genesis_file_foreign"

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is not the genesis that this home's chain began with: put the original back")
        self.path = path


class KeysMissing(NodeError):
    """This home can sign for no validator."""

    code = "keys_missing"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"the genesis in {path} has no seed to derive the validators' keys from: a single machine makes blocks for "
            "rehearsals only; run `synod init` with --seed"
        )
        self.path = path


class NodeUnreachable(NodeError):
    """Nothing that talks like a node answers at an address."""

    code = "node_unreachable"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no node answers at {url} ({reason}): start one with `synod start`, or give the right --url")
        self.url = url


class OperatorTokenUnreadable(NodeError):
    """Whoever asks may not read the home's token file, or it was removed."""

    code = "operator_token_unreadable"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"cannot read {path} ({reason}): ask as the user who runs the node; a start writes it anew")
        self.path = path


class NewChainRefused(NodeError):
    """The checkpoint cannot go on as a new chain; ``code`` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ChainIdRefused(NewChainRefused):
    """No chain can have the id, or the old chain has it."""


class TransactionRefused(NodeError):
    """A transaction was not taken; ``code`` says why (see node.mempool.REFUSALS), nothing was kept or charged."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotFound(NodeError):
    """Nothing has that name, height or id; ``code`` says of what kind."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class BadRequest(NodeError):
    """The question itself is wrong; ``code`` says how."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotReady(NodeError):
    """The node runs but cannot answer this now."""

    code = "not_ready"


class NodeBusy(NodeError):
    """As much work of this kind waits as the node takes at once; nothing was begun, and the same may be asked again."""

    code = "busy"
