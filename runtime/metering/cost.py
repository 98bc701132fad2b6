"""What a straight line of source costs: one step a statement and one an operation, loops counted by their turns.

All branches of an `if` count as if taken: a few steps too many, but nothing to count while running.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

_OPERATIONS = (
    ast.stmt,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.Call,
    ast.Subscript,
    ast.Tuple,
    ast.List,
    ast.Dict,
    ast.comprehension,
)


def cost(nodes: Iterable[ast.AST]) -> int:
    """Steps of running these nodes once, without the turns of the loops in them."""
    return sum(_one(node) for node in nodes)


def turn_cost(generators: Iterable[ast.comprehension], elements: Iterable[ast.AST]) -> int:
    """Steps of one turn of a comprehension."""
    return 1 + cost(elements) + sum(cost([*generator.ifs, generator.iter]) for generator in generators)


def _one(node: ast.AST) -> int:
    return int(isinstance(node, _OPERATIONS)) + cost(_once(node))


def _once(node: ast.AST) -> Iterable[ast.AST]:
    """The children that run once with their parent."""
    if isinstance(node, ast.For):
        return [node.iter, *node.orelse]
    if isinstance(node, ast.While):
        return [node.test, *node.orelse]
    if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp):
        return [node.generators[0].iter]
    return ast.iter_child_nodes(node)
