"""The module registry: what may be proposed about, on chain, with the proposal that approved it.

Each module of the running bundle has an entry with its version and features, and so have the host's own modules with
the chain's parameters. A proposal whose target has no entry is refused. The entries follow the running runtime: they
are written at genesis and again after every flip or rollback.
"""

from __future__ import annotations

from collections.abc import Iterable

from governance.errors import need
from governance.parameters import GOVERNANCE_PARAMETERS
from governance.tables import REGISTRY, ModuleEntry
from runtime.bundle.declarations import RuntimeDeclaration
from runtime.host import HostContext
from storage.overlay import Overlay

HOST_MODULES = ("governance", "host")
"""Modules that every chain has and no bundle brings."""


def write_host_entries(context: HostContext) -> None:
    """Enter the host's own modules and their parameters."""
    own = {rule.name for rule in GOVERNANCE_PARAMETERS}
    shared = tuple(sorted(rule.name for rule in context.rules if rule.name not in own))
    context.overlay.put(REGISTRY, ("governance",), ModuleEntry(version="1", parameters=tuple(sorted(own))))
    context.overlay.put(REGISTRY, ("host",), ModuleEntry(version="1", parameters=shared))


def adopt_runtime(context: HostContext) -> None:
    """Make the entries of modules those of the running bundle."""
    declaration = context.runtime.declaration
    plan = context.coordinator.running().plan
    proposal = context.coordinator.plan(plan).proposal if plan else 0
    present = {module.name for module in declaration.manifest.modules}
    for (name,), _ in list(context.overlay.scan(REGISTRY)):
        if name not in HOST_MODULES and name not in present:
            context.overlay.delete(REGISTRY, (name,))
    for module in declaration.manifest.modules:
        if module.name not in HOST_MODULES:
            entry = ModuleEntry(
                version=str(declaration.manifest.version),
                schema=module.schema,
                features=features_of(declaration, module.name),
                proposal=proposal,
            )
            context.overlay.put(REGISTRY, (module.name,), entry)


def features_of(declaration: RuntimeDeclaration, module: str) -> tuple[str, ...]:
    """Flags that gate a call of the module, in order."""
    return tuple(sorted({call.flag for call in declaration.calls() if call.module == module and call.flag}))


def require_parameter(overlay: Overlay, name: str) -> None:
    """Refuse a parameter that no entry names."""
    known = any(name in entry.parameters for _, entry in overlay.scan(REGISTRY))
    need(known, "unknown_target", what="parameter", name=name)


def require_feature(overlay: Overlay, name: str) -> None:
    """Refuse a feature that no entry names."""
    known = any(name in entry.features for _, entry in overlay.scan(REGISTRY))
    need(known, "unknown_target", what="feature", name=name)


def require_modules(overlay: Overlay, names: Iterable[str], coming: RuntimeDeclaration) -> None:
    """Refuse a module that neither has an entry nor comes with the proposed bundle."""
    brought = {module.name for module in coming.manifest.modules}
    for name in names:
        known = name in brought or overlay.get(REGISTRY, (name,)) is not None
        need(known, "unknown_target", what="module", name=name)
