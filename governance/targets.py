"""What a proposal may be about: only what an entry of the module registry names."""

from __future__ import annotations

from collections.abc import Iterable

from governance.errors import need
from runtime.bundle.declarations import RuntimeDeclaration
from runtime.host import HostContext
from runtime.registry import REGISTRY, registered_modules
from runtime.safe_mode import Stop
from storage.overlay import Overlay


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


def require_running_module(context: HostContext, name: str) -> None:
    """Refuse a module that is not of the running runtime, the host's own ones among them."""
    known = name in registered_modules(context.overlay, context.runtime.declaration)
    need(known, "unknown_target", what="module", name=name)


def require_longer(context: HostContext, module: str, until: int) -> None:
    """Refuse a stop of a module, or of the chain, that is stopped as long already."""
    before = context.coordinator.safe_mode().of(module)
    longer = before is None or Stop(module=module, until=until).outlasts(before)
    need(longer, "stopped_already", what=module or "the chain", since=0 if before is None else before.since)
