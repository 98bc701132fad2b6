"""Metered code means what Python means: same values, same order of evaluation, same short cuts."""

from __future__ import annotations

import textwrap
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.metering.limits import INT_LIMIT
from tests.runtime.metering.programs import CONSTANTS, answer, value_of

small = st.integers(-40, 40)
texts = st.text("abc, ", max_size=6)


def atoms() -> st.SearchStrategy[str]:
    return st.one_of(
        small.map(lambda n: f"({n})"),
        st.sampled_from(["a", "b", "True", "False", "None", "LIMIT"]),
        texts.map(repr),
        texts.map(lambda t: repr(t.encode())),
    )


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(["+", "-", "*", "//", "%", "<<", ">>", "&", "|", "^", "**", "and", "or"])
    compare = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])
    return st.one_of(
        st.tuples(inner, binary, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, compare, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, compare, inner, compare, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]} {p[3]} {p[4]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}, {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"[{p[0]}, {p[1]}]"),
        st.tuples(inner, small).map(lambda p: f"{p[0]}[{p[1]}]"),
        st.tuples(inner, small, small).map(lambda p: f"{p[0]}[{p[1]}:{p[2]}]"),
        inner.map(lambda e: f"(not {e})"),
        inner.map(lambda e: f"(-{e})"),
        st.tuples(st.sampled_from(["len", "abs", "bool", "sum", "sorted", "any", "all", "list", "tuple"]), inner).map(
            lambda p: f"{p[0]}({p[1]})"
        ),
        inner.map(lambda e: f"[c for c in {e} if c]"),
    )


def natively(expression: str, a: int, b: int) -> tuple[bool, Any]:
    warnings.simplefilter("ignore", SyntaxWarning)
    try:
        value = eval(expression, {"a": a, "b": b, **CONSTANTS})
    except Exception:
        return False, None
    return True, value


def is_bounded(value: Any) -> bool:
    return not isinstance(value, int) or abs(value) < INT_LIMIT


@settings(max_examples=600, deadline=None)
@given(st.recursive(atoms(), grown, max_leaves=5), small, small)
def test_an_expression_gives_what_python_gives_or_fails(expression: str, a: int, b: int) -> None:
    """Where Python answers within the bounds, so does metered code, but for what it refuses by type or size."""
    works, expected = natively(expression, a, b)
    found = value_of(expression, a=a, b=b)
    if not works:
        assert isinstance(found, str)
        return
    if found in ("wrong_type", "value_too_large", "wrong_value", "out_of_steps"):
        return
    assert found == expected
    assert type(found) is type(expected)


@settings(max_examples=150, deadline=None)
@given(st.lists(small, max_size=6), small, small)
def test_integer_operations_are_exact(values: list[int], a: int, b: int) -> None:
    for op in ("+", "-", "*", "//", "%", "<", "<=", ">", ">=", "==", "!=", "&", "|", "^"):
        works, expected = natively(f"a {op} b", a, b)
        assert value_of(f"a {op} b", a=a, b=b) == (expected if works else "division_by_zero")
    assert value_of("(sum(v), sorted(v), min(v + [0]), max(v + [0]))", v=values) == "wrong_type"
    assert value_of("sorted(v)", v=values) == sorted(values)
    assert value_of("sum(v)", v=values) == sum(values)


PROGRAMS = {
    "loop with else": ("for n in range(4):\n    if n == 9:\n        break\nelse:\n    return 'none'\n", "none"),
    "while with continue": (
        "n = total = 0\nwhile n < 9:\n    n += 1\n    if n % 2:\n        continue\n    total += n\nreturn total\n",
        20,
    ),
    "swap": ("a, b = 1, 2\na, b = b, a\nreturn [a, b]\n", [2, 1]),
    "nested unpacking": ("(a, b), c = (1, 2), 3\nreturn [a, b, c]\n", [1, 2, 3]),
    "unpacking into places": ("d = {}\nd['x'], d['y'] = 1, 2\nreturn [d['x'], d['y']]\n", [1, 2]),
    "chained assignment": ("d = {}\na = d['x'] = b = 5\nreturn [a, b, d['x']]\n", [5, 5, 5]),
    "list by reference": ("a = [1]\nb = a\nb += [2]\nreturn a\n", [1, 2]),
    "tuple by value": ("a = (1,)\nb = a\nb += (2,)\nreturn [a, b]\n", [(1,), (1, 2)]),
    "dict order": ("d = {'b': 1, 'a': 2}\nd['c'] = 3\ndel d['b']\nreturn list(d)\n", ["a", "c"]),
    "dict loop": ("d = {'b': 1, 'a': 2}\nt = 0\nfor k, v in d.items():\n    t += v\nreturn t\n", 3),
    "dict comprehension": ("return {k: v for k, v in [('a', 1), ('b', 2)] if v > 1}\n", {"b": 2}),
    "nested comprehension": ("return [x * y for x in range(3) for y in range(x)]\n", [0, 0, 2]),
    "generator": ("return sum(x * x for x in range(4))\n", 14),
    "annotated": ("n: int = 3\nm: int\nreturn n\n", 3),
    "augmented place": ("a = [1, 2]\na[0] += 5\na[1] *= 3\nreturn a\n", [6, 6]),
    "deleted": ("a = [1, 2, 3]\ndel a[1]\nreturn a\n", [1, 3]),
    "caught": ("try:\n    no()\nexcept Refused:\n    return 'no'\n", "no"),
    "not caught but else": ("try:\n    pass\nexcept Refused:\n    return 1\nelse:\n    return 2\n", 2),
    "raised again": (
        "try:\n    try:\n        no()\n    except Refused:\n        raise\nexcept Refused:\n    return 'no'\n",
        "no",
    ),
    "key function": ("return sorted([3, -2, 1], key=square)\n", [1, -2, 3]),
    "greatest by key": ("return max([3, -5, 1], key=square)\n", -5),
    "texts": ("return ' a,b '.strip().split(',')[1] + str(-5) + 'x'.join(['1', '2'])\n", "b-51x2"),
    "data": (
        "return [b'\\x01\\xff'.hex(), b'ab'[0], 'hé'.encode(), b'ab'.decode()]\n",
        ["01ff", 97, b"h\xc3\xa9", "ab"],
    ),
    "records": ("p = Point(x=1).but(y=4)\nreturn [p.x, p.y, p == Point(x=1, y=4)]\n", [1, 4, True]),
    "isinstance": ("return [isinstance(Point(x=1), Point), isinstance(1, Point)]\n", [True, False]),
    "numbers from texts": ("return [int('-12'), int('7'), str(True), bool('')]\n", [-12, 7, "True", False]),
    "minus constant": ("return [-5 // 2, -5 % 3, divmod(-5, 3)[0], 5 // -2]\n", [-3, 1, -2, -3]),
    "default": ("return preset() + preset(2)\n", 7),
}
HELPERS = """
def no():
    raise Refused("no")
def square(n):
    return n * n
def preset(n=5):
    return n
"""


@pytest.mark.parametrize(("body", "expected"), PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_means_what_python_means(body: str, expected: Any) -> None:
    assert answer("def main():\n" + textwrap.indent(body, "    ") + HELPERS) == expected


TRACED = """
def main():
    seen = []
    {statement}
    return seen
def note(seen, n, value):
    seen.append(n)
    return value
"""


@pytest.mark.parametrize(
    ("statement", "order"),
    [
        ("x = note(seen, 1, 1) < note(seen, 2, 5) < note(seen, 3, 2) < note(seen, 4, 9)", [1, 2, 3]),
        ("x = note(seen, 1, 0) and note(seen, 2, 1) or note(seen, 3, 1)", [1, 3]),
        ("x = note(seen, 1, 1) if note(seen, 2, 0) else note(seen, 3, 1)", [2, 3]),
        ("note(seen, 2, [0])[note(seen, 3, 0)] = note(seen, 1, 9)", [1, 2, 3]),
        ("note(seen, 1, [0])[note(seen, 2, 0)] += note(seen, 3, 9)", [1, 2, 3]),
        ("x = {note(seen, 1, 'a'): note(seen, 2, 1), note(seen, 3, 'b'): note(seen, 4, 1)}", [1, 2, 3, 4]),
        ("x = note(seen, 1, 'ab')[note(seen, 2, 0):note(seen, 3, 1)]", [1, 2, 3]),
        ("x = Point(y=note(seen, 1, 1), x=note(seen, 2, 1))", [1, 2]),
        ("note(seen, 1, [5]).insert(note(seen, 2, 0), note(seen, 3, 1))", [1, 2, 3]),
    ],
)
def test_operands_are_evaluated_in_pythons_order_once(statement: str, order: list[int]) -> None:
    assert answer(TRACED.format(statement=statement)) == order
