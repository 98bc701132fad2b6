"""Sources that the checker must accept or refuse, each refused line marked with the codes it must get: `#! code`.

Every source is one module `one` of a bundle that also has a module `bank` and a library `rounding`. Run as a script it
prints the verdict on each source, and on mutated ones, for comparison with another interpreter.
"""

from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path

from runtime.bundle.archive import Bundle, of_files
from runtime.bundle.checker import check_bundle
from runtime.bundle.problems import BundleMalformed, BundleRefused

HEAD = '''"""One."""
from runtime.api.v1 import Address, Amount, Context, Data, Flag, Frozen, Hash, Inputs, Old, Record, Refused, Text
from runtime.api.v1 import at_most, call, case, count, equal, field, hook, invariant, migration, query, refers
from runtime.api.v1 import Variant, reverse, table, total, validate
from .rounding import halves

LIMIT = 10**18


class Row(Record):
    n: Amount = field(1)
    note: Text = field(2, default="")


rows = table(Row, key=(Address,), names=("owner",))
pairs = table(Row, key=(Address, Amount), names=("owner", "place"))


def twice(n):
    return n * 2


'''
MANIFEST = b"""[bundle]
name = "corpus"
chain = "test"
version = "2.0.0"
host = "0.1.0"

[[module]]
name = "bank"
source = "bank.py"

[[module]]
name = "one"
source = "one.py"
schema = 2
needs = ["bank"]
uses = ["bank.take"]
"""
BANK = b'''"""Bank."""
from runtime.api.v1 import Address, Amount, Context, Record, call, field, query, table


class Account(Record):
    balance: Amount = field(1, value="coin")


accounts = table(Account, key=(Address,))


@call(meaning=1, internal=True)
def take(ctx: Context, owner: Address, coins: Amount) -> None:
    ctx.delete(accounts, owner)


@call(meaning=1)
def burn(ctx: Context) -> None:
    ctx.delete(accounts, ctx.sender)


@query
def balance(ctx: Context, owner: Address) -> Amount:
    return 0
'''
ROUNDING = b'''"""Pure functions."""


def halves(n):
    return n // 2
'''
DO = "@call(meaning=1)\ndef do(ctx: Context, n: Amount) -> None:\n"
ASK = "@query\ndef ask(ctx: Context, n: Amount) -> Amount:\n"

_FOLDER = Path(__file__).resolve().parent


def _sections(file: str) -> dict[str, str]:
    """Sources of a text file by name; each begins with a line `=== name`."""
    parts = (_FOLDER / file).read_text(encoding="ascii").split("=== ")[1:]
    return {name: source.strip("\n") + "\n" for name, _, source in (part.partition("\n") for part in parts)}


ACCEPTED = _sections("accepted.txt") | {
    "hundred_operands": ASK + "    return " + " + ".join(["n"] * 100) + "\n",
    "thirty_two_brackets": ASK + "    return " + "(" * 32 + "n" + ")" * 32 + "\n",
    "long_table": "BIG = (" + ", ".join(str(number) for number in range(2000)) + ")\n",
    "largest_integer": f"BIG = {2**256 - 1}\nSMALL = -BIG\n",
}
REFUSED = _sections("refused.txt") | {"too_large": DO + f"    x = {2**256}  #! too_large\n"}
BOUNDS: dict[str, tuple[str, str]] = {
    "tab": (DO + "\tn = 1\n", "not_ascii"),
    "carriage_return": ("X = 1\r\n", "not_ascii"),
    "accent": ("# caf\u00e9\n", "not_ascii"),
    "null": ("X = 1\0\n", "not_ascii"),
    "float": ("X = 1.5\n", "float"),
    "exponent": ("X = 1e5\n", "float"),
    "complex": ("X = 1j\n", "float"),
    "octal": ("X = 0777\n", "bad_number"),
    "number_and_word": ("X = 1if LIMIT else 2\n", "bad_number"),
    "long_number": ("X = " + "1" * 97 + "\n", "too_large"),
    "f_string": ('X = f"{LIMIT}"\n', "f_string"),
    "upper_prefix": ('X = B"a"\n', "string_prefix"),
    "open_string": ('X = "abc\n', "open_string"),
    "open_long_string": ('X = """abc\n', "open_string"),
    "unknown_escape": ('X = "\\d"\n', "bad_escape"),
    "named_escape": ('X = "\\N{DASH}"\n', "bad_escape"),
    "surrogate": ('X = "\\ud800"\n', "bad_escape"),
    "backslash": ("X = 1 + \\\n    2\n", "continuation"),
    "semicolon": ("X = 1; Y = 2\n", "semicolon"),
    "question_mark": ("X = ?\n", "bad_character"),
    "underscore": ("X = LIMIT.__class__\n", "underscore"),
    "hidden_name": ("def _f(n):\n    return n\n", "underscore"),
    "long_name": ("X" * 65 + " = 1\n", "too_long"),
    "open_bracket": ("X = (1,\n", "brackets"),
    "wrong_bracket": ("X = (1]\n", "brackets"),
    "closed_too_much": ("X = 1)\n", "brackets"),
    "thirty_three_brackets": ("X = " + "(" * 33 + "1" + ")" * 33 + "\n", "too_nested"),
    "many_operands": (ASK + "    return " + " + ".join(["n"] * 101) + "\n", "too_many_operands"),
    "many_signs": (ASK + "    return " + "-" * 101 + "n\n", "too_nested"),
    "many_nots": (ASK + "    return " + "not " * 101 + "n\n", "too_nested"),
    "many_attributes": (ASK + "    return n" + ".n" * 101 + "\n", "too_many_operands"),
    "many_calls": (ASK + "    return n" + "()" * 101 + "\n", "too_nested"),
    "many_powers": (ASK + "    return " + "**".join(["n"] * 101) + "\n", "too_many_operands"),
    "nested_sums": (ASK + "    return " + "(" * 30 + "n" + " + n + n + n + n)" * 30 + "\n", "too_nested"),
    "many_blocks": (
        ASK + "".join("    " + " " * depth + "if n:\n" for depth in range(10)) + " " * 14 + "return n\n",
        "too_nested",
    ),
    "many_elifs": (ASK + "    if n:\n        pass\n" + "    elif n:\n        pass\n" * 40, "too_nested"),
    "dedent_to_nowhere": (ASK + "        n = 1\n      n = 2\n", "bad_indent"),
}
"""Sources that no parser sees: (source, code), the problem being the only one."""

_MARK = re.compile(r"#! (.+)$", re.MULTILINE)


def bundle_with(source: str) -> Bundle:
    """The corpus bundle with this text behind HEAD in the module `one`."""
    one = (HEAD + source).encode()
    return of_files({"bundle.toml": MANIFEST, "bank.py": BANK, "one.py": one, "rounding.py": ROUNDING})


def expected(source: str) -> list[tuple[str, str, int]]:
    """(code, file, line) of every mark, as `verdict` gives them."""
    lines = (HEAD + source).split("\n")
    return sorted(
        (code, "one.py", number)
        for number, line in enumerate(lines, 1)
        for found in _MARK.finditer(line)
        for code in found[1].split()
    )


def verdict(bundle: Bundle) -> list[tuple[str, str, int]]:
    """(code, file, line) of every problem; empty when the bundle is accepted."""
    try:
        check_bundle(bundle, chain="test", host_release="0.1.0")
    except BundleRefused as refused:
        return sorted((problem.code, problem.file, problem.line) for problem in refused.problems)
    return []


_PIECES = (
    *("(", ")", "[", "]", ":", ",", "n", "=", "==", "*", "**", "\n    ", "'", '"', ".", "#", "->", ":=", "@", "\\"),
    *(" is ", " in ", "not ", "lambda ", "if ", " else ", "elif ", "for ", "async "),
    *("None", "0", "1_", "0x", "b''", "ctx"),
)


def mutated(source: str, rng: random.Random) -> str:
    """The source with a few characters changed, lines swapped or pieces put in."""
    text = source
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(text) + 1)
        end = min(len(text), place + rng.randint(0, 4))
        kind = rng.randrange(3)
        if kind == 0:
            text = text[:place] + text[end:]
        elif kind == 1:
            text = text[:place] + rng.choice(_PIECES) + text[place:]
        else:
            lines = text.split("\n")
            one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[one], lines[two] = lines[two], lines[one]
            text = "\n".join(lines)
    return text


_WORD = re.compile(r"[A-Za-z_]+|[0-9]+")
_TOKENS = ("n", "ctx", "rows", "Row", "1", "[n]", "not ", "-", ".n", "(n)", " + n", " if n else 2", ", n", "n, ", "*")
_TOKENS += ("**2", "old", "len", "str(n)", "None", "True", "{}", "()", ":n", "twice", "Refused")


def edited(source: str, rng: random.Random) -> str:
    """The source with one small edit that often leaves it Python: a word for another, a token more, a line twice."""
    place = rng.randrange(len(source) + 1)
    kind = rng.randrange(4)
    if kind == 0:
        return source[:place] + source[place + rng.randint(1, 3) :]
    if kind == 1:
        return source[:place] + rng.choice(_TOKENS) + source[place:]
    if kind == 2:
        lines = source.split("\n")
        lines.insert(rng.randrange(len(lines)), rng.choice(lines))
        return "\n".join(lines)
    words = list(_WORD.finditer(source))
    one, other = rng.choice(words), rng.choice(words)
    return source[: one.start()] + other[0] + source[one.end() :]


def all_verdicts(mutants: int) -> dict[str, list[tuple[str, str, int]] | str]:
    """The verdict on every source here, and on so many mutants of them."""
    named = {**ACCEPTED, **REFUSED, **{name: source for name, (source, _) in BOUNDS.items()}}
    verdicts: dict[str, list[tuple[str, str, int]] | str] = {}
    for name, source in named.items():
        if len(source) < 60_000:
            verdicts[name] = verdict(bundle_with(source))
    rng = random.Random(20)
    texts = [source for source in [*ACCEPTED.values(), *REFUSED.values()] if len(source) < 5_000]
    for number in range(mutants):
        try:
            verdicts[f"mutant {number}"] = verdict(bundle_with(mutated(rng.choice(texts), rng)))
        except BundleMalformed as malformed:
            verdicts[f"mutant {number}"] = malformed.reason
    return verdicts


if __name__ == "__main__":
    json.dump(all_verdicts(int(sys.argv[1])), sys.stdout)
