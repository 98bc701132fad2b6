"""What bundle code can see and do: its own tables, declared calls, queries, events; and what it pays for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.address import address_text, module_address
from runtime.context import Context
from runtime.metering.faults import Fault, HostFault
from runtime.metering.limits import ADDRESS_STEPS, MAX_EVENTS
from runtime.metering.meter import Meter
from runtime.scope import TableHandle
from storage.errors import StoreDamaged
from tests.runtime.small_chain import ALICE, BOB, SmallChain, bundle_of, loaded_from, small_chain

BANK = '''
"""Purses."""
class Account(Record):
    balance: Amount = field(1, value="coin")
class Note(Record):
    text: Text = field(1)
accounts = table(Account, key=(Address,), names=("owner",))
notes = table(Note, key=(Address, Amount), names=("owner", "number"))

@call(meaning=1)
def mint(ctx: Context, owner: Address, coins: Amount) -> None:
    old = ctx.get(accounts, owner) or Account(balance=0)
    ctx.put(accounts, owner, old.but(balance=old.balance + coins))
    ctx.event("minted", owner=owner, coins=coins, first=old.balance == 0, why="test")

@call(meaning=1, internal=True)
def take(ctx: Context, owner: Address, coins: Amount) -> None:
    ctx.event("asked", by=ctx.caller)
    account = ctx.get(accounts, owner) or Account(balance=0)
    ctx.put(accounts, owner, Account(balance=0))
    if account.balance < coins:
        raise Refused("insufficient_funds")
    ctx.put(accounts, owner, account.but(balance=account.balance - coins))

@call(meaning=1)
def note(ctx: Context, number: Amount, text: Text) -> None:
    ctx.put(notes, ctx.sender, number, Note(text=text))

@call(meaning=1)
def drop(ctx: Context, number: Amount) -> None:
    ctx.delete(notes, ctx.sender, number)

@call(meaning=1, flag="fancy")
def fancy(ctx: Context) -> None:
    ctx.event("fancy")

@call(meaning=1)
def wrong_key(ctx: Context, key: Data) -> None:
    ctx.put(accounts, key, Account(balance=1))

@call(meaning=1)
def wrong_record(ctx: Context) -> None:
    ctx.put(accounts, ctx.sender, Note(text="no account"))

@call(meaning=1)
def scan_too_far(ctx: Context, rows: Amount) -> None:
    ctx.scan(notes, limit=rows)

@query
def balance(ctx: Context, owner: Address) -> Amount:
    account = ctx.get(accounts, owner)
    return 0 if account is None else account.balance

@query
def notes_of(ctx: Context, owner: Address, limit: Amount) -> tuple[Text, ...]:
    return tuple(str(key[1]) + row.text for key, row in ctx.scan(notes, owner, limit=limit))

@query
def asked(ctx: Context) -> Text:
    return ctx.sender.hex() + " by " + ctx.caller

@query
def length(ctx: Context, owner: Address, number: Amount) -> Amount:
    found = ctx.get(notes, owner, number)
    return 0 if found is None else len(found.text)

@query
def world(ctx: Context) -> tuple[Text, ...]:
    return (ctx.chain_id, str(ctx.height), str(ctx.parameter("call_steps")), str(ctx.flag("fancy")), ctx.sender.hex())

@query
def home(ctx: Context, name: Text) -> Address:
    return ctx.module_address(name)

@query
def nothing_like_it(ctx: Context) -> Amount:
    return "a text"

@query
def unknown(ctx: Context) -> Amount:
    return ctx.parameter("no_such_parameter")
'''
SHOP = '''
"""A module that uses another."""
class Sale(Record):
    coins: Amount = field(1, value="coin")
    tries: Amount = field(2, default=0)
sales = table(Sale, key=(Address,), names=("owner",))

@call(meaning=1)
def buy(ctx: Context, coins: Amount) -> None:
    ctx.put(sales, ctx.sender, Sale(coins=coins))
    ctx.call("bank.take", ctx.sender, coins)

@call(meaning=1)
def try_to_buy(ctx: Context, coins: Amount) -> None:
    try:
        ctx.call("bank.take", ctx.sender, coins)
        ctx.put(sales, ctx.sender, Sale(coins=coins))
    except Refused:
        ctx.event("no_sale")
        ctx.put(sales, ctx.sender, Sale(coins=0, tries=1))

@call(meaning=1)
def wrong_arguments(ctx: Context) -> None:
    ctx.call("bank.take", ctx.sender, "all")

@call(meaning=1)
def buy_for_ever(ctx: Context) -> None:
    try:
        ctx.call("bank.take", ctx.sender, 1 // 0)
    except Refused:
        ctx.event("caught")

@call(meaning=1)
def who(ctx: Context) -> None:
    ctx.event("who", text=ctx.query("bank.asked"))

@query
def wealth(ctx: Context, owner: Address) -> Amount:
    sale = ctx.get(sales, owner)
    return ctx.query("bank.balance", owner) + (0 if sale is None else sale.coins)
'''


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[SmallChain]:
    loaded = loaded_from(bundle_of({"bank": BANK, "shop": SHOP}, {"shop": ["bank.take"]}))
    with small_chain(tmp_path, loaded) as made:
        yield made


def test_a_call_reads_what_it_wrote_and_tells_the_world(chain: SmallChain) -> None:
    assert chain.send("bank.mint", BOB, 5) == "ok"
    assert chain.send("bank.mint", BOB, 7) == "ok"
    assert chain.ask("bank.balance", BOB) == 12
    first, second = ([(a.name, a.value) for a in event.attributes] for event in chain.events)
    assert chain.events[0].kind == "bank.minted"
    assert first == [("owner", address_text(BOB)), ("coins", "5"), ("first", "true"), ("why", "test")]
    assert second[2] == ("first", "false")


def test_the_context_shows_chain_height_parameters_and_flags(chain: SmallChain) -> None:
    assert chain.ask("bank.world") == ("test", "5", "200000", "False", "")
    chain.parameters.flags.add("fancy")
    assert chain.ask("bank.world")[3] == "True"
    assert chain.ask("bank.home", "shop") == module_address("shop")
    assert chain.ask("bank.unknown").code == "unknown_parameter"


def test_a_call_behind_a_flag_runs_only_with_it(chain: SmallChain) -> None:
    assert chain.code("bank.fancy") == "feature_off"
    chain.parameters.flags.add("fancy")
    assert chain.code("bank.fancy") == "ok"


def test_an_internal_call_is_not_for_transactions(chain: SmallChain) -> None:
    assert chain.code("bank.take", ALICE, 1) == "internal_call"


def test_a_refusal_inside_another_module_undoes_all_of_it(chain: SmallChain) -> None:
    chain.send("bank.mint", ALICE, 3)
    said = len(chain.events)
    assert chain.code("shop.buy", 5) == "insufficient_funds"
    assert (chain.rows("shop.sales"), chain.ask("bank.balance", ALICE), len(chain.events)) == ([], 3, said)
    assert chain.code("shop.buy", 2) == "ok"
    assert chain.ask("bank.balance", ALICE) == 1
    assert chain.events[-1].attributes[0].value == "shop"


def test_a_caught_refusal_undoes_only_what_the_callee_did(chain: SmallChain) -> None:
    chain.send("bank.mint", ALICE, 3)
    assert chain.code("shop.try_to_buy", 5) == "ok"
    assert chain.ask("bank.balance", ALICE) == 3
    assert [row.tries for _, row in chain.rows("shop.sales")] == [1]
    assert [event.kind for event in chain.events] == ["bank.minted", "shop.no_sale"]
    assert chain.meter.depth == 0


def test_a_fault_in_a_call_cannot_be_caught(chain: SmallChain) -> None:
    assert chain.code("shop.buy_for_ever") == "division_by_zero"
    assert chain.events == []


def test_only_declared_calls_with_fitting_arguments_are_made(chain: SmallChain) -> None:
    assert chain.code("shop.wrong_arguments") == "wrong_record"
    chain.loaded = replace(chain.loaded, uses={"shop": frozenset()}, needs={"shop": frozenset()})
    assert chain.code("shop.buy", 1) == "undeclared_use"
    assert chain.ask("shop.wealth", ALICE).code == "undeclared_use"


def test_a_query_reaches_other_modules_queries(chain: SmallChain) -> None:
    chain.send("bank.mint", ALICE, 9)
    chain.send("shop.buy", 4)
    assert chain.ask("shop.wealth", ALICE) == 9


def test_a_query_sees_who_asks(chain: SmallChain) -> None:
    assert chain.ask("bank.asked") == " by "
    chain.send("shop.who", sender=BOB)
    assert chain.events[-1].attributes[0].value == BOB.hex() + " by shop"


def test_an_answer_of_another_type_is_a_fault(chain: SmallChain) -> None:
    assert chain.ask("bank.nothing_like_it").code == "wrong_result"


def test_scans_give_rows_in_key_order_up_to_a_limit(chain: SmallChain) -> None:
    for number in (300, 2, 70000, 1):
        chain.send("bank.note", number, "x")
        chain.send("bank.note", number, "other", sender=BOB)
    assert chain.ask("bank.notes_of", ALICE, 3) == ("1x", "2x", "300x")
    chain.send("bank.drop", 1)
    assert chain.ask("bank.notes_of", ALICE, 9) == ("2x", "300x", "70000x")
    assert chain.code("bank.scan_too_far", 1001) == "wrong_value"


def test_keys_and_records_of_the_wrong_kind_are_faults_with_a_line(chain: SmallChain) -> None:
    found = chain.send("bank.wrong_key", b"short")
    assert isinstance(found, Fault)
    assert (found.code, found.file) == ("wrong_key", "bank.py")
    assert chain.code("bank.wrong_record") == "wrong_record"
    assert chain.code("bank.mint", ALICE, 2**256 - 1) == "ok"
    assert chain.code("bank.mint", ALICE, 1) == "value_too_large"


def test_bytes_written_are_limited_apart_from_steps(chain: SmallChain) -> None:
    assert chain.code("bank.note", 1, "x" * 900, written=1000) == "ok"
    assert chain.meter.written > 900
    assert chain.code("bank.note", 1, "x" * 1000, written=1000) == "out_of_bytes"
    assert chain.meter.written == 1000
    assert chain.code("bank.note", 1, "x" * 60000, steps=1000) == "out_of_steps"


@pytest.mark.parametrize("query", [("bank.notes_of", ALICE, 5), ("bank.length", ALICE, 1)])
def test_reading_a_large_record_costs_its_size(chain: SmallChain, query: tuple[str, bytes, int]) -> None:
    chain.send("bank.note", 1, "x" * 64)
    chain.ask(*query)
    little = chain.meter.steps
    chain.send("bank.note", 1, "x" * 60000)
    chain.ask(*query)
    assert chain.meter.steps - little > 900


ONE_TABLE = '''
"""One table."""
class Row(Record):
    n: Amount = field(1)
rows = table(Row, key=(Amount,), names=("number",))
'''


@pytest.mark.parametrize("statement", ["ctx.put(rows, 1, Row(n=1))", "ctx.delete(rows, 1)", 'ctx.event("no")'])
def test_what_only_reads_cannot_write(tmp_path: Path, statement: str) -> None:
    """The checker refuses it; were it passed by, the context still would."""
    with small_chain(tmp_path, loaded_from(bundle_of({"one": ONE_TABLE}))) as chain:
        table = chain.loaded.tables["one.rows"]
        ctx = Context(chain, "one", b"", Meter(1000, 1000), read_only=True)
        with pytest.raises(HostFault, match="read_only"):
            eval(statement, {"ctx": ctx, "rows": TableHandle(table, "one"), "Row": table.record})
        other = Context(chain, "two", b"", Meter(1000, 1000))
        for write in (other.get, other.put, other.delete):
            with pytest.raises(HostFault, match="foreign_table"):
                write(TableHandle(table, "one"), 1, table.record(n=1))


def test_a_row_has_a_whole_key(tmp_path: Path) -> None:
    """Storage takes the first parts of a key for the beginning of many; no row may stand there."""
    with small_chain(tmp_path, loaded_from(bundle_of({"bank": BANK}))) as chain:
        notes = TableHandle(chain.loaded.tables["bank.notes"], "bank")
        note = chain.loaded.tables["bank.notes"].record(text="")
        ctx = Context(chain, "bank", ALICE, Meter(10_000, 10_000))
        for key in ((), (ALICE,), (ALICE, 1, 2)):
            for access in (lambda key=key: ctx.get(notes, *key), lambda key=key: ctx.delete(notes, *key)):
                with pytest.raises(HostFault, match="wrong_key"):
                    access()
            with pytest.raises(HostFault, match="wrong_key"):
                ctx.put(notes, *key, note)
        with pytest.raises(HostFault, match="wrong_key"):
            ctx.scan(notes, ALICE, 1, 2, limit=5)
        assert chain.rows("bank.notes") == []


def test_events_are_bounded_in_number_and_size(tmp_path: Path) -> None:
    with small_chain(tmp_path, loaded_from(bundle_of({"bank": BANK}))) as chain:
        ctx = Context(chain, "bank", ALICE, Meter(1_000_000, 1_000_000))
        for _ in range(MAX_EVENTS):
            ctx.event("told")
        with pytest.raises(HostFault, match="value_too_large"):
            ctx.event("told")
        ctx = Context(chain, "bank", ALICE, Meter(1_000_000, 1_000_000))
        for too_large in ("\xe9" * 40_000, b"x" * 40_000):
            with pytest.raises(HostFault, match="value_too_large"):
                ctx.event("told", value=too_large)
        with pytest.raises(HostFault, match="wrong_type"):
            ctx.event("told", value=(1,))
        for name in ("", "x" * 65, "\xe9", 5):
            with pytest.raises(HostFault, match="wrong_value"):
                ctx.event(name)


def test_an_event_shows_addresses_as_such_and_pays_for_each(tmp_path: Path) -> None:
    with small_chain(tmp_path, loaded_from(bundle_of({"bank": BANK}))) as chain:
        costs = []
        for value in (ALICE, ALICE.hex()):
            ctx = Context(chain, "bank", ALICE, Meter(1_000_000, 1_000_000))
            ctx.event("told", value=value)
            costs.append(ctx._meter.steps)
        assert [one.attributes[0].value for one in chain.events] == [address_text(ALICE), ALICE.hex()]
        assert abs(costs[0] - costs[1]) >= ADDRESS_STEPS - 1
        with pytest.raises(HostFault, match="out_of_steps"):
            Context(chain, "bank", ALICE, Meter(ADDRESS_STEPS, 1_000_000)).event("told", value=ALICE)


def test_a_damaged_store_is_no_fault_of_the_bundle(chain: SmallChain, tmp_path: Path) -> None:
    class Damaged:
        def get(self, table: object, key: object) -> None:
            raise StoreDamaged(tmp_path, "a bad block")

    chain.overlay = Damaged()  # type: ignore[assignment]
    with pytest.raises(StoreDamaged):
        chain.ask("bank.balance", ALICE)
