"""Calls, attributes and names in a body: each must be something that the source declares, or that the host gives.

A call is of a builtin, a pure function, a record, an allowed method, or the context. An attribute is a declared field.
Tables and functions are no values: they stand only where the context, or a call, takes them.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from runtime.bundle.allowlist import (
    API,
    BUILTIN_KEYWORDS,
    BUILTINS,
    CONTEXT_CALLS,
    CONTEXT_VALUES,
    GENERATOR_TAKERS,
    METHODS,
    TABLE_CALLS,
)
from runtime.bundle.contextcalls import check_context_call, context_call_of
from runtime.bundle.literals import text_of
from runtime.bundle.problems import Findings
from runtime.bundle.surroundings import Body, Surroundings


class CallSites:
    """Judges the calls, attributes and names of one function."""

    def __init__(
        self,
        body: Body,
        around: Surroundings,
        findings: Findings,
        parents: Mapping[ast.AST, ast.AST],
    ) -> None:
        self.old_fields: set[str] = set()
        self._body = body
        self._around = around
        self._findings = findings
        self._report = findings.report
        self._parents = parents
        self._input_rows = self._names_of_inputs() if body.reads else frozenset()

    # --- names -------------------------------------------------------------------------------------------------------

    def local_used(self, node: ast.Name) -> None:
        """A parameter or local name: a value, but what the host gives is no value."""
        parent = self._parents[node]
        if isinstance(parent, ast.Call) and parent.func is node:
            self._report("indirect_call", node, f"{node.id} is a value; call a function, a record or a builtin by name")
        given = {"ctx", *(("frozen", "inputs") if self._body.kind == "migration" else ())}
        if node.id in given and not isinstance(parent, ast.Attribute):
            self._report("context", node, f"{node.id} is used as {node.id}.name only; it cannot be passed on or kept")

    def name_used(self, node: ast.Name) -> None:
        """A name that no local binds: a constant is a value, everything else has its own places."""
        name, parent = node.id, self._parents[node]
        called = isinstance(parent, ast.Call) and parent.func is node
        if name in self._around.constants or name in self._around.unseen or (called and self._callable(name, parent)):
            return
        if name in self._around.tables:
            if not self._is_table_argument(parent, node):
                self._report("table_value", node, f"the table {name} stands only in ctx.get, has, put, delete and scan")
        elif name in self._around.types:
            if not (self._is_call_of(parent, "isinstance") and node in getattr(parent, "args", ())[1:]):
                self._report("type_value", node, f"{name} is called with its fields, or stands in isinstance")
        elif name in self._around.pure:
            if not isinstance(parent, ast.keyword) or parent.arg != "key":
                self._report("function_value", node, f"the function {name} is called, or given to sorted as key=")
        elif name == "Refused" and name in self._around.api:
            if not isinstance(parent, ast.ExceptHandler):
                self._report("raise", node, "Refused stands in raise and except only")
        else:
            self._unknown(name, node)

    def _callable(self, name: str, call: ast.AST) -> bool:
        if name == "Refused":
            return name in self._around.api and isinstance(self._parents[call], ast.Raise)
        return name in self._around.pure or name in self._around.records or name in BUILTINS

    def _unknown(self, name: str, node: ast.Name) -> None:
        if name in API and name not in self._around.api:
            self._report("not_imported", node, f"import {name} from runtime.api.v1")
        elif name in API:
            self._report("api_value", node, f"{name} is for declarations and annotations only")
        elif name in BUILTINS:
            self._report("builtin_value", node, f"{name} is called, not kept or passed on")
        elif name == "ctx":
            self._report("context", node, "this function is given no context")
        elif name in self._around.declared:
            self._report("function_value", node, f"{name} is run by the host; share code in a pure function")
        else:
            self._report("unknown_name", node, f"{name!r} is not defined here, nor an allowed builtin")

    def _is_table_argument(self, parent: ast.AST, node: ast.Name) -> bool:
        if not isinstance(parent, ast.Call) or not parent.args or parent.args[0] is not node:
            return False
        return context_call_of(parent) in TABLE_CALLS

    def _is_call_of(self, parent: ast.AST, name: str) -> bool:
        return isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id == name

    def takes_generator(self, parent: ast.AST, node: ast.AST) -> bool:
        """Whether a generator expression stands where it is evaluated at once."""
        if not isinstance(parent, ast.Call) or parent.args != [node]:
            return False
        if isinstance(parent.func, ast.Attribute):
            return parent.func.attr == "join"
        return isinstance(parent.func, ast.Name) and parent.func.id in GENERATOR_TAKERS

    # --- attributes --------------------------------------------------------------------------------------------------

    def attribute(self, node: ast.Attribute) -> None:
        """Judge an attribute that is read and not called."""
        parent = self._parents[node]
        if isinstance(node.ctx, ast.Store | ast.Del):
            return  # reported as an assignment
        if isinstance(parent, ast.Call) and parent.func is node:
            return  # judged as a call
        base = node.value.id if isinstance(node.value, ast.Name) else ""
        if base == "ctx":
            self._context_attribute(node)
        elif self._body.kind == "migration" and base == "frozen":
            if node.attr not in self._body.frozen:
                self._report("unknown_field", node, f"frozen.{node.attr}: name it in frozen=(...) of the migration")
        elif self._body.has_old and base == "old":
            self.old_fields.add(node.attr)
        elif not self._is_field(node.attr) and not self._of_old(node):
            self._report("unknown_attribute", node, f"no record of this bundle has a field {node.attr!r}")

    def _is_field(self, name: str | None) -> bool:
        """Whether a record of the bundle has such a field, or one that could not be read may have it."""
        return name in self._around.fields or bool(self._around.unread)

    def _context_attribute(self, node: ast.Attribute) -> None:
        if node.attr in CONTEXT_CALLS:
            self._report("context", node, f"ctx.{node.attr} is called, not kept or passed on")
        elif node.attr not in CONTEXT_VALUES:
            known = ", ".join(sorted(CONTEXT_CALLS | CONTEXT_VALUES))
            self._report("context", node, f"the context has no {node.attr!r}; it has {known}")

    def _of_old(self, node: ast.Attribute) -> bool:
        """Whether an attribute is of an old record, or of a record inside one: its fields are the running schema's."""
        value: ast.expr = node
        while isinstance(value, ast.Attribute | ast.Subscript):
            value = value.value
        if not isinstance(value, ast.Name):
            return False
        return (self._body.has_old and value.id == "old") or value.id in self._input_rows

    def _names_of_inputs(self) -> frozenset[str]:
        """Local names that hold nothing but rows read from the inputs."""
        rows: dict[str, bool] = {}
        for node, parent in self._parents.items():
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                read = isinstance(parent, ast.Assign | ast.AnnAssign) and _is_inputs_get(parent.value)
                rows[node.id] = rows.get(node.id, True) and read
        return frozenset(name for name, read in rows.items() if read)

    # --- calls -------------------------------------------------------------------------------------------------------

    def call(self, node: ast.Call) -> None:
        """Judge a call: what may be called there, and with which arguments."""
        if any(keyword.arg is None for keyword in node.keywords):
            self._report("star", node, "name each argument")
            return
        names = [keyword.arg for keyword in node.keywords]
        if len(set(names)) < len(names):
            self._report("repeated", node, "an argument is given twice")
        func = node.func
        if isinstance(func, ast.Attribute):
            self._method(node, func)
        elif isinstance(func, ast.Name):
            self._named(node, func.id)
        else:
            self._report("indirect_call", node, "call a function, a record, a builtin or a method by its name")

    def _named(self, node: ast.Call, name: str) -> None:
        if name in self._around.records:
            self._record(node, name)
        elif name in self._around.pure:
            self._arguments(node, name, self._around.pure[name])
        elif name in BUILTINS:
            self._builtin(node, name)
        # any other name is reported where the name itself is judged

    def _record(self, node: ast.Call, name: str) -> None:
        fields = self._around.records[name].fields
        given = {keyword.arg for keyword in node.keywords}
        missing = [spec.name for spec in fields if not spec.has_default and spec.name not in given]
        unknown = sorted(str(name) for name in given - {spec.name for spec in fields})
        if node.args:
            self._report("wrong_arguments", node, f"{name}(...) names its fields: {name}(field=value)")
        if missing or unknown:
            problem = f"lacks {', '.join(missing)}" if missing else f"has no field {', '.join(unknown)}"
            self._report("unknown_field" if unknown else "missing_field", node, f"{name}(...) {problem}")

    def _arguments(self, node: ast.Call, name: str, wanted: tuple[str, ...]) -> None:
        given = [*wanted[: len(node.args)], *(keyword.arg for keyword in node.keywords)]
        if len(node.args) > len(wanted) or sorted(map(str, given)) != sorted(wanted):
            self._report("wrong_arguments", node, f"{name} takes ({', '.join(wanted)})")

    def _builtin(self, node: ast.Call, name: str) -> None:
        allowed = BUILTIN_KEYWORDS.get(name, frozenset())
        for keyword in node.keywords:
            if keyword.arg not in allowed:
                self._report("wrong_arguments", node, f"{name} takes no argument named {keyword.arg}")
            elif keyword.arg == "key" and not self._is_pure(keyword.value):
                self._report("wrong_arguments", node, "key= names a pure function of one parameter")
        if name == "isinstance" and (len(node.args) != 2 or not self._is_record_name(node.args[1])):
            self._report("wrong_arguments", node, "isinstance takes a value and the name of a record of this source")

    def _is_pure(self, node: ast.expr) -> bool:
        if not isinstance(node, ast.Name):
            return False
        return node.id in self._around.unseen or len(self._around.pure.get(node.id, ())) == 1

    def _is_record_name(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id in self._around.records

    def _method(self, node: ast.Call, func: ast.Attribute) -> None:
        base = func.value.id if isinstance(func.value, ast.Name) else ""
        if base == "ctx" and self._body.has_context:
            check_context_call(node, func.attr, self._body, self._around, self._findings)
        elif base == "ctx":
            return  # the name ctx is reported where it stands
        elif self._body.reads and base == "inputs":
            self._inputs_get(node, func.attr)
        elif func.attr not in METHODS:
            self._report("method", node, f"{func.attr!r} is no allowed method; allowed: {', '.join(sorted(METHODS))}")
        elif func.attr == "but":
            self._but(node)
        elif node.keywords:
            self._report("wrong_arguments", node, f".{func.attr}() takes its arguments by place")

    def _but(self, node: ast.Call) -> None:
        if node.args:
            self._report("wrong_arguments", node, ".but(...) names the fields that change")
        for keyword in node.keywords:
            if not self._is_field(keyword.arg):
                self._report("unknown_field", node, f"no record of this bundle has a field {keyword.arg!r}")

    def _inputs_get(self, node: ast.Call, attr: str) -> None:
        table = text_of(node.args[0]) if node.args else None
        if attr != "get" or node.keywords or table not in self._body.reads:
            message = 'inputs.get("module.table", key): the full name of a table in reads=(...)'
            self._report("undeclared_read", node, message)


def _is_inputs_get(node: ast.expr | None) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "inputs"
    )
