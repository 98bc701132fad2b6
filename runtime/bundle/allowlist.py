"""What bundle code may consist of. Whatever is not listed here is refused; nothing else decides it.

The list keeps one property: code made of these things does the same, step for step, on every machine and every
supported Python. So nothing here can make a float, an unordered set, an object with an address in its text, a class
or a function at run time, nor reach an attribute that no author declared. Every builtin and method below is the
host's own (see runtime/metering), priced and bounded.
"""

from __future__ import annotations

import ast

PYTHON_GRAMMAR = (3, 11)
"""Sources are parsed by the grammar of this Python, whichever one runs the node."""

# --- bounds of a source, checked before any parser sees it ---------------------------------------------------------

MAX_BRACKETS = 32
"""Brackets open at once."""
MAX_BLOCKS = 10
"""Indented blocks inside each other. CPython nests 20 loops and handlers, and a `try` counts twice."""
MAX_BRANCHES = 40
"""Blocks and `elif` inside each other: an `elif` nests one deeper in the tree."""
MAX_OPERANDS = 100
"""Operands of one expression, and how deep operators may nest in one statement."""
MAX_NAME = 64
MAX_NUMBER = 96
"""Characters of a number."""
INT_LIMIT = 2**256

# --- bounds of what is declared ------------------------------------------------------------------------------------

MAX_RECORD_FIELDS = 256
"""Fields of a record, those of records inside it counted too."""
MAX_RECORD_DEPTH = 8
"""Records inside records."""
MAX_TABLES = 256
"""Tables of a bundle."""
MAX_INVARIANTS = 256
MAX_FUNCTIONS = 1024
"""Calls, queries, hooks, migrations and checks of a bundle."""
MAX_TESTS = 1024
"""Tests that a bundle has of its own."""

# --- the forms of statements and expressions in function bodies ----------------------------------------------------

STATEMENTS: frozenset[type[ast.AST]] = frozenset(
    {
        ast.AnnAssign,
        ast.Assign,
        ast.AugAssign,
        ast.Break,
        ast.Continue,
        ast.Delete,
        ast.Expr,
        ast.For,
        ast.If,
        ast.Pass,
        ast.Raise,
        ast.Return,
        ast.Try,
        ast.While,
    }
)
EXPRESSIONS: frozenset[type[ast.AST]] = frozenset(
    {
        ast.Attribute,
        ast.BinOp,
        ast.BoolOp,
        ast.Call,
        ast.Compare,
        ast.Constant,
        ast.Dict,
        ast.DictComp,
        ast.GeneratorExp,
        ast.IfExp,
        ast.List,
        ast.ListComp,
        ast.Name,
        ast.Slice,
        ast.Subscript,
        ast.Tuple,
        ast.UnaryOp,
    }
)
PARTS: frozenset[type[ast.AST]] = frozenset(
    {ast.ExceptHandler, ast.Load, ast.Store, ast.Del, ast.comprehension, ast.keyword}
)
OPERATORS: frozenset[type[ast.AST]] = frozenset(
    {
        *(ast.And, ast.Or, ast.Not),
        *(ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.Pow),
        *(ast.LShift, ast.RShift, ast.BitAnd, ast.BitOr, ast.BitXor, ast.Invert, ast.USub, ast.UAdd),
        *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn),
        *(ast.Is, ast.IsNot),  # with None only
    }
)
NODES = STATEMENTS | EXPRESSIONS | PARTS | OPERATORS

REASONS: dict[type[ast.AST], tuple[str, str]] = {
    ast.Assert: ("assert", "write `if not ...: raise Refused(...)`"),
    ast.AsyncFor: ("async", "nothing in a bundle waits"),
    ast.AsyncFunctionDef: ("async", "nothing in a bundle waits"),
    ast.AsyncWith: ("async", "nothing in a bundle waits"),
    ast.Await: ("async", "nothing in a bundle waits"),
    ast.ClassDef: ("nested_class", "declare records at module level"),
    ast.Div: ("float", "divide with // and say which way it rounds"),
    ast.FormattedValue: ("f_string", "join texts with + and str()"),
    ast.FunctionDef: ("nested_function", "write the function at module level"),
    ast.Global: ("global", "what must be remembered stands in a table"),
    ast.Import: ("import", "import only `from runtime.api.v1` and pure functions of this bundle"),
    ast.ImportFrom: ("import", "imports stand at module level"),
    ast.JoinedStr: ("f_string", "join texts with + and str()"),
    ast.Lambda: ("lambda", "write a function at module level"),
    ast.MatMult: ("operator", "there are no matrices here"),
    ast.Match: ("match", "use if and elif"),
    ast.NamedExpr: ("walrus", "assign on a line of its own"),
    ast.Nonlocal: ("global", "what must be remembered stands in a table"),
    ast.Set: ("set", "a set has no order; use a tuple, a list or a dict"),
    ast.SetComp: ("set", "a set has no order; use a tuple, a list or a dict"),
    ast.Starred: ("star", "name each item"),
    ast.TryStar: ("except_star", "handlers name `Refused` only"),
    ast.With: ("with", "nothing in a bundle needs closing"),
    ast.Yield: ("yield", "return a tuple or a list"),
    ast.YieldFrom: ("yield", "return a tuple or a list"),
}
"""Why common refused forms are refused: the problem's code, and what to write instead."""

GENERATOR_TAKERS = frozenset({"all", "any", "dict", "list", "max", "min", "sorted", "sum", "tuple"})
"""Builtins whose only argument may be a generator expression; it is evaluated at once."""

# --- names -----------------------------------------------------------------------------------------------------------

TYPES = frozenset({"Address", "Amount", "Data", "Flag", "Hash", "Text"})
"""Types of fields, arguments and key parts."""
KEY_TYPES = frozenset({"Address", "Amount", "Data", "Hash", "Text"})
BASES = frozenset({"Record", "Variant"})
MIGRATION_TYPES = frozenset({"Old", "Frozen", "Inputs"})
DECLARING = frozenset({"case", "field", "invariant", "table"})
RULES = frozenset({"at_most", "count", "equal", "refers", "total"})
DECORATORS = frozenset({"call", "hook", "migration", "query", "reverse", "validate"})
API = TYPES | BASES | MIGRATION_TYPES | DECLARING | RULES | DECORATORS | {"Context", "Refused"}
"""All that can be imported from runtime.api.v1."""

BUILTINS = frozenset(
    {
        *("abs", "all", "any", "bool", "bytes", "dict", "divmod", "enumerate", "int", "isinstance", "len", "list"),
        *("max", "min", "range", "reversed", "sorted", "str", "sum", "tuple", "zip"),
    }
)
BUILTIN_KEYWORDS: dict[str, frozenset[str]] = {
    "enumerate": frozenset({"start"}),
    "max": frozenset({"default", "key"}),
    "min": frozenset({"default", "key"}),
    "sorted": frozenset({"key", "reverse"}),
}
"""Keyword arguments of builtins; all others are positional only. `key` names a pure function of the bundle."""

METHODS: dict[str, str] = {
    "append": "list",
    "but": "record",
    "count": "list, text, data",
    "decode": "data",
    "encode": "text",
    "endswith": "text, data",
    "extend": "list",
    "find": "text, data",
    "get": "dict",
    "hex": "data",
    "index": "list",
    "insert": "list",
    "items": "dict",
    "join": "text, data",
    "keys": "dict",
    "pop": "list, dict",
    "replace": "text, data",
    "reverse": "list",
    "split": "text",
    "startswith": "text, data",
    "strip": "text",
    "values": "dict",
}
"""Methods that may be called, and on what. Only `but` takes keywords. Case folding is missing on purpose:
it follows the Unicode tables of each Python."""

CONTEXT_VALUES = frozenset({"caller", "chain_id", "height", "sender"})
CONTEXT_CALLS = frozenset(
    {"call", "delete", "event", "flag", "get", "has", "module_address", "parameter", "put", "query", "scan"}
)
TABLE_CALLS = frozenset({"delete", "get", "has", "put", "scan"})
CONTEXT = CONTEXT_VALUES | CONTEXT_CALLS
WRITING = frozenset({"call", "delete", "event", "put"})
"""What of the context a query or a health hook may not use."""

RESERVED = API | BUILTINS | {"ctx"}
"""Names that a bundle may not give to anything of its own."""
RESERVED_FIELDS = frozenset({"but", "case", "of", "value"})
"""Names of the host's own on every record and variant."""
