"""Calls of the context: the right table and key, a target that exists and is declared, and no writing in a query."""

from __future__ import annotations

import ast
from collections.abc import Callable

from runtime.bundle.allowlist import CONTEXT_CALLS, TABLE_CALLS, WRITING
from runtime.bundle.forms import NAME
from runtime.bundle.literals import text_of
from runtime.bundle.problems import Findings
from runtime.bundle.surroundings import Body, Surroundings

MAX_EVENT_FIELDS = 32


def context_call_of(node: ast.Call) -> str:
    """The name of the context's call that this is; empty for any other call."""
    func = node.func
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == "ctx":
        return func.attr
    return ""


def check_context_call(node: ast.Call, name: str, body: Body, around: Surroundings, findings: Findings) -> None:
    """Report what is wrong with `ctx.name(...)` in a function that has a context."""
    if name not in CONTEXT_CALLS:
        known = ", ".join(sorted(CONTEXT_CALLS))
        findings.report("context", node, f"the context cannot {name!r}; its calls are {known}")
        return
    if body.kind in ("query", "health") and name in WRITING:
        findings.report("read_only", node, f"a {body.kind} function changes nothing: no ctx.{name} here")
    _CHECKS[name](node, name, around, findings)


def _check_table(node: ast.Call, name: str, around: Surroundings, findings: Findings) -> None:
    first = node.args[0] if node.args else None
    table = around.tables.get(first.id) if isinstance(first, ast.Name) else None
    if table is None:
        findings.report("unknown_table", node, f"ctx.{name} takes a table of this module first")
        return
    parts, given = len(table.key), len(node.args) - 1
    if {keyword.arg for keyword in node.keywords} != ({"limit"} if name == "scan" else set()):
        findings.report("wrong_arguments", node, "scan takes limit=, the other calls on tables no named argument")
    elif name == "scan" and given > parts:
        findings.report("wrong_arguments", node, f"{table.name} has {parts} key part(s), {given} are given")
    elif name != "scan" and given != parts + (name == "put"):
        key = ", ".join(table.key_names) + (", record" if name == "put" else "")
        findings.report("wrong_arguments", node, f"ctx.{name} on {table.name} takes ({table.name}, {key})")


def _check_call(node: ast.Call, name: str, around: Surroundings, findings: Findings) -> None:
    target = _target(node, name, "bank.take", findings)
    if target is None:
        return
    if target not in around.uses:
        findings.report("undeclared_use", node, f"list {target!r} in the uses of {around.module} in bundle.toml")
    else:
        _count(node, target, around.calls.get(target), findings)


def _check_query(node: ast.Call, name: str, around: Surroundings, findings: Findings) -> None:
    target = _target(node, name, "bank.balance", findings)
    if target is None:
        return
    if target.partition(".")[0] not in around.askable:
        findings.report("undeclared_need", node, f"list the module of {target!r} in the needs of {around.module}")
    elif target.partition(".")[0] in around.unread:
        return
    elif target not in around.queries:
        findings.report("unknown_query", node, f"this bundle has no query {target!r}")
    else:
        _count(node, target, around.queries[target], findings)


def _target(node: ast.Call, name: str, example: str, findings: Findings) -> str | None:
    target = text_of(node.args[0]) if node.args else None
    if target is None or node.keywords:
        findings.report("wrong_arguments", node, f'ctx.{name}("{example}", ...) names its target in a literal')
        return None
    return target


def _count(node: ast.Call, target: str, wanted: int | None, findings: Findings) -> None:
    given = len(node.args) - 1
    if wanted is not None and given != wanted:
        findings.report("wrong_arguments", node, f"{target} takes {wanted} argument(s), {given} are given")


def _check_event(node: ast.Call, name: str, around: Surroundings, findings: Findings) -> None:
    event = text_of(node.args[0]) if len(node.args) == 1 else None
    if event is None or not NAME.fullmatch(event) or len(node.keywords) > MAX_EVENT_FIELDS:
        findings.report("wrong_arguments", node, 'ctx.event("literal_name", field=value, ...)')


def _check_one_name(node: ast.Call, name: str, around: Surroundings, findings: Findings) -> None:
    if len(node.args) != 1 or node.keywords:
        findings.report("wrong_arguments", node, f"ctx.{name} takes one name")


_CHECKS: dict[str, Callable[[ast.Call, str, Surroundings, Findings], None]] = {
    **dict.fromkeys(sorted(TABLE_CALLS), _check_table),
    "call": _check_call,
    "event": _check_event,
    "flag": _check_one_name,
    "module_address": _check_one_name,
    "parameter": _check_one_name,
    "query": _check_query,
}
