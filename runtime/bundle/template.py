"""`synod bundle new`: a working bundle to begin with, made from the running one.

It holds the modules of the base at the next major version, a small module of its own (a table, a query, a call), one
obvious place for a migration: `bank.py`, where every account is rewritten, and tests of that: `tests.py`, packed and
run in rehearsals, and `tests/` for pytest. It passes the checker, the comparison with its base and a rehearsal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from runtime.bundle.archive import MANIFEST, with_chain
from runtime.bundle.manifest import TITLE, parse_manifest
from runtime.errors import RuntimeRoomError

CORE = Path(__file__).resolve().parent.parent / "core"
"""The source of the genesis bundle."""
_BANK = "bank.py"
_BANK_SCHEMA = re.compile(r"^(name = \"bank\"\nsource = \"bank.py\"\nschema = )\d+$", re.MULTILINE)
_ACCOUNT = re.compile(r"^class Account\(Record\):\n(?:.+\n|\n(?=    ))+", re.MULTILINE)
_API_IMPORT = re.compile(r"^from runtime\.api\.v1 import \(\n((?:    \w+,\n)+)\)$", re.MULTILINE)


class TemplateRefused(RuntimeRoomError):
    """The example cannot be written there, or not under that name, or not from that base."""

    code = "template_refused"


GUESTBOOK = '''\
"""Guestbook: a first module of your own. Each account leaves one line, and can replace it."""

from runtime.api.v1 import Address, Amount, Context, Record, Refused, Text, call, field, query, table

MOST_CHARACTERS = 200


class Entry(Record):
    """One line, and when it was written."""

    line: Text = field(1)
    written: Amount = field(2)


entries = table(Entry, key=(Address,), names=("author",))


@call(meaning=1)
def sign(ctx: Context, line: Text) -> None:
    """Leave a line under the sender's address. Refuses an empty line, and a long one."""
    if len(line) == 0:
        raise Refused("nothing_to_say")
    if len(line) > MOST_CHARACTERS:
        raise Refused("too_long")
    ctx.put(entries, ctx.sender, Entry(line=line, written=ctx.height))


@query
def line_of(ctx: Context, author: Address) -> Text:
    """What an account wrote; empty when it wrote nothing."""
    entry = ctx.get(entries, author)
    return "" if entry is None else entry.line
'''

_GUESTBOOK_ENTRY = """
[[module]]
name = "guestbook"
source = "guestbook.py"
schema = 1
"""

_FIELD = '''\
    migrated: Amount = field({number}, default=0)
    """The runtime version whose migration last rewrote this account: the example's, to be replaced by yours."""
'''

_MIGRATION = '''

# --- WRITE YOUR MIGRATION HERE -------------------------------------------------------------------------------------
#
# It is called once for each account and returns the account as it shall be from the activation on. `old` has the
# fields of the running runtime; what is quoted tells editors and type checkers of which table. Only fields named in
# `sets` may change; `frozen` holds the chain parameters you name in `frozen=(...)`, and `scheduled_at`, as they were
# when the upgrade was scheduled.


{before}

@migration(accounts, from_schema={from_schema}, sets=("migrated",))
def rewrite_accounts(old: "Old.bank.accounts", frozen: Frozen) -> Account:
    """Every account keeps its coins and learns which runtime rewrote it."""
    return Account(balance=old.balance{kept}, migrated={major})


@validate(accounts)
def nothing_lost(old: "Old.bank.accounts", new: Account) -> bool:
    """Runs on every account, in rehearsal and at activation; False stops the upgrade before anything is committed."""
    return new.balance == old.balance


@reverse(accounts)
def account_before(new: Account) -> AccountBefore:
    """The way back, which every rehearsal goes with every account; an upgrade without one needs more votes."""
    return AccountBefore({back})
'''

_OWN_TESTS = '''\
"""What this bundle promises of itself: packed with it, run by `synod bundle check` and in every rehearsal, never in a
block. A test takes nothing and answers True."""

from .bank import Account, AccountBefore, rewrite_accounts


def test_an_account_keeps_its_coins() -> bool:
    """The migration of one account; it names no parameters, so it is given none."""
    return rewrite_accounts(AccountBefore({values}), None) == Account({values}, migrated={major})
'''

_TEST = '''\
"""What the migration promises, tried here before anybody votes: `pytest {directory}`. Not packed."""

from pathlib import Path

from runtime.testing import check_migration

BUNDLE = Path(__file__).resolve().parents[1]
ANN, BEN = b"a" * 20, b"b" * 20


def test_everybody_keeps_their_coins() -> None:
    """Name every field of the new record in one of the two lists: a balance that moves fails, even if the sum is
    right."""
    made = check_migration(
        BUNDLE,
        "bank.accounts",
        {{ANN: {{"balance": 7}}, BEN: {{"balance": 9}}}},
        changes=("migrated",),
        unchanged=({kept},),
    )
    assert made[ANN].migrated == {major}
'''

_README = """\
# {name}

The runtime `{base}` of the chain `{chain}` as its next version, {version}, with two additions:

- `guestbook.py`: a small module of its own, with a table, a query and a call. Replace it with yours.
- `bank.py`: a migration at its end that rewrites every account. Write yours there.
- `tests.py`: what the bundle promises of itself. `check` and every rehearsal run it; one that fails ends the upgrade.

    synod bundle check {directory}        # what the chain would say, with file and line
    synod bundle diff {directory}         # what it changes, safe or breaking
    synod rehearse --bundle {directory}   # live through the upgrade on a chain of your own
    synod bundle pack {directory}         # the archive that a proposal publishes

`bundle.toml` says what the bundle is. Its `notes` must name each change that breaks those who use the running runtime;
`check` lists what they leave out. In a migration, `old: "Old.bank.accounts"` is a row of the running table: `typings/`,
which `check` keeps up to date, tells editors its fields, and `cd {directory} && mypy .` finds one that is not there.

`tests/test_migration.py` tries the migration on rows of your choice, with `pytest {directory}`: it names each field
that changes and each that must not, and fails on either.

Only `bundle.toml` and the Python sources beside it are packed.
"""

_MYPY = """\
[mypy]
strict = true
mypy_path = $MYPY_CONFIG_FILE_DIR/typings

[mypy-tests]
ignore_errors = True
"""


def new_bundle(directory: Path, name: str, chain: str, base: Mapping[str, bytes] | None = None) -> None:
    """Write the example into a new or empty directory; `base` are the running bundle's files, by default the core's.

    Raises TemplateRefused when something is in the way, a name is none, or the base has no bank of the usual form.
    """
    if directory.exists() and any(directory.iterdir()):
        raise TemplateRefused(f"{directory} is not empty; name a new directory")
    source = core_files() if base is None else base
    files = bundle_files(name, chain, source)
    base_name = parse_manifest(source[MANIFEST]).name
    directory.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (directory / file).write_bytes(content)
    manifest = parse_manifest(files[MANIFEST])
    readme = _README.format(name=name, base=base_name, chain=chain, version=manifest.version, directory=directory.name)
    (directory / "README.md").write_text(readme, encoding="utf-8")
    (directory / "mypy.ini").write_text(_MYPY, encoding="utf-8")
    (directory / "tests").mkdir()
    kept = ", ".join(f'"{field}"' for field in _account_fields(source[_BANK].decode()))
    test = _TEST.format(directory=directory.name, kept=kept, major=manifest.version.major)
    (directory / "tests" / "test_migration.py").write_text(test, encoding="utf-8")


def core_files() -> dict[str, bytes]:
    """The genesis bundle's files by name."""
    return {path.name: path.read_bytes() for path in sorted(CORE.iterdir()) if path.suffix in (".py", ".toml")}


def bundle_files(name: str, chain: str, base: Mapping[str, bytes]) -> dict[str, bytes]:
    """The example's files, without touching a disk; raises TemplateRefused."""
    for what, title in (("bundle", name), ("chain", chain)):
        if not TITLE.fullmatch(title):
            allowed = "up to 64 letters, digits and . _ -, beginning with a letter or digit"
            raise TemplateRefused(f"{title[:80]!r} is no name of a {what}: take {allowed}")
    manifest = parse_manifest(base[MANIFEST])
    bank = manifest.module("bank")
    if bank is None or bank.source != _BANK or manifest.module("guestbook") is not None or _BANK not in base:
        raise TemplateRefused("the base needs a module bank in bank.py, and none named guestbook")
    major = manifest.version.major + 1
    text = base[MANIFEST].decode()
    text = _set_key(text, "name", name)
    text = _set_key(text, "version", f"{major}.0.0")
    text = _set_key(text, "notes", "Every account is rewritten once; a guestbook opens.")
    text = re.sub(_BANK_SCHEMA, lambda found: f"{found[1]}{bank.schema + 1}", text, count=1)
    text = text.replace("\n[ports.", _GUESTBOOK_ENTRY + "\n[ports.", 1)
    files = dict(base)
    files[MANIFEST] = with_chain(_without_comments_above(text).encode(), chain)
    files[_BANK] = _migrated_bank(base[_BANK].decode(), bank.schema, major).encode()
    files["guestbook.py"] = GUESTBOOK.encode()
    files["tests.py"] = _own_tests(base[_BANK].decode(), major).encode()
    return files


def _set_key(text: str, key: str, value: str) -> str:
    """Set the first such key, which is the [bundle] table's."""
    return re.sub(rf"^{key} = .*$", lambda _: f'{key} = "{value}"', text, count=1, flags=re.M)


def _without_comments_above(text: str) -> str:
    """The manifest from its first table on: what stands above speaks of the base."""
    return text[text.index("[bundle]") :]


def _migrated_bank(source: str, schema: int, major: int) -> str:
    """The bank with one more field, and a migration at its end that sets it in every account."""
    found = _ACCOUNT.search(source)
    if found is None or "migrated" in found[0]:
        raise TemplateRefused("bank.py has no class Account(Record) that the example can extend")
    numbers = [int(number) for number in re.findall(r"= field\((\d+)", found[0])]
    names = _account_fields(source)
    kept = "".join(f", {field}=old.{field}" for field in names if field != "balance")
    before = found[0].rstrip("\n").replace("class Account(", "class AccountBefore(", 1) + "\n"
    back = ", ".join(f"{field}=new.{field}" for field in names)
    migration = _MIGRATION.format(from_schema=schema, kept=kept, major=major, before=before, back=back)
    extended = found[0] + _FIELD.format(number=max(numbers) + 1)
    source = _API_IMPORT.sub(_with_migration_names, source.replace(found[0], extended, 1), count=1)
    return source.rstrip("\n") + "\n" + migration


def _own_tests(bank: str, major: int) -> str:
    """Tests that keep each field of an account of the base; all are amounts."""
    values = ", ".join(f"{name}={number}" for number, name in enumerate(_account_fields(bank), 7))
    return _OWN_TESTS.format(values=values, major=major)


def _account_fields(bank: str) -> list[str]:
    """The fields of an account of the base."""
    found = _ACCOUNT.search(bank)
    return [] if found is None else re.findall(r"^    (\w+): \w+ = field\(", found[0], flags=re.M)


def _with_migration_names(found: re.Match[str]) -> str:
    """The import with what a migration needs, types first."""
    names = {line.strip().rstrip(",") for line in found[1].splitlines()}
    names |= {"Frozen", "Old", "migration", "reverse", "validate"}
    ordered = sorted(names, key=lambda name: (name[0].islower(), name))
    return "from runtime.api.v1 import (\n" + "".join(f"    {name},\n" for name in ordered) + ")"
