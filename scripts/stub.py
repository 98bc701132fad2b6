"""The typed stub in a bundle's folder: brought up to date, never in the way.

It follows the runtime that a bundle is compared with. Nothing is decided by it, so a folder that cannot be written to
costs a warning and no more. The file is replaced in one step: an editor reads the old one or the new one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from governance.parameters import GOVERNANCE_PARAMETERS
from runtime.bundle.declarations import RuntimeDeclaration
from runtime.bundle.stub import STUB, stub_files
from runtime.parameters import RUNTIME_PARAMETERS


@dataclass(frozen=True, slots=True)
class Stub:
    """What became of the stub; ``detail`` is the running runtime, or why the file is not up to date."""

    file: Path
    state: Literal["current", "written", "not_written"]
    detail: str

    @property
    def data(self) -> dict[str, Any]:
        """For programs."""
        return {"file": str(self.file), "state": self.state, "detail": self.detail}

    @property
    def text(self) -> str:
        """For people; nothing when nothing was to be done."""
        if self.state == "written":
            return f"{self.file}: written for editors and type checkers, with the schema of {self.detail}"
        return "" if self.state == "current" else f"warning: {self.file} is not up to date: {self.detail}"


def refresh(folder: Path, running: RuntimeDeclaration) -> Stub:
    """Bring the stub in a bundle's folder up to the running runtime; never raises for the folder."""
    wanted = stub_files(running, (*RUNTIME_PARAMETERS, *GOVERNANCE_PARAMETERS))
    try:
        stale = [name for name, content in wanted.items() if _differs(folder / name, content)]
        for name in stale:
            _replace(folder / name, wanted[name])
    except OSError as failure:
        return Stub(folder / STUB, "not_written", f"{failure.strerror or failure}")
    manifest = running.manifest
    return Stub(folder / STUB, "written" if stale else "current", f"{manifest.name} {manifest.version}")


def _differs(path: Path, content: bytes) -> bool:
    """Whether the file is missing, unreadable or another."""
    try:
        return path.read_bytes() != content
    except OSError:
        return True


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
