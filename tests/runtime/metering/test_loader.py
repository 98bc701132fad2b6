"""Loading a bundle: nothing of it runs, several stand side by side, what the checker accepts compiles."""

from __future__ import annotations

import random
import re
import traceback
from pathlib import Path

import pytest

from runtime.bundle import allowlist
from runtime.bundle.archive import of_files, pack
from runtime.bundle.checker import check_bundle
from runtime.bundle.loader import load
from runtime.bundle.problems import BundleRefused
from runtime.context import invoke_query
from runtime.metering.builtins import BUILTINS, WITH_KEY
from runtime.metering.meter import Meter
from runtime.metering.methods import METHODS, OF_TYPE
from runtime.metering.syntax import NotCompilable
from storage.record import schema_of
from tests.runtime.metering.programs import compiled
from tests.runtime.small_chain import bundle_of, loaded_from, small_chain

CORE = Path(__file__).parents[3] / "runtime" / "core"
ANSWER = '''
"""A module that uses a library."""
from .helpers import doubled
BASE = {base}
class Row(Record):
    n: Amount = field(1, default=0)
rows = table(Row, key=(Amount,), names=("number",))
@query
def answer(ctx: Context) -> Amount:
    return doubled(BASE) + extra()
def extra():
    return Row(n=1).n
'''
HELPERS = '''
"""Pure functions."""
FACTOR = 2
def doubled(n):
    return times(n, FACTOR)
def times(n, factor):
    return n * factor
'''


def test_the_core_bundle_loads_with_all_it_declares() -> None:
    bundle = pack(CORE, chain="test")
    loaded = load(bundle, check_bundle(bundle, chain="test", host_release=None))
    assert loaded.code_hash == bundle.code_hash
    assert {call.id for call in loaded.declaration.calls()} == {f"{m}.{n}" for m, n in loaded.calls}
    for table in loaded.declaration.tables():
        assert loaded.tables[table.id].schema == table.record == schema_of(loaded.tables[table.id].record)
        assert loaded.tables[table.id].key_names == table.key_names


def test_two_bundles_stand_side_by_side(tmp_path: Path) -> None:
    bundles = [bundle_of({"one": ANSWER.replace("{base}", str(base))}, libraries=HELPERS) for base in (10, 20)]
    first, second = (loaded_from(bundle) for bundle in bundles)
    with small_chain(tmp_path, first) as chain:
        assert chain.ask("one.answer") == 21
        chain.loaded = second
        assert chain.ask("one.answer") == 41
        chain.loaded = first
        assert chain.ask("one.answer") == 21
    assert first.code_hash != second.code_hash
    assert first.tables["one.rows"].schema_digest == second.tables["one.rows"].schema_digest


def test_a_traceback_names_the_code_hash_and_the_file(tmp_path: Path) -> None:
    source = ANSWER.replace("{base}", "10").replace("doubled(BASE)", "doubled(BASE) // 0")
    bundle = bundle_of({"one": source}, libraries=HELPERS)
    with small_chain(tmp_path, loaded_from(bundle)) as chain:
        with pytest.raises(ZeroDivisionError) as raised:
            invoke_query(chain, "one", "answer", (), Meter(10_000, 0))
        frames = [frame.filename for frame in traceback.extract_tb(raised.tb)]
    assert f"bundle_{bundle.code_hash.hex()[:16]}.one/one.py" in frames


def test_no_name_of_python_itself_is_in_reach() -> None:
    space = compiled("def main():\n    return 1\n")
    assert space["__builtins__"] == {}
    assert not {"open", "eval", "exec", "__import__", "getattr", "print"} & {name.strip("_") for name in space}


def test_the_compiler_knows_just_what_the_checker_allows() -> None:
    assert set(BUILTINS) == allowlist.BUILTINS
    assert {name for name, words in allowlist.BUILTIN_KEYWORDS.items() if "key" in words} == WITH_KEY
    assert set(METHODS) == set(allowlist.METHODS)
    kinds = {"list": list, "text": str, "data": bytes, "dict": dict}
    for name, words in allowlist.METHODS.items():
        for word in words.split(", "):
            assert word == "record" or name in OF_TYPE[kinds[word]]


REFUSED = [
    "import os",
    "global a",
    "x = lambda: 1",
    "x = {1, 2}",
    "x = f'{a}'",
    "x = 1.5",
    "x = a / 2",
    "x = a @ a",
    "x = a is a",
    "x = ...",
    "x = 2j",
    "x = _m",
    "x = a._b",
    "x = a.is_integer",
    "a.b = 1",
    "a[0:1] = []",
    "del a[0:1]",
    "del a.b",
    "x = open",
    "open('x')",
    "eval('1')",
    "x = len",
    "x = main",
    "a()",
    "a.b()",
    "a.append.b(1)",
    "(lambda: 1)()",
    "main(*a)",
    "main(**a)",
    "[*a]",
    "x, *y = a",
    "{**a}",
    "yield 1",
    "x = [(yield 1)]",
    "await a",
    "assert a",
    "x = (y := 1)",
    "with a:\n        pass",
    "def f():\n        pass",
    "class C:\n        pass",
    "match a:\n        case 1:\n            pass",
    "try:\n        pass\n    finally:\n        pass",
    "try:\n        pass\n    except:\n        pass",
    "try:\n        pass\n    except ValueError:\n        pass",
    "try:\n        pass\n    except (Refused, ValueError):\n        pass",
    "try:\n        pass\n    except BaseException:\n        pass",
    "try:\n        pass\n    except* Refused:\n        pass",
    "try:\n        pass\n    except Refused as e:\n        pass",
    "raise",
    "raise ValueError('x')",
    "raise Refused",
    "raise Refused('x') from None",
    "for a.b in [1]:\n        pass",
    "for a[0] in [1]:\n        pass",
    "x = [1 for a[0] in [1]]",
    "x = (n for n in a)",
    "sorted(a, key=len)",
    "sorted(a, key=a)",
    "isinstance(a, int)",
    "Refused('x')",
    "x = " + "9" * 80,
]


@pytest.mark.parametrize("statement", REFUSED)
def test_what_cannot_be_metered_is_not_compiled(statement: str) -> None:
    with pytest.raises((NotCompilable, SyntaxError)):
        compiled(f"def main(a):\n    {statement}\n")


@pytest.mark.parametrize("signature", ["a, /", "*a", "**a", "*, a", "a=[]", "a=main", "_m"])
def test_only_plain_parameters_are_compiled(signature: str) -> None:
    with pytest.raises((NotCompilable, SyntaxError)):
        compiled(f"def main({signature}):\n    return 1\n")


def nested(count: int, before: str, after: str, inside: str = "a") -> str:
    return before * count + inside + after * count


DEEPEST = {
    "operands": "+".join(["a"] * 100),
    "brackets": nested(31, "(a + ", ")"),
    "calls": nested(31, "abs(", ")"),
    "negations": "not " * 90 + "a",
    "signs": "-" * 95 + "a",
    "subscripts": "[a]" + "[0]" * 95,
    "choices": nested(31, "(a if ", " else a)"),
    "comprehensions": nested(30, "[", " for n in (1,)]"),
    "dicts": nested(30, "{a: ", " for n in (1,)}"),
    "walked": nested(30, "[n for n in ", "]", "[a]"),
    "chain": "<".join(["(a + 1)"] * 45),
    "chains": nested(25, "(a < (a + 1) < ", ")"),
    "both": " and ".join(["a"] * 99),
}


@pytest.mark.parametrize("expression", DEEPEST.values(), ids=DEEPEST)
@pytest.mark.parametrize("blocks", [0, 8])
def test_the_deepest_sources_that_the_checker_accepts_compile(expression: str, blocks: int) -> None:
    """Python 3.12.1 ends with a crash, not an error, when comprehensions pass its limit of nested blocks."""
    lines = ['"""Deep."""', "@query", "def q(ctx: Context, a: Amount) -> Amount:"]
    indent = "    "
    for _ in range(blocks):
        lines += [f"{indent}try:", f"{indent}    pass", f"{indent}except Refused:"]
        indent += "    "
    lines += [f"{indent}b = {expression}", "    return a"]
    try:
        loaded_from(bundle_of({"one": "\n".join(lines)}))
    except BundleRefused as refused:
        assert {problem.code for problem in refused.problems} <= {"too_nested", "too_long", "unused"}


TOKEN = re.compile(r"[A-Za-z_]\w*|\d+|[-+*/%<>=!&|]+|[^\s\w]")


def test_whatever_the_checker_accepts_can_be_compiled() -> None:
    """Mutants of the core bundle: each is refused with problems, or loads."""
    files = dict(pack(CORE, chain="test").files)
    source, rng, accepted = files["bank.py"].decode(), random.Random(3), 0
    start = source.index("def still_locked")
    tokens = [place for place in TOKEN.finditer(source) if place.start() > start]
    for _ in range(150):
        place, other = rng.choice(tokens), rng.choice(tokens).group()
        files["bank.py"] = (source[: place.start()] + other + source[place.end() :]).encode()
        bundle = of_files(files)
        try:
            declaration = check_bundle(bundle, chain="test", host_release=None)
        except BundleRefused:
            continue
        load(bundle, declaration)
        accepted += 1
    assert accepted > 5
