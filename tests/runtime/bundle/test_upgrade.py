"""What an upgrade changes, whether that is safe or breaking, and what is demanded of it (R1.1, R5.4)."""

from __future__ import annotations

import pytest

from runtime.bundle.archive import of_files
from runtime.bundle.checker import check_bundle, check_upgrade
from runtime.bundle.declarations import RuntimeDeclaration
from runtime.bundle.effect import Effect, effect_digest, effect_of
from runtime.bundle.problems import BundleRefused, Problem
from runtime.bundle.upgrade import unnamed_in
from storage.codec import codec_of

MANIFEST = """\
[bundle]
name = "shop"
chain = "test"
version = "1.0.0"
host = "0.1.0"
notes = "Told."

[[module]]
name = "shop"
source = "shop.py"
schema = 1
"""
TOLD = (
    "New prices: shop.sell, shop.close and shop.price, of shop.sales and its parts shop.sales.price, shop.sales.cost, "
    "shop.sales.tax, shop.sales.kind and shop.sales.kind.1.coins. No longer kept: shop.seller_known, shop.counted. "
    "shop.sellers are shop.merchants; port purse (shop.purses.balance); supply."
)
"""Notes that name whatever an edit of these tests breaks."""
SHOP = '''\
"""Shop."""
from runtime.api.v1 import (
    Address, Amount, Context, Data, Flag, Frozen, Hash, Inputs, Old, Record, Refused, Text, Variant, at_most, call,
    case, count, equal, field, hook, invariant, migration, query, refers, reverse, table, total,
    validate,
)


class Cash(Record):
    coins: Amount = field(1)


class Kind(Variant):
    cash: Cash = case(1)


class Sale(Record):
    price: Amount = field(1, value="coin")
    kind: Kind = field(3)


class Seller(Record):
    sales: Amount = field(1)


sellers = table(Seller, key=(Address,), names=("owner",))
sales = table(Sale, key=(Address, Amount), names=("owner", "number"))

invariant("seller_known", refers(sales, "owner", sellers))
invariant("counted", equal(count(sales, by="owner"), total(sellers, "sales", by="key")))


@call(meaning=1)
def sell(ctx: Context, number: Amount) -> None:
    ctx.delete(sales, ctx.sender, number)


@call(meaning=1, internal=True)
def close(ctx: Context) -> None:
    ctx.delete(sellers, ctx.sender)


@query
def price(ctx: Context, owner: Address, number: Amount) -> Amount:
    return 0
'''


def declared(
    *edits: tuple[str, str], extra: str = "", version: str = "2.0.0", notes: str = TOLD
) -> RuntimeDeclaration:
    """The shop with its text edited, as a version after 1.0.0."""
    manifest, source = MANIFEST.replace("1.0.0", version).replace("Told.", notes), SHOP
    for old, new in edits:
        assert old in manifest + source, old
        manifest, source = manifest.replace(old, new), source.replace(old, new)
    if "@migration" in extra:
        manifest = manifest.replace("schema = 1", "schema = 2")
    files = {"bundle.toml": manifest.encode(), "shop.py": (source + extra).encode()}
    return check_bundle(of_files(files), chain="test", host_release="0.1.0")


RUNNING = declared(version="1.0.0")


def codes(proposed: RuntimeDeclaration, running: RuntimeDeclaration = RUNNING) -> set[str]:
    with pytest.raises(BundleRefused) as refused:
        check_upgrade(running, proposed)
    assert all(problem.line for problem in refused.value.problems if problem.code != "port_missing")
    return {problem.code for problem in refused.value.problems}


def only_problem(proposed: RuntimeDeclaration) -> Problem:
    with pytest.raises(BundleRefused) as refused:
        check_upgrade(RUNNING, proposed)
    (problem,) = refused.value.problems
    return problem


QUERY = "@query\n"
COUNTED = 'invariant("counted"'
FEW = 'invariant("few", at_most(count(sellers), count(sales)))\n'
CLOSE = "def close(ctx: Context)"

SAFE = {
    "new body": ("return 0", "return number", set()),
    "new call": (QUERY, "@call(meaning=1)\ndef buy(ctx: Context) -> None:\n    pass\n\n\n" + QUERY, {"call_added"}),
    "new query": (QUERY, "@query\ndef one(ctx: Context) -> Amount:\n    return 1\n\n\n" + QUERY, {"query_added"}),
    "new optional field": ("field(3)\n", "field(3)\n    tax: Amount = field(4, default=0)\n", {"field_added"}),
    "new case": (
        "class Kind(Variant):\n    cash: Cash = case(1)\n",
        "class Card(Record):\n    n: Amount = field(1)\n\n\n"
        "class Kind(Variant):\n    cash: Cash = case(1)\n    card: Card = case(2)\n",
        {"case_added"},
    ),
    "new table": (COUNTED, "others = table(Seller, key=(Address,))\n" + COUNTED, {"table_added"}),
    "new invariant": (COUNTED, FEW + COUNTED, {"invariant_added"}),
    "another internal call": (CLOSE, CLOSE.replace(")", ", n: Amount)"), {"internal_call_changed"}),
    "renamed record class": ("Cash", "Coins", set()),
    "renamed invariant": (COUNTED, 'invariant("all_counted"', set()),
    "a flag before a call": ("@call(meaning=1)\n", '@call(meaning=1, flag="open")\n', {"call_flag_changed"}),
}
SELL = "@call(meaning=1)\ndef sell(ctx: Context, number: Amount) -> None:\n    ctx.delete(sales, ctx.sender, number)\n"
PRICE = "def price(ctx: Context, owner: Address, number: Amount) -> Amount:\n    return 0"
KNOWN = 'invariant("seller_known", refers(sales, "owner", sellers))\n'

BREAKING = {
    "removed call": (SELL, "", {"call_removed"}),
    "changed signature": ("number: Amount) -> None", "number: Text) -> None", {"call_changed"}),
    "changed meaning": (SELL, SELL.replace("meaning=1", "meaning=2"), {"call_changed"}),
    "closed call": (SELL, SELL.replace("meaning=1", "meaning=1, internal=True"), {"call_closed"}),
    "opened call": (", internal=True", "", {"call_opened"}),
    "removed query": (QUERY + PRICE, "", {"query_removed"}),
    "changed query": (PRICE, PRICE.replace("-> Amount", "-> Amount | None"), {"query_changed"}),
    "dropped invariant": (KNOWN, "", {"invariant_dropped"}),
    "changed invariant": ("equal(count(sales", "at_most(count(sales", {"invariant_added", "invariant_dropped"}),
    "renamed field": ("    price: Amount", "    cost: Amount", {"field_renamed"}),
    "supply": ('host = "0.1.0"', 'host = "0.1.0"\nsupply_change = 7', {"supply_changed"}),
}
REWRITING = {
    "new required field": ("field(3)\n", "field(3)\n    tax: Amount = field(4)\n", "field_required"),
    "removed field": ('    price: Amount = field(1, value="coin")\n', "", "field_removed"),
    "changed field": ('price: Amount = field(1, value="coin")', "price: Text = field(1)", "field_changed"),
    "lost mark": ("value=\"coin\"", "default=0", "field_changed"),
    "changed variant": ("case(1)", "case(2)", "variant_changed"),
    "changed record inside": ("coins: Amount = field(1)", "coins: Data = field(1)", "field_changed"),
}


def kinds(effect: Effect) -> set[str]:
    return {change.kind for change in effect.changes}


@pytest.mark.parametrize("name", SAFE)
def test_a_safe_change_passes_as_a_minor_version(name: str) -> None:
    old, new, changes = SAFE[name]
    effect = check_upgrade(RUNNING, declared((old, new), version="1.1.0", notes=""))
    assert kinds(effect) == changes
    assert not effect.breaking
    assert all(row[0] == "safe" for row in effect.rows())


@pytest.mark.parametrize("name", BREAKING)
def test_a_breaking_change_demands_a_major_version_and_notes(name: str) -> None:
    old, new, changes = BREAKING[name]
    effect = check_upgrade(RUNNING, declared((old, new)))
    assert kinds(effect) == changes
    assert effect.breaking
    assert effect.rows()[0][0] == "breaking"
    assert codes(declared((old, new), version="1.1.0")) == {"breaking_without_major"}
    assert codes(declared((old, new), notes=" ")) == {"notes_missing"}


@pytest.mark.parametrize("name", BREAKING)
def test_the_notes_name_each_breaking_change(name: str) -> None:
    """Whatever of it the notes leave out, the refusal lists, and notes made of that list are enough."""
    old, new, _ = BREAKING[name]
    problem = only_problem(declared((old, new), notes="Much is better now."))
    assert problem.code == "notes_incomplete"
    listed = problem.message.partition("write about ")[2].split(", ")
    effect = check_upgrade(RUNNING, declared((old, new), notes=" and ".join(listed) + "."))
    assert listed == list(dict.fromkeys(change.subject for change in effect.changes if change.breaking))
    for left_out in listed:
        kept = [one for one in listed if one != left_out]
        still = only_problem(declared((old, new), notes="Gone: " + ", ".join(kept)))
        assert still.message.endswith(f"write about {left_out}")


@pytest.mark.parametrize(
    ("notes", "named"),
    [
        ("shop.sell", True),
        ("No more shop.sell.", True),
        ("(`shop.sell`, for good)", True),
        ("shop.sell: gone", True),
        ("shop.sell\u00e9", True),
        ("shop.seller", False),
        ("shop.sell_now", False),
        ("shop.sell.price", False),
        ("the_shop.sell", False),
        ("my.shop.sell", False),
        ("shop .sell", False),
        ("Shop.sell", False),
        ("sell of the shop", False),
    ],
)
def test_a_name_stands_whole_in_the_notes(notes: str, named: bool) -> None:
    effect = effect_of(RUNNING, declared((SELL, "")))
    assert unnamed_in(notes, effect) == (() if named else ("shop.sell",))


def test_what_goes_with_a_module_needs_no_name_beside_it() -> None:
    files = {
        "bundle.toml": MANIFEST.replace("1.0.0", "2.0.0").replace('"shop"', '"stall"').encode(),
        "shop.py": SHOP.replace(QUERY + PRICE, "").encode(),
    }
    effect = effect_of(RUNNING, check_bundle(of_files(files), chain="test", host_release=None))
    assert {"module_removed", "table_removed", "call_removed", "invariant_dropped"} <= kinds(effect)
    assert unnamed_in("All is told.", effect) == ("shop",)
    assert unnamed_in("The shop is gone.", effect) == ()


@pytest.mark.parametrize("name", REWRITING)
def test_a_record_that_no_longer_fits_its_rows_demands_a_migration(name: str) -> None:
    old, new, kind = REWRITING[name]
    assert codes(declared((old, new))) == {"missing_migration"}
    sets = '"tax",' if name == "new required field" else ""
    migrated = declared((old, new), extra=migration(sets))
    effect = check_upgrade(RUNNING, migrated)
    assert kind in kinds(effect) and "table_migrated" in kinds(effect)
    assert effect.breaking


def migration(sets: str = "", body: str = "return old", options: str = "") -> str:
    return (
        f"\n\n@migration(sales, from_schema=1, sets=({sets}){options})\n"
        f"def anew(old: Old, frozen: Frozen{', inputs: Inputs' if 'reads' in options else ''}) -> Sale:\n    {body}\n"
    )


ARRIVAL = '\n\n@hook("post_upgrade")\ndef arrive(ctx: Context) -> None:\n    """Works at once."""\n    pass\n'
PAUSE = ('host = "0.1.0"\n', 'host = "0.1.0"\nrequires_pause = true\n')


def test_work_at_the_activation_is_said_and_shown() -> None:
    problem = only_problem(declared(extra=ARRIVAL))
    assert (problem.code, problem.file) == ("pause_not_declared", "shop.py")
    effect = check_upgrade(RUNNING, declared(PAUSE, extra=ARRIVAL))
    assert kinds(effect) == {"pause_required"} and not effect.breaking


def test_a_new_required_field_must_be_among_what_the_migration_sets() -> None:
    edit = ("field(3)\n", "field(3)\n    tax: Amount = field(4)\n")
    assert codes(declared(edit, extra=migration())) == {"field_not_set"}


def test_a_migration_that_sets_coins_is_breaking() -> None:
    effect = check_upgrade(RUNNING, declared(extra=migration('"price",')))
    assert {"coins_rewritten", "migration_one_way", "table_migrated"} == kinds(effect)
    assert effect.breaking and effect.tables_migrated == ("shop.sales",)
    assert not check_upgrade(RUNNING, declared(extra=migration(), version="1.1.0")).breaking


BEFORE = '\n\nclass Before(Record):\n    price: Amount = field(1, value="coin")\n    kind: Kind = field(3)\n'
BACK = "\n\n@reverse(sales)\ndef back(new: Sale) -> Before:\n    return Before(price=new.price, kind=new.kind)\n"


def test_a_migration_needs_more_votes_unless_it_declares_the_way_back() -> None:
    one_way = check_upgrade(RUNNING, declared(extra=migration(), version="1.1.0"))
    assert (one_way.one_way, one_way.needs_more_votes, one_way.breaking) == (True, True, False)
    both = check_upgrade(RUNNING, declared(extra=BEFORE + migration() + BACK, version="1.1.0"))
    assert (both.one_way, both.needs_more_votes, kinds(both)) == (False, False, {"table_migrated"})


def test_the_way_back_leads_to_the_record_that_runs() -> None:
    other = BEFORE.replace("field(3)", "field(2)")
    problem = only_problem(declared(extra=other + migration() + BACK))
    assert (problem.code, problem.file) == ("reverse_record", "shop.py")


REKEYED = (
    "\n\n@migration(sales, from_schema=1, sets=(), rekeys=True)\n"
    "def anew(key: tuple[Address, Amount], old: Old, frozen: Frozen) -> Sale:\n"
    "    return (key[0],), Sale(price=old.price, kind=old.kind)\n"
)


def test_a_key_changes_where_a_migration_says_so() -> None:
    one_part = 'sales = table(Sale, key=(Address, Amount), names=("owner", "number"))'
    edits = [(one_part, 'sales = table(Sale, key=(Address,), names=("owner",))'),
             ("ctx.delete(sales, ctx.sender, number)", "ctx.delete(sales, ctx.sender)")]  # fmt: skip
    assert codes(declared(*edits, extra=migration())) == {"table_rekeyed"}
    effect = check_upgrade(RUNNING, declared(*edits, extra=REKEYED))
    assert "table_rekeyed" in kinds(effect) and effect.breaking
    kept = check_upgrade(RUNNING, declared(extra=REKEYED.replace("(key[0],)", "key")))
    assert "table_rekeyed" in kinds(kept), "other keys of the same kinds break whoever knows them too"
    assert codes(declared(extra=BEFORE + REKEYED + BACK)) == {"rekeyed_reverse"}


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        (REKEYED.replace("key: tuple[Address, Amount], ", ""), "context"),
        (REKEYED.replace("rekeys=True", "rekeys=1"), "wrong_arguments"),
        (BEFORE + BACK, "nothing_to_reverse"),
        (BEFORE + migration() + BACK + BACK.replace("def back", "def again"), "nothing_to_reverse"),
        (BEFORE + migration() + BACK.replace("(new: Sale)", "(new: Sale, frozen: Frozen)"), "context"),
        (BEFORE + migration() + BACK.replace("-> Before", "-> Amount"), "answer"),
    ],
)
def test_a_migration_or_a_way_back_that_cannot_be_is_refused(extra: str, code: str) -> None:
    with pytest.raises(BundleRefused) as refused:
        declared(extra=extra)
    assert code in {problem.code for problem in refused.value.problems}


def test_a_migration_starts_from_the_running_schema_and_is_deleted_when_done() -> None:
    second = declared(extra=migration(), version="2.0.0")
    third = declared(("schema = 1", "schema = 3"), extra=migration().replace("schema=1", "schema=2"), version="3.0.0")
    check_upgrade(second, third)
    assert codes(third) == {"wrong_from_schema", "skipped_major"}
    again = declared(extra=migration(), version="2.1.0")
    assert codes(again, second) == {"wrong_from_schema", "schema_number"}
    assert codes(declared(version="2.1.0"), second) == {"schema_number"}


def test_a_migration_reads_what_the_running_runtime_has() -> None:
    gone = migration(body="return Sale(price=old.cost, kind=old.kind)")
    assert codes(declared(extra=gone)) == {"unknown_field"}
    absent = migration(body="return old", options=', reads=("shop.carts",)')
    assert codes(declared(extra=absent)) == {"unknown_table"}
    check_upgrade(RUNNING, declared(extra=migration(options=', reads=("shop.sellers",)')))
    check = "\n\n@validate(sales)\ndef fits(old: Old, new: Sale) -> bool:\n    return bool(old.cost == new.price)\n"
    assert codes(declared(extra=check)) == {"unknown_field"}


def test_a_migration_of_a_new_table_is_refused() -> None:
    new = (COUNTED, "others = table(Sale, key=(Address,))\n" + COUNTED)
    assert codes(declared(new, extra=migration().replace("(sales", "(others"))) == {"unknown_table"}


def test_a_key_never_changes() -> None:
    edit = ("sellers = table(Seller, key=(Address,)", "sellers = table(Seller, key=(Hash,)")
    drop = (KNOWN, "")
    counted = ('invariant("counted", equal(count(sales, by="owner"), total(sellers, "sales", by="key")))\n', "")
    with_body = ("ctx.delete(sellers, ctx.sender)", "ctx.delete(sellers, bytes(32))")
    assert codes(declared(edit, drop, counted, with_body)) == {"table_rekeyed"}


def test_a_rename_names_a_running_table_and_a_free_name() -> None:
    def renaming(old: str, new: str) -> RuntimeDeclaration:
        return declared(("schema = 1\n", f'schema = 1\n\n[renames]\n"shop.{old}" = "shop.{new}"\n'))

    assert codes(renaming("carts", "baskets")) == {"unknown_table"}
    assert codes(renaming("sales", "sellers")) >= {"table_taken"}
    assert codes(renaming("sales", "deals")) == {"table_taken"}


def test_lists_and_records_inside_records_are_compared_too() -> None:
    inside = (
        "class Sale(Record):\n",
        "class Line(Record):\n    n: Amount = field(2)\n\n\n"
        "class Sale(Record):\n    first: Line = field(4)\n    lines: tuple[Line, ...] = field(5, default=())\n",
    )
    ordered = ("    price: Amount = field(1, value=\"coin\")\n    kind: Kind = field(3)\n", "")
    running = declared(inside, ordered, version="1.0.0")
    grown = ("    n: Amount = field(2)\n", "    n: Amount = field(2)\n    m: Amount = field(3, default=0)\n")
    effect = check_upgrade(running, declared(inside, ordered, grown, version="1.1.0"))
    assert effect.of_kind("field_added") == ("shop.sales.first.m", "shop.sales.lines.m")
    reused = ("    n: Amount = field(2)\n", "    m: Amount = field(1, default=0)\n    n: Amount = field(2)\n")
    assert codes(declared(inside, ordered, reused), running) == {"number_reused"}


def test_a_number_is_never_used_again() -> None:
    edit = ("    kind: Kind = field(3)\n", "    tax: Amount = field(2, default=0)\n    kind: Kind = field(3)\n")
    assert codes(declared(edit)) == {"number_reused"}


def test_a_renamed_table_keeps_its_rows_and_its_invariants() -> None:
    renamed = SHOP.replace("sellers", "merchants")
    manifest = MANIFEST.replace("1.0.0", "2.0.0").replace("Told.", TOLD)
    files = {
        "bundle.toml": (manifest + '[renames]\n"shop.sellers" = "shop.merchants"\n').encode(),
        "shop.py": renamed.encode(),
    }
    effect = check_upgrade(RUNNING, check_bundle(of_files(files), chain="test", host_release=None))
    assert kinds(effect) == {"table_renamed"}
    assert effect.invariants_kept == ("shop.seller_known", "shop.counted")
    files["bundle.toml"] = manifest.encode()
    without = check_upgrade(RUNNING, check_bundle(of_files(files), chain="test", host_release=None))
    assert kinds(without) == {"table_removed", "table_added", "invariant_dropped", "invariant_added"}


@pytest.mark.parametrize(
    ("version", "code"),
    [("1.0.0", "not_newer"), ("0.9.9", "not_newer"), ("3.0.0", "skipped_major"), ("4.1.2", "skipped_major")],
)
def test_a_downgrade_and_a_skipped_major_are_refused(version: str, code: str) -> None:
    assert codes(declared(version=version)) == {code}


def test_every_reason_is_told_at_once() -> None:
    both = declared((SELL, ""), ("coins: Amount = field(1)", "coins: Data = field(1)"), version="1.1.0", notes="")
    assert codes(both) == {"breaking_without_major", "notes_missing", "missing_migration"}


def test_a_port_may_move_but_never_vanish() -> None:
    port = '\n[ports.purse]\ntable = "shop.{}"\nfield = "{}"\n'
    purse = 'class Purse(Record):\n    {}: Amount = field(1, value="coin")\n\n\npurses = table(Purse, key=(Address,))\n'

    def with_purse(name: str, version: str, *, kept: bool = True) -> RuntimeDeclaration:
        edit = ("sellers = table(", purse.format(name) + "sellers = table(")
        ported = ("schema = 1\n", "schema = 1\n" + (port.format("purses", name) if kept else ""))
        return declared(edit, ported, version=version)

    running = with_purse("coins", "1.0.0")
    assert "port_changed" in kinds(check_upgrade(running, with_purse("balance", "2.0.0")))
    assert codes(with_purse("coins", "2.0.0", kept=False), running) == {"port_missing"}


def test_the_digest_stands_for_the_whole_effect() -> None:
    one, two = declared((SELL, "")), declared((SELL, "", ), (KNOWN, ""))
    effect = effect_of(RUNNING, one)
    assert effect_digest(RUNNING, one) == effect.digest != effect_digest(RUNNING, two)
    assert effect_digest(RUNNING, declared((SELL, ""), ("return 0", "return 1"))) == effect.digest
    codec = codec_of(Effect)
    assert codec.decode_canonical(codec.encode(effect)) == effect
