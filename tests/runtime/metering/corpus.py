"""What bundle code does on one interpreter, as JSON: verdicts, steps, bytes and lines of a corpus and its mutants.

Run as a program by `test_interpreters.py`, once for each Python at hand; the outputs must be equal. Mutants replace one
or two tokens of a sound function; many are refused, the rest end in every way that there is.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
from keyword import iskeyword
from pathlib import Path
from typing import Any

from runtime.metering.faults import Fault
from runtime.metering.syntax import NotCompilable
from tests.runtime.metering.hostile import WORST, hostile_source
from tests.runtime.metering.programs import run
from tests.runtime.small_chain import bundle_of, loaded_from, small_chain

FUNCTIONS = {
    "share": "def main(a, b):\n    if b == 0:\n        raise Refused('none')\n    return a * 10**18 // b % (a + 1)\n",
    "vesting": (
        "def main(a, b):\n    end = a + b * 10\n    if a >= end:\n        return 0\n"
        "    return a - a * (b - 3) // (end - a)\n"
    ),
    "count": "def main(a, b):\n    n = 0\n    while n < a:\n        n += b if b > 0 else 1\n    return n\n",
    "group": (
        "def main(a, b):\n    found = {}\n    for n in range(a):\n        found[n % 7] = found.get(n % 7, 0) + b\n"
        "    return [(k, v) for k, v in found.items() if v > 3]\n"
    ),
    "words": (
        "def main(a, b):\n    parts = ('x,' * a).split(',')\n    parts.append(str(b))\n"
        "    return '-'.join(sorted(parts))[0:40]\n"
    ),
    "records": (
        "def main(a, b):\n    points = [Point(x=n, y=n * b) for n in range(a)]\n    best = max(points, key=weight)\n"
        "    return [best.x, best.but(y=a).y, Point(x=a) in points]\n"
        "def weight(p):\n    return p.x * 3 - p.y\n"
    ),
    "recursive": (
        "def main(a, b):\n    return fib(a)\ndef fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
    ),
    "caught": (
        "def main(a, b):\n    total = 0\n    for n in range(a):\n        try:\n            total += half(n + b)\n"
        "        except Refused:\n            total += 100\n    return total\n"
        "def half(n):\n    if n % 2:\n        raise Refused('odd')\n    return n // 2\n"
    ),
    "chain": "def main(a, b):\n    return [n for n in range(a) if 0 < n * 2 < b + 9 <= 40 != n]\n",
    "data": (
        "def main(a, b):\n    data = bytes(a) + 'é'.encode()\n    note = Note(text='n' * b, data=data[1:])\n"
        "    return [data.hex(), note.data.find(b'x'), note == note.but(text='')]\n"
    ),
    "places": (
        "def main(a, b):\n    rows = [0] * a\n    for n, old in enumerate(rows):\n        rows[n] += n * b - old\n"
        "    rows[0], rows[-1] = rows[-1], rows[0]\n    del rows[1]\n    return rows + list(reversed(rows))\n"
    ),
    "bits": "def main(a, b):\n    return [a & b, a | b, a ^ b, a << b, a >> b, ~a, -b, divmod(a, b)]\n",
}
ARGUMENTS = ((5, 3), (12, 0), (0, 7), (40, 2))
TOKEN = re.compile(r"[A-Za-z_]\w*|\d+|'[^']*'|[-+*/%<>=!&|^]+|[^\s\w]")
POOLS = (
    (r"\d+|'[^']*'", "0 1 2 7 64 255 256 65536 1000000000 -1 None True '' 'x' b'x' [] {} () [1] a b"),
    (r"[-+*/%<>=!&|^]+", "+ - * // % ** << >> & | ^ < <= > >= == != in and or += -= ="),
    (r"[a-z]+", "a b n main len str sum sorted list range max abs int any [a] 0 1 7 (a,b)"),
)
"""What a token is exchanged for: mostly something of its own kind, so that many mutants still run."""


def pool_of(token: str) -> list[str] | None:
    """The tokens it may be exchanged for."""
    if iskeyword(token):
        return None
    return next((pool.split() for kind, pool in POOLS if re.fullmatch(kind, token)), None)


def mutants(count: int, seed: int = 1) -> list[tuple[str, str]]:
    """(name, source) of corpus functions with one or two tokens exchanged."""
    rng = random.Random(seed)
    names = sorted(FUNCTIONS)
    made = []
    for number in range(count):
        name = names[number % len(names)]
        source = FUNCTIONS[name]
        for _ in range(rng.randrange(1, 3)):
            places = [
                (place, pool) for place in TOKEN.finditer(source, 15) for pool in [pool_of(place.group())] if pool
            ]
            place, pool = places[rng.randrange(len(places))]
            source = source[: place.start()] + pool[rng.randrange(len(pool))] + source[place.end() :]
        made.append((f"{name}~{number}", source))
    return made


def verdict(source: str, arguments: tuple[int, int]) -> list[Any]:
    """What a program does: how it ends, steps, line."""
    try:
        found, meter = run(source, *arguments, steps=20_000)
    except (SyntaxError, ValueError):
        return ["no program"]
    except NotCompilable as refused:
        return ["refused", refused.line]
    shown = [found.code, found.line] if isinstance(found, Fault) else [repr(found)[:200]]
    return [*shown, meter.steps, meter.depth if not isinstance(found, Fault) else 0]


def hostile_verdicts() -> dict[str, list[Any]]:
    """What the hostile bundle's calls do, and the root of what sound ones left."""
    found: dict[str, list[Any]] = {}
    loaded = loaded_from(bundle_of({"worst": hostile_source()}))
    with tempfile.TemporaryDirectory() as folder, small_chain(Path(folder), loaded) as chain:
        for number, name in enumerate(WORST):
            fault = chain.send(f"worst.{name}")
            found[name] = [fault.code, fault.line, chain.meter.steps, chain.meter.written]
            chain.send("worst.sound", number)
        found["root"] = [chain.root().hex()]
    return found


def main(count: int) -> dict[str, Any]:
    programs = [*FUNCTIONS.items(), *mutants(count)]
    verdicts = {f"{name}{args}": verdict(source, args) for name, source in programs for args in ARGUMENTS[:2]}
    return {"programs": verdicts, "hostile": hostile_verdicts()}


if __name__ == "__main__":
    json.dump(main(int(sys.argv[1])), sys.stdout, indent=0)
