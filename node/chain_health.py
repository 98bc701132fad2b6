"""Whether what runs is well, answered from a committed view: every module's health hooks, and every invariant.

Hooks run as they do in a block of probation, metered by `hook_steps`, and can write nothing. A module that is isolated
or not registered is not asked, and says so with the code of that refusal. Invariants are held against the aggregates
that blocks keep; that those are what the rows give is what a rehearsal counts (`recount` in `node.trial.checks`).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from node.http import answers
from node.querying import QueryScope
from node.reading import Reading
from runtime.bundle.declarations import HookDeclaration
from runtime.context import invoke_hook
from runtime.hooks import UNHEALTHY
from runtime.invariants.counters import AGGREGATES
from runtime.invariants.recount import broken_rules
from runtime.invariants.settle import SUPPLY_RULE
from runtime.metering.faults import HostFault, fault_of
from runtime.metering.meter import Meter
from runtime.registry import registered_modules

MOST_GROUPS = 100_000
"""Groups of aggregates looked at in one answer: about a second."""


def chain_health(reading: Reading) -> answers.ChainHealth:
    """Every module's health and every invariant at the view's height."""
    loaded = reading.loaded
    scope = QueryScope(
        overlay=reading.as_overlay,
        loaded=loaded,
        height=reading.height + 1,
        chain_id=reading.chain.identity.chain_id,
        parameters=reading.parameters,
        registered=registered_modules(reading.as_overlay, loaded.declaration),
        isolated=frozenset(stop.module for stop in reading.stops() if stop.module),
    )
    counters = reading.chain.counters(loaded)
    few = next(islice(reading.view.scan(AGGREGATES), MOST_GROUPS, None), None) is None
    return answers.ChainHealth(
        height=reading.height,
        modules=[_asked(scope, one.name, one.hooks) for one in loaded.declaration.modules],
        invariants=[*(rule.name for rule in counters.rules), SUPPLY_RULE],
        broken=list(broken_rules(reading.as_overlay, counters, loaded.tables)) if few else [],
        looked_at=few,
    )


def _asked(scope: QueryScope, module: str, hooks: Iterable[HookDeclaration]) -> answers.ModuleHealth:
    asked = [hook for hook in hooks if hook.kind == "health"]
    for hook in asked:
        meter = Meter(scope.parameters.integer("hook_steps"), 0)
        try:
            code, where = UNHEALTHY, (hook.file, hook.line)
            if invoke_hook(scope, hook, meter) is True:
                continue
        except (Exception, HostFault) as failure:
            fault = fault_of(failure, meter)
            code, where = fault.code, (fault.file, fault.line)
        return answers.ModuleHealth(
            module=module, healthy=False, hooks=len(asked), code=code, file=where[0], line=where[1]
        )
    return answers.ModuleHealth(module=module, healthy=True, hooks=len(asked))
