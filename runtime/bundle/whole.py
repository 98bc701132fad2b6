"""What can be judged only when every source is read: imports, calls between modules, ports, one migration a table."""

from __future__ import annotations

from collections.abc import Iterator

from runtime.bundle.allowlist import MAX_FUNCTIONS, MAX_INVARIANTS, MAX_TABLES, MAX_TESTS
from runtime.bundle.archive import MANIFEST
from runtime.bundle.declarations import ModuleDeclaration, RuntimeDeclaration
from runtime.bundle.problems import Problem
from storage.keys import KeyKind
from storage.record import Kind


def whole_problems(declaration: RuntimeDeclaration) -> Iterator[Problem]:
    """Every problem between sound modules."""
    yield from _bounds(declaration)
    yield from _uses(declaration)
    yield from _migrations(declaration)
    yield from _ports(declaration)
    yield from _tests(declaration)


def _bounds(declaration: RuntimeDeclaration) -> Iterator[Problem]:
    functions = [declaration.calls(), declaration.queries(), declaration.migrations(), declaration.validators()]
    functions.append(declaration.reverses())
    for what, number, most in (
        ("tables", len(list(declaration.tables())), MAX_TABLES),
        ("invariants", len(list(declaration.invariants())), MAX_INVARIANTS),
        ("tests", len(declaration.own_tests()), MAX_TESTS),
        ("declared functions", sum(len(list(made)) for made in functions), MAX_FUNCTIONS),
    ):
        if number > most:
            yield Problem("too_many", MANIFEST, 0, f"{number} {what}, at most {most} are allowed")


def import_problems(declaration: RuntimeDeclaration) -> Iterator[Problem]:
    """Every import that finds nothing, or what may not be imported, and sources that import each other."""
    run = (*declaration.modules, *declaration.libraries)
    sources = {source.file: source for source in (*run, *declaration.tests)}
    for source in sources.values():
        for imported in source.imports:
            other = sources.get(imported.file)
            if other is None:
                yield Problem("import", source.file, imported.line, f"this bundle has no {imported.file}")
            elif other.kind == "tests":
                yield Problem("import", source.file, imported.line, f"nothing imports tests ({imported.file})")
            elif imported.name not in other.importable(source.kind):
                what = "pure function, record or migration without reads" if source.kind == "tests" else "pure function"
                message = f"{imported.file} has no {what} {imported.name!r}; nothing else can be imported"
                yield Problem("import", source.file, imported.line, message)
    for file in _in_a_circle(sources):
        yield Problem("import", file, 0, "sources import each other in a circle; move what they share to a third")


def _in_a_circle(sources: dict[str, ModuleDeclaration]) -> list[str]:
    """Files left over when those without open imports are taken away again and again."""
    left = {file: {imported.file for imported in source.imports} & set(sources) for file, source in sources.items()}
    while done := [file for file, needed in left.items() if not needed]:
        for file in done:
            del left[file]
        for needed in left.values():
            needed.difference_update(done)
    return sorted(left)


def _uses(declaration: RuntimeDeclaration) -> Iterator[Problem]:
    for entry in declaration.manifest.modules:
        for used in entry.uses:
            if declaration.call(used) is None:
                message = f"{entry.name} uses {used!r}, which is not there"
                yield declaration.manifest.problem("unknown_call", f'"{used}"', message)


def _migrations(declaration: RuntimeDeclaration) -> Iterator[Problem]:
    seen: set[str] = set()
    for migration in declaration.migrations():
        entry = declaration.manifest.module(migration.module)
        if migration.table_id in seen:
            message = f"{migration.table_id} has two migrations; one makes each record anew"
            yield Problem("repeated", migration.file, migration.line, message)
        if entry is not None and not 1 <= migration.from_schema < entry.schema:
            message = f"from_schema lies below {entry.schema}, the schema of {entry.name} in {MANIFEST}"
            yield Problem("wrong_from_schema", migration.file, migration.line, message)
        seen.add(migration.table_id)
    for reverse in declaration.reverses():
        if reverse.table_id not in seen:
            message = f"{reverse.table_id} has no migration, or two reverses: there is nothing to go back from"
            yield Problem("nothing_to_reverse", reverse.file, reverse.line, message)
        seen.discard(reverse.table_id)


def _tests(declaration: RuntimeDeclaration) -> Iterator[Problem]:
    for source, test in declaration.own_tests():
        if test.parameters:
            yield Problem("test_parameters", source.file, test.line, f"{test.name} is a test: it takes nothing")


def _ports(declaration: RuntimeDeclaration) -> Iterator[Problem]:
    ports = declaration.manifest.ports
    if ports.purse is not None:
        fields: dict[str, Kind] = {ports.purse.field: "amount"}
        yield from _port(declaration, "purse", ports.purse.table, ("address",), fields)
        yield from _purse(declaration, ports.purse.table, ports.purse.field)
    if ports.validators is not None:
        port = ports.validators
        wanted: dict[str, Kind] = {port.tokens: "amount", port.shares: "amount", port.bonded: "flag", port.key: "data"}
        yield from _port(declaration, "validators", port.table, ("address",), wanted)
    if ports.delegations is not None:
        shares: dict[str, Kind] = {ports.delegations.shares: "amount"}
        yield from _port(declaration, "delegations", ports.delegations.table, ("address", "address"), shares)


def _port(
    declaration: RuntimeDeclaration, name: str, table_id: str, key: tuple[KeyKind, ...], fields: dict[str, Kind]
) -> Iterator[Problem]:
    table, near = declaration.table(table_id), f"[ports.{name}]"
    problem = declaration.manifest.problem
    if table is None:
        yield problem("port", near, f"{near} names {table_id!r}, which this bundle does not have")
        return
    if table.key != key:
        yield problem("port", near, f"{near}: the key of {table_id} must be ({', '.join(key)})")
    for field, kind in fields.items():
        spec = table.record.field(field)
        if spec is None or spec.type.kind != kind:
            yield problem("port", near, f"{near}: {table_id} must have {field!r} of kind {kind}")


def _purse(declaration: RuntimeDeclaration, table_id: str, field: str) -> Iterator[Problem]:
    """The host opens purses: it knows the balance and no other field."""
    table, problem, near = declaration.table(table_id), declaration.manifest.problem, "[ports.purse]"
    for spec in table.record.fields if table else ():
        if spec.name == field and spec.value != "coin":
            yield problem("port", near, f'{near}: {table_id}.{field} must be marked value="coin"')
        elif spec.name != field and not spec.has_default:
            yield problem("port", near, f"{near}: {table_id}.{spec.name} needs a default")
