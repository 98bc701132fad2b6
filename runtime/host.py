"""The host's half of execution: calls that no bundle can touch, and the doors a higher room enters by.

A host call is decoded, verified and nonce-checked like any transaction, pays no runtime fee, writes host tables only,
and runs even if every runtime call fails. Governance (one room up) registers its calls, tables and end-of-block work
as a `HostModule`; this room never imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from runtime.bundle.loader import LoadedRuntime
from runtime.parameters import ParameterRule, Parameters
from runtime.purse import Purse
from runtime.receipts import Event
from storage.blockview import Change
from storage.codec import Codec, codec_of
from storage.overlay import Overlay
from storage.record import Record, Schema
from storage.tables import Table

if TYPE_CHECKING:
    from runtime.coordinator import Coordinator

Changes = Mapping[str, Mapping[bytes, Change]]
"""Table name -> key bytes -> change: the net writes of a block so far."""


@dataclass(slots=True)
class HostContext:
    """What a host call or the host's end-of-block work may use."""

    overlay: Overlay
    height: int
    chain_id: str
    chain_name: str
    sender: bytes
    """The verified sender of a host call; empty at the end of a block."""
    runtime: LoadedRuntime
    parameters: Parameters
    purse: Purse
    coordinator: Coordinator
    rules: tuple[ParameterRule, ...]
    """Every parameter's default and bounds, of all rooms."""
    events: list[Event] = field(default_factory=list)
    reconcile: bool = False
    """A flip or rollback happened in this block: ports must be read again from the tables, not from changes."""
    replaying: bool = False
    """A replay is under way: runtime tables are those of an earlier height, and purses move when it arrives here."""
    efforts: dict[bytes, int] = field(default_factory=dict)
    """What was tried in this block, counted by name. A refusal does not undo it, since the work was done."""


@dataclass(frozen=True, slots=True)
class HostCall:
    """One host call: ``run(context, args)`` raises HostRefused to refuse, and then nothing it wrote stays."""

    module: str
    name: str
    args: type[Any]
    run: Callable[[HostContext, Any], None]
    meaning: int = 1

    @property
    def schema(self) -> Schema:
        """The schema of the arguments."""
        return self.codec.schema

    @property
    def codec(self) -> Codec[Any]:
        """The codec of the arguments."""
        record: type[Record] = self.args
        return codec_of(record)


class HostModule(Protocol):
    """A higher room's part of the host."""

    @property
    def calls(self) -> tuple[HostCall, ...]: ...

    @property
    def tables(self) -> tuple[Table[Any], ...]: ...

    @property
    def parameters(self) -> tuple[ParameterRule, ...]: ...

    def init_genesis(self, context: HostContext) -> None:
        """Write the module's first rows; the runtime tables are already filled."""

    def end_block(self, context: HostContext, changes: Changes) -> None:
        """Work by height, after the modules' hooks; ``changes`` are the block's net writes so far."""
