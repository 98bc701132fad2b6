"""The submission checker says what is wrong, where, and all of it; and the same on every Python."""

from __future__ import annotations

import ast
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle.allowlist import API, BUILTINS, CONTEXT, METHODS
from runtime.bundle.archive import of_files
from runtime.bundle.checker import check_bundle
from runtime.bundle.loader import load
from runtime.bundle.problems import BundleMalformed, BundleRefused
from runtime.context import Context
from runtime.metering.builtins import BUILTINS as HOST_BUILTINS
from runtime.metering.methods import METHODS as HOST_METHODS
from tests.runtime.bundle import corpus

ROOT = Path(__file__).resolve().parents[3]
MUTANTS = 600
EMPTY = ast.Module(body=[], type_ignores=[])


@pytest.mark.parametrize("name", corpus.ACCEPTED)
def test_a_sound_source_is_accepted(name: str) -> None:
    assert corpus.verdict(corpus.bundle_with(corpus.ACCEPTED[name])) == []


@pytest.mark.parametrize("name", corpus.REFUSED)
def test_each_marked_line_is_refused_and_nothing_else(name: str) -> None:
    source = corpus.REFUSED[name]
    assert corpus.expected(source), "the source marks what is wrong with it"
    assert corpus.verdict(corpus.bundle_with(source)) == corpus.expected(source)


@pytest.mark.parametrize("name", corpus.BOUNDS)
def test_what_passes_a_bound_never_reaches_a_parser(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, code = corpus.BOUNDS[name]
    parsed: list[str] = []
    monkeypatch.setattr("runtime.bundle.grammar.ast.parse", lambda text, **how: parsed.append(text) or EMPTY)
    found = corpus.verdict(corpus.bundle_with(source))
    assert {code for code, file, _ in found if file == "one.py"} >= {code}
    assert corpus.HEAD + source not in parsed
    assert len(parsed) == 2, "the other two sources are parsed"


def test_every_problem_is_reported_with_file_and_line_and_advice() -> None:
    both = corpus.REFUSED["division"] + "\n\nX = [1]  #! not_constant\n"
    with pytest.raises(BundleRefused) as refused:
        check_bundle(corpus.bundle_with(both), chain="other", host_release="0.0.9")
    codes = {problem.code for problem in refused.value.problems}
    assert codes == {"float", "not_constant", "wrong_chain", "host_too_old"}
    assert all(problem.message and problem.file for problem in refused.value.problems)
    assert {problem.line for problem in refused.value.problems if problem.file == "bundle.toml"} == {3, 5}
    assert "one.py:" in str(refused.value)


def test_a_bundle_is_asked_about_anew_for_each_chain_and_host() -> None:
    bundle = corpus.bundle_with(corpus.ACCEPTED[min(corpus.ACCEPTED)])
    declaration = check_bundle(bundle, chain=None, host_release=None)
    for _ in range(2):
        with pytest.raises(BundleRefused) as refused:
            check_bundle(bundle, chain="other", host_release="0.0.9")
        assert {problem.code for problem in refused.value.problems} == {"wrong_chain", "host_too_old"}
        assert check_bundle(bundle, chain=None, host_release=None) == declaration


def test_a_bundle_without_a_source_or_with_a_stray_module_is_refused() -> None:
    files = dict(corpus.bundle_with("").files)
    del files["bank.py"]
    assert ("missing_source", "bank.py", 0) in corpus.verdict(of_files(files))
    stray = dict(corpus.bundle_with("").files) | {"stray.py": corpus.BANK}
    assert {code for code, file, _ in corpus.verdict(of_files(stray)) if file == "stray.py"} == {"not_a_module"}


def test_nothing_is_said_to_be_missing_from_a_source_that_cannot_be_read() -> None:
    ask = '    x = halves(ctx.query("bank.balance", ctx.sender)).no_such + sorted([n], key=halves)[0].but(nor_this=1)\n'
    files = dict(corpus.bundle_with(corpus.DO + ask).files)
    assert {code for code, _, _ in corpus.verdict(of_files(files))} == {
        "unknown_attribute", "unknown_field"
    }  # fmt: skip
    for file in ("bank.py", "rounding.py"):
        files[file] += b"\n\nHALF = 0.5\n"
    found = [(code, file) for code, file, _ in corpus.verdict(of_files(files))]
    assert found == [("float", "bank.py"), ("float", "rounding.py")]


def test_sources_that_import_each_other_in_a_circle_are_refused() -> None:
    circle = b'"""Back."""\nfrom .one import twice\n\n\ndef halves(n):\n    return twice(n)\n'
    files = dict(corpus.bundle_with("").files) | {"rounding.py": circle}
    assert {code for code, _, _ in corpus.verdict(of_files(files))} == {"import"}


def test_a_used_call_that_does_not_exist_is_refused() -> None:
    files = dict(corpus.bundle_with("").files)
    files["bundle.toml"] = corpus.MANIFEST.replace(b'"bank.take"', b'"bank.take", "bank.steal"')
    assert corpus.verdict(of_files(files)) == [("unknown_call", "bundle.toml", 16)]


@pytest.mark.parametrize(
    ("port", "message"),
    [
        ('[ports.purse]\ntable = "bank.nothing"\nfield = "balance"\n', "does not have"),
        ('[ports.purse]\ntable = "bank.accounts"\nfield = "coins"\n', "of kind amount"),
        ('[ports.purse]\ntable = "one.rows"\nfield = "n"\n', "coin"),
        ('[ports.purse]\ntable = "one.pairs"\nfield = "n"\n', "key of one.pairs"),
        ('[ports.delegations]\ntable = "bank.accounts"\nshares = "balance"\n', "key of bank.accounts"),
    ],
)
def test_a_port_that_does_not_fit_its_table_is_refused(port: str, message: str) -> None:
    files = dict(corpus.bundle_with("").files)
    files["bundle.toml"] = corpus.MANIFEST + port.encode()
    with pytest.raises(BundleRefused, match=message) as refused:
        check_bundle(of_files(files), chain="test", host_release=None)
    assert {problem.line for problem in refused.value.problems} == {corpus.MANIFEST.count(b"\n") + 1}


def test_a_migration_and_its_check_declare_the_old_fields_they_read() -> None:
    bundle = corpus.bundle_with(corpus.ACCEPTED["migration"])
    declaration = check_bundle(bundle, chain="test", host_release=None)
    (migration,) = declaration.migrations()
    assert migration.old_fields == ("n", "owner_was")
    assert migration.reads == ("bank.accounts", "one.pairs")
    assert [validator.old_fields for validator in declaration.validators()] == [("gone",)]


def test_declarations_are_read_as_data() -> None:
    source = corpus.ACCEPTED["variant"] + "\n\n" + corpus.ACCEPTED["invariants"]
    declaration = check_bundle(corpus.bundle_with(source), chain="test", host_release=None)
    one = declaration.module("one")
    assert one is not None and one.constants == {"LIMIT": 10**18}
    assert [number for number, _ in one.variants["Payment"].cases] == [1, 4]
    assert [invariant.id for invariant in declaration.invariants()] == ["one.as_many", "one.sums", "one.known"]
    assert declaration.call("bank.take").internal and not declaration.call("bank.burn").internal  # type: ignore[union-attr]
    assert declaration.query("one.worth").may_be_none  # type: ignore[union-attr]
    assert declaration.table("one.pairs").key == ("address", "amount")  # type: ignore[union-attr]
    assert [library.name for library in declaration.libraries] == ["rounding"]


def test_the_host_provides_exactly_what_the_list_allows() -> None:
    assert set(HOST_BUILTINS) == BUILTINS
    assert set(HOST_METHODS) | {"but"} == set(METHODS) | {"but"}
    assert {name for name in dir(Context) if not name.startswith("_")} == CONTEXT


def test_the_stub_types_everything_that_can_be_imported() -> None:
    tree = ast.parse((ROOT / "runtime" / "api" / "v1.pyi").read_text())
    typed = {getattr(node, "name", "") for node in tree.body} | {
        node.target.id for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    assert typed >= API
    (context,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Context"]
    assert {node.name for node in context.body if isinstance(node, ast.FunctionDef)} == CONTEXT


def test_what_is_accepted_compiles_on_this_python() -> None:
    for name, source in corpus.ACCEPTED.items():
        compile(corpus.HEAD + source, name, "exec", dont_inherit=True, optimize=0)


def test_whatever_is_accepted_can_be_loaded() -> None:
    """The checker lets nothing through that the metered compiler does not know."""
    rng = random.Random(5)
    sources = [source for source in corpus.ACCEPTED.values() if 10 < len(source) < 5_000]
    edits = [corpus.edited(rng.choice(sources), rng) for _ in range(MUTANTS)]
    accepted = 0
    for source in [*corpus.ACCEPTED.values(), *edits]:
        try:
            bundle = corpus.bundle_with(source)
            declaration = check_bundle(bundle, chain=None, host_release=None)
        except (BundleMalformed, BundleRefused):
            continue
        load(bundle, declaration)
        accepted += 1
    assert accepted > MUTANTS // 10


@pytest.fixture(scope="module")
def here() -> Any:
    return json.loads(json.dumps(corpus.all_verdicts(MUTANTS)))


def test_mutated_sources_are_judged_without_a_crash(here: Any) -> None:
    assert sum(1 for name, found in here.items() if name.startswith("mutant") and found) > MUTANTS // 3
    assert sum(1 for name, found in here.items() if name.startswith("mutant") and not found) > MUTANTS // 100


def other_python() -> str | None:
    """An interpreter of the other supported version that has what a node needs."""
    other = "python3.12" if sys.version_info[:2] == (3, 11) else "python3.11"
    for candidate in (os.environ.get("SYNOD_OTHER_PYTHON"), shutil.which(other)):
        if candidate is None:
            continue
        needed = "import msgspec, plyvel, sys; print(sys.version_info[1])"
        told = subprocess.run([candidate, "-c", needed], capture_output=True, check=False)
        if told.returncode == 0 and int(told.stdout) != sys.version_info[1]:
            return candidate
    return None


@pytest.mark.determinism
def test_another_python_gives_the_same_verdicts(here: Any) -> None:
    python = other_python()
    if python is None:
        pytest.skip("no second Python with the node's libraries: name one in SYNOD_OTHER_PYTHON")
    command = [python, "-m", "tests.runtime.bundle.corpus", str(MUTANTS)]
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == here


def test_a_bundle_declares_a_bounded_number_of_things() -> None:
    tables = "".join(f"t{number} = table(Row, key=(Address,))\n" for number in range(256))
    assert corpus.verdict(corpus.bundle_with(tables)) == [("too_many", "bundle.toml", 0)]


def test_a_large_bundle_of_the_worst_sources_is_judged_in_bounded_work() -> None:
    """A hundred thousand problems, names and attributes cost a walk each, not a walk of all for each."""
    lines = "".join(f"    x = old.a{number} + y.b{number}\n" for number in range(1800))
    source = (
        '@migration(rows, from_schema=1, sets=(), reads=("pairs",))\n'
        'def move(old: Old, frozen: Frozen, inputs: Inputs) -> Row:\n    y = inputs.get("one.pairs", 1)\n' + lines
    )
    found = corpus.verdict(corpus.bundle_with(source + "    return Row(n=x)\n"))
    assert found == []
    many = corpus.verdict(corpus.bundle_with("def f(n):\n" + "    n = q / 2\n" * 4000 + "    return n\n"))
    assert len(many) == 8000


def test_names_of_the_api_are_imported_before_use() -> None:
    files = dict(corpus.bundle_with("").files)
    files["bank.py"] = corpus.BANK.replace(b", Record, call, field, query", b", Record, field, query").replace(
        b"    return 0", b'    raise Refused("never")'
    )
    found = [(code, line) for code, file, line in corpus.verdict(of_files(files)) if file == "bank.py"]
    assert ("not_imported", 12) in found and ("not_imported", 17) in found and ("not_imported", 24) in found
