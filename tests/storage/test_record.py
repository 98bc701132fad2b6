"""What a record class may look like, and what its schema says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from storage.errors import InvalidSchema
from storage.record import (
    Address,
    Amount,
    Data,
    FieldSpec,
    Flag,
    Hash,
    Record,
    Schema,
    Text,
    TypeSpec,
    Variant,
    case,
    define_record,
    field,
    schema_of,
)


class Coin(Record):
    units: Amount = field(1, value="coin")
    memo: Text = field(3, default="")


class Other(Record):
    units: Amount = field(1)


def test_a_schema_lists_numbers_names_types_defaults_and_marks() -> None:
    fields = schema_of(Coin).fields
    assert [(f.number, f.name, f.type.kind, f.has_default, f.value) for f in fields] == [
        (1, "units", "amount", False, "coin"),
        (3, "memo", "text", True, ""),
    ]
    assert schema_of(Coin).field("memo") is fields[1]
    assert schema_of(Coin).field("nothing") is None


def test_a_record_is_frozen_compared_by_content_and_copied_with_changes() -> None:
    coin = Coin(units=3)
    assert coin.but(memo="x") == Coin(units=3, memo="x") != coin
    assert hash(coin) == hash(Coin(units=3))
    with pytest.raises(AttributeError):
        coin.units = 4  # type: ignore[misc]
    with pytest.raises(TypeError):
        Coin(3)  # type: ignore[call-arg, misc]
    with pytest.raises(TypeError):
        coin.but(unknown=1)


def test_each_kind_has_its_type() -> None:
    class Every(Record):
        amount: Amount = field(1, default=0)
        flag: Flag = field(2, default=False)
        text: Text = field(3, default="")
        data: Data = field(4, default=b"")
        address: Address = field(5)
        hash: Hash = field(6)
        items: tuple[Amount, ...] = field(7, default=())
        coin: Coin = field(8)

    assert [f.type.kind for f in schema_of(Every).fields] == [
        "amount", "flag", "text", "data", "address", "hash", "list", "record",
    ]  # fmt: skip
    assert schema_of(Every).fields[6].type == TypeSpec("list", item=TypeSpec("amount"))
    assert schema_of(Every).fields[7].type.schema == schema_of(Coin)


def digest_of(annotation: Any = Amount, number: int = 1, name: str = "units", **marks: Any) -> bytes:
    body = {"__module__": __name__, "__annotations__": {name: annotation}, name: field(number, **marks)}
    return schema_of(type(Record)("Made", (Record,), body)).digest


def test_the_digest_tells_every_difference_that_changes_meaning() -> None:
    digests = [
        digest_of(),
        digest_of(number=2),
        digest_of(name="count"),
        digest_of(Text),
        digest_of(default=0),
        digest_of(value="coin"),
        digest_of(tuple[Amount, ...]),
        digest_of(Coin),
        digest_of(Other),
        digest_of(tuple[Coin, ...]),
    ]
    assert len(set(digests)) == len(digests)
    assert digest_of() == schema_of(Other).digest


def test_a_class_made_from_a_schema_is_told_apart_from_no_written_one() -> None:
    made = define_record(schema_of(Coin))
    assert schema_of(made) == schema_of(Coin)
    assert str(made(units=3)) == str(Coin(units=3))


def test_threads_that_ask_for_a_schema_at_once_get_one_class() -> None:
    before, threads = sys.getswitchinterval(), 8
    barrier = Barrier(threads)

    def made(number: int) -> type[Record]:
        fields = tuple(FieldSpec(n, f"field_{n}", TypeSpec("amount"), False) for n in range(1, 9))
        barrier.wait()
        return define_record(Schema(f"AtOnce{number}", fields))

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(threads) as pool:
            for number in range(5):
                classes = {future.result() for future in [pool.submit(made, number) for _ in range(threads)]}
                assert len(classes) == 1
    finally:
        sys.setswitchinterval(before)


def declare(base: type, **attributes: tuple[Any, Any]) -> None:
    body: dict[str, Any] = {"__module__": __name__, "__annotations__": {k: a for k, (a, _) in attributes.items()}}
    body.update({name: value for name, (_, value) in attributes.items() if value is not None})
    type(base)("Made", (base,), body)


REFUSED: dict[str, Callable[[], None]] = {
    "without a number": lambda: declare(Record, units=(Amount, None)),
    "with a plain value": lambda: declare(Record, units=(Amount, 5)),
    "number zero": lambda: declare(Record, units=(Amount, field(0))),
    "number twice": lambda: declare(Record, a=(Amount, field(1)), b=(Amount, field(1))),
    "numbers falling": lambda: declare(Record, a=(Amount, field(2)), b=(Amount, field(1))),
    "a number that is a flag": lambda: declare(Record, a=(Amount, field(True))),
    "a float": lambda: declare(Record, units=(float, field(1))),
    "a plain int": lambda: declare(Record, units=(int, field(1))),
    "a list": lambda: declare(Record, units=(list[Amount], field(1))),
    "a pair": lambda: declare(Record, units=(tuple[Amount, Amount], field(1))),
    "an option": lambda: declare(Record, units=(Amount | None, field(1))),
    "a name nobody declared": lambda: declare(Record, units=("Nowhere", field(1))),
    "a default that is not zero": lambda: declare(Record, units=(Amount, field(1, default=1))),
    "a flag's zero for an amount": lambda: declare(Record, units=(Amount, field(1, default=False))),
    "a default that is on": lambda: declare(Record, on=(Flag, field(1, default=True))),
    "a default address": lambda: declare(Record, owner=(Address, field(1, default=b""))),
    "a default record": lambda: declare(Record, coin=(Coin, field(1, default=None))),
    "a list as default": lambda: declare(Record, items=(tuple[Amount, ...], field(1, default=[]))),
    "an unknown mark": lambda: declare(Record, units=(Amount, field(1, value="gold"))),
    "a marked text": lambda: declare(Record, memo=(Text, field(1, value="coin"))),
    "a private name": lambda: declare(Record, _units=(Amount, field(1))),
    "a name that records have": lambda: declare(Record, but=(Amount, field(1))),
    "a keyword": lambda: declare(Record, **{"class": (Amount, field(1))}),
    "inheritance": lambda: declare(Coin, more=(Amount, field(9))),
    "a variant without cases": lambda: declare(Variant),
    "a case that is no record": lambda: declare(Variant, units=(Amount, case(1))),
    "two cases of one record": lambda: declare(Variant, a=(Coin, case(1)), b=(Coin, case(2))),
    "a case named as the variant's own": lambda: declare(Variant, value=(Coin, case(1))),
}


@pytest.mark.parametrize("declaration", REFUSED.values(), ids=REFUSED)
def test_a_declaration_that_breaks_the_rules_is_refused(declaration: Callable[[], None]) -> None:
    with pytest.raises(InvalidSchema, match="cannot be declared"):
        declaration()


def test_a_field_without_a_type_is_refused() -> None:
    with pytest.raises(InvalidSchema, match="without a type"):

        class Untyped(Record):
            units = field(1)
