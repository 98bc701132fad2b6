"""Two runtimes of a tiny chain, `first` and `second`, and ways to make a second one go wrong.

The second adds, removes and renames tables, migrates the purses, and shares the rest; so a rollback between them has
everything to undo.
"""

from __future__ import annotations

from runtime.bundle.archive import Bundle, of_files

MANIFEST = """[bundle]
name = "tiny"
chain = "tiny"
version = "{version}"
host = "0.1.0"
notes = "{told}"
supply_change = {supply}
requires_pause = {pause}

[[module]]
name = "coins"
source = "coins.py"
schema = {schema}
{renames}
[ports.purse]
table = "coins.purses"
field = "coins"
"""
SOURCE = '''"""Coins: purses, notes that a tally counts, and hooks that leave marks."""

from runtime.api.v1 import Address, Amount, Context, Frozen, Inputs, Old, Record, Refused, Text
from runtime.api.v1 import call, equal, field, hook, invariant, migration, query, table, total, validate


class Purse(Record):
    """What an account holds."""

    coins: Amount = field(1, value="coin")
    {purse_field}


class Note(Record):
    """A line about an account."""

    size: Amount = field(1)


class Tally(Record):
    """All sizes together."""

    size: Amount = field(1)


class Mark(Record):
    """What a hook saw last, and how often it ran."""

    height: Amount = field(1)
    times: Amount = field(2)
    weight: Amount = field(3, default=0)


purses = table(Purse, key=(Address,), names=("owner",))
{notes} = table(Note, key=(Address,), names=("owner",))
tallies = table(Tally, key=(Text,), names=("name",))
marks = table(Mark, key=(Text,), names=("name",))
{tables}

invariant("sizes_add_up", equal(total({notes}, "size"), total(tallies, "size")))


@call(meaning=1)
def send(ctx: Context, to: Address, coins: Amount) -> None:
    """Move coins."""
    mine = ctx.get(purses, ctx.sender)
    if mine is None or mine.coins < coins:
        raise Refused("insufficient_funds")
    ctx.put(purses, ctx.sender, mine.but(coins=mine.coins - coins))
    theirs = ctx.get(purses, to) or Purse(coins=0)
    ctx.put(purses, to, theirs.but(coins=theirs.coins + coins))


@call(meaning=1)
def note(ctx: Context, size: Amount) -> None:
    """Write a note and count it."""
    tally = ctx.get(tallies, "all") or Tally(size=0)
    before = ctx.get({notes}, ctx.sender) or Note(size=0)
    ctx.put({notes}, ctx.sender, Note(size=size))
    ctx.put(tallies, "all", Tally(size=tally.size - before.size + size))


@call(meaning=1)
def scribble(ctx: Context, size: Amount) -> None:
    """Write a note that no tally counts."""
    ctx.put({notes}, ctx.sender, Note(size=size))


@call(meaning=1)
def mint(ctx: Context, to: Address, coins: Amount) -> None:
    """Set a purse to coins out of nothing."""
    purse = ctx.get(purses, to) or Purse(coins=0)
    ctx.put(purses, to, purse.but(coins=coins))


@call(meaning=1)
def arm(ctx: Context) -> None:
    """Leave a mark that hooks may look for."""
    ctx.put(marks, "armed", Mark(height=ctx.height, times=1))


@call(meaning=1)
def weigh(ctx: Context, turns: Amount) -> None:
    """Work for so many turns, and note the weight that the chain gives to work."""
    for turn in range(turns):
        pass
    weight = ctx.parameter("query_steps")
    if ctx.flag("heavy"):
        weight = weight + 1
    ctx.put(marks, "weight", Mark(height=ctx.height, times=turns, weight=weight))


@hook("begin_block")
def on_begin(ctx: Context) -> None:
    """Count blocks."""
    mark = ctx.get(marks, "begin") or Mark(height=0, times=0)
    ctx.put(marks, "begin", mark.but(height=ctx.height, times=mark.times + 1))


@hook("end_block")
def on_end(ctx: Context) -> None:
    """Count blocks, and do what a bundle under test asks."""
    mark = ctx.get(marks, "end") or Mark(height=0, times=0)
    ctx.put(marks, "end", mark.but(height=ctx.height, times=mark.times + 1))
    {end_hook}
{rest}
'''

FIRST_ONLY = '''

class Relic(Record):
    """Something the second runtime no longer has."""

    worth: Amount = field(1)


relics = table(Relic, key=(Address,), names=("owner",))


@call(meaning=1)
def bury(ctx: Context, worth: Amount) -> None:
    """Leave a relic."""
    ctx.put(relics, ctx.sender, Relic(worth=worth))
'''
SECOND_ONLY = '''

class News(Record):
    """Something the first runtime did not have."""

    worth: Amount = field(1)


news = table(News, key=(Address,), names=("owner",))


@call(meaning=1)
def tell(ctx: Context, worth: Amount) -> None:
    """Write news."""
    ctx.put(news, ctx.sender, News(worth=worth))
'''
MIGRATION = '''

@migration(purses, from_schema=1, sets=({sets}), reads=({reads}), frozen=({frozen}))
def rewrite(old: Old, frozen: Frozen{inputs}) -> {answer}:
    """Writes every purse anew."""
    {body}
'''
PRE_UPGRADE = '''

@hook("pre_upgrade")
def on_leaving(ctx: Context) -> None:
    """The last words of the first runtime."""
    {body}
'''
HEALTH = '''

@hook("health")
def on_health(ctx: Context) -> bool:
    """Whether the module is well."""
    {body}
'''
TOLD = (
    "Every purse (coins.purses) is written anew, the supply perhaps with it; coins.notes are coins.remarks; nobody "
    "finds coins.marks by their old names; nobody "
    "buries relics any more: coins.bury and coins.relics are gone."
)
"""What the second runtime breaks, whichever way it goes."""
SEEN = "seen: Amount = field(2, default=0)"
REWRITTEN = "return Purse(coins=old.coins, seen=1)"


def first(rest: str = "", version: str = "1.0.0", end_hook: str = "pass") -> Bundle:
    """The runtime that a story begins with."""
    source = SOURCE.format(purse_field="", notes="notes", tables="", end_hook=end_hook, rest=FIRST_ONLY + rest)
    return _bundle(source, version)


def second(
    body: str = REWRITTEN,
    sets: str = '"seen",',
    reads: str = "",
    frozen: str = "",
    rest: str = "",
    end_hook: str = "pass",
    supply: int = 0,
    answer: str = "Purse",
) -> Bundle:
    """The runtime after: every purse rewritten, notes renamed to remarks, relics gone, news added."""
    migration = MIGRATION.format(
        body=body, sets=sets, reads=reads, frozen=frozen, answer=answer, inputs=", inputs: Inputs" if reads else ""
    )
    source = SOURCE.format(
        purse_field=SEEN, notes="remarks", tables="", end_hook=end_hook, rest=SECOND_ONLY + migration + rest
    )
    renames = '\n[renames]\n"coins.notes" = "coins.remarks"\n'
    return _bundle(source, "2.0.0", 2, renames, supply, TOLD)


ECHO = '''"""Echo: a module that does nothing but use another."""

from runtime.api.v1 import Address, Amount, Context, Record, Refused, call, field, hook, query, table


class Heard(Record):
    """How often somebody was heard."""

    times: Amount = field(1)


heard = table(Heard, key=(Address,), names=("who",))


@call(meaning=1)
def shout(ctx: Context) -> None:
    """Note that the sender was heard."""
    before = ctx.get(heard, ctx.sender) or Heard(times=0)
    ctx.put(heard, ctx.sender, Heard(times=before.times + 1))


@call(meaning=1)
def pass_on(ctx: Context, to: Address, coins: Amount) -> None:
    """Send coins by the other module."""
    ctx.call("coins.send", to, coins)


@call(meaning=1)
def pass_on_or_shout(ctx: Context, to: Address, coins: Amount) -> None:
    """Send coins by the other module, and be heard where that refuses."""
    try:
        ctx.call("coins.send", to, coins)
    except Refused:
        ctx.put(heard, ctx.sender, Heard(times=1))


@query
def times(ctx: Context, who: Address) -> Amount:
    """How often somebody was heard."""
    found = ctx.get(heard, who)
    return 0 if found is None else found.times


@hook("post_upgrade")
def on_arrival(ctx: Context) -> None:
    """Shout once."""
    ctx.put(heard, ctx.module_address("echo"), Heard(times=1))
'''


def with_echo(bundle: Bundle) -> Bundle:
    """The same runtime with a second module, which calls the first."""
    entry = '\n[[module]]\nname = "echo"\nsource = "echo.py"\nneeds = ["coins"]\nuses = ["coins.send"]\n'
    files = dict(bundle.files)
    manifest = files["bundle.toml"].decode().replace("requires_pause = false", "requires_pause = true")
    at = manifest.index("\n[renames]") if "[renames]" in manifest else manifest.index("\n[ports.")
    return of_files(
        {**files, "bundle.toml": (manifest[:at] + entry + manifest[at:]).encode(), "echo.py": ECHO.encode()}
    )


def _bundle(
    source: str, version: str, schema: int = 1, renames: str = "", supply: int = 0, told: str = "Tiny."
) -> Bundle:
    pause = str('@hook("post_upgrade")' in source).lower()
    manifest = MANIFEST.format(
        version=version, schema=schema, renames=renames, supply=supply, told=told, pause=pause
    )
    return of_files({"bundle.toml": manifest.encode(), "coins.py": source.encode()})
