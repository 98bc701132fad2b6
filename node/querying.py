"""A module's query, answered from a committed view: on any thread, and of one height whole.

Rows, the runtime that declares the query and the parameters that bound it are all the view's. So a query that began
before a block, a flip or a rollback ends as if there had been none, and one that begins after sees all of it. It runs
as bundle code does in the next block, metered by `query_steps`, and can write nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from node.errors import BadRequest, NotFound
from node.http import answers
from node.http.values import render_value, to_bytes
from node.reading import Reading
from runtime.bundle.loader import LoadedQuery, LoadedRuntime
from runtime.context import invoke_query
from runtime.metering.faults import HostFault, fault_of
from runtime.metering.meter import Meter
from runtime.parameters import Parameters
from runtime.receipts import Event
from runtime.registry import registered_modules
from storage.errors import InvalidRecord, NotCanonical
from storage.overlay import Overlay


@dataclass(frozen=True, slots=True)
class QueryScope:
    """What bundle code sees of the chain while it answers."""

    overlay: Overlay
    loaded: LoadedRuntime
    height: int
    chain_id: str
    parameters: Parameters
    registered: frozenset[str]
    isolated: frozenset[str] = frozenset()
    """None: what an isolated module says from outside the blocks moves nothing."""
    events: list[Event] = field(default_factory=list)


def answer_query(reading: Reading, module: str, name: str, arguments: Mapping[str, Any]) -> answers.QueryAnswer:
    """What a query says at the view's height; raises NotFound(no_such_query), BadRequest with bad_arguments or the code
    with which it ended."""
    loaded, parameters = reading.loaded, reading.parameters
    query = query_of(loaded, module, name)
    scope = QueryScope(
        overlay=reading.as_overlay,
        loaded=loaded,
        height=reading.height + 1,
        chain_id=reading.chain.identity.chain_id,
        parameters=parameters,
        registered=registered_modules(reading.as_overlay, loaded.declaration),
    )
    args = _positional(query, arguments)
    meter = Meter(parameters.integer("query_steps"), 0)
    try:
        result = invoke_query(scope, module, name, args, meter)
    except (Exception, HostFault) as failure:
        fault = fault_of(failure, meter)
        where = f" at {fault.file}:{fault.line}" if fault.file else ""
        raise BadRequest(fault.code, f"{module}.{name} answered {fault.code}{where}") from None
    shown = None if result is None else render_value(query.declaration.returns, result)
    return answers.QueryAnswer(query=f"{module}.{name}", height=reading.height, result=shown)


def query_of(loaded: LoadedRuntime, module: str, name: str) -> LoadedQuery:
    """A query of a runtime; raises NotFound(no_such_query)."""
    found = loaded.queries.get((module, name))
    if found is None:
        raise NotFound("no_such_query", f"no query is called {module}.{name}; GET /modules lists them")
    return found


def _positional(query: LoadedQuery, arguments: Mapping[str, Any]) -> tuple[Any, ...]:
    try:
        return query.arguments(to_bytes(query.declaration.args, arguments))
    except (NotCanonical, InvalidRecord) as wrong:
        raise BadRequest("bad_arguments", str(wrong)) from None
