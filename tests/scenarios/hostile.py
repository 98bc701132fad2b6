"""A module in which everything goes wrong on purpose: one call for each way to misbehave, hooks to choose from."""

from __future__ import annotations

from runtime.bundle.archive import Bundle, of_files

HEAD = '''"""Trouble: wrong on purpose."""

from runtime.api.v1 import Address, Amount, Context, Data, Record, Refused, Text, call, field, hook, query, table


class Cell(Record):
    """Something to write."""

    worth: Amount = field(1, default=0)
    text: Text = field(2, default="")


cells = table(Cell, key=(Amount,), names=("place",))
'''

CALLS: dict[str, tuple[str, str]] = {
    "refuses": ("raise Refused('never')", "never"),
    "divides_by_zero": ("ctx.put(cells, 1, Cell(worth=1 // 0))", "division_by_zero"),
    "loops_for_ever": ("while True:\n        pass", "out_of_steps"),
    "recurses": ("deeper(ctx.height)", "too_deep"),
    "builds_a_huge_integer": ("big = 2\n    for turn in range(300):\n        big = big * big", "value_too_large"),
    "raises_to_a_huge_power": ("big = 10 ** (10 ** 9)", "value_too_large"),
    "shifts_far": ("big = 1 << (10 ** 9)", "value_too_large"),
    "doubles_a_text": ("word = 'x'\n    for turn in range(40):\n        word = word + word", "value_too_large"),
    "multiplies_a_text": ("word = 'x' * (10 ** 9)", "value_too_large"),
    "fills_a_list": ("items = [0]\n    while True:\n        items.append(1)", "out_of_steps"),
    "doubles_a_list": ("items = [0]\n    for turn in range(40):\n        items = items + items", "value_too_large"),
    "sums_a_long_range": ("added = sum(range(3 * 10 ** 8))", "value_too_large"),
    "lists_a_long_range": ("items = list(range(10 ** 9))", "value_too_large"),
    "writes_without_end": (
        "place = 0\n    while True:\n        ctx.put(cells, place, Cell(worth=place))\n        place = place + 1",
        "out_of_steps",
    ),
    "writes_the_wrong_thing": ("ctx.put(cells, 1, 5)", "wrong_record"),
    "catches_everything": (
        "caught = 0\n    while True:\n        try:\n            raise Refused('again')\n        except Refused:\n"
        "            caught = caught + 1",
        "out_of_steps",
    ),
}
"""Call -> (its body, the code its receipt must carry)."""

DEEPER = '''

@call(meaning=1)
def arm(ctx: Context) -> None:
    """From now on hooks that look for it misbehave."""
    ctx.put(cells, 9, Cell(worth=1))


def deeper(level: Amount) -> Amount:
    """Calls itself without end."""
    return deeper(level + 1)
'''


def trouble_source(hooks: dict[str, str]) -> str:
    """The module's source with every bad call and these hook bodies by kind."""
    source = HEAD + DEEPER
    for name, (body, _) in CALLS.items():
        source += f'\n\n@call(meaning=1)\ndef {name}(ctx: Context) -> None:\n    """Misbehaves."""\n    {body}\n'
    for kind, body in hooks.items():
        answer = "bool" if kind == "health" else "None"
        source += f'\n\n@hook("{kind}")\ndef on_{kind}(ctx: Context) -> {answer}:\n    """Misbehaves."""\n    {body}\n'
    return source


def with_trouble(running: Bundle, version: str, **hooks: str) -> Bundle:
    """The running bundle with the module of trouble added."""
    files = dict(running.files)
    manifest = files["bundle.toml"].decode()
    before = next(line for line in manifest.splitlines() if line.startswith("version = "))
    entry = '\n[[module]]\nname = "trouble"\nsource = "trouble.py"\nschema = 1\n'
    pause = "\nrequires_pause = true" if "post_upgrade" in hooks else ""
    manifest = manifest.replace(before, f'version = "{version}"{pause}', 1).replace("\n[ports.", entry + "\n[ports.", 1)
    files["bundle.toml"] = manifest.encode()
    files["trouble.py"] = trouble_source(hooks).encode()
    return of_files(files)
