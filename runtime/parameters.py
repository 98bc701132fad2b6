"""Chain parameters and feature flags: named values with their history by height, changed only by governance.

A parameter is an integer, or a ratio of two integers parsed exactly. A value set at height h holds from h on; what
held at an earlier height stays readable, because a replay runs under the parameters of the height it replays.
Bundles receive values, never the tables. Bounds stand beside each default, so that no vote can lock the chain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from runtime.errors import HostRefused
from storage.overlay import Overlay
from storage.record import Amount, Flag, Record, field
from storage.tables import Table, host_table


class ParameterValue(Record):
    """``value / per`` where ``per`` 0 means a plain integer."""

    value: Amount = field(1, default=0)
    per: Amount = field(2, default=0)


class FlagValue(Record):
    """Whether a feature is on from a height."""

    on: Flag = field(1, default=False)


PARAMETERS: Table[ParameterValue] = host_table(
    "host.parameters", ParameterValue, key=("text", "amount"), names=("name", "height")
)
FLAGS: Table[FlagValue] = host_table("host.flags", FlagValue, key=("text", "amount"), names=("name", "height"))


@dataclass(frozen=True, slots=True)
class ParameterRule:
    """A parameter's name, genesis default, inclusive bounds and meaning. Fractions are ratios, integers plain."""

    name: str
    default: int | Fraction
    least: int | Fraction
    most: int | Fraction
    meaning: str


RUNTIME_PARAMETERS: tuple[ParameterRule, ...] = (
    ParameterRule("fee_floor", 1, 0, 10**12, "least fee of a runtime transaction, in coin units"),
    ParameterRule("transaction_bytes", 48 * 1024, 36 * 1024, 60 * 1024, "largest raw transaction, in bytes"),
    ParameterRule("block_bytes", 2 * 1024 * 1024, 128 * 1024, 32 * 1024 * 1024, "largest sum of raw transactions"),
    ParameterRule("block_steps", 20_000_000, 1_000_000, 10**9, "steps the transactions of a block may use together"),
    ParameterRule("call_steps", 200_000, 10_000, 5_000_000, "steps one transaction may use"),
    ParameterRule("call_written", 64 * 1024, 4 * 1024, 1024 * 1024, "bytes one transaction may write"),
    ParameterRule("hook_steps", 100_000, 10_000, 5_000_000, "steps one hook may use"),
    ParameterRule("hook_written", 256 * 1024, 4 * 1024, 4 * 1024 * 1024, "bytes one hook may write"),
    ParameterRule("record_steps", 10_000, 1_000, 1_000_000, "steps the migration of one record may use"),
    ParameterRule(
        "max_fanout", 1_000, 1, 1_000_000, "records that may read one row in a migration that requires no pause"
    ),
    ParameterRule("query_steps", 200_000, 10_000, 5_000_000, "steps a query may use"),
    ParameterRule("timelock_delay", 100_800, 10, 10_000_000, "least blocks between approval and activation"),
    ParameterRule("max_snapshots", 10, 1, 1000, "checkpoints kept for upgrades"),
    ParameterRule("probation", 600, 10, 100_000, "blocks after activation during which a fault rolls back by itself"),
    ParameterRule("replay_items", 2_000, 1, 1_000_000, "transactions that one block replays; more follow in order"),
    ParameterRule("rollback_window", 1000, 400, 100_000, "blocks after activation within which a rollback may execute"),
)


class ParameterReader(Protocol):
    """Read access, the only thing most code needs."""

    def integer(self, name: str) -> int: ...

    def ratio(self, name: str) -> Fraction: ...

    def flag(self, name: str) -> bool: ...


KnownValues = dict[tuple[str, str], ParameterValue | FlagValue | None]
"""Look-ups remembered, by table and name."""

MOST_KNOWN = 1024
"""Then all are forgotten: bundle code may ask for any name, also ones that nobody ever set."""


class Parameters:
    """Values in force at ``height``, read through ``overlay``; ``known`` remembers look-ups within one block."""

    def __init__(self, overlay: Overlay, height: int, known: KnownValues | None = None):
        self._overlay = overlay
        self._height = height
        self._known = {} if known is None else known

    def _latest(self, table: Table[Any], name: str) -> ParameterValue | FlagValue | None:
        slot = (table.name, name)
        if slot not in self._known:
            newest = next(self._overlay.scan(table, (name,), start=(name, self._height), reverse=True), None)
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[slot] = None if newest is None else newest[1]
        return self._known[slot]

    def _value(self, name: str) -> ParameterValue:
        found = self._latest(PARAMETERS, name)
        if not isinstance(found, ParameterValue):
            raise HostRefused("unknown_parameter", f"no parameter is called {name}; GET /parameters lists them")
        return found

    def integer(self, name: str) -> int:
        """The plain value of ``name``; raises HostRefused when it is unknown or a ratio."""
        found = self._known.get((PARAMETERS.name, name))
        if type(found) is not ParameterValue:
            found = self._value(name)
        if found.per:
            raise HostRefused("not_an_integer", f"{name} is a ratio")
        return found.value

    def ratio(self, name: str) -> Fraction:
        """The exact ratio ``name``."""
        found = self._value(name)
        return Fraction(found.value, found.per or 1)

    def flag(self, name: str) -> bool:
        """Whether feature ``name`` is on; a flag nobody ever set is off."""
        found = self._latest(FLAGS, name)
        return isinstance(found, FlagValue) and found.on

    def set(self, name: str, value: int | Fraction, at_height: int) -> None:
        """Let ``name`` be ``value`` from ``at_height`` on. Bounds are the caller's to check (`check_bounds`)."""
        per = value.denominator if isinstance(value, Fraction) else 0
        amount = value.numerator if isinstance(value, Fraction) else value
        self._overlay.put(PARAMETERS, (name, at_height), ParameterValue(value=amount, per=per))
        self._known.pop((PARAMETERS.name, name), None)

    def set_flag(self, name: str, on: bool, at_height: int) -> None:
        """Turn feature ``name`` on or off from ``at_height`` on."""
        self._overlay.put(FLAGS, (name, at_height), FlagValue(on=on))
        self._known.pop((FLAGS.name, name), None)

    def has(self, name: str) -> bool:
        """Whether the parameter exists."""
        return self._latest(PARAMETERS, name) is not None


def check_bounds(rules: Iterable[ParameterRule], name: str, value: int | Fraction) -> None:
    """Refuse an unknown name, a value of the wrong kind, or one outside the rule's bounds."""
    for rule in rules:
        if rule.name == name:
            if isinstance(rule.default, Fraction) != isinstance(value, Fraction):
                raise HostRefused(
                    "wrong_kind", f"{name} takes {'a ratio' if isinstance(rule.default, Fraction) else 'an integer'}"
                )
            if not rule.least <= value <= rule.most:
                raise HostRefused("out_of_bounds", f"{name} must lie in {rule.least} .. {rule.most}, not {value}")
            return
    raise HostRefused("unknown_parameter", f"no parameter is called {name}; GET /parameters lists them")


def set_defaults(overlay: Overlay, rules: Iterable[ParameterRule], given: dict[str, int | Fraction]) -> None:
    """Write every rule's genesis value (``given`` wins over the default) at height 0, names and bounds checked."""
    parameters = Parameters(overlay, 0)
    rules = tuple(rules)
    for name in sorted(given):
        check_bounds(rules, name, given[name])
    for rule in rules:
        value = given.get(rule.name, rule.default)
        check_bounds(rules, rule.name, value)
        parameters.set(rule.name, value, 0)
