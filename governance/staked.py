"""Who has staked what, as the running bundle's tables say now: the two ports of the electorate as the host reads them.

A port is a literal declaration in the bundle's manifest, a table and its fields. The host reads rows through it and
runs nothing of the bundle. A table of another shape than the host can read is no port.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from governance.electorate import MOST_DELEGATIONS, MOST_POWER, NO_POWER
from governance.tables import Delegated, Power, Stake
from runtime.bundle.manifest import DelegationsPort, ValidatorsPort
from runtime.host import Changes, HostContext
from storage.overlay import Overlay
from storage.tables import Table

LAST_ADDRESS = b"\xff" * 20


@dataclass(frozen=True, slots=True)
class Validators:
    """The table that the running bundle keeps its validators in, as far as the host reads it."""

    overlay: Overlay
    port: ValidatorsPort
    table: Table[Any]

    def now(self, validator: bytes) -> Power:
        """The tokens and shares that the table gives a validator; none unless it is bonded."""
        row = self.overlay.get(self.table, (validator,))
        if row is None or not getattr(row, self.port.bonded):
            return NO_POWER
        tokens = min(int(getattr(row, self.port.tokens)), MOST_POWER)
        return Power(power=tokens, shares=int(getattr(row, self.port.shares))) if tokens else NO_POWER

    def addresses(self, after: bytes = b"") -> Iterator[bytes]:
        """Everyone in the table behind ``after``, in order."""
        rows = self.overlay.scan(self.table, (), start=(after,) if after else None)
        return (key[0] for key, _ in rows if key[0] != after)

    def changed(self, changes: Changes) -> list[bytes]:
        """Whose rows a block has changed, in order."""
        return [self.table.unpack(key)[0] for key in changes.get(self.table.name, {})]


@dataclass(frozen=True, slots=True)
class Delegations:
    """The table that the running bundle keeps its delegations in, by owner and validator."""

    overlay: Overlay
    port: DelegationsPort
    table: Table[Any]

    def now(self, owner: bytes) -> Stake:
        """What the table gives an owner of others, as far as it counts."""
        return self._stake(owner, self.overlay.scan(self.table, (owner,)))

    def addresses(self, after: bytes = b"") -> Iterator[bytes]:
        """Every owner behind ``after``, in order; each costs one seek, however much it has."""
        while after != LAST_ADDRESS:
            start = (_next(after),) if after else None
            found = next((key[0] for key, _ in self.overlay.scan(self.table, (), start=start)), None)
            if found is None:
                return
            yield found
            after = found

    def changed(self, changes: Changes) -> list[bytes]:
        """Whose delegations to others a block has changed, in order."""
        pairs = (self.table.unpack(key) for key in changes.get(self.table.name, {}))
        return list(dict.fromkeys(owner for owner, validator in pairs if owner != validator))

    def all(self) -> Iterator[tuple[bytes, Stake]]:
        """Every owner with what it has, in one walk through the table."""
        for owner, rows in groupby(self.overlay.scan(self.table), key=lambda row: row[0][0]):
            yield owner, self._stake(owner, rows)

    def _stake(self, owner: bytes, rows: Iterator[tuple[tuple[Any, ...], Any]]) -> Stake:
        of_others = ((key[1], int(getattr(row, self.port.shares))) for key, row in rows if key[1] != owner)
        first = islice(of_others, MOST_DELEGATIONS)
        return Stake(parts=tuple(Delegated(validator=to, shares=shares) for to, shares in first if shares))


@dataclass(frozen=True, slots=True)
class Staked:
    """Both ports; None for one that the running bundle lacks, or declares so that the host cannot read it."""

    validators: Validators | None
    delegations: Delegations | None


def staked_of(context: HostContext) -> Staked:
    """What the running bundle says of the electorate."""
    ports = context.runtime.declaration.manifest.ports
    validators = delegations = None
    if ports.validators is not None:
        fields = {ports.validators.tokens: "amount", ports.validators.shares: "amount", ports.validators.bonded: "flag"}
        table = _readable(context, ports.validators.table, ("address",), fields)
        validators = None if table is None else Validators(context.overlay, ports.validators, table)
    if ports.delegations is not None:
        fields = {ports.delegations.shares: "amount"}
        table = _readable(context, ports.delegations.table, ("address", "address"), fields)
        delegations = None if table is None else Delegations(context.overlay, ports.delegations, table)
    return Staked(validators, delegations)


def _readable(context: HostContext, name: str, key: tuple[str, ...], fields: dict[str, str]) -> Table[Any] | None:
    table = context.runtime.tables.get(name)
    if table is None or table.key != key:
        return None
    kinds = {field.name: field.type.kind for field in table.schema.fields}
    return table if all(kinds.get(field) == kind for field, kind in fields.items()) else None


def _next(address: bytes) -> bytes:
    return (int.from_bytes(address, "big") + 1).to_bytes(len(address), "big")
