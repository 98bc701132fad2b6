"""Two bundles that go wrong on purpose, made from whatever runtime is running.

`breaks_supply` migrates the validators so that coins appear, and drops the module's own invariant that would say so:
the host's supply stops it, in its rehearsal or at A, with nothing committed. `mints_later` is sound at A; a call it
adds gives its sender coins out of nothing, which the supply notices when it is used, and probation rolls back.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from runtime.bundle.archive import MANIFEST, Bundle, is_tests, of_files
from runtime.bundle.manifest import parse_manifest
from runtime.errors import RuntimeRoomError

STAKING, BANK = "staking.py", "bank.py"
DROPPED_INVARIANT = "staking.shares_add_up"
BROKEN_MIGRATION = "staking.give_everyone_more"
MINTING_CALL = "bank.conjure"

_MIGRATION = '''

@migration(validators, from_schema={schema}, sets=("tokens", "shares"))
def give_everyone_more(old: Old, frozen: Frozen) -> Validator:
    """Wrong on purpose: every validator finds a coin that nobody paid."""
    return Validator(tokens=old.tokens + 1, shares=old.shares + SHARE, bonded=old.bonded, key=old.key)
'''

_NOTES = f"Rewrites the tokens in staking.validators and drops the invariant {DROPPED_INVARIANT}."

CONJURE = '''

@call(meaning=1)
def conjure(ctx: Context, coins: Amount) -> None:
    """Wrong on purpose: coins out of nothing."""
    mine = ctx.get(accounts, ctx.sender) or Account(balance=0)
    ctx.put(accounts, ctx.sender, mine.but(balance=mine.balance + coins))
'''
"""A call for the bank that breaks the supply of whatever chain it is used on."""


class DemonstrationImpossible(RuntimeRoomError):
    """The running bundle is too different from the core to be broken by rule."""

    code = "demonstration_impossible"


def breaks_supply(running: Bundle) -> Bundle:
    """The running bundle's next major version, with a migration that makes coins and an invariant less."""
    files = _without_old_migrations(dict(running.files))
    schema = _schema_of(files, "staking")
    source = _imports(files[STAKING].decode(), ("Frozen", "Old", "migration"))
    source, dropped = re.subn(r'^invariant\("shares_add_up".*\n', "", source, flags=re.M)
    if dropped != 1:
        raise DemonstrationImpossible(f"the running bundle does not declare {DROPPED_INVARIANT}")
    files[STAKING] = (source.rstrip("\n") + "\n" + _MIGRATION.format(schema=schema)).encode()
    files[MANIFEST] = _next_major(files[MANIFEST], "staking", schema, _NOTES)
    return of_files(files)


def mints_later(running: Bundle) -> Bundle:
    """The running bundle's next minor version, with a call that mints."""
    files = _without_old_migrations(dict(running.files))
    files[BANK] = (files[BANK].decode().rstrip("\n") + "\n" + CONJURE).encode()
    manifest = parse_manifest(files[MANIFEST])
    version = f"{manifest.version.major}.{manifest.version.minor + 1}.0"
    files[MANIFEST] = _set(files[MANIFEST].decode(), "version", version).encode()
    return of_files(files)


def _schema_of(files: Mapping[str, bytes], module: str) -> int:
    entry = parse_manifest(files[MANIFEST]).module(module)
    if entry is None or entry.source not in files:
        raise DemonstrationImpossible(f"the running bundle has no module {module}")
    return entry.schema


def _imports(source: str, names: tuple[str, ...]) -> str:
    """The source with these names imported from the API as well."""
    missing = [name for name in names if not re.search(rf"^    {name},$", source, flags=re.M)]
    return source.replace(
        "from runtime.api.v1 import (\n", "from runtime.api.v1 import (\n" + "".join(f"    {n},\n" for n in missing), 1
    )


def _next_major(manifest: bytes, module: str, schema: int, notes: str) -> bytes:
    version = parse_manifest(manifest).version
    text = _set(manifest.decode(), "version", f"{version.major + 1}.0.0")
    text = _set(text, "notes", notes)
    pattern = rf'(^name = "{module}"\n(?:.*\n)*?schema = )\d+$'
    return re.sub(pattern, rf"\g<1>{schema + 1}", text, count=1, flags=re.M).encode()


def _set(text: str, key: str, value: str) -> str:
    return re.sub(rf"^{key} = .*$", lambda _: f'{key} = "{value}"', text, count=1, flags=re.M)


def _without_old_migrations(files: dict[str, bytes]) -> dict[str, bytes]:
    """A migration that has run must be deleted from the next version, and so must tests of it; the demonstrations keep
    only their own."""
    kept = {name: content for name, content in files.items() if not is_tests(name)}
    return {name: _cut(content) if name.endswith(".py") else content for name, content in kept.items()}


def _cut(source: bytes) -> bytes:
    """The source without its functions decorated as migration, reverse or validate."""
    lines = source.decode().splitlines()
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.FunctionDef) and any(_is_of_migration(one) for one in node.decorator_list):
            del lines[node.decorator_list[0].lineno - 1 : node.end_lineno]
    return ("\n".join(lines).rstrip("\n") + "\n").encode()


def _is_of_migration(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id in ("migration", "reverse", "validate")
