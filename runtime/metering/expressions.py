"""Expressions of bundle functions, rewritten so that every operation is the host's.

Names are resolved here, once: a name is a local, a constant, a table, a record, a pure function or a builtin, and
only functions, records and builtins are called. Evaluation order and short-circuiting stay Python's. A generator
expression becomes a list, so nothing lazy exists.

Underneath, every comprehension is a generator that a host function empties at once: Python 3.12 compiles other
comprehensions into the function around them, where they count against its limit of nested blocks (and 3.12.1 crashes
when they pass it).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from runtime.metering.builtins import BUILTINS, WITH_KEY
from runtime.metering.cost import turn_cost
from runtime.metering.limits import INT_LIMIT, MAX_ITEMS
from runtime.metering.methods import METHODS
from runtime.metering.operators import BINARY
from runtime.metering.syntax import Names, NotCompilable, Temporary, call_host, host, is_plain

NEWER_ATTRIBUTES = frozenset({"is_integer"})
"""Attributes of values that Python 3.12 has and 3.11 has not."""


class Expressions:
    """Rewrites the expressions of one function; `hosts` are its parameters that hold host objects."""

    def __init__(
        self, local: frozenset[str], names: Names, hosts: Mapping[str, frozenset[str]], migrating: bool
    ) -> None:
        self._local = local
        self._functions = names.functions - local
        self._records = names.records - local
        self._values = names.values - local
        self._variants = names.variants
        self._hosts = hosts
        self._migrating = migrating
        self._temporaries = 0

    def temporary(self) -> Temporary:
        self._temporaries += 1
        return Temporary(self._temporaries)

    def expression(self, node: ast.expr) -> ast.expr:
        """The countable form of an expression that is evaluated."""
        method = getattr(self, f"_on_{type(node).__name__.lower()}", None)
        if method is None:
            raise NotCompilable(node, f"the expression {type(node).__name__}")
        made: ast.expr = ast.copy_location(method(node), node)
        return made

    def _all(self, nodes: list[ast.expr]) -> list[ast.expr]:
        return [self.expression(node) for node in nodes]

    def _is_api(self, node: ast.expr, name: str) -> bool:
        return isinstance(node, ast.Name) and node.id == name and name not in self._local

    def _is_builtin(self, name: str) -> bool:
        known = self._local | self._functions | self._records | self._values
        return name in BUILTINS and name not in known

    def _on_constant(self, node: ast.Constant) -> ast.expr:
        value = node.value
        if isinstance(value, str | bytes) and len(value) <= MAX_ITEMS:
            return ast.Constant(value)
        if value is None or (isinstance(value, int) and value < INT_LIMIT):
            return ast.Constant(value)
        raise NotCompilable(node, "this constant")

    def _on_name(self, node: ast.Name) -> ast.expr:
        if node.id.startswith("_"):
            raise NotCompilable(node, "a name with an underscore in front")
        if node.id in self._local or node.id in self._values:
            return ast.Name(node.id, ast.Load())
        raise NotCompilable(node, f"the name {node.id} as a value")

    def _on_boolop(self, node: ast.BoolOp) -> ast.expr:
        return ast.BoolOp(node.op, self._all(node.values))

    def _on_ifexp(self, node: ast.IfExp) -> ast.expr:
        return ast.IfExp(self.expression(node.test), self.expression(node.body), self.expression(node.orelse))

    def _on_binop(self, node: ast.BinOp) -> ast.expr:
        if type(node.op) not in BINARY:
            raise NotCompilable(node, f"the operator {type(node.op).__name__}")
        return call_host(type(node.op).__name__, self.expression(node.left), self.expression(node.right))

    def _on_unaryop(self, node: ast.UnaryOp) -> ast.expr:
        if isinstance(node.op, ast.Not):
            return ast.UnaryOp(ast.Not(), self.expression(node.operand))
        operand = self.expression(node.operand)
        if isinstance(node.op, ast.USub) and isinstance(operand, ast.Constant) and type(operand.value) is int:
            return ast.Constant(-operand.value)
        return call_host(type(node.op).__name__, operand)

    def _on_compare(self, node: ast.Compare) -> ast.expr:
        links = list(zip(node.ops, node.comparators, strict=True))
        if not all(isinstance(middle, ast.Name | ast.Constant) for middle in node.comparators[:-1]):
            return self._chain(node.left, links)
        lefts = [node.left, *node.comparators[:-1]]
        parts = [
            self._compared(op, right, self.expression(left), self.expression(right))
            for left, (op, right) in zip(lefts, links, strict=True)
        ]
        return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)

    def _chain(self, left: ast.expr, links: list[tuple[ast.cmpop, ast.expr]]) -> ast.expr:
        """A chain whose middle is held while it is compared twice.

        Whether there is any in `0 for t1 in (a,) for t2 in (b,) if t1 < t2 for t3 in (c,) if t2 < t3`: an assignment
        expression may not stand everywhere, and this is as short-circuiting as Python.
        """
        held = self.temporary()
        steps = [ast.comprehension(held.store(), ast.Tuple([self.expression(left)], ast.Load()), [], 0)]
        for op, right in links:
            before, held = held, self.temporary()
            value = ast.Tuple([self.expression(right)], ast.Load())
            test = self._compared(op, right, before.load(), held.load())
            steps.append(ast.comprehension(held.store(), value, [test], 0))
        return call_host("holds", ast.GeneratorExp(ast.Constant(0), steps))

    def _compared(self, op: ast.cmpop, source: ast.expr, left: ast.expr, right: ast.expr) -> ast.expr:
        if isinstance(op, ast.Is | ast.IsNot):
            if not (isinstance(source, ast.Constant) and source.value is None):
                raise NotCompilable(source, "`is` with anything but None")
            return ast.Compare(left, [op], [right])
        return call_host(type(op).__name__, left, right)

    def _on_attribute(self, node: ast.Attribute) -> ast.expr:
        if node.attr.startswith("_") or node.attr in NEWER_ATTRIBUTES:
            raise NotCompilable(node, f"the attribute {node.attr}")
        made = ast.Attribute(self.expression(node.value), node.attr, ast.Load())
        return call_host("case_of", made) if self._migrating or node.attr in self._variants else made

    def _on_subscript(self, node: ast.Subscript) -> ast.expr:
        value = self.expression(node.value)
        if not isinstance(node.slice, ast.Slice):
            return call_host("get_item", value, self.expression(node.slice))
        bounds = (node.slice.lower, node.slice.upper, node.slice.step)
        return call_host("get_slice", value, *(ast.Constant(None) if b is None else self.expression(b) for b in bounds))

    def _on_tuple(self, node: ast.Tuple) -> ast.expr:
        items = self._all(node.elts)
        made = ast.Tuple(items, ast.Load())
        return made if all(isinstance(item, ast.Constant) for item in items) else call_host("tuple_of", made)

    def _on_list(self, node: ast.List) -> ast.expr:
        return call_host("list_of", ast.List(self._all(node.elts), ast.Load())) if node.elts else node

    def _on_dict(self, node: ast.Dict) -> ast.expr:
        pairs: list[ast.expr] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                raise NotCompilable(node, "** in a dict")
            pairs.append(ast.Tuple([self.expression(key), self.expression(value)], ast.Load()))
        return call_host("dict_of", ast.Tuple(pairs, ast.Load()))

    def _on_listcomp(self, node: ast.ListComp | ast.GeneratorExp) -> ast.expr:
        generators = self._generators(node.generators, [node.elt])
        return call_host("gathered", ast.GeneratorExp(self.expression(node.elt), generators))

    def _on_dictcomp(self, node: ast.DictComp) -> ast.expr:
        generators = self._generators(node.generators, [node.key, node.value])
        pair = ast.Tuple([self.expression(node.key), self.expression(node.value)], ast.Load())
        return call_host("gathered_dict", ast.GeneratorExp(pair, generators))

    def _generators(self, given: list[ast.comprehension], elements: list[ast.expr]) -> list[ast.comprehension]:
        price = ast.Constant(turn_cost(given, elements))
        return [self._generator(generator, price) for generator in given]

    def _generator(self, node: ast.comprehension, price: ast.Constant) -> ast.comprehension:
        if node.is_async or not is_plain(node.target):
            raise NotCompilable(node.target, "a comprehension over anything but names")
        walked = call_host("turns", self.expression(node.iter), price)
        return ast.comprehension(node.target, walked, self._all(node.ifs), 0)

    def _on_call(self, node: ast.Call) -> ast.expr:
        if any(isinstance(argument, ast.Starred) for argument in node.args) or any(not k.arg for k in node.keywords):
            raise NotCompilable(node, "* or ** in a call")
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func)
        if not isinstance(node.func, ast.Name):
            raise NotCompilable(node, "calling a value")
        name = node.func.id
        if name in self._functions:
            return self._called(ast.Name(name, ast.Load()), node)
        if name in self._records:
            return self._called(host("make"), node, ast.Name(name, ast.Load()))
        if self._is_builtin(name):
            return self._builtin(node, name)
        raise NotCompilable(node, f"calling {name}")

    def _called(self, function: ast.expr, node: ast.Call, *first: ast.expr) -> ast.expr:
        meter = ast.Name("_m", ast.Load())
        return ast.Call(function, [meter, *first, *self._arguments(node.args)], self._keywords(node.keywords))

    def _arguments(self, nodes: list[ast.expr]) -> list[ast.expr]:
        """Arguments of a call; a generator expression among them is a list."""
        return [
            self._on_listcomp(node) if isinstance(node, ast.GeneratorExp) else self.expression(node) for node in nodes
        ]

    def _keywords(self, given: list[ast.keyword]) -> list[ast.keyword]:
        for keyword in given:
            if str(keyword.arg).startswith("_"):
                raise NotCompilable(keyword.value, "a name with an underscore in front")
        return [ast.keyword(keyword.arg, self.expression(keyword.value)) for keyword in given]

    def _builtin(self, node: ast.Call, name: str) -> ast.expr:
        if name == "isinstance" and len(node.args) == 2:
            made = [self.expression(node.args[0]), self._record(node, node.args[1])]
        else:
            made = self._arguments(node.args)
        keywords = [self._keyword(name, keyword) for keyword in node.keywords]
        return ast.Call(host(name), [ast.Name("_m", ast.Load()), *made], keywords)

    def _record(self, node: ast.expr, record: ast.expr) -> ast.expr:
        if not isinstance(record, ast.Name) or record.id not in self._records:
            raise NotCompilable(node, "isinstance with anything but a record")
        return ast.Name(record.id, ast.Load())

    def _keyword(self, name: str, keyword: ast.keyword) -> ast.keyword:
        """`key=` of sorted, min and max names a pure function; every other keyword is a value."""
        if keyword.arg == "key" and name in WITH_KEY:
            if not isinstance(keyword.value, ast.Name) or keyword.value.id not in self._functions:
                raise NotCompilable(keyword.value, "key= with anything but a function of the bundle")
            return ast.keyword("key", ast.Name(keyword.value.id, ast.Load()))
        if keyword.arg not in ("default", "reverse", "start"):
            raise NotCompilable(keyword.value, f"the argument {keyword.arg} of {name}")
        return ast.keyword(keyword.arg, self.expression(keyword.value))

    def _method(self, node: ast.Call, function: ast.Attribute) -> ast.expr:
        name, owner = function.attr, function.value
        if isinstance(owner, ast.Name) and owner.id in self._hosts:
            if name not in self._hosts[owner.id]:
                raise NotCompilable(node, f"the method {name} of {owner.id}")
            called = ast.Attribute(ast.Name(owner.id, ast.Load()), name, ast.Load())
            return ast.Call(called, self._arguments(node.args), self._keywords(node.keywords))
        if name not in METHODS or (node.keywords and name != "but"):
            raise NotCompilable(node, f"the method {name} so")
        args: list[ast.expr] = [ast.Name("_m", ast.Load()), self.expression(owner), *self._arguments(node.args)]
        return ast.Call(host(f"do_{name}"), args, self._keywords(node.keywords))
