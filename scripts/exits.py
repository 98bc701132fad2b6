"""Exit codes, and which error ends in which: one table, asked in order.

0 passed; 1 the chain, a check or a key said no; 2 the command was given wrongly; 3 this machine failed (files, disk,
network), or Synod itself has a defect; 130 it was interrupted. A harness can so tell a bad bundle from a bad machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """What a command's exit code means."""

    PASSED = 0
    REFUSED = 1
    USAGE = 2
    MACHINE = 3


def table() -> Iterator[tuple[type[BaseException], Exit]]:
    """Error classes and their exit, the special before the general. Imported late: most runs need none of it."""
    from node.errors import (
        ChainIdRefused,
        FaceStopped,
        GenesisFileForeign,
        GenesisFileMissing,
        NodeError,
        NodeUnreachable,
        PortTaken,
        SettingsInvalid,
        SettingsMissing,
    )
    from node.genesis.errors import GenesisRefused
    from node.trial.agreement import VectorsUnreadable
    from node.trial.errors import NothingToTry, TrialImpossible
    from runtime.bundle.template import TemplateRefused
    from runtime.errors import (
        AddressInvalid,
        HostTooOld,
        KeyFileDamaged,
        KeyFileExposed,
        KeyNameInvalid,
        RollbackBroken,
        RuntimeRoomError,
        SupplyBroken,
        VersionInvalid,
    )
    from storage.errors import CheckpointFault, HomeFault, StorageError, StoreFault

    yield from ((wrong, Exit.USAGE) for wrong in (SettingsInvalid, SettingsMissing, GenesisRefused, HomeFault))
    yield from ((wrong, Exit.USAGE) for wrong in (AddressInvalid, VersionInvalid, KeyNameInvalid, TemplateRefused))
    yield from ((wrong, Exit.USAGE) for wrong in (NothingToTry, VectorsUnreadable, ChainIdRefused))
    yield from ((wrong, Exit.MACHINE) for wrong in (StoreFault, CheckpointFault, PortTaken, FaceStopped))
    yield from ((wrong, Exit.MACHINE) for wrong in (NodeUnreachable, GenesisFileMissing, GenesisFileForeign))
    yield from ((wrong, Exit.MACHINE) for wrong in (TrialImpossible, HostTooOld))
    yield from ((wrong, Exit.MACHINE) for wrong in (KeyFileDamaged, KeyFileExposed, RollbackBroken, SupplyBroken))
    yield from ((wrong, Exit.REFUSED) for wrong in (RuntimeRoomError, NodeError, StorageError))
    yield from ((wrong, Exit.MACHINE) for wrong in (OSError, MemoryError))


def exit_of(error: BaseException) -> Exit | None:
    """The exit of a known error; None for one that nobody foresaw."""
    own = getattr(error, "exit", None)
    if isinstance(own, Exit):
        return own
    return next((code for kind, code in table() if isinstance(error, kind)), None)


def described(error: BaseException) -> dict[str, Any]:
    """An error as `--json` shows it: code, message, and its fields."""
    plain = {
        name: shown(value)
        for name, value in vars(error).items()
        if not name.startswith("_") and name not in ("code", "exit")
    }
    code = getattr(error, "code", None)
    name = code if isinstance(code, str) else type(error).__name__.lower()
    return {"code": name, "message": message_of(error), **plain}


def shown(value: Any) -> Any:
    """A field of an error as JSON can hold it; a problem among others keeps its own fields."""
    if isinstance(value, str | int | bool | None):
        return value
    if isinstance(value, tuple | list):
        return [shown(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: shown(getattr(value, part.name)) for part in fields(value)}
    return value.hex() if isinstance(value, bytes) else str(value)


def message_of(error: BaseException) -> str:
    """What an error says; a system's error says which file it is about."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__
