"""Records of other shapes: variants seen as the record of their case, and old records on their way to new ones."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from runtime.context import failed_check, invoke_migration
from runtime.metering.faults import HostFault
from runtime.metering.limits import READ_STEPS
from runtime.metering.meter import Meter
from runtime.scope import Inputs
from storage.record import define_record, define_variant
from tests.runtime.small_chain import bundle_of, loaded_from, small_chain

SHAPES = '''
"""A record of every kind of field."""
class Inner(Record):
    n: Amount = field(1, default=0)
class Every(Record):
    amount: Amount = field(1, default=0)
    flag: Flag = field(2, default=False)
    text: Text = field(3, default="")
    data: Data = field(4, default=b"")
    owner: Address = field(5)
    root: Hash = field(6)
    inners: tuple[Inner, ...] = field(7, default=())
    numbers: tuple[Amount, ...] = field(8, default=())
    one: Inner = field(9)
rows = table(Every, key=(Amount,), names=("number",))

@call(meaning=1)
def keep(ctx: Context) -> None:
    sound = Every(owner=ctx.sender, root=bytes(32), one=Inner(n=1))
    ctx.put(rows, 1, sound.but({change}))
'''


@pytest.mark.parametrize(
    "change",
    [
        *("amount=-1", "amount=True", "amount='1'", "amount=None", "flag=1", "flag=None", "text=b''", "text=5"),
        *("data=''", "data=5", "owner=b'short'", "owner=bytes(21)", "owner='x' * 20", "root=bytes(20)", "root=0"),
        *("inners=[Inner(n=1)]", "inners=(1,)", "inners=(None,)", "inners=Inner(n=1)", "inners=((Inner(n=1),),)"),
        *("numbers=(-1,)", "numbers=(1, '2')", "numbers=(True,)", "one=None", "one=sound", "one=(Inner(n=1),)"),
    ],
)
def test_a_record_holds_nothing_but_what_it_declares(tmp_path: Path, change: str) -> None:
    with small_chain(tmp_path, loaded_from(bundle_of({"one": SHAPES.replace("{change}", change)}))) as chain:
        assert chain.code("one.keep") == "wrong_record"


@pytest.mark.parametrize(
    "change",
    [
        *("amount=2**255 - 1 + 2**255", "flag=True", "text='x' * 60000", "data=bytes(60000)", "owner=bytes(20)"),
        *("inners=(Inner(n=1), Inner())", "numbers=(1, 2**200)", "one=Inner(n=2**200)"),
    ],
)
def test_a_sound_record_is_kept_as_it_is(tmp_path: Path, change: str) -> None:
    with small_chain(tmp_path, loaded_from(bundle_of({"one": SHAPES.replace("{change}", change)}))) as chain:
        assert chain.code("one.keep", written=100_000) == "ok"
        table = chain.loaded.tables["one.rows"]
        row = chain.rows("one.rows")[0][1]
        assert table.codec.decode_canonical(table.codec.encode(row)) == row


def test_texts_and_data_beyond_the_limit_are_no_field(tmp_path: Path) -> None:
    for change in ("text='x' * 65536 + 'x'", "text='\\u20ac' * 30000", "data=bytes(65536) + b'x'"):
        loaded = loaded_from(bundle_of({"one": SHAPES.replace("{change}", change)}))
        folder = tmp_path / str(len(change))
        folder.mkdir()
        with small_chain(folder, loaded) as chain:
            assert chain.code("one.keep") == "value_too_large"


VARIANTS = '''
"""A record that holds one of two others."""
class Plain(Record):
    title: Text = field(1)
class Spend(Record):
    coins: Amount = field(1)
class Payload(Variant):
    plain: Plain = case(1)
    spend: Spend = case(2)
class Proposal(Record):
    payload: Payload = field(1)
    more: tuple[Payload, ...] = field(2, default=())
proposals = table(Proposal, key=(Amount,), names=("number",))

@call(meaning=1)
def submit(ctx: Context, number: Amount, payload: Payload) -> None:
    kind = "spend" if isinstance(payload, Spend) else "plain"
    ctx.put(proposals, number, Proposal(payload=payload, more=(Plain(title=kind), Spend(coins=number))))

@query
def coins(ctx: Context, number: Amount) -> Amount:
    found = ctx.get(proposals, number)
    return (found.payload.coins if isinstance(found.payload, Spend) else 0) + found.more[1].coins

@query
def payload_of(ctx: Context, number: Amount) -> Payload:
    return ctx.get(proposals, number).payload
'''


def test_a_variant_is_the_record_of_its_case(tmp_path: Path) -> None:
    loaded = loaded_from(bundle_of({"gov": VARIANTS}))
    with small_chain(tmp_path, loaded) as chain:
        submit = loaded.calls[("gov", "submit")]
        kind = submit.declaration.args.fields[1].type
        spend = dict(kind.cases)[2]
        payload = define_variant(kind).of(define_record(spend)(coins=40))
        raw = submit.codec.encode(submit.codec.record(number=2, payload=payload))
        assert chain.send("gov.submit", *submit.arguments(raw)) == "ok"
        assert chain.ask("gov.coins", 2) == 42
        assert chain.ask("gov.payload_of", 2) == define_record(spend)(coins=40)


MIGRATING = '''
"""A table on its way to another schema."""
class Account(Record):
    balance: Amount = field(1, value="coin")
    since: Amount = field(2, default=0)
    label: Text = field(3, default="")
accounts = table(Account, key=(Address,), names=("owner",))

@migration(accounts, from_schema=1, sets=("since", "label"), reads=("bank.labels",), frozen=("scheduled_at",))
def date(old: Old, frozen: Frozen, inputs: Inputs) -> Account:
    label = inputs.get("bank.labels", old.balance)
    return Account(balance=old.balance, since=frozen.scheduled_at, label="" if label is None else label.label)

@validate(accounts)
def kept(old: Old, new: Account) -> Flag:
    return old.balance == new.balance and new.since > 0
'''


def test_a_migration_sees_old_record_frozen_parameters_and_declared_inputs() -> None:
    loaded = loaded_from(bundle_of({"bank": MIGRATING}))
    migration = next(iter(loaded.declaration.migrations()))
    record = loaded.tables["bank.accounts"].record

    class Labels:
        def get(self, table: str, key: tuple[int, ...]) -> object:
            return record(balance=0, label=f"{table}{key}") if key == (5,) else None

    def migrated(balance: int, height: int) -> object:
        old, meter = record(balance=balance), Meter(10_000, 0)
        frozen = SimpleNamespace(scheduled_at=height)
        new = invoke_migration(loaded, migration, (bytes(20),), old, frozen, meter, Labels())
        assert meter.steps > READ_STEPS
        return new, failed_check(loaded, "bank.accounts", old, new, meter)

    assert migrated(5, 9) == (record(balance=5, since=9, label="bank.labels(5,)"), None)
    assert migrated(6, 0) == (record(balance=6), next(loaded.declaration.validators()))
    assert failed_check(loaded, "bank.other", None, None, Meter(1, 0)) is None


def test_a_migration_reads_no_table_that_it_does_not_declare() -> None:
    """The checker refuses it; were it passed by, the inputs still would."""
    inputs = Inputs({}, ("bank.labels",), Meter(1_000, 0))  # type: ignore[arg-type]
    with pytest.raises(HostFault, match="foreign_table"):
        inputs.get("bank.accounts", 5)
