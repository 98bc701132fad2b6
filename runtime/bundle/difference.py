"""What a person reads of the difference between two bundles: manifest key by key, sources line by line, rules as text.

The effect (`runtime.bundle.effect`) is what votes name and is made of declarations alone; a body that changed shows
here only. All of it is a function of the bundles' bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from typing import Literal

from runtime.bundle.archive import Bundle
from runtime.bundle.declarations import Aggregate, AtMost, Equal, Refers, RuntimeDeclaration
from runtime.bundle.manifest import PORTS, Manifest, ModuleEntry


@dataclass(frozen=True, slots=True)
class ManifestChange:
    """One key of the manifest that says something else; empty where it says nothing."""

    key: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that is not the same in both, with its unified diff."""

    file: str
    state: Literal["added", "removed", "changed"]
    lines: tuple[str, ...]


def manifest_changes(old: Manifest, new: Manifest) -> tuple[ManifestChange, ...]:
    """Keys of the manifest that changed, in the manifest's order; a module is told of key by key under its name."""
    before, after = dict(_told(old)), dict(_told(new))
    return tuple(
        ManifestChange(key, before.get(key, ""), after.get(key, ""))
        for key in {**before, **after}
        if before.get(key, "") != after.get(key, "")
    )


def file_changes(old: Bundle, new: Bundle) -> tuple[FileChange, ...]:
    """Files that differ, by name."""
    before, after = dict(old.files), dict(new.files)
    return tuple(
        _compared(name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


def rule_texts(declaration: RuntimeDeclaration) -> dict[str, str]:
    """Every invariant of a runtime by its full name, as one line."""
    return {one.id: _rule(declaration, one.rule) for one in declaration.invariants()}


def _told(manifest: Manifest) -> Iterator[tuple[str, str]]:
    yield "name", manifest.name
    yield "chain", manifest.chain
    yield "version", str(manifest.version)
    yield "host", str(manifest.host)
    yield "supply_change", f"{manifest.supply_change:+}" if manifest.supply_change else ""
    yield "requires_pause", "true" if manifest.requires_pause else ""
    yield "modules", ", ".join(module.name for module in manifest.modules)
    for module in manifest.modules:
        yield from _module(module)
    for name in PORTS:
        port = getattr(manifest.ports, name)
        parts = [] if port is None else [f"{part} {getattr(port, part)}" for part in port.__slots__]
        yield f"ports.{name}", ", ".join(parts)
    yield "renames", ", ".join(f"{old} to {new}" for old, new in manifest.renames)
    yield "notes", " ".join(manifest.notes.split())


def _module(module: ModuleEntry) -> Iterator[tuple[str, str]]:
    yield f"{module.name}.source", module.source
    yield f"{module.name}.schema", str(module.schema)
    yield f"{module.name}.reinstall_from", str(module.reinstall_from or "")
    yield f"{module.name}.needs", ", ".join(module.needs)
    yield f"{module.name}.uses", ", ".join(module.uses)


def _compared(name: str, old: bytes | None, new: bytes | None) -> FileChange:
    state: Literal["added", "removed", "changed"]
    state = "added" if old is None else "removed" if new is None else "changed"
    before, after = ((content or b"").decode("utf-8", "replace").splitlines() for content in (old, new))
    labels = ("/dev/null" if old is None else f"old/{name}", "/dev/null" if new is None else f"new/{name}")
    return FileChange(name, state, tuple(unified_diff(before, after, *labels, lineterm="")))


def _rule(declaration: RuntimeDeclaration, rule: Equal | AtMost | Refers) -> str:
    if isinstance(rule, Refers):
        return f"every {rule.part} of {rule.source} is a key of {rule.target}"
    left, right = (_aggregate(declaration, one) for one in (rule.left, rule.right))
    return f"{left} {'is' if isinstance(rule, Equal) else 'is at most'} {right}"


def _aggregate(declaration: RuntimeDeclaration, one: Aggregate) -> str:
    what = f"the number of {one.table}" if one.kind == "count" else f"the sum of {one.table}.{one.field}"
    table = declaration.table(one.table)
    names = [] if table is None else [table.key_names[at] for at in one.by]
    where = "" if one.where is None else f" where {one.where[0]} is {one.where[1]!r}"
    return f"{what}{where}{' by ' + ', '.join(names) if names else ''}"
