"""Small programs of bundle code, compiled with metering and run, without a bundle around them."""

from __future__ import annotations

import ast
import textwrap
from typing import Any

from runtime.metering.faults import Fault, HostFault, fault_of
from runtime.metering.hostnames import host_names
from runtime.metering.meter import Meter
from runtime.metering.syntax import Names
from runtime.metering.transform import compile_functions
from storage.record import Amount, Data, Record, Text, field

STEPS = 200_000


class Point(Record):
    x: Amount = field(1)
    y: Amount = field(2, default=0)


class Note(Record):
    text: Text = field(1, default="")
    data: Data = field(2, default=b"")
    points: tuple[Point, ...] = field(3, default=())


RECORDS = {"Point": Point, "Note": Note}
CONSTANTS = {"LIMIT": 7, "NAME": "synod"}


def compiled(source: str) -> dict[str, Any]:
    """The functions of a source, ready to be called with a meter first."""
    text = textwrap.dedent(source)
    functions = frozenset(node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef))
    names = Names(
        functions=functions,
        records=frozenset(RECORDS),
        values=frozenset(CONSTANTS),
        variants=frozenset(),
        migrating=frozenset(),
        hosts={},
    )
    space = host_names() | RECORDS | CONSTANTS
    exec(compile_functions(text, "program.py", "program", names), space)
    return space


def run(source: str, *args: Any, function: str = "main", steps: int = STEPS) -> tuple[Any, Meter]:
    """Run one function; the result is its answer or the Fault that ended it."""
    meter = Meter(steps, 65_536)
    try:
        return compiled(source)[function](meter, *args), meter
    except (Exception, HostFault) as error:
        return fault_of(error, meter), meter


def answer(source: str, *args: Any, steps: int = STEPS) -> Any:
    """What `main` answers, or the code of the fault."""
    found, _ = run(source, *args, steps=steps)
    return found.code if isinstance(found, Fault) else found


def value_of(expression: str, **names: Any) -> Any:
    """What an expression gives, or the code of the fault."""
    return answer(f"def main({', '.join(names)}):\n    return {expression}\n", *names.values())
