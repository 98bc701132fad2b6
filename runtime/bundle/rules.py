"""Reads `invariant("name", rule)`: equal, at_most and refers over sums and counts of the module's own tables."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Literal

from runtime.bundle.declarations import Aggregate, AtMost, Constant, Equal, Invariant, Refers, TableDeclaration
from runtime.bundle.forms import NAME, bind, check_name, form_of
from runtime.bundle.literals import constant_of, text_of
from runtime.bundle.problems import Findings

_CONSTANT_TYPES: dict[str, type] = {
    "amount": int,
    "flag": bool,
    "text": str,
    "data": bytes,
    "address": bytes,
    "hash": bytes,
}


class RuleReader:
    """Reads the invariants of one module; its tables and constants must stand above them."""

    def __init__(
        self, module: str, tables: Mapping[str, TableDeclaration], known: Mapping[str, Constant], findings: Findings
    ) -> None:
        self._module = module
        self._tables = tables
        self._known = known
        self._findings = findings

    def read(self, node: ast.Call) -> Invariant | None:
        """The invariant of a declaration; None once a problem is reported."""
        bound = bind(node, self._findings)
        if bound is None:
            return None
        name = text_of(bound["name"])
        if name is None:
            self._findings.report("bad_name", node, "an invariant has a literal name, written like_this")
            return None
        if not check_name(name, NAME, node, self._findings):
            return None
        rule = self._rule(bound["rule"])
        return None if rule is None else Invariant(self._module, name, rule, node.lineno)

    def _rule(self, node: ast.expr) -> Equal | AtMost | Refers | None:
        form = form_of(node)
        if form not in ("equal", "at_most", "refers") or not isinstance(node, ast.Call):
            self._findings.report("wrong_rule", node, "a rule is equal(...), at_most(...) or refers(...)")
            return None
        bound = bind(node, self._findings)
        if bound is None:
            return None
        if form == "refers":
            return self._refers(node, bound)
        left, right = self._aggregate(bound["left"]), self._aggregate(bound["right"])
        if left is None or right is None:
            return None
        if self._kinds(left) != self._kinds(right):
            self._findings.report("wrong_rule", node, "the two sides are grouped by different kinds of keys")
            return None
        return Equal(left, right) if form == "equal" else AtMost(left, right)

    def _kinds(self, aggregate: Aggregate) -> tuple[str, ...]:
        key = self._tables[aggregate.table.partition(".")[2]].key
        return tuple(key[position] for position in aggregate.by)

    def _refers(self, node: ast.Call, bound: dict[str, ast.expr]) -> Refers | None:
        source, target, part = self._table(bound["table"]), self._table(bound["target"]), text_of(bound["part"])
        if source is None or target is None:
            return None
        position = source.key_names.index(part) if part in source.key_names else None
        spec = source.record.field(part or "")
        kind = source.key[position] if position is not None else spec.type.kind if spec else None
        if part is None or target.key != (kind,):
            self._findings.report("wrong_rule", node, f"{part!r} of {source.name} is no key of {target.name}")
            return None
        return Refers(source.id, part, position, target.id)

    def _aggregate(self, node: ast.expr) -> Aggregate | None:
        form = form_of(node)
        if form not in ("total", "count") or not isinstance(node, ast.Call):
            self._findings.report("wrong_rule", node, "compare total(...) and count(...) of the module's tables")
            return None
        bound = bind(node, self._findings)
        table = None if bound is None else self._table(bound["table"])
        if bound is None or table is None:
            return None
        field = ""
        if form == "total":
            field = text_of(bound["field"]) or ""
            spec = table.record.field(field)
            if spec is None or spec.type.kind != "amount":
                self._findings.report("wrong_rule", node, f"{field!r} is no Amount of the records of {table.name}")
                return None
        by = self._by(node, table, bound.get("by"))
        where_read, where = self._where(node, table, bound.get("where"))
        kind: Literal["total", "count"] = "total" if form == "total" else "count"
        return Aggregate(kind, table.id, field, by, where) if by is not None and where_read else None

    def _by(self, node: ast.AST, table: TableDeclaration, by: ast.expr | None) -> tuple[int, ...] | None:
        name = text_of(by)
        if by is None:
            return ()
        if name == "key":
            return tuple(range(len(table.key)))
        if name in table.key_names:
            return (table.key_names.index(name),)
        parts = ", ".join(["key", *table.key_names])
        self._findings.report("wrong_rule", node, f"{table.name} can be grouped by {parts}, not by {name!r}")
        return None

    def _where(
        self, node: ast.AST, table: TableDeclaration, where: ast.expr | None
    ) -> tuple[bool, tuple[str, Constant] | None]:
        """Whether the filter could be read, and the filter."""
        if where is None:
            return True, None
        if isinstance(where, ast.Tuple) and len(where.elts) == 2:
            spec = table.record.field(text_of(where.elts[0]) or "")
            value = constant_of(where.elts[1], self._known, self._findings)
            if spec is not None and type(value) is _CONSTANT_TYPES.get(spec.type.kind) and value is not None:
                return True, (spec.name, value)
        self._findings.report("wrong_rule", node, f'where=("field", constant) fits no field of {table.name}')
        return False, None

    def _table(self, node: ast.expr) -> TableDeclaration | None:
        table = self._tables.get(node.id) if isinstance(node, ast.Name) else None
        if table is None:
            self._findings.report("unknown_table", node, "a rule names tables of its own module, declared above it")
        return table
