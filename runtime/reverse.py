"""The way back of a migration: of a new record the bytes of the one it was made from. Only rehearsals and authors' own
tests go it; a rollback returns to the generation that was kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runtime.bundle.declarations import ReverseDeclaration
from runtime.bundle.loader import LoadedRuntime
from runtime.errors import ActivationFailed
from runtime.metering.faults import HostFault, fault_of
from runtime.metering.meter import Meter
from storage.codec import codec_of
from storage.errors import InvalidRecord
from storage.record import Record, define_record

NOT_REVERSIBLE = "not_reversible"
"""The code of an upgrade that takes away what it says it keeps."""


@dataclass(frozen=True, slots=True)
class RecordReverser:
    """Goes back from the records of one table."""

    new: LoadedRuntime
    declaration: ReverseDeclaration
    steps: int
    """Step limit of one record."""

    def require(self, key: bytes, record: Any, before: bytes) -> None:
        """Raise ActivationFailed with file and line unless the way back from a new record gives these old bytes."""
        meter = Meter(self.steps, 2 * 64 * 1024)
        made, row = self.declaration, f"{self.declaration.table_id} row {key.hex()}"
        kind: type[Record] = define_record(made.record)
        try:
            answer = self.new.functions[made.module, made.function](meter, record)
            back = codec_of(kind).encode(answer) if isinstance(answer, kind) else None
        except InvalidRecord:
            back = None
        except (Exception, HostFault) as failure:
            fault = fault_of(failure, meter)
            raise ActivationFailed(NOT_REVERSIBLE, fault.file, fault.line, f"{row}: {fault.code}") from failure
        if back != before:
            raise ActivationFailed(NOT_REVERSIBLE, made.file, made.line, f"{row} does not come back")


def reverser_of(new: LoadedRuntime, table: str, steps: int) -> RecordReverser | None:
    """The way back of a table, by its full name; None where none is declared."""
    found = next((made for made in new.declaration.reverses() if made.table_id == table), None)
    return None if found is None else RecordReverser(new, found, steps)
