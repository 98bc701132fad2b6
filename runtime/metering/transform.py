"""Bundle functions made countable: the source goes in, a code object comes out, nothing is executed.

What the compiler does not know it refuses (`NotCompilable`), whatever a checker let through before. Every function
gets the meter as a hidden first argument `_m`, counts its straight line at entry, and gives its depth back at its
end. Before each statement stands the place it comes from, so that a fault has the file and line of the last
statement begun. Names with an underscore are the host's; bundle code cannot contain any.

    def f(ctx, a):              def f(_m, ctx, a):
        while a > 1:                _enter(_m, 3, ("bank.py", 1))
            a -= 1                  try:
        return g(a)                     _m.at = ("bank.py", 2)
                                        while _Gt(_m, a, 1):
                                            _m.at = ("bank.py", 2); _m.steps_left -= 3
                                            if _m.steps_left < 0: _exhausted(_m)
                                            _m.at = ("bank.py", 3)
                                            a = _Sub(_m, a, 1)
                                        _m.at = ("bank.py", 4)
                                        return g(_m, a)
                                    finally:
                                        _m.depth -= 1
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from types import CodeType
from typing import Any, TypeVar

from runtime.metering.cost import cost
from runtime.metering.expressions import Expressions
from runtime.metering.operators import BINARY
from runtime.metering.syntax import Names, NotCompilable, call_host, host, is_plain

_PARSE_VERSION = (3, 11)
NodeT = TypeVar("NodeT", bound=ast.AST)


def compile_functions(source: str, file: str, code_name: str, names: Names) -> CodeType:
    """Compile every function of a source; running the code object only defines them.

    `file` is what faults name, `code_name` what tracebacks name. Raises NotCompilable with the line.
    """
    tree = ast.parse(source, filename=file, feature_version=_PARSE_VERSION)
    functions = [compile_one(node, file, names) for node in tree.body if isinstance(node, ast.FunctionDef)]
    module = ast.fix_missing_locations(ast.Module(body=[*functions], type_ignores=[]))
    return compile(module, code_name, "exec", dont_inherit=True, optimize=0)


def compile_one(node: ast.FunctionDef, file: str, names: Names) -> ast.FunctionDef:
    """The countable form of one function."""
    return _Function(node, file, names).build()


class _Function(Expressions):
    """Statements of one function; expressions come from the base."""

    def __init__(self, node: ast.FunctionDef, file: str, names: Names) -> None:
        stored = _stored_names(node)
        parameters = dict(enumerate(argument.arg for argument in node.args.args))
        given = {parameters.get(place, ""): calls for place, calls in names.hosts.get(node.name, {}).items()}
        hosts = {name: calls for name, calls in given.items() if name not in stored}
        super().__init__(stored | set(parameters.values()), names, hosts, node.name in names.migrating)
        self._node = node
        self._file = file
        self._in_handler = 0

    def build(self) -> ast.FunctionDef:
        """The function as it is compiled."""
        node = self._node
        body = self._block(node.body)
        leave = ast.AugAssign(_meter_slot("depth", ast.Store()), ast.Sub(), ast.Constant(1))
        enter = call_host("enter", ast.Constant(cost(node.body) + 1), _place(self._file, node.lineno))
        guarded = ast.Try(body=body or [ast.Pass()], handlers=[], orelse=[], finalbody=[leave])
        made = ast.FunctionDef(
            name=node.name,
            args=self._signature(node.args),
            body=[ast.Expr(enter), guarded],
            decorator_list=[],
            returns=None,
            type_comment=None,
        )
        made.type_params = []  # type: ignore[attr-defined,unused-ignore]
        return _placed(made, node)

    def _signature(self, given: ast.arguments) -> ast.arguments:
        if given.posonlyargs or given.kwonlyargs or given.vararg or given.kwarg:
            raise NotCompilable(self._node, "arguments other than plain ones")
        defaults = [self.expression(default) for default in given.defaults]
        if not all(isinstance(default, ast.Constant) for default in defaults):
            raise NotCompilable(self._node, "a default that is no constant")
        plain = [ast.arg(arg=argument.arg) for argument in given.args]
        return ast.arguments(
            posonlyargs=[], args=[ast.arg(arg="_m"), *plain], kwonlyargs=[], kw_defaults=[], defaults=defaults
        )

    def _block(self, statements: Iterable[ast.stmt]) -> list[ast.stmt]:
        return [made for statement in statements for made in self._statement(statement)]

    def _statement(self, node: ast.stmt) -> list[ast.stmt]:
        method = getattr(self, f"_do_{type(node).__name__.lower()}", None)
        if method is None:
            raise NotCompilable(node, f"the statement {type(node).__name__}")
        return [_placed(made, node) for made in method(node)]

    def _at(self, node: ast.stmt) -> ast.stmt:
        return ast.Assign([_meter_slot("at", ast.Store())], _place(self._file, node.lineno))

    def _turn(self, node: ast.stmt, weight: int) -> list[ast.stmt]:
        """Count one turn of a loop."""
        left = ast.Compare(_meter_slot("steps_left", ast.Load()), [ast.Lt()], [ast.Constant(0)])
        return [
            self._at(node),
            ast.AugAssign(_meter_slot("steps_left", ast.Store()), ast.Sub(), ast.Constant(weight)),
            ast.If(left, [ast.Expr(call_host("exhausted"))], []),
        ]

    def _do_pass(self, node: ast.Pass) -> list[ast.stmt]:
        return [ast.Pass()]

    def _do_break(self, node: ast.Break) -> list[ast.stmt]:
        return [ast.Break()]

    def _do_continue(self, node: ast.Continue) -> list[ast.stmt]:
        return [ast.Continue()]

    def _do_expr(self, node: ast.Expr) -> list[ast.stmt]:
        if isinstance(node.value, ast.Constant):
            return []
        return [self._at(node), ast.Expr(self.expression(node.value))]

    def _do_return(self, node: ast.Return) -> list[ast.stmt]:
        return [self._at(node), ast.Return(None if node.value is None else self.expression(node.value))]

    def _do_raise(self, node: ast.Raise) -> list[ast.stmt]:
        if node.cause is not None:
            raise NotCompilable(node, "raise ... from")
        if node.exc is None:
            if not self._in_handler:
                raise NotCompilable(node, "raise without an error outside a handler")
            return [self._at(node), ast.Raise(None, None)]
        made = node.exc
        if (
            not isinstance(made, ast.Call)
            or not self._is_api(made.func, "Refused")
            or len(made.args) != 1
            or made.keywords
        ):
            raise NotCompilable(node, "raising anything but Refused(code)")
        return [self._at(node), ast.Raise(call_host("refused", self.expression(made.args[0]), meter=False), None)]

    def _do_try(self, node: ast.Try) -> list[ast.stmt]:
        if node.finalbody:
            raise NotCompilable(node, "finally")
        body, handlers = self._block(node.body), [self._handler(handler) for handler in node.handlers]
        return [ast.Try(body=body, handlers=handlers, orelse=self._block(node.orelse), finalbody=[])]

    def _handler(self, node: ast.ExceptHandler) -> ast.ExceptHandler:
        if node.name or node.type is None or not self._is_api(node.type, "Refused"):
            raise NotCompilable(node, "a handler of anything but Refused")
        self._in_handler += 1
        body = self._block(node.body)
        self._in_handler -= 1
        return _placed(ast.ExceptHandler(type=host("Refused"), name=None, body=body or [ast.Pass()]), node)

    def _do_if(self, node: ast.If) -> list[ast.stmt]:
        test = self.expression(node.test)
        return [self._at(node), ast.If(test, self._block(node.body) or [ast.Pass()], self._block(node.orelse))]

    def _do_while(self, node: ast.While) -> list[ast.stmt]:
        weight = cost(node.body) + cost([node.test]) + 1
        body = [*self._turn(node, weight), *self._block(node.body)]
        return [self._at(node), ast.While(self.expression(node.test), body, self._block(node.orelse))]

    def _do_for(self, node: ast.For) -> list[ast.stmt]:
        if not is_plain(node.target):
            raise NotCompilable(node, "a loop over anything but names")
        weight = cost(node.body) + 1
        body = [*self._turn(node, weight), *self._block(node.body)]
        walked = call_host("iterate", self.expression(node.iter))
        return [self._at(node), ast.For(node.target, walked, body, self._block(node.orelse))]

    def _do_annassign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        if not isinstance(node.target, ast.Name):
            raise NotCompilable(node, "a type on anything but a name")
        if node.value is None:
            return []
        return [self._at(node), ast.Assign([node.target], self.expression(node.value))]

    def _do_assign(self, node: ast.Assign) -> list[ast.stmt]:
        if len(node.targets) == 1:
            return [self._at(node), *self._assign(node.targets[0], self._assigned(node))]
        held = self.temporary()
        made: list[ast.stmt] = [self._at(node), ast.Assign([held.store()], self.expression(node.value))]
        for target in node.targets:
            made += self._assign(target, held.load())
        return made

    def _assigned(self, node: ast.Assign) -> ast.expr:
        """The value; a display that is unpacked at once into as many names makes no tuple and needs no check."""
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            return ast.Tuple([self.expression(item) for item in value.elts], ast.Load())
        return self.expression(value)

    def _assign(self, target: ast.expr, value: ast.expr) -> list[ast.stmt]:
        if isinstance(target, ast.Name):
            return [ast.Assign([target], value)]
        if isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice):
            place = (self.expression(target.value), self.expression(target.slice))
            return [ast.Expr(call_host("set_item", value, *place))]
        if isinstance(target, ast.Tuple | ast.List):
            return self._unpack(target, value)
        raise NotCompilable(target, "this target of an assignment")

    def _unpack(self, target: ast.Tuple | ast.List, value: ast.expr) -> list[ast.stmt]:
        """Unpack to names as Python does; anything else by way of temporary names, left to right."""
        if is_plain(target):
            return [ast.Assign([target], value)]
        held = [self.temporary() for _ in target.elts]
        unpacked = ast.Assign([ast.Tuple([name.store() for name in held], ast.Store())], value)
        pairs = zip(target.elts, held, strict=True)
        return [unpacked, *(made for item, name in pairs for made in self._assign(item, name.load()))]

    def _do_augassign(self, node: ast.AugAssign) -> list[ast.stmt]:
        if type(node.op) not in BINARY:
            raise NotCompilable(node, f"the operator {type(node.op).__name__}")
        name = "grow" if isinstance(node.op, ast.Add) else type(node.op).__name__
        if isinstance(node.target, ast.Name):
            old = self.expression(ast.copy_location(ast.Name(node.target.id, ast.Load()), node))
            return [self._at(node), ast.Assign([node.target], call_host(name, old, self.expression(node.value)))]
        if not isinstance(node.target, ast.Subscript) or isinstance(node.target.slice, ast.Slice):
            raise NotCompilable(node, "this target of an assignment")
        container, key = self.temporary(), self.temporary()
        old = call_host("get_item", container.load(), key.load())
        new = call_host(name, old, self.expression(node.value))
        return [
            self._at(node),
            ast.Assign([container.store()], self.expression(node.target.value)),
            ast.Assign([key.store()], self.expression(node.target.slice)),
            ast.Expr(call_host("set_item", new, container.load(), key.load())),
        ]

    def _do_delete(self, node: ast.Delete) -> list[ast.stmt]:
        made: list[ast.stmt] = [self._at(node)]
        for target in node.targets:
            if isinstance(target, ast.Name):
                made.append(ast.Delete([target]))
            elif isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice):
                place = (self.expression(target.value), self.expression(target.slice))
                made.append(ast.Expr(call_host("delete_item", *place)))
            else:
                raise NotCompilable(node, "deleting this")
        return made


def _meter_slot(name: str, context: ast.expr_context) -> ast.Attribute:
    return ast.Attribute(ast.Name("_m", ast.Load()), name, context)


def _place(file: str, line: int) -> ast.Constant:
    value: Any = (file, line)
    return ast.Constant(value)


def _stored_names(node: ast.FunctionDef) -> frozenset[str]:
    """Every name that the function binds, in comprehensions too."""
    return frozenset(
        item.id for item in ast.walk(node) if isinstance(item, ast.Name) and not isinstance(item.ctx, ast.Load)
    )


def _placed(made: NodeT, origin: ast.AST) -> NodeT:
    return ast.copy_location(made, origin)
