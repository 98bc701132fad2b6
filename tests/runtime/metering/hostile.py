"""A bundle whose every call and hook does its worst, by name, and what must become of each."""

from __future__ import annotations

WORST = {
    "loops": ("while True:\n        pass", "out_of_steps"),
    "loops_catching": (
        "while True:\n        try:\n            refuse()\n        except Refused:\n            pass",
        "out_of_steps",
    ),
    "recurses": ("recurse(0)", "too_deep"),
    "recurses_catching": ("recurse_catching(0)", "too_deep"),
    "huge_integer": ("n = 10 ** 10**9", "value_too_large"),
    "grown_integer": ("n = 3\n    while True:\n        n = n * n", "value_too_large"),
    "huge_shift": ("n = 1 << 10**9", "value_too_large"),
    "huge_text": ('t = "x" * 10**9', "value_too_large"),
    "grown_text": ('t = "x"\n    while True:\n        t += t', "value_too_large"),
    "huge_list": ("a = list(range(10**9))", "value_too_large"),
    "grown_list": ("a = [1]\n    while True:\n        a += a", "value_too_large"),
    "grown_dict": ("d = {}\n    n = 0\n    while True:\n        d[n] = n\n        n += 1", "value_too_large"),
    "colliding_dict": (
        "d = {}\n    n = 0\n    while True:\n        d[n * (2**61 - 1)] = n\n        n += 1",
        "out_of_steps",
    ),
    "long_sum": ("n = sum(range(3 * 10**8))", "value_too_large"),
    "divides_by_zero": ("n = 1 // 0", "division_by_zero"),
    "missing_key": ('n = {}["x"]', "no_such_key"),
    "missing_item": ("n = [][0]", "index_out_of_range"),
    "missing_attribute": ("n = ctx.height.text", "no_such_attribute"),
    "wrong_type": ('n = 1 + "x"', "wrong_type"),
    "unbound": ("if ctx.height < 0:\n        n = 1\n    n = n + 1", "unbound_name"),
    "writes_for_ever": ("n = 0\n    while True:\n        ctx.put(rows, n, Row(n=n))\n        n += 1", "out_of_bytes"),
    "writes_much": ('ctx.put(notes, 1, Note(text="x" * 65536))', "value_too_large"),
    "tells_for_ever": ('while True:\n        ctx.event("spam", text="x" * 60000)', "out_of_bytes"),
    "scans_for_ever": ("while True:\n        ctx.scan(rows, limit=1000)", "out_of_steps"),
    "reads_for_ever": ("n = 0\n    while True:\n        ctx.get(rows, n)\n        n += 1", "out_of_steps"),
    "writes_and_refuses": ('ctx.put(rows, 1, Row(n=1))\n    raise Refused("after_writing")', "after_writing"),
    "negative_amount": ("ctx.put(rows, 1, Row(n=-1))", "wrong_record"),
    "negative_key": ("ctx.put(rows, -1, Row(n=1))", "wrong_key"),
    "floating_power": ("n = 2 ** -1", "wrong_value"),
    "deep_tuples": ("t = ()\n    while True:\n        t = (t,)", "wrong_type"),
    "long_compare": ('a = ("x" * 60000,) * 1000\n    b = ("x" * 60000,) * 1000\n    n = a == b', "out_of_steps"),
}
"""Name -> (body, code)."""

HEAD = '''
"""Everything that a bundle should not do."""
class Row(Record):
    n: Amount = field(1)
class Note(Record):
    text: Text = field(1)
rows = table(Row, key=(Amount,), names=("number",))
notes = table(Note, key=(Amount,), names=("number",))

def refuse():
    if refused() == 1:
        raise Refused("no")
    return 0

def refused():
    return 1

def recurse(n):
    return recurse(n + 1) + 1

def recurse_catching(n):
    try:
        return recurse_catching(n + 1)
    except Refused:
        return recurse_catching(n + 1)

@call(meaning=1)
def sound(ctx: Context, n: Amount) -> None:
    ctx.put(rows, n, Row(n=n))
'''
MOMENTS = ("begin_block", "end_block", "pre_upgrade", "post_upgrade", "health")


def hostile_source() -> str:
    """A module with every call of WORST."""
    calls = [f"@call(meaning=1)\ndef {name}(ctx: Context) -> None:\n    {body}\n" for name, (body, _) in WORST.items()]
    return HEAD + "\n" + "\n".join(calls)


def hook_source(moment: str, name: str) -> str:
    """A module with one hook that does one of WORST."""
    answer, end = ("Flag", "    return True\n") if moment == "health" else ("None", "")
    return HEAD + f'\n@hook("{moment}")\ndef at_{moment}(ctx: Context) -> {answer}:\n    {WORST[name][0]}\n{end}'
