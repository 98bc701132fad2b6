"""What a function body may name: the declarations of its source, of its bundle, and what the manifest lets it use."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from runtime.bundle.declarations import ModuleDeclaration, TableDeclaration
from runtime.bundle.functions import parameters
from runtime.bundle.grammar import Reading
from runtime.bundle.manifest import Manifest
from storage.record import Schema

BodyKind = Literal["call", "query", "hook", "health", "migration", "validate", "reverse", "pure"]


@dataclass(frozen=True, slots=True)
class Body:
    """A function to judge: what it is, and what its declaration gives it beside its arguments."""

    node: ast.FunctionDef
    kind: BodyKind
    frozen: tuple[str, ...] = ()
    """Names that `frozen` has."""
    reads: tuple[str, ...] = ()
    """Tables, by full name, that `inputs` may get."""

    @property
    def has_old(self) -> bool:
        return self.kind in ("migration", "validate")

    @property
    def has_context(self) -> bool:
        return self.kind in ("call", "query", "hook", "health")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything in reach of the functions of one source."""

    module: str
    api: frozenset[str]
    declared: frozenset[str]
    """Every name given at module level."""
    constants: frozenset[str]
    records: Mapping[str, Schema]
    types: frozenset[str]
    """Records and variants."""
    tables: Mapping[str, TableDeclaration]
    pure: Mapping[str, tuple[str, ...]]
    """Pure functions, own and imported, and their parameters."""
    fields: frozenset[str]
    """Field names of every record of the bundle: all attributes there are."""
    uses: frozenset[str]
    """Calls of other modules that the manifest lists."""
    askable: frozenset[str]
    """Modules whose queries it may ask."""
    calls: Mapping[str, int]
    """Every call of the bundle, and how many arguments it takes."""
    queries: Mapping[str, int]
    unread: frozenset[str]
    """Modules whose source could not be read: what they declare is not known, so nothing is said to be missing."""
    unseen: frozenset[str]
    """Names imported from sources that could not be read, or are not there."""


def surroundings_of(reading: Reading, readings: Iterable[Reading], manifest: Manifest) -> Surroundings:
    """The surroundings of one source among all sources of its bundle."""
    own = reading.declaration
    seen = [other for other in readings if other.declaration.kind != "tests" or own.kind == "tests"]
    everyone, sources = [other.declaration for other in seen], {other.declaration.file: other for other in seen}
    entry = manifest.module(own.name)
    pure = {made.name: parameters(reading.functions[made.name]) for made in own.functions}
    records = dict(own.records)
    for imported in own.imports:
        other = sources.get(imported.file)
        if other is not None and imported.name in other.functions:
            pure[imported.name] = parameters(other.functions[imported.name])
        elif other is not None and imported.name in other.declaration.importable(own.kind):
            records[imported.name] = other.declaration.records[imported.name]
    return Surroundings(
        module=own.name,
        api=frozenset(own.api_names),
        declared=frozenset(_names(reading)),
        constants=frozenset(own.constants),
        records=records,
        types=frozenset(records) | frozenset(own.variants),
        tables={table.name: table for table in own.tables},
        pure=pure,
        fields=frozenset(name for other in everyone for name in _fields_of(other)),
        uses=frozenset(entry.uses if entry else ()),
        askable=frozenset({own.name, *(entry.needs if entry else ())}),
        calls={call.id: len(call.args.fields) for other in everyone for call in other.calls},
        queries={query.id: len(query.args.fields) for other in everyone for query in other.queries},
        unread=frozenset(module.name for module in manifest.modules if module.source not in sources),
        unseen=frozenset(imported.name for imported in own.imports if imported.file not in sources),
    )


def _names(reading: Reading) -> Iterator[str]:
    own = reading.declaration
    yield from own.api_names
    yield from own.constants
    yield from own.records
    yield from own.variants
    yield from (table.name for table in own.tables)
    yield from reading.functions
    yield from (imported.name for imported in own.imports)


def _fields_of(module: ModuleDeclaration) -> Iterator[str]:
    for schema in module.records.values():
        yield from (spec.name for spec in schema.fields)


