"""What can grow is priced before it is made, and ends at its bound; nothing takes more time than its steps say."""

from __future__ import annotations

import tracemalloc

import pytest

from runtime.metering.faults import Fault
from runtime.metering.limits import INT_LIMIT, MAX_DEPTH, MAX_ITEMS
from tests.runtime.metering.programs import answer, run, value_of

DOUBLED = """
def main():
    value = {start}
    for turn in range(30):
        value = {again}
    return value
"""

TOO_LARGE = {
    "power": "10 ** 10**9",
    "power of two": "2 ** 256",
    "shift": "1 << 10**9",
    "shift beyond memory": "1 << 10**13",
    "product": "(1 << 200) * (1 << 200)",
    "sum": "(2**255) + (2**255)",
    "difference": "-(2**255) - 2**255",
    "complement": "~(2**255 - 1 + 2**255)",
    "repeated text": "'x' * 10**9",
    "repeated data": "b'x' * 10**9",
    "repeated list": "[0] * 10**9",
    "repeated tuple": "10**9 * (0,)",
    "sum of a range": "sum(range(3 * 10**8))",
    "list of a range": "list(range(10**9))",
    "tuple of a range": "tuple(range(10**9))",
    "sorted range": "sorted(range(10**9))",
    "least of a range": "min(range(10**9))",
    "greatest of a range": "max(range(10**9))",
    "any of a range": "any(range(10**9))",
    "all of a range": "all(range(1, 10**9))",
    "numbered range": "enumerate(range(10**9))",
    "pairs of ranges": "zip(range(10**9), range(10**9))",
    "reversed range": "reversed(range(10**9))",
    "zeros": "bytes(10**9)",
    "huge range": "range(10**30)",
    "comprehension": "[0 for one in range(10**9)]",
    "dict comprehension": "{one: 0 for one in range(10**9)}",
    "joined": "('x' * 1000).join(['y' for one in range(1000)])",
    "replaced": "('x' * 60000).replace('x', 'yyyy')",
    "digits": "int('9' * 500)",
    "as digits": "int('9' * 78)",
}


@pytest.mark.parametrize("expression", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_value_beyond_its_bound_is_never_made(expression: str) -> None:
    assert value_of(expression) == "value_too_large"


@pytest.mark.parametrize(
    ("start", "again"),
    [
        ("'x'", "value + value"),
        ("b'x'", "value + value"),
        ("[1]", "value + value"),
        ("(1,)", "value + value"),
        ("[1]", "value * 2"),
        ("2", "value * value"),
        ("[1]", "[one for one in value for two in (1, 2)]"),
    ],
)
def test_doubling_thirty_times_ends_at_the_bound(start: str, again: str) -> None:
    assert answer(DOUBLED.format(start=start, again=again), steps=2_000_000) == "value_too_large"


def test_a_list_grown_in_place_ends_at_the_bound() -> None:
    assert answer("def main():\n    a = [1]\n    while True:\n        a += a\n") == "value_too_large"
    assert answer("def main():\n    a = [1]\n    while True:\n        a.extend(a)\n") == "value_too_large"


@pytest.mark.parametrize("body", ["a.append(1)", "a.insert(0, 1)", "d[n] = 1"])
def test_what_grows_by_one_runs_out_of_steps_or_room(body: str) -> None:
    source = f"def main():\n    a = []\n    d = {{}}\n    n = 0\n    while True:\n        n += 1\n        {body}\n"
    assert answer(source) == "out_of_steps"


def test_integers_reach_just_to_the_limit() -> None:
    assert value_of("2**255 - 1 + 2**255") == INT_LIMIT - 1
    assert value_of("-(2**255) - 2**255 + 1 + 0") == "value_too_large"
    assert value_of("-(2**255) - (2**255 - 1)") == 1 - INT_LIMIT


def test_texts_and_lists_reach_just_to_the_limit() -> None:
    assert value_of(f"len('x' * {MAX_ITEMS})") == MAX_ITEMS
    assert value_of(f"len('x' * {MAX_ITEMS} + 'x')") == "value_too_large"
    assert value_of(f"len(list(range({MAX_ITEMS})))") == MAX_ITEMS
    assert value_of(f"len(list(range({MAX_ITEMS + 1})))") == "value_too_large"


def test_a_list_is_never_extended_past_the_limit() -> None:
    assert answer("def main():\n    a = [0] * 40000\n    a.extend([1] * 30000)\n") == "value_too_large"
    assert answer("def main():\n    a = [0] * 40000\n    a.extend([1] * 20000)\n    return len(a)\n") == 60_000


def test_a_comprehension_walks_the_list_as_it_was() -> None:
    """Its turns are paid before the first, so a list that grows meanwhile must not lengthen it."""
    assert answer("def main():\n    a = [1, 2]\n    b = [a.append(n) for n in a]\n    return [len(a), len(b)]\n") == [
        4,
        2,
    ]


def test_loops_without_end_run_out_of_steps() -> None:
    for body in ("while True:\n        pass", "for n in range(2**32):\n        pass"):
        found, meter = run(f"def main():\n    {body}\n")
        assert found == Fault("out_of_steps", "program.py", 2)
        assert meter.steps_left == 0


def test_a_loop_over_its_own_growing_list_ends() -> None:
    assert answer("def main():\n    a = [1]\n    for n in a:\n        a.append(n)\n") == "out_of_steps"


def test_recursion_ends_at_the_depth_limit_alone_or_mutual() -> None:
    assert answer("def main():\n    return main()\n") == "too_deep"
    assert answer("def main():\n    return a()\ndef a():\n    return b()\ndef b():\n    return a()\n") == "too_deep"
    countdown = "def main():\n    return down({0})\ndef down(n):\n    return 0 if n == 0 else down(n - 1)\n"
    assert answer(countdown.format(MAX_DEPTH - 2)) == 0
    assert answer(countdown.format(MAX_DEPTH - 1)) == "too_deep"


def test_nested_comprehensions_and_key_functions_count_as_depth() -> None:
    """Python's own stack is never what ends a run, however the depth is made."""
    inner = "main()"
    for number in range(30):
        inner = f"[{inner} for n{number} in (1,)]"
    assert answer(f"def main():\n    return {inner}\n") == "too_deep"
    assert (
        answer("def main():\n    return deep(1)\ndef deep(n):\n    return sorted([n, n], key=deep)[0]\n") == "too_deep"
    )
    assert answer("def main():\n    return 0 < (main() + 1) < 5\n") == "too_deep"
    assert answer("def main():\n    return {1: v for v in [main()]}\n") == "too_deep"


def test_depth_is_given_back_when_a_refusal_is_caught() -> None:
    source = """
    def main():
        for turn in range(200):
            try:
                x = [0 < no() + 1 < n for n in (1, 2)]
            except Refused:
                pass
        return "fine"
    def no():
        raise Refused("no")
    """
    found, meter = run(source)
    assert (found, meter.depth) == ("fine", 0)


def test_steps_bound_memory() -> None:
    """Keeping as much as possible for the steps given: about 64 bytes a step, and the values' own heads."""
    source = """
    def main():
        kept = []
        while True:
            kept.append("x" * 60000 + str(len(kept)))
    """
    tracemalloc.start()
    found, _ = run(source, steps=100_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.code == "out_of_steps"
    assert peak < 100_000 * 64 * 2


def test_comparing_shared_structures_is_paid_for_every_visit() -> None:
    """A tuple that holds one large text many times is small in memory and long to compare."""
    source = """
    def main():
        a = ("x" * 60000 + "a",)
        b = ("x" * 60000 + "a",)
        return (a * 1000) == (b * 1000)
    """
    assert answer(source) == "out_of_steps"
    assert answer(source, steps=3_000_000) is True


def test_looking_for_a_long_text_in_a_list_is_paid_by_its_size() -> None:
    source = """
    def main():
        kept = ["x" * 60000 + str(n) for n in range(10)]
        missing = "x" * 60000 + "y"
        found = 0
        for n in range(30):
            if missing in kept:
                found += 1
        return found
    """
    assert answer(source) == "out_of_steps"


def test_keys_whose_hashes_can_be_aimed_pay_for_collisions() -> None:
    """Multiples of 2**61 - 1 all hash to zero: each insertion would compare with every key before."""
    source = (
        "def main():\n    d = {}\n    for n in range(20000):\n        d[(n + 1) * (2**61 - 1)] = n\n    return len(d)\n"
    )
    assert answer(source) == "out_of_steps"
    assert answer(source.replace("* (2**61 - 1)", "* 7")) == 20_000


def test_containers_do_not_nest_without_bound() -> None:
    assert value_of("[[1]]") == "wrong_type"
    assert value_of("({},)") == "wrong_type"
    assert value_of("{'a': [1]}") == "wrong_type"
    assert answer("def main():\n    t = ()\n    while True:\n        t = (t,)\n") == "wrong_type"
    assert answer("def main():\n    a = []\n    a.append(a)\n") == "wrong_type"
    assert value_of("[((1, 2), Point(x=1))]") != "wrong_type"


def test_the_deepest_tuple_can_still_be_kept_in_a_list() -> None:
    assert value_of("[(((1,),),)]") == [(((1,),),)]
    assert value_of("((((1,),),),)") == "wrong_type"
