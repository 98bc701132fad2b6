"""Module hooks: run in dependency order, each on its own savepoint and meter.

A hook that raises loses its writes, is recorded, and the block goes on: no module can stop a block. What a fault
means is the caller's to decide: at activation it fails the upgrade, in probation a step limit rolls back.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from runtime.bundle.declarations import HookDeclaration, HookKind
from runtime.bundle.loader import LoadedRuntime
from runtime.context import invoke_hook
from runtime.execution import Execution
from runtime.metering.faults import HostFault, fault_of
from runtime.metering.meter import Meter
from runtime.receipts import OK, Receipt

UNHEALTHY = "unhealthy"
"""A health hook answered False."""


def hooks_of(loaded: LoadedRuntime, kind: HookKind, backwards: bool = False) -> Sequence[HookDeclaration]:
    """The hooks of one kind in dependency order, or its reverse."""
    found = tuple(loaded.declaration.hooks(kind))
    return found[::-1] if backwards else found


def hook_item(hook: HookDeclaration) -> bytes:
    """What a hook's receipt is filed under."""
    return sha256(f"{hook.module}.{hook.kind}.{hook.function}".encode()).digest()


def run_hook(execution: Execution, hook: HookDeclaration) -> Receipt:
    """Run one hook and tell what became of it; a failing one has left nothing behind."""
    overlay = execution.overlay
    meter = Meter(execution.parameters.integer("hook_steps"), execution.parameters.integer("hook_written"))
    savepoint, said = overlay.savepoint(), len(execution.events)
    try:
        answer = invoke_hook(execution, hook, meter)
    except (Exception, HostFault) as failure:
        overlay.rollback_to(savepoint)
        del execution.events[said:]
        fault = fault_of(failure, meter)
        return Receipt(item=hook_item(hook), code=fault.code, file=fault.file, line=fault.line, steps=meter.steps)
    overlay.release(savepoint)
    code = UNHEALTHY if hook.kind == "health" and answer is not True else OK
    where = (hook.file, hook.line) if code != OK else ("", 0)
    return Receipt(
        item=hook_item(hook), code=code, file=where[0], line=where[1], steps=meter.steps, written=meter.written
    )


def run_hooks(execution: Execution, kind: HookKind, backwards: bool = False) -> list[Receipt]:
    """Run all hooks of a kind; one receipt each."""
    return [run_hook(execution, hook) for hook in hooks_of(execution.loaded, kind, backwards)]
