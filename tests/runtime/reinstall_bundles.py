"""Runtimes of a chain with a shelf: a module that is reinstalled, in several forms, beside coins that go on."""

from __future__ import annotations

from runtime.bundle.archive import Bundle, of_files
from tests.runtime.story_bundles import first

SHELF = '''"""Shelf: books in slots, and pots with coins in them."""

from runtime.api.v1 import Address, Amount, Context, Frozen, Old, Record, Text
from runtime.api.v1 import at_most, call, count, equal, field, hook, invariant, migration, refers, table, total


class Book(Record):
    """A book of a size."""

    size: Amount = field(1)
    {book_field}


class Pot(Record):
    """Coins put aside."""

    coins: Amount = field(1, value="coin")


class Mark(Record):
    """A place in a book."""

    page: Amount = field(1)


books = table(Book, key=(Amount,), names=("slot",))
pots = table(Pot, key=(Address,), names=("owner",))
{marks}

invariant("few_pots", at_most(count(pots), count(books)))
{rules}


@call(meaning=1)
def put(ctx: Context, slot: Amount, size: Amount) -> None:
    """Put a book into a slot."""
    ctx.put(books, slot, Book(size=size))


@call(meaning=1)
def take(ctx: Context, slot: Amount) -> None:
    """Take a book out."""
    ctx.delete(books, slot)
{rest}
'''
MARKS = 'marks = table(Mark, key=(Address, Amount), names=("owner", "slot"))'
MARKED = 'invariant("marked_books_exist", refers(marks, "slot", books))'
MARK_CALL = '''

@call(meaning=1)
def mark(ctx: Context, slot: Amount, page: Amount) -> None:
    """Mark a page."""
    ctx.put(marks, ctx.sender, slot, Mark(page=page))
'''
LENT = "lent: Amount = field(2, default=0)"
TOLD = (
    "The shelf begins anew: shelf, shelf.books, shelf.pots, shelf.books.size, shelf.books.lent, shelf.marks, "
    "shelf.mark, shelf.marked_books_exist, shelf.few_pots, shelf.put; supply."
)
PLAIN = {"marks": "", "rules": "", "rest": "", "book_field": ""}
POST_UPGRADE = '''

@hook("post_upgrade")
def on_arrival(ctx: Context) -> None:
    """Put the coins back."""
    ctx.put(books, 1, Book(size=1))
    ctx.put(pots, ctx.module_address("shelf"), Pot(coins={coins}))
'''


def with_shelf(
    version: str = "1.0.0", schema: int = 1, reinstall_from: int = 0, supply: int = 0, renames: str = "", **form: str
) -> Bundle:
    """The first runtime with a shelf in this form; see `SHELF` for its parts."""
    files = dict(first(version=version).files)
    again = f"reinstall_from = {reinstall_from}\n" if reinstall_from else ""
    entry = f'\n[[module]]\nname = "shelf"\nsource = "shelf.py"\nschema = {schema}\n{again}'
    source = SHELF.format(**{**PLAIN, **form})
    manifest = files["bundle.toml"].decode().replace('notes = "Tiny."', f'notes = "{TOLD}"')
    manifest = manifest.replace("supply_change = 0", f"supply_change = {supply}")
    if '@hook("post_upgrade")' in source:
        manifest = manifest.replace("requires_pause = false", "requires_pause = true")
    at = manifest.index("\n[ports.")
    manifest = manifest[:at] + entry + renames + manifest[at:]
    return of_files({**files, "bundle.toml": manifest.encode(), "shelf.py": source.encode()})


def anew(version: str = "2.0.0", schema: int = 2, **form: object) -> Bundle:
    """The same runtime with its shelf reinstalled from the schema before."""
    return with_shelf(version, schema, schema - 1, **form)  # type: ignore[arg-type]
