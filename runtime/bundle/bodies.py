"""Holds the body of every function against the allow-list: its statements, names and constants.

The walk is a loop over all nodes with a map to their parents, so a deep source costs memory, never stack.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from runtime.bundle.allowlist import API, BUILTINS, INT_LIMIT, MAX_NAME, NODES, REASONS, TYPES
from runtime.bundle.callsites import CallSites
from runtime.bundle.forms import NAME, check_name
from runtime.bundle.problems import Findings
from runtime.bundle.surroundings import Body, Surroundings

_OPERATOR_NODES = ast.operator | ast.unaryop | ast.boolop | ast.cmpop
_ANSWERING = frozenset({"query", "health", "migration", "validate", "reverse", "pure"})
_ANNOTATION_NAMES = TYPES | BUILTINS | {"Context", "Old", "Frozen", "Inputs", "Record"}


def check_body(body: Body, around: Surroundings, findings: Findings) -> tuple[str, ...]:
    """Report every problem of a body; the fields of the old record that it reads, by name."""
    walk = _Walk(body, around, findings)
    walk.check()
    return tuple(sorted(walk.sites.old_fields))


class _Walk:
    """One function, walked once."""

    def __init__(self, body: Body, around: Surroundings, findings: Findings) -> None:
        self._body = body
        self._around = around
        self._findings = findings
        self._parents: dict[ast.AST, ast.AST] = {}
        self._annotations: list[ast.expr] = [
            *(argument.annotation for argument in body.node.args.args if argument.annotation is not None),
            *([body.node.returns] if body.node.returns is not None else []),
        ]
        self._nodes = list(self._walk())
        self._locals = set(_parameters(body.node)) | {
            node.id
            for node in self._nodes
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and not self._comprehension_of(node)
        }
        self.sites = CallSites(body, around, findings, self._parents)

    def _walk(self) -> Iterator[ast.AST]:
        """Every node of the body but annotations, each noted with its parent."""
        waiting: list[ast.AST] = list(reversed(self._body.node.body))
        for statement in waiting:
            self._parents[statement] = self._body.node
        while waiting:
            node = waiting.pop()
            yield node
            if type(node) not in NODES:
                continue  # refused as a whole
            for child in reversed(list(ast.iter_child_nodes(node))):
                if isinstance(node, ast.AnnAssign) and child is node.annotation:
                    self._annotations.append(node.annotation)
                    continue
                if not isinstance(child, _OPERATOR_NODES | ast.expr_context):
                    self._parents[child] = node
                    waiting.append(child)

    def check(self) -> None:
        """Report what is wrong with any node, a refused one as a whole."""
        for node in self._nodes:
            if type(node) not in NODES:
                self._refuse(node, node)
                continue
            for operator in ast.iter_child_nodes(node):
                if isinstance(operator, _OPERATOR_NODES) and type(operator) not in NODES:
                    self._refuse(operator, node)
            check = _CHECKS.get(type(node))
            if check is not None:
                check(self, node)
        for annotation in self._annotations:
            self._annotation(annotation)
        if self._body.kind in _ANSWERING and not any(isinstance(node, ast.Return) for node in self._nodes):
            self._findings.report("answer", self._body.node, f"{self._body.node.name} must return its answer")

    def _refuse(self, node: ast.AST, where: ast.AST) -> None:
        """Refuse a form; an operator is one object wherever it stands, so its line is that of its expression."""
        code, advice = REASONS.get(type(node), ("not_allowed", "this form is not part of the language"))
        self._findings.report(code, where, advice)

    # --- statements --------------------------------------------------------------------------------------------------

    def _assign(self, node: ast.Assign) -> None:
        if len(node.targets) > 1:
            self._findings.report("assignment", node, "assign to one target a statement")
        for target in node.targets:
            self._target(target, whole=True)

    def _target(self, target: ast.expr, *, whole: bool) -> None:
        match target:
            case ast.Name():
                self._bind(target.id, target)
            case ast.Tuple() if whole:
                for item in target.elts:
                    self._target(item, whole=isinstance(item, ast.Tuple))
            case ast.Subscript() if not isinstance(target.slice, ast.Slice):
                pass
            case ast.Attribute():
                self._findings.report("frozen_record", target, "records are frozen; make a changed one with .but(...)")
            case _:
                self._findings.report("assignment", target, "assign to a name, a tuple of names, or one item")

    def _bind(self, name: str, node: ast.AST) -> None:
        """A local name may hide nothing that is declared or given."""
        given = {"ctx"} | ({"key", "old", "frozen", "inputs"} if self._body.kind == "migration" else set())
        if name in given and name in _parameters(self._body.node):
            self._findings.report("rebound", node, f"{name} is given by the host and stays what it is")
        elif name in self._around.declared:
            self._findings.report("shadowed", node, f"{name!r} is declared at module level; choose another name")
        else:
            check_name(name, NAME, node, self._findings)

    def _annotated(self, node: ast.AnnAssign) -> None:
        if node.value is None or not isinstance(node.target, ast.Name):
            self._findings.report("assignment", node, "an annotated name gets its value in the same line")
        else:
            self._bind(node.target.id, node)

    def _augmented(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Attribute | ast.Subscript | ast.Name):
            self._target(node.target, whole=False)

    def _for(self, node: ast.For | ast.comprehension) -> None:
        if any(isinstance(part, ast.Subscript) for part in ast.walk(node.target)):
            self._findings.report("assignment", node.target, "a loop binds names, or tuples of names")
        self._target(node.target, whole=True)
        if isinstance(node, ast.comprehension) and node.is_async:
            self._findings.report("async", node.target, "nothing in a bundle waits")

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if not isinstance(target, ast.Subscript) or isinstance(target.slice, ast.Slice):
                self._findings.report("assignment", node, "del removes one item of a list or dict")

    def _expression(self, node: ast.Expr) -> None:
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if not isinstance(node.value, ast.Call) and not text and type(node.value) in NODES:
            self._findings.report("no_effect", node, "this expression does nothing; assign or return it")

    def _raise(self, node: ast.Raise) -> None:
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id="Refused"), args=[ast.Constant(value=str(code))]), cause=None):
                if not node.exc.keywords and NAME.fullmatch(code) and len(code) <= MAX_NAME:  # type: ignore[union-attr]
                    return
        self._findings.report("raise", node, 'raise Refused("literal_code"), a code of letters, digits and _')

    def _try(self, node: ast.Try) -> None:
        if node.finalbody:
            self._findings.report("finally", node, "what a refusal must not leave behind, the host undoes")

    def _handler(self, node: ast.ExceptHandler) -> None:
        if not isinstance(node.type, ast.Name) or node.type.id != "Refused" or node.name is not None:
            self._findings.report("except", node, "handlers are `except Refused:`; host failures cannot be caught")

    def _return(self, node: ast.Return) -> None:
        empty = node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)
        if self._body.kind in ("call", "hook") and not empty:
            self._findings.report("answer", node, f"a {self._body.kind} answers nothing; a query does")
        elif self._body.kind in _ANSWERING and node.value is None:
            self._findings.report("answer", node, f"{self._body.node.name} must return its answer")

    def _jump(self, node: ast.Break | ast.Continue) -> None:
        child: ast.AST = node
        while not isinstance(child, ast.FunctionDef):
            parent = self._parents[child]
            if isinstance(parent, ast.For | ast.While) and child in parent.body:
                return
            child = parent
        self._findings.report("outside_loop", node, "break and continue stand inside a loop")

    # --- expressions -------------------------------------------------------------------------------------------------

    def _constant(self, node: ast.Constant) -> None:
        value: Any = node.value
        if value is None or isinstance(value, bool | str | bytes):
            return
        if not isinstance(value, int):
            self._findings.report("not_constant", node, "constants are integers, text, bytes, True, False and None")
        elif value >= INT_LIMIT:
            self._findings.report("too_large", node, "integers stay below 2**256")

    def _binary(self, node: ast.BinOp) -> None:
        left = node.left
        if isinstance(node.op, ast.Mod) and isinstance(left, ast.Constant) and isinstance(left.value, str | bytes):
            self._findings.report("percent_format", node, "join texts with + and str()")

    def _compare(self, node: ast.Compare) -> None:
        if not any(isinstance(operator, ast.Is | ast.IsNot) for operator in node.ops):
            return
        plain = isinstance(node.left, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
        right = node.comparators[0]
        if len(node.ops) > 1 or not plain or not isinstance(right, ast.Constant) or right.value is not None:
            self._findings.report("is", node, "`is` compares with None only; use ==")

    def _subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.value, ast.Constant):
            self._findings.report("not_allowed", node, "take items of a name, not of a constant")

    def _generator(self, node: ast.GeneratorExp) -> None:
        if not self.sites.takes_generator(self._parents[node], node):
            self._findings.report("generator", node, "a generator is the only argument of sum, any, all, list and such")

    def _name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            return
        if node.id in self._locals or self._in_comprehension(node):
            self.sites.local_used(node)
        else:
            self.sites.name_used(node)

    def _comprehension_of(self, node: ast.Name) -> bool:
        """Whether a stored name is the target of a comprehension."""
        child: ast.AST = node
        while isinstance(parent := self._parents[child], ast.Tuple):
            child = parent
        return isinstance(parent, ast.comprehension)

    def _in_comprehension(self, node: ast.Name) -> bool:
        """Whether a comprehension around this name binds it."""
        child: ast.AST = node
        while child in self._parents:
            child = self._parents[child]
            if any(node.id in _target_names(part.target) for part in getattr(child, "generators", ())):
                return True
        return False

    def _annotation(self, annotation: ast.expr) -> None:
        """Annotations are for readers and type checkers and never evaluated; a quoted one may say anything."""
        for part in ast.walk(annotation):
            if isinstance(part, ast.Name):
                known = part.id in _ANNOTATION_NAMES or part.id in self._around.types
                if not known or (part.id in API and part.id not in self._around.api):
                    self._findings.report("unknown_name", part, f"{part.id!r} is no type that this source knows")
            elif not isinstance(part, ast.Subscript | ast.Tuple | ast.BinOp | ast.BitOr | ast.Constant | ast.Load):
                self._findings.report("not_allowed", annotation, "an annotation is a type")


def _parameters(node: ast.FunctionDef) -> tuple[str, ...]:
    return tuple(argument.arg for argument in node.args.args)


def _target_names(target: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


_CHECKS: dict[type[ast.AST], Callable[[_Walk, Any], None]] = {
    ast.AnnAssign: _Walk._annotated,
    ast.Assign: _Walk._assign,
    ast.Attribute: lambda walk, node: walk.sites.attribute(node),
    ast.AugAssign: _Walk._augmented,
    ast.BinOp: _Walk._binary,
    ast.Break: _Walk._jump,
    ast.Call: lambda walk, node: walk.sites.call(node),
    ast.Compare: _Walk._compare,
    ast.Constant: _Walk._constant,
    ast.Continue: _Walk._jump,
    ast.Delete: _Walk._delete,
    ast.ExceptHandler: _Walk._handler,
    ast.Expr: _Walk._expression,
    ast.For: _Walk._for,
    ast.GeneratorExp: _Walk._generator,
    ast.Name: _Walk._name,
    ast.Raise: _Walk._raise,
    ast.Return: _Walk._return,
    ast.Subscript: _Walk._subscript,
    ast.Try: _Walk._try,
    ast.comprehension: _Walk._for,
}
