"""The runtimes of a small market, each an upgrade of another: purses and notes in one module, loans in the other.

    first ──quiet──▶ first'      lenders are migrated; the aggregates stay, one rule more looks at them
      │ ├──minting─▶ full'       as full, and every purse gains a coin
      │ ├──moved───▶ moved       notes get other keys, by their size, where they may collide; pledges refer to them
      │ └──anew────▶ first       loans are reinstalled
      └────full────▶ full ──back──▶ back
                      └──full_anew─▶ full    loans are reinstalled, with two rules over them
    full: purses migrate and read notes, which are renamed; limits are renamed and migrate; lenders migrate and are
    validated; loans, counted by nobody before, come under two rules; a rule over pledges is dropped
    back: notes, under their old name again, and purses migrate; the rules over loans are dropped

Which sizes, limits and rates make a record fail stands in the sources below, and again in `reference`.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime.bundle.archive import Bundle, of_files
from runtime.bundle.declarations import RuntimeDeclaration

MANIFEST = """[bundle]
name = "market"
chain = "tiny"
version = "{version}"
host = "0.1.0"
notes = "{told}"
supply_change = {supply}

[[module]]
name = "coins"
source = "coins.py"
schema = {coins_schema}

[[module]]
name = "loans"
source = "loans.py"
schema = {loans_schema}
{again}{renames}
[ports.purse]
table = "coins.purses"
field = "coins"
"""

COINS = '''"""Coins: purses in a mood, notes that a tally counts, and pledges on notes."""

from runtime.api.v1 import Address, Amount, Context, Frozen, Inputs, Old, Record, Refused, Text
from runtime.api.v1 import at_most, call, count, equal, field, invariant, migration, refers, table, total


class Purse(Record):
    """What somebody holds, and which note it looks at."""

    coins: Amount = field(1, value="coin")
    mood: Amount = field(2, default=0)
    {purse_field}


class Note(Record):
    """A line with a size."""

    size: Amount = field(1)
    {note_field}


class Tally(Record):
    """All sizes together."""

    size: Amount = field(1)


class Pledge(Record):
    """Something promised on a note."""

    size: Amount = field(1)


purses = table(Purse, key=(Address,), names=("owner",))
{notes} = table(Note, key=(Amount,), names=("slot",))
tallies = table(Tally, key=(Text,), names=("name",))
pledges = table(Pledge, key=(Address, Amount), names=("owner", "slot"))

invariant("sizes_add_up", equal(total({notes}, "size"), total(tallies, "size")))
invariant("pledged_notes_exist", refers(pledges, "slot", {notes}))
{rules}


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
def feel(ctx: Context, owner: Address, mood: Amount) -> None:
    """Let a purse look at another note."""
    purse = ctx.get(purses, owner) or Purse(coins=0)
    ctx.put(purses, owner, purse.but(mood=mood))


@call(meaning=1)
def forsake(ctx: Context, owner: Address) -> None:
    """Take an empty purse away."""
    purse = ctx.get(purses, owner)
    if purse is None or purse.coins > 0:
        raise Refused("not_empty")
    ctx.delete(purses, owner)


@call(meaning=1)
def write(ctx: Context, slot: Amount, size: Amount) -> None:
    """Write a note and count it."""
    tally = ctx.get(tallies, "all") or Tally(size=0)
    before = ctx.get({notes}, slot) or Note(size=0)
    ctx.put({notes}, slot, before.but(size=size))
    ctx.put(tallies, "all", Tally(size=tally.size - before.size + size))


@call(meaning=1)
def erase(ctx: Context, slot: Amount) -> None:
    """Take a note away."""
    tally = ctx.get(tallies, "all") or Tally(size=0)
    before = ctx.get({notes}, slot) or Note(size=0)
    ctx.delete({notes}, slot)
    ctx.put(tallies, "all", Tally(size=tally.size - before.size))


@call(meaning=1)
def pledge(ctx: Context, owner: Address, slot: Amount, size: Amount) -> None:
    """Promise something on a note; nothing takes the promise back."""
    if size == 0:
        ctx.delete(pledges, owner, slot)
    else:
        ctx.put(pledges, owner, slot, Pledge(size=size))
{migrations}
'''

LOANS = '''"""Loans: who owes whom, up to which limit."""

from runtime.api.v1 import Address, Amount, Context, Frozen, Old, Record, Refused
from runtime.api.v1 import at_most, call, field, invariant, migration, refers, table, total, validate


class Loan(Record):
    """What an owner owes a lender."""

    amount: Amount = field(1)


class Limit(Record):
    """What an owner may owe in all."""

    most: Amount = field(1)


class Lender(Record):
    """What a lender takes."""

    rate: Amount = field(1, default=0)


loans = table(Loan, key=(Address, Address), names=("owner", "lender"))
{limits} = table(Limit, key=(Address,), names=("owner",))
lenders = table(Lender, key=(Address,), names=("lender",))
{rules}


@call(meaning=1)
def lend(ctx: Context, owner: Address, lender: Address, amount: Amount) -> None:
    """Set what an owner owes a lender."""
    if amount == 0:
        ctx.delete(loans, owner, lender)
    else:
        ctx.put(loans, owner, lender, Loan(amount=amount))


@call(meaning=1)
def limit(ctx: Context, owner: Address, most: Amount) -> None:
    """Set a limit."""
    if most == 0:
        ctx.delete({limits}, owner)
    else:
        ctx.put({limits}, owner, Limit(most=most))


@call(meaning=1)
def join(ctx: Context, lender: Address, rate: Amount) -> None:
    """Become a lender, or change the rate."""
    ctx.put(lenders, lender, Lender(rate=rate))


@call(meaning=1)
def leave(ctx: Context, lender: Address) -> None:
    """Be a lender no longer."""
    ctx.delete(lenders, lender)
{migrations}
'''

FIRST_RULE = 'invariant("few_pledges", at_most(count(pledges), count(purses)))'
QUIET_RULE = 'invariant("few_sizes", at_most(total(tallies, "size"), count(purses)))'
LOAN_RULES = """
invariant("within_caps", at_most(total(loans, "amount", by="owner"), total(caps, "most", by="key")))
invariant("lender_known", refers(loans, "lender", lenders))
"""
RANK = "rank: Amount = field(3, default=0)"
SEEN = "seen: Amount = field(2, default=0)"

RANK_PURSES = '''

@migration(purses, from_schema={schema}, sets=("rank",{coins}), reads=("coins.notes",))
def rank(old: Old, frozen: Frozen, inputs: Inputs) -> Purse:
    """The size of the note that a purse looks at, and ten times that of the note which that size leads to."""
    note = inputs.get("coins.notes", old.mood)
    if note is None:
        return Purse(coins=old.coins{more}, mood=old.mood, rank=0)
    if note.size == 7:
        raise Refused("seven")
    further = inputs.get("coins.notes", note.size)
    tens = 0 if further is None else 10 * further.size
    return Purse(coins=old.coins{more}, mood=old.mood, rank=tens + note.size + 0 // (9 - min(note.size, 9)))
'''
RAISE_LIMITS = '''

@migration(caps, from_schema={schema}, sets=("most",))
def raise_limits(old: Old, frozen: Frozen) -> Limit:
    """One more for everybody."""
    if old.most == 13:
        raise Refused("unlucky")
    return Limit(most=old.most + 1)
'''
DOUBLE_RATES = '''

@migration(lenders, from_schema={schema}, sets=("rate",))
def double_rates(old: Old, frozen: Frozen) -> Lender:
    """Twice the rate."""
    return Lender(rate=old.rate * 2)


@validate(lenders)
def bearable(old: Old, new: Lender) -> bool:
    """No rate is above ten."""
    return new.rate <= 10
'''
DATE_NOTES = '''

@migration(notes, from_schema={schema}, sets=("seen",), frozen=("scheduled_at",))
def date(old: Old, frozen: Frozen) -> Note:
    """When the upgrade was scheduled, for notes that say something."""
    if old.size == 7:
        raise Refused("seven")
    return Note(size=old.size, seen=frozen.scheduled_at if old.size > 0 else 0)
'''
MOVE_NOTES = '''

@migration(notes, from_schema={schema}, sets=("seen",), rekeys=True)
def move(key: tuple[Amount], old: Old, frozen: Frozen) -> Note:
    """Notes of size 2 or 3 move up by one slot, those of size 5 all go to the first."""
    slot = key[0]
    if old.size == 7:
        raise Refused("seven")
    if old.size == 5:
        slot = 0
    return (slot + 1 if 2 <= old.size <= 3 else slot,), Note(size=old.size, seen=min(old.size, 1))
'''
RANK_AGAIN = '''

@migration(purses, from_schema={schema}, sets=("rank",), reads=("coins.remarks", "loans.caps"))
def rank_again(old: Old, frozen: Frozen, inputs: Inputs) -> Purse:
    """The size of the remark that a purse's rank leads to."""
    remark = inputs.get("coins.remarks", old.rank)
    return Purse(coins=old.coins, mood=old.mood, rank=0 if remark is None else remark.size)
'''


@dataclass(frozen=True, slots=True)
class Form:
    """What tells one runtime's sources from another's."""

    notes: str = "notes"
    limits: str = "limits"
    purse_field: str = ""
    note_field: str = ""
    coin_rules: str = ""
    loan_rules: str = ""
    coin_migrations: str = ""
    loan_migrations: str = ""
    loans_anew: bool = False


FORMS = {
    "first": Form(coin_rules=FIRST_RULE),
    "quiet": Form(coin_rules=f"{FIRST_RULE}\n{QUIET_RULE}", loan_migrations=DOUBLE_RATES),
    "full": Form("remarks", "caps", RANK, "", "", LOAN_RULES, RANK_PURSES, RAISE_LIMITS + DOUBLE_RATES),
    "minting": Form("remarks", "caps", RANK, "", "", LOAN_RULES, RANK_PURSES, RAISE_LIMITS + DOUBLE_RATES),
    "moved": Form("notes", "limits", "", SEEN, FIRST_RULE, "", MOVE_NOTES, ""),
    "back": Form("notes", "caps", RANK, SEEN, FIRST_RULE, "", DATE_NOTES + RANK_AGAIN, ""),
    "anew": Form(coin_rules=FIRST_RULE, loans_anew=True),
    "full_anew": Form("remarks", "caps", RANK, "", "", LOAN_RULES, loans_anew=True),
}
RENAMES = {
    "full": '"coins.notes" = "coins.remarks"\n"loans.limits" = "loans.caps"',
    "minting": '"coins.notes" = "coins.remarks"\n"loans.limits" = "loans.caps"',
    "back": '"coins.remarks" = "coins.notes"',
}
AFTER = {
    "first": ("quiet", "full", "minting", "moved", "anew"),
    "quiet": ("full", "minting", "moved"),
    "anew": ("quiet", "full", "minting", "moved", "anew"),
    "full": ("back", "full_anew"),
    "minting": ("back", "full_anew"),
    "full_anew": ("back", "full_anew"),
    "back": (),
    "moved": (),
}
"""Which upgrades fit a runtime."""


def genesis() -> Bundle:
    """The first runtime."""
    return _bundle("first", "1.0.0", 1, 1, 0)


def upgrade(kind: str, running: RuntimeDeclaration, supply: int = 0) -> Bundle:
    """The upgrade of a kind for the running runtime, with a declared supply change."""
    schemas = {module.name: module.schema for module in running.manifest.modules}
    return _bundle(kind, f"{running.manifest.version.major + 1}.0.0", schemas["coins"], schemas["loans"], supply)

TOLD = (
    "A market, in which these come and go or change: loans, coins.purses, coins.pledges, coins.tallies, loans.lenders, "
    "loans.loans, coins.notes, coins.remarks, coins.few_pledges, coins.few_sizes, "
    "loans.limits, loans.caps, loans.within_caps, loans.lender_known, supply."
)


def _bundle(kind: str, version: str, coins_from: int, loans_from: int, supply: int) -> Bundle:
    form = FORMS[kind]
    coin_migrations = form.coin_migrations.format(
        schema=coins_from, coins=' "coins"' if kind == "minting" else "", more=" + 1" if kind == "minting" else ""
    )
    loan_migrations = form.loan_migrations.format(schema=loans_from)
    manifest = MANIFEST.format(
        told=TOLD,
        version=version,
        supply=supply,
        coins_schema=coins_from + bool(coin_migrations),
        loans_schema=loans_from + (bool(loan_migrations) or form.loans_anew),
        again=f"reinstall_from = {loans_from}\n" if form.loans_anew else "",
        renames=f"\n[renames]\n{RENAMES[kind]}\n" if kind in RENAMES else "",
    )
    coins = COINS.format(
        notes=form.notes,
        purse_field=form.purse_field,
        note_field=form.note_field,
        rules=form.coin_rules,
        migrations=coin_migrations,
    )
    loans = LOANS.format(limits=form.limits, rules=form.loan_rules, migrations=loan_migrations)
    return of_files({"bundle.toml": manifest.encode(), "coins.py": coins.encode(), "loans.py": loans.encode()})
