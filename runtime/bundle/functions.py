"""Reads the functions of a source: what their decorator declares, and the types of their parameters."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from runtime.bundle.allowlist import DECORATORS
from runtime.bundle.annotations import answer_of, type_of
from runtime.bundle.declarations import (
    HOOK_KINDS,
    CallDeclaration,
    FunctionDeclaration,
    HookDeclaration,
    MigrationDeclaration,
    QueryDeclaration,
    ReverseDeclaration,
    TableDeclaration,
    ValidateDeclaration,
)
from runtime.bundle.forms import NAME, bind, check_name, form_of
from runtime.bundle.literals import flag_of, number_of, text_of, texts_of
from runtime.bundle.problems import Findings
from runtime.interface import interface_of
from storage.record import FieldSpec, Schema, TypeSpec

MAX_ARGUMENTS = 16


@dataclass(slots=True)
class Scope:
    """What stands above a function in its source."""

    module: str
    file: str
    records: dict[str, Schema] = field(default_factory=dict)
    variants: dict[str, TypeSpec] = field(default_factory=dict)
    tables: dict[str, TableDeclaration] = field(default_factory=dict)


Declared = (
    CallDeclaration
    | QueryDeclaration
    | HookDeclaration
    | MigrationDeclaration
    | ValidateDeclaration
    | ReverseDeclaration
    | FunctionDeclaration
)


def read_function(node: ast.FunctionDef, scope: Scope, findings: Findings) -> Declared | None:
    """What a function declares; None after reporting why that cannot be read."""
    named = check_name(node.name, NAME, node, findings)
    if not _plain_signature(node, findings) or not named:
        return None
    if not node.decorator_list:
        return _pure(node, scope, findings)
    decorator = node.decorator_list[0]
    kind = decorator.id if isinstance(decorator, ast.Name) else form_of(decorator)
    if kind not in DECORATORS or (kind == "query") != isinstance(decorator, ast.Name) or len(node.decorator_list) > 1:
        findings.report("decorator", node, f"one decorator of {', '.join(sorted(DECORATORS))} says what a function is")
        return None
    if not isinstance(decorator, ast.Call):
        return _query(node, scope, findings)
    bound = bind(decorator, findings)
    return None if bound is None else _READERS[kind](node, bound, scope, findings)


def parameters(node: ast.FunctionDef) -> tuple[str, ...]:
    return tuple(argument.arg for argument in node.args.args)


def _plain_signature(node: ast.FunctionDef, findings: Findings) -> bool:
    given = node.args
    if given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs:
        findings.report("star_arguments", node, "parameters are plain names: no *, **, / or keyword-only ones")
        return False
    if given.defaults:
        findings.report("default_argument", node, "parameters have no defaults; every call names every argument")
        return False
    names = parameters(node)
    for name in names:
        if name != "ctx":
            check_name(name, NAME, node, findings)
    if len(set(names)) < len(names):
        findings.report("repeated", node, "two parameters have the same name")
        return False
    return True


def _pure(node: ast.FunctionDef, scope: Scope, findings: Findings) -> FunctionDeclaration | None:
    if "ctx" in parameters(node):
        findings.report("context", node, "a function without decorator is pure: give it values, not the context")
        return None
    return FunctionDeclaration(node.name, parameters(node), scope.file, node.lineno)


def _arguments(node: ast.FunctionDef, scope: Scope, findings: Findings) -> Schema | None:
    """The arguments behind `ctx`, numbered from 1."""
    if parameters(node)[:1] != ("ctx",) or "ctx" in parameters(node)[1:]:
        findings.report("context", node, f"the first parameter of {node.name} is ctx: Context")
        return None
    given = node.args.args[1:]
    if len(given) > MAX_ARGUMENTS:
        findings.report("too_many", node, f"{len(given)} arguments, at most {MAX_ARGUMENTS}; put them into a record")
        return None
    fields = []
    for number, argument in enumerate(given, 1):
        spec = type_of(argument.annotation, scope.records, scope.variants, findings, argument.lineno)
        if spec is not None:
            fields.append(FieldSpec(number=number, name=argument.arg, type=spec, has_default=False, value=""))
    return Schema(name=f"{scope.module}.{node.name}", fields=tuple(fields)) if len(fields) == len(given) else None


def _answers_nothing(node: ast.FunctionDef, findings: Findings) -> bool:
    if node.returns is None or (isinstance(node.returns, ast.Constant) and node.returns.value is None):
        return True
    findings.report("answer", node, f"{node.name} answers nothing: write -> None")
    return False


def _call(
    node: ast.FunctionDef, bound: dict[str, ast.expr], scope: Scope, findings: Findings
) -> CallDeclaration | None:
    args = _arguments(node, scope, findings)
    meaning = number_of(bound["meaning"])
    flag = text_of(bound["flag"]) if "flag" in bound else ""
    internal = flag_of(bound.get("internal"))
    if meaning is None or not 1 <= meaning < 2**32:
        findings.report("wrong_arguments", node, "meaning is a number from 1, raised when the call's sense changes")
        return None
    if flag is None or (flag and not NAME.fullmatch(flag)):
        findings.report("wrong_arguments", node, "flag is the literal name of a feature flag, written like_this")
        return None
    if internal is None:
        findings.report("wrong_arguments", node, "internal is True or False")
        return None
    if not _answers_nothing(node, findings) or args is None:
        return None
    interface = interface_of(scope.module, node.name, args, meaning)
    return CallDeclaration(
        scope.module, node.name, args, meaning, flag, internal, interface, scope.file, node.lineno
    )


def _query(node: ast.FunctionDef, scope: Scope, findings: Findings) -> QueryDeclaration | None:
    args = _arguments(node, scope, findings)
    answer = answer_of(node.returns, scope.records, scope.variants, findings, node.lineno)
    if args is None or answer is None:
        return None
    return QueryDeclaration(scope.module, node.name, args, answer[0], answer[1], scope.file, node.lineno)


def _hook(
    node: ast.FunctionDef, bound: dict[str, ast.expr], scope: Scope, findings: Findings
) -> HookDeclaration | None:
    moment = next((kind for kind in HOOK_KINDS if kind == text_of(bound["moment"])), None)
    if moment is None:
        findings.report("wrong_arguments", node, f"a hook runs at one of {', '.join(HOOK_KINDS)}")
        return None
    if parameters(node) != ("ctx",):
        findings.report("context", node, "a hook takes ctx: Context and nothing else")
        return None
    if moment == "health":
        if not isinstance(node.returns, ast.Name) or node.returns.id not in ("bool", "Flag"):
            findings.report("answer", node, "a health hook answers whether the module is well: write -> bool")
            return None
    elif not _answers_nothing(node, findings):
        return None
    return HookDeclaration(scope.module, moment, node.name, scope.file, node.lineno)


def _migration(
    node: ast.FunctionDef, bound: dict[str, ast.expr], scope: Scope, findings: Findings
) -> MigrationDeclaration | None:
    table = _own_table(bound["table"], node, scope, findings)
    from_schema = number_of(bound["from_schema"])
    names = {key: texts_of(bound.get(key)) for key in ("sets", "reads", "frozen")}
    sets, reads, frozen = names["sets"], names["reads"], names["frozen"]
    if from_schema is None or sets is None or reads is None or frozen is None:
        findings.report("wrong_arguments", node, "from_schema is a number; sets, reads and frozen are tuples of names")
        return None
    rekeys = flag_of(bound.get("rekeys"))
    if rekeys is None:
        findings.report("wrong_arguments", node, "rekeys is True or False")
        return None
    if table is None:
        return None
    for name in sets:
        if name not in {spec.name for spec in table.record.fields}:
            findings.report("unknown_field", node, f"sets names {name!r}, which is no field of {table.record.name}")
    full_reads = tuple(name if "." in name else f"{scope.module}.{name}" for name in reads)
    made = MigrationDeclaration(
        scope.module, table.name, from_schema, sets, full_reads, frozen, rekeys, (), node.name, scope.file, node.lineno
    )
    if parameters(node) != made.parameters:
        findings.report("context", node, f"this migration takes ({', '.join(made.parameters)})")
        return None
    return made


def _validate(
    node: ast.FunctionDef, bound: dict[str, ast.expr], scope: Scope, findings: Findings
) -> ValidateDeclaration | None:
    table = _own_table(bound["table"], node, scope, findings)
    if parameters(node) != ("old", "new"):
        findings.report("context", node, "a validation takes (old, new)")
        return None
    if table is None:
        return None
    return ValidateDeclaration(scope.module, table.name, (), node.name, scope.file, node.lineno)


def _reverse(
    node: ast.FunctionDef, bound: dict[str, ast.expr], scope: Scope, findings: Findings
) -> ReverseDeclaration | None:
    table = _own_table(bound["table"], node, scope, findings)
    if parameters(node) != ("new",):
        findings.report("context", node, "a reverse takes (new)")
        return None
    record = scope.records.get(node.returns.id) if isinstance(node.returns, ast.Name) else None
    if record is None:
        findings.report("answer", node, "a reverse answers a record declared above it: write -> LikeTheRunningOne")
        return None
    if table is None:
        return None
    return ReverseDeclaration(scope.module, table.name, record, node.name, scope.file, node.lineno)


def _own_table(
    node: ast.expr, function: ast.FunctionDef, scope: Scope, findings: Findings
) -> TableDeclaration | None:
    table = scope.tables.get(node.id) if isinstance(node, ast.Name) else None
    if table is None:
        findings.report("unknown_table", function, f"{function.name} names a table of its module, declared above")
    return table


_READERS = {"call": _call, "hook": _hook, "migration": _migration, "reverse": _reverse, "validate": _validate}
