"""A bundle's own tests: what they may import, how they fail, and that no block ever runs them."""

from __future__ import annotations

import pytest

from runtime.bundle.archive import Bundle, of_files
from runtime.bundle.checker import check_bundle
from runtime.bundle.loader import load
from runtime.bundle.owntests import FailedTest, run_tests
from runtime.bundle.problems import BundleRefused
from tests.runtime.story_bundles import second

HEAD = '''"""What the purses promise."""
from runtime.api.v1 import Amount, Record, Refused, field
from .coins import Purse, rewrite


class Before(Record):
    coins: Amount = field(1)


class Parameters(Record):
    scheduled_at: Amount = field(1)


def purse(coins):
    return rewrite(Before(coins=coins), Parameters(scheduled_at=9))


'''
KEEPS = "def test_coins_stay() -> bool:\n    return purse(5).coins == 5\n"
DATES = 'frozen="scheduled_at"', "return Purse(coins=old.coins, seen=frozen.scheduled_at)"


def with_tests(source: str, head: str = HEAD, bundle: Bundle | None = None, file: str = "tests.py") -> Bundle:
    return of_files({**dict((bundle or second()).files), file: (head + source).encode()})


def ran(bundle: Bundle, steps: int = 10_000) -> list[FailedTest | None]:
    return list(run_tests(bundle, load(bundle, check_bundle(bundle, chain=None, host_release=None)), steps))


def refused(bundle: Bundle) -> set[tuple[str, str]]:
    with pytest.raises(BundleRefused) as refusal:
        check_bundle(bundle, chain=None, host_release=None)
    return {(problem.code, problem.file) for problem in refusal.value.problems}


def test_a_migration_is_run_with_records_and_parameters_of_the_test() -> None:
    dated = second(body=DATES[1], frozen='"scheduled_at",')
    source = KEEPS + "\n\ndef test_the_date_is_kept() -> bool:\n    return purse(5) == Purse(coins=5, seen=9)\n"
    assert ran(with_tests(source, bundle=dated)) == [None, None]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("return purse(7).coins == 9", "not_true"),
        ("return 1", "not_true"),
        ('raise Refused("swapped")\n    return True', "swapped"),
        ("return purse(7 // 0) == 0", "division_by_zero"),
        ("while True:\n        pass\n    return True", "out_of_steps"),
    ],
)
def test_the_first_that_fails_is_the_last_that_runs(body: str, code: str) -> None:
    source = f"def test_first() -> bool:\n    return True\n\n\ndef test_second() -> bool:\n    {body}\n\n\n"
    first, failed = ran(with_tests(source + KEEPS))
    began = (HEAD + source).partition("def test_second")[0].count("\n") + 1
    assert first is None
    assert failed is not None and (failed.name, failed.code, failed.file) == ("test_second", code, "tests.py")
    assert failed.line - began == (0 if code == "not_true" else 1)


def test_the_sources_run_in_the_order_of_their_names() -> None:
    """`tests_b.py` stands in the archive before `tests.py` is read from it, and runs behind it."""
    bundle = with_tests("def test_b() -> bool:\n    return False\n", head='"""B."""\n', file="tests_b.py")
    assert [one and one.name for one in ran(with_tests(KEEPS, bundle=bundle))] == [None, "test_b"]


NOTHING = '"""Nothing."""\n'
READING = second(
    body='got = inputs.get("coins.notes", b"n" * 20)\n    return Purse(coins=old.coins, seen=0 if got is None else 1)',
    reads='"coins.notes",',
)


@pytest.mark.parametrize(
    ("bundle", "code"),
    [
        (with_tests("def test_with(one) -> bool:\n    return one\n"), ("test_parameters", "tests.py")),
        (with_tests("def test_it() -> bool:\n    pass\n", NOTHING), ("answer", "tests.py")),
        (with_tests(KEEPS, HEAD.replace("rewrite", "send")), ("import", "tests.py")),
        (with_tests(KEEPS, bundle=READING), ("import", "tests.py")),
        (with_tests('@call(meaning=1)\ndef send(ctx: Context) -> None:\n    pass\n',
                    NOTHING + "from runtime.api.v1 import Context, call\n"), ("not_a_module", "tests.py")),
        (with_tests("", '"""X."""\nfrom .tests import helper\n', with_tests("def helper():\n    return 1\n", NOTHING),
                    "aside.py"), ("import", "aside.py")),
    ],
)  # fmt: skip
def test_what_is_no_test_is_refused(bundle: Bundle, code: tuple[str, str]) -> None:
    assert code in refused(bundle)


def test_a_module_knows_no_field_that_only_tests_have() -> None:
    tint = second(rest="\n\ndef tint(one):\n    return one.colour\n")
    coloured = with_tests(KEEPS, HEAD.replace("scheduled_at", "colour"), tint)
    assert refused(coloured) == {("unknown_attribute", "coins.py")}


def test_what_blocks_run_holds_none_of_it() -> None:
    bundle = with_tests(KEEPS)
    loaded, plain = (load(one, check_bundle(one, chain=None, host_release=None)) for one in (bundle, second()))
    assert loaded.functions.keys() == plain.functions.keys()
    assert (loaded.declaration.libraries, len(loaded.declaration.tests)) == ((), 1)
