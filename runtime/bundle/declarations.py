"""What a bundle declares, as plain values: read from source, never by running it.

The grammar turns the module-level forms of every source into these; the checker judges them, the comparison of two
runtimes is made from them, and the loader compiles the function bodies that they name by file and line. Full names
are `module.name` everywhere except in the `name` of a declaration itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from runtime.bundle.manifest import Manifest
from storage.keys import KeyKind
from storage.record import Schema, TypeSpec

Constant = int | bool | str | bytes | tuple["Constant", ...]
SourceKind = Literal["module", "library", "tests"]
HookKind = Literal["begin_block", "end_block", "pre_upgrade", "post_upgrade", "health"]
TEST_PREFIX = "test_"
HOOK_KINDS: tuple[HookKind, ...] = ("begin_block", "end_block", "pre_upgrade", "post_upgrade", "health")


@dataclass(frozen=True, slots=True)
class TableDeclaration:
    """A table that the module owns: only its own calls, hooks and migrations write it."""

    module: str
    name: str
    record: Schema
    key: tuple[KeyKind, ...]
    key_names: tuple[str, ...]
    line: int

    @property
    def id(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A sum of one field, or a count of rows, over a table; grouped by parts of the key, filtered by one field."""

    kind: Literal["total", "count"]
    table: str
    """Full name, `module.table`."""
    field: str
    """The field summed; empty for a count."""
    by: tuple[int, ...]
    """Positions of the key parts that name the group, ascending; empty when there is one group, all for by="key"."""
    where: tuple[str, Constant] | None
    """Only rows whose field equals the constant are counted."""


@dataclass(frozen=True, slots=True)
class Equal:
    """Both aggregates agree in every group; an absent group counts as zero."""

    left: Aggregate
    right: Aggregate


@dataclass(frozen=True, slots=True)
class AtMost:
    """The left aggregate is not above the right one in any group; an absent group counts as zero."""

    left: Aggregate
    right: Aggregate


@dataclass(frozen=True, slots=True)
class Refers:
    """Every row of `source` names, in a key part or a field, the key of a row that exists in `target`."""

    source: str
    part: str
    position: int | None
    """Position in the source's key, or None when `part` is a field of its record."""
    target: str


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule over tables that the host keeps incrementally and checks in every block."""

    module: str
    name: str
    rule: Equal | AtMost | Refers
    line: int

    @property
    def id(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class CallDeclaration:
    """A call that changes state: sent in transactions, or `internal`: reached by other modules only.

    `interface` is what a transaction signs (see runtime.interface). An internal call is never run for a
    transaction, and by `ctx.call` only from modules whose manifest lists it in `uses`.
    """

    module: str
    name: str
    args: Schema
    meaning: int
    flag: str
    """Feature flag that gates the call; empty when none does."""
    internal: bool
    interface: bytes
    file: str
    line: int

    @property
    def id(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class QueryDeclaration:
    """A read-only call, answered on the committed state or asked by another module."""

    module: str
    name: str
    args: Schema
    returns: TypeSpec
    may_be_none: bool
    """The query answers None when there is nothing to tell."""
    file: str
    line: int

    @property
    def id(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class HookDeclaration:
    """A function `(ctx)` that the host runs at its moment; a `health` hook answers a bool and writes nothing."""

    module: str
    kind: HookKind
    function: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class MigrationDeclaration:
    """Makes each record of a table anew: `function(old, frozen)`, and `function(old, frozen, inputs)` with reads.

    Fields outside `sets` keep their old value, new ones their default, and the host checks that they do. A record keeps
    its key, unless the migration `rekeys`: then it is `function(key, old, ...)` and answers `(new_key, record)`.
    """

    module: str
    table: str
    """Short name of the table in the new runtime."""
    from_schema: int
    """The module's schema number that it migrates from."""
    sets: tuple[str, ...]
    reads: tuple[str, ...]
    """Full names of tables of the old runtime that it may read."""
    frozen: tuple[str, ...]
    """Names of the parameters fixed when the plan was scheduled, attributes of `frozen`."""
    rekeys: bool
    old_fields: tuple[str, ...]
    """Every field of the old record that the source reads."""
    function: str
    file: str
    line: int

    @property
    def table_id(self) -> str:
        return f"{self.module}.{self.table}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """What the function takes, in order."""
        return (*(("key",) if self.rekeys else ()), "old", "frozen", *(("inputs",) if self.reads else ()))

    @property
    def id(self) -> str:
        return f"{self.module}.{self.function}"


@dataclass(frozen=True, slots=True)
class ValidateDeclaration:
    """A check `function(old, new) -> bool` of each record that a migration made."""

    module: str
    table: str
    old_fields: tuple[str, ...]
    """Every field of the old record that the source reads."""
    function: str
    file: str
    line: int

    @property
    def table_id(self) -> str:
        return f"{self.module}.{self.table}"


@dataclass(frozen=True, slots=True)
class ReverseDeclaration:
    """The way back `function(new)`: of each record that a migration made, the one it was made from, byte for byte."""

    module: str
    table: str
    record: Schema
    """What the function says it answers: a record like the running table's."""
    function: str
    file: str
    line: int

    @property
    def table_id(self) -> str:
        return f"{self.module}.{self.table}"


@dataclass(frozen=True, slots=True)
class FunctionDeclaration:
    """A pure helper function: no context, no state."""

    name: str
    parameters: tuple[str, ...]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class ImportDeclaration:
    """`from .file import name`: a pure function of another source of the bundle; own tests import records too, and
    what migrates them."""

    file: str
    """The source it comes from, `rounding.py`."""
    name: str
    line: int


@dataclass(frozen=True, slots=True)
class ModuleDeclaration:
    """All that one source declares: a module of the manifest, a library of pure functions, or own tests."""

    name: str
    file: str
    kind: SourceKind
    doc: str
    api_names: tuple[str, ...]
    """Names imported from runtime.api.v1."""
    constants: Mapping[str, Constant]
    records: Mapping[str, Schema]
    variants: Mapping[str, TypeSpec]
    tables: tuple[TableDeclaration, ...]
    calls: tuple[CallDeclaration, ...]
    queries: tuple[QueryDeclaration, ...]
    hooks: tuple[HookDeclaration, ...]
    migrations: tuple[MigrationDeclaration, ...]
    validators: tuple[ValidateDeclaration, ...]
    reverses: tuple[ReverseDeclaration, ...]
    invariants: tuple[Invariant, ...]
    functions: tuple[FunctionDeclaration, ...]
    imports: tuple[ImportDeclaration, ...]

    def importable(self, kind: SourceKind) -> frozenset[str]:
        """What a source of some kind may import from this one. Inputs are the host's to give, so a migration that reads
        them can be run by nobody else."""
        pure = frozenset(made.name for made in self.functions)
        if kind != "tests":
            return pure
        alone = [made.function for made in self.migrations if not made.reads]
        alone += [made.function for made in self.validators] + [made.function for made in self.reverses]
        return pure.union(self.records, alone)


@dataclass(frozen=True, slots=True)
class RuntimeDeclaration:
    """A whole runtime: its manifest, its modules in dependency order, the libraries they import, and its own tests."""

    manifest: Manifest
    modules: tuple[ModuleDeclaration, ...]
    libraries: tuple[ModuleDeclaration, ...] = ()
    tests: tuple[ModuleDeclaration, ...] = ()
    """Sources that no block runs; see runtime.bundle.owntests."""

    def module(self, name: str) -> ModuleDeclaration | None:
        return next((module for module in self.modules if module.name == name), None)

    def tables(self) -> Iterator[TableDeclaration]:
        return (table for module in self.modules for table in module.tables)

    def calls(self) -> Iterator[CallDeclaration]:
        return (call for module in self.modules for call in module.calls)

    def queries(self) -> Iterator[QueryDeclaration]:
        return (query for module in self.modules for query in module.queries)

    def hooks(self, kind: HookKind) -> Iterator[HookDeclaration]:
        return (hook for module in self.modules for hook in module.hooks if hook.kind == kind)

    def migrations(self) -> Iterator[MigrationDeclaration]:
        return (migration for module in self.modules for migration in module.migrations)

    def validators(self) -> Iterator[ValidateDeclaration]:
        return (validator for module in self.modules for validator in module.validators)

    def reverses(self) -> Iterator[ReverseDeclaration]:
        return (reverse for module in self.modules for reverse in module.reverses)

    def invariants(self) -> Iterator[Invariant]:
        return (invariant for module in self.modules for invariant in module.invariants)

    def own_tests(self) -> list[tuple[ModuleDeclaration, FunctionDeclaration]]:
        """Every own test with its source, in the order in which they run: by file, then from top to bottom."""
        return [
            (source, made) for source in self.tests for made in source.functions if made.name.startswith(TEST_PREFIX)
        ]

    def table(self, table_id: str) -> TableDeclaration | None:
        return next((table for table in self.tables() if table.id == table_id), None)

    def call(self, call_id: str) -> CallDeclaration | None:
        return next((call for call in self.calls() if call.id == call_id), None)

    def query(self, query_id: str) -> QueryDeclaration | None:
        return next((query for query in self.queries() if query.id == query_id), None)
