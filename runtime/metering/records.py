"""Records of bundle code: every field is checked when a record is made, so every record is sound wherever it goes.

Storage need not check again what a bundle puts, and comparing records cannot recurse deeper than their schemas nest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from runtime.metering.faults import WRONG_RECORD, HostFault, ValueTooLarge
from runtime.metering.limits import INT_LIMIT, MAX_ITEMS
from runtime.metering.meter import Meter
from runtime.metering.values import pay_bytes, wrong_type
from storage.errors import InvalidSchema
from storage.record import Record, TypeSpec, Variant, define_record, define_variant, schema_of

Check = Callable[[Meter, Any], Any]
"""Checks a value for a field and gives what the record holds: the value, or the variant around it."""
_CHECKS: dict[type, dict[str, Check]] = {}
"""Record class -> field name -> check; grows with the classes that bundles define."""


def make(meter: Meter, record: type[Record], **fields: Any) -> Record:
    """`Record(field=...)`; raises wrong_record when a field does not hold what its type says."""
    checks = _CHECKS.get(record) or checks_of(record)
    for name in fields:
        fields[name] = checks[name](meter, fields[name])
    return record(**fields)


def change(meter: Meter, record: Any, **fields: Any) -> Any:
    """`record.but(field=...)`."""
    checks = _CHECKS.get(type(record))
    if checks is None:
        if not isinstance(record, Record):
            raise wrong_type()
        checks = checks_of(type(record))
    for name in fields:
        fields[name] = checks[name](meter, fields[name])
    return replace(record, **fields)


def case_of(meter: Meter, value: Any) -> Any:
    """What bundle code sees of a field that holds a variant, or a tuple of variants: the records of their cases."""
    if isinstance(value, Variant):
        return value.value
    if type(value) is tuple:
        meter.pay(1 + len(value))
        return tuple(case_of(meter, item) for item in value)
    return value


def holds_variant(spec: TypeSpec) -> bool:
    """Whether values of this type come with variants around records."""
    return spec.kind == "variant" or (spec.item is not None and holds_variant(spec.item))


def checks_of(record: type[Record]) -> dict[str, Check]:
    """The checks of a record's fields, made once."""
    made = {spec.name: check_of(spec.type) for spec in schema_of(record).fields}
    _CHECKS[record] = made
    return made


def check_of(spec: TypeSpec) -> Check:
    """A check that a value is of this type; raises wrong_record or ValueTooLarge."""
    if spec.item is not None:
        return _list(check_of(spec.item))
    if spec.schema is not None:
        return _record(define_record(spec.schema))
    if spec.cases:
        return _variant(define_variant(spec))
    return _SCALARS[spec.kind]


def _amount(meter: Meter, value: Any) -> Any:
    if type(value) is int and 0 <= value < INT_LIMIT:
        return value
    raise HostFault(WRONG_RECORD)


def _flag(meter: Meter, value: Any) -> Any:
    if type(value) is bool:
        return value
    raise HostFault(WRONG_RECORD)


def _text(meter: Meter, value: Any) -> Any:
    if type(value) is not str:
        raise HostFault(WRONG_RECORD)
    pay_bytes(meter, len(value))
    if len(value if value.isascii() else value.encode()) > MAX_ITEMS:
        raise ValueTooLarge
    return value


def _data(meter: Meter, value: Any) -> Any:
    if type(value) is not bytes:
        raise HostFault(WRONG_RECORD)
    if len(value) > MAX_ITEMS:
        raise ValueTooLarge
    return value


def _sized(size: int) -> Check:
    def check(meter: Meter, value: Any) -> Any:
        if type(value) is bytes and len(value) == size:
            return value
        raise HostFault(WRONG_RECORD)

    return check


def _list(item: Check) -> Check:
    def check(meter: Meter, value: Any) -> Any:
        if type(value) is not tuple:
            raise HostFault(WRONG_RECORD)
        meter.pay(1 + len(value))
        return tuple(item(meter, one) for one in value)

    return check


def _record(record: type[Record]) -> Check:
    def check(meter: Meter, value: Any) -> Any:
        if type(value) is record:
            return value
        raise HostFault(WRONG_RECORD)

    return check


def _variant(variant: type[Variant]) -> Check:
    def check(meter: Meter, value: Any) -> Any:
        try:
            return variant.of(value)
        except InvalidSchema:
            raise HostFault(WRONG_RECORD) from None

    return check


_SCALARS: dict[str, Check] = {
    "amount": _amount,
    "flag": _flag,
    "text": _text,
    "data": _data,
    "address": _sized(20),
    "hash": _sized(32),
}
