"""The typed stub of the running schema: what a migration finds, told to editors and type checkers.

It is the text of `runtime.api.v1` with three classes written anew from what the running runtime declares:

    Old.bank.accounts   a row of the table bank.accounts, with the fields of the running schema
    Inputs.get          from the full name of a running table, and a key, to such a row or None
    Frozen              the parameters that a migration may name, and `scheduled_at`

A migration says which row it takes in a quoted annotation, `old: "Old.bank.accounts"`. Annotations are never
evaluated, and the checker leaves quoted ones alone, so for the chain this is the same as a bare `old: Old`, which
stays untyped. The stub lies in `typings`, where type checkers look first and no source of a bundle can lie; they find
nothing else of the package there, so what authors' own tests import (`runtime.testing`) is told beside it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from keyword import iskeyword
from pathlib import Path
from textwrap import indent

from runtime.bundle.declarations import RuntimeDeclaration, TableDeclaration
from runtime.parameters import ParameterRule
from storage.record import Schema, TypeSpec

FOLDER = "typings"
STUB = f"{FOLDER}/runtime/api/v1.pyi"

TESTING = f"{FOLDER}/runtime/testing.pyi"

_ROOM = Path(__file__).resolve().parent.parent
_API = _ROOM / "api" / "v1.pyi"
_STEP = "    "
_HEAD = """\
# Written by `synod bundle new` and `synod bundle check`, for editors and type checkers; not packed, not to be edited.
# The language of bundles, with the schema that migrations find: that of {name} {version}.
# mypy: allow-subclassing-any

"""
_OLD = '''\
class _Row:
    def but(self, **changes: Any) -> Any:
        """The same row with some fields changed. It is a record of the table only if the class stayed as it is."""

class _Inside(Any):
    """A record inside a row. It may be handed on to the new record, so type checkers let it pass for any class."""

class Old:
    """A record as it was before the migration. `old: "Old.bank.accounts"`, in quotes, names the table, so that its
    fields are known; a bare `Old` has any."""

    def __getattr__(self, name: str) -> Any: ...
'''
_INPUTS = '''\
class Inputs:
    """Reads of the tables that a migration names in `reads`, as they were before it."""

'''
_FROZEN = '''\
class Frozen:
    """Parameters as they were when the plan was scheduled; each is named in the migration's declaration."""

    scheduled_at: Amount
    """The height at which the plan was scheduled."""
'''


def stub_files(running: RuntimeDeclaration, parameters: Iterable[ParameterRule]) -> dict[str, bytes]:
    """The stub's files by their path in a bundle's folder; `parameters` are those of the host."""
    tables = tuple(running.tables())
    classes = {"Old": _old(running), "Frozen": _frozen(parameters)}
    if tables:
        classes["Inputs"] = _inputs(tables)
    head = _HEAD.format(name=running.manifest.name, version=running.manifest.version)
    packages = {f"{FOLDER}/runtime/__init__.pyi": b"", f"{FOLDER}/runtime/api/__init__.pyi": b""}
    language = head + _with_classes(_API.read_text(encoding="utf-8"), classes)
    testing = _testing((_ROOM / "testing.py").read_text(encoding="utf-8"))
    return {**packages, STUB: language.encode(), TESTING: testing.encode()}


def _with_classes(source: str, classes: Mapping[str, str]) -> str:
    """The source with the text of some of its classes replaced."""
    lines = source.splitlines(keepends=True)
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.ClassDef) and node.name in classes:
            lines[node.lineno - 1 : node.end_lineno] = classes[node.name].splitlines(keepends=True)
    return "".join(lines)


def _testing(source: str) -> str:
    """The public names of `runtime.testing`, its functions without their bodies."""
    kept: list[ast.stmt] = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.body = node.body[:1]  # its docstring
            public = not node.name.startswith("_")
        elif isinstance(node, ast.ImportFrom):
            public = not str(node.module).startswith(("runtime", "storage"))
        else:
            public = isinstance(node, ast.Assign) and not ast.unparse(node.targets[0]).startswith("_")
        if public:
            kept.append(node)
    return ast.unparse(ast.Module(body=kept, type_ignores=[])) + "\n"


def _old(running: RuntimeDeclaration) -> str:
    modules = (
        _class(_spelled(module.name), map(_row, module.tables)) for module in running.modules if module.tables
    )
    return _OLD + "".join("\n" + indent(module, _STEP) for module in modules)


def _row(table: TableDeclaration) -> str:
    path = f"Old.{_spelled(table.module)}.{table.name}"
    inside = {schema.name: schema for spec in table.record.fields for schema in _records_in(spec.type)}
    records = (_class(f"{schema.name}(_Inside)", _fields(schema, path)) for schema in inside.values())
    return _class(f"{table.name}(_Row)", [f'"""Keyed by {_key(table)}."""\n', *records, *_fields(table.record, path)])


def _class(head: str, parts: Iterable[str]) -> str:
    return f"class {head}:\n" + indent("".join(parts) or "...\n", _STEP)


def _fields(schema: Schema, path: str) -> Iterator[str]:
    return (f"{spec.name}: {_type(spec.type, path)}\n" for spec in schema.fields)


def _records_in(spec: TypeSpec) -> Iterator[Schema]:
    """Every record in a field, those inside it first."""
    if spec.item is not None:
        yield from _records_in(spec.item)
    for schema in (*((spec.schema,) if spec.schema else ()), *(case for _, case in spec.cases)):
        for field in schema.fields:
            yield from _records_in(field.type)
        yield schema


def _type(spec: TypeSpec, path: str) -> str:
    """A field's type as a migration sees it: of a variant, the record of its case. Scalars are named by their kind."""
    if spec.item is not None:
        return f"tuple[{_type(spec.item, path)}, ...]"
    if spec.schema is not None:
        return f"{path}.{spec.schema.name}"
    return " | ".join(f"{path}.{case.name}" for _, case in spec.cases) or spec.kind.capitalize()


def _inputs(tables: tuple[TableDeclaration, ...]) -> str:
    overload = "@overload\n" if len(tables) > 1 else ""
    return _INPUTS + "".join(indent(f"{overload}{_get(table)}\n", _STEP) for table in tables)


def _get(table: TableDeclaration) -> str:
    row = f"Old.{_spelled(table.module)}.{table.name}"
    return f'def get(self, _table: Literal["{table.id}"], {_key(table)}, /) -> {row} | None: ...'


def _key(table: TableDeclaration) -> str:
    parts = zip(table.key_names, table.key, strict=True)
    return ", ".join(f"{_spelled(name)}: {kind.capitalize()}" for name, kind in parts)


def _frozen(parameters: Iterable[ParameterRule]) -> str:
    """Migrations get integers only: a ratio cannot be frozen."""
    whole = (rule for rule in parameters if not isinstance(rule.default, Fraction))
    return _FROZEN + "".join(indent(f'{rule.name}: Amount\n"""{rule.meaning}"""\n', _STEP) for rule in whole)


def _spelled(name: str) -> str:
    """A name as Python can take it: modules and key parts may be called `class`, or `self`."""
    return f"{name}_" if iskeyword(name) or name == "self" else name
