"""Records of other shapes: variants seen as the record of their case, and old records on their way to new ones."""

from __future__ import annotations

from pathlib import Path

from runtime.context import invoke_migration, invoke_validate
from runtime.metering.limits import READ_STEPS
from runtime.metering.meter import Meter
from storage.record import define_record, define_variant
from tests.runtime.small_chain import bundle_of, loaded_from, small_chain

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
        new = invoke_migration(loaded, migration, old, {"scheduled_at": height}, meter, Labels())
        assert meter.steps > READ_STEPS
        return new, invoke_validate(loaded, "bank.accounts", old, new, meter)

    assert migrated(5, 9) == (record(balance=5, since=9, label="bank.labels(5,)"), True)
    assert migrated(6, 0) == (record(balance=6), False)
    assert invoke_validate(loaded, "bank.other", None, None, Meter(1, 0))
