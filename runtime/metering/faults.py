"""Why a piece of bundle code ended early: a stable code, the bundle's file, the last line the host counted.

    Exception
    `-- Refused                the bundle says no; the only thing bundle code can raise or catch
    BaseException
    `-- HostFault              the host ends the run; nothing in a bundle can catch it
        |-- OutOfSteps         out_of_steps
        |-- OutOfBytes         out_of_bytes
        |-- TooDeep            too_deep
        `-- ValueTooLarge      value_too_large

Ordinary Python errors inside bundle code (division by zero, a missing key) are faults too: handlers in a bundle name
`Refused` only, so they end the run, and `fault_of` gives them a code by their type. Texts of exceptions never count:
they differ between Python releases. What is no fault of the bundle (a damaged store, no memory) is raised on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.metering.limits import MAX_CODE

if TYPE_CHECKING:
    from runtime.metering.meter import Meter

WRONG_TYPE = "wrong_type"
WRONG_VALUE = "wrong_value"
WRONG_RECORD = "wrong_record"
WRONG_KEY = "wrong_key"
WRONG_RESULT = "wrong_result"
FOREIGN_TABLE = "foreign_table"
READ_ONLY = "read_only"
UNDECLARED_USE = "undeclared_use"
INTERNAL_CALL = "internal_call"
UNKNOWN_PARAMETER = "unknown_parameter"
FEATURE_OFF = "feature_off"
"""The code of the refusal when the feature flag that gates a call is off."""
MODULE_ISOLATED = "module_isolated"
"""The code of the refusal while the module that would run is isolated."""
MODULE_NOT_REGISTERED = "module_not_registered"
"""The code of the refusal when the module registry has no entry for the module that would run."""


class Refused(Exception):
    """A bundle refuses; `code` is what the receipt shows."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class HostFault(BaseException):
    """The host ends a run of bundle code for the reason `code`; the transaction, hook or record fails."""

    code = "fault"

    def __init__(self, code: str = "") -> None:
        self.code = code or type(self).code
        super().__init__(self.code)


class OutOfSteps(HostFault):
    """The run used all its steps."""

    code = "out_of_steps"


class OutOfBytes(HostFault):
    """The run wrote all the bytes it may write."""

    code = "out_of_bytes"


class TooDeep(HostFault):
    """Functions and calls nest deeper than MAX_DEPTH."""

    code = "too_deep"


class ValueTooLarge(HostFault):
    """An integer of 2**256 or beyond, or a text, list or other value of more than MAX_ITEMS."""

    code = "value_too_large"


_NATIVE: dict[type[BaseException], str] = {
    ZeroDivisionError: "division_by_zero",
    KeyError: "no_such_key",
    IndexError: "index_out_of_range",
    AttributeError: "no_such_attribute",
    NameError: "unbound_name",
    OverflowError: ValueTooLarge.code,
    TypeError: WRONG_TYPE,
    ValueError: WRONG_VALUE,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What state records of a failed run."""

    code: str
    file: str
    line: int


def fault_of(error: BaseException, meter: Meter) -> Fault:
    """The fault that `error` is; raises `error` itself when it is none of the bundle's making."""
    return Fault(_code_of(error), meter.file, meter.line)


def refused(code: object) -> Refused:
    """What `Refused(code)` in a bundle makes: the code is a short text, so that a receipt can hold it."""
    if type(code) is not str or not 0 < len(code) <= MAX_CODE or not code.isascii():
        raise HostFault(WRONG_VALUE)
    return Refused(code)


def _code_of(error: BaseException) -> str:
    if isinstance(error, Refused | HostFault):
        return error.code
    for kind in type(error).__mro__:
        if kind in _NATIVE:
            return _NATIVE[kind]
    raise error
