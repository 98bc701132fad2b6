"""What the host lends to a run of bundle code: the scope it runs in, handles of tables, reads for a migration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from runtime.address import ADDRESS_BYTES
from runtime.metering.faults import FOREIGN_TABLE, WRONG_KEY, WRONG_TYPE, WRONG_VALUE, HostFault
from runtime.metering.limits import ADDRESS_STEPS, MAX_CODE, READ_STEPS
from runtime.metering.meter import Meter
from runtime.metering.values import check_size, weigh
from runtime.receipts import Event, bytes_text
from storage.errors import InvalidKey
from storage.overlay import Overlay
from storage.tables import Table

if TYPE_CHECKING:
    from runtime.bundle.loader import LoadedRuntime

_SMALL = frozenset({"amount", "flag", "address", "hash"})


class Values(Protocol):
    """Chain parameters and flags as of a height."""

    def integer(self, name: str) -> int: ...

    def flag(self, name: str) -> bool: ...


class ExecutionScope(Protocol):
    """What the host offers to a run of bundle code."""

    @property
    def overlay(self) -> Overlay: ...

    @property
    def loaded(self) -> LoadedRuntime: ...

    @property
    def height(self) -> int: ...

    @property
    def chain_id(self) -> str: ...

    @property
    def registered(self) -> frozenset[str]:
        """Modules that may run."""
        ...

    @property
    def isolated(self) -> frozenset[str]:
        """Modules that may not run for now, registered or not."""
        ...

    @property
    def parameters(self) -> Values: ...

    @property
    def events(self) -> list[Event]:
        """Events of the run; the context appends."""
        ...


class TableHandle:
    """What a table's name means to bundle code: it can be named to the context and nothing else."""

    __slots__ = ("_arity", "_module", "_table", "_weighed")

    def __init__(self, table: Table[Any], module: str) -> None:
        self._table = table
        self._module = module
        self._arity = len(table.key)
        self._weighed = any(spec.type.kind not in _SMALL for spec in table.schema.fields)
        """Records may be large, so reading one is paid by its size."""


class Reads(Protocol):
    """Rows of the old runtime, for a migration; the host notes each key that is read."""

    def get(self, table: str, key: tuple[Any, ...]) -> Any: ...


class Inputs:
    """`inputs` of a migration: reads of the tables of the old runtime that it declares."""

    __slots__ = ("_allowed", "_meter", "_reads")

    def __init__(self, reads: Reads, allowed: tuple[str, ...], meter: Meter) -> None:
        self._reads = reads
        self._allowed = allowed
        self._meter = meter

    def get(self, table: str, *key: Any) -> Any:
        """The old record under a key, or None."""
        self._meter.pay(READ_STEPS)
        if table not in self._allowed:
            raise HostFault(FOREIGN_TABLE)
        try:
            record = self._reads.get(table, key)
        except InvalidKey:
            raise HostFault(WRONG_KEY) from None
        if record is not None:
            weigh(self._meter, record)
        return record


def checked_name(value: Any) -> str:
    """A name that bundle code gives: short ASCII text."""
    if type(value) is not str or not 0 < len(value) <= MAX_CODE or not value.isascii():
        raise HostFault(WRONG_VALUE)
    return value


def shown(value: Any, meter: Meter) -> str:
    """How an event shows a value: integers in digits, bytes as long as an address as one, which is paid for, and other
    data in hex."""
    if type(value) is str:
        check_size(len(value) if value.isascii() else len(value.encode()))
        return value
    if type(value) is bytes:
        check_size(2 * len(value))
        if len(value) == ADDRESS_BYTES:
            meter.pay(ADDRESS_STEPS)
        return bytes_text(value)
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return str(value)
    raise HostFault(WRONG_TYPE)
