"""Types as authors write them: Amount, Address, a record, tuple[Record, ...], and `Type | None` for answers."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from runtime.bundle.allowlist import KEY_TYPES, TYPES
from runtime.bundle.problems import Findings
from storage.keys import KeyKind
from storage.record import Kind, Schema, TypeSpec
from storage.schema import ZEROS

_KINDS: dict[str, KeyKind] = {
    "Address": "address",
    "Amount": "amount",
    "Data": "data",
    "Hash": "hash",
    "Text": "text",
}
_PLAIN_INSTEAD = {"int": "Amount", "str": "Text", "bytes": "Data, Address or Hash", "float": "two integers"}


Records = Mapping[str, Schema]
Variants = Mapping[str, TypeSpec]


def type_of(
    node: ast.expr | None, records: Records, variants: Variants, findings: Findings, line: int
) -> TypeSpec | None:
    """The type that an annotation names; None after reporting that it names none."""
    match node:
        case ast.Name(id=name) if name in TYPES:
            return TypeSpec(kind="flag") if name == "Flag" else TypeSpec(kind=_KINDS[name])
        case ast.Name(id="bool"):
            return TypeSpec(kind="flag")
        case ast.Name(id=name) if name in records:
            return TypeSpec(kind="record", schema=records[name])
        case ast.Name(id=name) if name in variants:
            return variants[name]
        case ast.Name(id=name) if name in _PLAIN_INSTEAD:
            findings.report("wrong_type", line, f"{name} is no type here; write {_PLAIN_INSTEAD[name]}")
            return None
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[item, ast.Constant(value=end)])):
            if end is ...:
                return _list_of(type_of(item, records, variants, findings, line), findings, line)
    findings.report("wrong_type", line, f"a type is one of {', '.join(sorted(TYPES))}, a record, or tuple[one, ...]")
    return None


def _list_of(item: TypeSpec | None, findings: Findings, line: int) -> TypeSpec | None:
    if item is not None and item.kind == "list":
        findings.report("wrong_type", line, "a list of lists: put the inner one into a record")
        return None
    return None if item is None else TypeSpec(kind="list", item=item)


def answer_of(
    node: ast.expr | None, records: Records, variants: Variants, findings: Findings, line: int
) -> tuple[TypeSpec, bool] | None:
    """The type of a query's answer, and whether it may be None."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) and _is_none(node.right):
        spec = type_of(node.left, records, variants, findings, line)
        return None if spec is None else (spec, True)
    spec = type_of(node, records, variants, findings, line)
    return None if spec is None else (spec, False)


def key_kinds(node: ast.expr | None) -> tuple[KeyKind, ...] | None:
    """The kinds of `key=(Address, Amount)`."""
    if not isinstance(node, ast.Tuple):
        return None
    names = [part.id if isinstance(part, ast.Name) else "" for part in node.elts]
    return tuple(_KINDS[name] for name in names) if all(name in KEY_TYPES for name in names) else None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def is_zero(kind: Kind, value: object) -> bool:
    """Whether a default is the zero value of its kind."""
    return kind in ZEROS and type(value) is type(ZEROS[kind]) and value == ZEROS[kind]
