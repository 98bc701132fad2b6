"""A bundle made ready to run: record classes, tables, and functions compiled with metering. Nothing of it runs here.

Declarations come from the literal reader; only function bodies are compiled, and running the code objects does no
more than define those functions. Each source has a namespace of its own that carries the code hash, so any number of
runtimes stand side by side in one process. What a name means (a constant, a record, a table, a pure function of this
or another source) is put into the namespace from the declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from runtime.bundle.allowlist import CONTEXT_CALLS
from runtime.bundle.archive import Bundle
from runtime.bundle.declarations import (
    CallDeclaration,
    ModuleDeclaration,
    QueryDeclaration,
    RuntimeDeclaration,
    ValidateDeclaration,
)
from runtime.bundle.forms import TYPE_NAME
from runtime.metering.faults import WRONG_TYPE, HostFault
from runtime.metering.hostnames import host_names
from runtime.metering.limits import MAX_ITEMS
from runtime.metering.meter import Meter
from runtime.metering.records import Check, case_of, check_of, holds_variant
from runtime.metering.syntax import Names
from runtime.metering.transform import compile_functions
from runtime.scope import TableHandle
from runtime.version import RuntimeVersion
from storage.codec import Codec, codec_of
from storage.record import Record, Schema, define_record
from storage.tables import Half, Table

Function = Callable[..., Any]
_CONTEXT = {0: CONTEXT_CALLS}
_INPUTS = frozenset({"get"})


class Arguments:
    """The arguments of a call or query: a record on the wire, positions in the source."""

    __slots__ = ("_checks", "_take", "_variants", "codec")

    def __init__(self, schema: Schema) -> None:
        self.codec: Codec[Any] = codec_of(define_record(schema))
        self._checks = tuple(check_of(spec.type) for spec in schema.fields)
        self._variants = any(holds_variant(spec.type) for spec in schema.fields)
        names = [spec.name for spec in schema.fields]
        self._take: Callable[[Any], Any] = attrgetter(*names) if len(names) > 1 else _taker(names)

    def decode(self, raw: bytes) -> tuple[Any, ...]:
        """Positional arguments out of canonical bytes; raises NotCanonical or InvalidRecord."""
        taken: tuple[Any, ...] = self._take(self.codec.decode_canonical(raw))
        return tuple(map(_seen, taken)) if self._variants else taken

    def check(self, meter: Meter, args: tuple[Any, ...]) -> None:
        """Check arguments that bundle code gives; raises a fault."""
        if len(args) != len(self._checks):
            raise HostFault(WRONG_TYPE)
        for check, value in zip(self._checks, args, strict=True):
            check(meter, value)


def _seen(value: Any) -> Any:
    """An argument as bundle code sees it: the record of a variant's case."""
    return case_of(Meter(MAX_ITEMS * 2, 0), value)


def _taker(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda record: tuple(getattr(record, name) for name in names)


@dataclass(frozen=True, slots=True)
class LoadedCall:
    """A call ready to run: `function(meter, ctx, *arguments)`."""

    declaration: CallDeclaration
    args: Arguments
    function: Function

    @property
    def codec(self) -> Codec[Any]:
        return self.args.codec

    def arguments(self, raw: bytes) -> tuple[Any, ...]:
        """Positional arguments out of a transaction's bytes; raises NotCanonical or InvalidRecord."""
        return self.args.decode(raw)

    def check(self, meter: Meter, args: tuple[Any, ...]) -> None:
        self.args.check(meter, args)


@dataclass(frozen=True, slots=True)
class LoadedQuery:
    """A query ready to be asked: `function(meter, ctx, *arguments)`."""

    declaration: QueryDeclaration
    args: Arguments
    function: Function
    check_answer: Check

    @property
    def codec(self) -> Codec[Any]:
        return self.args.codec

    def arguments(self, raw: bytes) -> tuple[Any, ...]:
        """Positional arguments out of canonical bytes; raises NotCanonical or InvalidRecord."""
        return self.args.decode(raw)

    def check(self, meter: Meter, args: tuple[Any, ...]) -> None:
        self.args.check(meter, args)


@dataclass(frozen=True, slots=True)
class LoadedRuntime:
    """A runtime version, loaded; chains of one process share it, so nothing in it can be changed."""

    declaration: RuntimeDeclaration
    code_hash: bytes
    tables: Mapping[str, Table[Any]]
    """By full name."""
    calls: Mapping[tuple[str, str], LoadedCall]
    queries: Mapping[tuple[str, str], LoadedQuery]
    functions: Mapping[tuple[str, str], Function]
    """Every declared function by module and name."""
    validators: Mapping[str, tuple[ValidateDeclaration, ...]]
    """Table -> the checks of what its migration makes."""
    uses: Mapping[str, frozenset[str]]
    """Module -> calls of others that it may make, by full name."""
    needs: Mapping[str, frozenset[str]]
    """Module -> modules whose queries it may ask, itself among them."""

    @property
    def version(self) -> RuntimeVersion:
        return self.declaration.manifest.version

    def call_of(self, name: str) -> LoadedCall:
        """The call of a full name."""
        module, _, short = name.partition(".")
        return self.calls[(module, short)]

    def query_of(self, name: str) -> LoadedQuery | None:
        """The query of a full name, if there is one."""
        module, _, short = name.partition(".")
        return self.queries.get((module, short))


def load(bundle: Bundle, declaration: RuntimeDeclaration) -> LoadedRuntime:
    """Load a checked bundle. Raises NotCompilable where the checker was passed by."""
    tables = {
        table.id: Table(
            name=table.id,
            half=Half.RUNTIME,
            key=table.key,
            key_names=table.key_names,
            record=define_record(table.record),
        )
        for table in declaration.tables()
    }
    spaces = namespaces(bundle, (*declaration.libraries, *declaration.modules), tables)
    by_module = {module.name: spaces[module.file] for module in declaration.modules}
    return LoadedRuntime(
        declaration=declaration,
        code_hash=bundle.code_hash,
        tables=MappingProxyType(tables),
        calls=MappingProxyType(
            {
                (call.module, call.name): LoadedCall(call, Arguments(call.args), by_module[call.module][call.name])
                for call in declaration.calls()
            }
        ),
        queries=MappingProxyType(
            {
                (query.module, query.name): LoadedQuery(
                    query, Arguments(query.args), by_module[query.module][query.name], check_of(query.returns)
                )
                for query in declaration.queries()
            }
        ),
        functions=MappingProxyType(
            {
                (module.name, name): by_module[module.name][name]
                for module in declaration.modules
                for name in _hosted(module)
            }
        ),
        validators=MappingProxyType(
            {table: tuple(check for check in declaration.validators() if check.table_id == table) for table in tables}
        ),
        uses=MappingProxyType({entry.name: frozenset(entry.uses) for entry in declaration.manifest.modules}),
        needs=MappingProxyType(
            {entry.name: frozenset((entry.name, *entry.needs)) for entry in declaration.manifest.modules}
        ),
    )


def namespaces(
    bundle: Bundle, sources: tuple[ModuleDeclaration, ...], tables: Mapping[str, Table[Any]]
) -> dict[str, dict[str, Any]]:
    """A namespace a source, by file; imports are linked once all functions are defined."""
    schemas = [schema for source in sources for schema in source.records.values()]
    variants = frozenset(spec.name for schema in schemas for spec in schema.fields if holds_variant(spec.type))
    spaces = {source.file: _namespace(bundle, source, tables, variants) for source in sources}
    for source in sources:
        for imported in source.imports:
            spaces[source.file][imported.name] = spaces[imported.file][imported.name]
    return spaces


def _namespace(
    bundle: Bundle, source: ModuleDeclaration, tables: Mapping[str, Table[Any]], variants: frozenset[str]
) -> dict[str, Any]:
    """What the functions of one source see, and the functions."""
    records: dict[str, type[Record]] = {name: define_record(schema) for name, schema in source.records.items()}
    handles = {table.name: TableHandle(tables[table.id], source.name) for table in source.tables}
    imported = {one.name for one in source.imports}
    types = {name for name in imported if TYPE_NAME.fullmatch(name)}
    names = Names(
        functions=frozenset(f.name for f in source.functions) | (imported - types),
        records=frozenset(records) | types,
        values=frozenset(source.constants) | frozenset(handles),
        variants=variants,
        migrating=frozenset([m.function for m in source.migrations] + [v.function for v in source.validators]),
        hosts=_hosted(source),
    )
    content = bundle.file(source.file)
    assert content is not None, "a declaration is read from a file of its bundle"
    space = {**host_names(), **source.constants, **records, **handles}
    space["__name__"] = f"bundle_{bundle.code_hash.hex()[:16]}.{source.name}"
    code = compile_functions(content.decode("ascii"), source.file, f"{space['__name__']}/{source.file}", names)
    exec(code, space)  # noqa: S102 - defines functions, runs none
    return space


def _hosted(source: ModuleDeclaration) -> dict[str, Mapping[int, frozenset[str]]]:
    """The functions that the host runs, and which of their parameters hold host objects."""
    found: dict[str, Mapping[int, frozenset[str]]] = {call.name: _CONTEXT for call in source.calls}
    found |= {query.name: _CONTEXT for query in source.queries}
    found |= {hook.function: _CONTEXT for hook in source.hooks}
    found |= {
        migration.function: {migration.parameters.index("inputs"): _INPUTS} if migration.reads else {}
        for migration in source.migrations
    }
    found |= {validator.function: {} for validator in source.validators}
    return found | {reverse.function: {} for reverse in source.reverses}
