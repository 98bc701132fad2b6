"""The declaring forms and their arguments: one table of what each takes, one function that binds a call to it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from runtime.bundle.allowlist import RESERVED
from runtime.bundle.problems import Findings

NAME = re.compile(r"[a-z][a-z0-9_]*")
TYPE_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")


@dataclass(frozen=True, slots=True)
class Form:
    """`positional` arguments are all needed; of `keywords`, those in `needed` are."""

    positional: tuple[str, ...]
    keywords: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()


FORMS: dict[str, Form] = {
    "at_most": Form(("left", "right")),
    "call": Form((), frozenset({"meaning", "flag", "internal"}), frozenset({"meaning"})),
    "case": Form(("number",)),
    "count": Form(("table",), frozenset({"by", "where"})),
    "equal": Form(("left", "right")),
    "field": Form(("number",), frozenset({"default", "value"})),
    "hook": Form(("moment",)),
    "invariant": Form(("name", "rule")),
    "migration": Form(
        ("table",), frozenset({"from_schema", "sets", "reads", "frozen", "rekeys"}), frozenset({"from_schema", "sets"})
    ),
    "query": Form(()),
    "reverse": Form(("table",)),
    "refers": Form(("table", "part", "target")),
    "table": Form(("record",), frozenset({"key", "names"}), frozenset({"key"})),
    "total": Form(("table", "field"), frozenset({"by", "where"})),
    "validate": Form(("table",)),
}


def form_of(node: ast.AST | None) -> str | None:
    """The name of the form that a call expression makes, if it makes one."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORMS:
        return node.func.id
    return None


def bind(node: ast.Call, findings: Findings) -> dict[str, ast.expr] | None:
    """The arguments of a form by name; None after reporting what is missing, unknown or repeated."""
    name = form_of(node) or ""
    form = FORMS[name]
    given = {keyword.arg or "**": keyword.value for keyword in node.keywords}
    whole = len(node.args) == len(form.positional) and len(given) == len(node.keywords)
    if not whole or not form.needed <= set(given) <= form.keywords:
        findings.report("wrong_arguments", node, f"{name} takes {_shape(form)}")
        return None
    return dict(zip(form.positional, node.args, strict=True)) | given


def _shape(form: Form) -> str:
    needed = [f"{keyword}=" for keyword in sorted(form.needed)]
    optional = [f"[{keyword}=]" for keyword in sorted(form.keywords - form.needed)]
    return "(" + ", ".join([*form.positional, *needed, *optional]) + ")"


def check_name(name: str, pattern: re.Pattern[str], node: ast.AST, findings: Findings) -> bool:
    """Whether a name may be given to something; reports why not."""
    if name in RESERVED:
        findings.report("reserved_name", node, f"{name!r} has a meaning of its own; choose another name")
        return False
    if not pattern.fullmatch(name):
        form = "like_this" if pattern is NAME else "LikeThis"
        findings.report("bad_name", node, f"{name!r}: such a name is written {form}")
        return False
    return True
