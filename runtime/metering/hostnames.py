"""The names that compiled functions find in their globals: the host's functions, each with an underscore in front."""

from __future__ import annotations

from typing import Any

from runtime.metering.builtins import BUILTINS
from runtime.metering.comparisons import COMPARE
from runtime.metering.containers import (
    delete_item,
    dict_of,
    gathered,
    gathered_dict,
    get_item,
    get_slice,
    holds,
    iterate,
    list_of,
    set_item,
    tuple_of,
    turns,
)
from runtime.metering.faults import Refused, refused
from runtime.metering.meter import Meter
from runtime.metering.methods import METHODS
from runtime.metering.operators import BINARY, UNARY, grow
from runtime.metering.records import case_of, make

_OTHERS: dict[str, Any] = {
    "Refused": Refused,
    "case_of": case_of,
    "delete_item": delete_item,
    "dict_of": dict_of,
    "enter": Meter.enter,
    "exhausted": Meter.exhausted,
    "gathered": gathered,
    "gathered_dict": gathered_dict,
    "get_item": get_item,
    "get_slice": get_slice,
    "grow": grow,
    "holds": holds,
    "iterate": iterate,
    "list_of": list_of,
    "make": make,
    "refused": refused,
    "set_item": set_item,
    "tuple_of": tuple_of,
    "turns": turns,
}


def host_names() -> dict[str, Any]:
    """A fresh namespace for one source; there are no builtins in it but the host's."""
    operators = {kind.__name__: function for table in (BINARY, UNARY, COMPARE) for kind, function in table.items()}
    methods = {f"do_{name}": function for name, function in METHODS.items()}
    named = {**operators, **BUILTINS, **methods, **_OTHERS}
    return {"__builtins__": {}, **{f"_{name}": function for name, function in named.items()}}
