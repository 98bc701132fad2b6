"""Reads `class Name(Record)` and `class Name(Variant)`: numbered lines, a type each, and nothing else."""

from __future__ import annotations

import ast

from runtime.bundle.allowlist import MAX_RECORD_DEPTH, MAX_RECORD_FIELDS, RESERVED_FIELDS
from runtime.bundle.annotations import is_zero, type_of
from runtime.bundle.forms import NAME, bind, check_name, form_of
from runtime.bundle.functions import Scope
from runtime.bundle.literals import constant_of, number_of, text_of
from runtime.bundle.problems import Findings
from storage.record import FieldSpec, Schema, TypeSpec

_MAX_NUMBER = 2**16


class ClassReader:
    """Reads the classes of one source into its scope."""

    def __init__(self, scope: Scope, findings: Findings) -> None:
        self._scope = scope
        self._findings = findings
        self._extents: dict[str, tuple[int, int]] = {}
        """Class -> (fields, those inside counted too; depth): known before a type is expanded anywhere."""

    def read(self, node: ast.ClassDef) -> None:
        """Add the record or variant to the scope."""
        base = node.bases[0].id if len(node.bases) == 1 and isinstance(node.bases[0], ast.Name) else ""
        if base not in ("Record", "Variant") or node.keywords or node.decorator_list:
            self._findings.report("class", node, "a class is a Record or a Variant, without decorators")
            return
        form = "field" if base == "Record" else "case"
        lines = [item for item in node.body if not _is_text(item) and self._is_line(item, form)]
        if not self._within_bounds(node):
            return
        if base == "Record":
            self._scope.records[node.name] = self._record(node.name, lines)
        else:
            self._scope.variants[node.name] = self._variant(node, lines)

    def _within_bounds(self, node: ast.ClassDef) -> bool:
        """Two fields of a record of two fields, and so on, would double with every class."""
        named = [part.id for item in node.body if isinstance(item, ast.AnnAssign) for part in _names(item.annotation)]
        inside = [self._extents.get(name, (1, 0)) for name in named]
        fields = sum(size for size, _ in inside)
        depth = 1 + max((depth for _, depth in inside), default=0)
        self._extents[node.name] = (fields, depth)
        if fields <= MAX_RECORD_FIELDS and depth <= MAX_RECORD_DEPTH:
            return True
        limits = f"at most {MAX_RECORD_FIELDS} and {MAX_RECORD_DEPTH} are allowed"
        self._findings.report("too_many", node, f"{fields} fields with those inside, {depth} records deep; {limits}")
        return False

    def _is_line(self, item: ast.stmt, form: str) -> bool:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and form_of(item.value) == form:
            return check_name(item.target.id, NAME, item, self._findings)
        self._findings.report("class", item, f"the lines of this class are `name: Type = {form}(number)`")
        return False

    def _numbered(self, lines: list[ast.stmt]) -> list[tuple[int, str, ast.AnnAssign, dict[str, ast.expr]]]:
        """Lines with their numbers, ascending and distinct, and names used once."""
        numbered: list[tuple[int, str, ast.AnnAssign, dict[str, ast.expr]]] = []
        for line in lines:
            assert isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
            assert isinstance(line.value, ast.Call)
            bound = bind(line.value, self._findings)
            number = number_of(bound["number"]) if bound else None
            if bound is None:
                continue
            least = numbered[-1][0] + 1 if numbered else 1
            if number is None or not least <= number < _MAX_NUMBER:
                self._findings.report("field_number", line, f"numbers ascend from 1; here {least} is the least free")
            elif any(line.target.id == name for _, name, _, _ in numbered):
                self._findings.report("repeated", line, f"{line.target.id!r} stands twice")
            else:
                numbered.append((number, line.target.id, line, bound))
        return numbered

    def _record(self, name: str, lines: list[ast.stmt]) -> Schema:
        fields = [self._field(*numbered) for numbered in self._numbered(lines)]
        return Schema(name=name, fields=tuple(spec for spec in fields if spec is not None))

    def _field(self, number: int, name: str, line: ast.AnnAssign, bound: dict[str, ast.expr]) -> FieldSpec | None:
        spec = type_of(line.annotation, self._scope.records, self._scope.variants, self._findings, line.lineno)
        value = text_of(bound["value"]) if "value" in bound else ""
        if name in RESERVED_FIELDS:
            self._findings.report("reserved_name", line, f"{name!r} is the host's own on every record")
            return None
        if spec is None:
            return None
        if "default" in bound and not is_zero(spec.kind, constant_of(bound["default"], {}, self._findings)):
            self._findings.report("default", line, f"the default of {name} ({spec.kind}) can only be its zero value")
            return None
        if value not in ("", "coin") or (value == "coin" and spec.kind != "amount"):
            self._findings.report("value", line, 'value="coin" marks an Amount that counts in the supply')
            return None
        return FieldSpec(number=number, name=name, type=spec, has_default="default" in bound, value=value or "")

    def _variant(self, node: ast.ClassDef, lines: list[ast.stmt]) -> TypeSpec:
        cases: list[tuple[int, Schema]] = []
        for number, _, line, _ in self._numbered(lines):
            record = self._scope.records.get(line.annotation.id) if isinstance(line.annotation, ast.Name) else None
            if record is None or any(record is other for _, other in cases):
                self._findings.report("class", line, "each case names another record declared above")
            else:
                cases.append((number, record))
        if not cases:
            self._findings.report("class", node, "a variant has at least one case")
        return TypeSpec(kind="variant", cases=tuple(cases))


def _names(annotation: ast.expr) -> list[ast.Name]:
    return [part for part in ast.walk(annotation) if isinstance(part, ast.Name) and part.id != "tuple"]


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is a text by itself: a docstring, or a note beneath a field."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
