"""The typed stub: the language of bundles as it is, and the rows of the running runtime as that declares them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction

import pytest

from runtime.bundle.allowlist import API, TYPES
from runtime.bundle.archive import of_files, pack
from runtime.bundle.checker import check_bundle, check_upgrade
from runtime.bundle.declarations import RuntimeDeclaration
from runtime.bundle.stub import STUB, stub_files
from runtime.bundle.template import CORE
from runtime.parameters import RUNTIME_PARAMETERS, ParameterRule

RATIO = ParameterRule("a_ratio", Fraction(1, 2), Fraction(0), Fraction(1), "a ratio, which no migration can get")
MANIFEST = """\
[bundle]
name = "shop"
chain = "test"
version = "{version}"
host = "0.1.0"
notes = "Prices in shop.sales change."

[[module]]
name = "shop"
source = "shop.py"
schema = {schema}

[[module]]
name = "class"
source = "lessons.py"
"""
LESSONS = '''\
"""Lessons: a module and a key that are called as no Python name can be."""
from runtime.api.v1 import Address, Amount, Record, field, table


class Lesson(Record):
    hours: Amount = field(1)


lessons = table(Lesson, key=(Address, Amount), names=("self", "from"))
'''
SHOP = '''\
"""Shop: records in records, lists, a variant, and one class that bears a name of the typing module."""
from runtime.api.v1 import (
    Address,
    Amount,
    Data,
    Flag,
    Frozen,
    Hash,
    Inputs,
    Old,
    Record,
    Text,
    Variant,
    case,
    field,
    migration,
    table,
    validate,
)


class Part(Record):
    n: Amount = field(1)


class Any(Record):
    part: Part = field(1)


class Cash(Record):
    coins: Amount = field(1)


class Kind(Variant):
    cash: Cash = case(1)
    whole: Any = case(2)


class Sale(Record):
    price: Amount = field(1, value="coin")
    paid: Flag = field(2)
    note: Text = field(3)
    raw: Data = field(4)
    owner: Address = field(5)
    proof: Hash = field(6)
    whole: Any = field(7)
    parts: tuple[Part, ...] = field(8, default=())
    kind: Kind = field(9)


sales = table(Sale, key=(Address, Amount), names=("seller", "number"))
'''
MIGRATION = '''

@migration(sales, from_schema=1, sets=("price",), reads=("shop.sales", "class.lessons"), frozen=("query_steps",))
def anew(old: "Old.shop.sales", frozen: Frozen, inputs: Inputs) -> Sale:
    """Every kind of field is read, and records are handed on as they are."""
    lesson = inputs.get("class.lessons", old.owner, 1)
    hours: Amount = 0 if lesson is None else lesson.hours
    other = inputs.get("shop.sales", old.owner, old.price)
    deep: Amount = 0 if other is None else other.whole.part.n + sum(part.n for part in old.parts)
    text: Text = old.note + str(deep) if old.paid else old.raw.hex()
    return Sale(
        price=old.price + hours + frozen.query_steps,
        paid=old.paid,
        note=text,
        raw=old.raw,
        owner=old.owner,
        proof=old.proof,
        whole=old.whole,
        parts=old.parts,
        kind=old.kind,
    )


@validate(sales)
def same(old: "Old.shop.sales", new: Sale) -> bool:
    return new.whole == old.whole and new.kind == old.kind and new.parts == old.parts and new.note == old.note
'''
BARE = MIGRATION.replace('old: "Old.shop.sales"', "old: Old", 1).replace("old.note +", "old.title +")
EDITS = {
    "a field that is gone": ("old.note +", "old.title +", '"sales" has no attribute "title"'),
    "a field of another type": ("paid=old.paid", "paid=old.note", 'incompatible type "str"; expected "bool"'),
    "a field of a row read": ("else lesson.hours", "else lesson.days", '"lessons" has no attribute "days"'),
    "a table that is not there": ('get("class.lessons"', 'get("class.lesson"', 'matches argument types "str", "bytes"'),
    "a key of another form": ("old.owner, 1)", "1, old.owner)", 'matches argument types "str", "int", "bytes"'),
    "a row taken for certain": ("0 if lesson is None else lesson.hours", "lesson.hours", 'Item "None"'),
    "a parameter that is a ratio": ("frozen.query_steps", "frozen.a_ratio", '"Frozen" has no attribute "a_ratio"'),
    "a part of another type": ("deep: Amount", "deep: Text", 'variable has type "str"'),
}
"""What is wrong -> (right text, wrong text, what mypy says of the wrong one)."""


def declared(migration: str = "", version: str = "1.0.0", schema: int = 1) -> RuntimeDeclaration:
    manifest = MANIFEST.format(version=version, schema=schema)
    files = {"bundle.toml": manifest.encode(), "shop.py": (SHOP + migration).encode(), "lessons.py": LESSONS.encode()}
    return check_bundle(of_files(files), chain=None, host_release=None)


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What mypy says, source by source, of the shop with each migration, beside the stub of the shop without one."""
    folder = tmp_path_factory.mktemp("shop")
    sources = {name: wrong(name) for name in EDITS} | {"right": MIGRATION, "bare": BARE}
    files = {f"{name.replace(' ', '_')}.py": (SHOP + migration).encode() for name, migration in sources.items()}
    for name, content in (files | stub_files(declared(), (*RUNTIME_PARAMETERS, RATIO))).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), "."]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout.splitlines()
    assert said[-1].endswith(f"(checked {len(sources) + 4} source files)")
    return {
        name: [line.partition(":")[2] for line in said if line.startswith(f"{name.replace(' ', '_')}.py:")]
        for name in sources
    } | {"stub": [line for line in said if line.startswith("typings")]}


def wrong(name: str) -> str:
    right, edited, _ = EDITS[name]
    assert MIGRATION.count(right) == 1
    return MIGRATION.replace(right, edited)


def test_a_right_migration_has_no_errors_and_passes_the_checker(errors: dict[str, list[str]]) -> None:
    check_upgrade(declared(), declared(MIGRATION, "2.0.0", 2))
    assert errors["right"] == errors["stub"] == []


@pytest.mark.parametrize("name", EDITS)
def test_a_wrong_migration_is_an_error_at_its_place(errors: dict[str, list[str]], name: str) -> None:
    right, _, message = EDITS[name]
    line = (SHOP + MIGRATION).partition(right)[0].count("\n") + 1
    found = [error for error in errors[name] if ": error: " in error]
    assert found[0].startswith(f"{line}: error: ") and message in found[0]


def test_a_bare_row_has_any_field(errors: dict[str, list[str]]) -> None:
    assert "old.title" in BARE and errors["bare"] == []


def rows(stub: bytes) -> Iterator[tuple[str, str, str]]:
    """(module, table, its lines but records inside) of every row class."""
    (old,) = (node for node in ast.parse(stub).body if isinstance(node, ast.ClassDef) and node.name == "Old")
    for module in (node for node in old.body if isinstance(node, ast.ClassDef)):
        for row in (node for node in module.body if isinstance(node, ast.ClassDef)):
            fields = [ast.unparse(line) for line in row.body if isinstance(line, ast.AnnAssign)]
            yield module.name, row.name, "; ".join(fields)


def test_every_table_of_the_running_runtime_has_its_fields() -> None:
    running = check_bundle(pack(CORE), chain=None, host_release=None)
    found = {f"{module}.{row}": fields for module, row, fields in rows(stub_files(running, ())[STUB])}
    assert list(found) == [table.id for table in running.tables()]
    assert found["bank.vestings"] == "locked: Amount; original: Amount; start: Amount; end: Amount"
    assert found["staking.validators"] == "tokens: Amount; shares: Amount; bonded: Flag; key: Data"


def test_the_rest_is_the_language_as_it_is() -> None:
    own = (CORE.parent / "api" / "v1.pyi").read_text()
    made = stub_files(declared(), RUNTIME_PARAMETERS)[STUB].decode()
    replaced = {"Old", "Inputs", "Frozen", "_Row", "_Inside"}

    def others(source: str) -> list[str]:
        return [ast.unparse(node) for node in ast.parse(source).body if getattr(node, "name", "") not in replaced]

    assert others(made) == others(own)
    assert {getattr(node, "name", "") for node in ast.parse(made).body} >= API - TYPES
    assert made.splitlines()[1].endswith("that of shop 1.0.0.")


def test_a_runtime_with_one_table_or_none_has_a_stub_too() -> None:
    manifest = MANIFEST.format(version="1.0.0", schema=1).rpartition("[[module]]")[0].encode()
    for source in (LESSONS, LESSONS[: LESSONS.index("lessons = table")]):
        bundle = of_files({"bundle.toml": manifest, "shop.py": source.encode()})
        stub = stub_files(check_bundle(bundle, chain=None, host_release=None), ())[STUB]
        (inputs,) = (node for node in ast.parse(stub).body if getattr(node, "name", "") == "Inputs")
        assert (ast.unparse(inputs).count("def get"), ast.unparse(inputs).count("overload")) == (1, 0)
