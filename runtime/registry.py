"""The module registry: which modules may run, and which proposal approved them.

Each module of the running bundle has an entry with its version and its feature flags; the host's own modules have one
with their parameters. A module of the bundle without an entry does not run: its calls, queries and hooks, and calls
into it, are refused as `module_not_registered`. Governance refuses a proposal whose target stands in no entry.

The entries are those of the runtime that runs, in every block. They are written at genesis, at a flip before the new
runtime's first hook or call, and, since a host table is not rewound, at a rollback before its replay. An activation
that fails takes what it wrote with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from runtime.bundle.declarations import RuntimeDeclaration
from runtime.bundle.manifest import HOST_NAMES
from storage.overlay import Overlay
from storage.record import Amount, Record, Text, field
from storage.tables import Table, host_table


class ModuleEntry(Record):
    """What may run or be proposed about a module, and who approved it."""

    version: Text = field(1)
    schema: Amount = field(2, default=0)
    """Schema number of a bundle's module; 0 for the host's own."""
    parameters: tuple[Text, ...] = field(3, default=())
    features: tuple[Text, ...] = field(4, default=())
    proposal: Amount = field(5, default=0)
    """The proposal that approved it; 0 for genesis, and for a plan that was scheduled without governance."""


REGISTRY: Table[ModuleEntry] = host_table("host.registry", ModuleEntry, key=("text",), names=("module",))


def register_host(overlay: Overlay, module: str, parameters: Iterable[str]) -> None:
    """Enter one of the host's own modules with the parameters that belong to it."""
    overlay.put(REGISTRY, (module,), ModuleEntry(version="1", parameters=tuple(sorted(parameters))))


def register_runtime(overlay: Overlay, running: RuntimeDeclaration, proposal: int) -> None:
    """Make the entries of modules those of the bundle that runs now, approved by ``proposal``."""
    manifest = running.manifest
    gone = {name for (name,), _ in overlay.scan(REGISTRY)} - {module.name for module in manifest.modules} - HOST_NAMES
    for name in sorted(gone):
        overlay.delete(REGISTRY, (name,))
    for module in manifest.modules:
        entry = ModuleEntry(
            version=str(manifest.version),
            schema=module.schema,
            features=features_of(running, module.name),
            proposal=proposal,
        )
        overlay.put(REGISTRY, (module.name,), entry)


def registered_modules(overlay: Overlay, running: RuntimeDeclaration) -> frozenset[str]:
    """Modules of a bundle that may run."""
    names = (module.name for module in running.manifest.modules)
    return frozenset(name for name in names if overlay.get(REGISTRY, (name,)) is not None)


def features_of(running: RuntimeDeclaration, module: str) -> tuple[str, ...]:
    """Flags that gate a call of the module, in order."""
    return tuple(sorted({call.flag for call in running.calls() if call.module == module and call.flag}))
