"""The grammar of a source: its module-level forms, read into declarations without running anything.

    "docstring"
    from runtime.api.v1 import NAMES            from .other import pure_function (own tests: and more)
    NAME = constant
    class Name(Record): field: Type = field(number[, default=zero][, value="coin"])
    class Name(Variant): case: Record = case(number)
    name = table(Record, key=(Type, ..)[, names=(..)])
    invariant("name", rule)
    functions, with one decorator or, when pure, none

Everything a form names stands above it. Any other statement at module level is refused.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from runtime.bundle.allowlist import API, PYTHON_GRAMMAR
from runtime.bundle.annotations import key_kinds
from runtime.bundle.classes import ClassReader
from runtime.bundle.declarations import (
    CallDeclaration,
    Constant,
    FunctionDeclaration,
    HookDeclaration,
    ImportDeclaration,
    Invariant,
    MigrationDeclaration,
    ModuleDeclaration,
    QueryDeclaration,
    ReverseDeclaration,
    SourceKind,
    TableDeclaration,
    ValidateDeclaration,
)
from runtime.bundle.forms import NAME, TYPE_NAME, bind, check_name, form_of
from runtime.bundle.functions import Declared, Scope, read_function
from runtime.bundle.literals import constant_of, texts_of
from runtime.bundle.problems import Findings
from runtime.bundle.rules import RuleReader
from runtime.bundle.tokens import check_source

_API_MODULE = "runtime.api.v1"
_CONSTANT_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_MAX_KEY_PARTS = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """A source read: what it declares, and the functions whose bodies are judged next."""

    declaration: ModuleDeclaration
    functions: dict[str, ast.FunctionDef]


def parse_source(file: str, source: bytes, findings: Findings) -> ast.Module | None:
    """The tree of a source that passed the first look; None after reporting why there is none."""
    problems = check_source(file, source)
    findings.add(problems)
    if problems:
        return None
    try:
        return ast.parse(source.decode("ascii"), filename=file, feature_version=PYTHON_GRAMMAR)
    except SyntaxError as error:
        findings.report("not_python", error.lineno or 0, f"this is no Python: {error.msg}")
    except (ValueError, RecursionError, MemoryError):
        findings.report("not_python", 0, "this source cannot be parsed")
    return None


def read_module(name: str, file: str, kind: SourceKind, tree: ast.Module, findings: Findings) -> Reading:
    """All that a source declares; problems go to `findings` and leave out what they concern."""
    reader = _Reader(name, file, findings)
    for position, statement in enumerate(tree.body):
        reader.read(statement, first=position == 0)
    reader.check_imported(tree)
    if kind != "module":
        reader.refuse_all_but_functions()
    return Reading(reader.declaration(kind), reader.functions)


class _Reader:
    """Walks the statements of one source from top to bottom."""

    def __init__(self, module: str, file: str, findings: Findings) -> None:
        self.functions: dict[str, ast.FunctionDef] = {}
        self._findings = findings
        self._scope = Scope(module, file)
        self._classes = ClassReader(self._scope, findings)
        self._doc = ""
        self._api: list[str] = []
        self._constants: dict[str, Constant] = {}
        self._declared: list[Declared] = []
        self._invariants: list[Invariant] = []
        self._imports: list[ImportDeclaration] = []
        self._names: set[str] = set()

    def read(self, statement: ast.stmt, *, first: bool) -> None:
        """Take in one statement at module level; the ``first`` may be the docstring."""
        match statement:
            case ast.Expr(value=ast.Constant(value=str(text))):
                self._doc = text if first else self._doc
            case ast.ImportFrom():
                self._import(statement)
            case ast.Assign(targets=[ast.Name(id=name)]) if form_of(statement.value) == "table":
                self._table(name, statement)
            case ast.Assign(targets=[ast.Name(id=name)]):
                self._constant(name, statement)
            case ast.ClassDef():
                named = check_name(statement.name, TYPE_NAME, statement, self._findings)
                if self._claim(statement.name, statement) and named:
                    self._classes.read(statement)
            case ast.Expr(value=ast.Call() as call) if form_of(call) == "invariant":
                self._invariant(call)
            case ast.FunctionDef():
                self._function(statement)
            case _:
                self._findings.report(
                    "module_statement", statement, "only declarations stand at module level; code stands in functions"
                )

    def check_imported(self, tree: ast.Module) -> None:
        """Declarations use names of the API that the source imports; bodies are judged on their own."""
        for statement in tree.body:
            roots = statement.decorator_list if isinstance(statement, ast.FunctionDef) else [statement]
            for node in (node for root in roots for node in ast.walk(root)):
                if isinstance(node, ast.Name) and node.id in API and node.id not in self._api:
                    self._findings.report("not_imported", node, f"import {node.id} from {_API_MODULE}")

    def refuse_all_but_functions(self) -> None:
        """A source that is no module of the manifest holds constants and pure functions only."""
        scope = self._scope
        for line in [
            *(table.line for table in scope.tables.values()),
            *(invariant.line for invariant in self._invariants),
            *(made.line for made in self._declared if not isinstance(made, FunctionDeclaration)),
        ]:
            self._findings.report("not_a_module", line, "the manifest names no module with this source")

    def declaration(self, kind: SourceKind) -> ModuleDeclaration:
        """What was read, as one value."""
        declared, scope = self._declared, self._scope
        return ModuleDeclaration(
            name=scope.module,
            file=scope.file,
            kind=kind,
            doc=self._doc,
            api_names=tuple(self._api),
            constants=self._constants,
            records=scope.records,
            variants=scope.variants,
            tables=tuple(scope.tables.values()),
            calls=tuple(made for made in declared if isinstance(made, CallDeclaration)),
            queries=tuple(made for made in declared if isinstance(made, QueryDeclaration)),
            hooks=tuple(made for made in declared if isinstance(made, HookDeclaration)),
            migrations=tuple(made for made in declared if isinstance(made, MigrationDeclaration)),
            validators=tuple(made for made in declared if isinstance(made, ValidateDeclaration)),
            reverses=tuple(made for made in declared if isinstance(made, ReverseDeclaration)),
            invariants=tuple(self._invariants),
            functions=tuple(made for made in declared if isinstance(made, FunctionDeclaration)),
            imports=tuple(self._imports),
        )

    def _claim(self, name: str, node: ast.AST) -> bool:
        """Take a module-level name; each is given once."""
        if name in self._names:
            self._findings.report("repeated", node, f"{name!r} is declared twice")
            return False
        self._names.add(name)
        return True

    def _import(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.asname is not None:
                self._findings.report("import", node, f"{alias.name} is imported under its own name")
            elif node.level == 0 and node.module == _API_MODULE:
                self._import_api(alias.name, node)
            elif node.level == 1 and node.module and NAME.fullmatch(node.module):
                pattern = TYPE_NAME if alias.name[:1].isupper() else NAME
                if check_name(alias.name, pattern, node, self._findings) and self._claim(alias.name, node):
                    self._imports.append(ImportDeclaration(f"{node.module}.py", alias.name, node.lineno))
            else:
                self._findings.report(
                    "import", node, f"import only from {_API_MODULE}, and pure functions from .other of this bundle"
                )

    def _import_api(self, name: str, node: ast.ImportFrom) -> None:
        if name not in API:
            self._findings.report("import", node, f"{_API_MODULE} has no {name!r}")
        elif self._claim(name, node):
            self._api.append(name)

    def _constant(self, name: str, node: ast.Assign) -> None:
        value = constant_of(node.value, self._constants, self._findings)
        if check_name(name, _CONSTANT_NAME, node, self._findings) and self._claim(name, node) and value is not None:
            self._constants[name] = value

    def _table(self, name: str, node: ast.Assign) -> None:
        assert isinstance(node.value, ast.Call)
        bound = bind(node.value, self._findings)
        if not check_name(name, NAME, node, self._findings) or not self._claim(name, node) or bound is None:
            return
        record = self._scope.records.get(bound["record"].id) if isinstance(bound["record"], ast.Name) else None
        if record is None:
            self._findings.report("unknown_record", node, "a table holds records of a class declared above it")
            return
        key = key_kinds(bound["key"])
        if key is None or not 1 <= len(key) <= _MAX_KEY_PARTS:
            self._findings.report("table_key", node, "key is one to four of Address, Amount, Data, Hash and Text")
            return
        names = texts_of(bound["names"]) if "names" in bound else _default_names(len(key))
        if not _sound_names(names, len(key), {spec.name for spec in record.fields}) or names is None:
            self._findings.report("table_key", node, "names has one new name for each key part, none of them a field's")
            return
        self._scope.tables[name] = TableDeclaration(self._scope.module, name, record, key, names, node.lineno)

    def _invariant(self, call: ast.Call) -> None:
        rules = RuleReader(self._scope.module, self._scope.tables, self._constants, self._findings)
        made = rules.read(call)
        if made is not None and any(made.name == other.name for other in self._invariants):
            self._findings.report("repeated", call, f"the invariant {made.name!r} is declared twice")
        elif made is not None:
            self._invariants.append(made)

    def _function(self, node: ast.FunctionDef) -> None:
        declared = read_function(node, self._scope, self._findings)
        if not self._claim(node.name, node) or declared is None:
            return
        if isinstance(declared, HookDeclaration) and any(
            isinstance(other, HookDeclaration) and other.kind == declared.kind for other in self._declared
        ):
            self._findings.report("repeated", node, f"the module has two {declared.kind} hooks")
            return
        self._declared.append(declared)
        self.functions[node.name] = node


def _default_names(parts: int) -> tuple[str, ...]:
    return ("key",) if parts == 1 else tuple(f"key{number}" for number in range(1, parts + 1))


def _sound_names(names: tuple[str, ...] | None, parts: int, fields: set[str]) -> bool:
    if names is None or len(names) != parts or len(set(names)) != parts or fields & set(names):
        # the default name "key" may meet a field of that name only where the author chose neither
        return False
    return all(NAME.fullmatch(name) for name in names) and ("key" not in names or parts == 1)
