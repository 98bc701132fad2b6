"""The context: all that bundle code can see of the chain, and the one way in which it changes it.

A module reads any table that it can name (its own) and writes only those; it reaches others by calls that its
manifest declares and by queries. Reads, writes, events and calls have prices; bytes written count against a limit of
their own. A `Refused` that comes out of `ctx.call` may be caught: what the callee wrote and told is undone first. A
host fault cannot be caught by anything in a bundle, so after one the whole run is undone by whoever began it.

The functions `invoke_*` are how the host runs bundle code. They undo nothing at the outermost level: the caller has
its own savepoint around the run, turns what they raise into a code with `fault_of`, and rolls back.
"""

from __future__ import annotations

from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from runtime.address import module_address
from runtime.errors import HostRefused
from runtime.metering.faults import (
    FEATURE_OFF,
    FOREIGN_TABLE,
    INTERNAL_CALL,
    MODULE_ISOLATED,
    MODULE_NOT_REGISTERED,
    READ_ONLY,
    UNDECLARED_USE,
    UNKNOWN_PARAMETER,
    WRONG_KEY,
    WRONG_RECORD,
    WRONG_RESULT,
    WRONG_TYPE,
    WRONG_VALUE,
    HostFault,
    Refused,
    ValueTooLarge,
)
from runtime.metering.limits import (
    CALL_STEPS,
    EVENT_STEPS,
    HASH_STEPS,
    KEY_BYTES,
    MAX_EVENT_FIELDS,
    MAX_EVENTS,
    MAX_ITEMS,
    MAX_SCAN,
    READ_STEPS,
    ROW_STEPS,
    SCAN_STEPS,
    WRITE_STEPS,
)
from runtime.metering.meter import Meter
from runtime.metering.values import text_bytes, weigh
from runtime.receipts import Attribute, Event
from runtime.scope import ExecutionScope, Inputs, Reads, TableHandle, checked_name, shown
from storage.errors import InvalidKey

if TYPE_CHECKING:
    from runtime.bundle.declarations import HookDeclaration, MigrationDeclaration, ValidateDeclaration
    from runtime.bundle.loader import LoadedCall, LoadedQuery, LoadedRuntime


class Context:
    """`ctx` of one call, query or hook of one module."""

    __slots__ = ("_meter", "_module", "_overlay", "_scope", "_writes", "caller", "chain_id", "height", "sender")

    def __init__(
        self, scope: ExecutionScope, module: str, sender: bytes, meter: Meter, caller: str = "", read_only: bool = False
    ) -> None:
        self._scope = scope
        self._overlay = scope.overlay
        self._module = module
        self._meter = meter
        self._writes = "" if read_only else module
        """The module whose tables may be written; no module has an empty name."""
        self.sender = sender
        self.caller = caller
        self.height = scope.height
        self.chain_id = scope.chain_id

    def get(self, table: TableHandle, *key: Any) -> Any:
        """The record under a key, or None."""
        meter = self._meter
        meter.steps_left -= READ_STEPS
        if meter.steps_left < 0:
            meter.exhausted()
        if type(table) is not TableHandle or table._module != self._module or len(key) != table._arity:
            self._require_key(table, key)
        try:
            record = self._overlay.get(table._table, key)
        except InvalidKey:
            raise HostFault(WRONG_KEY) from None
        if table._weighed and record is not None:
            weigh(meter, record)
        return record

    def has(self, table: TableHandle, *key: Any) -> bool:
        """Whether a record stands under a key."""
        return self.get(table, *key) is not None

    def put(self, table: TableHandle, *key_and_record: Any) -> None:
        """Write the record, the last argument, under the key before it."""
        key = key_and_record[:-1]
        if type(table) is not TableHandle or table._module != self._writes or len(key) != table._arity:
            self._require_writable()
            self._require_key(table, key)
        record = key_and_record[-1]
        if type(record) is not table._table.record:
            raise HostFault(WRONG_RECORD)
        try:
            size = self._overlay.put(table._table, key, record)
        except InvalidKey:
            raise HostFault(WRONG_KEY) from None
        if size > MAX_ITEMS:
            raise ValueTooLarge
        meter = self._meter
        meter.steps_left -= WRITE_STEPS + (size >> 4)
        meter.bytes_left -= size + KEY_BYTES
        if meter.steps_left < 0 or meter.bytes_left < 0:
            meter.overdrawn()

    def delete(self, table: TableHandle, *key: Any) -> None:
        """Take the record under a key away; an absent one stays absent."""
        self._require_writable()
        self._require_key(table, key)
        self._meter.pay(WRITE_STEPS)
        try:
            self._overlay.delete(table._table, key)
        except InvalidKey:
            raise HostFault(WRONG_KEY) from None
        self._meter.write(KEY_BYTES)

    def scan(self, table: TableHandle, *prefix: Any, limit: int) -> list[tuple[tuple[Any, ...], Any]]:
        """Rows whose key begins with the prefix, in key order, at most `limit` (itself at most MAX_SCAN)."""
        self._require_readable(table)
        if type(limit) is not int or not 0 <= limit <= MAX_SCAN:
            raise HostFault(WRONG_VALUE)
        self._meter.pay(SCAN_STEPS)
        found: list[tuple[tuple[Any, ...], Any]] = []
        try:
            for row in islice(self._overlay.scan(table._table, prefix), limit):
                self._meter.pay(ROW_STEPS)
                if table._weighed:
                    weigh(self._meter, row[1])
                found.append(row)
        except InvalidKey:
            raise HostFault(WRONG_KEY) from None
        return found

    def parameter(self, name: str) -> int:
        """A chain parameter as of this height."""
        self._meter.pay(READ_STEPS)
        try:
            return self._scope.parameters.integer(checked_name(name))
        except HostRefused:
            raise HostFault(UNKNOWN_PARAMETER) from None

    def flag(self, name: str) -> bool:
        """Whether a feature flag is on at this height."""
        self._meter.pay(READ_STEPS)
        return self._scope.parameters.flag(checked_name(name))

    def call(self, name: str, *args: Any) -> None:
        """Make a call of another module that the manifest lists; its writes are undone if it refuses."""
        self._require_writable()
        loaded = self._scope.loaded
        if name not in loaded.uses[self._module]:
            raise HostFault(UNDECLARED_USE)
        self._meter.pay(CALL_STEPS)
        target = loaded.call_of(name)
        target.check(self._meter, args)
        overlay, events = self._overlay, self._scope.events
        savepoint, said = overlay.savepoint(), len(events)
        try:
            invoke_call(self._scope, target, args, self.sender, self._meter, self._module)
        except Refused:
            overlay.rollback_to(savepoint)
            del events[said:]
            raise
        overlay.release(savepoint)

    def query(self, name: str, *args: Any) -> Any:
        """Ask a query of a module that this one needs, or of its own."""
        self._meter.pay(CALL_STEPS)
        loaded = self._scope.loaded
        target = loaded.query_of(checked_name(name))
        if target is None or target.declaration.module not in loaded.needs[self._module]:
            raise HostFault(UNDECLARED_USE)
        target.check(self._meter, args)
        return _run_query(self._scope, target, args, self._meter, self.sender, self._module)

    def event(self, name: str, **attributes: Any) -> None:
        """Tell the world: an event `module.name` in the receipt, its size paid like bytes written."""
        self._require_writable()
        if len(attributes) > MAX_EVENT_FIELDS:
            raise ValueTooLarge
        kind = f"{self._module}.{checked_name(name)}"
        told = tuple(Attribute(name=key, value=shown(value, self._meter)) for key, value in attributes.items())
        size = len(kind) + sum(len(item.name) + text_bytes(item.value) for item in told)
        self._meter.pay(EVENT_STEPS + (size >> 4))
        self._meter.write(size)
        self._meter.told += 1
        if self._meter.told > MAX_EVENTS:
            raise ValueTooLarge
        self._scope.events.append(Event(kind=kind, attributes=told))

    def module_address(self, name: str) -> bytes:
        """The account that a module owns."""
        self._meter.pay(HASH_STEPS)
        return module_address(checked_name(name))

    def _require_writable(self) -> None:
        if not self._writes:
            raise HostFault(READ_ONLY)

    def _require_readable(self, table: TableHandle) -> None:
        if type(table) is not TableHandle:
            raise HostFault(WRONG_TYPE)
        if table._module != self._module:
            raise HostFault(FOREIGN_TABLE)

    def _require_key(self, table: TableHandle, key: tuple[Any, ...]) -> None:
        """A whole key of a table of the module's own: storage takes fewer parts for a prefix."""
        self._require_readable(table)
        if len(key) != table._arity:
            raise HostFault(WRONG_KEY)


def invoke_call(
    scope: ExecutionScope, target: LoadedCall, args: tuple[Any, ...], sender: bytes, meter: Meter, caller: str = ""
) -> None:
    """Run a call with arguments that were decoded or checked. Raises what bundle code raises (see `fault_of`)."""
    declaration = target.declaration
    if declaration.internal and not caller:
        raise HostFault(INTERNAL_CALL)
    _require_runs(scope, declaration.module)
    if declaration.flag and not scope.parameters.flag(declaration.flag):
        raise Refused(FEATURE_OFF)
    target.function(meter, Context(scope, declaration.module, sender, meter, caller), *args)


def invoke_query(
    scope: ExecutionScope, module: str, name: str, args: tuple[Any, ...], meter: Meter, sender: bytes = b""
) -> Any:
    """The answer of a query, checked against the type it declares."""
    return _run_query(scope, scope.loaded.queries[(module, name)], args, meter, sender, "")


def _run_query(
    scope: ExecutionScope, target: LoadedQuery, args: tuple[Any, ...], meter: Meter, sender: bytes, caller: str
) -> Any:
    _require_runs(scope, target.declaration.module)
    context = Context(scope, target.declaration.module, sender, meter, caller, read_only=True)
    answer = target.function(meter, context, *args)
    if answer is None and target.declaration.may_be_none:
        return None
    try:
        target.check_answer(meter, answer)
    except HostFault as fault:
        raise HostFault(WRONG_RESULT if fault.code == WRONG_RECORD else fault.code) from None
    return answer


def invoke_hook(scope: ExecutionScope, hook: HookDeclaration, meter: Meter) -> Any:
    """Run a hook; the answer of a `health` hook, which can write nothing, is whether its module is well."""
    _require_runs(scope, hook.module)
    function = scope.loaded.functions[(hook.module, hook.function)]
    return function(meter, Context(scope, hook.module, b"", meter, read_only=hook.kind == "health"))


def _require_runs(scope: ExecutionScope, module: str) -> None:
    if module in scope.isolated:
        raise Refused(MODULE_ISOLATED)
    if module not in scope.registered:
        raise Refused(MODULE_NOT_REGISTERED)


def invoke_migration(
    loaded: LoadedRuntime,
    migration: MigrationDeclaration,
    key: tuple[Any, ...],
    old: Any,
    frozen: SimpleNamespace,
    meter: Meter,
    reads: Reads,
) -> Any:
    """The new record for an old one, or the new key and that; the caller checks its type, its fields and what it left
    unchanged. ``key`` is asked for by a migration that rekeys, and empty for others."""
    function = loaded.functions[(migration.module, migration.function)]
    given = (key, old, frozen) if migration.rekeys else (old, frozen)
    if not migration.reads:
        return function(meter, *given)
    return function(meter, *given, Inputs(reads, migration.reads, meter))


def failed_check(loaded: LoadedRuntime, table: str, old: Any, new: Any, meter: Meter) -> ValidateDeclaration | None:
    """The first validate function of a table (full name) that does not answer True for a migrated record, or None."""
    checks = loaded.validators.get(table, ())
    return next((it for it in checks if loaded.functions[it.module, it.function](meter, old, new) is not True), None)
