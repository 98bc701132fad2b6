"""Constants of a source, read as data: literals, tuples of them, names declared above, and integer arithmetic.

Nothing is executed by Python: the few operators are computed here, and every result stays below 256 bits.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from runtime.bundle.allowlist import INT_LIMIT
from runtime.bundle.declarations import Constant
from runtime.bundle.problems import Findings

_MAX_SHIFT = 256


def _power(base: int, exponent: int) -> int | None:
    if exponent < 0 or (abs(base) > 1 and base.bit_length() * exponent > 2 * _MAX_SHIFT):
        return None
    return int(base**exponent)


def _quotient(left: int, right: int) -> int | None:
    return None if right == 0 else left // right


_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int | None]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.FloorDiv: _quotient,
    ast.Pow: _power,
}


def constant_of(node: ast.expr, known: Mapping[str, Constant], findings: Findings) -> Constant | None:
    """The value of a constant expression; None after reporting that it is none."""
    match node:
        case ast.Constant(value=bool() | str() | bytes() as plain):
            return plain
        case ast.Constant(value=int() as number):
            return _bounded(number, node, findings)
        case ast.Name() if node.id in known:
            return known[node.id]
        case ast.UnaryOp(op=ast.USub()):
            return _negated(node, known, findings)
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            return _computed(node, known, findings)
        case ast.Tuple():
            items = [constant_of(item, known, findings) for item in node.elts]
            return None if any(item is None for item in items) else tuple(item for item in items if item is not None)
    findings.report("not_constant", node, "a constant is a literal, a tuple of them, or arithmetic of integers above")
    return None


def _negated(node: ast.UnaryOp, known: Mapping[str, Constant], findings: Findings) -> int | None:
    value = _integer(constant_of(node.operand, known, findings), node, findings)
    return None if value is None else -value


def _computed(node: ast.BinOp, known: Mapping[str, Constant], findings: Findings) -> int | None:
    left = _integer(constant_of(node.left, known, findings), node, findings)
    right = _integer(constant_of(node.right, known, findings), node, findings)
    if left is None or right is None:
        return None
    return _bounded(_ARITHMETIC[type(node.op)](left, right), node, findings)


def _integer(value: Constant | None, node: ast.expr, findings: Findings) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if value is not None:
        findings.report("not_constant", node, "only integers can be computed with here")
    return None


def _bounded(value: int | None, node: ast.expr, findings: Findings) -> int | None:
    if value is not None and -INT_LIMIT < value < INT_LIMIT:
        return value
    findings.report("too_large", node, "an integer lies between -2**256 and 2**256, and nothing is divided by zero")
    return None


def text_of(node: ast.expr | None) -> str | None:
    """The text of a text literal."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def texts_of(node: ast.expr | None) -> tuple[str, ...] | None:
    """The texts of a tuple of text literals; empty when the node is absent."""
    if node is None:
        return ()
    if not isinstance(node, ast.Tuple):
        return None
    texts = tuple(text_of(item) for item in node.elts)
    return None if None in texts else tuple(text for text in texts if text is not None)


def number_of(node: ast.expr | None) -> int | None:
    """The value of an integer literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value
    return None


def flag_of(node: ast.expr | None) -> bool | None:
    """A literal True or False, False where nothing is written; None when it is neither."""
    if node is None:
        return False
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, bool) else None
